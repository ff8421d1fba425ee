"""Gradients that are hard to judge, each with its right verdict, which was written down first.

`right`: no wrong rule may be read into it; `wrong`: it must be caught; `undecided`: nobody can say from values of f.
`says` is what the message or the report must say, a regular expression.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import linalg, nn


class Case(NamedTuple):
    name: str
    verdict: str
    f: Callable[..., Any]
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    says: str
    seeds: int


CASES: list[Case] = []
RNG = np.random.default_rng(0)


def case(verdict: str, *inputs: Any, says: str = "", seeds: int = 2, name: str = "", **options: Any) -> Any:
    """Register a function of Tensors as a case."""

    def register(f: Any) -> Any:
        CASES.append(Case(name or f.__name__, verdict, f, inputs, options, says, seeds))
        return f

    return register


def op_of(name: str, forward: Callable[..., Any], formula: Callable[..., Any]) -> Any:
    """An op of one argument x by its forward and its formula."""

    def f(x: Any) -> Any:
        return forward(x)

    f.__name__ = name
    return tg.op(x=formula)(f)


# Ties: what counts is the range of slopes nearby, not between the two at the point.


@case("right", np.ones(3))
def sorted_ties(x):
    return tg.sort(x)


@case("right", np.array([2.0, 1.0, 2.0, 2.0, 1.0]))
def sorted_pairs_of_ties(x):
    return tg.sort(x)


@case("right", np.ones(4))
def largest_two_of_ties(x):
    return tg.sort(x)[2:]


@case("right", np.ones(3))
def median_of_ties(x):
    return tg.sort(x)[1]


@case("right", np.array([1.0, 1.0, 1.0, 2.0]))
def quantile_of_ties(x):
    y = tg.sort(x)
    return 0.7 * y[1] + 0.3 * y[2]


@case("right", np.eye(3))
def equal_eigenvalues(x):
    return linalg.eigvalsh(x)


@case("right", np.diag([1.0, 1.0, 2.0, 2.0]))
def pairs_of_equal_eigenvalues(x):
    return linalg.eigvalsh(x)


@case("right", np.eye(3)[:, :2])
def equal_singular_values(x):
    return linalg.svdvals(x)


@case("right", np.zeros((2, 3)))
def ties_of_rows(x):
    return tg.sort(x, axis=1)


case("wrong", np.array([3.0, 1.0, 3.0]), seeds=6, name="ties in full")(
    op_of("ties_in_full", np.max, lambda g, x, out: g * tg.where(x == out, 1.0, 0.0))
)
case("wrong", np.ones(2), seeds=6, name="two ties in full")(
    op_of("ties_in_full", np.max, lambda g, x, out: g * tg.where(x == out, 1.0, 0.0))
)


@case("right", np.array([3.0, 1.0, 3.0]), seeds=6)
def shared_ties(x):
    return tg.max(x)


# Kinks that cancel: f has one slope and the formulas give another.


@case("undecided", np.zeros(1), says="kinks of relu cancel")
def line_of_two_relus(x):
    return tg.relu(x) - tg.relu(-x)


@case("undecided", np.zeros(3), says="kinks of vector_norm cancel", order=2)
def square_of_a_norm(x):
    return tg.vector_norm(x) ** 2


@case("undecided", np.zeros(2), says="kinks of abs cancel", order=2)
def square_of_abs(x):
    return tg.abs(x) ** 2


# True zeros: f does not depend on an argument, but for its last bits.


@case("right", np.random.default_rng(1).normal(size=(8, 3)), np.array([0.3, -0.2, 0.9]), seeds=6)
def bias_before_a_norm(x, b):
    y = x + b
    y = y - tg.mean(y, axis=0)
    return y / tg.sqrt(tg.mean(y * y, axis=0) + 1e-5)


@case("right", np.random.default_rng(2).normal(size=(5, 4)), np.array([0.3, -0.2, 0.9, 0.1]), seeds=6)
def bias_of_the_keys(k, b):
    q = tg.Tensor(np.random.default_rng(3).normal(size=(6, 4)))
    return tg.softmax(q @ (k + b).T, axis=-1)


@case("right", np.array([0.3, -1.2, 0.8]), np.array(0.7), seeds=6)
def shift_of_softmax(x, b):
    return tg.softmax(x + b)


@case("undecided", np.array([[40.0, -40.0]]), says="last bits")
def saturated_softmax(x):
    return tg.softmax(x)


@case("wrong", np.array(0.7), np.array([0.3, -1.2, 0.8]), seeds=6, says="tanh")
def wrong_behind_a_true_zero(b, x):
    return tg.softmax(WRONG_TANH(x) + b)


WRONG_TANH = op_of("tanh", np.tanh, lambda g, out: g * (1 - out * out) * 1.01)


@case("undecided", np.array([20.0]), says="last bits|noisy")
def saturated_tanh(x):
    return op_of("tanh", np.tanh, lambda g, x: g * 4 / (tg.exp(x) + tg.exp(-x)) ** 2)(x)


# What saturates moves in steps of the last bits of 1, and those are no staircase.

case("right", np.array([13.0, 12.0]), seeds=4, name="1 - tanh(x) ** 2 of large x")(lambda x: 1 - tg.tanh(x) ** 2)
case("wrong", np.array([13.0, 12.0]), seeds=4, name="1 - tanh(x) ** 2 of large x, twice the slope")(
    op_of("slope_", lambda x: 1 - np.tanh(x) ** 2, lambda g, x: -4 * g * tg.tanh(x) / tg.cosh(x) ** 2)
)
case("wrong", np.array([7.0, 8.0]), seeds=8, name="a tail of 1e-22, off by a hundredth")(
    op_of("gauss", lambda x: np.exp(-x * x), lambda g, x, out: -2.02 * g * x * out)
)


# Forwards that stop at a tolerance: the formula is right, f is not exact.


def fixed_point(a: Any, tol: float) -> Any:
    """The y with y = cos(a * y), by iteration."""
    a, y = np.asarray(a), np.full(np.shape(a), 0.5)
    for _ in range(500):
        y, old = np.cos(a * y), y
        if np.max(np.abs(y - old), initial=0) < tol:
            break
    return y


def fixed_point_formula(g: Any, x: Any, out: Any) -> Any:
    sine = tg.sin(x * out)
    return -g * sine * out / (1 + x * sine)


def at_tolerance(tol: float, factor: float = 1.0) -> Any:
    return op_of(
        "fixed_point", lambda x: fixed_point(x, tol), lambda g, x, out: factor * fixed_point_formula(g, x, out)
    )


A = np.array([0.7, 0.3, 0.5])
case("undecided", A, says="rtol=", seeds=4, name="fixed point at 1e-8")(at_tolerance(1e-8))
case("undecided", A, says="rtol=", seeds=4, name="fixed point at 1e-5")(at_tolerance(1e-5))
case(
    "right",
    A,
    rtol=1e-5,
    says="agrees to .*, within rtol=1e-05 and what can be seen; resolution",
    seeds=4,
    name="fixed point at 1e-8 with rtol",
)(at_tolerance(1e-8))
case("right", A, seeds=4, name="fixed point at 1e-15")(at_tolerance(1e-15))
case("wrong", A, rtol=1e-5, seeds=4, name="fixed point at 1e-8, off by a hundredth")(at_tolerance(1e-8, 1.01))
case("wrong", A, seeds=4, name="fixed point at 1e-8, a sign")(at_tolerance(1e-8, -1.0))
case("wrong", A, seeds=4, name="fixed point at 1e-15, off by 1e-6")(at_tolerance(1e-15, 1 + 1e-6))


@case("undecided", A, says="op fixed_point, called at .*rtol=", seeds=4)
def fixed_point_in_a_network(x):
    return tg.tanh(INEXACT(tg.sin(x)) * 2)


@case("wrong", A, says="op tanh", seeds=4)
def wrong_beside_a_fixed_point(x):
    return WRONG_TANH(INEXACT(tg.sin(x)) * 2)


INEXACT = at_tolerance(1e-8)


def power_iteration(x: Any, tol: float) -> Any:
    a = x @ x.T
    v = np.ones(len(a))
    for _ in range(500):
        v, old = a @ v / np.linalg.norm(a @ v), v
        if np.max(np.abs(v - old)) < tol:
            break
    return np.asarray(v @ a @ v)


def power_formula(g: Any, x: Any) -> Any:
    a = np.asarray(x @ x.T)
    v = np.linalg.eigh(a)[1][:, -1]
    return g * 2 * np.outer(v, v @ np.asarray(x))


M = np.random.default_rng(4).normal(size=(4, 3))
case("undecided", M, says="rtol=", seeds=4, name="power iteration at 1e-3")(
    op_of("largest", lambda x: power_iteration(x, 1e-3), power_formula)
)
case("right", M, rtol=1e-3, seeds=4, name="power iteration at 1e-3 with rtol")(
    op_of("largest", lambda x: power_iteration(x, 1e-3), power_formula)
)


# Staircases: f has steps that are smaller than it is, because something rounds inside.


def through(dtype: Any) -> Callable[[Any], Any]:
    return lambda x: np.sin(x.astype(dtype)).astype(np.float64)


X = np.array([0.3, -1.2, 0.8])
for dtype in (np.float16, np.float32):
    title = np.dtype(dtype).name
    case("undecided", X, says="mean slope.* is that of the formulas|too coarse", seeds=4, name=f"{title} inside")(
        op_of("sin", through(dtype), lambda g, x: g * tg.cos(x))
    )
    case(
        "undecided",
        X,
        says="mean slope.* is not that of the formulas|too coarse",
        seeds=4,
        name=f"{title} inside, wrong",
    )(op_of("sin", through(dtype), lambda g, x: -g * tg.cos(x)))
    case("undecided", X[:1], says="steps of|staircase", seeds=4, name=f"{title} inside, one number")(
        op_of("sin", through(dtype), lambda g, x: g * tg.cos(x))
    )
case("right", X, rtol=1e-5, seeds=4, name="float32 inside, with rtol")(
    op_of("sin", through(np.float32), lambda g, x: g * tg.cos(x))
)
case("right", X, rtol=1e-2, seeds=4, name="float16 inside, with rtol")(
    op_of("sin", through(np.float16), lambda g, x: g * tg.cos(x))
)
case("undecided", X, says="steps of 0.0625", seeds=4, name="fake quantisation")(
    op_of("quantised", lambda x: np.round(x * 16) / 16, lambda g: g)
)
case("undecided", X, says="is not that of the formulas|too coarse", seeds=4, name="fake quantisation, twice the slope")(
    op_of("quantised", lambda x: np.round(x * 16) / 16, lambda g: 2 * g)
)
case("right", X, seeds=4, name="fake quantisation without a gradient")(
    op_of("quantised", lambda x: np.round(x * 16) / 16, lambda g: 0 * g)
)
case("right", np.array([37253.5, 12.25]), seeds=4, name="floor of large numbers")(
    op_of("floor", np.floor, lambda g: 0 * g)
)
case("wrong", X, seeds=4, name="a step with a slope")(op_of("step", lambda x: np.where(x > 0, 1.0, 0.0), lambda g: g))


def bisected(x: Any) -> Any:
    """The square root, by bisection to 1e-6."""
    low, high = np.zeros(np.shape(x)), np.full(np.shape(x), 4.0)
    while np.max(high - low, initial=0) > 1e-6:
        middle = (low + high) / 2
        low, high = np.where(middle * middle < x, middle, low), np.where(middle * middle < x, high, middle)
    return (low + high) / 2


case("undecided", np.array([0.5, 1.7]), says="mean slope.* is that of the formulas", seeds=4, name="bisection")(
    op_of("root", bisected, lambda g, out: g / (2 * out))
)
case("right", np.array([0.5, 1.7]), rtol=1e-4, seeds=4, name="bisection with rtol")(
    op_of("root", bisected, lambda g, out: g / (2 * out))
)


# A rule that is wrong everywhere but at the point.

S = np.random.default_rng(5).normal(size=(3, 3))
SYMMETRIC = S @ S.T + np.eye(3)
INVERSE = op_of("inv", np.linalg.inv, lambda g, out: -(out @ g @ out))
TRANSPOSED = op_of("inv", np.linalg.inv, lambda g, out: -(out.T @ g @ out.T))
case("wrong", SYMMETRIC, seeds=6, name="inv without transposes at a symmetric matrix")(INVERSE)
case("wrong", SYMMETRIC, seeds=6, order=2, name="inv without transposes, order 2")(INVERSE)
case("right", SYMMETRIC, seeds=6, order=2, name="inv with transposes")(TRANSPOSED)
case("wrong", np.ones((2, 3)), seeds=4, name="x for x squared at ones")(
    op_of("cube", lambda x: x**3, lambda g, x: 3 * g * x)
)


def sinc(x: Any) -> Any:
    return np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x))


def sinc_slope(x: Any) -> Any:
    x = np.asarray(x)
    series = -x / 3 + x**3 / 30 - x**5 / 840
    return np.where(np.abs(x) < 0.05, series, (np.cos(x) - sinc(x)) / np.where(x == 0, 1.0, x))


NEAR_ZERO = np.array([1e-4, -3e-5, 2e-4])
case("right", NEAR_ZERO, seeds=4, name="sinc near 0")(op_of("sinc", sinc, lambda g, x: g * sinc_slope(x)))
case("wrong", NEAR_ZERO, seeds=4, name="sinc near 0, off by 5e-4")(
    op_of("sinc", sinc, lambda g, x: g * sinc_slope(x) * (1 + 5e-4))
)


# What is outside the domain, and what is not finite.


@case("right", np.array([[1.0, 1.0 - 1e-9], [1.0 - 1e-9, 1.0]]))
def cholesky_at_the_edge(x):
    return linalg.cholesky(x)[0, 0] * 2.0


EDGE = np.array([[1.0, 1.0 - 1e-9], [1.0 - 1e-9, 1.0]])
case("right", EDGE, seeds=4, name="a determinant of 1e-9")(lambda x: linalg.slogdet(x)[1])
case("right", np.array([0.5, 0.5 - 1e-7]), seeds=8, name="a logarithm of 1e-7")(lambda x: tg.log(1 - tg.sum(x)))
case("right", np.array([np.pi / 2 - 1e-7, 1.0]), seeds=10, order=2, name="a pole of order 3")(tg.tan)


@case("right", np.array([0.5]))
def table_that_ends(x):
    return tg.sin(x) * [1.0][int(x.numpy()[0] > 0.501)]  # IndexError beyond


@case("right", np.array([1e200, 2e200]))
def hypot_of_huge_numbers(x):
    return tg.hypot(x[0], x[1])


case("wrong", np.array([1e200, 2e200]), says="overflow|not finite", name="an overflow in the formula")(
    op_of("hypotenuse", lambda x: np.hypot(x[0], x[1]), lambda g, x: g * x / tg.sqrt(tg.sum(x * x)))
)


# Networks.


@case("right", RNG.normal(size=(6, 4)))
def network_with_dead_units(x):
    return NETWORK(x)


NETWORK = nn.Sequential(nn.Affine(4, 5, rng=0), nn.Relu(), nn.Affine(5, 2, rng=1))


BLACK = nn.Sequential(nn.Affine(8, 40, rng=0), nn.Relu(), nn.Affine(40, 10, rng=2))
IMAGES = np.vstack([np.zeros((6, 8)), RNG.random((14, 8))])


@case("right", parameters=BLACK)
def network_on_black_images():
    return tg.softmax_cross_entropy(BLACK(IMAGES), np.arange(20) % 10)
