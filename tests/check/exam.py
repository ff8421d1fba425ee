"""An exam for gradient checkers: functions of NumPy arrays with vector-Jacobian products written by hand, each with its right verdict.

`right`: the vjp gives the derivative of f at the inputs (at a kink or a tie any subgradient). `wrong`: it is off by more than 1e-5 of its
size, or by more than `rtol`. `undecided`: values of f cannot tell, for f rounds inside, draws random numbers, is not finite there, or has
kinks that cancel.

`python -m benchmarks.exam` gives it to several checkers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Case:
    """A function, its vjp(g, *inputs), which returns a gradient for each input (of one input the gradient itself), and the key."""

    name: str
    verdict: Literal["right", "wrong", "undecided"]
    why: str
    f: Callable[..., Any]
    vjp: Callable[..., Any]
    inputs: tuple[Any, ...]
    rtol: float = 0.0  # how exactly f is computed, where who wrote it would know


CASES: list[Case] = []


def case(verdict: Any, why: str, f: Any, vjp: Any, *inputs: Any, name: str, rtol: float = 0.0) -> None:
    CASES.append(Case(name, verdict, why, f, vjp, inputs, rtol))


rng = np.random.default_rng(15)
x, square, y = rng.normal(size=(3, 4)), rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=(4, 2))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_vjp(g, x):
    p = softmax(x)
    return p * (g - np.sum(g * p, -1, keepdims=True))


def babylonian(x):
    """The square root, by an iteration that stops at 1e-6."""
    y = np.ones_like(x)
    while np.any(np.abs(y * y - x) > 1e-6 * x):
        y = (y + x / y) / 2
    return y


calls = [0]


def drifting(x):
    calls[0] += 1
    return x * (1 + 0.01 * calls[0])


case("right", "the textbook's gradient", softmax, softmax_vjp, x, name="softmax")
case("wrong", "the term of the sum is missing", softmax, lambda g, x: softmax(x) * g, x, name="softmax without its sum")
case("right", "two gradients", np.matmul, lambda g, a, b: (g @ b.T, a.T @ g), x, y, name="matmul")
case(
    "wrong",
    "the second is for a sum of ones",
    np.matmul,
    lambda g, a, b: (g @ b.T, a.T @ np.ones_like(g)),
    x,
    y,
    name="matmul without g",
)
case(
    "right",
    "transposes of the inverse",
    np.linalg.inv,
    lambda g, x: -np.linalg.inv(x).T @ g @ np.linalg.inv(x).T,
    square,
    name="inv",
)
case(
    "wrong",
    "no transposes, at a symmetric matrix",
    np.linalg.inv,
    lambda g, x: -np.linalg.inv(x) @ g @ np.linalg.inv(x),
    square + square.T,
    name="inv without transposes",
)
case(
    "right",
    "a subgradient at 0",
    lambda x: np.maximum(x, 0),
    lambda g, x: g * (x > 0),
    np.array([0.0, 1.0, -1.0]),
    name="relu at 0",
)
case("wrong", "off by 3e-5", np.sin, lambda g, x: g * np.cos(x) * (1 + 3e-5), x, name="sin off by 3e-5")
case("right", "tiny numbers", lambda x: x**3, lambda g, x: 3 * g * x**2, 1e-8 * x, name="cubes of tiny numbers")
case(
    "right",
    "an iteration that stops at 1e-6",
    babylonian,
    lambda g, x: g / (2 * np.sqrt(x)),
    np.array([2.0, 3.0]),
    name="babylonian",
    rtol=1e-5,
)
case(
    "undecided",
    "rounds to float16 inside",
    lambda x: x.astype(np.float16).astype(float) ** 2,
    lambda g, x: 2 * g * x,
    x,
    name="float16 inside",
)
case("undecided", "another value at each call", drifting, lambda g, x: g, x, name="another value at each call")
