"""The judge: is the analytic gradient of a function the slope that the function really has?

A gradient is a matrix-sized claim, and one number tests it: for a random cotangent c and a random direction d the
slope of <c, f(x + s d)> at s = 0 must be <gradient, d>. The cotangent is never all ones: a sum over softmax is
constant, so ones would pass a softmax whose gradient is zero.

The slope is measured twice, by central differences with h and 2h; their disagreement says how wrong the better of the
two can be, and the size of f how much of it is round-off. That claim is the tolerance: there is none to tune.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_ko.arrays import Array, operand
from tinygrad_ko.check.numerical import step
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor import Tensor, grad

EPS = float(np.finfo(np.float64).eps)


class GradientMismatch(AssertionError):
    """The analytic gradient is not the slope of the function."""


class GradientUndecided(AssertionError):
    """The slope cannot be measured well enough to say: a kink, noise, overflow, or a function that is flat to the
    last bit.
    """


@dataclass
class Projection:
    """One random direction of one argument: what the formulas say its slope is, what was measured, and how far that
    can be off.
    """

    order: int
    argument: int
    analytic: float
    numeric: float
    tolerance: float

    def __str__(self) -> str:
        return (
            f"order {self.order}, argument {self.argument}: analytic {self.analytic:.12g}, numeric {self.numeric:.12g}, "
            f"difference {abs(self.analytic - self.numeric):.2g}, tolerance {self.tolerance:.2g}"
        )


@dataclass
class Report:
    """What was checked."""

    name: str
    projections: list[Projection] = field(default_factory=list)
    evaluations: int = 0

    def __str__(self) -> str:
        head = f"{self.name}: {len(self.projections)} projections agree, {self.evaluations} evaluations"
        return "\n  ".join([head, *map(str, self.projections)])


def check_gradient(
    f: Callable[..., Any], *inputs: Any, order: int = 1, projections: int = 2, h: float = 1e-4, rng: int = 0
) -> Report:
    """Hold the gradient of `f` at `inputs` against central differences; `order=2` holds the gradient of the gradient
    too.

    `f` takes Tensors and returns one Tensor, of any shape. Floating inputs (arrays, numbers, Tensors) are copied to
    float64 and checked; integer and boolean arrays are passed on as they are.

    Raises GradientMismatch if they differ by more than the measurement can be off, GradientUndecided if it can be off
    by more than a thousandth, TypeError if f does not return a Tensor.

    >>> import tinygrad_ko as tg
    >>> print(tg.check_gradient(tg.tanh, np.array([0.5, -1.0]), projections=1))  # doctest: +ELLIPSIS
    tanh: 1 projections agree, 8 evaluations
      order 1, argument 0: analytic ..., numeric ..., difference ..., tolerance ...
    """
    step(h)
    if order not in (1, 2) or projections < 1:
        raise explain(
            ValueError(f"order must be 1 or 2 and projections at least 1, not {order} and {projections}"),
            f"order는 1 또는 2, projections는 1 이상이어야 합니다. 받은 값은 {order}, {projections}입니다.",
        )
    generator = np.random.default_rng(rng)
    report = Report(getattr(f, "__name__", type(f).__name__))
    arrays = [checkable(x) for x in inputs]
    if not any(isinstance(x, np.ndarray) and x.dtype == np.float64 for x in arrays):
        raise explain(
            ValueError("nothing to check: no input holds floating point numbers"),
            "확인할 실수 입력이 없습니다. 3 대신 3.0처럼 실수를 넘기십시오.",
        )
    first_order(f, arrays, 1, projections, h, generator, report)
    if order == 2:
        y = f(*map(tensor, arrays))
        weights = [generator.normal(size=np.shape(x)) for x in arrays]

        def gradient_of_f(*arguments: Any) -> Any:
            """Its gradient at the inputs and a cotangent, seen through fixed random weights."""
            *xs, c = arguments
            leaves = [x for x in xs if isinstance(x, Tensor)]
            gradients = grad(f(*xs), leaves, c, create_graph=True, allow_unused=True)
            used = [w for x, w in zip(xs, weights, strict=True) if isinstance(x, Tensor)]
            return sum(((g * w).sum() for g, w in zip(gradients, used, strict=True)), Tensor(0.0))

        first_order(gradient_of_f, [*arrays, generator.normal(size=y.shape)], 2, projections, h, generator, report)
    return report


def first_order(
    f: Callable[..., Any],
    arrays: list[Any],
    order: int,
    projections: int,
    h: float,
    generator: "np.random.Generator",
    report: Report,
) -> None:
    """Hold f, at these arrays, to its gradient: `projections` random directions for each argument."""
    leaves = [tensor(x) for x in arrays]
    y = f(*leaves)
    if not isinstance(y, Tensor):
        raise explain(
            TypeError(
                f"{report.name} returned {type(y).__name__}, not a Tensor: a gradient can only be checked through tinygrad_ko's ops"
            ),
            f"{report.name}이(가) Tensor를 반환하지 않았습니다. tinygrad_ko의 연산으로 계산해야 기울기를 확인할 수 있습니다.",
        )
    for _ in range(projections):
        c = generator.normal(size=y.shape)
        wanted = [x for x in leaves if isinstance(x, Tensor)]
        found = iter(
            grad(y, wanted, c, allow_unused=True) if y.requires_grad else [Tensor(np.zeros(x.shape)) for x in wanted]
        )
        for i, x in enumerate(arrays):
            if not isinstance(leaves[i], Tensor):
                continue
            g = next(found).numpy()
            d = generator.normal(size=x.shape) * np.maximum(np.abs(x), 0.01 * np.max(np.abs(x), initial=1.0))

            def along(s: float, i: int = i, d: Array = d, c: Array = c) -> float:
                moved = [tensor(np.asarray(x + s * d) if j == i else x) for j, x in enumerate(arrays)]
                return float(np.sum(c * (f(*moved).numpy() - y.numpy())))

            analytic, terms = float(np.sum(g * d)), float(np.sum(np.abs(g * d)))
            size = float(np.sum(np.abs(c * y.numpy())) + np.sum(np.abs(g * x)))  # what is rounded: f, and x + s d
            numeric, claim, one_sided = slope(along, h, size)
            report.evaluations += 8
            row = Projection(order, i, analytic, numeric, 2 * claim + 64 * EPS * terms)
            judge(report, row, max(terms, one_sided, 1e-6 * size))


def slope(along: Callable[[float], float], h: float, size: float) -> tuple[float, float, float]:
    """The slope at 0 by a central difference, a claim of how far it is off, and the larger of the slopes to either
    side.

    The error of a central difference is a h^2 + O(h^4), so two of them with h and 2h differ by three times the error
    of the better; on top of it comes the round-off: of values of the given size, and what f still changes in steps
    that are too small for it to change.
    """
    right, left = along(h), along(-h)
    better, worse = (right - left) / (2 * h), (along(2 * h) - along(-2 * h)) / (4 * h)
    noise = max(abs(along(s) - s * better) for s in (1e-9, -1e-9, 3e-9, -3e-9))
    return better, 2 / 3 * abs(worse - better) + (8 * EPS * size + 4 * noise) / h, max(abs(left), abs(right)) / h


def judge(report: Report, row: Projection, scale: float) -> None:
    """Note a projection that agrees; raise if it does not, or if the measurement is too coarse to say."""
    if not np.isfinite([row.numeric, row.analytic]).all() or row.tolerance > 1e-3 * scale:
        raise explain(
            GradientUndecided(f"{report.name}: cannot decide: {row}"),
            f"{report.name}: 이 점에서는 수치 미분의 오차가 너무 커서 기울기가 맞는지 판단할 수 없습니다.",
        )
    if not abs(row.analytic - row.numeric) <= row.tolerance:
        raise explain(
            GradientMismatch(f"{report.name}: the gradient is wrong: {row}"),
            f"{report.name}: 공식으로 구한 기울기가 수치 미분과 다릅니다. {row.argument}번째 인수의 미분 공식을 확인하십시오.",
        )
    report.projections.append(row)


def checkable(x: Any) -> Any:
    """A float64 copy of what can be differentiated; anything else as it is."""
    if isinstance(x, Tensor):
        x = x.numpy()
    x = np.asarray(operand(x)) if isinstance(x, list | float) else x
    floating = isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
    return np.array(x, dtype=np.float64) if floating else x


def tensor(x: Any) -> Any:
    """A leaf of an array that is checked."""
    return Tensor(x, requires_grad=True) if isinstance(x, np.ndarray) and x.dtype == np.float64 else x
