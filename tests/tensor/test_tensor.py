"""What a Tensor can do, in NumPy's habits, and what it refuses with the cure."""

import copy
import inspect
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def agrees(result: Any, expected: Any) -> None:
    """A recorded Tensor with the value, shape and dtype that NumPy gives."""
    assert isinstance(result, tg.Tensor)
    assert result.requires_grad
    assert result.shape == np.shape(expected)
    assert result.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6 if result.dtype == np.float32 else 1e-12)
    result.backward(np.ones(result.shape))


# ------------------------------------------------------------------ making one


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        ([1, 2], np.float64, (2,)),
        ([[1, 2.5]], np.float64, (1, 2)),
        ((1, 2), np.float64, (2,)),
        (range(3), np.float64, (3,)),
        ([True, False], np.bool_, (2,)),
        ([], np.float64, (0,)),
        ([[], []], np.float64, (2, 0)),
        (1.5, np.float64, ()),
        (np.array([1, 2]), np.int64, (2,)),
        (np.array([1, 2], np.float32), np.float32, (2,)),
        (np.float16(1), np.float16, ()),
        (np.array([1, 2], np.uint8), np.uint8, (2,)),
        (np.array(True), np.bool_, ()),
        ([np.float32(1), np.float32(2)], None, (2,)),
    ],
)
def test_lists_become_float64_and_arrays_keep_their_dtype(data: Any, dtype: Any, shape: tuple[int, ...]) -> None:
    t: Any = tg.Tensor(data)
    assert t.shape == shape
    assert (t.ndim, t.size) == (len(shape), int(np.prod(shape)))
    if dtype is not None:
        assert t.dtype == dtype


def test_dtype_can_be_asked_for() -> None:
    assert tg.Tensor([1, 2], dtype=np.float32).dtype == np.float32
    assert tg.Tensor(np.array([1, 2]), True, dtype=float).requires_grad
    assert tg.Tensor([1, 2], dtype=int).dtype.kind == "i"
    assert tg.Tensor(tg.Tensor([1.0]), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    "data",
    [
        None,
        "abc",
        ["a"],
        1j,
        [1j],
        {"a": 1},
        {1.0},
        object(),
        [None],
        [[1], [1, 2]],
        np.array([1j]),
        np.array(["a"]),
        np.array([1], object),
        np.array(["2020"], "M8[Y]"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_not_real_numbers(data: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tg.Tensor(data)


def test_complex_dtype_is_refused() -> None:
    with pytest.raises(TypeError):
        tg.Tensor([1.0], dtype=complex)
    with pytest.raises(TypeError):
        tg.Tensor([1.0], dtype=object)


@pytest.mark.parametrize("data", [np.array([1, 2]), np.array([True]), [True, False], np.int64(3)])
def test_integers_have_no_gradient(data: Any) -> None:
    with pytest.raises(TypeError, match="dtype=float") as caught:
        tg.Tensor(data, requires_grad=True)
    assert korean(caught.value)
    t: Any = tg.Tensor(data)
    with pytest.raises(TypeError, match="dtype=float"):
        t.requires_grad = True
    assert not t.requires_grad


def test_requires_grad_can_be_switched_on_leaves_only() -> None:
    t: Any = tg.Tensor([1.0])
    t.requires_grad = True
    y = t * 2
    y.requires_grad = True
    with pytest.raises(RuntimeError, match="detach") as caught:
        y.requires_grad = False
    assert korean(caught.value)
    assert y.requires_grad
    t.requires_grad = False
    assert not (t * 2).requires_grad


@pytest.mark.parametrize(
    "build",
    [
        lambda w: [w, w],
        lambda w: (w[0], w[1]),
        lambda w: [w[0], 1.0],
        lambda w: [1, np.float32(2), w[1] * w[0]],
        lambda w: [[w[0], 1], [True, w[1]]],
        lambda w: [w, [1.0, 2.0], np.array([3.0, 4.0])],
        lambda w: [[w, 2 * w], ((w[0], 0.5), [w[1], w[1]])],
    ],
)
def test_a_list_of_tensors_is_one_tensor_in_their_graph(build: Callable[[Any], Any]) -> None:
    w = np.array([0.75, -2.0])
    made: Any = tg.Tensor(build(leaf(*w)))
    assert made.dtype == float
    np.testing.assert_array_equal(made.numpy(), np.array(build(w)))
    tg.check_gradient(lambda x: tg.Tensor(build(x), name="made") ** 2, w, order=2, rng=0)


def test_a_list_of_tensors_that_is_no_result() -> None:
    w = leaf(1, 2)
    with tg.no_grad():
        assert not tg.Tensor([w[0], 3.0]).requires_grad
    constants = [tg.Tensor(1, dtype=int), tg.Tensor(2, dtype=int)]
    whole: Any = tg.Tensor(constants, True)
    assert whole.dtype == float  # as of a list of numbers
    assert tg.Tensor(constants, dtype=int).dtype == int
    assert tg.Tensor([tg.Tensor(True, dtype=bool)]).dtype == bool
    tg.sum(whole).backward()
    assert whole.grad.tolist() == [1, 1]
    half: Any = tg.Tensor([w[0], w[1]], dtype=np.float32, name="half")
    assert (half.dtype, half.name, half.requires_grad) == (np.float32, "half", True)
    for options, words in (({"requires_grad": True}, "cut them off"), ({"dtype": int}, "no gradient")):
        with pytest.raises(TypeError, match=words) as caught:
            tg.Tensor([w[0], w[1]], **options)
        assert korean(caught.value)
    with pytest.raises(ValueError, match="stack"):
        tg.Tensor([w, w[0]])


LISTS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sum": lambda xp, w, v: xp.sum([w, v], axis=0),
    "mean": lambda xp, w, v: xp.mean([w[0], 2.0, v[1]]),
    "subtract": lambda xp, w, v: v - [w[0], 1.0],
    "reflected": lambda xp, w, v: (w[1], 2.0) * v,
    "matmul": lambda xp, w, v: [w, v] @ w,
    "where": lambda xp, w, v: xp.where(np.array([True, False]), [w[0], w[1]], v),
    "concat": lambda xp, w, v: xp.concat([[w[0], v[1]], w]),
    "stack": lambda xp, w, v: xp.stack([[w[0], 1.0], v]),
    "reshape": lambda xp, w, v: xp.reshape([w, v], (4,)),
    "moveaxis": lambda xp, w, v: xp.moveaxis([w, v], 0, 1),
    "einsum": lambda xp, w, v: xp.einsum("i,i", [w[0], v[0]], v),
}
OF_NUMPY: dict[str, Callable[[Any, Any], Any]] = {
    "append": lambda w, v: np.append(w, [w[0], 1.0]),
    "append to a list": lambda w, v: np.append([w[0], 3.0], v),
    "append, flattened": lambda w, v: np.append([[w[0], 3.0]], v),
    "append along an axis": lambda w, v: np.append([[w[0], v[0]]], v[None], axis=0),
    "stack": lambda w, v: np.stack([w, v], axis=1),
    "stack of lists": lambda w, v: np.stack([[w[0], 1.0], v]),
    "concatenate": lambda w, v: np.concatenate([[w[0], w[1]], v]),
    "vstack": lambda w, v: np.vstack([[w[0], w[1]], v]),
    "dot": lambda w, v: np.dot([w[0], w[1]], v),
    "add": lambda w, v: np.add([w[0], w[1]], v),
    "where": lambda w, v: np.where([True, False], [w[0], w[1]], v),
    "average": lambda w, v: np.average([w[0], 2.0], weights=v * v),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_tensors_stands_for_an_array(name: str) -> None:
    w = np.array([0.75, -2.0])
    expected = LISTS[name](np, w, 3 * w)
    np.testing.assert_allclose(LISTS[name](tg, leaf(*w), leaf(*3 * w)).numpy(), expected, rtol=1e-15)
    tg.check_gradient(lambda w: LISTS[name](tg, w, 3 * w), w, rng=0)


@pytest.mark.parametrize("name", OF_NUMPY)
def test_numpys_functions_take_lists_of_tensors(name: str) -> None:
    w = np.array([0.75, -2.0])
    np.testing.assert_allclose(OF_NUMPY[name](leaf(*w), leaf(*3 * w)).numpy(), OF_NUMPY[name](w, 3 * w), rtol=1e-15)
    tg.check_gradient(lambda w: OF_NUMPY[name](w, 3 * w), w, rng=0)


def test_a_leaf_has_its_name() -> None:
    w: Any = tg.Tensor([1.0], True, name="W1")
    assert w.name == "W1"
    assert "W1" in repr(w)
    w.name = "W2"
    assert w.name == "W2"
    assert w.node is not None
    assert w.node.name == "W2"
    assert (w * 2).name is None


# ------------------------------------------------------------------ operators

SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}
OTHERS: list[Any] = [
    2,
    2.5,
    True,
    -1,
    0,
    [2.0, 3.0],
    (2, 3),
    [[2.0], [3.0]],
    np.array([2.0, 3.0]),
    np.array([2, 3]),
    np.array(2.0),
    np.array([[2.0], [3.0]]),
    np.array([True, False]),
    np.float64(2),
    np.int64(2),
    np.float32(2),
    np.array([2, 3], np.float32),
    tg.Tensor([2.0, 3.0]),
    tg.Tensor(2.0),
    tg.Tensor([2, 3], dtype=int),
    np.ones((0, 2)),
]


def bare(x: Any) -> Any:
    x = x.numpy() if isinstance(x, tg.Tensor) else x
    return np.asarray(x, dtype=float) if isinstance(x, list | tuple) else x


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("other", OTHERS, ids=repr)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_operator_on_either_side(sign: str, other: Any, dtype: Any) -> None:
    for swap in (False, True):
        w: Any = tg.Tensor(np.array([0.5, 1.5], dtype), requires_grad=True)
        pair = (other, w) if swap else (w, other)
        with np.errstate(all="ignore"):
            agrees(SIGNS[sign](*pair), SIGNS[sign](*map(bare, pair)))
        assert w.grad is not None
        assert (w.grad.shape, w.grad.dtype) == ((2,), dtype)


@pytest.mark.parametrize("number", [2, 2.5, -1, True, 0, 0.5, math.pi, 10**15])
def test_float32_stays_float32_with_python_numbers(number: float) -> None:
    for f in (
        lambda x: x + number,
        lambda x: number + x,
        lambda x: x - number,
        lambda x: number - x,
        lambda x: x * number,
        lambda x: number * x,
        lambda x: x / (number or 1),
        lambda x: number / x,
        lambda x: x**2,
        lambda x: 2**x,
        lambda x: -x,
        lambda x: abs(x),
        lambda x: tg.maximum(x, number),
        lambda x: tg.where(x > 1, x, number),
        lambda x: tg.clip(x, 0, number),
        lambda x: x.mean(),
        lambda x: tg.exp(x),
        lambda x: tg.softmax(x),
        lambda x: tg.sigmoid(x),
        lambda x: x.sum() * number,
        lambda x: x[0] * number,
        lambda x: tg.relu(x),
        lambda x: tg.cross_entropy_error(tg.softmax(x), 1),
        lambda x: tg.softmax_cross_entropy(x, 1),
    ):
        x: Any = tg.Tensor(np.array([0.5, 1.5], np.float32), requires_grad=True)
        y = f(x)
        assert y.dtype == np.float32, inspect.getsource(f)
        y.backward(np.ones(y.shape))
        assert x.grad is not None
        assert x.grad.dtype == np.float32


def test_two_tensors() -> None:
    for sign, f in SIGNS.items():
        a, b = leaf(0.5, 1.5), tg.Tensor(np.array([[2.0], [3.0]], np.float32), requires_grad=True)
        agrees(f(a, b), f(a.numpy(), b.numpy()))
        assert a.grad is not None, sign
        assert b.grad is not None
        assert (a.grad.shape, b.grad.shape, b.grad.dtype) == ((2,), (2, 1), np.float32)


def test_signs_and_absolute_values() -> None:
    w = leaf(-1.5, 2)
    agrees(-w, -w.numpy())
    agrees(+w, w.numpy())
    agrees(abs(w), np.abs(w.numpy()))


SIDES = st.lists(st.sampled_from([1, 2, 3]), max_size=2)


@given(data=st.data(), n=st.integers(0, 3), k=st.integers(0, 3), m=st.integers(0, 3))
def test_matmul_is_numpys_matmul(data: Any, n: int, k: int, m: int) -> None:
    left = data.draw(st.sampled_from([(k,), (n, k), (1, n, k), (2, n, k), (3, 1, n, k)]))
    right = data.draw(st.sampled_from([(k,), (k, m), (1, k, m), (2, k, m), (1, 2, k, m)]))
    a: Any = tg.Tensor(np.cos(np.arange(float(np.prod(left)))).reshape(left), requires_grad=True)
    b: Any = tg.Tensor(np.cos(np.arange(float(np.prod(right)))).reshape(right), requires_grad=True)
    agrees(a @ b, a.numpy() @ b.numpy())
    for first, second in ((a, b.numpy()), (a.numpy(), b), (a, b.numpy().tolist() if b.size else b.numpy())):
        agrees(first @ second, a.numpy() @ b.numpy())
    assert a.grad.shape == left
    assert b.grad.shape == right


@pytest.mark.parametrize(
    ("left", "right"),
    [((2,), (3,)), ((2, 3), (2, 3)), ((2, 2, 3), (3, 3, 1)), ((), (2,)), ((2,), ()), ((3, 2, 2), (2, 2, 2))],
)
def test_matmul_refuses_by_name(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    a, b = tg.Tensor(np.ones(left), True), tg.Tensor(np.ones(right), True)
    with pytest.raises(ValueError, match="mat"):
        a @ b


@given(st.sampled_from([0.0, 1.0, 2.0, 3.0, 0.5]), st.sampled_from([0, 1, 2, 3, 2.0, 0.5, 1.5]))
def test_powers_at_the_edge(base: float, exponent: float) -> None:
    with np.errstate(divide="ignore"):
        w: Any = tg.Tensor([base], requires_grad=True)
        y = w**exponent
        y.backward([1])
        slope = 0.0 if exponent == 0 else exponent * base ** (exponent - 1) if base or exponent >= 1 else np.inf
    assert w.grad == pytest.approx(slope)


# ------------------------------------------------------------------ comparisons, truth, length, hash


@pytest.mark.parametrize(
    "compare",
    [
        lambda a, b: a == b,
        lambda a, b: a != b,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
    ],
)
def test_comparisons_are_constants_of_truth_values(compare: Callable[[Any, Any], Any]) -> None:
    w = leaf(1, 2, 3)
    for other in (2, 2.0, [1, 3, 3], np.array([1, 3, 3]), tg.Tensor([1.0, 3.0, 3.0]), np.float64(2), w):
        for pair in ((w, other), (other, w)):
            result = compare(*pair)
            assert type(result) is tg.Tensor
            assert not result.requires_grad
            assert result.dtype == bool
            plain = [x.numpy() if isinstance(x, tg.Tensor) else np.asarray(x) for x in pair]
            assert result.tolist() == compare(*plain).tolist()


def test_truth_length_iteration_hash() -> None:
    w = leaf(1, 2, 3)
    assert len(w) == 3
    assert bool(w[0])
    assert not tg.Tensor(0.0)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(w)
    with pytest.raises(TypeError):
        len(w[0])
    with pytest.raises(TypeError):
        iter(w[0])
    rows = list(w)
    assert all(isinstance(r, tg.Tensor) and r.requires_grad and r.shape == () for r in rows)
    first, *rest = w
    assert (first.item(), len(rest)) == (1, 2)
    assert {w: 1}[w] == 1
    assert len({w, w, leaf(1, 2, 3)}) == 2
    assert 2 in w
    assert 5 not in w
    assert max(w).item() == 3
    assert sum(w).item() == 6
    assert [x.item() for x in reversed(w)] == [3, 2, 1]
    assert [x.item() for x in sorted(w, reverse=True)] == [3, 2, 1]


def test_the_conjugate_of_real_numbers() -> None:
    w = leaf(1, 2)
    for y in (w.conj(), w.conjugate()):
        assert y.tolist() == [1, 2]
        assert tg.grad(y.sum(), w).tolist() == [1, 1]


def test_numbers_out() -> None:
    w = leaf(1.5)
    assert w.item() == 1.5
    assert type(w.item()) is float
    assert type(tg.Tensor([1], dtype=int).item()) is int
    assert tg.Tensor([[1.0, 2.0]], True).tolist() == [[1, 2]]
    with pytest.raises(ValueError, match=r"\(2,\)") as caught:
        leaf(1, 2).item()
    assert korean(caught.value)
    for convert in (float, int, complex, math.sin):
        with pytest.raises(TypeError, match="gradient"):
            convert(w[0])
        convert(w[0].detach())
    assert w.numpy().tolist() == [1.5]
    assert not np.shares_memory(w.numpy(), w.data)


def test_repr_shows_value_shape_dtype_and_op() -> None:
    w: Any = tg.Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    for part in ("1.", "2.", "(1, 2)", "float64", "requires_grad=True", "W"):
        assert part in repr(w)
    for part in ("(1, 2)", "float64", "multiply", "3."):
        assert part in repr(w * 3)
    assert "requires_grad" not in repr(tg.Tensor(1.0))
    assert "..." in repr(tg.Tensor(np.zeros(10**4)))
    assert len(repr(tg.Tensor(np.zeros(10**4)))) < 400
    assert "[]" in repr(tg.Tensor([]))
    assert str(w) == repr(w)


def test_format() -> None:
    y = tg.Tensor(1.23456, requires_grad=True) * 1
    assert f"{y:.2f}" == "1.23"
    assert f"{y:8.1e}" == " 1.2e+00"
    assert f"{y}" == str(y)
    assert f"{leaf(1, 2)}" == str(leaf(1, 2))
    with pytest.raises((TypeError, ValueError)):
        f"{leaf(1, 2):.2f}"


# ------------------------------------------------------------------ indexing

X = np.arange(24.0).reshape(2, 3, 4)
INDICES: list[Any] = [
    0,
    -1,
    (0, 1),
    (0, 1, 2),
    slice(1, None),
    slice(None, None, -1),
    (slice(None), 1),
    (..., 0),
    ...,
    None,
    (None, 0, ..., None),
    (),
    [0, 0, 1],
    np.array([0, 0, 1]),
    ([0, 1, 0], [2, 2, 2]),
    (np.array([[0], [1]]), np.array([0, 2])),
    (slice(None), [2, 0, 2]),
    (0, [1, 1]),
    ([1, 1], slice(None), 3),
    X > 10,
    (X > 10).tolist(),
    np.array([True, False]),
    (slice(None), np.array([True, False, True])),
    np.zeros((2, 3), bool),
    np.int64(1),
    np.array(1),
    (np.int8(0), np.uint8(1)),
    tg.Tensor([1, 0, 1], dtype=int),
    (0, tg.Tensor([2, 2], dtype=int)),
    tg.Tensor(X > 3),
    ((0, 0), (1, 1)),
    ((0, 0),),
    (0, (1, 1, 2)),
    [[0, 0], [1, 1]],
    range(2),
    [],
    ([], []),
    np.array([], int),
    True,
    False,
    np.True_,
    slice(0, 0),
    (slice(5, 9), ...),
    [True, False],
    ([0, 0], None, [1, 1]),
    [-1, 1],
]


def untensored(index: Any) -> Any:
    if isinstance(index, tg.Tensor):
        return index.numpy()
    return tuple(map(untensored, index)) if isinstance(index, tuple) else index


@pytest.mark.parametrize("index", INDICES, ids=lambda i: repr(i)[:40])
def test_indexing_is_numpys_and_what_is_taken_twice_counts_twice(index: Any) -> None:
    plain = untensored(index)
    w: Any = tg.Tensor(X, requires_grad=True)
    y = w[index]
    assert y.tolist() == X[plain].tolist()
    assert y.shape == X[plain].shape
    g = np.cos(np.arange(float(y.size))).reshape(y.shape)
    expected = np.zeros_like(X)
    np.add.at(expected, plain, g)
    if expected.size and y.shape:
        y.backward(g, keep_graph=True)
        np.testing.assert_allclose(w.grad, expected, atol=1e-15)
    np.testing.assert_allclose(tg.grad(y, w, g=g, create_graph=True).numpy(), expected, atol=1e-15)
    np.testing.assert_allclose(tg.grad(y, w, g=g).numpy(), expected, atol=1e-15)
    again = (tg.grad(w[index] ** 3, w, g=g, create_graph=True) * X).sum()
    np.testing.assert_allclose(tg.grad(again, w).numpy(), second(plain, g), atol=1e-9)


def second(index: Any, g: Any) -> Any:
    """The gradient of sum(X * d/dw sum(g * w[index] ** 3)) at w = X."""
    total = np.zeros_like(X)
    np.add.at(total, index, 6 * X[index] * g * X[index])
    return total


@pytest.mark.parametrize(
    "index", [2, (0, 5), "a", 1.5, [0.5], (0, 0, 0, 0), np.array([9]), np.zeros((5,), bool), leaf(0, 1), {"a": 1}]
)
def test_bad_indices_are_index_errors_of_numpy(index: Any) -> None:
    w: Any = tg.Tensor(X, requires_grad=True)
    with pytest.raises((IndexError, TypeError)):
        w[index]


def test_a_result_used_through_overlapping_indices() -> None:
    w = leaf(1, 2, 3)
    (w[:2] * w[1:] + w[0] * w[[0, 2]]).sum().backward()
    assert w.grad.tolist() == [2 + 2 + 3, 1 + 3, 2 + 1]


# ------------------------------------------------------------------ in place


@pytest.mark.parametrize("name", ["+=", "-=", "*=", "/=", "**=", "[]="])
def test_in_place_on_a_leaf_is_refused_with_the_cure(name: str) -> None:
    w = leaf(1, 2)
    room: dict[str, Any] = {"t": w}
    with pytest.raises(TypeError, match=r"write") as caught:
        exec("t[0] = 5.0" if name == "[]=" else f"t {name} 2.0", room)
    assert korean(caught.value)
    assert room["t"] is w
    assert w.tolist() == [1, 2]
    if name == "-=":
        assert "w.data -= lr * w.grad" in str(caught.value)


@pytest.mark.parametrize(
    "other", [2, 2.0, [2.0, 4.0], np.array([2.0, 4.0]), tg.Tensor([2.0, 4.0]), np.float64(2), np.array([2, 4])]
)
def test_in_place_on_constants(other: Any) -> None:
    for sign in ("+=", "-=", "*=", "/=", "**=", "[:] ="):
        room: dict[str, Any] = {"t": tg.Tensor([3.0, 5.0]), "other": other}
        array: dict[str, Any] = {"t": np.array([3.0, 5.0]), "other": bare(other)}
        t = room["t"]
        for place in (room, array):
            exec(f"t{sign} other", place)
        assert room["t"] is t
        assert t.tolist() == array["t"].tolist()


@pytest.mark.parametrize("other", [None, "a", 1j, [1.0, 2.0, 3.0], np.ones((2, 2)), [[1.0], [2.0]], object(), {"a": 1}])
def test_in_place_with_what_does_not_fit_changes_nothing_and_says_so(other: Any) -> None:
    for sign in (
        "+=",
        "-=",
        "*=",
        "/=",
        "**=",
        *(["[:] ="] if other is not None else []),
    ):  # NumPy reads None as NaN there
        t: Any = tg.Tensor([3.0, 5.0])
        with pytest.raises((TypeError, ValueError)):
            exec(f"t{sign} other", {"t": t, "other": other})
        assert t.tolist() == [3, 5]


def test_a_constant_that_takes_a_recorded_value_is_a_result() -> None:
    for sign in ("+=", "-=", "*=", "/=", "**=", "[:] ="):
        for build in (lambda w: w, lambda w: w * 2, lambda w: [w[0], w[1]]):

            def f(w: Any, sign: str = sign, build: Callable[[Any], Any] = build) -> Any:
                c = tg.Tensor([1.5, 2.0]) if isinstance(w, tg.Tensor) else np.array([1.5, 2.0])
                exec(f"c{sign} other", {"c": c, "other": build(w)})
                return c

            c = f(leaf(3, 4))
            assert c.requires_grad
            assert c.tolist() == f(np.array([3.0, 4.0])).tolist()
            tg.check_gradient(f, np.array([3.0, 4.0]), rng=0)


def test_integers_do_not_become_floats_in_place() -> None:
    t: Any = tg.Tensor([1, 2], dtype=int)
    with pytest.raises(TypeError):
        t += 0.5
    assert t.tolist() == [1, 2]
    t += 1
    assert t.tolist() == [2, 3]


# ------------------------------------------------------------------ data


def test_data_is_checked() -> None:
    w: Any = tg.Tensor(np.ones(2, np.float32), requires_grad=True)
    for bad in (np.ones(3), np.ones((2, 1)), 1.0, "ab", None, np.array([1j, 1j]), [1.0, 2.0, 3.0]):
        with pytest.raises((ValueError, TypeError)):
            w.data = bad
    assert w.tolist() == [1, 1]
    w.data = [5, 6]
    assert w.tolist() == [5, 6]
    assert w.dtype == np.float32
    assert w.requires_grad
    i: Any = tg.Tensor([1, 2], dtype=int)
    with pytest.raises((ValueError, TypeError)):
        i.data = [0.5, 1.5]


@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize(
    ("dtype", "other"),
    [
        (np.float64, np.ones(2, np.float32)),
        (np.float32, np.ones(2)),
        (np.float64, np.ones(2, int)),
        (np.float64, np.ones(2, bool)),
        (np.float64, tg.Tensor(np.ones(2, np.float32))),
        (np.float32, tg.Tensor(np.ones(2), requires_grad=True)),
    ],
)
def test_data_keeps_its_dtype(dtype: Any, other: Any, requires_grad: bool) -> None:
    w: Any = tg.Tensor(np.zeros(2, dtype), requires_grad=requires_grad)
    with pytest.raises(TypeError, match=r"tg\.Tensor\(a, dtype=\.\.\., requires_grad=True\)") as caught:
        w.data = other
    assert korean(caught.value)
    with pytest.raises(TypeError, match="keeps its dtype"):
        w.data = w.data.astype(np.int64)
    assert w.tolist() == [0, 0]
    w.data = other.astype(dtype).detach() if isinstance(other, tg.Tensor) else other.astype(dtype)
    w.data -= 0.5
    assert w.tolist() == [0.5, 0.5]
    assert w.dtype == dtype


@pytest.mark.parametrize(("dtype", "other"), [(">f8", "<f8"), ("<f8", ">f8"), (">f4", "=f4"), (">f2", "<f2")])
def test_the_order_of_bytes_is_no_other_dtype(dtype: str, other: str) -> None:
    """What NumPy computes has the order of the machine: else a parameter that came from a file could not be updated."""
    w: Any = tg.Tensor(np.ones(2, dtype), requires_grad=True)
    w.grad = np.full(2, 0.5, other)
    assert w.grad.dtype == w.dtype == np.dtype(dtype)
    w.data = (w.data - w.grad).astype(other)
    assert w.dtype == np.dtype(dtype)
    assert w.tolist() == w.grad.tolist() == [0.5, 0.5]


def test_data_of_one_number_keeps_its_dtype() -> None:
    w: Any = tg.Tensor(np.float32(2), requires_grad=True)
    for other in (np.float64(3), np.int64(3)):
        with pytest.raises(TypeError, match="keeps its dtype"):
            w.data = other
    for same in (3, 3.0, True, np.float32(3), w.data + 0):
        w.data = same
        assert w.dtype == np.float32


def test_the_gradient_of_a_result_is_not_passed_over_in_silence() -> None:
    x = leaf(1, 2)
    y = x * x
    y.sum().backward()
    with pytest.warns(UserWarning, match=r"tg\.grad\(z, y\)") as caught:
        assert y.grad is None
    (warning,) = caught
    assert warning.filename == __file__
    assert "multiply" in str(warning.message)
    assert "tg.watch()" in str(warning.message)
    assert any("가" <= letter <= "힣" for letter in str(warning.message))
    with tg.watch():
        z = x * x
        z.sum().backward()
    assert z.node.seen.gradient.tolist() == [1, 1]
    assert x.grad.tolist() == [4, 8]
    assert y.detach().grad is None


def test_nothing_else_here_reads_the_gradient_of_a_result() -> None:
    """Under pytest a warning is an error."""
    x, net = leaf(1, 2), tg.nn.Sequential(tg.nn.Affine(2, 3, rng=0), tg.nn.Sigmoid())
    with tg.watch():
        y = net(x.reshape(1, 2) * 2)
    y.sum().backward(keep_graph=True)
    repr(y), f"{y}", str(y.node), tg.draw(y), tg.draw(net, np.ones((1, 2))), net.summary((1, 2))
    tg.check_gradient(lambda a: net(a) * y.detach(), np.ones((1, 2)))
    tg.func.grad(lambda a, b: (b * b).sum(), argnums=(0, 1))(x * 2, np.ones(2))
    for leave in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="detach"):
            leave(y)
    tg.optim.clip_grad_norm(net.parameters(), 1.0)
    tg.optim.SGD(net.parameters()).step()


@pytest.mark.parametrize(
    "update",
    [
        "w.data -= 0.5 * w.grad",
        "w.data = w.data - 0.5 * w.grad",
        "w.data[...] = w.data - 0.5 * w.grad",
        "np.subtract(w.data, 0.5 * w.grad, out=w.data)",
        "with tg.no_grad(): w.data -= 0.5 * w.grad",
    ],
)
@pytest.mark.parametrize("shape", [(), (2,), (2, 2)])
def test_ways_to_update_a_parameter(update: str, shape: tuple[int, ...]) -> None:
    w: Any = tg.Tensor(np.full(shape, 3.0), requires_grad=True)
    for value in (0.0, 0.0):
        w.zero_grad()
        (w * w).sum().backward()
        exec(update, {"w": w, "np": np, "tg": tg})
        assert (w.numpy() == value).all()
    assert w.requires_grad


# ------------------------------------------------------------------ copies and pickles


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_leaves_and_constants_can_be_copied_and_pickled(duplicate: Callable[[Any], Any]) -> None:
    w: Any = tg.Tensor(np.array([1.0, 2.0], np.float32), requires_grad=True, name="W")
    (w * w).sum().backward()
    v = duplicate(w)
    assert (v.tolist(), v.dtype, v.requires_grad, v.name, v.grad.tolist()) == ([1, 2], np.float32, True, "W", [2, 4])
    assert not np.shares_memory(v.grad, w.grad)
    (v * 3).sum().backward()
    assert w.grad.tolist() == [2, 4]
    assert v.grad.tolist() == [5, 7]
    c = duplicate(tg.Tensor([1, 2], dtype=int))
    assert (c.tolist(), c.dtype.kind, c.requires_grad, c.grad) == ([1, 2], "i", False, None)


def test_shared_leaves_stay_shared_in_a_deep_copy() -> None:
    w = leaf(1, 2)
    first, second_ = copy.deepcopy([w, w])
    assert first is second_


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_tensor_in_a_graph_cannot_be_copied(duplicate: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="detach") as caught:
        duplicate(leaf(1, 2) * 2)
    assert korean(caught.value)


# ------------------------------------------------------------------ methods

METHODS: list[Callable[[Any], Any]] = [
    lambda t: t.T,
    lambda t: t.mT,
    lambda t: t.transpose(),
    lambda t: t.transpose(1, 0, 2),
    lambda t: t.transpose((2, 0, 1)),
    lambda t: t.transpose([2, 0, 1]),
    lambda t: t.transpose(-1, 0, 1),
    lambda t: t.reshape(6, 4),
    lambda t: t.reshape((4, -1)),
    lambda t: t.reshape([24]),
    lambda t: t.reshape(-1),
    lambda t: t.reshape(np.int64(24)),
    lambda t: t.flatten(),
    lambda t: t.ravel(),
    lambda t: t.reshape(2, 1, 12).squeeze(),
    lambda t: t.reshape(2, 1, 12).squeeze(1),
    lambda t: t.reshape(1, 2, 12, 1).squeeze((0, 3)),
    lambda t: t.sum(),
    lambda t: t.sum(0),
    lambda t: t.sum(axis=(0, 2)),
    lambda t: t.sum(axis=-1, keepdims=True),
    lambda t: t.mean(1),
    lambda t: t.max(),
    lambda t: t.max(axis=1, keepdims=True),
    lambda t: t.min((0, 1)),
    lambda t: t.clip(3, 10),
    lambda t: t.clip(min=3),
    lambda t: t.clip(max=3.5),
    lambda t: t.astype(np.float32),
    lambda t: t.astype(np.float64),
    lambda t: t.dot(np.ones(4)),
]


@pytest.mark.parametrize("number", range(len(METHODS)))
def test_methods_in_numpys_habits(number: int) -> None:
    w: Any = tg.Tensor(X, requires_grad=True)
    agrees(METHODS[number](w), METHODS[number](X))
    assert w.grad.shape == X.shape


def test_where_the_largest_is() -> None:
    w: Any = tg.Tensor(X, requires_grad=True)
    assert w.argmax() == 23
    assert w.argmin(axis=1).tolist() == X.argmin(axis=1).tolist()
    assert isinstance(w.argmax(axis=0), tg.Tensor)
    assert not w.argmax(axis=0).requires_grad


def test_bad_axes_and_shapes_name_the_op() -> None:
    w: Any = tg.Tensor(X, requires_grad=True)
    for call, name in (
        (lambda: w.sum(axis=3), "sum"),
        (lambda: w.sum(axis=(0, 0)), "sum"),
        (lambda: w.reshape(5, 5), "reshape"),
        (lambda: w.transpose(0, 0, 1), "permute_dims"),
        (lambda: w.squeeze(0), "squeeze"),
        (lambda: w.mean(axis=7), "mean"),
        (lambda: w + np.ones(7), "add"),
        (lambda: tg.Tensor(np.zeros((0, 2)), True).max(), "max"),
    ):
        with pytest.raises((ValueError, IndexError, TypeError), match=name) as caught:
            call()
        assert korean(caught.value)


def test_to_integers_only_without_a_gradient() -> None:
    with pytest.raises(TypeError, match="detach"):
        leaf(1, 2).astype(int)
    assert leaf(1, 2).detach().astype(int).dtype.kind == "i"
    with pytest.raises(TypeError):
        leaf(1, 2).astype(complex)


def test_unknown_attributes() -> None:
    w = leaf(1)
    with pytest.raises(AttributeError):
        w.dta = np.ones(1)
    with pytest.raises(AttributeError):
        w.shape = (1, 1)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 1)])
def test_zero_dimensions_and_zero_elements_everywhere(shape: tuple[int, ...]) -> None:
    a = np.ones(shape)
    calls: list[Callable[[Any], Any]] = [
        lambda t: t + 1,
        lambda t: 2 * t,
        lambda t: t**2,
        lambda t: t.sum(),
        lambda t: t.sum(keepdims=True),
        lambda t: t.T,
        lambda t: t.reshape(-1),
        lambda t: t[...],
        lambda t: t[None],
        lambda t: t * np.ones((3, *shape)),
        lambda t: np.exp(t),
    ]
    for call in calls:
        w: Any = tg.Tensor(a, requires_grad=True)
        agrees(call(w), call(a))
        assert w.grad is not None
        assert w.grad.shape == shape
        assert type(w.grad) is np.ndarray
        assert type(call(w).data) is np.ndarray


@pytest.mark.parametrize(
    "scalar",
    [
        lambda w: w[0],
        lambda w: w.sum(),
        lambda w: w.max(),
        lambda w: w @ w,
        lambda w: w.sum() * 2,
        lambda w: np.exp(w.mean()),
        lambda w: w.mean() ** 2,
    ],
)
def test_one_number_is_an_array_without_axes(scalar: Callable[[Any], Any]) -> None:
    for y in (scalar(leaf(1, 2)), scalar(tg.Tensor([1.0, 2.0]))):
        assert type(y.data) is np.ndarray
        assert y.shape == ()
        y.data[...] = 5
        assert y.item() == 5


def test_detach() -> None:
    w = leaf(1, 2)
    d = (w * 2).detach()
    assert not d.requires_grad
    assert d.grad is None
    (d * w).sum().backward()
    assert w.grad.tolist() == [2, 4]


# ------------------------------------------------------------------ from a review: what had gone wrong in silence


def test_no_gradient_goes_through_integers() -> None:
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="int64"):
        tg.astype(w, np.int64).sum().backward()
    with pytest.raises(TypeError, match="int64"):
        (tg.astype(w, np.int64) * 1.5).sum().backward()
    assert w.grad is None


def test_sigmoid_of_small_integers_is_that_of_the_numbers() -> None:
    for dtype in (np.uint8, np.int8, bool):
        x = np.array([0, 1], dtype)
        np.testing.assert_allclose(tg.sigmoid(x), 1 / (1 + np.exp([0.0, -1.0])))


def test_half_precision_means_over_many_numbers_have_gradients() -> None:
    x: Any = tg.Tensor(np.ones(70_000, np.float16), requires_grad=True)
    x.mean().backward()
    assert (x.grad > 0).all()
    scores: Any = tg.Tensor(np.zeros((3000, 2), np.float16), requires_grad=True)
    loss = tg.softmax_cross_entropy(scores, np.zeros(3000, int))
    loss.backward()
    np.testing.assert_allclose(loss.item(), np.log(2), rtol=1e-3)
    assert (scores.grad[:, 0] < 0).all()


def test_reductions_take_their_axis_by_position_as_numpy_does() -> None:
    x = np.arange(6.0).reshape(2, 3)
    for name in ("sum", "mean", "max", "min"):
        np.testing.assert_array_equal(getattr(tg, name)(x, 0), getattr(np, name)(x, 0))


def test_whole_parts_and_remainders_on_either_side() -> None:
    a, b = np.array([7.5, -7.5, 2.25]), np.array([2.0, 2.0, -0.5])
    x: Any = tg.Tensor(a, requires_grad=True)
    for got, expected in (
        (x // b, a // b),
        (x % b, a % b),
        (b // x, b // a),
        (b % x, b % a),
        (x // 2, a // 2),
        (7 % x, 7 % a),
        (divmod(x, 2)[0], divmod(a, 2)[0]),
        (divmod(7, x)[1], divmod(7, a)[1]),
        (np.mod(x, 2), np.mod(a, 2)),
    ):
        assert got.requires_grad
        np.testing.assert_array_equal(got.numpy(), expected)
    constant = tg.Tensor(a)
    constant %= 2
    assert constant.tolist() == (a % 2).tolist()
    with pytest.raises(TypeError, match="a leaf of the graph"):
        x //= 2
