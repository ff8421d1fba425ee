"""Ways to go downhill: each changes the parameters in place, from the gradients that `backward()` deposited.

    optimizer = SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad(); loss.backward(); optimizer.step()

With `weight_decay` the gradient of weight_decay / 2 * sum(p ** 2) is added for every parameter p. `state()` and
`load_state()` carry an optimizer over to another run.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, cast

import numpy as np

from tinygrad_ko.arrays import Array
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor import Tensor


class Optimizer:
    """What all have in common. A subclass names the arrays it keeps for each parameter in `memory`, and says how it
    steps in `update`.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Tensor], lr: float, *, weight_decay: float = 0.0) -> None:
        self.parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        if not self.parameters:
            raise explain(
                ValueError("an optimizer needs at least one parameter"), "최적화할 매개변수가 하나도 없습니다."
            )
        for i, p in enumerate(self.parameters):
            if not isinstance(p, Tensor) or p.node is None or p.node.op is not None:
                raise explain(
                    TypeError(f"parameter {i} is not a Tensor made with requires_grad=True"),
                    f"{i}번째 매개변수는 requires_grad=True로 만든 Tensor가 아닙니다.",
                )
        if len(set(map(id, self.parameters))) < len(self.parameters):
            raise explain(
                ValueError("a parameter was given more than once: it would be moved twice in each step"),
                "같은 매개변수가 두 번 이상 들어 있습니다.",
            )
        positive("lr", lr)
        if weight_decay:
            positive("weight_decay", weight_decay)
        self.lr, self.weight_decay, self.steps = lr, weight_decay, [0] * len(self.parameters)
        self.kept = [
            {name: np.zeros(p.shape, at_least_single(p.dtype)) for name in self.memory} for p in self.parameters
        ]

    def update(self, p: Array, g: Array, steps: int, **kept: Array) -> None:
        """Change p in place, given its gradient, the number of its steps, and what is kept for it."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def step(self) -> None:
        """One step for every parameter that has a gradient. Raises RuntimeError if none has: then `backward()` was
        forgotten.
        """
        due = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        if not due:
            raise explain(
                RuntimeError("no parameter has a gradient: call loss.backward() before step()"),
                "기울기가 있는 매개변수가 없습니다. step()을 부르기 전에 loss.backward()를 부르십시오.",
            )
        for i in due:
            self.steps[i] += 1
            p, g = self.parameters[i].data, cast(Array, self.parameters[i].grad)
            if self.weight_decay:
                g = g + self.weight_decay * p
            if p.dtype.itemsize < 4:
                g = g.astype(np.float32)  # squares of small gradients vanish in half precision
            self.update(p, g, self.steps[i], **self.kept[i])

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for p in self.parameters:
            p.zero_grad()

    def state(self) -> dict[str, Array]:
        """What it has learned so far, as named arrays."""
        kept = {f"{name}.{i}": each[name].copy() for i, each in enumerate(self.kept) for name in self.memory}
        return {"steps": np.array(self.steps), **kept}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what `state()` gave. Raises ValueError, and changes nothing, if it does not fit."""
        own = self.state()
        wrong = sorted(set(own) ^ set(state)) or [
            name
            for name, array in own.items()
            if np.shape(state[name]) != array.shape
            or not np.can_cast(np.asarray(state[name]).dtype, array.dtype, "same_kind")
            or (name == "steps" and np.min(state[name]) < 0)
        ]
        if wrong:
            raise explain(
                ValueError(f"this state does not fit {type(self).__name__} with these parameters: {', '.join(wrong)}"),
                f"저장된 최적화 상태가 {type(self).__name__}과(와) 맞지 않습니다: {', '.join(wrong)}",
            )
        self.steps = [int(n) for n in state["steps"]]
        for i, each in enumerate(self.kept):
            for name in self.memory:
                each[name][...] = state[f"{name}.{i}"]


def at_least_single(dtype: Any) -> Any:
    """The dtype of what is kept for a parameter."""
    return np.promote_types(dtype, np.float32)


def positive(name: str, value: float) -> None:
    """Refuse a setting that is not a number above 0."""
    if not (isfinite(value) and value > 0):
        raise explain(
            ValueError(f"{name} must be above 0 and finite, not {value}"),
            f"{name}은(는) 0보다 큰 수여야 합니다: {value}",
        )


def share(name: str, value: float) -> None:
    """Refuse a setting that is not in [0, 1)."""
    if not 0 <= value < 1:
        raise explain(
            ValueError(f"{name} must be in [0, 1), not {value}"), f"{name}은(는) 0 이상 1 미만이어야 합니다: {value}"
        )


class SGD(Optimizer):
    """p -= lr * g: stochastic gradient descent.

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 0.8, -1.6])
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float = 0.01, *, weight_decay: float = 0.0) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)

    def update(self, p: Array, g: Array, steps: int, **kept: Array) -> None:
        p -= self.lr * g


class Momentum(Optimizer):
    """v = momentum * v - lr * g; p += v: a ball that rolls."""

    memory = ("v",)

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 0.01, momentum: float = 0.9, *, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        share("momentum", momentum)
        self.momentum = momentum

    def update(self, p: Array, g: Array, steps: int, **kept: Array) -> None:
        v = kept["v"]
        v *= self.momentum
        v -= self.lr * g
        p += v


class AdaGrad(Optimizer):
    """h += g * g; p -= lr * g / (sqrt(h) + eps): smaller steps where the slope has been steep. Source: Duchi, Hazan
    and Singer (2011).
    """

    memory = ("h",)

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 0.01, *, eps: float = 1e-7, weight_decay: float = 0.0
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        positive("eps", eps)
        self.eps = eps

    def update(self, p: Array, g: Array, steps: int, **kept: Array) -> None:
        h = kept["h"]
        h += g * g
        p -= self.lr * g / (np.sqrt(h) + self.eps)


class RMSprop(Optimizer):
    """AdaGrad that forgets: h is a moving average of g * g. Source: Tieleman and Hinton (2012), lecture 6.5."""

    memory = ("mean",)

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.01,
        decay: float = 0.99,
        *,
        eps: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        share("decay", decay)
        positive("eps", eps)
        self.decay, self.eps = decay, eps

    def update(self, p: Array, g: Array, steps: int, **kept: Array) -> None:
        h = kept["mean"]
        h *= self.decay
        h += (1 - self.decay) * g * g
        p -= self.lr * g / (np.sqrt(h) + self.eps)


class Adam(Optimizer):
    """Moving averages m of g and v of g * g, both corrected for their start at 0. Source: Kingma and Ba (2015),
    algorithm 1.
    """

    memory = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        *,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        share("betas[0]", betas[0])
        share("betas[1]", betas[1])
        positive("eps", eps)
        self.betas, self.eps = betas, eps

    def update(self, p: Array, g: Array, steps: int, **kept: Array) -> None:
        (m, v), (beta1, beta2) = (kept["m"], kept["v"]), self.betas
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        p -= self.lr / (1 - beta1**steps) * m / (np.sqrt(v / (1 - beta2**steps)) + self.eps)
