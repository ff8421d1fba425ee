"""Discrete Fourier transforms. A complex number is a pair on a last axis of length 2, its real and its imaginary part; the axis before that
one is transformed. None is divided by n. Source of the formulas: a linear map's gradient is its transpose, of these the sum with the
opposite sign in the exponent.
"""

import numpy as np

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.inputs import unwrapped


@op(z=lambda g, inverse: fourier(g, inverse=not inverse))
def fourier(xp, z, *, inverse=False):
    """The sum over j of z[j] * exp(-2 pi i j k / n), for each k; with `inverse` of z[j] * exp(2 pi i j k / n)."""
    z, transforms = _complex(xp, z), _transforms(xp)
    return _pair(xp, transforms.ifft(z, axis=-1, norm="forward") if inverse else transforms.fft(z, axis=-1))


@op(x=lambda g, x_shape: waves(g, n=x_shape[-1]))
def half_spectrum(xp, x):
    """`fourier` of real numbers along the last axis, for k from 0 to n // 2: the rest are the conjugates of these."""
    return _pair(xp, _transforms(xp).rfft(x, axis=-1))


@op(z=lambda g: half_spectrum(g))
def waves(xp, z, *, n):
    """The sum over k of the real part of z[k] * exp(2 pi i j k / n), for k from 0 to n // 2 and each j below n."""
    return _transforms(xp).irfft(_complex(xp, z / _times(xp, z, n)), n=n, axis=-1, norm="forward")


def whole_spectrum(z, n):
    """The inverse `fourier` of a spectrum of which z is the half, and the other half its conjugate: n real numbers. The imaginary part at
    0, and at n / 2, plays no part.
    """
    array = unwrapped(z)
    return waves(z * _times(namespace(array), array, n), n=n)


def _transforms(xp):
    return getattr(xp, "fft", np.fft)  # NumPy imports it when it is asked for


def _complex(xp, z):
    dtype = xp.complex64 if z.dtype == xp.float32 else xp.complex128
    return xp.astype(z[..., 0], dtype) + xp.astype(z[..., 1], dtype) * 1j


def _pair(xp, z):
    return xp.stack([xp.real(z), xp.imag(z)], axis=-1)


def _times(xp, z, n):
    """How often each entry of the half is in the whole spectrum, as a column: twice, but for the first, and for the last of an even n."""
    times = np.full((n // 2 + 1, 1), 2.0)
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    return xp.asarray(times, dtype=z.dtype, device=z.device)
