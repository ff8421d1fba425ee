"""Fourier transforms, of pairs of a real and an imaginary part."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import Row, draw_array, real
from tinygrad_ko.ops import fourier

LINES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6)


def numbers(pairs):
    return pairs[..., 0] + 1j * pairs[..., 1]


def pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


@st.composite
def transformed(draw):
    shape = (*draw(LINES), 2)
    return (draw_array(draw, st.just(shape), real),), {"inverse": draw(st.booleans())}


@st.composite
def halved(draw):
    return (draw_array(draw, LINES, real),), {}


@st.composite
def completed(draw):
    n = draw(st.integers(1, 7))
    shape = (*draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=1, max_side=3)), n // 2 + 1, 2)
    return (draw_array(draw, st.just(shape), real),), {"n": n}


def like_fourier(z, inverse):
    return pairs(np.fft.ifft(numbers(z)) * z.shape[-2] if inverse else np.fft.fft(numbers(z)))


def like_waves(z, n):
    angles = 2 * np.pi * np.outer(np.arange(n // 2 + 1), np.arange(n)) / n
    return z[..., 0] @ np.cos(angles) - z[..., 1] @ np.sin(angles)


ROWS: dict[Callable[..., Any], Row] = {
    fourier.fourier: Row(transformed(), like_fourier),
    fourier.half_spectrum: Row(halved(), lambda x: pairs(np.fft.rfft(x))),
    fourier.waves: Row(completed(), like_waves),
}
