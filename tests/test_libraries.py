"""Arrays of several libraries: one op works on those of one, and says so; no graph of another library is cut in silence.

`elsewhere` stands for JAX: its arrays cannot be written to, they take NumPy's arrays beside them and make their own of them, in
float32. array-api-strict has nothing but the standard.
"""

import operator
import types
from collections.abc import Callable
from functools import partial
from typing import Any

import array_api_strict
import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn, optim


class Array:
    """An array of `elsewhere`."""

    __array_priority__ = 100

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values, np.float32)
        self.shape, self.dtype, self.ndim = self._values.shape, self._values.dtype, self._values.ndim
        self.size, self.device = self._values.size, "cpu"

    def __array_namespace__(self, api_version: str | None = None) -> Any:
        return elsewhere

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self._values, dtype)

    def astype(self, dtype: Any, copy: bool = True) -> "Array":
        return Array(self._values)

    def __getitem__(self, index: Any) -> "Array":
        return Array(self._values[index])


def beside_numpy(call: Callable[[Any, Any], Any]) -> Any:
    def method(a: Array, b: Any) -> Any:
        return (
            Array(call(a._values, np.asarray(b))) if isinstance(b, Array | np.ndarray | float | int) else NotImplemented
        )

    return method


def turned(call: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    return call(b, a)


for name in ("add", "sub", "mul", "truediv", "pow", "matmul", "gt"):
    call = getattr(operator, name)
    setattr(Array, f"__{name}__", beside_numpy(call))
    setattr(Array, f"__r{name}__", beside_numpy(partial(turned, call)))


def as_numpy(call: Callable[..., Any]) -> Callable[..., Array]:
    return lambda *given, **options: Array(call(*given, **options))


elsewhere: Any = types.ModuleType("elsewhere")
for name in [
    "maximum",
    "minimum",
    "hypot",
    "concat",
    "stack",
    "where",
    "clip",
    "reshape",
    "sum",
    "expand_dims",
    "mean",
]:
    setattr(elsewhere, name, as_numpy(getattr(np, name)))
elsewhere.asarray = elsewhere.astype = lambda x, dtype=None, copy=None, device=None: Array(x)
elsewhere.ones = elsewhere.zeros = lambda shape, dtype=None: Array(np.ones(shape))
elsewhere.float64 = np.float64

LIBRARIES: dict[str, Callable[[Any], Any]] = {"elsewhere": Array, "array_api_strict": array_api_strict.asarray}


def leaf(array: Any) -> Any:
    return tg.Tensor(array, requires_grad=True)


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "x * y": lambda x, y: x * y,
    "y * x": lambda x, y: y * x,
    "x - y": lambda x, y: x - y,
    "x / y": lambda x, y: x / y,
    "x**y": lambda x, y: x**y,
    "x @ y": lambda x, y: x @ y,
    "np.multiply": lambda x, y: np.multiply(x, y),
    "np.add, reversed": lambda x, y: np.add(y, x),
    "tg.multiply, reversed": lambda x, y: tg.multiply(y, x),
    "maximum": lambda x, y: tg.maximum(x, y),
    "maximum, reversed": lambda x, y: tg.maximum(y, x),
    "hypot": lambda x, y: tg.hypot(x, y),
    "concat": lambda x, y: tg.concat([x, y]),
    "concat, reversed": lambda x, y: tg.concat([y, x]),
    "stack": lambda x, y: tg.stack([x, y]),
    "np.stack": lambda x, y: np.stack([x, y]),
    "where": lambda x, y: tg.where(np.array([True, False, True]), x, y),
    "where, condition": lambda x, y: tg.where(y, x, 0.0),
    "clip": lambda x, y: tg.clip(x, y, None),
    "einsum": lambda x, y: tg.einsum("i,i->", x, y),
    "tensordot": lambda x, y: tg.tensordot(x, y, axes=1),
    "mean_squared_error": lambda x, y: tg.mean_squared_error(x, y),
    "scatter_add": lambda x, y: tg.scatter_add(x, [0, 1, 2], y),
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_two_libraries_in_one_op_are_refused(library: str, call: str, as_tensor: bool) -> None:
    """Of x on NumPy and an array of another library no gradient would come out in the library and dtype of x."""
    x, other = leaf(np.array([1.0, 2.0, 3.0])), LIBRARIES[library]([2.0, 2.0, 2.0])
    with pytest.raises((TypeError, ValueError)):
        tg.sum(CALLS[call](x, leaf(other) if as_tensor else other)).backward()
    assert x.grad is None


@pytest.mark.parametrize("call", ["x * y", "y * x", "x @ y", "maximum", "concat", "stack", "where", "clip", "einsum"])
def test_the_refusal_names_the_libraries_and_the_op(call: str) -> None:
    x = leaf(np.array([1.0, 2.0, 3.0]))
    for other in (Array([2.0, 2.0, 2.0]), leaf(Array([2.0, 2.0, 2.0])).detach()):
        with pytest.raises(TypeError, match=r"\w+\(.*float32\[.*several libraries \(elsewhere, numpy\)") as caught:
            CALLS[call](x, other)
        assert korean(caught.value)
        assert any("elsewhere" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("make", LIBRARIES.values())
def test_numbers_belong_to_every_library(make: Callable[[Any], Any]) -> None:
    x = leaf(make([1.0, 2.0, 3.0]))
    y = (x * 2.0 + 1) * 3
    y.backward(make([1.0, 1.0, 1.0]))
    assert type(x.grad) is type(x.data)
    assert np.asarray(x.grad).tolist() == [6, 6, 6]


def test_indices_and_labels_of_another_library() -> None:
    """They take no part in a gradient."""
    x, i = leaf(np.array([1.0, 2.0, 3.0])), array_api_strict.asarray([0, 2, 2])
    (x[i] + tg.take(x, i)).sum().backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.tolist() == [2, 0, 4]


@pytest.mark.parametrize("make", LIBRARIES.values())
def test_a_starting_gradient_of_another_library_is_refused(make: Callable[[Any], Any]) -> None:
    x = leaf(np.array([1.0, 2.0, 3.0]))
    for g in (make([1.0, 1.0, 1.0]), tg.Tensor(make([1.0, 1.0, 1.0]))):
        for call in ((x * 2).backward, lambda g: tg.grad(x * 2, x, g), tg.func.vjp(tg.exp, x)[1]):
            with pytest.raises(TypeError, match="starting gradient g is an array of") as caught:
                call(g)
            assert korean(caught.value)
    with pytest.raises(TypeError, match="starting gradient"):
        tg.func.jvp(lambda x: x * x, (np.ones(3),), (make([1.0, 1.0, 1.0]),))
    with pytest.raises(TypeError, match="starting gradient"):
        (leaf(make([1.0, 2.0, 3.0])) * 2).backward(np.ones(3))
    assert x.grad is None


@pytest.mark.parametrize("make", LIBRARIES.values())
def test_data_and_grad_stay_in_their_library(make: Callable[[Any], Any]) -> None:
    ours, theirs = leaf(np.array([1.0, 2.0], np.float32)), leaf(make([1.0, 2.0]))
    for x, other in ((ours, theirs.data), (theirs, ours.data), (ours, theirs), (theirs, ours.detach())):
        with pytest.raises(TypeError, match="library"):
            x.data = other
        with pytest.raises((TypeError, ValueError)):
            x.grad = np.asarray(other) if x is theirs else theirs.data
        assert x.grad is None
    with pytest.raises(TypeError, match="library"):
        ours.data -= Array([1.0, 1.0])
    theirs.data = theirs.data - 0.5
    theirs.data -= 0.5
    assert np.asarray(theirs.data).tolist() == [0, 1]
    theirs.data = [3, 4.5]
    assert type(theirs.data) is type(make([1.0]))
    assert np.asarray(theirs.data).tolist() == [3, 4.5]
    constant = theirs.detach()
    constant *= 2
    assert np.asarray(constant.data).tolist() == [6, 9]
    assert np.asarray(theirs.data).tolist() == [3, 4.5]


# ------------------------------------------------------------------ parameters

OPTIMIZERS = [optim.SGD, optim.Momentum, optim.Nesterov, optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW]


@pytest.mark.parametrize("make", LIBRARIES.values())
@pytest.mark.parametrize(
    "use", [*OPTIMIZERS, lambda ps: optim.clip_grad_norm(ps, 1.0), lambda ps: optim.clip_grad_value(ps, 1.0)]
)
def test_optimizers_refuse_what_they_cannot_write_to(make: Callable[[Any], Any], use: Callable[[Any], Any]) -> None:
    w, b = leaf(make([1.0, 2.0])), leaf(np.ones(2))
    w.grad, b.grad = make([10.0, 10.0]), np.ones(2)
    with pytest.raises(TypeError, match=r"parameter 1 holds an array of (elsewhere|array_api_strict)") as caught:
        use([b, w])
    assert korean(caught.value)
    assert np.asarray(w.data).tolist() == [1, 2]
    assert b.tolist() == [1, 1]
    w.data = w.data - 0.1 * w.grad  # the cure in the message
    assert np.asarray(w.data).tolist() == [0, 1]


@pytest.mark.parametrize("make", LIBRARIES.values())
def test_parameters_are_loaded_into_their_library(make: Callable[[Any], Any], tmp_path: Any) -> None:
    class Line(nn.Module):
        def __init__(self, value: Any) -> None:
            self.w = leaf(value)

    Line(np.array([0.25, 0.5])).save(tmp_path / "line.npz")
    line = Line(make([1.0, 2.0]))
    line.load(tmp_path / "line.npz")
    assert type(line.w.data) is type(make([1.0]))
    assert line.w.dtype == make([1.0]).dtype
    assert np.asarray(line.w.data).tolist() == [0.25, 0.5]


# ------------------------------------------------------------------ tensors that have a graph of their own


class Recorded:
    """Stands for a Tensor of PyTorch, which says whether it wants a gradient, and for one of MyGrad, which does not say so."""

    def __init__(self, requires_grad: bool | None) -> None:
        if requires_grad is not None:
            self.requires_grad = requires_grad

    def backward(self) -> None: ...

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array([2.0, 2.0, 2.0])


@pytest.mark.parametrize("call", [c for c in CALLS if c not in ("y * x", "where, condition")])
@pytest.mark.parametrize("says", [True, None])
def test_the_graph_of_another_library_is_not_cut(call: str, says: bool | None) -> None:
    x = leaf(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(TypeError, match=r"a Recorded of tests\.test_libraries has a graph of its own") as caught:
        CALLS[call](x, Recorded(says))
    assert korean(caught.value)


def test_nor_where_a_tensor_is_made_or_set() -> None:
    x = leaf(np.ones(3))
    for call in (
        lambda y: tg.Tensor(y),
        lambda y: setattr(x, "data", y),
        lambda y: setattr(x, "grad", y),
        lambda y: x.backward(y),
        lambda y: tg.func.jvp(tg.exp, (np.ones(3),), (y,)),
        lambda y: tg.sin(y),
        lambda y: y * x,
    ):
        with pytest.raises(TypeError, match="graph of its own"):
            call(Recorded(True))


def test_values_without_a_graph_are_numbers() -> None:
    x = leaf(np.array([1.0, 2.0, 3.0]))
    (x * Recorded(False)).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]
