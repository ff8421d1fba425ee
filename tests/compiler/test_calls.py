"""A compiled function is called as the function itself is, and gives what it gives: the same bits, types, shapes and dtypes."""

import copy
import pickle
import warnings
from collections import OrderedDict, namedtuple
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import nn, optim

X = np.array([1.0, 2.0, 3.0])
M = np.arange(12.0).reshape(3, 4)
SQUARE = np.arange(9.0).reshape(3, 3)
SINGLE = X.astype(np.float32)
Pair = namedtuple("Pair", "left right")


class Size(float):
    """A number of a type of its own."""


def kinds(value):
    """A result in words: types, dtypes, shapes and bits."""
    if isinstance(value, dict):
        return {key: kinds(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [kinds(part) for part in value]
    array = value.numpy() if isinstance(value, tg.Tensor) else value
    return type(value), getattr(array, "dtype", None), getattr(array, "shape", None), np.asarray(array).tolist()


def require_same(f, *arguments, **options):
    compiled = tg.compile(f)
    for _ in range(2):
        assert kinds(compiled(*arguments, **options)) == kinds(f(*arguments, **options))
    return compiled


def with_keywords(x: Any, lr: Any = 0.5, *others: Any, scale: Any, **options: Any) -> Any:
    return x * lr * scale + sum(others) + options["shift"]


@pytest.mark.parametrize(
    ("f", "arguments"),
    [
        (lambda x: x.sum(), [X]),
        (lambda x: tg.sum(x), [X]),
        (lambda x: tg.sum(x), [tg.Tensor(X)]),
        (lambda x: x.sum(axis=0), [np.arange(6, dtype=np.uint8).reshape(2, 3)]),
        (lambda x: tg.exp(x), [0.5]),
        (lambda x, size: x * size, [X, Size(0.5)]),
        (lambda a, b: (a * b, a > 2, -a), [2.0, 3.0]),
        (lambda x, lr: x * (lr * 0.5), [SINGLE, 0.1]),  # a Python float gives an array no dtype, one of NumPy's does
        (lambda x, lr: x * (lr * 0.5), [SINGLE, np.float64(0.1)]),
        (lambda x: x * 2, [np.float32(0.1)]),
        (lambda x: (x, x * 2), [np.array(2.0)]),
        (lambda x, n, s, yes, no: (x * n, n, s, yes, no, 2.0, [1, 2]), [X, 3, "a", True, None]),
        (lambda x: (np.ones(2), x + 1, tg.Tensor([1.0])), [X]),
        (lambda p: {"a": p["W"] @ p["W"].T, "b": [p["b"], (p["b"] + 1,)]}, [{"W": M, "b": X}]),
        (lambda p: Pair(p.right, p.left + 1), [Pair(X, X)]),
        (lambda x, axes: tg.sum(x, axis=tuple(axes)), [M, [0, 1]]),
        (lambda x, b: x * b[0] + b[1], [SINGLE, [0.5, 0.25]]),
        (lambda x: tg.exp(x), [[1.0, 2.0]]),
        (lambda x, s: x[s], [X, slice(0, 2)]),
        (lambda x, d: tg.astype(x, d), [X, np.float32]),
        (lambda x, g: g(x), [X, tg.exp]),
        (lambda model, x: model(x), [nn.Affine(3, 2, rng=0), np.ones((2, 3))]),
        (lambda x: tg.exp(x), [X.astype(">f8")]),
        (lambda x: (x * x, x), [X + 1j]),
        (lambda x, c: x * c, [X, 1j]),
        (lambda x: x // 2 + 1, [np.arange(4)]),
        (lambda m, x: tg.where(m, x, 0.0), [X > 1, X]),
        (lambda x: tg.exp(x).sum(axis=0), [np.zeros((0, 3))]),
        (lambda x: (x * 2, x.reshape(-1) + 1), [np.broadcast_to(X, (4, 3))]),
        (lambda x: (x.reshape(-1) * 2, x + 1), [M[:, ::2]]),
        (lambda x: (x.reshape(-1) * 2, x + 1), [np.asfortranarray(M)]),
        (lambda x: x * 2, [X[::-1]]),
        (lambda a, b: a * b + a, [X, X]),
        (lambda a, b: a * b, [np.arange(5.0)[1:], np.arange(5.0)[:-1]]),
        (lambda: X * 2, []),
        (lambda x: tg.func.vjp(tg.exp, x)[1](x), [X]),
        (tg.func.value_and_grad(lambda p, x: tg.sum(p["W"] * x)), [{"W": X}, X]),
        (partial(np.add, 1.0), [X]),
        (lambda f, x: f(x), [partial(np.add, X), X]),
        (nn.Affine(3, 2, rng=0), [np.ones((2, 3))]),
        (np.exp, [X]),
    ],
)
def test_the_results_are_those_of_the_function(f, arguments):
    require_same(f, *arguments)


def test_keywords_defaults_and_what_is_left_over():
    require_same(with_keywords, X, scale=2.0, shift=X)
    require_same(with_keywords, X, 0.25, X, X, scale=X, shift=1.0)
    require_same(lambda *x, **k: x[0] * k["x0"], 2.0, x0=5.0)
    assert tg.compile(lambda **k: k["self"] * 2)(self=X).tolist() == [2, 4, 6]
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'scale'"):
        tg.compile(with_keywords)(X, shift=1.0)  # type: ignore[call-arg]  # a type checker sees it too


shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
dtypes = st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.uint8])


@st.composite
def arrays(draw):
    """An array or a number of any kind, shape, dtype and layout in memory."""
    shape, dtype = draw(shapes), draw(dtypes)
    array = (np.arange(np.prod(shape, dtype=int)) % 5).astype(dtype).reshape(shape)
    layout = draw(st.sampled_from(["as it is", "transposed", "backwards", "read-only", "Tensor", "scalar", "number"]))
    if layout in ("transposed", "backwards"):
        return array.T if layout == "transposed" else array[::-1] if shape else array
    if layout == "Tensor":
        return tg.Tensor(array)
    if layout in ("scalar", "number"):
        return dtype(2) if layout == "scalar" else draw(st.sampled_from([2.0, 3, True]))
    array.flags.writeable = layout != "read-only"
    return array


@given(arrays(), st.sampled_from([0.5, 2, np.float32(0.5)]))
def test_arguments_of_every_kind(x, factor):
    require_same(lambda x, c: (x, [x * c], {"sum": tg.sum(x * c)}, tg.exp(x * 0.5)), x, factor)


def test_results_belong_to_the_caller():
    held = np.ones(3)

    def f(x):
        shifted = x + 1
        return x[:2], x.reshape(3, 1), held, np.zeros(3), shifted, shifted, shifted.T, [1, 2]

    compiled, x = tg.compile(f), X.copy()
    first = compiled(x)
    for result in first[:-1]:
        result[...] = -7
    first[-1].append(3)
    assert (x.tolist(), held.tolist()) == (X.tolist(), [1, 1, 1])
    assert kinds(compiled(x)) == kinds(f(x))
    assert tg.compile(lambda x: x)(x) is x  # as the function itself
    tensor = tg.Tensor(x, requires_grad=True)
    assert tg.compile(lambda x: {"x": x})(tensor)["x"] is tensor
    assert tg.compile(lambda: tensor)() is tensor


def test_one_program_for_shapes_dtypes_layout_and_structure():
    compiled = tg.compile(lambda x, c=1.0, n=1: x["a"] * c * n)
    for arguments in (
        [{"a": X}],
        [{"a": X[::1]}, 0.5],
        [{"a": X}, 0.25, 1],
        [{"a": SQUARE}],
        [{"a": SQUARE.T}],
        [{"a": SINGLE}],
        [{"a": X}, 0.5, 2],
    ):
        compiled(*arguments)
        compiled(*arguments)
    assert repr(compiled) == "<compiled <lambda>(x, c=1.0, n=1): 7 programs>"


def test_sixteen_programs_are_kept_and_many_are_a_warning_once():
    compiled = tg.compile(lambda x, n: x * n)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for size in range(1, 12):
            compiled(np.ones(size), 2)
            compiled(np.ones(1), 2)
        for n in range(12):
            compiled(X, n)
    assert [warning.filename for warning in seen] == [__file__]
    said = str(seen[0].message)
    assert "was compiled 8 times" in said
    assert "x: float64[1], float64[2], float64[3], ..." in said
    assert "8번 컴파일했습니다" in said
    assert "n: " not in said
    assert len(compiled.programs) == 16


def test_sixteen_programs_are_kept_of_what_a_function_holds():
    settings = {"power": 1}
    compiled = tg.compile(lambda x: x ** settings["power"])

    def to_the(power):
        settings["power"] = power
        return compiled(X).tolist()

    with pytest.warns(UserWarning, match="not its arguments but what it holds changed: settings.power: 0, 1, 2"):
        results = [to_the(power) for power in range(20)]
    assert results == [(X**power).tolist() for power in range(20)]
    assert repr(compiled) == "<compiled <lambda>(x): 16 programs>"
    assert (to_the(10), repr(compiled)[-12:]) == ((X**10).tolist(), "16 programs>")


class Line:
    """A class with compiled methods."""

    def __init__(self, slope):
        self.slope = tg.Tensor(slope, requires_grad=True)

    @tg.compile
    def at(self, x, *, plus=0.0):
        """The value at x."""
        return self.slope * x + plus

    @staticmethod
    @tg.compile
    def outer(x):
        return x * 2

    @tg.compile
    @staticmethod
    def inner(x):
        return x * 2


@tg.compile
def tripled(x):
    """Three times x."""
    return x * 3


def test_methods_are_compiled_for_each_object():
    a: Any = Line(2.0)
    b: Any = Line(3.0)
    assert (a.at(1.0).item(), b.at(1.0).item(), a.at(1.0, plus=4.0).item()) == (2, 3, 6)
    assert a.at is a.at
    assert a.at is not b.at
    assert Line.at.__doc__ == "The value at x."
    assert a.outer(X).tolist() == a.inner(X).tolist() == Line.inner(X).tolist() == [2, 4, 6]
    a.at(2.0).backward()
    assert (a.slope.grad, b.slope.grad) == (2, None)
    for other in (copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        other.slope.data = 5.0
        assert (other.at(1.0).item(), a.at(1.0).item()) == (5, 2)


class Settings:
    """An object of the user's."""

    scale = 2.0


def step(model, optimizer, settings, x, t):
    optimizer.zero_grad()
    loss = tg.softmax_cross_entropy(model(x), t) * settings.scale
    loss.backward()
    optimizer.step()
    return loss


def test_a_model_an_optimizer_and_other_objects_as_arguments():
    def made() -> Any:
        layers = nn.Affine(3, 4, rng=0), nn.Dropout(0.5, rng=np.random.default_rng(3)), nn.Affine(4, 2, rng=1)
        model = nn.Sequential(*layers)
        return model, optim.Adam(model.parameters(), lr=0.01), Settings()

    x, t = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    ours, theirs = made(), made()
    compiled: Any = tg.compile(step)
    eager: Any = step
    for i in range(6):
        for _, optimizer, settings in (ours, theirs):
            settings.scale, optimizer.lr = 2.0 + (i > 2), 0.01 * (1 + (i > 4))
        assert compiled(*ours, x, t).item() == eager(*theirs, x, t).item()
        for a, b in zip(ours[0].parameters(), theirs[0].parameters(), strict=True):
            assert a.numpy().tolist() == b.numpy().tolist()
    others = made()
    assert compiled(*others, x, t).item() == eager(*made(), x, t).item()


class Network(nn.Module):
    """A module with a compiled forward."""

    def __init__(self):
        self.first, self.second = nn.Affine(3, 4, rng=0), nn.Affine(4, 2, rng=1)

    @tg.compile
    def forward(self, x):
        return self.second(tg.tanh(self.first(x)))


def test_the_forward_of_a_module():
    network: Any = Network()
    x = np.ones((2, 3))
    tg.sum(network(x)).backward()
    assert network.second.b.grad.tolist() == [2, 2]
    assert str(network.summary(x)).count("Affine") == 2  # it sees the layers inside
    assert [name for name, _ in network.named_tensors().items()] == ["first.W", "first.b", "second.W", "second.b"]
    assert tg.compile(network)(x).detach().tolist() == network(x).detach().tolist()
    assert "first_W" in network.forward.source


class Steeper(Line):
    """A class that overrides a compiled method, and keeps two lambdas."""

    once, twice = tg.compile(lambda self, x: self.slope * x), tg.compile(lambda self, x: self.slope * x * 2)

    @tg.compile
    def at(self, x, *, plus=0.0):
        return super().at(x, plus=plus) * 10


def test_methods_of_one_name_are_told_apart():
    a: Any = Steeper(2.0)
    assert (a.at(1.0).item(), a.once(1.0).item(), a.twice(1.0).item(), a.at(2.0).item()) == (20, 2, 4, 40)
    assert Line.at.__get__(a)(1.0).item() == 2
    other = pickle.loads(pickle.dumps(a))
    assert (other.at(1.0).item(), other.once(1.0).item(), other.twice(1.0).item()) == (20, 2, 4)

    class Slotted:
        __slots__ = ()

        @tg.compile
        def at(self, x):
            return x

    with pytest.raises(TypeError, match="add '__dict__' to the __slots__"):
        Slotted().at(X)


def test_copies_and_pickles():
    assert pickle.loads(pickle.dumps(tripled)) is tripled
    assert copy.deepcopy(tripled) is tripled
    assert (tripled.__name__, tripled.__doc__, tripled.__wrapped__(2)) == ("tripled", "Three times x.", 6)
    model = tg.compile(nn.Affine(3, 2, rng=0))
    other = pickle.loads(pickle.dumps(model))
    assert kinds(other(M[:, :3]).detach()) == kinds(model(M[:, :3]).detach())
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(tg.compile(lambda x: x))


def test_compiled_functions_in_one_another_and_in_themselves():
    inner = tg.compile(lambda x: tg.exp(x) * 2)
    outer = tg.compile(lambda x: inner(x) + inner(x * 2))
    assert outer(X).tolist() == (np.exp(X) * 2 + np.exp(X * 2) * 2).tolist()
    assert repr(inner) == "<compiled <lambda>(x): 0 programs>"  # it was traced with the other
    assert tg.compile(outer) is outer

    @tg.compile
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    assert power(X, 3).tolist() == (X * X * X).tolist()
    assert len(power.programs) == 1


def test_what_changes_in_a_dict_of_another_kind_is_no_matter():
    require_same(lambda p: p["a"] * 2, OrderedDict(a=X))


def test_a_warning_and_an_error_of_numpy_come_as_from_the_function():
    compiled, zero = tg.compile(lambda x: tg.log(x) * 2), np.array([0.0, 1.0])
    with np.errstate(all="ignore"):
        compiled(zero)
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in log") as seen:
        compiled(zero)
    assert [warning.filename[:9] for warning in seen] == ["<compiled"]
    for context in (np.errstate(all="raise"), warnings.catch_warnings(action="error")):
        with context, pytest.raises((FloatingPointError, RuntimeWarning), match="divide by zero") as error:
            compiled(zero)
        assert "in log(float64[2])" in error.value.__notes__
        assert any(
            str(entry.path).endswith("test_calls.py") and "tg.log(x)" in str(entry.statement)
            for entry in error.traceback
        )
    messages = []
    for f in (lambda a, b: tg.add(a, b), tg.compile(lambda a, b: tg.add(a, b))):
        with pytest.raises(ValueError, match=r"add\(float64\[3\], float64\[2\]\)") as wrong:
            f(X, zero)
        messages.append((str(wrong.value), wrong.value.__notes__))
    assert messages[0] == messages[1]


def test_a_compiled_model_has_what_the_model_has():
    model = nn.Sequential(nn.Affine(3, 2, rng=0), nn.BatchNorm(2))
    compiled = tg.compile(model)
    assert compiled.parameters() == model.parameters()
    assert compiled.layers is model.layers
    compiled.eval()
    assert not model.layers[1].training
    compiled.note = "kept"
    assert vars(model)["note"] == "kept"
    with pytest.raises(AttributeError):
        tg.compile(lambda x: x).parameters()


def test_the_parameters_of_a_compiled_model_are_checked():
    wrong = tg.op(name="wrong", x=lambda g, w: g * w, w=lambda g, x: 2 * g * x)(lambda xp, x, w: x * w)

    class Scaled(nn.Module):
        def __init__(self):
            self.w = tg.Tensor([1.5, 2.0, 3.0], requires_grad=True)

        def forward(self, x):
            return wrong(x, self.w)

    with pytest.raises(tg.check.GradientMismatch, match="wrong"):
        tg.check_gradient(tg.compile(Scaled()), np.array([0.5, 1.0, -1.0]))


def test_a_long_list_is_told_in_few_words():
    compiled = tg.compile(lambda x, n: x * len(n))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for k in range(8):
            compiled(np.ones(2), [*range(100 + k)])
    assert "n: a list of 100 numbers, a list of 101 numbers" in str(seen[0].message)
