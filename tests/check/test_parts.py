"""What does not show beside the rest of a gradient is looked at by itself; what is another function nearby is not judged there."""

import numpy as np
import pytest

from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_vjp

SEEDS = pytest.mark.parametrize("seed", range(4))


@SEEDS
@pytest.mark.parametrize("large", [1e8, 1e10, 1e12])
def test_an_entry_beside_others_that_are_much_steeper(seed, large):
    x, off = np.array([1.0, 1.0, 1.0, large]), np.array([1, 1, 1, 1.5])
    assert check_vjp(np.log, lambda g, x: g / x, x, rng=seed).verdict == "agrees"
    with pytest.raises(GradientMismatch):
        check_vjp(np.log, lambda g, x: g / x * off, x, rng=seed)


@SEEDS
@pytest.mark.parametrize("which", range(4))
def test_outputs_of_four_orders_of_size(seed, which):
    x, sizes = np.array([1.0, 2.0, 3.0, 1.5]), np.array([1e8, 1.0, 1e-8, 1e-16])
    wrong = np.where(np.arange(4) == which, 1.5, 1.0)

    def f(x):
        return sizes * x**2

    assert check_vjp(f, lambda g, x: 2 * g * sizes * x, x, rng=seed).verdict == "agrees"
    with pytest.raises(GradientMismatch):
        check_vjp(f, lambda g, x: 2 * g * sizes * x * wrong, x, rng=seed)


@SEEDS
def test_a_function_that_is_another_beyond_the_end_of_its_domain(seed):
    """The square root of |x|, of which only positive x are meant: right a millionth away, wrong a thousandth away."""
    x = np.array([3e-6, 1.0, 2.0])
    assert (
        check_vjp(lambda x: np.sqrt(np.abs(x)), lambda g, x: g / (2 * np.sqrt(np.abs(x))), x, rng=seed).verdict
        == "agrees"
    )


@SEEDS
def test_a_wave_that_is_short_beside_its_argument(seed):
    x = np.array([1e8, 1e8 + 1, 1e8 + 2])
    assert check_vjp(np.sin, lambda g, x: g * np.cos(x), x, rng=seed).verdict == "agrees"
    with pytest.raises(GradientMismatch):
        check_vjp(np.sin, lambda g, x: 1.1 * g * np.cos(x), x, rng=seed)


@SEEDS
def test_kinks_that_cancel_out_of_sight(seed):
    def backward(g, x):
        return g * ((x > 0) * 1.0 + (x < 0))

    with pytest.raises(
        GradientUndecided, match=r"is right beside these inputs\. Either kinks of f's parts cancel here"
    ) as error:
        check_vjp(lambda x: np.maximum(x, 0) - np.maximum(-x, 0), backward, np.array([0.0, 1.0]), rng=seed)
    assert "꺾인 점들이 상쇄되었다면" in error.value.__notes__[0]


@SEEDS
def test_what_the_last_digit_hides(seed):
    with pytest.raises(GradientUndecided):
        check_vjp(lambda x: 1e20 + x, lambda g, x: 3 * g, np.array([1.0, -2.0]), rng=seed)
