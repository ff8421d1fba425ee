"""`Tensor`, an array and its node in the graph, and `grad`, which differentiates one with respect to others."""

import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from math import prod
from typing import Any

import numpy as np

from tinygrad_ko import errors
from tinygrad_ko.arrays.library import (
    Array,
    beside,
    is_floating,
    is_real,
    library_name,
    method,
    namespace,
    new_array,
    same_numbers,
)
from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.arrays.opaque import TRACED
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.backprop import backpropagate, deposit, gradients
from tinygrad_ko.engine.graph import Handle, Leaf, Node, Switch, current, scope, wrap
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_operand
from tinygrad_ko.runtime.allocator import LARGE, keep_freed_memory
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.runtime.callers import users_line
from tinygrad_ko.runtime.suggestions import ForeignToTensor, explained
from tinygrad_ko.tensor.conversions import Conversions


class Tensor(Conversions, ForeignToTensor):
    """An array that is differentiated: what is computed from it is recorded, and `backward()` finds its gradient.

    `data` may be an array of real numbers, numbers and nested lists of them (they become float64) or another Tensor's
    values. It is copied; with `copy=False` an array is shared with the caller until an op works on it. With
    `requires_grad=True` the tensor is a leaf: `backward()` deposits the gradient in `.grad`, an array of its shape
    and dtype. A list with Tensors that require a gradient gives a result in their graph, as `tg.stack` does.

    In place (`y *= 2`, `y[mask] = x`, `np.add(y, x, out=y)`) a result takes the new value and records where it comes from:
    every name of it sees that, and what was computed from the old value keeps it. A leaf refuses, except under `tg.no_grad()`.

    Raises TypeError if the data is not real numbers, or if `requires_grad=True` and it is integers, booleans, or a list with
    Tensors that require a gradient themselves.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ()

    @explained
    def __init__(
        self, data: Any, requires_grad: bool = False, *, dtype: Any = None, name: str | None = None, copy: bool = True
    ) -> None:
        if type(data) in (list, tuple):
            whole = as_operand(data, "Tensor")
            if isinstance(whole, Tensor) and whole._node is not None:
                if requires_grad:
                    raise errors.no_leaf_of_results()
                whole = whole if dtype is None else whole.astype(dtype)
                self._array, self._node, self._name, self._exposed = whole._array, whole._node, name, False
                return
            array = whole.stable_array() if isinstance(whole, Handle) else whole
            array = array.astype(float) if array.dtype.kind in "iu" else array  # as of a list of numbers
        else:
            array = data.stable_array() if isinstance(data, Handle) else operand(data)
            if isinstance(array, int) and not isinstance(array, bool) and dtype is None:
                array = float(array)
        array = new_array(array, dtype, copy)
        if (dtype is not None or type(data) is not np.ndarray) and not is_real(array):
            raise explain(
                TypeError(f"a Tensor holds real numbers, not {array.dtype}"),
                f"Tensor에는 실수만 담을 수 있습니다. 받은 자료형: {array.dtype}",
            )
        if type(array) is np.ndarray and array.nbytes > LARGE:
            keep_freed_memory()
        self._array, self._node, self._name = array, None, name
        self._exposed = not copy and not isinstance(data, Handle)
        if requires_grad:
            self.requires_grad = True

    # ------------------------------------------------------------------ what it is

    @property
    def data(self) -> Array:
        """The array, for reading and for writing in place: `w.data -= lr * w.grad`.

        Writing to it never changes a graph that was recorded before: its gradients stay those of the values it was
        computed from. If such a graph still needs the old values, `data` is a copy of them from here on. What is recorded in
        place (`y *= 2`) gives y another array. Assigning copies: an array of the same shape, dtype and library, or numbers
        and lists of them, which are cast.
        """
        return self.writable_array()

    @data.setter
    def data(self, value: Any) -> None:
        if value is not self._array:
            replace([self], [value])

    def _fitting(self, value: Any) -> Array:
        """A value as an array that may take the place of `data`."""
        own = self._array
        array = new_array(value.stable_array() if isinstance(value, Handle) else operand(value), copy=False)
        typed = hasattr(value, "dtype")  # numbers and lists of them have no dtype of their own
        if typed and not (library_name(array) == library_name(own) and same_numbers(array.dtype, own.dtype)):
            raise errors.other_data(f"{library_name(own)} {own.dtype}", f"{library_name(array)} {array.dtype}")
        casts = typed or is_floating(own.dtype) or np.can_cast(array.dtype, own.dtype, "same_kind")
        if array.shape != own.shape or not casts:
            raise explain(
                ValueError(
                    f"data of shape {own.shape} and dtype {own.dtype} cannot be replaced by shape {array.shape} and dtype {array.dtype}; "
                    "make a new Tensor"
                ),
                f"형상 {own.shape}, 자료형 {own.dtype}인 data에는 형상과 자료형이 같은 배열만 대입할 수 있습니다. 받은 배열의 형상은 "
                f"{array.shape}, 자료형은 {array.dtype}입니다. 새 Tensor를 만드십시오.",
            )
        return new_array(array if typed else beside(own, array, own.dtype), own.dtype)

    @property
    def grad(self) -> Array | None:
        """The gradient that `backward()` deposited, on a leaf; else None. Set it to None to forget it.

        Warns where it is read of a result, which keeps none: `tg.grad(z, y)` gives the gradient with respect to a result y.
        """
        if isinstance(self._node, Leaf):
            return self._node.grad
        if self._node is not None:
            warnings.warn(errors.keeps_no_gradient(self._node.op.name), stacklevel=2)
        return None

    @grad.setter
    def grad(self, value: Any) -> None:
        if not isinstance(self._node, Leaf):
            raise explain(
                RuntimeError("only a leaf (a Tensor made with requires_grad=True) has a gradient to set"),
                "grad는 requires_grad=True로 만든 Tensor에만 둘 수 있습니다.",
            )
        if value is not None:
            value = new_array(operand(value), copy=False)
            if library_name(value) != library_name(self._array):
                raise errors.other_library("grad", library_name(self._array), library_name(value))
            if value.shape != self.shape or not same_numbers(value.dtype, self.dtype):
                raise explain(
                    ValueError(
                        f"a gradient of shape {self.shape} and dtype {self.dtype} is needed, not {value.shape} and {value.dtype}"
                    ),
                    f"grad의 형상과 자료형은 data와 같아야 합니다: {self.shape}, {self.dtype}. "
                    f"받은 배열: {value.shape}, {value.dtype}",
                )
        self._node.grad = None if value is None else new_array(value, self.dtype, copy=False)

    @property
    def node(self) -> Node | None:
        """Where it stands in the graph; None for a constant."""
        return self._node

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient can flow to or through it. Setting it makes a constant a leaf, or a leaf a constant."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and self._node is None:
            if not is_floating(self._array.dtype):
                raise explain(
                    TypeError(f"only floating point numbers have gradients, not {self._array.dtype}; pass dtype=float"),
                    f"자료형 {self._array.dtype}에는 기울기를 정의할 수 없습니다. 실수로 만들려면 dtype=float을 넘기십시오.",
                )
            self._node = Leaf(self._array, self.name)
        elif not wanted and self._node is not None:
            if not isinstance(self._node, Leaf):
                raise explain(
                    RuntimeError("it was computed from tensors that require a gradient; take y.detach() instead"),
                    "기울기가 필요한 Tensor로부터 계산된 값입니다. 대신 y.detach()를 쓰십시오.",
                )
            self._node = None

    @property
    def name(self) -> str | None:
        """What it is called in pictures and messages."""
        return getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        self._name = name
        if isinstance(self._node, Leaf):
            self._node.name = name

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        made = self._node.op.name if self._node is not None and self._node.op else None
        marks = [
            repr(self._array)
            if type(self._array) in TRACED  # it has no numbers
            else np.array2string(np.asarray(self._array), separator=", ", prefix="Tensor("),
            f"shape={self.shape}",
            f"dtype={self.dtype}",
            *([f"op={made}"] if made else ["requires_grad=True"] if self._node else []),
            *([f"name={self.name!r}"] if self.name else []),
        ]
        return f"Tensor({', '.join(marks)})"

    def __format__(self, spec: str) -> str:
        return format(self._array.item() if self.ndim == 0 else self._array, spec) if spec else repr(self)

    # ------------------------------------------------------------------ the gradient

    @explained
    def backward(self, g: Any = None, *, keep_graph: bool = False) -> None:
        """Add to the `.grad` of every leaf behind this tensor the gradient of this tensor with respect to that leaf.

        `g` is the gradient of some later quantity with respect to this tensor, in its shape; a tensor of one element
        needs none (it is 1). Afterwards the graph has let go of what it kept, unless `keep_graph=True`. If anything
        goes wrong no `.grad` is changed.

        Raises RuntimeError if it has no leaf behind it or the graph was used before, ValueError if `g` is missing or
        has a wrong shape, TypeError if `g` requires a gradient itself.
        """
        root, seed = _start(self, g)
        _refuse_to_cut(g, "y.backward(g)", "tg.grad(y, xs, g, create_graph=True)")
        deposit(backpropagate(root, seed, free=not keep_graph))

    def zero_grad(self) -> None:
        """Forget the gradient."""
        if isinstance(self._node, Leaf):
            self._node.grad = None

    def detach(self) -> "Tensor":
        """The same values without the memory: a constant. Under `tg.watch()` it remembers what it was cut off from, for pictures."""
        constant: Any = wrap(type(self), self.stable_array())
        if self._node is not None and current.get().watch:
            constant._detached_from = self._node, users_line()
        return constant

    def __reduce__(self) -> Any:
        if self._node is not None and not isinstance(self._node, Leaf):
            raise explain(
                TypeError("a Tensor in a graph cannot be copied or pickled; take x.detach() first, or plot x.numpy()"),
                "계산 그래프 안의 Tensor는 복사하거나 저장할 수 없습니다. 먼저 x.detach()를, 그림에는 x.numpy()를 쓰십시오.",
            )
        return restored, (self.numpy(), self.requires_grad, self.name, None if self.grad is None else self.grad.copy())


def _start(y: Handle, g: Any) -> tuple[Node, Array]:
    """The node of y, and the gradient to begin with.

    Raises RuntimeError if nothing behind y wants a gradient, ValueError if g is missing or does not have the shape of y, TypeError
    if it is no array of real numbers in the library of y.
    """
    if y._node is None:
        raise errors.nothing_behind()
    keep_freed_memory()  # for large arrays that were computed from small ones
    shape, dtype = y._node.shape, y._node.dtype
    if not is_floating(dtype):
        raise errors.no_gradient_through(y._node.op.name, dtype)
    if g is None:
        if prod(shape) != 1:
            raise explain(
                ValueError(
                    f"the gradient of a Tensor of shape {shape} needs a starting gradient: pass g, or reduce it, as in y.sum()"
                ),
                f"형상이 {shape}인 Tensor에서 시작하려면 같은 형상의 g를 넘기거나, y.sum()처럼 스칼라로 줄여야 합니다.",
            )
        one = dtype.type(1) if isinstance(y._array, np.generic) else namespace(y._array).ones(shape, dtype=dtype)
        return y._node, one
    seed = g.stable_array() if isinstance(g, Handle) else operand(g)
    if not isinstance(g, Handle) and not hasattr(g, "__array_namespace__"):  # a number or a list
        seed = namespace(y._array).asarray(seed)
    if not is_real(seed):
        raise explain(
            TypeError(f"the starting gradient g holds {seed.dtype}"), f"g의 자료형이 실수가 아닙니다: {seed.dtype}"
        )
    if library_name(seed) != library_name(y._array):
        raise errors.other_library("g", library_name(y._array), library_name(seed))
    if seed.shape != shape:
        raise explain(
            ValueError(f"the starting gradient g has shape {seed.shape}, but the Tensor has shape {shape}"),
            f"g의 형상은 {seed.shape}인데 Tensor의 형상은 {shape}입니다.",
        )
    return y._node, method(seed, "astype")(dtype, copy=not isinstance(g, Handle))


def _refuse_to_cut(g: Any, call: str, cure: str) -> None:
    """Refuse a starting gradient that requires a gradient where nothing is recorded of what is done with it."""
    if isinstance(g, Handle) and g._node is not None and current.get().record:
        raise errors.cut_through_g(call, cure)


@explained
def grad(y: Tensor, xs: Any, g: Any = None, *, create_graph: bool = False, allow_unused: bool = False) -> Any:
    """The gradient of y with respect to one tensor, or a list of gradients for a list of tensors: returned, not
    deposited.

    `xs` may be leaves or results on the way to y; `g` is as for `backward`. The graph keeps what it kept, so it can
    be called again. With `create_graph=True` the gradients are themselves in a graph, and can be differentiated to
    any order.

    Raises TypeError for a function in place of a Tensor, or for a g that requires a gradient without `create_graph=True`; RuntimeError
    if y does not depend on one of the xs (with `allow_unused=True` its gradient is zeros); and what `backward` raises.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor(2.0, requires_grad=True)
    >>> first = tg.grad(x**3, x, create_graph=True)
    >>> first.item(), tg.grad(first, x).item()
    (12.0, 12.0)
    """
    if not isinstance(y, Handle):
        raise errors.no_result(y)
    if not isinstance(xs, Handle | list | tuple):
        raise explain(
            TypeError(f"xs must be a Tensor or a list of Tensors, not {type(xs).__name__}"),
            f"xs에는 Tensor 하나 또는 Tensor의 리스트를 넘겨야 합니다. 받은 값의 종류: {type(xs).__name__}",
        )
    tensors = [xs] if isinstance(xs, Handle) else list(xs)
    for i, x in enumerate(tensors):
        if not isinstance(x, Handle) or x._node is None:
            raise errors.no_variable(i)
    root, seed = _start(y, g)
    if not create_graph:
        _refuse_to_cut(g, "tg.grad(y, x, g)", "tg.grad(y, x, g, create_graph=True)")
    nodes = [x._node for x in tensors]
    title = f"gradient of {y.name}" if y.name else "gradient"
    inside = scope(title) if create_graph and current.get().watch else nullcontext()
    with Switch(record=create_graph), inside:
        start_with = wrap(type(y), seed, g._node if isinstance(g, Handle) else None) if create_graph else seed
        found = gradients(root, start_with, wanted={node for node in nodes if node is not None})
    answers = []
    for i, (x, node) in enumerate(zip(tensors, nodes, strict=True)):
        if node not in found and not allow_unused:
            raise errors.unused(i, _named(x))
        answer = found.get(node) if node else None
        if answer is None:
            answer = namespace(x._array).zeros(x._array.shape, dtype=x._array.dtype)
        array, made = (answer._array, answer._node) if isinstance(answer, Handle) else (copied(answer), None)
        answers.append(wrap(type(y), array, made))
    return answers[0] if isinstance(xs, Handle) else answers


def replace(tensors: Iterable[Tensor], values: Iterable[Any]) -> None:
    """Assign the data of several Tensors at once: of all or, if anything goes wrong, of none."""
    new = [(t, t._fitting(value)) for t, value in zip(tensors, values, strict=True)]
    at_once(setattr, [slot for t, array in new for slot in t.replacing(array)])()


def _named(x: Handle) -> str:
    """The name of a tensor, for a message, if it has one."""
    name = getattr(x, "_name", None)
    return f" ({name!r})" if name else ""


def restored(data: Array, requires_grad: bool, name: str | None, grad: Array | None) -> Tensor:
    """A leaf or a constant, as it was pickled."""
    tensor = Tensor(data, requires_grad, name=name, copy=False)
    if grad is not None:
        tensor.grad = grad
    return tensor


def borrow(array: Array, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A Tensor on an array without a copy, for a graph that is gone before anybody can write to the array."""
    return wrap(Tensor, array, Leaf(array, name) if requires_grad else None)
