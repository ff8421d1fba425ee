"""Domains: which there are, and that the numbers drawn from them lie inside and are the same for the same seed."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.check.domain import DOMAINS, limits, random_numbers

LIMITS = st.one_of(st.none(), st.floats(-1e300, 1e300), st.integers(-100, 100))


def wide(pair: Any) -> bool:
    """Whether there are many numbers between the two."""
    return None in pair or pair[1] - pair[0] > 1e-9 * max(1e-290, abs(pair[0]), abs(pair[1]))


INTERVALS = st.tuples(LIMITS, LIMITS).filter(wide)


@given(st.one_of(st.sampled_from(sorted(DOMAINS)), INTERVALS), st.integers(0, 2**32), st.sampled_from([1e-6, 1.0, 1e4]))
def test_numbers_lie_inside_and_follow_from_the_seed(domain, seed, scale):
    low, high = limits(domain)
    x, again, other = (
        random_numbers(np.random.default_rng(s), (4, 5), low, high, scale) for s in (seed, seed, seed + 1)
    )
    assert x.dtype == np.float64
    assert x.shape == (4, 5)
    assert ((low < x) & (x < high)).all()
    assert np.array_equal(x, again)
    assert not np.array_equal(x, other)


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_generic_numbers_have_every_sign_and_none_is_0_or_there_twice(name):
    x = random_numbers(np.random.default_rng(0), (100,), *limits(name))
    assert len(set(np.abs(x))) == 100
    assert x.all()
    assert (x > 0).any()
    assert (x < 0).any() == (name not in ("positive", "simplex"))


def test_a_scalar_is_an_array():
    assert random_numbers(np.random.default_rng(0), (), 0, 1).shape == ()


def test_the_widest_interval_does_not_overflow():
    assert np.isfinite(random_numbers(np.random.default_rng(0), (9,), -1.7e308, 1.7e308)).all()


@pytest.mark.parametrize("domain", ["complex", (1, 1), (2, 1), (0, float("nan")), (0, 1, 2), (0, "1"), 3, None])
def test_what_is_no_domain(domain):
    with pytest.raises(ValueError, match="a domain is one of") as caught:
        limits(domain)
    assert caught.value.__notes__
