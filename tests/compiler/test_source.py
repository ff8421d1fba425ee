"""The page of a compiled function: what it computes, to the last bit, in the user's names, with the formulas and the user's lines."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
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
    assert "float64: x (100, 784), lr (), W1 (784, 50), b1 (50,), W2 (50, 10), b2 (10,); int64: t (100,)" in page
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
