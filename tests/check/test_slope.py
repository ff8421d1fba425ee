"""Numerical differentiation by itself: no Tensor in sight."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_ko.check import Blame, derivative, directional_derivative

GENERIC = st.floats(-10, 10)


@given(GENERIC, GENERIC, GENERIC, st.floats(-100, 100))
def test_parabolas(a, b, c, x):
    found = derivative(lambda x: a * x * x + b * x + c, x)
    assert abs(found.value - (2 * a * x + b)) <= found.error + 8 * np.finfo(float).eps * (abs(2 * a * x) + abs(b))


@given(st.floats(-5, 5), GENERIC, GENERIC)
def test_a_kink_has_two_slopes(x, left, right):
    assume(abs(left - right) > 0.01)
    found = derivative(lambda y: (right if y > x else left) * (y - x) + math.sin(y), x)
    assert found.kind == "kink"
    assert found.left
    assert found.right
    assert abs(found.left.value - left - math.cos(x)) <= found.left.error + 1e-13
    assert abs(found.right.value - right - math.cos(x)) <= found.right.error + 1e-13


@given(st.floats(-5, 5), st.floats(0.01, 10), st.sampled_from(["left", "right"]))
def test_a_jump_has_two_branches(x, height, continuous_from):
    def f(y):
        above = y > x if continuous_from == "left" else y >= x
        return math.sin(y) + height * above

    found = derivative(f, x)
    assert found.kind == "jump"
    assert found.left
    assert found.right
    for side in (found.left, found.right):
        assert abs(side.value - math.cos(x)) <= side.error


@pytest.mark.parametrize(
    ("f", "x", "kind"),
    [
        (math.sin, 1.0, "smooth"),
        (lambda x: x * abs(x), 1.0, "smooth"),
        (abs, 0.0, "kink"),
        (lambda x: max(x, 0.0), 0.0, "kink"),
        (lambda x: abs(x - 1) + x * x, 1.0, "kink"),
        (lambda x: math.sqrt(x * x + 1e-12), 1e-3, "smooth"),
        (math.floor, 2.0, "jump"),
        (np.sign, 0.0, "jump"),
        (lambda x: 3.0, 1.0, "flat"),
        (lambda x: max(x, 0.0), -1.0, "flat"),
        (np.tanh, 1000.0, "flat"),
        (np.tanh, 19.0, "saturated"),
        (np.sqrt, 0.0, "not finite"),
        (math.sqrt, 0.0, "not finite"),
        (np.cbrt, 0.0, "not finite"),
        (lambda x: math.nan, 1.0, "not finite"),
    ],
)
def test_kinds(f, x, kind):
    assert derivative(f, x).kind == kind


def test_noise_is_told_and_stays_within_the_estimate():
    rng = np.random.default_rng(0)
    found = [derivative(lambda x: math.sin(x) + 1e-3 * rng.normal(), 1.0) for _ in range(50)]
    assert sum(s.kind == "noisy" for s in found) >= 45
    assert sum(abs(s.value - math.cos(1.0)) <= s.error for s in found) >= 48


def bent_at(distance, x):
    return x + 2 * max(x - distance, 0.0)


def test_a_kink_farther_out_on_one_side():
    for distance in (1e-2, 1e-4, 1e-6):
        found = derivative(partial(bent_at, distance), 0.0, side="right")
        assert abs(found.value - 1) <= found.error
        assert found.kind == "smooth"


def test_one_side_only():
    def domain_ends(x):
        if x < 0:
            raise ValueError("math domain error")
        return x * x + 3 * x

    assert abs(derivative(domain_ends, 0.0, side="right").value - 3) < 1e-9
    assert derivative(domain_ends, 0.0, side="left").kind == "not finite"
    assert derivative(abs, 0.0, side="left").value == -1
    assert derivative(abs, 0.0, side="right").value == 1


def test_an_error_at_the_point_itself_is_the_callers_to_see():
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        derivative(math.sqrt, -1.0)
    with pytest.raises(ZeroDivisionError):
        derivative(lambda x: 1 / x, 0.0)


def test_a_function_must_return_one_number():
    with pytest.raises(ValueError, match="one number"):
        derivative(lambda x: np.array([x, x]), 1.0)
    with pytest.raises(TypeError, match="return missing"):
        derivative(lambda x: None, 1.0)


def test_it_prints():
    assert str(derivative(abs, 0.0)).startswith("0 +- ")
    assert "left -1, right 1" in str(derivative(abs, 0.0))
    assert repr(derivative(abs, 0.0)) == str(derivative(abs, 0.0))


@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), st.integers(0, 2**32 - 1), st.booleans())
def test_directions_of_arrays(shape, seed, quick):
    rng = np.random.default_rng(seed)
    x, d = rng.normal(size=shape), rng.normal(size=shape)
    before = x.copy()
    found = directional_derivative(lambda x: np.sum(np.sin(x) * x), x, d, quick=quick)
    true = np.sum((np.cos(x) * x + np.sin(x)) * d)
    assert abs(found.value - true) <= 2 * found.error + 1e-14
    assert found.error <= (1e-4 if quick else 1e-8) * (1 + np.sum(np.abs(d)))
    assert np.array_equal(x, before)


@given(st.integers(0, 2**32 - 1))
def test_a_cotangent_sums_the_outputs(seed):
    rng = np.random.default_rng(seed)
    W, x, d, c = rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=4), rng.normal(size=3)
    found = directional_derivative(lambda x: np.tanh(W @ x), x, d, cotangent=c)
    assert abs(found.value - c @ ((1 - np.tanh(W @ x) ** 2) * (W @ d))) <= 2 * found.error + 1e-14


def test_sides_of_a_direction():
    x, d = np.zeros(3), np.array([1.0, -2.0, 3.0])
    f = lambda x: np.sum(np.maximum(x, 0))
    assert directional_derivative(f, x, d).kind == "kink"
    assert abs(directional_derivative(f, x, d, side="right").value - 4) < 1e-9
    assert abs(directional_derivative(f, x, d, side="left").value + 2) < 1e-9


def test_wrong_shapes_and_types_are_refused():
    with pytest.raises(ValueError, match="x has shape") as caught:
        directional_derivative(np.sum, np.ones(3), np.ones(4))
    assert caught.value.__notes__
    with pytest.raises(ValueError, match="pass a cotangent"):
        directional_derivative(np.sin, np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="pass a cotangent"):
        directional_derivative(np.sin, np.ones(3), np.ones(3), cotangent=np.ones(4))
    with pytest.raises(TypeError, match="real numbers"):
        directional_derivative(np.sum, ["a"], np.ones(1))


def test_sides_that_there_are_not():
    for options in ({"side": "rigth"}, {"side": "left", "quick": True}):
        with pytest.raises(ValueError, match="side must be") as caught:
            derivative(abs, 0.0, **options)
        assert caught.value.__notes__
        with pytest.raises(ValueError, match="side must be"):
            directional_derivative(np.sum, [0.0], [1.0], **options)


def test_an_array_is_for_the_other_function():
    array: Any = np.ones(3)
    with pytest.raises(ValueError, match="see directional_derivative"):
        derivative(np.sin, array)


def test_single_precision_is_known_by_the_result():
    found = derivative(lambda x: np.float32(np.sin(np.float32(x))), 1.0)
    assert abs(found.value - math.cos(1)) <= found.error
    assert 1e-6 < found.error < 1e-2
    x = np.array([0.5, 1.5])
    found = directional_derivative(lambda x: np.sum(np.exp(x.astype(np.float32))), x, np.ones(2))
    assert abs(found.value - np.sum(np.exp(x))) <= found.error


def test_the_former_name_of_the_error_estimate_warns_at_the_callers_line():
    found = derivative(math.exp, 1.0)
    blame = Blame("x", "d out / d x", (), 2.0, 1.0, 0.25, "", "")
    for result, error in ((found, found.error), (blame, 0.25)):
        with pytest.warns(DeprecationWarning, match=r"`\.claim` is now `\.error`.*\n.*오차 추정값") as caught:
            assert result.claim == error
        assert caught[0].filename == __file__
