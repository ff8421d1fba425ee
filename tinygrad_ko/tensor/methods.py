"""Operators, indexing and methods of a Tensor, as NumPy's arrays have them: each is an op of the rule book by another name."""

import operator
import sys
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from tinygrad_ko.arrays.library import SCALARS, is_floating
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, indexing, logic, queries, reduction, scan, shape
from tinygrad_ko.ops.inputs import constants, unwrapped
from tinygrad_ko.ops.linalg import products
from tinygrad_ko.ops.views import mark, unmarked
from tinygrad_ko.tensor import in_place

_Axes = int | tuple[int, ...] | None
_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")  # of the array API standard
_NUMPY: Any = np  # whose functions take Tensors, which their types do not say


def _reflected(op: Callable[..., Any]) -> Any:
    """The method of an operator whose left operand is no Tensor."""
    return lambda self, other: op(other, self)


def _compared(compare: Callable[..., Any]) -> Any:
    """The method of a comparison. Its result is a constant: no gradient could go through truth values."""

    def answer(self: Any, other: Any) -> Any:
        if type(other) not in SCALARS:
            other = unwrapped(other)
        found = compare(self.stable_array() if self._exposed else self._array, other)
        if type(found) is not np.ndarray:
            return constants(type(self), found)
        made: Any = object.__new__(type(self))  # as `wrap` does; the call would take a tenth of all
        made._array, made._node, made._exposed = found, None, False
        return made

    return answer


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
    conj: Callable[..., Self] = elementwise.conj
    conjugate = conj
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

    @property
    def device(self) -> Any:
        """Where the array is: "cpu", if it is NumPy's."""
        return self._array.device

    def to_device(self, device: Any, /, *, stream: Any = None) -> Self:
        """Itself, if it is on that device. Raises what the library of the array raises for another one."""
        if device == self.device and stream is None:
            return self
        return wrap(type(self), self._array.to_device(device, stream=stream))

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The package itself: its functions have the names and arguments of the array API standard.

        Raises ValueError for a version of the standard that it does not follow.
        """
        if api_version not in (None, *_VERSIONS):
            raise explain(
                ValueError(f"api_version must be one of {', '.join(_VERSIONS)}, not {api_version!r}"),
                f"api_version에는 다음 중 하나를 넘겨야 합니다: {', '.join(_VERSIONS)}. 받은 값: {api_version!r}",
            )
        return sys.modules[__name__.partition(".")[0]]

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

    __and__ = logic.bitwise_and
    __or__ = logic.bitwise_or
    __xor__ = logic.bitwise_xor
    __invert__ = logic.bitwise_invert
    __lshift__ = logic.bitwise_left_shift
    __rshift__ = logic.bitwise_right_shift
    __rand__ = _reflected(logic.bitwise_and)
    __ror__ = _reflected(logic.bitwise_or)
    __rxor__ = _reflected(logic.bitwise_xor)
    __rlshift__ = _reflected(logic.bitwise_left_shift)
    __rrshift__ = _reflected(logic.bitwise_right_shift)

    def __getitem__(self, index: Any) -> Self:
        return mark(indexing.getitem(self, index=indexing.plain(index)), self, None, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        in_place.assign(self, index, value)

    __iadd__ = in_place.augmented("+", operator.iadd, operator.add)
    __isub__ = in_place.augmented("-", operator.isub, operator.sub, "w.data -= lr * w.grad")
    __imul__ = in_place.augmented("*", operator.imul, operator.mul)
    __itruediv__ = in_place.augmented("/", operator.itruediv, operator.truediv)
    __ifloordiv__ = in_place.augmented("//", operator.ifloordiv, operator.floordiv)
    __imod__ = in_place.augmented("%", operator.imod, operator.mod)
    __ipow__ = in_place.augmented("**", operator.ipow, operator.pow)
    __imatmul__ = in_place.augmented("@", operator.imatmul, operator.matmul)
    __iand__ = in_place.augmented("&", operator.iand, operator.and_)
    __ior__ = in_place.augmented("|", operator.ior, operator.or_)
    __ixor__ = in_place.augmented("^", operator.ixor, operator.xor)
    __ilshift__ = in_place.augmented("<<", operator.ilshift, operator.lshift)
    __irshift__ = in_place.augmented(">>", operator.irshift, operator.rshift)

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
        """All numbers along one axis, in a Tensor of its own."""
        return unmarked(shape.reshape(self, (-1,)))

    def ravel(self) -> Self:
        """All numbers along one axis."""
        return self.reshape(-1)

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

    @classmethod
    def _of_list(cls, values: Any) -> Self:
        """One Tensor of a list of Tensors, numbers, arrays and lists of them, as `np.array` makes an array of numbers."""
        return shape.stack([cls._of_list(v) if isinstance(v, list | tuple) else v for v in values])

    def copy(self) -> Self:
        """The same values and gradient in a Tensor of its own: neither sees what is done to the other in place."""
        return elementwise.astype(self, self.dtype)

    def astype(self, dtype: Any, *, copy: bool = True) -> Self:
        """In another dtype, and in a Tensor of its own: without `copy` it may be x itself. To integers only where no gradient is wanted."""
        if isinstance(self._array, np.ndarray | np.generic):
            dtype = np.dtype(dtype)
        if self._node is not None and not is_floating(dtype):
            raise explain(
                TypeError(f"x.astype({dtype}) has no gradient; write x.detach().astype({dtype})"),
                f"x.astype({dtype})에서는 기울기를 구할 수 없습니다. 다음과 같이 쓰십시오: x.detach().astype({dtype})",
            )
        return elementwise.astype(self, dtype) if copy or dtype != self.dtype else self

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

    def any(self, axis: _Axes = None, *, keepdims: bool = False) -> Self:
        """Whether any is not 0, of all or along one or more axes: truth values, without a gradient."""
        return queries.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: _Axes = None, *, keepdims: bool = False) -> Self:
        """Whether none is 0, of all or along one or more axes: truth values, without a gradient."""
        return queries.all(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Self:
        """Where the largest element is: integers, without a gradient."""
        return queries.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Self:
        """Where the smallest element is: integers, without a gradient."""
        return queries.argmin(self, axis=axis, keepdims=keepdims)

    def take(self, indices: Any, axis: int | None = None) -> Self:
        """The elements at some places along an axis, or of all in one line."""
        return _NUMPY.take(self, indices, axis)

    def argsort(self, axis: int = -1, *, stable: bool = True) -> Self:
        """Where the elements stand in order of size: integers, without a gradient."""
        from tinygrad_ko.ops import ordering

        return ordering.argsort(self, axis, stable=stable)

    def round(self) -> Self:
        """The nearest whole numbers."""
        from tinygrad_ko.ops import rounding

        return rounding.round(self)

    def dot(self, other: Any) -> Self:
        """np.dot(self, other)."""
        return _NUMPY.dot(self, other)
