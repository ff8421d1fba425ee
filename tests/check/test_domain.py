"""Domains: which there are, that the numbers drawn from them lie inside and are the same for the same seed, and that checks stay inside."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_grad, check_jvp, check_vjp
from tinygrad_ko.check.functions.domain import (
    DOMAINS,
    WHOLE,
    limits,
    projected,
    random_array,
    random_numbers,
    require_inside,
)
from tinygrad_ko.testing import check_op

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
    assert (x < 0).any() == (limits(name)[0] < 0)


def test_a_scalar_is_an_array():
    assert random_numbers(np.random.default_rng(0), (), 0, 1).shape == ()


def test_the_widest_interval_does_not_overflow():
    assert np.isfinite(random_numbers(np.random.default_rng(0), (9,), -1.7e308, 1.7e308)).all()


@pytest.mark.parametrize("domain", ["complex", (1, 1), (2, 1), (0, float("nan")), (0, 1, 2), (0, "1"), 3, None])
def test_what_is_no_domain(domain):
    with pytest.raises(ValueError, match="a domain is one of") as caught:
        limits(domain)
    assert caught.value.__notes__


SQUARE = {"symmetric": (2, 3, 3), "positive_definite": (2, 3, 3), "simplex": (3, 4)}


@pytest.mark.parametrize("domain", sorted(WHOLE))
@given(seed=st.integers(0, 2**32), scale=st.sampled_from([1e-6, 1.0, 1e4]))
def test_arrays_of_a_domain(domain, seed, scale):
    x, again = (random_array(np.random.default_rng(seed), SQUARE[domain], domain, scale) for _ in range(2))
    require_inside(x, domain, "x")
    assert np.array_equal(x, again)
    assert np.allclose(projected(projected(x, domain), domain), x, rtol=1e-15)


INSIDE = np.array([[2.0, 0.5], [0.5, 1.0]])


@pytest.mark.parametrize(
    ("domain", "x", "fault"),
    [
        ("symmetric", INSIDE + np.array([[0, 1e-6], [0, 0]]), "it is not symmetric"),
        ("positive_definite", INSIDE.T - 3 * np.eye(2), "it has an eigenvalue that is not positive"),
        ("simplex", np.array([0.3, 0.8]), "it does not add up to 1"),
        ("simplex", np.array([-0.5, 1.5]), "it has negative numbers"),
        ("symmetric", np.ones((2, 3)), "needs square matrices, not the shape"),
        ("simplex", np.ones(()), "needs a last axis of at least one number"),
        ("positive", INSIDE, "must be one of .* an interval needs no name here: leave it out"),
        ("spd", INSIDE, "did you mean 'positive_definite'"),
        ("positive definite", INSIDE, "did you mean 'positive_definite'"),
        ("symetric", INSIDE, "did you mean 'symmetric'"),
        (
            "symmetric",
            INSIDE + np.array([[0, 1e-6], [0, 0]], dtype=np.float32),
            "it is not symmetric, but off by 1e-06",
        ),
        ({"y": "symmetric"}, INSIDE, "domain='y' is no argument"),
    ],
)
def test_what_is_outside_is_refused(domain, x, fault):
    with pytest.raises(ValueError, match=fault) as error:
        tg.check_gradient(lambda x: tg.sum(x * x), x, domain=domain)
    assert not error.value.__notes__[0].isascii()


def strict(f, is_inside):
    """f, which refuses what is not in its domain."""

    def only_inside(x):
        if not is_inside(x):
            raise ValueError("outside")
        return f(x)

    return only_inside


def is_symmetric(x):
    return np.allclose(x, x.T, rtol=1e-13, atol=1e-13)


def lower(x):
    """The lower triangle, with half of the diagonal."""
    return np.tril(x) - np.diag(np.diag(x)) / 2


def cholesky_vjp(g, a, factor=1.0):
    """The gradient of the lower triangle alone, which numpy.linalg.cholesky reads."""
    L = np.linalg.cholesky(a)
    inverse = np.linalg.inv(L)
    found = inverse.T @ lower(L.T @ g) @ inverse
    return factor * np.tril(found + found.T) - factor * np.diag(np.diag(found))


def cholesky_jvp(a, da):
    L = np.linalg.cholesky(a)
    inverse = np.linalg.inv(L)
    return L @ lower(inverse @ da @ inverse.T)


cholesky = strict(np.linalg.cholesky, is_symmetric)
entropy = strict(lambda p: -np.sum(p * np.log(p)), lambda p: abs(p.sum() - 1) < 1e-12)


class TestDirectionsThatStayInside:
    def test_cholesky(self):
        A = random_array(np.random.default_rng(0), (3, 3), "positive_definite")
        options: dict[str, Any] = {"domain": "positive_definite"}
        report = check_vjp(cholesky, cholesky_vjp, A, **options)
        assert report.verdict == "agrees"
        assert report.remarks == ["x moves inside its domain alone: positive_definite"]
        assert check_jvp(cholesky, cholesky_jvp, A, **options).verdict == "agrees"
        with pytest.raises(GradientMismatch):
            check_vjp(cholesky, lambda g, a: cholesky_vjp(g, a, 1.001), A, **options)
        with pytest.raises(GradientMismatch):
            check_jvp(cholesky, lambda a, da: 1.001 * cholesky_jvp(a, da), A, **options)
        assert tg.check_gradient(tg.linalg.cholesky, A, order=2, **options).verdict == "agrees"

    def test_a_point_of_a_simplex(self):
        p = random_array(np.random.default_rng(0), (4,), "simplex")
        for more in (0.0, 5.0):  # what is the same for all of them is seen by no direction inside
            assert check_grad(entropy, lambda p, more=more: more - np.log(p), p, domain="simplex").verdict == "agrees"
        with pytest.raises(GradientMismatch) as error:
            check_grad(entropy, np.log, p, domain={"x": "simplex"})
        assert "domain={'x': 'simplex'}" in error.value.report.script()
        f = lambda p: tg.sum(p * tg.log(p))
        assert tg.check_gradient(f, p, domain="simplex", order=2).verdict == "agrees"

    def test_only_what_is_named(self):
        S = random_array(np.random.default_rng(0), (3, 3), "symmetric")
        upper_alone = lambda g, a, b: (g * (np.triu(b + b.T, 1) + np.diag(np.diag(b))), g * a)
        f = lambda a, b: np.sum(a * b)
        assert check_vjp(f, upper_alone, S, S, domain={"a": "symmetric"}).verdict == "agrees"
        with pytest.raises(GradientMismatch):
            check_vjp(f, upper_alone, S, S, domain={"b": "symmetric"})

    def test_a_mistake_in_a_graph_is_blamed_as_usual(self):
        @tg.op(x=lambda g, x: g * tg.sin(x))
        def sine(x):
            return np.sin(x)

        S = random_array(np.random.default_rng(0), (3, 3), "symmetric")
        with pytest.raises(GradientMismatch, match="the formula of sine for 'x'"):
            tg.check_gradient(lambda s: tg.sum(sine(s @ s) * 2), S, domain="symmetric")

    def test_check_op_draws_them(self):
        check_op(cholesky, "positive_definite", vjp=cholesky_vjp, signature="(n,n)", examples=10)
        check_op(entropy, "simplex", vjp=lambda g, p: -g * np.log(p), signature="(n)", examples=10)
        check_op(tg.linalg.eigvalsh, {"x": "symmetric"}, signature="(n,n)", order=1, examples=10)
        with pytest.raises(GradientMismatch) as error:
            check_op(entropy, "simplex", vjp=lambda g, p: g * np.log(p), signature="(n)", examples=10)
        assert any("domain={'x': 'simplex'})" in note for note in error.value.__notes__)
        check_op(cholesky, "positive_definite", vjp=cholesky_vjp, examples=5)  # the shapes follow from the domain
        with pytest.raises(ValueError, match=r"needs square matrices, not the shape \(.*signature='\(n,n\)'"):
            check_op(tg.matmul, {"a": "symmetric"}, order=1)


@pytest.mark.parametrize("tolerance", [1e-9, 1e-12])
@pytest.mark.parametrize("outside", ["raises", "is NaN"])
def test_a_function_on_a_surface_is_undecided_without_a_domain(tolerance, outside):
    def expected(p):
        if abs(p.sum() - 1) > tolerance:
            if outside == "is NaN":
                return np.nan
            raise ValueError("not a distribution")
        return p @ np.array([1.0, 2.0, 4.0])

    centred = lambda p: np.array([1.0, 2.0, 4.0]) - 7 / 3
    p = np.array([0.2, 0.3, 0.5])
    with pytest.raises(GradientUndecided) as error:
        check_grad(expected, centred, p)
    if outside == "raises":
        assert "f raised 'ValueError: not a distribution' at " in str(error.value)
        assert "domain=" in str(error.value)
        assert "domain=" in error.value.__notes__[0]
    assert "slope nan" not in str(error.value)
    assert check_grad(expected, centred, p, domain="simplex").verdict == "agrees"


SPD = np.array([[2.0, 0.5, 0.3], [0.5, 1.0, -0.2], [0.3, -0.2, 1.5]])
COUNTS = np.array([2.0, 3.0, 5.0])
ONE_TRIANGLE: list[Any] = [  # f, its gradient for inputs of the domain alone, inputs, the domain
    (lambda A: 2 * np.sum(np.log(np.diag(np.linalg.cholesky(A)))), np.linalg.inv, SPD, "positive_definite"),
    (
        lambda A: np.linalg.eigvalsh(A)[-1],
        lambda A: np.outer(*2 * [np.linalg.eigh(A)[1][:, -1]]),
        SPD - 2 * np.eye(3),
        "symmetric",
    ),
    (
        lambda p: COUNTS[:2] @ np.log(p[:2]) + 5 * np.log(1 - p[0] - p[1]),
        lambda p: COUNTS / p,
        np.array([0.3, 0.3, 0.4]),
        "simplex",
    ),
]


@pytest.mark.parametrize(("f", "gradient", "x", "domain"), ONE_TRIANGLE)
def test_a_gradient_that_is_right_inside_names_the_domain(f, gradient, x, domain):
    with pytest.raises(GradientMismatch, match=f"if f is meant for such inputs alone, domain=.*'{domain}'") as error:
        check_grad(f, gradient, x)
    assert f"'{domain}'" in error.value.__notes__[0]
    assert check_grad(f, gradient, x, domain=domain).verdict == "agrees"
    with pytest.raises(GradientMismatch) as error:  # one that is wrong there too
        check_grad(f, lambda x: 1.5 * gradient(x), x)
    assert "domain=" not in str(error.value)


def test_a_forgotten_transpose_is_named_at_a_symmetric_input():
    B = np.arange(9.0).reshape(3, 3)
    with pytest.raises(GradientMismatch, match="it is the transpose"):
        check_grad(lambda A: np.sum(A @ A * B), lambda A: (B @ A.T + A.T @ B).T, SPD)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_off_by_rounding_is_moved_inside(dtype, seed):
    rng = np.random.default_rng(seed)
    e = np.exp(rng.normal(size=5)).astype(dtype)
    p = np.append(e / e.sum(dtype=dtype), dtype(0))
    report = tg.check_gradient(lambda p: tg.sum(p * p), p, domain="simplex")
    assert report.points["p"].sum() == pytest.approx(1, abs=1e-15)
    assert report.points["p"][-1] == 0  # divided by the sum, so that a 0 stays one
    B = rng.normal(size=(4, 4))
    A = np.linalg.inv(B @ B.T + np.eye(4)).astype(dtype)
    A[0, 1] = np.nextafter(A[0, 1], dtype(9))
    kept = A.copy()
    for check in (
        tg.check_gradient,
        lambda f, A, **o: check_grad(strict(lambda A: np.sum(A * A), is_symmetric), lambda A: 2 * A, A, **o),
    ):
        report = check(lambda A: tg.sum(A * A), A, domain="positive_definite")
        assert report.verdict == "agrees"
    assert np.array_equal(A, kept)
