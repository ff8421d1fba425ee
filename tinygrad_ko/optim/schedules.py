"""Learning-rate schedules: functions from the step to a factor of the first learning rate, and `Schedule`, which sets it.

A function of your own will do: anything from the number of steps taken, 0 at first, to a factor that is not below 0.
"""

from collections.abc import Callable, Mapping
from math import cos, inf, pi
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import require_above_0
from tinygrad_ko.optim.optimizers import Optimizer, named_arrays
from tinygrad_ko.runtime.atomic import at_once


def step_decay(step: int, every: int, rate: float = 0.1) -> float:
    """Times `rate` after `every` steps, and again after as many.

    >>> [step_decay(step, every=2, rate=0.5) for step in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    require_above_0(every=every, rate=rate)
    return float(rate ** (step // every))


def exponential_decay(step: int, rate: float) -> float:
    """Times `rate` after each step.

    >>> [exponential_decay(step, rate=0.5) for step in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    require_above_0(rate=rate)
    return float(rate**step)


def linear_warmup(step: int, warmup: int) -> float:
    """In equal steps from 1 / warmup up to 1, which the last of the `warmup` steps has reached.

    >>> [linear_warmup(step, warmup=4) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    require_above_0(warmup=warmup)
    return min(1.0, (step + 1) / warmup)


def cosine_decay(step: int, total: int, warmup: int = 0, end: float = 0.0) -> float:
    """Along half a cosine from 1 down to `end` at step `total`, where it stays; before that, if there is a `warmup`,
    up to 1 in so many of these steps. Source: Loshchilov and Hutter (2017).

    >>> [round(cosine_decay(step, total=6, warmup=2), 3) for step in range(8)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    if not 0 <= warmup < total:
        raise explain(
            ValueError(f"cosine_decay: warmup must be in [0, total), not {warmup} of {total} steps"),
            f"cosine_decay: warmup 값은 0 이상 total 미만이어야 합니다. 받은 값: warmup {warmup}, total {total}",
        )
    if step < warmup:
        return linear_warmup(step, warmup)
    done = min(1.0, (step - warmup) / (total - warmup))
    return end + (1 - end) * (1 + cos(pi * done)) / 2


@opaque
def _factor_at(function: Callable[..., float], options: dict[str, Any], steps: int) -> float:
    """What the first learning rate is multiplied by after so many steps."""
    factor = float(function(steps, **options))
    if not 0 <= factor < inf:
        raise explain(
            ValueError(f"at step {steps} the learning rate's factor is {factor}; it must be finite and not below 0"),
            f"{steps}번째 단계에서 학습률에 곱할 값은 0 이상의 유한한 수여야 합니다. 받은 값: {factor}",
        )
    return factor


class Schedule:
    """The learning rate of an optimizer, step by step: the one it was made with, times factor(steps, **options).

    Call `step()` after the optimizer's. The first rate is set at once, so make the schedule before the first step; what else is written to
    `optimizer.lr` is overwritten by the next step. Raises ValueError if a factor is below 0 or not finite, and then nothing has changed.

    >>> from tinygrad_ko import Tensor
    >>> from tinygrad_ko.optim import SGD
    >>> w = Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.2)
    >>> schedule = Schedule(optimizer, linear_warmup, warmup=4)
    >>> for _ in range(5):
    ...     print(round(optimizer.lr, 3), end=" ")
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    ...     schedule.step()
    0.05 0.1 0.15 0.2 0.2
    """

    lr: float
    steps: int

    def __init__(self, optimizer: Optimizer, factor: Callable[..., float], **options: Any) -> None:
        self.optimizer, self.factor, self.options = optimizer, factor, options
        self._go_to(optimizer.lr, 0)

    def _go_to(self, lr: float, steps: int) -> None:
        """Set the learning rate that belongs to so many steps, if the first was `lr`."""
        factor = _factor_at(self.factor, self.options, steps)
        at_once(setattr, [(self, "lr", lr), (self, "steps", steps), (self.optimizer, "lr", lr * factor)])()

    def step(self) -> None:
        """Set the learning rate of the next step."""
        self._go_to(self.lr, self.steps + 1)

    def state(self) -> dict[str, Array]:
        """The first learning rate and the number of steps, as named arrays."""
        return {"lr": np.array(self.lr), "steps": np.array(self.steps)}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what `state()` gave, and set the learning rate of the optimizer. Raises ValueError, and changes
        nothing, if it does not fit.
        """
        given = named_arrays(state)
        lr, steps = (given.get(name, np.array("missing")) for name in ("lr", "steps"))
        scalars = (
            len(given) == 2 and lr.shape == steps.shape == () and lr.dtype.kind == "f" and steps.dtype.kind in "iu"
        )
        if not scalars or not 0 < lr < inf or steps < 0:
            raise explain(
                ValueError(f"this is no state of a schedule: {given}"),
                f"학습률 스케줄의 상태가 아닙니다. 받은 값: {given}",
            )
        self._go_to(float(lr), int(steps))
