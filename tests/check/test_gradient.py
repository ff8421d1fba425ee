"""The judge: it passes what is right, names what is wrong, and says when it cannot see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient


@given(st.floats(-8, 8), st.integers(0, 99))
def test_right_rules_pass_where_they_nearly_saturate(x, seed):
    for f in (tg.tanh, tg.sigmoid, tg.exp, tg.softmax):
        check_gradient(f, np.array([x, 0.3]), order=2, rng=seed)


@pytest.mark.parametrize("inputs", [([1, 2],), (2.0,), (np.float32(2),), (tg.Tensor([1.0, 2.0]),)])
def test_numbers_lists_arrays_and_tensors_can_be_checked(inputs):
    assert check_gradient(tg.sin, *inputs).projections


@pytest.mark.parametrize("options", [{"order": 3}, {"order": 0}, {"projections": 0}, {"h": 0}, {"h": float("nan")}])
def test_options_that_would_check_nothing_are_refused(options):
    with pytest.raises(ValueError, match=r"order|step") as caught:
        check_gradient(tg.sin, [1.0], **options)
    assert caught.value.__notes__


def test_inputs_that_would_check_nothing_are_refused():
    for inputs in ((), (3,), (np.array([1, 2]),)):
        with pytest.raises(ValueError, match="nothing to check"):
            check_gradient(tg.sin, *inputs)


def test_a_function_that_leaves_the_graph_is_refused():
    with pytest.raises(TypeError, match="not a Tensor"):
        check_gradient(lambda x: x.numpy(), [1.0])


def test_a_wrong_function_is_named_with_both_values():
    @tg.op(x=lambda g, x: g * x)
    def halved(x):
        return x * x

    with pytest.raises(GradientMismatch, match=r"halved.*argument 0: analytic .*, numeric ") as caught:
        check_gradient(halved, [1.5])
    assert caught.value.__notes__


def test_noise_is_not_decided():
    noise = np.random.default_rng(0)
    with pytest.raises(GradientUndecided):
        check_gradient(lambda x: x + tg.Tensor(noise.normal(size=1) * 1e-3), [1.0])


def test_inputs_are_left_alone():
    x = np.array([1.0, 2.0])
    check_gradient(tg.exp, x, order=2)
    assert x.tolist() == [1, 2]
