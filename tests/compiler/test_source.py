"""The page of a compiled function: what it computes, to the last bit, in the user's names, with the formulas and the user's lines."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import nn, optim
from tinygrad_ko.nn import TwoLayerNet

RNG = np.random.default_rng(0)
X, LABELS = RNG.random((100, 784)), RNG.integers(0, 10, 100)


def two_layer_step():
    """A compiled training step of the book's network that has been called."""
    net = TwoLayerNet(784, 50, 10, rng=0)

    @tg.compile
    def step(x, t, lr):
        loss, gradient = net.loss_and_gradient(x, t)
        for name in net.params:
            net.params[name] = net.params[name] - lr * gradient[name]
        return loss

    step(X, LABELS, 0.1)
    return step


def code(page):
    """The lines of a page without comments, docstrings and indentation."""
    page = re.sub(r'""".*?"""', "", page, flags=re.S)
    lines = [line.partition("#")[0].strip() for line in page.splitlines()]
    return [line for line in lines if line]


def test_the_step_of_the_books_network_is_a_page():
    page = two_layer_step().source
    lines = [line.strip() for line in page.splitlines()]
    assert len(lines) <= 62
    assert "def step(x, t, lr, W1, b1, W2, b2):" in lines
    assert "float64: x (100, 784), W1 (784, 50), b1 (50,), W2 (50, 10), b2 (10,); int64: t (100,); float: lr" in page
    for line in (
        '# forward: hidden = sigmoid(affine(x, p["W1"], p["b1"]))',
        "scores = hidden @ W2  # (100, 10)",
        "scores += b2",
        "# backward: loss = softmax_cross_entropy(self.scores(x, p), t)",
        "dW2 = hidden.T @ dscores  # (50, 10)",
        "# rule of affine: db2 = dscores (summed to the shape (10,))",
        "# rule of sigmoid: daffine = dhidden * (hidden * one_minus_sigmoid(affine))",
        "new_b1 = b1 - lr * db1  # (50,)",
        "return np.asarray(loss), new_W1, new_b1, new_W2, new_b2",
    ):
        assert line in lines, line


def test_each_part_stands_together_under_one_comment():
    comments = [line.strip() for line in two_layer_step().source.splitlines() if line.strip().startswith("# ")]
    assert len(set(comments)) == len(comments)
    kinds = [comment.partition(":")[0] for comment in comments if comment.startswith(("# forward", "# backward"))]
    assert kinds == ["# forward"] * 3 + ["# backward"] * 3


def test_a_page_in_korean_differs_in_its_comments_alone():
    step = two_layer_step()
    page = step.page(language="ko")
    assert code(page) == code(step.source) == code(step.page())
    assert '# 순전파: hidden = sigmoid(affine(x, p["W1"], p["b1"]))' in page
    assert "# affine의 미분 규칙: db2 = dscores (형상 (10,)에 맞추어 합산)" in page
    assert "db2: b2에 대한 기울기." in page
    assert not re.search("forward|backward|through|functions|made by", page, re.I)


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="language must be 'en' or 'ko', not 'fr'") as caught:
        two_layer_step().page("fr")
    assert "'en' 또는 'ko'" in caught.value.__notes__[0]


def test_before_the_first_call_there_is_no_page():
    double = tg.compile(lambda x: 2 * x)
    for read in (lambda: double.source, lambda: double.page("ko")):
        with pytest.raises(RuntimeError, match=r"there is no program yet; call .* once") as caught:
            read()
        assert "한 번 호출한 뒤에" in caught.value.__notes__[0]


def test_the_page_is_that_of_the_last_call():
    double = tg.compile(lambda x: 2 * x)
    for n in (3, 4, 3):
        double(np.ones(n))
        assert f"x ({n},)" in double.source


def test_what_is_used_once_stands_in_one_expression():
    @tg.compile
    def scaled(x):
        scale = np.sqrt(np.sum(x * x, axis=0) / 16 + 1e-5)
        return x / scale

    scaled(RNG.random((16, 4)))
    assert "scale = np.sqrt(np.add.reduce(x * x, axis=0) / 16 + 1e-05)  # (4,)" in scaled.source


def test_large_arrays_are_worked_on_in_place():
    @tg.compile
    def moved(x, W, b):
        h = x @ W + b
        return np.exp(h * 2)

    moved(RNG.random((100, 8)), RNG.random((8, 50)), RNG.random(50))
    assert [line for line in code(moved.source) if line.startswith("h")] == [
        "h = x @ W",
        "h += b",
    ]
    assert (
        "value = np.multiply(h, 2, out=h)" in moved.source
    )  # an array that is known as something else gets another name
    assert "np.exp(value, out=value)" in moved.source


def test_names_do_not_collide():
    """Neither with Python's words nor with the functions that a page calls, nor with each other."""

    @tg.compile
    def odd(lambda_, np_, shifted_for_exp):
        l = lambda_ + np_  # noqa: E741 (a name that the page must not take over)
        return tg.softmax(l * shifted_for_exp), l

    x = RNG.random((2, 3))
    got, wanted = odd(x, x, x), odd.f(x, x, x)
    assert all(map(np.array_equal, got, wanted))
    assert "def odd(lambda_, np_, shifted_for_exp2):" in odd.source
    assert "l2 = lambda_ + np_" in odd.source


def test_several_results_of_one_call_have_names():
    @tg.compile
    def spectrum(a):
        values, vectors = np.linalg.eigh(a)
        return values, vectors

    a = np.eye(3) + 0.1
    assert all(map(np.array_equal, spectrum(a), spectrum.f(a)))
    assert re.search(r"(\w+), (\w+) = np\.linalg\.eigh\(a\)", spectrum.source)


def test_parts_of_a_gradient_are_added_up():
    slope = tg.compile(tg.func.grad(lambda x: tg.sum(tg.sin(x) * tg.exp(x))))
    x = RNG.random(4)
    assert np.array_equal(slope(x), slope.f(x))
    assert "    dx = sin * exp  # (4,)\n" in slope.source
    assert "# rule of sin: dx += exp * cos(x)\n" in slope.source


# ------------------------------------------------------------------ expressions


def expressions(leaves):
    """Trees of operators, as functions of arrays."""
    signs = st.sampled_from(["+", "-", "*", "/", "**2", "**-1", "@", "neg", "abs", "<", "where", "sum", "T"])
    return st.recursive(leaves, lambda inner: st.tuples(signs, inner, inner), max_leaves=12)


def computed(tree, x, y):
    if not isinstance(tree, tuple):
        return {"x": x, "y": y}.get(tree, tree)
    sign, a, b = tree[0], computed(tree[1], x, y), computed(tree[2], x, y)
    a = a * x if isinstance(a, float) else a  # so that there is an array
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "**2": lambda: a**2,
        "**-1": lambda: a**-1,
        "@": lambda: a @ (b + y),
        "neg": lambda: -a,
        "abs": lambda: abs(a),
        "<": lambda: (a < b) * a,
        "where": lambda: np.where(a > 0, b, a),
        "sum": lambda: a.sum(axis=0) - b,
        "T": lambda: a.T - b,
    }[sign]()


@given(
    expressions(st.sampled_from(["x", "y", 2.0, -3.0, 0.5])),
    st.sampled_from([2, 17, 100]),  # below and above the sizes from which memory is used again
)
def test_expressions_mean_what_was_computed(tree, n):
    """Parentheses where Python needs them, and no array written over that is still read."""
    x, y = RNG.normal(size=(n, n)), RNG.normal(size=(n, n))
    copies = x.copy(), y.copy()
    with np.errstate(all="ignore"):
        f = tg.compile(lambda x, y: computed(tree, x, y))
        got, wanted = f(x, y), computed(tree, x, y)
    assert np.array_equal(got, wanted, equal_nan=True), f.source
    assert np.array_equal(x, copies[0])
    assert np.array_equal(y, copies[1])


# ------------------------------------------------------------------ comments that are right


def formulas(page):
    """The comments of a page that give a formula: what stands left and right of its =."""
    return re.findall(r"# rule of \w+: (\w+) \+?= (.+)", page)


def names_in(text):
    """The names in a formula, without attributes, keywords and functions."""
    return {*re.findall(r"(?<![\w.])([A-Za-z_]\w*)\b(?!\(|=[^=])", text)} - {
        "if",
        "else",
        "summed",
        "to",
        "the",
        "shape",
    }


def bound(page):
    """The names that a page binds or imports."""
    return {*re.findall(r"\w+", " ".join(re.findall(r"^(.+?) = ", "\n".join(code(page)), flags=re.M)))} | {
        *re.findall(r"\w+", page.partition("def ")[2].partition("):")[0])
    }


def test_a_part_shared_by_two_rows_of_a_hessian_is_not_a_summand():
    hessian = tg.compile(tg.func.hessian(lambda v: tg.sum(v**3)))
    assert np.array_equal(hessian(np.array([1.0, 2.0])), np.diag([6.0, 12.0]))
    assert "# rule of pow: dv2 = ddv2 * (2 * v ** (2 - 1))" in hessian.source
    assert "g * 3" not in hessian.source


def convolution():
    """The step of a convolutional network."""
    net = nn.SimpleConvNet((1, 8, 8), {"filter_num": 2, "filter_size": 3}, 5, rng=0)
    step = tg.compile(net.loss_and_gradient)
    step(RNG.random((4, 1, 8, 8)), np.array([0, 1, 2, 3]))
    return step


def recurrence():
    """A step with an LSTM, a layer, and gradients that are clipped."""
    Wx, Wh = (tg.Tensor(RNG.normal(size=(n, 16)), requires_grad=True) for n in (3, 4))
    out = nn.Affine(4, 2, rng=0)
    optimizer = optim.Adam([Wx, Wh, out.W, out.b])

    @tg.compile
    def step(x, t):
        optimizer.zero_grad()
        h, _ = tg.lstm(x, Wx, Wh)
        loss = tg.softmax_cross_entropy(out(h[-1]), t)
        loss.backward()
        optim.clip_grad_norm([Wx, Wh, out.W, out.b], max_norm=1.0)
        optimizer.step()
        return loss

    step(RNG.random((5, 2, 3)), np.array([0, 1]))
    return step


def layered(dropout=0.2):
    """A step of layers in a Sequential, with Adam and a schedule."""
    model = nn.Sequential(
        nn.Affine(64, 50, rng=0),
        nn.BatchNorm(50),
        nn.Relu(),
        nn.Dropout(dropout, rng=np.random.default_rng(1)),
        nn.Affine(50, 10, rng=2),
    )
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    schedule = optim.Schedule(optimizer, optim.cosine_decay, total=100, warmup=5)

    @tg.compile
    def step(x, t):
        optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    step(RNG.random((50, 64)), RNG.integers(0, 10, 50))
    return step


def judged(compiled, *arguments):
    """Run the page of a function of arguments alone; yields its formulas, with what they give where they stand and what is computed."""
    page, seen, lines = compiled.source, list[list[dict[str, Any]]](), list[str]()
    writer = next(iter(compiled.programs.values()))[0].writer
    for line in page.splitlines():
        indent, is_formula = line[: len(line) - len(line.lstrip())], _FORMULA.fullmatch(line.strip())
        if is_formula:
            lines.append(f"{indent}begin(locals())")
        lines.append(line)
        if not is_formula and indent and not line.endswith((":", '"""')) and "return" not in line:
            lines.append(f"{indent}look(locals())")

    def begin(variables):
        seen.append([])
        look(variables)

    def look(variables):
        if seen:
            seen[-1].append({k: np.copy(x) for k, x in variables.items()})

    room = {**writer.page_globals.objects, "begin": begin, "look": look}
    exec("\n".join(line for line in lines if not line.startswith(("import", "from"))), room)
    room |= writer.page_globals.functions
    room[writer.name](*arguments)
    words = {"where": np.where, "exp": np.exp, "cos": np.cos, "sin": np.sin, "log": np.log, "sqrt": np.sqrt}
    found = [formula for line in page.splitlines() if (formula := _FORMULA.fullmatch(line.strip()))]
    for (before, *after), formula in zip(seen, found, strict=True):
        left, sign, right = formula.groups()
        text, _, summed = right.partition(" (summed")
        meant = eval(text, {**words, **before})
        meant = meant.sum(axis=0) if summed else meant
        computed = [now[left] for now in after if left in now]
        yield f"{left} {sign} {right}", before[left] + meant if sign == "+=" else meant, computed


_FORMULA = re.compile(r"# rule of \w+: (\w+) (\+?=) (.+)")


SLOPES = {
    "powers": lambda v, w: tg.sum(v**3 * w),
    "one name": lambda v, w: tg.sum(_twice_named(v) * w),
    "quotients": lambda v, w: tg.sum(tg.exp(v / w) / (v * v + w)),
    "a choice": lambda v, w: tg.sum(tg.relu(v - 0.5) * tg.sqrt(w)),
    "stretched": lambda v, w: tg.sum(tg.log(v + w[0]) * w),
}


def _twice_named(v):
    h = v * 2
    h = tg.tanh(h)
    return h * h


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("n", [4, 200])  # the memory of large arrays is used again
def test_formulas_are_true_where_they_stand(name, order, n):
    """Each, evaluated with what the names mean there, is what the lines below it compute."""
    f = SLOPES[name]
    slope = tg.func.grad(f, argnums=0)
    if order == 2:
        slope = tg.func.grad(lambda v, w: tg.sum(tg.func.grad(f, argnums=0)(v, w) ** 2), argnums=1)
    compiled, v, w = tg.compile(slope), RNG.random((n, n)) + 0.2, RNG.random((n, n)) + 0.2
    compiled(v, w)
    for text, meant, computed in judged(compiled, v, w):
        assert any(x.shape == meant.shape and np.allclose(x, meant) for x in computed), text


@pytest.mark.parametrize("make", [two_layer_step, convolution, recurrence, layered])
def test_formulas_name_what_is_on_the_page(make):
    page = make().source
    assert formulas(page)
    for left, right in formulas(page):
        assert names_in(f"{left} {right}") <= bound(page), (left, right)


def test_an_unnamed_view_is_not_what_the_letter_of_the_op_names():
    page = convolution().source
    assert "x.T @" not in page
    assert "dW2 = pooled.reshape(4, 18).T @ dhidden2" in page
    assert "windows=windows)" not in "".join(line for line in page.splitlines() if "# rule" in line)


def test_a_gradient_is_named_after_what_it_is_of():
    """Each of an op with any number of arguments too; and what is clipped is another one."""
    page = recurrence().source
    assert re.search(r"^ +dWh = .+@", page, flags=re.M)
    assert re.search(r"dWx2, dWh2, .* = shortened\(", page)
    assert "dreshape" not in page


def test_a_name_that_is_used_again_has_two_gradients():
    def f(x, W):
        h = x @ W
        h = tg.tanh(h)
        return tg.sum(h * h)

    slope = tg.compile(tg.func.grad(f, argnums=1))
    x, W = RNG.random((5, 4)), RNG.random((4, 3))
    assert np.array_equal(slope(x, W), slope.f(x, W))
    assert "dh2 = dh * (1.0 - multiply)" in slope.source
    assert "# rule of tanh: dh2 = dh * (1.0 - h * h)" in slope.source
    assert "dh = h\n" not in slope.source  # it is the sum of two


def test_the_docstring_tells_of_a_gradient_that_is_on_the_page(tmp_path):
    step = layered()
    for text in (step.source, step.export(tmp_path / "step.py").read_text(encoding="utf-8")):
        assert "dlayers_4_b is the gradient with respect to layers_4_b." in text
        assert "dv_layers_4_b" not in text


def test_the_layers_of_a_model_are_named():
    step = layered()
    page = step.source
    headings = re.findall(r"^    # (Affine|BatchNorm|Relu|Dropout)$", page, flags=re.M)
    there = ["Affine", "BatchNorm", "Relu", "Dropout", "Affine"]
    assert headings == [*there, *reversed(there)]
    assert '# softmax_cross_entropy\n    require_labels(t, 10, "softmax_cross_entropy")\n' in page
    assert "Affine" not in two_layer_step().source


def test_a_choice_by_bits_is_told_once():
    step = layered()
    assert step.source.count("# np.where(c, x, 0) by bits") == 1
    assert step.page("ko").count("np.where(c, x, 0)을 비트로 계산") == 1
    assert "by bits" not in two_layer_step().source


def test_what_is_neither_argument_nor_import_is_told():
    page = layered().source
    assert "# layers_3_rng: np.random.Generator" in page
    assert "import _factor_at as factor_at, cosine_decay" in page


def test_numbers_and_names_of_a_schedule():
    page = layered().source
    head = page.partition("):")[0]
    assert "lr, schedule_lr, schedule_steps, steps" in head
    assert "float: lr, schedule_lr; int: schedule_steps, steps" in page
    assert page.partition("return (")[2].count("new_steps") == 1


def test_functions_of_pythons_are_not_shadowed():
    @tg.compile
    def f(x, max):
        print = x * 2
        return tg.pow(abs(print), 1.5) + tg.sum(x) + tg.max(x) + max

    x = RNG.random(3)
    assert np.array_equal(f(x, 1.0), f.f(x, 1.0))
    names = bound(f.source)
    assert not names & {"max", "print", "pow", "sum", "abs"}


def test_a_number_is_indexed_and_converted_as_an_array():
    one = tg.compile(tg.func.grad(lambda x: tg.sum(tg.scatter_add(np.zeros((1,)), [0], x[None]))))
    assert one(np.array(0.25)).tolist() == 1
    index = tg.compile(lambda x: (x * 0 + np.ones(())[None], np.ones(())[None] * np.ones(()).astype(np.float32)))
    assert [part.tolist() for part in index(np.ones(1))] == [[1], [1]]
