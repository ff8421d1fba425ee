"""`tg.fft`: the discrete Fourier transforms of the array API standard, with gradients.

Of arrays they are those of their library. A Tensor holds real numbers: what is complex of Tensors is a `Spectrum`, a pair of Tensors. `n`
cuts the axis off, or fills it with zeros; `norm` says which way is divided by n: "backward" (the inverse), "forward", or "ortho" (both, by
its square root).
"""

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, fourier, shape, trigonometric
from tinygrad_ko.ops.inputs import as_floating, as_int, normalized_axes, normalized_axis, require_one_of
from tinygrad_ko.ops.padding import pad


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    def changed(self: Any, other: Any) -> Any:
        new = getattr(self, f"__{name}__")(other)
        self.real, self.imag = new.real, new.imag
        return self

    return changed


class Spectrum:
    """Complex numbers as two Tensors of one shape, `real` and `imag`: what a Fourier transform of a Tensor gives.

    It has the arithmetic of complex numbers, also in place, `abs`, `conj`, `angle`, indices and `moveaxis`, also by NumPy's functions of
    these names, and goes into the transforms of `tg.fft` and `np.fft`. Everything else is refused: its parts are Tensors, for all functions
    there are. (Of an operator it is the first operand if the other one is a Tensor.)

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    >>> X = tg.fft.rfft(x)
    >>> abs(X)[0].backward()
    >>> x.grad
    array([1., 1., 1., 1.])
    """

    __slots__ = ("imag", "real")

    def __init__(self, real: Any, imag: Any) -> None:
        self.real, self.imag = real, imag

    shape = property(lambda s: s.real.shape)
    ndim = property(lambda s: s.real.ndim)
    size = property(lambda s: s.real.size)
    dtype = property(lambda s: np.result_type(s.real.dtype, np.complex64))

    def numpy(self) -> Any:
        """A copy of the values, as a complex array of NumPy's."""
        return (self.real.numpy() + 1j * self.imag.numpy()).astype(self.dtype)

    def conj(self) -> "Spectrum":
        """The complex conjugates."""
        return Spectrum(self.real, -self.imag)

    def angle(self) -> Any:
        """The angles, from -pi to pi."""
        return trigonometric.atan2(self.imag, self.real)

    def __abs__(self) -> Any:
        return elementwise.hypot(self.real, self.imag)

    def __neg__(self) -> "Spectrum":
        return Spectrum(-self.real, -self.imag)

    def __add__(self, other: Any) -> "Spectrum":
        a, b = _parts(other)
        return Spectrum(self.real + a, self.imag + b)

    def __sub__(self, other: Any) -> "Spectrum":
        a, b = _parts(other)
        return Spectrum(self.real - a, self.imag - b)

    def __rsub__(self, other: Any) -> "Spectrum":
        return -self + other

    def __mul__(self, other: Any) -> "Spectrum":
        a, b = _parts(other)
        return Spectrum(self.real * a - self.imag * b, self.real * b + self.imag * a)

    def __truediv__(self, other: Any) -> "Spectrum":
        a, b = _parts(other)
        size = a * a + b * b
        return Spectrum((self.real * a + self.imag * b) / size, (self.imag * a - self.real * b) / size)

    def __rtruediv__(self, other: Any) -> "Spectrum":
        return self.conj() * other / (self.real * self.real + self.imag * self.imag)

    __radd__, __rmul__ = __add__, __mul__

    __iadd__, __isub__, __imul__, __itruediv__ = map(_in_place, ("add", "sub", "mul", "truediv"))

    def __getitem__(self, index: Any) -> "Spectrum":
        return Spectrum(self.real[index], self.imag[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        new = Spectrum(self.real.copy(), self.imag.copy())  # conj() shares a part with another Spectrum
        new.real[index], new.imag[index] = _parts(value)
        self.real, self.imag = new.real, new.imag

    def by_parts(self, function: Callable[[Any], Any]) -> "Spectrum":
        """What a linear function of real numbers makes of it."""
        return Spectrum(function(self.real), function(self.imag))

    def __len__(self) -> int:
        return len(self.real)

    def __repr__(self) -> str:
        return f"Spectrum(real={self.real!r}, imag={self.imag!r})"

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return self.real.__array_namespace__(api_version=api_version)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options or ufunc not in _UFUNCS:
            raise _refused(f"np.{ufunc.__name__}")
        return _UFUNCS[ufunc](*inputs)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function not in _FUNCTIONS:
            raise _refused(f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1))
        return _FUNCTIONS[function](*arguments, **options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise _refused("np.asarray(x)")


def _refused(what: str) -> TypeError:
    return explain(
        TypeError(
            f"{what} is not supported on a Spectrum; compute with its parts x.real and x.imag, abs(x) and x.angle()"
        ),
        f"{what}: Spectrum에서 지원하지 않습니다. x.real, x.imag, abs(x), x.angle()로 계산하십시오.",
    )


def _parts(x: Any) -> tuple[Any, Any]:
    """The real and the imaginary part of a Spectrum, of complex numbers of Python's or NumPy's, or of anything real."""
    if isinstance(x, Spectrum):
        return x.real, x.imag
    if isinstance(x, Handle) or not np.iscomplexobj(x):
        return x, 0.0
    return (x.real, x.imag) if isinstance(x, complex) else (np.real(x), np.imag(x))


def _swapped(name: str) -> Callable[[Any, Any], Any]:
    """An operator of two arguments, of which the Spectrum may be the second."""

    def call(a: Any, b: Any) -> Any:
        return getattr(a, f"__{name}__")(b) if isinstance(a, Spectrum) else getattr(b, f"__r{name}__")(a)

    return call


_UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: _swapped("add"),
    np.subtract: _swapped("sub"),
    np.multiply: _swapped("mul"),
    np.divide: _swapped("truediv"),
    np.absolute: Spectrum.__abs__,
    np.negative: Spectrum.__neg__,
    np.conjugate: Spectrum.conj,
    np.square: lambda x: x * x,
}


# ------------------------------------------------------------------ transforms of one axis


def _theirs(x: Any, name: str) -> Any:
    """The function of that name for an array that is no Tensor; None for a Tensor or a Spectrum."""
    if isinstance(x, Handle | Spectrum):
        return None
    array = x if hasattr(x, "__array_namespace__") else np.asarray(x)
    return getattr(getattr(namespace(array), "fft", np.fft), name)


def _resized(x: Any, n: int, name: str) -> Any:
    """A Tensor of pairs with n of them along the axis before the last: cut off, or filled with zeros."""
    if n < 1:
        raise explain(
            ValueError(f"{name}: a transform needs at least one number, not n={n}"),
            f"{name}: n은 1 이상이어야 합니다. 받은 값: {n}",
        )
    have = x.shape[-2]
    return x[..., :n, :] if n <= have else pad(x, [(0, 0)] * (x.ndim - 2) + [(0, n - have), (0, 0)])


def _scale(n: int, norm: Any, inverse: bool, name: str) -> float:
    """What an unnormalised transform is multiplied by."""
    norm = norm or "backward"
    require_one_of(("backward", "ortho", "forward"), norm, name, "norm")
    return 1 / sqrt(n) if norm == "ortho" else 1 / n if inverse == (norm == "backward") else 1.0


def _pairs(x: Any, axis: int, name: str) -> Any:
    """Numbers as pairs, with the axis that is transformed before the last one."""
    parts = (x.real, x.imag) if isinstance(x, Spectrum) else (x := as_floating(x, name), elementwise.zeros_like(x))
    axis = normalized_axis(axis, x.ndim, name)
    return shape.stack([shape.moveaxis(part, axis, -1) for part in parts], axis=-1), axis


def _spectrum(pairs: Any, axis: int, scale: float) -> Spectrum:
    parts = [shape.moveaxis(pairs[..., i], -1, axis) for i in (0, 1)]
    return Spectrum(*(part * scale if scale != 1 else part for part in parts))


def _complex(x: Any, n: Any, axis: int, norm: Any, inverse: bool, name: str) -> Any:
    if theirs := _theirs(x, name):
        return theirs(x, n=n, axis=axis, norm=norm)
    pairs, axis = _pairs(x, axis, name)
    pairs = _resized(pairs, pairs.shape[-2] if n is None else as_int(n, name), name)
    return _spectrum(fourier.fourier(pairs, inverse=inverse), axis, _scale(pairs.shape[-2], norm, inverse, name))


def fft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """The discrete Fourier transform along an axis."""
    return _complex(x, n, axis, norm, False, "fft")


def ifft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """The inverse of `fft`."""
    return _complex(x, n, axis, norm, True, "ifft")


def rfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """The first half of `fft` of real numbers: n // 2 + 1 complex numbers, of which the rest are the conjugates.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([1.0, 0.0, 0.0, 0.0], requires_grad=True)
    >>> tg.fft.rfft(x).real
    Tensor([1., 1., 1.], shape=(3,), dtype=float64, op=permute_dims)
    """
    if theirs := _theirs(x, "rfft"):
        return theirs(x, n=n, axis=axis, norm=norm)
    if isinstance(x, Spectrum):
        raise _refused("rfft")
    x = as_floating(x, "rfft")
    axis = normalized_axis(axis, x.ndim, "rfft")
    numbers = shape.moveaxis(x, axis, -1)
    n = numbers.shape[-1] if n is None else as_int(n, "rfft")
    if n != numbers.shape[-1] or n < 1:
        numbers = _resized(shape.expand_dims(numbers, axis=-1), n, "rfft")[..., 0]
    return _spectrum(fourier.half_spectrum(numbers), axis, _scale(n, norm, False, "rfft"))


def irfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """The inverse of `rfft`: n real numbers, by default 2 * (m - 1) from m complex ones.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([1.0, 2.0, 3.0])
    >>> tg.fft.irfft(tg.fft.rfft(x), n=3)
    Tensor([1., 2., 3.], shape=(3,), dtype=float64)
    """
    if theirs := _theirs(x, "irfft"):
        return theirs(x, n=n, axis=axis, norm=norm)
    pairs, axis = _pairs(x, axis, "irfft")
    n = 2 * (pairs.shape[-2] - 1) if n is None else as_int(n, "irfft")
    pairs = _resized(pairs, n // 2 + 1 if n > 0 else n, "irfft")
    out, scale = fourier.whole_spectrum(pairs, n), _scale(n, norm, True, "irfft")
    return shape.moveaxis(out * scale if scale != 1 else out, -1, axis)


_OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho", None: "forward"}


def hfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """The transform of numbers of which x is the half and the other half its conjugate: n real numbers."""
    if theirs := _theirs(x, "hfft"):
        return theirs(x, n=n, axis=axis, norm=norm)
    return irfft(x.conj() if isinstance(x, Spectrum) else x, n=n, axis=axis, norm=_OPPOSITE.get(norm, norm))


def ihfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    """The inverse of `hfft`."""
    if theirs := _theirs(x, "ihfft"):
        return theirs(x, n=n, axis=axis, norm=norm)
    return rfft(x, n=n, axis=axis, norm=_OPPOSITE.get(norm, norm)).conj()


# ------------------------------------------------------------------ transforms of several axes


def _axes(x: Any, s: Any, axes: Any, name: str) -> tuple[list[Any], list[int]]:
    """The lengths and the axes of a transform of several."""
    if axes is None:
        axes = tuple(range(x.ndim)) if s is None else tuple(range(-len(s), 0))
    axes = normalized_axes(tuple(axes), x.ndim, name)
    lengths = [None] * len(axes) if s is None else list(s)
    if len(lengths) != len(axes) or not axes:
        raise explain(
            ValueError(f"{name}: s and axes must name the same axes, at least one, not s={s} and axes={axes}"),
            f"{name}: s와 axes의 길이는 같고 1 이상이어야 합니다. 받은 값: s={s}, axes={axes}",
        )
    return lengths, axes


def fftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """`fft` along several axes, by default all."""
    return _in_turn(fft, x, s, axes, norm, "fftn")


def ifftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """`ifft` along several axes, by default all."""
    return _in_turn(ifft, x, s, axes, norm, "ifftn")


def _in_turn(transform: Any, x: Any, s: Any, axes: Any, norm: Any, name: str) -> Any:
    if theirs := _theirs(x, name):
        return theirs(x, s=s, axes=axes, norm=norm)
    lengths, axes = _axes(x, s, axes, name)
    for n, axis in zip(lengths, axes, strict=True):
        x = transform(x, n=n, axis=axis, norm=norm)
    return x


def rfftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """`rfft` along the last of several axes, by default of all, and `fft` along the others."""
    if theirs := _theirs(x, "rfftn"):
        return theirs(x, s=s, axes=axes, norm=norm)
    (*lengths, last), (*others, axis) = _axes(x, s, axes, "rfftn")
    x = rfft(x, n=last, axis=axis, norm=norm)
    return _in_turn(fft, x, lengths if s is not None else None, others, norm, "rfftn") if others else x


def irfftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    """The inverse of `rfftn`."""
    if theirs := _theirs(x, "irfftn"):
        return theirs(x, s=s, axes=axes, norm=norm)
    (*lengths, last), (*others, axis) = _axes(x, s, axes, "irfftn")
    x = _in_turn(ifft, x, lengths if s is not None else None, others, norm, "irfftn") if others else x
    return irfft(x, n=last, axis=axis, norm=norm)


# ------------------------------------------------------------------ the order of frequencies


def fftshift(x: Any, /, *, axes: Any = None) -> Any:
    """The frequency 0 moved to the middle of the axes, by default of all."""
    return _shifted(x, axes, "fftshift", lambda n: n // 2)


def ifftshift(x: Any, /, *, axes: Any = None) -> Any:
    """The inverse of `fftshift`."""
    return _shifted(x, axes, "ifftshift", lambda n: -(n // 2))


def _shifted(x: Any, axes: Any, name: str, by: Callable[[int], int]) -> Any:
    if theirs := _theirs(x, name):
        return theirs(x, axes=axes)
    axes = normalized_axes(tuple(range(x.ndim)) if axes is None else axes, x.ndim, name)
    steps = tuple(by(x.shape[axis]) for axis in axes)
    if isinstance(x, Spectrum):
        return x.by_parts(lambda part: shape.roll(part, steps, tuple(axes)))
    return shape.roll(x, steps, tuple(axes))


def _numpys(function: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """A function here with NumPy's order of arguments, and None for its norm."""

    def call(a: Any, *arguments: Any, **options: Any) -> Any:
        given = dict(zip(names, arguments, strict=False)) | options
        return function(a, **{name: value for name, value in given.items() if value is not None})

    return call


def _in_two_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function of the last two axes, from the one of several here."""
    numpys = _numpys(function, "s", "axes", "norm", "out")
    return lambda a, s=None, axes=(-2, -1), norm=None, out=None: numpys(a, s, axes, norm, out)


_ONE, _SEVERAL, _SHIFTS = (fft, ifft, rfft, irfft, hfft, ihfft), (fftn, ifftn, rfftn, irfftn), (fftshift, ifftshift)
NUMPYS: dict[Any, Callable[..., Any]] = {
    **{getattr(np.fft, f.__name__): _numpys(f, "n", "axis", "norm", "out") for f in _ONE},
    **{getattr(np.fft, f.__name__): _numpys(f, "s", "axes", "norm", "out") for f in _SEVERAL},
    **{getattr(np.fft, f.__name__): _numpys(f, "axes") for f in _SHIFTS},
    **{getattr(np.fft, f.__name__[:-1] + "2"): _in_two_axes(f) for f in _SEVERAL},
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = NUMPYS | {
    np.real: lambda x: x.real,
    np.imag: lambda x: x.imag,
    np.angle: Spectrum.angle,
    np.moveaxis: shape.moveaxis,
    np.shape: lambda x: x.shape,
    np.ndim: lambda x: x.ndim,
    np.size: lambda x: prod(x.shape),
}
