"""Gradients that are cut back: all together, exactly, or not at all."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.optim import SGD, clip_grad_norm, clip_grad_value

BOTH = pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value], ids=lambda clip: clip.__name__)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def with_gradient(g, dtype: Any = np.float64, name: str | None = None) -> Any:
    g = np.array(g, dtype)
    p = tg.Tensor(np.zeros(g.shape, dtype), requires_grad=True, name=name)
    p.grad = g
    return p


GRADIENTS = st.lists(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
        elements=st.integers(-90, 90).map(lambda n: n / 10),
    ),
    min_size=1,
    max_size=4,
)


@given(GRADIENTS, st.floats(0.01, 30), st.sampled_from([1e-300, 1e-9, 1.0, 1e9, 1e300]))
def test_the_length_of_all_together_at_any_size(gradients, max_norm, size):
    gradients, max_norm = [g * size for g in gradients], max_norm * size
    parameters = [with_gradient(g) for g in gradients]
    whole = np.concatenate([g.reshape(-1) for g in gradients]) / size
    norm = clip_grad_norm(parameters, max_norm)
    assert norm / size == pytest.approx(float(np.linalg.norm(whole)), rel=1e-12)
    factor = min(1.0, max_norm / norm) if norm else 1.0
    for p, g in zip(parameters, gradients, strict=True):
        np.testing.assert_allclose(p.grad, g * factor, rtol=1e-12)
    if norm > max_norm * (1 + 1e-9):
        assert clip_grad_norm(parameters, np.inf) / max_norm == pytest.approx(1, rel=1e-12)
    else:
        assert norm > max_norm or all(
            p.grad.tobytes() == g.tobytes() for p, g in zip(parameters, gradients, strict=True)
        )


@given(GRADIENTS, st.floats(0.01, 10))
def test_each_number_is_limited(gradients, limit):
    parameters = [with_gradient(g) for g in gradients]
    clip_grad_value(parameters, limit)
    for p, g in zip(parameters, gradients, strict=True):
        assert p.grad.tolist() == np.clip(g, -limit, limit).tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("limit", [1.0, np.float64(1.0)], ids=["float", "np.float64"])
def test_each_keeps_its_dtype_and_squares_do_not_overflow(dtype, limit):
    large = float(np.finfo(dtype).max) / 4
    limited: Any = np.float64(0.25)
    single, double = with_gradient([large, -large], dtype), with_gradient([large])
    assert clip_grad_norm([single, double], limit) == pytest.approx(np.sqrt(3) * large, rel=1e-6)
    assert (single.grad.dtype, double.grad.dtype) == (dtype, np.float64)
    np.testing.assert_allclose(single.grad, np.array([1, -1]) / np.sqrt(3), rtol=1e-3)
    clip_grad_value([single], limited)
    assert single.grad.dtype == dtype
    assert single.grad.tolist() == [0.25, -0.25]


def test_one_array_that_is_the_gradient_of_two_is_cut_once():
    g = np.array([3.0, 4.0])
    p, q = with_gradient(g), with_gradient(g)
    p.grad = q.grad = g
    assert clip_grad_norm([p, q], 1.0) == pytest.approx(np.sqrt(50))
    np.testing.assert_allclose(p.grad, g / np.sqrt(50))
    np.testing.assert_allclose(q.grad, g / np.sqrt(50))
    assert g.tolist() == [3, 4]


@BOTH
def test_a_parameter_without_a_gradient_is_left_alone(clip):
    used, unused = with_gradient([3.0, 4.0]), tg.Tensor([1.0], requires_grad=True)
    clip([unused, used], 0.5)
    assert unused.grad is None
    assert abs(used.grad).max() <= 0.5


@BOTH
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_and_nothing_changes(clip, bad):
    fine, broken = with_gradient([30.0, 40.0]), with_gradient([[1.0, bad]], name="W2")
    with pytest.raises(RuntimeError, match=r"parameter of shape \(1, 2\) \(W2\) holds NaN or infinity") as caught:
        clip([fine, broken], 1.0)
    assert korean(caught.value)
    assert fine.grad.tolist() == [30, 40]


@BOTH
@pytest.mark.parametrize("limit", [0, -1.0, np.nan])
def test_a_limit_that_is_not_above_0_is_refused(clip, limit):
    with pytest.raises(ValueError, match="must be above 0") as caught:
        clip([with_gradient([1.0])], limit)
    assert korean(caught.value)


@BOTH
def test_clipping_before_backward_is_refused(clip):
    with pytest.raises(RuntimeError, match=rf"call loss\.backward\(\) before {clip.__name__}\(\)") as caught:
        clip([tg.Tensor([1.0], requires_grad=True)], 1.0)
    assert korean(caught.value)


@BOTH
def test_what_an_optimizer_refuses_is_refused(clip):
    p = with_gradient([1.0])
    for wrong, kind in ((iter(()), ValueError), ([p, p], ValueError), ([p, tg.Tensor([1.0])], TypeError)):
        with pytest.raises(kind) as caught:
            clip(wrong, 1.0)
        assert korean(caught.value)


def test_a_generator_of_parameters_or_one_tensor_will_do():
    p = with_gradient([3.0, 4.0])
    assert clip_grad_norm(p, np.inf) == clip_grad_norm((q for q in [p]), np.inf) == 5


def test_a_step_is_no_longer_than_it_may_be():
    w = tg.Tensor(np.array([30.0, -40.0]), requires_grad=True)
    tg.sum(w**3).backward()
    optimizer, before = SGD([w], lr=0.1), w.numpy()
    clip_grad_norm([w], 1.0)
    optimizer.step()
    assert float(np.linalg.norm(w.numpy() - before)) == pytest.approx(0.1)
