"""Export: a file with NumPy alone that gives the same bits, refuses what it is not for, and was compared before it was written."""

import ast
import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn, optim
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.compiler import export as exporting
from tinygrad_ko.compiler.page.kernels import Kernels

RNG = np.random.default_rng(0)


def loaded(path, name):
    """The function in an exported file."""
    return runpy.run_path(str(path))[name]


def exported(function, path, *arguments, **options):
    """A compiled function, called, and its file."""
    compiled = tg.compile(function)
    compiled(*arguments)
    return compiled.export(path, **options)


# ------------------------------------------------------------------ the book's networks

TRAIN = """
import sys, runpy
sys.path.insert(0, sys.argv[1])  # NumPy and nothing else
import numpy as np
try:
    import tinygrad_ko
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("the package can be seen from here")
step = runpy.run_path(sys.argv[2])["loss_and_gradient"]
data = np.load(sys.argv[3])
x, t, params = data["x"], data["t"], [data[name] for name in ("W1", "b1", "W2", "b2")]
rng = np.random.default_rng(0)
for _ in range(1000):
    some = rng.choice(len(x), 100, replace=False)
    loss, *gradients = step(x[some], t[some], *params)
    params = [p - 1.0 * g for p, g in zip(params, gradients)]
W1, b1, W2, b2 = params
scores = 1 / (1 + np.exp(-(data["x_test"] @ W1 + b1))) @ W2 + b2
print(np.mean(scores.argmax(axis=1) == data["t_test"]))
"""


def test_the_exported_step_of_the_books_network_trains_the_digits(tmp_path):
    """In a process that sees Python's own library and NumPy, and cannot import this package."""
    (x, t), (x_test, t_test) = tg.data.load_digits()
    x, x_test = x.astype(float), x_test.astype(float)
    net = nn.TwoLayerNet(64, 50, 10, weight_init_std=0.1, rng=0)
    file = exported(net.loss_and_gradient, tmp_path / "step.py", x[:100], t[:100])
    np.savez(tmp_path / "digits.npz", x=x, t=t, x_test=x_test, t_test=t_test, **net.params)
    alone = tmp_path / "alone"
    alone.mkdir()
    home = Path(np.__file__).parent
    for part in (home, home.with_name("numpy.libs")):
        if part.exists():
            (alone / part.name).symlink_to(part)
    call = [sys.executable, "-I", "-S", "-c", TRAIN, alone, file, tmp_path / "digits.npz"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) >= 0.95


def test_a_file_imports_numpy_and_pythons_library_alone(tmp_path):
    net = nn.SimpleConvNet((1, 8, 8), {"filter_num": 2, "filter_size": 3}, 5, rng=0)
    x, t = RNG.random((4, 1, 8, 8)), np.array([0, 1, 2, 3])
    file = exported(net.loss_and_gradient, tmp_path / "step.py", x, t)
    text = file.read_text(encoding="utf-8")
    homes = {re.split(r"[ .]", line)[1] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert homes - set(sys.stdlib_module_names) == {"numpy"}
    loss, *gradients = loaded(file, "loss_and_gradient")(x, t, *net.params.values())
    wanted, by_name = net.loss_and_gradient(x, t)
    assert loss == wanted
    assert all(map(np.array_equal, gradients, by_name.values()))


def test_the_head_says_what_it_was_made_with_and_compared(tmp_path):
    net = nn.TwoLayerNet(4, 3, 2, rng=0)
    step = tg.compile(net.loss_and_gradient)
    step(RNG.random((5, 4)), np.array([0, 1, 0, 1, 1]))
    for language, words in {
        "en": (
            "Compared with tinygrad_ko",
            "the same bits",
            "Arguments: x float64[5, 4]",
            "Results, in this order: loss float64[], dW1",
        ),
        "ko": (
            "결과와 비교했습니다",
            "모든 비트가 같음",
            "인수: x float64[5, 4]",
            "결과(순서대로): loss float64[], dW1",
            "# 역전파: ",
        ),
    }.items():
        text = step.export(tmp_path / "step.py", language=language).read_text(encoding="utf-8")
        for said in (
            *words,
            f"tinygrad_ko {tg.__version__}",
            f"NumPy {np.__version__}",
            "Network.loss_and_gradient (networks.py:",
        ):
            assert said in text


def test_the_version_is_that_of_the_package_which_need_not_be_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(tg, "__version__", "0.0.checkout")
    file = exported(lambda x: x * 2, tmp_path / "f.py", np.ones(2))
    assert "Written with tinygrad_ko 0.0.checkout, NumPy" in file.read_text(encoding="utf-8")


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="the lint group is not installed")
def test_a_file_passes_ruff(tmp_path):
    net = nn.TwoLayerNet(4, 3, 2, rng=0)
    file = exported(net.loss_and_gradient, tmp_path / "step.py", RNG.random((5, 4)), np.array([0, 1, 0, 1, 1]))
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


# ------------------------------------------------------------------ what a function holds


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_a_training_step_goes_on_in_the_file_where_the_engine_is(tmp_path, kind):
    """With an optimizer, running statistics and dropout: what the step holds is passed by name and comes back as new."""
    stream = np.random.default_rng(5)
    model = nn.Sequential(
        nn.Affine(4, 8, rng=0), nn.BatchNorm(8), nn.Relu(), nn.Dropout(0.3, rng=stream), nn.Affine(8, 3, rng=1)
    )
    optimizer = kind(model.parameters(), lr=0.01)

    @tg.compile
    def step(x, t):
        optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    x, t = RNG.random((16, 4)), RNG.integers(0, 3, 16)
    step(x, t)
    before = [p.data.copy() for p in model.parameters()], stream.bit_generator.state
    file = step.export(tmp_path / "step.py")
    assert all(map(np.array_equal, before[0], [p.data for p in model.parameters()]))
    assert before[1] == stream.bit_generator.state

    tree: Any = next(
        node for node in ast.parse(file.read_text(encoding="utf-8")).body if getattr(node, "name", "") == "step"
    )
    names = [argument.arg for argument in tree.args.args]
    results = [re.sub(r"np\.asarray\((.*)\)", r"\1", ast.unparse(part)) for part in tree.body[-1].value.elts]
    program = next(iter(step.programs.values()))[0]
    now = dict(zip(names, [x, t, *(program.held_now([x, t]) or []), np.random.default_rng()], strict=True))
    now[names[-1]].bit_generator.state = stream.bit_generator.state
    assert names[-1].endswith("rng")
    function = loaded(file, "step")
    for _ in range(3):
        new = dict(zip(results, function(**now), strict=True))
        now.update({name.removeprefix("new_"): x for name, x in new.items() if name.startswith("new_")})
        assert new["loss"] == step(x, t).item()
    assert all(
        np.array_equal(now[f"layers_{i}_{n}"], getattr(model.layers[i], n).data)
        for i, n in [(0, "W"), (1, "gamma"), (4, "b")]
    )


def test_draws_from_numpys_global_stream_are_draws_from_it(tmp_path):
    @tg.compile
    def noisy(x):
        return tg.dropout(x, 0.5)

    x = np.ones(30)
    np.random.seed(3)
    noisy(x)
    function = loaded(noisy.export(tmp_path / "noisy.py"), "noisy")
    state = np.random.get_state()
    got = function(x)
    np.random.set_state(state)
    assert np.array_equal(got, noisy(x))


# ------------------------------------------------------------------ refusals


def test_a_file_refuses_what_it_was_not_made_for(tmp_path):
    scaled = loaded(exported(lambda x, lr: x * lr, tmp_path / "f.py", np.ones((2, 3)), 0.5), "f")
    assert np.array_equal(scaled(np.ones((2, 3)), 2.0), np.full((2, 3), 2.0))
    for x, lr, kind, english, korean in [
        (
            np.ones((3, 2)),
            0.5,
            ValueError,
            r"x must have the shape \(2, 3\), not \(3, 2\)",
            "형상이 (2, 3)이어야 합니다",
        ),
        (
            np.ones((2, 3), np.float32),
            0.5,
            TypeError,
            "x must be an array of float64, not float32",
            "float64 배열을 넘겨야",
        ),
        ([[1.0, 2.0, 3.0]] * 2, 0.5, TypeError, "x must be an array of float64, not list", "받은 값: list"),
        (
            np.ones((2, 3)),
            np.ones(()),
            TypeError,
            "lr must be of the type float, not ndarray",
            "float 값을 넘겨야",
        ),
    ]:
        with pytest.raises(kind, match=english) as caught:
            scaled(x, lr)
        assert korean in caught.value.__notes__[0]


def test_numpys_scalars_and_functions_of_pythons_library_pass(tmp_path):
    x, i = np.arange(6.0).reshape(3, 2), np.array([2, 0])
    chosen = loaded(exported(lambda x, c, i: tg.where(c, x, -x)[i], tmp_path / "f.py", x, np.bool_(False), i), "f")
    assert np.array_equal(chosen(x, np.bool_(True), i), x[i])
    assert np.array_equal(chosen(x, np.array(False), i), -x[i])


def test_labels_are_checked_in_the_file_too(tmp_path):
    net = nn.TwoLayerNet(4, 3, 2, rng=0)
    x = RNG.random((2, 4))
    step = loaded(exported(net.loss_and_gradient, tmp_path / "step.py", x, np.array([0, 1])), "loss_and_gradient")
    with pytest.raises(ValueError, match="label 2 at position 1 is not one of the 2 classes") as caught:
        step(x, np.array([0, 2]), *net.params.values())
    assert "레이블의 범위는" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("old", "new"), [("2 * x", "3 * x"), ("2 * x", "2 * y"), ("2 * x", "2 * x[:1]"), ("def ", "die ")]
)
def test_nothing_is_written_if_the_file_does_not_give_what_the_engine_gives(tmp_path, monkeypatch, old, new):
    written = exporting._text
    monkeypatch.setattr(exporting, "_text", lambda *given: written(*given).replace(old, new))
    path = tmp_path / "f.py"
    path.write_text("as it was")
    with pytest.raises(RuntimeError, match="export: nothing was written") as caught:
        exported(lambda x: 2 * x, path, np.ones(3))
    assert "파일을 쓰지 않았습니다" in caught.value.__notes__[0]
    assert path.read_text() == "as it was"
    assert [*tmp_path.iterdir()] == [path]


def test_nothing_is_written_if_the_program_does_not_give_what_the_engine_gives(tmp_path):
    compiled = tg.compile(lambda x: 2 * x)
    compiled(np.ones(3))
    next(iter(compiled.programs.values()))[0].compute = lambda x: np.nextafter(2 * x, 3)  # one last bit
    with pytest.raises(RuntimeError, match="the compiled program and the engine differ"):
        compiled.export(tmp_path / "f.py")
    assert not [*tmp_path.iterdir()]


@opaque
def _of_a_test(x):
    return x + 1


def test_a_function_that_cannot_be_copied_is_named(tmp_path):
    with pytest.raises(TypeError, match=r"test_export\._of_a_test cannot be copied into a file") as caught:
        exported(lambda x: _of_a_test(x), tmp_path / "f.py", np.ones(3))
    assert "_of_a_test" in caught.value.__notes__[0]
    assert not [*tmp_path.iterdir()]


def test_large_arrays_are_written_and_very_large_ones_refused(tmp_path):
    table = exported(lambda x: x + np.sqrt(np.arange(100.0)), tmp_path / "f.py", np.zeros(100))
    assert np.array_equal(loaded(table, "f")(np.zeros(100)), np.sqrt(np.arange(100.0)))
    with pytest.raises(TypeError, match=r"an array of shape \(20000,\) cannot be copied"):
        exported(lambda x: x + np.sqrt(np.arange(20000.0)), tmp_path / "g.py", np.zeros(20000))


def test_before_the_first_call_or_into_no_folder(tmp_path):
    double = tg.compile(lambda x: 2 * x)
    with pytest.raises(RuntimeError, match=r"export: there is no program yet; call .* once"):
        double.export(tmp_path / "f.py")
    double.export(tmp_path / "f.py", np.ones(3))  # with arguments there is one
    assert np.array_equal(loaded(tmp_path / "f.py", "f")(np.ones(3)), np.full(3, 2.0))
    with pytest.raises(FileNotFoundError, match="no such folder"):
        double.export(tmp_path / "none" / "f.py", np.ones(3))
    with pytest.raises(ValueError, match="language must be 'en' or 'ko'"):
        double.export(tmp_path / "f.py", np.ones(3), language="fr")


# ------------------------------------------------------------------ kernels


def opaque_functions():
    """All functions in the package that are recorded as one call, with their modules."""
    for path in sorted(Path(tg.__file__).parent.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id == "opaque" for d in node.decorator_list
            ):
                place = path.relative_to(Path(tg.__file__).parents[1]).with_suffix("")
                yield ".".join(place.parts), node.name


@pytest.mark.parametrize(("module", "name"), [*opaque_functions()])
def test_every_opaque_function_can_be_copied(module, name):
    """Its text and all that it names: the copy can be executed, and there is no name in it that nothing defines."""
    kernels = Kernels(set())
    function = getattr(importlib.import_module(module), name)
    inner = function.op.forward if hasattr(function, "op") else function
    kernels.add(inner, name)
    text = "\n".join([*kernels.imports, *kernels.texts.values()])
    room: dict[str, Any] = {}
    exec(compile(text, name, "exec"), room)
    assert callable(room[name])
    assert "tinygrad_ko" not in text


# ------------------------------------------------------------------ numbers, generators, schedules


def scheduled_step(stream):
    """A step with dropout and a schedule that has been called, and its parameters."""
    model = nn.Sequential(nn.Affine(4, 3, rng=0), nn.Dropout(0.5, rng=stream))
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    schedule = optim.Schedule(optimizer, optim.cosine_decay, total=50)

    @tg.compile
    def step(x, t):
        optimizer.zero_grad()
        loss = tg.softmax_cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    x, t = RNG.random((5, 4)), RNG.integers(0, 3, 5)
    step(x, t)
    return step, (x, t), schedule, optimizer


def test_a_schedule_inside_of_a_step_goes_on_in_the_file(tmp_path):
    stream = np.random.default_rng(5)
    step, (x, t), schedule, optimizer = scheduled_step(stream)
    file = step.export(tmp_path / "step.py")
    program = next(iter(step.programs.values()))[0]
    state = stream.bit_generator.state
    given = [x, t, *(program.held_now([x, t]) or [])]
    again = np.random.default_rng()
    again.bit_generator.state = state
    results = loaded(file, "step")(*given, again)
    loss = step(x, t)
    assert results[0] == loss.item()
    assert optimizer.lr in results
    assert optimizer.lr == schedule.lr * optim.cosine_decay(schedule.steps, total=50)


def test_a_schedule_with_a_function_of_the_users_is_refused_by_its_name(tmp_path):
    w = tg.Tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    schedule = optim.Schedule(optimizer, _halved)

    @tg.compile
    def step():
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
        schedule.step()

    step()
    with pytest.raises(TypeError, match=r"test_export\._halved cannot be copied .* outside of the compiled function"):
        step.export(tmp_path / "step.py")


def _halved(step):
    return 0.5**step


def test_numbers_may_be_numpys_and_mean_the_same(tmp_path):
    stream = np.random.default_rng(5)
    step, (x, t), _, _ = scheduled_step(stream)
    file = step.export(tmp_path / "step.py")
    program = next(iter(step.programs.values()))[0]
    given = [x, t, *(program.held_now([x, t]) or [])]
    as_numpys = [{float: np.float64, int: np.int64}.get(type(v), lambda v: v)(v) for v in given]
    assert {np.float64, np.int64} <= {*map(type, as_numpys)}
    function = loaded(file, "step")
    results = [function(*arguments, np.random.default_rng(3)) for arguments in (given, as_numpys)]
    assert all(map(np.array_equal, *results))
    assert [*map(type, results[0])] == [*map(type, results[1])]
    at = next(i for i, v in enumerate(given) if type(v) is int)
    for wrong in (1.0, True, np.float64(1.0), "1"):
        with pytest.raises(TypeError, match=r"steps must be of the type int, not ") as caught:
            function(*given[:at], wrong, *given[at + 1 :], np.random.default_rng(3))
        assert "int 값을 넘겨야 합니다" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match=r"rng must be of the type Generator, not int"):
        function(*given, 3)
    with pytest.raises(TypeError, match="Generator, not RandomState"):
        function(*given, np.random.RandomState(0))
    text = file.read_text(encoding="utf-8")
    assert "schedule_steps int, steps int, layers_1_rng np.random.Generator." in " ".join(text.split())


def test_a_float_of_numpys_does_not_change_the_dtype(tmp_path):
    scaled = loaded(exported(lambda x, c: x * c, tmp_path / "f.py", np.ones(3, np.float32), 0.5), "f")
    for c in (0.25, np.float64(0.25), np.float32(0.25), 1, np.int64(1)):
        assert scaled(np.ones(3, np.float32), c).dtype == np.float32


def test_a_tensor_is_told_from_an_array(tmp_path):
    double = loaded(exported(lambda x: tg.sum(2 * x), tmp_path / "f.py", np.ones(3)), "f")
    for call in (lambda: double(tg.Tensor(np.ones(3))), lambda: tg.check_gradient(double, np.ones(3))):
        with pytest.raises(TypeError, match=r"x is a Tensor, not an array: pass x\.data") as caught:
            call()
        assert any("x.data를 넘기십시오" in note for note in caught.value.__notes__)


def test_the_head_tells_which_arguments_it_was_compared_on(tmp_path):
    net = nn.TwoLayerNet(4, 3, 2, rng=0)
    step = tg.compile(net.loss_and_gradient)
    x, t = RNG.random((5, 4)), np.array([0, 1, 0, 1, 1])
    given = step.export(tmp_path / "a.py", x, t).read_text(encoding="utf-8")
    step(x, t)
    last = step.export(tmp_path / "b.py", language="ko").read_text(encoding="utf-8")
    assert "on the arguments given to export:" in given
    assert "영어" not in given
    assert "마지막 호출의 인수로" in last
    assert "복사한 함수의 설명은 영어입니다." in last
    alone = exported(lambda x: 2 * x, tmp_path / "c.py", x, language="ko").read_text(encoding="utf-8")
    assert "영어" not in alone  # there are none


# ------------------------------------------------------------------ edited, and judged


def the_check_in(f):
    """The call of the judge that stands in the docstring of an exported function; None if there is none."""
    found = re.search(r"tinygrad_ko\.(check\.check_grad\([^)]*\))", f.__doc__)
    return found and " ".join(found[1].split())


def judged(path, name, **arguments):
    """What the check in the docstring says."""
    f = loaded(path, name)
    return eval(the_check_in(f), {**arguments, name: f, "check": tg.check})


def edited(path, line, other):
    text = path.read_text(encoding="utf-8")
    assert line in text
    path.write_text(text.replace(line, other), encoding="utf-8")


def test_a_line_that_is_changed_is_judged(tmp_path):
    net = nn.TwoLayerNet(6, 5, 4, weight_init_std=1.0, rng=0)
    given = {"x": RNG.normal(size=(3, 6)), "t": np.array([0, 3, 1]), **net.params}
    path = exported(net.loss_and_gradient, tmp_path / "step.py", given["x"], given["t"])
    report = judged(path, "loss_and_gradient", **given)
    assert (report.verdict, [*report.shapes]) == ("agrees", ["W1", "b1", "W2", "b2"])
    edited(path, "dhidden = dscores @ W2.T", "dhidden = 1.01 * (dscores @ W2.T)")
    with pytest.raises(tg.GradientMismatch, match=r"d out / d W1\[\d, \d\]: the derivative given is") as error:
        judged(path, "loss_and_gradient", **given)
    assert f"the derivative given for 'W1', at {path}:" in str(error.value)
    assert "(ratio 1.01)" in str(error.value)
    assert "직접 작성한 기울기가 수치 미분의 결과와 다릅니다. 인수 'W1'" in error.value.__notes__[0]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_gradients_of_a_function_are_judged_too(language, tmp_path):
    f = tg.func.value_and_grad(lambda p, x: tg.mean(tg.tanh(x @ p["W"] + p["b"]) ** 2))
    given = {"W": RNG.normal(size=(4, 2)), "b": np.ones(2), "x": RNG.normal(size=(3, 4))}
    p = {name: given[name] for name in "Wb"}
    path = exported(f, tmp_path / "f.py", p, given["x"], language=language)
    assert the_check_in(loaded(path, "f")) == "check.check_grad(f, True, W, b, x, wrt=['W', 'b'])"
    assert judged(path, "f", **given).verdict == "agrees"
    edited(path, "axis=0)", "axis=0) ** 3")
    with pytest.raises(tg.GradientMismatch, match=r"d out / d b\[\d\]"):
        judged(path, "f", **given)


def by_a_backward_of_its_own(w, X):
    w = tg.Tensor(w, requires_grad=True)
    loss = tg.mean((X @ w) ** 2)
    loss.backward()
    return loss, w.grad


@pytest.mark.parametrize(
    "f",
    [
        tg.func.value_and_grad(lambda w, X: tg.mean((X @ w) ** 2)),
        tg.func.value_and_grad(lambda w, X: tg.sum(tg.tanh(w.reshape(1, -1)) * X)),
        lambda w, X: tg.func.value_and_grad(lambda v: tg.mean((X @ v) ** 2))(w),
        by_a_backward_of_its_own,
    ],
)
def test_a_gradient_has_the_name_of_its_argument_whatever_the_last_operation_is(f, tmp_path):
    given = {"w": RNG.normal(size=3), "X": RNG.normal(size=(4, 3))}
    path = exported(f, tmp_path / "f.py", *given.values())
    name = "by_a_backward_of_its_own" if f is by_a_backward_of_its_own else "f"
    function = loaded(path, name)
    assert re.search(r"Results, in this order: \w+ float64\[\], dw float64\[3\]", function.__doc__)
    assert the_check_in(function) == f"check.check_grad({name}, True, w, X, wrt=['w'])"
    assert judged(path, name, **given).verdict == "agrees"


def test_what_returns_no_gradients_names_no_check(tmp_path):
    """A training step returns new parameters; a gradient alone has no number that it is the gradient of."""
    net, w, x = nn.TwoLayerNet(6, 5, 4, rng=0), tg.Tensor(np.ones(3)), RNG.normal(size=(2, 3))

    def step(x, t):
        loss, gradient = net.loss_and_gradient(x, t)
        for name in gradient:
            net.params[name] = net.params[name] - gradient[name]
        return loss

    whole = exported(step, tmp_path / "whole.py", RNG.normal(size=(3, 6)), np.array([0, 3, 1]))
    alone = exported(tg.func.grad(lambda x: tg.sum(tg.exp(x))), tmp_path / "alone.py", x)
    forward = exported(lambda x: tg.sum(x * w), tmp_path / "forward.py", x)
    several = exported(lambda x: (tg.exp(x), tg.func.grad(lambda x: tg.sum(tg.sin(x)))(x)), tmp_path / "several.py", x)
    for path, name in ((whole, "step"), (alone, "f"), (forward, "f"), (several, "f")):
        assert the_check_in(loaded(path, name)) is None
