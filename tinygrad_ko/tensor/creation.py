"""New Tensors, by the names of the array API standard: constants, of NumPy's arrays. (Those "like" an array are of its library, and an
array themselves if it is one.)

`dtype` is one of NumPy's real dtypes, and None stands for the usual one: float64, or int64 and bool where integers and truth values are
given. There is one `device`, "cpu".
"""

from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, namespace, same_numbers
from tinygrad_ko.engine.codegen import constant
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.ops import elementwise, shape
from tinygrad_ko.ops.inputs import as_plain_array, first_handle
from tinygrad_ko.tensor.tensor import Tensor


def _new(array: Array) -> Tensor:
    return Tensor(array, copy=False)


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor of an array, of numbers, of nested lists of numbers or of Tensors, or what is a Tensor already. What is recorded stays so.

    Numbers and lists of them keep their kind, as in NumPy: integers become int64, where `tg.Tensor` makes floats of them. With `copy=True`
    it is a Tensor of its own; with `copy=False` an array is shared, and what cannot be shared is a ValueError.

    >>> import tinygrad_ko as tg
    >>> tg.asarray([1, 2])
    Tensor([1, 2], shape=(2,), dtype=int64)
    >>> x = tg.Tensor([1.0, 2.0], requires_grad=True)
    >>> tg.asarray(x) is x, tg.asarray([x[0], 3.0]).requires_grad
    (True, True)
    """
    if isinstance(obj, list | tuple) and first_handle(obj) is not None:
        obj = shape.stack([asarray(part) for part in obj])
    if not isinstance(obj, Tensor):
        array = namespace(obj).asarray(obj, dtype=dtype, device=device, copy=copy)
        return Tensor(array, copy=array is obj and copy is not False)
    _require_cpu(device)
    if dtype is not None and not same_numbers(obj.dtype, np.dtype(dtype)):
        return obj.astype(dtype)
    return obj.copy() if copy else obj


def _require_cpu(device: Any) -> None:
    np.empty(0, device=device)  # NumPy says what a device may be


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor of the array of another library, by the protocol DLPack. It is copied unless `copy=False`, which shares the memory.

    Raises TypeError for a Tensor that requires a gradient: x.detach() has none.
    """
    from_: Any = np.from_dlpack  # in the stubs of NumPy 2.1 copy is no bool
    array = from_(x, device=device, copy=copy)
    return Tensor(array, copy=copy is not False)


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A Tensor of a shape, with numbers that are yet to be written."""
    return _new(np.empty(shape, dtype, device=device))


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros of a shape.

    >>> import tinygrad_ko as tg
    >>> tg.zeros((2,))
    Tensor([0., 0.], shape=(2,), dtype=float64)
    """
    return _new(np.zeros(shape, dtype, device=device))


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones of a shape."""
    return _new(np.ones(shape, dtype, device=device))


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """One number in a whole shape. A Tensor of one number gets the sum of the gradient."""
    if isinstance(fill_value, Handle):
        return _spread(fill_value, shape, dtype, device)
    return _new(np.full(shape, fill_value, dtype, device=device))


def _spread(number: Any, to: Any, dtype: Any, device: Any) -> Tensor:
    _require_cpu(device)
    out: Tensor = shape.broadcast_to(number, (to,) if isinstance(to, int) else tuple(to))
    return out if dtype is None else elementwise.astype(out, dtype)


def _like(name: str, x: Any, *numbers: Any, **options: Any) -> Any:
    """What the library of x makes like x; of a Tensor it is a constant."""
    array = as_plain_array(x, name)
    made = getattr(namespace(array), name)(array, *numbers, **options)
    return wrap(type(x), made) if isinstance(x, Handle) else made


def empty_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """As `empty`, in the shape of x, and in its dtype unless one is given."""
    return _like("empty_like", x, dtype=dtype, device=device)


def zeros_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Zeros in the shape of x, and in its dtype unless one is given. They do not depend on x: the derivative is 0."""
    if dtype is None and device is None:
        return elementwise.zeros_like(x)
    return _like("zeros_like", x, dtype=dtype, device=device)


def ones_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Ones in the shape of x, and in its dtype unless one is given."""
    return _like("ones_like", x, dtype=dtype, device=device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """One number in the shape of x, and in its dtype unless one is given. A Tensor of one number gets the sum of the gradient."""
    if isinstance(fill_value, Handle):
        return _spread(fill_value, x.shape, x.dtype if dtype is None else dtype, device)
    return _like("full_like", x, fill_value, dtype=dtype, device=device)


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The numbers from `start` in equal steps up to `stop`, which is not among them; from 0 to the first if only one is given.

    >>> import tinygrad_ko as tg
    >>> tg.arange(3)
    Tensor([0, 1, 2], shape=(3,), dtype=int64)
    """
    numbers: Any = [_number(x, "arange") for x in ((0, start, step) if stop is None else (start, stop, step))]
    return _new(np.arange(*numbers, dtype=dtype, device=device))


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Tensor:
    """`num` numbers in equal steps from `start` to `stop`, which is the last one unless `endpoint` is False."""
    start, stop = _number(start, "linspace"), _number(stop, "linspace")
    return _new(np.linspace(start, stop, num, endpoint, dtype=dtype, device=device))


def _number(x: Any, name: str) -> Any:
    """A number, also that in a Tensor of one. Raises TypeError if it requires a gradient, which would be lost."""
    return constant(x, name, "start").item() if isinstance(x, Handle) else x


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Tensor:
    """A matrix of ones on the main diagonal, or on the k-th above it, and zeros."""
    return _new(np.eye(n_rows, n_cols, k, float if dtype is None else dtype, device=device))


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of `tg.fft.fft`, for n samples at distances d."""
    return _new(np.asarray(np.fft.fftfreq(n, d), dtype, device=device))


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of `tg.fft.rfft`, for n samples at distances d."""
    return _new(np.asarray(np.fft.rfftfreq(n, d), dtype, device=device))
