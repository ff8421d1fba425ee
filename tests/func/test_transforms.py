"""Transforms of functions: what they compute, held against the oracle, and how they nest."""

import tracemalloc
from collections import namedtuple
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.domains import sample
from tests.ops.table import ROWS
from tests.ops.test_rules import bound
from tinygrad_ko import func, nn
from tinygrad_ko.check import directional_derivative
from tinygrad_ko.check.slopes.slope import scales
from tinygrad_ko.runtime.names import homes
from tinygrad_ko.testing import arrays, graphs

rng = np.random.default_rng(0)
ROW = {f.__name__: (f, row) for f, row in ROWS.items()}


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def like(x: Any, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=np.shape(x))


def inner(a: Any, b: Any) -> float:
    return float(sum(np.sum(p * q) for p, q in zip(a, b, strict=True)))


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * max(1.0, float(np.max(np.abs(b), initial=0))))


def slope(f: Callable[..., Any], inputs: tuple[Any, ...], directions: Any, cotangent: Any = None) -> Any:
    """What the oracle measures along directions of all arguments together."""
    sizes = np.cumsum([x.size for x in inputs])[:-1]

    def of_one(row: Any) -> Any:
        return f(*(part.reshape(x.shape) for part, x in zip(np.split(row, sizes), inputs, strict=True)))

    row, d = (np.concatenate([np.ravel(x) for x in several]) for several in (inputs, directions))
    return directional_derivative(of_one, row, d, cotangent=cotangent)


def within(value: float, measured: Any) -> bool:
    return bool(abs(value - measured.value) <= 2 * measured.error + 1e-9 * abs(measured.value) + 1e-12)


# ------------------------------------------------------------------ held by the oracle


@given(graphs(), st.integers(0, 99))
def test_products_with_the_jacobian(program: Any, seed: int) -> None:
    """jvp is the directional derivative, and vjp is its transpose."""
    inputs = program.inputs
    ds = tuple(like(x, seed + i) * scales(x) for i, x in enumerate(inputs))
    y, pushed = func.jvp(program, inputs, ds)
    same, pull = func.vjp(program, *inputs)
    assert np.array_equal(y, program(*inputs))
    assert np.array_equal(y, same)
    assert pushed.shape == y.shape
    c = like(y, seed + 9)
    pulled = pull(c)
    assert [g.shape for g in pulled] == [x.shape for x in inputs]
    size = float(np.sum(np.abs(c * pushed)) + sum(np.sum(np.abs(g * d)) for g, d in zip(pulled, ds, strict=True)))
    assert abs(inner([c], [pushed]) - inner(pulled, ds)) <= 1e-12 * (1 + size)
    assert within(inner([c], [pushed]), slope(program, inputs, ds, c))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # at odd inputs
@pytest.mark.parametrize("name", ROW)
def test_the_jvp_of_every_op_is_the_transpose_of_its_vjp(name: str) -> None:
    function, row = ROW[name]
    for arguments, options in sample(row, 3):
        able = [isinstance(a, np.ndarray) and a.dtype == np.float64 for a in arguments]
        xs = [a for a, wanted in zip(arguments, able, strict=True) if wanted]
        f = bound(function, options)

        def g(*xs: Any, f: Any = f, arguments: Any = arguments, able: Any = able) -> Any:
            rest = iter(xs)
            return f(*(next(rest) if wanted else a for a, wanted in zip(arguments, able, strict=True)))

        if not xs or not isinstance(g(*map(tg.Tensor, xs)), tg.Tensor):
            continue
        ds = [like(x, i) for i, x in enumerate(xs)]
        y, pushed = func.jvp(g, xs, ds)
        c = like(y, 9)
        pulled = func.vjp(g, *xs)[1](c)
        sides = [c * pushed, *(p * d for p, d in zip(pulled, ds, strict=True))]
        if all(np.isfinite(side).all() for side in sides):
            size = sum(float(np.sum(np.abs(side))) for side in sides)
            assert abs(inner([c], [pushed]) - inner(pulled, ds)) <= 1e-11 * size


@given(graphs(max_steps=5), st.integers(0, 99))
def test_jacobians(program: Any, seed: int) -> None:
    """Their rows are pulled, their columns pushed; whichever are fewer are computed."""
    inputs, every = program.inputs, tuple(range(len(program.inputs)))
    found = func.jacobian(program, every)(*inputs)
    y, pull = func.vjp(program, *inputs)
    assert [j.shape for j in found] == [(*y.shape, *x.shape) for x in inputs]
    c = like(y, seed)
    for j, g in zip(found, pull(c), strict=True):
        close(np.tensordot(c, j, c.ndim), g)
    ds = tuple(like(x, seed + i) for i, x in enumerate(inputs))
    pushed = func.jvp(program, inputs, ds)[1]
    close(sum(np.tensordot(j, d, d.ndim) for j, d in zip(found, ds, strict=True)), pushed)
    for i, j in enumerate(found):  # one at a time goes the other way round, if it is narrow
        close(func.jacobian(program, i)(*inputs), j)


@given(graphs(max_steps=5), st.integers(0, 99))
def test_hessians(program: Any, seed: int) -> None:
    x = program.inputs[0]

    def f(x: Any) -> Any:
        return tg.sum(tg.sin(program(x, *program.inputs[1:])))

    matrix = func.hessian(f)(x)
    assert matrix.shape == x.shape * 2
    square = matrix.reshape(x.size, x.size)
    close(square, square.T)
    v, w = like(x, seed), like(x, seed + 1)
    product = func.hvp(f, x, v)
    close(np.tensordot(matrix, v, x.ndim), product)
    assert within(inner([w], [product]), slope(lambda x: func.grad(f)(x), (x,), (v,), w))


@settings(max_examples=12)
@given(graphs(max_steps=4))
def test_gradients_pass_the_judge_and_so_do_their_gradients(program: Any) -> None:
    def f(*xs: Any) -> Any:
        return tg.sum(tg.cos(program(*xs)))

    every = tuple(range(len(program.inputs)))

    def flat(*xs: Any) -> Any:
        return tg.concat([g.reshape(-1) for g in func.grad(f, every)(*xs)])

    with suppress(tg.GradientUndecided):
        tg.check_gradient(f, *program.inputs)
        tg.check_gradient(flat, *program.inputs, order=2)
    for found, expected in zip(func.grad(f, every)(*program.inputs), backward(f, program.inputs), strict=True):
        assert found.tobytes() == expected.tobytes()


def backward(f: Any, inputs: Any) -> list[Any]:
    leaves = [tg.Tensor(x, requires_grad=True) for x in inputs]
    f(*leaves).backward()
    return [x.grad for x in leaves]


@pytest.mark.parametrize(
    "transformed",
    [
        lambda x, v: func.grad(lambda x: (tg.sin(x) * v).sum())(x),
        lambda x, v: func.value_and_grad(lambda x: (x**3).sum())(x)[0] * v,
        lambda x, v: func.jvp(lambda x: tg.tanh(x * v), (x,), (v,))[1],
        lambda x, v: func.vjp(lambda x: tg.tanh(x * x), x)[1](v)[0],
        lambda x, v: func.jacobian(lambda x: tg.sin(x) * v)(x).sum(axis=0),
        lambda x, v: func.jacobian(lambda a: tg.exp(a * x) * v)(x[0]),
        lambda x, v: func.hessian(lambda x: tg.exp(x * v).sum())(x),
        lambda x, v: func.hvp(lambda x: (x**4).sum(), x, v),
        lambda x, v: func.checkpoint(lambda x: func.hvp(lambda x: (x**4 * v).sum(), x, v), x),
    ],
)
def test_the_judge_on_every_transform(transformed: Any) -> None:
    assert tg.check_gradient(transformed, [0.5, -1.0, 0.25], [1.0, 2.0, -0.5], order=2).verdict == "agrees"


def test_blame_reaches_through_a_transform() -> None:
    @tg.op(x=lambda g, out: g * out * (out - 1))
    def logistic(xp: Any, x: Any) -> Any:
        return 1 / (1 + xp.exp(-x))

    with pytest.raises(tg.GradientMismatch, match=r"op logistic, called at .*test_transforms\.py"):
        tg.check_gradient(lambda x: func.value_and_grad(lambda x: logistic(x).sum())(x)[0], [0.5, 1.0])
    with pytest.raises(tg.GradientMismatch, match="logistic"):
        tg.check_gradient(lambda x: func.grad(lambda x: logistic(x).sum())(x) * x, [0.5, 1.0])


# ------------------------------------------------------------------ known values


def test_powers_and_their_derivatives() -> None:
    f: Any = lambda x: x**4
    for expected in (32.0, 48.0, 48.0, 24.0, 0.0):
        f = func.grad(f)
        assert f(2.0) == expected


def test_matrices() -> None:
    A, x = rng.normal(size=(3, 4)), rng.normal(size=4)
    close(func.jacobian(lambda x: A @ x)(x), A)
    assert func.jacobian(tg.matmul, (0, 1))(A, x)[0].shape == (3, 3, 4)
    close(func.hessian(lambda x: ((A @ x) ** 2).sum())(x), 2 * A.T @ A)
    close(func.hvp(lambda x: ((A @ x) ** 2).sum(), x, np.ones(4)), 2 * A.T @ A @ np.ones(4))
    y, pushed = func.jvp(tg.matmul, (A, x), (A, -x))
    close(y, A @ x)
    close(pushed, np.zeros(3))
    close(func.vjp(lambda x: A @ x, x)[1](np.ones(3))[0], A.sum(axis=0))


@pytest.mark.parametrize(("n", "m", "walks"), [(1, 50, 2), (50, 3, 3), (4, 4, 4), (4, 5, 5)])
def test_a_jacobian_takes_a_walk_for_each_row_or_column(n: int, m: int, walks: int, monkeypatch: Any) -> None:
    """For each row, or one and then one for each column."""
    A, count = rng.normal(size=(m, n)), list[int]()

    def counting(*given: Any, **options: Any) -> Any:
        count.append(1)
        return tg.grad(*given, **options)

    monkeypatch.setattr("tinygrad_ko.func.run.gradients_of", counting)
    close(func.jacobian(lambda x: A @ x)(np.ones(n)), A)
    assert len(count) == walks


def test_a_jacobian_by_columns_has_the_axes_of_the_value_first() -> None:
    a, b = rng.normal(size=(2, 2, 3))
    close(func.jacobian(lambda x: x[0] * a + x[1] * b)(np.array([0.5, 2.0])), np.stack([a, b], axis=-1))
    close(func.jacobian(lambda x: x * a)(np.array(2.0)), a)


def test_a_jacobian_of_what_is_no_tensor_is_zero_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"jacobian: what f returned does not depend on .*\.numpy\(\)"):
        assert func.jacobian(lambda x: x.numpy())(np.ones(2)).tolist() == [[0, 0], [0, 0]]


def test_the_convention_at_kinks() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    assert func.grad(lambda x: tg.relu(x).sum())(x).tolist() == [0, 0, 1]
    assert func.jvp(tg.relu, (x,), (np.ones(3),))[1].tolist() == [0, 0, 1]
    assert np.diag(func.jacobian(tg.abs)(x)).tolist() == [-1, 0, 1]
    assert func.jvp(tg.maximum, (x, x), (np.ones(3), np.zeros(3)))[1].tolist() == [0.5] * 3
    assert not func.hessian(lambda x: tg.relu(x).sum())(x).any()
    assert func.hvp(lambda x: (tg.relu(x) ** 2).sum(), x, np.ones(3)).tolist() == [0, 0, 2]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype: Any) -> None:
    x = np.array([0.5, 1.5], dtype)
    f = lambda x: tg.sum(tg.sin(x) * x)
    results = [func.grad(f)(x), func.hvp(f, x, [1.0, 2.0]), func.hessian(f)(x), *func.value_and_grad(f)(x)]
    results += [*func.jvp(tg.sin, (x,), (np.ones(2),)), func.jacobian(tg.sin)(x), func.vjp(tg.sin, x)[1]([1, 1])[0]]
    results += [func.jacobian(lambda a: a * x)(x[0])]
    assert [r.dtype for r in results] == [dtype] * len(results)


@given(arrays(shape=(), kinks=False))
def test_no_axes(x: Any) -> None:
    square: Any = lambda x: x * x
    for result in (
        func.grad(square)(x),
        func.jacobian(square)(x),
        func.jvp(square, (x,), (1.0,))[1],
        func.hvp(square, x, x) * 1,
    ):
        assert result.shape == ()
    for result in (func.grad(square)(x), func.value_and_grad(square)(x)[0], func.hessian(square)(x)):
        assert type(result) is np.ndarray
    assert func.grad(square)(x) == 2 * x
    assert func.hessian(square)(x) == 2


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_empty(shape: tuple[int, ...]) -> None:
    x = np.zeros(shape)
    assert func.grad(lambda x: tg.exp(x).sum())(x).shape == shape
    assert func.jacobian(tg.exp)(x).shape == shape * 2
    assert func.jacobian(lambda a: a * x)(1.0).shape == shape
    assert func.jacobian(lambda x: x.sum())(x).shape == shape
    assert func.hessian(lambda x: tg.exp(x).sum())(x).shape == shape * 2
    assert func.hvp(lambda x: tg.exp(x).sum(), x, x).shape == shape
    assert func.jvp(tg.exp, (x,), (x,))[1].shape == shape
    assert func.vjp(tg.exp, x)[1](x)[0].shape == shape


@pytest.mark.filterwarnings("ignore:.*does not depend on the arguments")  # test_outputs.py is about that
def test_zeros_for_what_is_not_used() -> None:
    x, z = tg.Tensor([1.0, 2.0]), np.ones((3, 1), np.float32)
    constant = lambda x, z: tg.Tensor([3.0, 4.0])
    for f in (lambda x, z: x * x, constant, lambda x, z: x.detach() * 2, lambda x, z: tg.no_grad()(lambda: x * 2)()):
        gz = func.grad(lambda x, z, f=f: f(x, z).sum(), 1)(x, z)
        assert (gz.tolist(), gz.dtype) == ([[0]] * 3, np.float32)
        assert not func.vjp(f, x, z)[1]([1.0, 1.0])[1].numpy().any()
        assert not func.jacobian(f, 1)(x, z).any()
        assert func.jacobian(f, 1)(x, z).shape == (2, 3, 1)
        assert not func.hessian(lambda x, z, f=f: f(x, z).sum(), 1)(x, z).any()
    assert func.value_and_grad(lambda x: tg.Tensor(3.0))(x)[0] == 3
    assert func.jvp(constant, (x, z), (x, z))[1].tolist() == [0, 0]
    assert not func.hvp(lambda x: x.sum(), x, x).numpy().any()
    assert not func.hvp(lambda x: tg.Tensor(1.0), x, x).numpy().any()
    assert func.jacobian(lambda z: tg.Tensor(np.ones(4)))(z).shape == (4, 3, 1)
    assert func.jacobian(lambda z: tg.Tensor(np.ones(2)))(z).shape == (2, 3, 1)


# ------------------------------------------------------------------ arguments


def test_argnums_options_and_what_passes_through() -> None:
    def f(x: Any, n: int, y: Any, *, scale: float) -> Any:
        assert type(n) is int
        return scale * (x**n * y).sum()

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert func.grad(f)(x, 2, y, scale=2).tolist() == [12, 32]
    assert func.grad(f, 2)(x, 2, y, scale=1).tolist() == [1, 4]
    assert func.grad(f, -1)(x, 2, y, scale=1).tolist() == [1, 4]
    gx, gy = func.grad(f, (0, 2))(x, 2, y, scale=1)
    assert (gx.tolist(), gy.tolist()) == ([6, 16], [1, 4])
    (alone,) = func.grad(f, (2,))(x, 2, y, scale=1)
    assert alone.tolist() == [1, 4]
    assert func.hessian(f, 0)(x, 2, y, scale=1).tolist() == [[6, 0], [0, 8]]
    assert func.jacobian(f, (0, 2))(x, 2, y, scale=1)[1].tolist() == [1, 4]

    def kept(x: Any, y: Any) -> Any:
        assert (type(x), type(y)) == (tg.Tensor, np.ndarray)
        return (x * y).sum()

    func.grad(kept)(x, y)


@pytest.mark.parametrize("argnums", [1, -2, (0, 0), (0, -1), "x", None, 0.0, (0, "x")])
def test_argnums_that_do_not_fit(argnums: Any) -> None:
    for transform in (func.grad, func.value_and_grad, func.jacobian, func.hessian):
        with pytest.raises(
            ValueError, match=r"argnums=.*(, but f was called with 1 positional| names an argument twice)"
        ):
            transform(tg.sin, argnums)(1.0)
    with pytest.raises(ValueError, match=r"argnums=\(0, 0\) names an argument twice"):
        func.grad(lambda x: x, (0, 0))(1.0)
    with pytest.raises(ValueError, match="argnums=1, but f was called with 1 positional argument") as caught:
        func.hessian(tg.sin, 1)(1.0)
    assert korean(caught.value)


def test_numbers_and_lists_are_arrays() -> None:
    assert func.grad(lambda x: x * x)(3) == 6
    assert func.grad(lambda x: (x * x).sum())([1, 2]).tolist() == [2, 4]
    assert func.grad(lambda x: (x * x).sum())([[1.0], [2.0]]).tolist() == [[2], [4]]
    assert func.jvp(tg.square, (3.0,), (1.0,))[1] == 6
    assert func.jvp(tg.square, [[1.0, 2.0]], [[1, 0]])[1].tolist() == [2, 0]


@pytest.mark.parametrize(
    "x", [np.arange(3), np.array([True]), np.int64(3), True, tg.Tensor(np.arange(2)), {"a": np.arange(2)}]
)
def test_integers_are_refused_with_the_cure(x: Any) -> None:
    with pytest.raises(TypeError, match=r"grad: argument 0.* holds (int|bool).*astype\(float\)") as caught:
        func.grad(lambda x: x)(x)
    assert korean(caught.value)
    with pytest.raises(TypeError, match="grad: argument 1"):
        func.grad(lambda y, x: x, -1)(1.0, x)


@pytest.mark.parametrize(
    "x", [None, "ab", object(), np.array([1j]), np.array(["a"]), nn.Relu(), {"a": None}, [np.ones(2), "b"]]
)
def test_what_is_no_array_is_refused(x: Any) -> None:
    for transform in (
        lambda: func.grad(lambda x: x)(x),
        lambda: func.vjp(lambda x: x, x),
        lambda: func.hvp(lambda x: x, x, x),
    ):
        with pytest.raises(TypeError) as caught:
            transform()
        assert korean(caught.value)


def test_writes_reach_nobody() -> None:
    x = np.array([1.0, 2.0])

    def f(t: Any) -> Any:
        y = (t * t).sum()
        t.data[:] = 9
        return y

    value, g = func.value_and_grad(f)(x)
    assert (x.tolist(), value, g.tolist()) == ([1, 2], 5, [2, 4])
    y, pull = func.vjp(lambda t: t, x)
    y[:] = 5
    assert x.tolist() == [1, 2]
    y, pull = func.vjp(lambda t: t * t, x)
    x[:] = 7
    y[:] = 8
    assert pull([1.0, 1.0])[0].tolist() == [2, 4]
    first, second = pull([1.0, 1.0])[0], pull([1.0, 1.0])[0]
    first[:] = 0
    assert second.tolist() == [2, 4]
    constant = tg.Tensor([1.0, 2.0])
    g = func.grad(lambda t: (t * t).sum())(constant)
    assert type(g) is tg.Tensor
    assert not g.requires_grad
    assert not constant.requires_grad


def test_results_of_arrays_can_be_written() -> None:
    for result in (
        func.grad(lambda x: x.sum())(np.ones(3)),
        func.grad(lambda x: x.sum())(2.0),
        func.vjp(lambda x: x, np.ones(2))[0],
    ):
        result[...] = 7
    a, b = func.grad(lambda a, b: (a + b).sum(), (0, 1))(np.ones(2), np.ones(2))
    assert not np.shares_memory(a, b)


# ------------------------------------------------------------------ trees


Pair = namedtuple("Pair", "W b")


def test_trees_come_back_in_their_structure() -> None:
    W, b = np.array([[1.0, 2.0]]), np.array([3.0])
    f = lambda p: sum((x * x).sum() for x in ([*p["list"], p["pair"].W, p["pair"].b, p["deep"][0]["x"]]))
    tree = {"list": [W, b], "pair": Pair(W, 2.0), "deep": ({"x": [1.0, 2.0]},)}
    value, g = func.value_and_grad(f)(tree)
    assert value == 5 + 9 + 5 + 4 + 5
    assert type(g["list"]) is list
    assert type(g["pair"]) is Pair
    assert type(g["deep"]) is tuple
    assert [x.tolist() for x in (*g["list"], *g["pair"], g["deep"][0]["x"])] == [[[2, 4]], [6], [[2, 4]], 4, [2, 4]]
    product = func.hvp(f, tree, tree)
    assert [x.tolist() for x in (*product["list"], *product["pair"], product["deep"][0]["x"])] == [
        [[2, 4]],
        [6],
        [[2, 4]],
        4,
        [2, 4],
    ]
    (pulled,) = func.vjp(f, tree)[1](1.0)
    assert pulled["pair"].b == 4
    assert func.jvp(f, (tree,), (tree,))[1] == 2 * 28
    j = func.jacobian(lambda p: p["a"] * p["b"][0])({"a": W[0], "b": [b]})
    assert j["a"].tolist() == [[3, 0], [0, 3]]
    assert j["b"][0].tolist() == [[1], [2]]
    assert func.grad(lambda p, x: x * x)({}, tg.Tensor(2.0)) == {}
    assert func.hvp(lambda p: tg.Tensor(1.0), {}, {}) == {}


def test_a_jacobian_of_several_results_has_their_structure() -> None:
    x, w = np.array([1.0, 2.0]), np.array([[3.0, 4.0]])
    f = lambda p: {"sin": tg.sin(p["x"]), "more": [(tg.sum(p["x"] ** 2),), Pair(p["w"] * 2, p["x"][:0])]}
    j = func.jacobian(f)({"x": x, "w": w})
    assert j["sin"]["x"].tolist() == np.diag(np.cos(x)).tolist()
    assert j["sin"]["w"].shape == (2, 1, 2)
    assert j["more"][0][0]["x"].tolist() == (2 * x).tolist()
    assert type(j["more"][1]) is Pair
    assert j["more"][1].W["w"].tolist() == [[[[2, 0]], [[0, 2]]]]
    assert j["more"][1].b["x"].shape == (0, 2)
    for many in (1, 5):  # by rows and by columns
        several = lambda a, b, many=many: [a * b, {"b": tg.concat([b] * many)}]
        ab, b = func.jacobian(several, (0, 1))(x, 3 * x)
        assert [part.tolist() for part in ab] == [np.diag(3 * x).tolist(), np.diag(x).tolist()]
        assert b["b"][1].tolist() == [*np.eye(2).tolist()] * many
    (alone,) = func.jacobian(lambda x: [tg.sin(x)])(tg.Tensor(x))
    assert type(alone) is tg.Tensor
    assert np.array_equal(alone.numpy(), np.diag(np.cos(x)))
    assert func.grad(lambda x: func.jacobian(lambda y: {"y": y**3})(x)["y"].sum())(x).tolist() == [6, 12]


@pytest.mark.parametrize("f", [lambda x: {"y": x, "n": "3"}, lambda x: [{"y": [x, None]}], lambda x: {}])
def test_a_jacobian_of_what_is_no_tensor_is_refused_by_its_place(f: Any) -> None:
    with pytest.raises(
        TypeError, match=r"f returned (str at \['n'\]|NoneType at \[0\]\['y'\]\[1\]|dict), not a"
    ) as caught:
        func.jacobian(f)(np.ones(2))
    assert caught.value.__notes__


def test_the_networks_of_the_book() -> None:
    net = nn.TwoLayerNet(4, 3, 2, rng=0)
    x, t = rng.normal(size=(5, 4)), np.array([0, 1, 1, 0, 1])
    value, g = func.value_and_grad(net.loss_of)(net.params, x, t)
    assert value == net.loss(x, t)
    expected = net.gradient(x, t)
    assert list(g) == list(expected)
    for name in g:
        assert type(g[name]) is np.ndarray
        assert np.array_equal(g[name], expected[name])


def test_kinds_in_a_tree_with_a_tensor() -> None:
    g = func.grad(lambda p: (p["a"] * p["b"]).sum())({"a": tg.Tensor([1.0, 2.0]), "b": np.array([3.0, 4.0])})
    assert [type(x) for x in g.values()] == [tg.Tensor, tg.Tensor]


# ------------------------------------------------------------------ nesting


def test_inner_and_outer_variables_are_not_confused() -> None:
    assert func.grad(lambda x: x * func.grad(lambda y: x + y)(1.0))(3.0) == 1
    assert func.grad(lambda x: x * func.grad(lambda y: x * y)(x))(3.0) == 6
    assert func.grad(lambda x: func.grad(lambda y: x * y * y)(x))(3.0) == 12 / 1
    assert func.grad(lambda x: func.jvp(lambda y: x * y * y, (x,), (x,))[1])(3.0) == 6 * 9
    assert func.grad(lambda x: func.vjp(lambda y: x * y * y, x)[1](x)[0])(3.0) == 6 * 9
    assert func.jvp(lambda v: func.jvp(tg.square, (3.0,), (v,))[1], (1.0,), (1.0,))[1] == 6
    assert func.grad(lambda v: func.vjp(tg.square, 3.0)[1](v)[0])(1.0) == 6
    assert func.grad(lambda v: func.hvp(lambda x: x**3, 2.0, v))(1.0) == 12


def test_all_ways_to_the_same_matrix() -> None:
    f = lambda x: tg.sum(tg.sin(x) * x[::-1] ** 2)
    x, n = rng.normal(size=3), range(3)
    H = func.hessian(f)(x)
    close(func.jacobian(func.jacobian(f))(x), H)
    close(np.stack([func.jvp(func.grad(f), (x,), (e,))[1] for e in np.eye(3)]), H)
    close(np.stack([func.vjp(func.grad(f), x)[1](e)[0] for e in np.eye(3)]), H)
    close(np.stack([func.grad(lambda x, e=e: func.jvp(f, (x,), (e,))[1])(x) for e in np.eye(3)]), H)
    leaf = tg.Tensor(x, requires_grad=True)
    first = tg.grad(f(leaf), leaf, create_graph=True)
    close(np.stack([tg.grad(first[i], leaf).numpy() for i in n]), H)
    close(np.stack([tg.grad(func.grad(f)(leaf)[i], leaf).numpy() for i in n]), H)
    third = func.jacobian(func.hessian(f))(x)
    close(third, third.transpose(2, 1, 0))


def test_with_tg_grad_inside() -> None:
    def f(x: Any) -> Any:
        y = x**3
        return (tg.grad(y.sum(), x, create_graph=True) * x).sum()  # 3 x**3

    assert func.grad(f)(np.array([1.0, 2.0])).tolist() == [9, 36]
    assert func.hessian(f)(np.array([1.0, 2.0])).tolist() == [[18, 0], [0, 36]]


def test_gradients_reach_what_f_reads() -> None:
    w, x = leaf(2.0, 3.0), np.array([1.0, 2.0])
    g = func.grad(lambda x: (w * x**2).sum())(x)
    assert type(g) is tg.Tensor  # else the gradient of a penalty on it would be lost in silence
    (g**2).sum().backward()
    assert w.grad.tolist() == [16, 96]
    w.zero_grad()
    for penalty in (
        func.hvp(lambda x: (w * x**2).sum(), x, np.ones(2)),
        func.jvp(lambda x: w * x**2, (x,), (np.ones(2),))[1],
        func.vjp(lambda x: w * x**2, x)[1](np.ones(2))[0],
        func.jacobian(lambda x: w * x**2)(x).sum(axis=0),
        func.hessian(lambda x: (w * x**2).sum())(x).sum(axis=0),
        func.value_and_grad(lambda x: (w * x**2).sum())(x)[0],
        func.vjp(lambda x: w * x**2, x)[0],
    ):
        assert penalty.requires_grad
        assert w.grad is None
        tg.grad(penalty.sum(), w)
    net = nn.Sequential(nn.Affine(2, 3, rng=0), nn.Sigmoid(), nn.Affine(3, 1, rng=1))
    func.grad(lambda x: net(x).sum())(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters()[:3])
    assert net[2].b.grad is None


TRANSFORMS: dict[str, Callable[[Any, Any], Any]] = {
    "grad": lambda f, x: func.grad(lambda x: tg.sum(f(x)))(x),
    "value_and_grad": lambda f, x: func.value_and_grad(lambda x: tg.sum(f(x)))(x)[1],
    "jacobian, by rows": lambda f, x: func.jacobian(f)(x),
    "jacobian, by columns": lambda f, x: func.jacobian(lambda x: tg.concat([f(x), f(x), x]))(x),
    "hessian": lambda f, x: func.hessian(lambda x: tg.sum(f(x)))(x),
    "hvp": lambda f, x: func.hvp(lambda x: tg.sum(f(x)), x, x),
    "jvp": lambda f, x: func.jvp(f, (x,), (x,))[1],
    "vjp": lambda f, x: func.vjp(f, x)[1](x)[0],
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_what_does_not_depend_on_the_variable_outside_is_an_array(name: str) -> None:
    """f reads the variable p of a transform outside; its derivative at a constant depends on p or does not."""
    transform, x, kinds = TRANSFORMS[name], np.array([0.5, 0.25]), []

    def outer(p: Any) -> Any:
        constant, varying = transform(lambda x: x**3 + p, x), transform(lambda x: x**3 * p, x)
        nothing = transform(lambda x: x * 0 + p, x)
        kinds.append([type(constant), type(varying), type(nothing)])
        return tg.sum(varying * np.asarray(constant)) + tg.sum(np.asarray(nothing) * p[0])

    p = np.array([2.0, 3.0])
    for found in (
        func.grad(outer)(p),
        func.value_and_grad(outer)(p)[0],
        func.jacobian(outer)(p),
        func.hessian(outer)(p),
    ):
        assert type(found) is np.ndarray  # a variable inside is nobody's when its transform has ended
    assert kinds == [[np.ndarray, tg.Tensor, np.ndarray]] * len(kinds)
    tg.check_gradient(outer, p)
    with tg.no_grad():
        assert type(transform(lambda x: x**3 * leaf(2, 3), x)) is np.ndarray


def test_hypergradients_are_arrays_for_an_optimizer_of_another_library() -> None:
    """The rate of a step of gradient descent, by the gradient of the loss after it in the rate: the best is 1 / 2 for a square."""
    w, kinds = np.array([3.0, -4.0]), set()

    def after(rate: Any) -> Any:
        return tg.sum((w - rate * func.grad(lambda w: tg.sum(w * w) + rate * 0)(w)) ** 2)

    rate = np.array(0.1)
    for _ in range(30):
        value, slope = func.value_and_grad(after)(rate)
        kinds |= {type(value), type(slope)}
        rate = rate - 0.005 * slope
    assert kinds == {np.ndarray}
    np.testing.assert_allclose(rate, 0.5, rtol=1e-9)


def test_arguments_that_are_not_reached_beside_one_in_a_graph() -> None:
    x = leaf(1.0, 2.0)
    unused, used = func.grad(lambda a, b: (b * b).sum(), argnums=(0, 1))(x * 2, np.ones(2))
    assert unused.tolist() == [0, 0]
    assert used.tolist() == [2, 2]
    assert not unused.requires_grad


def test_a_tensor_in_a_graph_stays_in_it() -> None:
    x = leaf(1.0, 2.0)
    h = x * x
    value, g = func.value_and_grad(lambda t: (t**3).sum())(h)
    assert tg.grad(g.sum(), x).tolist() == [12, 96]
    assert tg.grad(value, x).tolist() == [6, 6 * 32]
    value.backward()
    assert x.grad.tolist() == [6, 192]


def test_under_no_grad_nothing_is_recorded() -> None:
    w, x = leaf(2.0, 3.0), leaf(1.0, 2.0)
    f = lambda x: (w * x**2).sum()
    with tg.no_grad():
        results = [
            func.grad(f)(x),
            *func.value_and_grad(f)(x),
            func.hvp(f, x, x),
            func.hessian(f)(x),
            func.jacobian(f)(x),
        ]
        y, pull = func.vjp(f, x)
        results += [y, pull(1.0)[0], *func.jvp(f, (x,), (x,))]
        on_arrays = func.grad(f)(np.array([1.0, 2.0]))
    assert results[0].tolist() == on_arrays.tolist() == [4, 12]
    assert type(on_arrays) is np.ndarray
    assert [type(r) for r in results] == [tg.Tensor] * len(results)
    assert not any(r.requires_grad for r in results)
    assert w.grad is x.grad is None
    assert pull(1.0)[0].tolist() == [4, 12]
    with tg.no_grad():
        pushed = func.jvp(lambda w, x: w * x**2, (w, x), (w, x))[1]
        product = func.hvp(lambda p: (p[0] * p[1] ** 2).sum(), [w, x], [w, x])
    assert pushed.tolist() == [6, 36]
    assert [p.tolist() for p in product] == [[2, 8], [8, 24]]
    y, pull = func.vjp(f, x)
    with tg.no_grad():
        assert not pull(1.0)[0].requires_grad
    assert pull(1.0)[0].requires_grad


def test_nothing_is_deposited_anywhere() -> None:
    w, x = leaf(2.0, 3.0), leaf(1.0, 2.0)
    f = lambda x: (w * x**2).sum()
    for _ in range(2):
        func.grad(f)(x), func.grad(f)(np.ones(2)), func.hvp(f, x, x), func.jvp(f, (x,), (x,))
        with tg.no_grad():
            func.grad(f)(x), func.grad(f)(np.ones(2))
    assert w.grad is x.grad is None


def test_tangents_and_cotangents_as_tensors() -> None:
    x, v = np.array([1.0, 2.0]), leaf(3.0, 4.0)
    for result in (
        func.jvp(tg.square, (x,), (v,))[1],
        func.vjp(tg.square, x)[1](v)[0],
        func.hvp(lambda x: (x**3 / 3).sum(), x, v),
    ):
        assert result.tolist() == [6, 16]
        assert tg.grad(result.sum(), v).tolist() == [2, 4]
    assert type(func.jvp(tg.square, (x,), (v,))[0]) is np.ndarray
    with tg.no_grad():
        assert not func.jvp(tg.square, (x,), (v,))[1].requires_grad
    assert not func.jvp(tg.square, (x,), (v.detach(),))[1].requires_grad


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_inside_leaves_no_switch_changed(error: Any) -> None:
    def f(x: Any) -> Any:
        x * 2
        raise error("mine")

    w, x = leaf(1, 2), np.ones(2)
    calls: list[Any] = [
        lambda: func.grad(f)(x), lambda: func.hessian(f)(x), lambda: func.jvp(f, (x,), (x,)), lambda: func.vjp(f, x),
        lambda: func.hvp(f, x, x), lambda: func.jacobian(f)(x), lambda: func.grad(lambda x: func.grad(f)(x).sum())(x),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(error, match="mine"):
            call()
        assert (w * 2).requires_grad
        with tg.no_grad():
            with pytest.raises(error, match="mine"):
                call()
            assert not (w * 2).requires_grad


def test_watch_and_scope_see_inside() -> None:
    with tg.watch(), tg.scope("outer"):
        x = leaf(1, 2)
        y = func.grad(lambda x: (x**3).sum())(x)
    assert y.node.scope == ("outer", "gradient")
    assert y.node.seen.output.tolist() == [3, 12]


@pytest.mark.parametrize("no_grad", [False, True])
def test_memory_is_let_go_on_the_way(no_grad: bool) -> None:
    """The gradient of a function to which nothing outside belongs takes no more than a backward does."""
    x: Any = np.full(100_000, 0.5)

    def f(x: Any) -> Any:
        for _ in range(20):
            x = tg.sin(x)
        return x.sum()

    def peak(work: Callable[[], Any]) -> int:
        tracemalloc.start()
        try:
            work()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    def by_hand() -> None:
        f(tg.Tensor(x, requires_grad=True)).backward()

    least = peak(by_hand)
    if no_grad:
        leaf = tg.Tensor(x, requires_grad=True)
        assert peak(lambda: tg.no_grad()(func.grad(f))(leaf)) <= least
    else:
        assert peak(lambda: func.grad(f)(x)) < least + 1.1 * x.nbytes  # a copy, so that the result is the caller's


# ------------------------------------------------------------------ errors


def test_one_number() -> None:
    for name, call in {
        "grad": lambda: func.grad(tg.sin)(np.ones((2, 3))),
        "value_and_grad": lambda: func.value_and_grad(tg.sin)(np.ones((2, 3))),
        "hessian": lambda: func.hessian(tg.sin)(np.ones((2, 3))),
        "hvp": lambda: func.hvp(tg.sin, np.ones((2, 3)), np.ones((2, 3))),
    }.items():
        with pytest.raises(ValueError, match=rf"^{name}: f returned shape \(2, 3\).*\.sum\(\).*jacobian") as caught:
            call()
        assert korean(caught.value)
    assert func.grad(lambda x: x)(np.ones((1, 1))).tolist() == [[1]]


def test_what_f_must_return() -> None:
    calls: list[Callable[[Any], Any]] = [
        lambda f: func.grad(f)(1.0),
        lambda f: func.hessian(f)(1.0),
        lambda f: func.hvp(f, 1.0, 1.0),
        lambda f: func.jacobian(f)(1.0),
        lambda f: func.vjp(f, 1.0),
        lambda f: func.jvp(f, (1.0,), (1.0,)),
    ]
    f: Any
    for f in (lambda x: None, lambda x: "x", lambda x: (x, object()), lambda x: {}, lambda x: np.array([1j])):
        for call in calls:
            with pytest.raises(TypeError, match=r"f returned|real numbers") as caught:
                call(f)
            assert korean(caught.value)
    for f in (lambda x: (x, x), lambda x: {"y": x}):
        for call in calls[:3]:
            with pytest.raises(TypeError, match=r"f returned \w+, not one Tensor.*has_aux=True.*vjp") as caught:
                call(f)
            assert korean(caught.value)


def test_what_is_no_function() -> None:
    x = leaf(1.0)
    for transform in (func.grad, func.value_and_grad, func.jacobian, func.hessian):
        with pytest.raises(TypeError, match=r"takes a function, not Tensor.*tg\.grad\(y, x\)") as caught:
            transform(x * x)
        assert korean(caught.value)


def test_shapes_that_do_not_fit() -> None:
    x = np.ones((2, 3))
    refused: dict[str, Any] = {
        r"^jvp: tangents\[0\] has shape \(3,\), but the argument has shape \(2, 3\)": lambda: func.jvp(
            tg.sin, (x,), (np.ones(3),)
        ),
        r"^jvp: 1 primals need as many tangents, not 2": lambda: func.jvp(tg.sin, (x,), (x, x)),
        r"^jvp: tangents\[0\]\['a'\] has shape": lambda: func.jvp(lambda p: p["a"], ({"a": x},), ({"a": 1.0},)),
        r"^jvp: tangents\[0\] does not have the structure .*\['a'\].*None": lambda: func.jvp(
            lambda p: p["a"], ({"a": x},), (x,)
        ),
        r"^vjp: the cotangent has shape \(\), but the value of f has shape \(2, 3\)": lambda: func.vjp(tg.sin, x)[1](
            1.0
        ),
        r"^hvp: v has shape \(2,\), but the argument": lambda: func.hvp(tg.sum, x, np.ones(2)),
        r"^hvp: v has shape None": lambda: func.hvp(tg.square, 1.0, None),
        r"^hvp: v\[1\] has shape": lambda: func.hvp(lambda p: p[0].sum(), [x, x], [x, 1.0]),
        r"^hvp: v does not have the structure .*\[0, 1\].*\[0\]": lambda: func.hvp(lambda p: p[0].sum(), [x, x], [x]),
        r"^hvp: v does not have the structure": lambda: func.hvp(lambda p: p["a"].sum(), {"a": x}, {"b": x}),
    }
    for message, call in refused.items():
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert korean(caught.value)
    for call in (
        lambda: func.jvp(tg.sin, x, x),
        lambda: func.jvp(tg.sin, (x,), x),
        lambda: func.jvp(tg.sin, (x,), ("a",)),
    ):
        with pytest.raises(TypeError) as typed:
            call()
        assert korean(typed.value)
    both: Any = (0, 1)
    for call in (
        lambda: func.hessian(lambda p: p["a"].sum())({"a": x}),
        lambda: func.hessian(tg.matmul, both)(x, x.T),
    ):
        with pytest.raises(TypeError, match=r"hessian: it is taken in one array, not in .*hvp") as typed:
            call()
        assert korean(typed.value)


def test_names_and_signatures_of_what_comes_out() -> None:
    def loss(weights: Any, data: Any) -> Any:
        return (weights * data).sum()

    g = func.grad(loss)
    assert g.__name__ == "grad(loss)"
    wrapped: Any = func.value_and_grad(loss)
    report = tg.check_gradient(wrapped.__wrapped__, [1.0], [2.0])
    assert list(report.shapes) == ["weights", "data"]
    assert list(tg.check_gradient(g, [1.0], [2.0]).shapes) == ["weights", "data"]
    assert func.hessian(tg.sum).__name__ == "hessian(sum)"
    assert func.grad(nn.Affine(1, 1)).__name__ == "grad(Affine)"
    assert func.grad(func.grad(loss)).__name__ == "grad(grad(loss))"


def test_it_is_imported_when_it_is_asked_for() -> None:
    assert tg.func is func
    assert "func" in homes("tinygrad_ko")


# ------------------------------------------------------------------ other libraries


def test_on_arrays_of_the_standard() -> None:
    """array-api-strict has nothing but the standard; what comes out is its arrays."""
    W, x, v = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=3)

    def f(p: Any) -> Any:
        return tg.sum(tg.tanh(func.checkpoint(lambda y: tg.sin(y @ p["W"]), p["x"])))

    def results(convert: Callable[[Any], Any]) -> list[Any]:
        a, p = convert(x), {"W": convert(W), "x": convert(x)}
        wave = lambda x: tg.sin(x) * x[0]
        found = [*func.value_and_grad(f)(p)[1].values(), func.value_and_grad(f)(p)[0], *func.hvp(f, p, p).values()]
        found += [
            func.jacobian(wave)(a),
            func.jacobian(lambda s: s * a)(a[0]),
            func.hessian(lambda x: tg.sum(tg.exp(x)))(a),
        ]
        found += [*func.jvp(wave, (a,), (convert(v),)), func.vjp(wave, a)[1](convert(v))[0]]
        found += [
            func.jvp(f, (p,), (p,))[1],
            func.grad(lambda x: tg.Tensor(a[0]) * 2 + x[0] * 0)(a),
        ]
        found += func.vjp(lambda x: {"a": tg.sin(x), "b": [x[0] * x]}, a)[1]({"a": a, "b": [convert(v)]})
        found += func.jvp(lambda x: [tg.sin(x), x[0] * x], (a,), (convert(v),))[1]
        return found

    for ours, theirs in zip(results(lambda x: x), results(array_api_strict.asarray), strict=True):
        assert type(ours) is np.ndarray
        assert type(theirs) is type(array_api_strict.asarray(x))
        np.testing.assert_allclose(np.asarray(theirs), ours, rtol=1e-12, atol=1e-12)
