"""What you hold: `Tensor`, an array that remembers how it was computed."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_ko import numpy_protocol
from tinygrad_ko.arrays import Array, operand
from tinygrad_ko.backprop import deposit, gradients, handle, start
from tinygrad_ko.errors import explain
from tinygrad_ko.graph import Handle, Leaf, Node
from tinygrad_ko.ops import elementwise, indexing, linalg, reduction, shape

Axes = int | tuple[int, ...] | None


class Tensor(Handle):
    """An array with a memory: what is computed from it is recorded, and `backward()` finds its gradient.

    `data` may be an array of real numbers, nested lists of numbers (they become float64) or another Tensor's values. It is copied; with
    `copy=False` an array is shared with the caller until an op works on it. With `requires_grad=True` the tensor is a leaf: `backward()` deposits
    the gradient in `.grad`, an array of its shape and dtype.

    Raises TypeError if the data is not real numbers, or is integers or booleans and `requires_grad=True`.

    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool = False, *, dtype: Any = None, name: str | None = None, copy: bool = True
    ) -> None:
        array = data.settled() if isinstance(data, Handle) else operand(data)
        array = np.array(array, dtype=dtype, copy=True if copy else None)
        if array.dtype.kind not in "biuf":
            raise explain(TypeError(f"a Tensor holds real numbers, not {array.dtype}"), "Tensor에는 실수만 담을 수 있습니다.")
        self._data, self._node, self._lent, self._name = array, None, not copy, name
        if requires_grad:
            self.requires_grad = True

    # ------------------------------------------------------------------ what it is

    @property
    def data(self) -> Array:
        """The array, for reading and for writing in place: `w.data -= lr * w.grad`.

        Writing to it never changes a graph that was recorded before: its gradients stay those of the values it was computed from. If such a
        graph still needs the old values, `data` is a copy of them from here on. Assigning checks shape and dtype and copies.
        """
        return self.lend()

    @data.setter
    def data(self, value: Any) -> None:
        if value is self._data:
            return
        array = np.asarray(value.settled() if isinstance(value, Handle) else operand(value))
        if array.shape != self._data.shape or not np.can_cast(array.dtype, self._data.dtype, "same_kind"):
            raise explain(
                ValueError(
                    f"data of shape {self._data.shape} and dtype {self._data.dtype} cannot be replaced by shape {array.shape} and dtype "
                    f"{array.dtype}; make a new Tensor"
                ),
                f"형상 {self._data.shape}, 자료형 {self._data.dtype}인 data에는 형상과 자료형이 같은 배열만 대입할 수 있습니다.",
            )
        self._data, self._lent = array.astype(self._data.dtype), False

    @property
    def grad(self) -> Array | None:
        """The gradient that `backward()` deposited, on a leaf; else None. Set it to None to forget it."""
        return self._node.grad if isinstance(self._node, Leaf) else None

    @grad.setter
    def grad(self, value: Any) -> None:
        if not isinstance(self._node, Leaf):
            raise explain(
                RuntimeError("only a leaf (a Tensor made with requires_grad=True) has a gradient to set"),
                "grad는 requires_grad=True로 만든 Tensor에만 둘 수 있습니다.",
            )
        if value is not None:
            value = np.asarray(value)
            if value.shape != self.shape or value.dtype != self.dtype:
                raise explain(
                    ValueError(f"a gradient of shape {self.shape} and dtype {self.dtype} is needed, not {value.shape} and {value.dtype}"),
                    f"grad의 형상과 자료형은 data와 같아야 합니다: {self.shape}, {self.dtype}.",
                )
        self._node.grad = value

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
            if self._data.dtype.kind != "f":
                raise explain(
                    TypeError(f"only floating point numbers have gradients, not {self._data.dtype}; pass dtype=float"),
                    f"자료형 {self._data.dtype}에는 기울기를 정의할 수 없습니다. 실수로 만들려면 dtype=float을 넘기십시오.",
                )
            self._node = Leaf(self._data, self.name)
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

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        return self._data.dtype

    @property
    def ndim(self) -> int:
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self._data.size  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[i] for i in range(len(self)))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        made = self._node.op.name if self._node is not None and self._node.op else None
        marks = [
            np.array2string(self._data, separator=", ", prefix="Tensor("),
            f"shape={self.shape}",
            f"dtype={self.dtype}",
            *([f"op={made}"] if made else ["requires_grad=True"] if self._node else []),
            *([f"name={self.name!r}"] if self.name else []),
        ]
        return f"Tensor({', '.join(marks)})"

    def __format__(self, spec: str) -> str:
        return format(self._data.item() if self.ndim == 0 else self._data, spec) if spec else repr(self)

    # ------------------------------------------------------------------ the gradient

    def backward(self, g: Any = None, *, keep_graph: bool = False) -> None:
        """Add to the `.grad` of every leaf behind this tensor the gradient of this tensor with respect to that leaf.

        `g` is the gradient of some later quantity with respect to this tensor, in its shape; a tensor of one element needs none (it is 1).
        Afterwards the graph has let go of what it kept, unless `keep_graph=True`. If anything goes wrong no `.grad` is changed.

        Raises RuntimeError if it has no leaf behind it or the graph was used before, ValueError if `g` is missing or has a wrong shape.
        """
        root, seed = start(self, g)
        deposit(gradients(root, seed, free=not keep_graph))

    def zero_grad(self) -> None:
        """Forget the gradient."""
        if isinstance(self._node, Leaf):
            self._node.grad = None

    def detach(self) -> "Tensor":
        """The same values without the memory: a constant."""
        return handle(Tensor, self.settled())

    # ------------------------------------------------------------------ leaving the graph

    def numpy(self) -> Array:
        """A copy of the values, as an array of your own."""
        return np.array(self._data)

    def item(self) -> float | int | bool:
        """The one element, as a Python number."""
        if self.size != 1:
            raise explain(
                ValueError(f"item() needs one element, this Tensor has shape {self.shape}"),
                f"item()은 원소가 하나일 때만 쓸 수 있습니다. 형상은 {self.shape}입니다.",
            )
        return self._data.item()  # type: ignore[no-any-return]

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self._data.tolist()

    def argmax(self, axis: int | None = None) -> Any:
        """Where the largest element is: plain integers."""
        return self._data.argmax(axis)

    def argmin(self, axis: int | None = None) -> Any:
        """Where the smallest element is: plain integers."""
        return self._data.argmin(axis)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        self._refuse_to_leave("np.asarray(x)", "x.numpy()")
        return np.array(self._data, dtype=dtype, copy=True if copy is None else copy)

    def __float__(self) -> float:
        self._refuse_to_leave("float(x)", "x.item()")
        return float(self.item())

    def __int__(self) -> int:
        self._refuse_to_leave("int(x)", "int(x.item())")
        return int(self.item())

    def __index__(self) -> int:
        return self._data.__index__()  # type: ignore[no-any-return]

    def __bool__(self) -> bool:
        return bool(self._data)

    def _refuse_to_leave(self, call: str, cure: str) -> None:
        if self._node is not None:
            raise explain(
                TypeError(f"{call} would lose the gradient of this Tensor without a word; write {cure} if that is what you want"),
                f"{call}을(를) 쓰면 기울기가 끊어집니다. 값만 필요하다면 {cure}을(를) 쓰십시오.",
            )

    def __reduce__(self) -> Any:
        if self._node is not None and not isinstance(self._node, Leaf):
            raise explain(
                TypeError("a Tensor in a graph cannot be copied or pickled; take x.detach() first"),
                "계산 그래프 안의 Tensor는 복사하거나 저장할 수 없습니다. 먼저 x.detach()를 쓰십시오.",
            )
        return restored, (self.numpy(), self.requires_grad, self.name, None if self.grad is None else self.grad.copy())

    # ------------------------------------------------------------------ operators: the op itself is the method

    __add__ = elementwise.add
    __sub__ = elementwise.subtract
    __mul__ = elementwise.multiply
    __truediv__ = elementwise.divide
    __pow__ = elementwise.power
    __matmul__ = linalg.matmul
    __neg__ = elementwise.negative
    __pos__ = elementwise.identity_function
    __abs__ = elementwise.abs

    def __radd__(self, other: Any) -> "Tensor":
        return elementwise.add(other, self)

    def __rsub__(self, other: Any) -> "Tensor":
        return elementwise.subtract(other, self)

    def __rmul__(self, other: Any) -> "Tensor":
        return elementwise.multiply(other, self)

    def __rtruediv__(self, other: Any) -> "Tensor":
        return elementwise.divide(other, self)

    def __rpow__(self, other: Any) -> "Tensor":
        return elementwise.power(other, self)

    def __rmatmul__(self, other: Any) -> "Tensor":
        return linalg.matmul(other, self)

    # comparisons are plain boolean arrays: no gradient could go through them

    def __eq__(self, other: Any) -> Any:
        return self.settled() == numpy_protocol.values(other)

    def __ne__(self, other: Any) -> Any:
        return self.settled() != numpy_protocol.values(other)

    def __lt__(self, other: Any) -> Any:
        return self.settled() < numpy_protocol.values(other)

    def __le__(self, other: Any) -> Any:
        return self.settled() <= numpy_protocol.values(other)

    def __gt__(self, other: Any) -> Any:
        return self.settled() > numpy_protocol.values(other)

    def __ge__(self, other: Any) -> Any:
        return self.settled() >= numpy_protocol.values(other)

    def __getitem__(self, index: Any) -> "Tensor":
        return indexing.getitem(self, index=indexing.stored(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._refuse_in_place("x[index] = value", "y = tg.where(mask, value, x), or x.data[index] = value between training steps")
        self.lend()[numpy_protocol.values(index)] = unrecorded(value, "x[index] = value")

    def _refuse_in_place(self, wrote: str, instead: str) -> None:
        if self._node is not None:
            raise explain(
                TypeError(f"{wrote} would change a Tensor that is in a graph; write {instead}"),
                f"계산 그래프에 있는 Tensor는 제자리에서 바꿀 수 없습니다. 대신 {instead}(으)로 쓰십시오.",
            )

    def __iadd__(self, other: Any) -> "Tensor":
        self._refuse_in_place("x += y", "x = x + y (or w.data -= lr * w.grad to update a parameter)")
        self.lend().__iadd__(unrecorded(other, "x += y"))
        return self

    def __isub__(self, other: Any) -> "Tensor":
        self._refuse_in_place("x -= y", "x = x - y (or w.data -= lr * w.grad to update a parameter)")
        self.lend().__isub__(unrecorded(other, "x -= y"))
        return self

    def __imul__(self, other: Any) -> "Tensor":
        self._refuse_in_place("x *= y", "x = x * y (or w.data *= y to change a parameter)")
        self.lend().__imul__(unrecorded(other, "x *= y"))
        return self

    def __itruediv__(self, other: Any) -> "Tensor":
        self._refuse_in_place("x /= y", "x = x / y (or w.data /= y to change a parameter)")
        self.lend().__itruediv__(unrecorded(other, "x /= y"))
        return self

    def __ipow__(self, other: Any) -> "Tensor":
        self._refuse_in_place("x **= y", "x = x ** y")
        self.lend().__ipow__(unrecorded(other, "x **= y"))
        return self

    def __imatmul__(self, other: Any) -> "Tensor":
        raise explain(TypeError("x @= y is not supported; write x = x @ y"), "x @= y 대신 x = x @ y를 쓰십시오.")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return numpy_protocol.call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        return numpy_protocol.call_function(function, arguments, options)

    # ------------------------------------------------------------------ methods, in NumPy's habits

    @property
    def T(self) -> "Tensor":
        """The axes in reverse order."""
        return shape.matrix_transpose(self) if self.ndim == 2 else self.transpose()

    @property
    def mT(self) -> "Tensor":
        """The last two axes exchanged."""
        return shape.matrix_transpose(self)

    def transpose(self, *axes: Any) -> "Tensor":
        """The axes in another order, in reverse if none is given."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        return shape.permute_dims(self, tuple(order) if order else tuple(reversed(range(self.ndim))))

    def reshape(self, *new: Any) -> "Tensor":
        """The same numbers in another shape: `x.reshape(2, 3)`, `x.reshape((2, -1))`."""
        return shape.reshape(self, tuple(new[0]) if len(new) == 1 and not isinstance(new[0], int | np.integer) else new)

    def flatten(self) -> "Tensor":
        """All numbers along one axis."""
        return shape.reshape(self, (-1,))

    ravel = flatten

    def squeeze(self, axis: Axes = None) -> "Tensor":
        """Without the axes of length 1."""
        return shape.squeeze(self, axis)

    def astype(self, dtype: Any) -> "Tensor":
        """In another dtype. To integers only where no gradient is wanted."""
        if self._node is not None and np.dtype(dtype).kind != "f":
            raise explain(
                TypeError(f"x.astype({np.dtype(dtype)}) has no gradient; write x.detach().astype({np.dtype(dtype)})"),
                f"{np.dtype(dtype)}(으)로 바꾸면 기울기를 구할 수 없습니다. x.detach().astype(...)을 쓰십시오.",
            )
        return elementwise.astype(self, np.dtype(dtype))

    def sum(self, axis: Axes = None, *, keepdims: bool = False) -> "Tensor":
        """The sum, of all or along one or more axes."""
        return reduction.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, *, keepdims: bool = False) -> "Tensor":
        """The mean, of all or along one or more axes."""
        return reduction.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axes = None, *, keepdims: bool = False) -> "Tensor":
        """The largest, of all or along one or more axes."""
        return reduction.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axes = None, *, keepdims: bool = False) -> "Tensor":
        """The smallest, of all or along one or more axes."""
        return reduction.min(self, axis=axis, keepdims=keepdims)

    def clip(self, min: Any = None, max: Any = None) -> "Tensor":
        """Limited to [min, max]."""
        return elementwise.clip(self, min, max)

    def dot(self, other: Any) -> "Tensor":
        """np.dot(self, other)."""
        return numpy_protocol.dot(self, other)


def unrecorded(value: Any, wrote: str) -> Any:
    """A value that may be written into an array: not one whose gradient would be lost."""
    if isinstance(value, Handle) and value._node is not None:
        raise explain(
            TypeError(f"{wrote} would lose the gradient of y; write x = x + y and so on, or use y.detach()"),
            "제자리 연산은 기울기를 잃습니다. x = x + y처럼 새 값을 만들거나 y.detach()를 쓰십시오.",
        )
    return value.settled() if isinstance(value, Handle) else value


def restored(data: Array, requires_grad: bool, name: str | None, grad: Array | None) -> Tensor:
    """A leaf or a constant, as it was pickled."""
    tensor = Tensor(data, requires_grad, name=name, copy=False)
    if grad is not None:
        tensor.grad = grad
    return tensor


def borrow(array: Array, requires_grad: bool = False, name: str | None = None) -> Tensor:
    """A Tensor on an array without a copy, for a graph that is gone before anybody can write to the array."""
    return handle(Tensor, array, Leaf(array, name) if requires_grad else None)
