"""Fewer values, and the same numbers to the last bit."""

import numpy as np
import pytest

import tinygrad_ko as tg

X = np.array([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, 1e-310, 3.0])
Y = np.array([-0.0, 0.0, -1.5, 0.5, 1.0, -np.inf, 2.0, -0.0])


def same_bits(a, b):
    """Whether two arrays are equal, with the signs of zeros; of a NaN nobody asks for the sign."""
    zeros = np.array_equal(np.signbit(a) & ~np.isnan(a), np.signbit(b) & ~np.isnan(b))
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True) and zeros


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("f", "written", "gone"),
    [
        (lambda x, y: np.negative(-x) * y, "x * y", "-x"),
        (lambda x, y: x + -y, "x - y", "+"),
        (lambda x, y: x - np.negative(y), "x + y", "- "),
        (lambda x, y: -x + y, "y - x", "+"),
        (lambda x, y: -x - y, "-x", "+"),  # not -(x + y): where both are 0.0 that would be -0.0
        (lambda x, y: -x + -y, "-x - y", "+"),
        (lambda x, y: 1 * x + y * 1, "x + y", "*"),
        (lambda x, y: x / 1 + y, "x + y", "/"),
        (lambda x, y: x + y + 0, "+ 0", "-"),  # -0.0 + 0 is 0.0
        (lambda x, y: x**2 + y, "np.square(x)", "**"),
        (lambda x, y: x**1.0 + y, "x + y", "**"),
        (lambda x, y: abs(x) ** 0.5 + y, "np.sqrt(", "**"),
        (lambda x, y: x**-1 + y, "np.reciprocal(x)", "**"),
        (lambda x, y: x**3 + y, "x ** 3", "square"),
    ],
)
def test_what_changes_no_number_is_not_computed(f, written, gone, dtype):
    x, y = X.astype(dtype), Y.astype(dtype)
    compiled = tg.compile(f)
    with np.errstate(all="ignore"):
        got, expected = compiled(x, y), f(x, y)
    assert same_bits(got, expected)
    body = compiled.source.partition('"""')[2].partition('"""')[2]
    body = "\n".join(line.partition("#")[0] for line in body.splitlines())
    assert written in body
    assert gone not in body


def test_the_power_of_a_single_number_is_its_own():
    """NumPy takes the square of an array, and of a number alone the C library's power."""
    compiled = tg.compile(lambda x: (x + 1) ** 2)
    for x in np.random.default_rng(0).random(200):
        assert compiled(np.array(x)) == (np.array(x) + 1) ** 2
    assert "** 2" in compiled.source


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_choice_between_many_numbers_and_0_is_made_by_bits(dtype):
    x = np.resize(np.append(X, np.nan), 3_000).astype(dtype)
    for f, by_bits in [
        (lambda x: tg.where(x > 0, x * 2, 0), True),
        (lambda x: tg.where(x > 0, 0, x * 2), False),
        (lambda x: tg.where(x > 0, x * 2, -0.0), False),
        (lambda x: tg.where(x[:9] > 0, x[:9] * 2, 0), False),
        (lambda x: tg.where(np.arange(3_000) % 2 == 0, x * 2, 0), True),
        (lambda x: tg.where(x[:9] > 0, np.arange(9.0), 0), False),
        (lambda x: tg.where(x.reshape(60, 50).T > 0, x.reshape(60, 50).T * 2, 0), True),
        (lambda x: tg.where(x.reshape(60, 50).T > 0, (x * 2).reshape(50, 60), 0), False),
    ]:
        compiled = tg.compile(f)
        with np.errstate(all="ignore"):
            found, right = compiled(x), f(x)
        assert (found.tobytes(), found.strides) == (right.tobytes(), right.strides)
        assert (".view(np.int" in compiled.source) == by_bits
