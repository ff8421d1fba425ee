"""Operators, indexing and methods of a Tensor, as NumPy's arrays have them: each is an op of the rule book by another name."""

import operator
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, indexing, queries, reduction, scan, shape
from tinygrad_ko.ops.inputs import unwrapped
from tinygrad_ko.ops.linalg import products

_Axes = int | tuple[int, ...] | None
_NUMPY: Any = np  # whose functions take Tensors, which their types do not say


def _in_place(change: Any, symbol: str, instead: str, update: str) -> Any:
    """An in-place operator: it changes the array of a constant, and is refused where it would change a graph."""

    def changed(self: Any, other: Any) -> Any:
        _refuse_in_place(self, f"x {symbol} y", instead, update)
        value = _unrecorded(other, f"x {symbol} y")
        self.data = change(self.writable_array(), value)  # an array of a library without in-place changes is replaced
        return self

    return changed


def _refuse_in_place(x: Handle, wrote: str, instead: str, update: str) -> None:
    if x._node is not None:
        raise explain(
            TypeError(
                f"{wrote} would change a Tensor that is in a graph; write {instead}, or {update} to change the values of a "
                "parameter between steps"
            ),
            f"{wrote}: 계산 그래프에 있는 Tensor는 제자리에서 바꿀 수 없습니다. "
            f"새 값을 만들 때: {instead}. 학습 단계 사이에 매개변수의 값을 바꿀 때: {update}",
        )


def _unrecorded(value: Any, wrote: str) -> Any:
    """A value that may be written into an array: not one whose gradient would be lost."""
    if isinstance(value, Handle) and value._node is not None:
        raise explain(
            TypeError(f"{wrote} would lose the gradient of y; write x = x + y and so on, or use y.detach()"),
            f"{wrote}: y의 기울기가 끊어집니다. x = x + y처럼 새 값을 만들거나 y.detach()를 쓰십시오.",
        )
    return value.stable_array() if isinstance(value, Handle) else value


def _reflected(op: Callable[..., Any]) -> Any:
    """The method of an operator whose left operand is no Tensor."""
    return lambda self, other: op(other, self)


def _compared(compare: Callable[..., Any]) -> Any:
    """The method of a comparison. Its result is a plain array of truth values: no gradient could go through them."""
    return lambda self, other: compare(self.stable_array(), unwrapped(other))


class Operators(Handle):
    """A handle with the operators and methods of an array."""

    __slots__ = ()

    # an op is itself the method of its operator or name

    __add__ = elementwise.add
    __sub__ = elementwise.subtract
    __mul__ = elementwise.multiply
    __truediv__ = elementwise.divide
    __floordiv__ = elementwise.floor_divide
    __mod__ = elementwise.remainder
    __pow__ = elementwise.pow
    __matmul__ = products.matmul
    __neg__ = elementwise.negative
    __pos__ = elementwise.positive
    __abs__ = elementwise.abs

    sum: Callable[..., Self] = reduction.sum
    mean: Callable[..., Self] = reduction.mean
    max: Callable[..., Self] = reduction.max
    min: Callable[..., Self] = reduction.min
    prod: Callable[..., Self] = reduction.prod
    clip: Callable[..., Self] = elementwise.clip
    squeeze: Callable[..., Self] = shape.squeeze
    swapaxes: Callable[..., Self] = shape.swapaxes

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

    __radd__ = _reflected(elementwise.add)
    __rsub__ = _reflected(elementwise.subtract)
    __rmul__ = _reflected(elementwise.multiply)
    __rtruediv__ = _reflected(elementwise.divide)
    __rfloordiv__ = _reflected(elementwise.floor_divide)
    __rmod__ = _reflected(elementwise.remainder)
    __rpow__ = _reflected(elementwise.pow)
    __rmatmul__ = _reflected(products.matmul)

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return other // self, other % self

    __eq__ = _compared(operator.eq)
    __ne__ = _compared(operator.ne)
    __lt__ = _compared(operator.lt)
    __le__ = _compared(operator.le)
    __gt__ = _compared(operator.gt)
    __ge__ = _compared(operator.ge)

    def __getitem__(self, index: Any) -> Self:
        return indexing.getitem(self, index=indexing.plain(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        _refuse_in_place(self, "x[index] = value", "y = tg.where(mask, value, x)", "x.data[index] = value")
        self.writable_array()[unwrapped(index)] = _unrecorded(value, "x[index] = value")

    __iadd__ = _in_place(operator.iadd, "+=", "x = x + y", "w.data += y")
    __isub__ = _in_place(operator.isub, "-=", "x = x - y", "w.data -= lr * w.grad")
    __imul__ = _in_place(operator.imul, "*=", "x = x * y", "w.data *= y")
    __itruediv__ = _in_place(operator.itruediv, "/=", "x = x / y", "w.data /= y")
    __ifloordiv__ = _in_place(operator.ifloordiv, "//=", "x = x // y", "w.data //= y")
    __imod__ = _in_place(operator.imod, "%=", "x = x % y", "w.data %= y")
    __ipow__ = _in_place(operator.ipow, "**=", "x = x**y", "w.data **= y")

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
                f"x.astype({dtype})에서는 기울기를 구할 수 없습니다. 다음과 같이 쓰십시오: x.detach().astype({dtype})",
            )
        return elementwise.astype(self, dtype)

    def var(self, axis: _Axes = None, *, ddof: float = 0, keepdims: bool = False) -> Self:
        """The variance: the sum of the squared distances from the mean, divided by n - ddof."""
        from tinygrad_ko.ops import statistics

        return statistics.var(self, axis=axis, correction=ddof, keepdims=keepdims)

    def std(self, axis: _Axes = None, *, ddof: float = 0, keepdims: bool = False) -> Self:
        """The standard deviation: the square root of the variance."""
        from tinygrad_ko.ops import statistics

        return statistics.std(self, axis=axis, correction=ddof, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Self:
        """The running sums along an axis, by default of all numbers in a row."""
        return scan.cumulative_sum(self.flatten() if axis is None else self, axis=axis)

    def cumprod(self, axis: int | None = None) -> Self:
        """The running products along an axis, by default of all numbers in a row."""
        return scan.cumulative_prod(self.flatten() if axis is None else self, axis=axis)

    def any(self, axis: _Axes = None, *, keepdims: bool = False) -> Any:
        """Whether any is not 0, of all or along one or more axes: plain truth values."""
        return queries.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: _Axes = None, *, keepdims: bool = False) -> Any:
        """Whether none is 0, of all or along one or more axes: plain truth values."""
        return queries.all(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Where the largest element is: plain integers."""
        return queries.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Where the smallest element is: plain integers."""
        return queries.argmin(self, axis=axis, keepdims=keepdims)

    def take(self, indices: Any, axis: int | None = None) -> Self:
        """The elements at some places along an axis, or of all in one line."""
        return _NUMPY.take(self, indices, axis)

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
        return _NUMPY.dot(self, other)
