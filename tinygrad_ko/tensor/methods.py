"""What can be done with a Tensor: operators, indexing, NumPy's functions and methods. All of it is the rule book by
other spellings.
"""

import operator
from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, indexing, queries, reduction, scan, shape
from tinygrad_ko.ops.inputs import unwrapped
from tinygrad_ko.ops.linalg import products as linalg

Axes = int | tuple[int, ...] | None


def in_place(change: Any, symbol: str, instead: str, update: str) -> Any:
    """An in-place operator: it changes the array of a constant, and is refused where it would change a graph."""

    def changed(self: Any, other: Any) -> Any:
        refuse_in_place(self, f"x {symbol} y", instead, update)
        value = unrecorded(other, f"x {symbol} y")
        self.data = change(self.writable_array(), value)
        return self

    return changed


def refuse_in_place(x: Handle, wrote: str, instead: str, update: str) -> None:
    """Refuse to change a Tensor that is in a graph."""
    if x._node is not None:
        raise explain(
            TypeError(
                f"{wrote} would change a Tensor that is in a graph; write {instead}, or {update} to change the values of a "
                "parameter between steps"
            ),
            "계산 그래프에 있는 Tensor는 제자리에서 바꿀 수 없습니다. "
            f"새 값을 만들려면 {instead}, 학습 중에 매개변수의 값을 바꾸려면 {update}와 같이 쓰십시오.",
        )


def unrecorded(value: Any, wrote: str) -> Any:
    """A value that may be written into an array: not one whose gradient would be lost."""
    if isinstance(value, Handle) and value._node is not None:
        raise explain(
            TypeError(f"{wrote} would lose the gradient of y; write x = x + y and so on, or use y.detach()"),
            "제자리 연산은 기울기를 잃습니다. x = x + y처럼 새 값을 만들거나 y.detach()를 쓰십시오.",
        )
    return value.stable_array() if isinstance(value, Handle) else value


class Operators(Handle):
    """A handle with the spellings of an array."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> Any:
        return self._array.dtype

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def size(self) -> int:
        return self._array.size

    def __len__(self) -> int:
        if not self.ndim:
            raise explain(TypeError("a Tensor without axes has no length"), "축이 없는 Tensor에는 길이가 없습니다.")
        return len(self._array)

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    # an op is itself the method of its operator

    __add__ = elementwise.add
    __sub__ = elementwise.subtract
    __mul__ = elementwise.multiply
    __truediv__ = elementwise.divide
    __floordiv__ = elementwise.floor_divide
    __mod__ = elementwise.remainder
    __pow__ = elementwise.pow
    __matmul__ = linalg.matmul
    __neg__ = elementwise.negative
    __pos__ = elementwise.positive
    __abs__ = elementwise.abs

    def __radd__(self, other: Any) -> Self:
        return elementwise.add(other, self)

    def __rsub__(self, other: Any) -> Self:
        return elementwise.subtract(other, self)

    def __rmul__(self, other: Any) -> Self:
        return elementwise.multiply(other, self)

    def __rtruediv__(self, other: Any) -> Self:
        return elementwise.divide(other, self)

    def __rfloordiv__(self, other: Any) -> Self:
        return elementwise.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Self:
        return elementwise.remainder(other, self)

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return other // self, other % self

    def __rpow__(self, other: Any) -> Self:
        return elementwise.pow(other, self)

    def __rmatmul__(self, other: Any) -> Self:
        return linalg.matmul(other, self)

    # comparisons are plain boolean arrays: no gradient could go through them

    def __eq__(self, other: Any) -> Any:
        return self.stable_array() == unwrapped(other)

    def __ne__(self, other: Any) -> Any:
        return self.stable_array() != unwrapped(other)

    def __lt__(self, other: Any) -> Any:
        return self.stable_array() < unwrapped(other)

    def __le__(self, other: Any) -> Any:
        return self.stable_array() <= unwrapped(other)

    def __gt__(self, other: Any) -> Any:
        return self.stable_array() > unwrapped(other)

    def __ge__(self, other: Any) -> Any:
        return self.stable_array() >= unwrapped(other)

    def __getitem__(self, index: Any) -> Self:
        return indexing.getitem(self, index=indexing.plain(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        refuse_in_place(self, "x[index] = value", "y = tg.where(mask, value, x)", "x.data[index] = value")
        self.writable_array()[unwrapped(index)] = unrecorded(value, "x[index] = value")

    __iadd__ = in_place(operator.iadd, "+=", "x = x + y", "w.data += y")
    __isub__ = in_place(operator.isub, "-=", "x = x - y", "w.data -= lr * w.grad")
    __imul__ = in_place(operator.imul, "*=", "x = x * y", "w.data *= y")
    __itruediv__ = in_place(operator.itruediv, "/=", "x = x / y", "w.data /= y")
    __ifloordiv__ = in_place(operator.ifloordiv, "//=", "x = x // y", "w.data //= y")
    __imod__ = in_place(operator.imod, "%=", "x = x % y", "w.data %= y")
    __ipow__ = in_place(operator.ipow, "**=", "x = x**y", "w.data **= y")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        from tinygrad_ko.tensor import numpy_protocol

        return numpy_protocol.call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        from tinygrad_ko.tensor import numpy_protocol

        return numpy_protocol.call_function(function, arguments, options)

    # ------------------------------------------------------------------ methods, in NumPy's habits

    @property
    def T(self) -> Self:
        """The axes in reverse order."""
        return shape.matrix_transpose(self) if self.ndim == 2 else self.transpose()

    @property
    def mT(self) -> Self:
        """The last two axes exchanged."""
        return shape.matrix_transpose(self)

    def transpose(self, *axes: Any) -> Self:
        """The axes in another order, in reverse if none is given."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        order = tuple(() if order is None else order) or tuple(reversed(range(self.ndim)))
        return shape.permute_dims(self, order)

    def reshape(self, *new: Any) -> Self:
        """The same numbers in another shape: `x.reshape(2, 3)`, `x.reshape((2, -1))`."""
        return shape.reshape(self, tuple(new[0]) if len(new) == 1 and not isinstance(new[0], int | np.integer) else new)

    def flatten(self) -> Self:
        """All numbers along one axis."""
        return shape.reshape(self, (-1,))

    ravel = flatten

    def squeeze(self, axis: Axes = None) -> Self:
        """Without the axes of length 1."""
        return shape.squeeze(self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Two axes exchanged."""
        return shape.swapaxes(self, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """Each element `repeats` times in a row; flattened first if `axis` is None."""
        from tinygrad_ko.ops import repetition

        return repetition.repeat(self, repeats, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """The numbers on a diagonal of the matrices in two axes, on a new last axis."""
        from tinygrad_ko.tensor import numpy_protocol

        return numpy_protocol.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """The sum of a diagonal of the matrices in two axes."""
        from tinygrad_ko.tensor import numpy_protocol

        return numpy_protocol.trace(self, offset, axis1, axis2)

    def astype(self, dtype: Any) -> Self:
        """In another dtype. To integers only where no gradient is wanted."""
        if isinstance(self._array, np.ndarray | np.generic):
            dtype = np.dtype(dtype)
        if self._node is not None and not is_floating(dtype):
            raise explain(
                TypeError(f"x.astype({dtype}) has no gradient; write x.detach().astype({dtype})"),
                f"{dtype}(으)로 바꾸면 기울기를 구할 수 없습니다. x.detach().astype(...)을 쓰십시오.",
            )
        return elementwise.astype(self, dtype)

    def sum(self, axis: Axes = None, *, keepdims: bool = False) -> Self:
        """The sum, of all or along one or more axes."""
        return reduction.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, *, keepdims: bool = False) -> Self:
        """The mean, of all or along one or more axes."""
        return reduction.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axes = None, *, keepdims: bool = False) -> Self:
        """The largest, of all or along one or more axes."""
        return reduction.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Axes = None, *, keepdims: bool = False) -> Self:
        """The smallest, of all or along one or more axes."""
        return reduction.min(self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Axes = None, *, keepdims: bool = False) -> Self:
        """The product, of all or along one or more axes."""
        return reduction.prod(self, axis=axis, keepdims=keepdims)

    def var(self, axis: Axes = None, *, ddof: float = 0, keepdims: bool = False) -> Self:
        """The variance: the sum of the squared distances from the mean, divided by n - ddof."""
        from tinygrad_ko.ops import statistics

        return statistics.var(self, axis=axis, correction=ddof, keepdims=keepdims)

    def std(self, axis: Axes = None, *, ddof: float = 0, keepdims: bool = False) -> Self:
        """The standard deviation: the square root of the variance."""
        from tinygrad_ko.ops import statistics

        return statistics.std(self, axis=axis, correction=ddof, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Self:
        """The running sums along an axis, by default of all numbers in a row."""
        return scan.cumulative_sum(self.flatten() if axis is None else self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Self:
        """The running products along an axis, by default of all numbers in a row."""
        return scan.cumulative_prod(self.flatten() if axis is None else self, axis=axis)

    def any(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Whether any is not 0, of all or along one or more axes: plain truth values."""
        return queries.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Axes = None, *, keepdims: bool = False) -> Any:
        """Whether none is 0, of all or along one or more axes: plain truth values."""
        return queries.all(self, axis=axis, keepdims=keepdims)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        """Limited to [min, max]."""
        return elementwise.clip(self, min, max)

    def take(self, indices: Any, axis: int | None = None) -> Self:
        """The elements at some places along an axis, or of all in one line."""
        from tinygrad_ko.tensor import numpy_protocol

        return numpy_protocol.take(self, indices, axis=axis)

    def argsort(self, axis: int = -1, *, stable: bool = True) -> Any:
        """Where the elements stand in order of size: plain integers."""
        from tinygrad_ko.ops import ordering

        return ordering.argsort(self, axis, stable=stable)

    def round(self) -> Self:
        """The nearest whole numbers."""
        from tinygrad_ko.ops import rounding

        return rounding.round(self)

    def dot(self, other: Any) -> Self:
        """np.dot(self, other)."""
        from tinygrad_ko.tensor import numpy_protocol

        return numpy_protocol.dot(self, other)
