"""Learning rates that change with the steps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.nn.serialization import load_arrays, save_arrays
from tinygrad_ko.optim import SGD, Schedule, cosine_decay, exponential_decay, linear_warmup, step_decay

STEPS = st.integers(0, 300)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def optimizer(lr=0.5):
    return SGD([tg.Tensor([1.0], requires_grad=True)], lr=lr)


def rates(schedule, count):
    found = []
    for _ in range(count):
        found.append(schedule.optimizer.lr)
        schedule.step()
    return found


# ---------------------------------------------------------------- the functions


@given(STEPS, st.integers(1, 50), st.floats(0.1, 0.9))
def test_each_stair_is_as_long_and_a_rate_lower(step, every, rate):
    assert step_decay(step + every, every, rate) == pytest.approx(rate * step_decay(step, every, rate))
    assert step_decay(step - step % every, every, rate) == step_decay(step, every, rate)
    assert step_decay(0, every, rate) == 1


@given(STEPS, st.floats(0.1, 1.5))
def test_an_exponential_loses_the_same_share_at_each_step(step, rate):
    assert exponential_decay(step + 1, rate) == pytest.approx(rate * exponential_decay(step, rate))
    assert exponential_decay(0, rate) == 1


@given(st.integers(1, 50))
def test_the_warm_up_climbs_evenly_to_1_and_stays(warmup):
    climb = [linear_warmup(step, warmup) for step in range(2 * warmup)]
    np.testing.assert_allclose(np.diff([0, *climb[:warmup]]), 1 / warmup, rtol=1e-9)
    assert climb[warmup - 1 :] == [1.0] * (warmup + 1)


@given(st.integers(0, 20), st.integers(1, 50), st.floats(0, 0.9))
def test_the_cosine_begins_at_1_and_ends_at_its_end(warmup, length, end):
    total = warmup + length
    factors = [cosine_decay(step, total, warmup, end) for step in range(total + 5)]
    assert factors[:warmup] == [linear_warmup(step, warmup) for step in range(warmup)]
    assert factors[warmup] == pytest.approx(1)
    assert factors[total:] == pytest.approx([end] * 5)
    assert all(a >= b for a, b in pairwise(factors[warmup:]))
    half = [
        cosine_decay(warmup + i, total, warmup, end) + cosine_decay(total - i, total, warmup, end)
        for i in range(length)
    ]
    assert half == pytest.approx([1 + end] * length)  # it is symmetric about its middle


@pytest.mark.parametrize("warmup", [-1, 5, 6])
def test_a_warm_up_that_leaves_no_step_is_refused(warmup):
    with pytest.raises(ValueError, match=r"warmup must be in \[0, total\)") as caught:
        cosine_decay(0, 5, warmup)
    assert korean(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: step_decay(0, 0),
        lambda: step_decay(0, 2, -0.5),
        lambda: exponential_decay(0, 0.0),
        lambda: exponential_decay(0, float("nan")),
        lambda: linear_warmup(0, 0),
    ],
)
def test_settings_that_are_not_above_0_are_refused(call):
    with pytest.raises(ValueError, match="must be above 0") as caught:
        call()
    assert korean(caught.value)


# ---------------------------------------------------------------- Schedule


@given(st.floats(1e-4, 10), st.integers(1, 8))
def test_the_rate_is_the_first_one_times_the_factor(lr, every):
    schedule = Schedule(optimizer(lr), step_decay, every=every, rate=0.5)
    assert rates(schedule, 10) == [lr * step_decay(step, every, 0.5) for step in range(10)]


def test_a_function_of_ones_own():
    assert rates(Schedule(optimizer(0.5), lambda step: 1 / (1 + step)), 3) == [0.5, 0.25, 0.5 / 3]


def test_the_steps_of_the_optimizer_obey_it():
    w = tg.Tensor([0.0], requires_grad=True)
    sgd = SGD([w], lr=1.0)
    schedule = Schedule(sgd, exponential_decay, rate=0.5)
    for _ in range(3):
        w.grad = np.array([-1.0])
        sgd.step()
        schedule.step()
    assert w.item() == 1 + 0.5 + 0.25


def test_a_run_continues_from_its_state(tmp_path):
    whole = rates(Schedule(optimizer(0.3), cosine_decay, total=10, warmup=3), 10)
    first = Schedule(optimizer(0.3), cosine_decay, total=10, warmup=3)
    begun = rates(first, 4)
    path = save_arrays(tmp_path / "schedule", first.state())
    second = Schedule(optimizer(99.0), cosine_decay, total=10, warmup=3)
    second.load_state(load_arrays(path))
    assert begun + rates(second, 6) == whole


@pytest.mark.parametrize(
    "change",
    [
        {"more": np.zeros(1)},
        {"steps": np.array(-1)},
        {"steps": np.array(1.5)},
        {"steps": np.array([1])},
        {"steps": np.array("many")},
        {"lr": np.array(0.0)},
        {"lr": np.array(np.nan)},
        {"lr": np.array(np.inf)},
        {"lr": np.zeros(2)},
        {"lr": np.array("fast")},
    ],
    ids=str,
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(change):
    schedule = Schedule(optimizer(), exponential_decay, rate=0.5)
    schedule.step()
    with pytest.raises(ValueError, match="no state of a schedule") as caught:
        schedule.load_state({**schedule.state(), **change})
    assert korean(caught.value)
    assert (schedule.lr, schedule.steps, schedule.optimizer.lr) == (0.5, 1, 0.25)
    with pytest.raises(ValueError, match="no state of a schedule"):
        schedule.load_state({"steps": np.array(1)})


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
def test_a_factor_that_makes_no_rate_is_refused_and_changes_nothing(bad):
    schedule = Schedule(optimizer(), lambda step: [1.0, bad][step])
    with pytest.raises(ValueError, match="at step 1 the learning rate") as caught:
        schedule.step()
    assert korean(caught.value)
    assert (schedule.steps, schedule.optimizer.lr) == (0, 0.5)


def test_a_factor_of_0_stands_still():
    schedule = Schedule(optimizer(), cosine_decay, total=1)
    schedule.step()
    assert schedule.optimizer.lr == 0
    schedule.optimizer.parameters[0].grad = np.ones(1)
    schedule.optimizer.step()
    assert schedule.optimizer.parameters[0].item() == 1
