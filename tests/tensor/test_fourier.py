"""`tg.fft` on Tensors: NumPy's transforms, with gradients; and what a Spectrum does and refuses."""

from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as package
from tests.tensor.test_tensor import korean

tg: Any = package
ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
SEVERAL = ("fftn", "ifftn", "rfftn", "irfftn")
OF_REALS = {"rfft", "ihfft", "rfftn"}
X = np.random.default_rng(0).normal(size=(3, 6, 5))
Z = X + 1j * np.random.default_rng(1).normal(size=X.shape)


def spectrum(z: Any) -> Any:
    return tg.fft.Spectrum(tg.Tensor(z.real, requires_grad=True), tg.Tensor(z.imag, requires_grad=True))


def near(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)
    assert found.numpy().dtype == expected.dtype
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


@pytest.mark.parametrize("name", ONE)
@given(st.data())
def test_along_one_axis_it_is_numpys(name: str, data: Any) -> None:
    n, axis = data.draw(st.none() | st.integers(1, 8)), data.draw(st.integers(-3, 2))
    norm = data.draw(st.sampled_from(["backward", "ortho", "forward"]))
    expected = getattr(np.fft, name)
    near(getattr(tg.fft, name)(tg.Tensor(X), n=n, axis=axis, norm=norm), expected(X, n, axis, norm))
    near(expected(tg.Tensor(X), n, axis, norm), expected(X, n, axis, norm))
    if name not in OF_REALS:
        near(getattr(tg.fft, name)(spectrum(Z), n=n, axis=axis, norm=norm), expected(Z, n, axis, norm))


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize(
    ("s", "axes"), [(None, None), (None, (0, 2)), ((4, 7), (1, 2)), ((3,), (0,)), ((2, 3, 4), None)]
)
@pytest.mark.filterwarnings("ignore:`axes` should not be `None`:DeprecationWarning")
def test_along_several_axes_it_is_numpys(name: str, s: Any, axes: Any) -> None:
    near(getattr(tg.fft, name)(tg.Tensor(X), s=s, axes=axes), getattr(np.fft, name)(X, s, axes))
    near(getattr(np.fft, name)(tg.Tensor(X), s=s, axes=axes), getattr(np.fft, name)(X, s, axes))
    if name not in OF_REALS:
        near(
            getattr(tg.fft, name)(spectrum(Z), s=s, axes=axes, norm="ortho"), getattr(np.fft, name)(Z, s, axes, "ortho")
        )


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_the_gradients_are_finite_differences(n: int) -> None:
    rng = np.random.default_rng(n)
    x, a, b = rng.normal(size=(2, n)), rng.normal(size=(2, n // 2 + 1)), rng.normal(size=(2, n // 2 + 1))
    package.check_gradient(lambda x: abs(tg.fft.rfft(x)), x)
    package.check_gradient(lambda x: tg.fft.irfft(tg.fft.rfft(x, norm="ortho") * (1 + 2j), n=n), x)
    package.check_gradient(lambda a, b: tg.fft.irfft(tg.fft.Spectrum(a, b), n=n), a, b)
    package.check_gradient(lambda a, b: abs(tg.fft.fftn(tg.fft.Spectrum(a, b))), a, b)
    package.check_gradient(lambda x: abs(tg.fft.rfftn(x, s=(3, n + 1))), x)


def test_arrays_stay_arrays_of_their_library() -> None:
    assert type(tg.fft.rfft(X)) is np.ndarray
    np.testing.assert_array_equal(tg.fft.fftn(X), np.fft.fftn(X))
    assert type(tg.fft.rfft([1.0, 2.0])) is np.ndarray
    strict = tg.fft.rfft(array_api_strict.asarray(X))
    assert isinstance(strict, type(array_api_strict.zeros(1)))
    inside = tg.fft.irfft(tg.fft.rfft(tg.Tensor(array_api_strict.asarray(X))), n=5)
    np.testing.assert_allclose(np.asarray(inside.data), X)
    assert tg.fft.rfft(tg.Tensor(X.astype(np.float32))).numpy().dtype == np.complex64
    assert tg.fft.rfft(tg.asarray([1, 2, 3])).real.dtype == np.float64


def test_frequencies() -> None:
    for n in (4, 5):
        assert tg.fft.fftfreq(n, d=0.5).tolist() == np.fft.fftfreq(n, 0.5).tolist()
        assert tg.fft.rfftfreq(n).tolist() == np.fft.rfftfreq(n).tolist()
        assert tg.fft.fftfreq(n, dtype=np.float32).dtype == np.float32
        x = np.arange(3.0 * n).reshape(3, n)
        for name in ("fftshift", "ifftshift"):
            for axes in (None, 1, (0, 1)):
                expected = getattr(np.fft, name)(x, axes)
                assert getattr(tg.fft, name)(tg.Tensor(x), axes=axes).tolist() == expected.tolist()
                assert getattr(np.fft, name)(tg.Tensor(x), axes).tolist() == expected.tolist()
                assert getattr(tg.fft, name)(spectrum(x + 1j * x), axes=axes).imag.tolist() == expected.tolist()


# ------------------------------------------------------------------ a Spectrum


@given(hnp.arrays(complex, 3, elements=st.complex_numbers(min_magnitude=0.1, max_magnitude=9)), st.integers(0, 4))
def test_it_computes_as_complex_numbers_do(z: Any, kind: int) -> None:
    other = (2.0, 1 - 2j, np.array([1.0, 2.0, 3.0]), Z[0, 0, :3], X[0, 0, :3])[kind]
    mine = tg.Tensor(other) if kind == 4 else other
    s = spectrum(z)
    near(s + mine, z + other)
    near(s - mine, z - other)
    near(s * mine, z * other)
    near(s / mine, z / other)
    near(s * s / (s + 3j) - s, z * z / (z + 3j) - z)
    if kind < 4:
        near(mine + s, other + z)
        near(mine - s, other - z)
        near(mine * s, other * z)
        near(mine / s, other / z)
    near(abs(s), abs(z))
    near(-s, -z)
    for function in (np.abs, np.conj, np.real, np.imag, np.angle, np.square, np.negative):
        near(function(s), function(z))
    near(s[1:], z[1:])
    assert (len(s), s.ndim, s.size, np.shape(s)) == (3, 1, 3, (3,))


def test_it_is_written_to_as_complex_numbers_are() -> None:
    z = Z[0, 0, :3].copy()
    s, same = spectrum(z), spectrum(z)
    other, conjugate, before = s, s.conj(), z.conj()
    s[1:] *= 2.0
    s[0] = 3j
    z[1:] *= 2.0
    z[0] = 3j
    s += 1.0
    s -= same
    s *= 1 - 2j
    s /= 0.5
    near(s, ((z + 1.0) - Z[0, 0, :3]) * (1 - 2j) / 0.5)
    near(conjugate, before)
    assert other is s
    s[0] = same[1]
    near(s[0], Z[0, 0, 1])
    s[2] = tg.Tensor(7.0)
    near(s[2], np.complex128(7.0))
    package.check_gradient(
        lambda a, b: abs(_written(tg.fft.Spectrum(a, b))), np.array([0.3, 0.8, -1.2]), np.array([1.1, -0.4, 0.6])
    )


def _written(s: Any) -> Any:
    s[1:] *= 2.0
    s[0] = s[1] * 1j
    return s * s


def test_its_axes_are_moved_and_its_parts_are_taken() -> None:
    s = spectrum(Z)
    for move in (tg.moveaxis, np.moveaxis):
        near(move(s, 0, -1), np.moveaxis(Z, 0, -1))
    near(tg.conj(s), Z.conj())
    near(tg.real(s), Z.real)
    near(tg.imag(s), Z.imag)
    with pytest.raises(
        TypeError, match=r"exp: a Spectrum holds complex numbers; compute with its parts x\.real"
    ) as caught:
        tg.exp(s)
    assert any("복소수" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (np.exp, "np.exp"),
        (np.sum, "np.sum"),
        (np.asarray, "np.asarray"),
        (np.add.reduce, "np.add"),
        (lambda s: np.fft.rfft(s), "rfft"),
        (lambda s: tg.fft.rfft(s), "rfft"),
        (lambda s: tg.sum(s), "sum"),
        (lambda s: tg.Tensor([1.0, 2.0]) * s, "multiply"),
    ],
)
def test_what_it_does_not_is_refused_by_name(call: Any, named: str) -> None:
    with pytest.raises(TypeError, match=named) as caught:
        call(spectrum(np.array([1j, 2.0])))
    assert korean(caught.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: tg.fft.rfft(x, n=0), "rfft: a transform needs at least one number, not n=0"),
        (lambda x: tg.fft.irfft(x, n=0), "irfft: a transform needs at least one number"),
        (lambda x: tg.fft.fft(x, norm="none"), "fft: norm must be one of"),
        (lambda x: tg.fft.hfft(x, norm="none"), "norm must be one of"),
        (lambda x: tg.fft.fft(x, axis=2), "fft: there is no axis 2"),
        (lambda x: tg.fft.fftn(x, s=(1, 2), axes=(0,)), "fftn: s and axes must name the same axes"),
    ],
)
def test_bad_arguments(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        call(tg.Tensor([1.0, 2.0]))
    assert korean(caught.value)


def test_a_low_pass_filter_learns_and_compiles() -> None:
    """A signal through a filter in the frequency domain, as one would write it with NumPy."""

    def filtered(x: Any, h: Any) -> Any:
        return np.fft.irfft(np.fft.rfft(x) * h, 8)

    x, h = np.random.default_rng(0).normal(size=8), np.linspace(1, 0, 5)
    package.check_gradient(filtered, x, h)
    run = package.compile(lambda x, h: tg.sum(filtered(x, h) ** 2))
    for scale in (1, 2):
        expected = np.sum(np.fft.irfft(np.fft.rfft(scale * x) * h, 8) ** 2)
        np.testing.assert_allclose(run(tg.Tensor(scale * x), tg.Tensor(h)).item(), expected)
