"""Ways to go downhill: each changes the parameters in place, from the gradients that `backward()` deposited.

    optimizer = SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad(); loss.backward(); optimizer.step()

`parameters` is a Tensor or several; each keeps its shape and dtype. p stands for one of them, g for its gradient; what
is kept beside p has its shape and dtype (float32 for a half). A parameter without a gradient is left alone. With
`weight_decay` the gradient of weight_decay / 2 * sum(p ** 2) is added to g (`AdamW` shrinks p instead). `lr` may be
changed between steps, by hand or by a `Schedule`. `state()` and `load_state()` carry an optimizer over to another run.

Every optimizer raises ValueError for a setting out of its range or no parameters, TypeError for a parameter that is
not a Tensor made with requires_grad=True or not on NumPy's arrays, and RuntimeError for a step before `backward()`.
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, cast

import numpy as np

from tinygrad_ko.arrays import Array, library_name
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor import Tensor


class Optimizer:
    """What all have in common. A subclass names the arrays it keeps for each parameter in `memory`, and says how it
    steps in `update`.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Tensor], lr: float, *, weight_decay: float = 0.0) -> None:
        self.parameters = leaves(parameters)
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
        for i in with_gradients(self.parameters, "step"):
            self.steps[i] += 1
            p, g = self.parameters[i].data, cast(Array, self.parameters[i].grad)
            if self.weight_decay:
                g = self.decayed(p, g)
            if p.dtype.itemsize < 4:
                g = g.astype(np.float32)  # squares of small gradients vanish in half precision
            self.update(p, g, self.steps[i], **self.kept[i])

    def decayed(self, p: Array, g: Array) -> Array:
        """The gradient with weight decay."""
        return g + self.weight_decay * p

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


def leaves(parameters: Iterable[Tensor]) -> list[Tensor]:
    """The parameters in a list. Raises ValueError if there are none or one is there twice, TypeError for what is not a
    leaf on an array of NumPy.
    """
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not given:
        raise explain(ValueError("at least one parameter is needed"), "매개변수가 하나도 없습니다.")
    for i, p in enumerate(given):
        if not isinstance(p, Tensor) or p.node is None or p.node.op is not None:
            raise explain(
                TypeError(f"parameter {i} is not a Tensor made with requires_grad=True"),
                f"{i}번째 매개변수는 requires_grad=True로 만든 Tensor가 아닙니다.",
            )
        if (name := library_name(p._array)) != "numpy":
            raise explain(
                TypeError(
                    f"parameter {i} holds an array of {name}, and optimizers work on NumPy's; write w.data = w.data - lr * w.grad instead"
                ),
                f"{i}번째 매개변수는 {name}의 배열입니다. NumPy 배열만 갱신할 수 있으므로 w.data = w.data - lr * w.grad를 쓰십시오.",
            )
    if len(set(map(id, given))) < len(given):
        raise explain(
            ValueError("a parameter was given more than once: it would count twice in each step"),
            "같은 매개변수가 두 번 이상 들어 있습니다.",
        )
    return given


def with_gradients(parameters: list[Tensor], call: str) -> list[int]:
    """The positions of the parameters that have a gradient. Raises RuntimeError if none has."""
    due = [i for i, p in enumerate(parameters) if p.grad is not None]
    if not due:
        raise explain(
            RuntimeError(f"no parameter has a gradient: call loss.backward() before {call}()"),
            f"기울기가 있는 매개변수가 없습니다. {call}()보다 먼저 loss.backward()를 부르십시오.",
        )
    return due


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
    """p -= lr * g: stochastic gradient descent. It keeps nothing.

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
    """v = momentum * v - lr * g; p += v: a ball that rolls. `momentum` is in [0, 1). Source: Polyak (1964).

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Momentum([w], lr=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     w.grad = np.array([1.0, 0.0])
    ...     optimizer.step()
    >>> w.data
    array([ 0.75, -2.  ])
    """

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


class Nesterov(Momentum):
    """v = momentum * v - lr * g; p += momentum * v - lr * g: Momentum whose gradient is taken as if p had rolled on
    already. Source: Nesterov (1983), in the form of Bengio, Boulanger-Lewandowski and Pascanu (2013).

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Nesterov([w], lr=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     w.grad = np.array([1.0, 0.0])
    ...     optimizer.step()
    >>> w.data
    array([ 0.675, -2.   ])
    """

    def update(self, p: Array, g: Array, steps: int, **kept: Array) -> None:
        v = kept["v"]
        v *= self.momentum
        v -= self.lr * g
        p += self.momentum * v - self.lr * g


class AdaGrad(Optimizer):
    """h += g * g; p -= lr * g / (sqrt(h) + eps): smaller steps where the slope has been steep. `eps` is above 0.
    Source: Duchi, Hazan and Singer (2011).

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = AdaGrad([w], lr=0.1)
    >>> w.grad = np.array([0.001, 1000.0])
    >>> optimizer.step()
    >>> w.data.round(3)
    array([ 0.9, -2.1])
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
    """h = decay * h + (1 - decay) * g * g; p -= lr * g / (sqrt(h) + eps): AdaGrad that forgets. `decay` is in [0, 1),
    `eps` above 0. Source: Tieleman and Hinton (2012), lecture 6.5.

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RMSprop([w], lr=0.1, decay=0.75)
    >>> w.grad = np.array([0.001, 1000.0])
    >>> optimizer.step()
    >>> w.data.round(3)
    array([ 0.8, -2.2])
    """

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
    """p -= lr * m / (sqrt(v) + eps), with moving averages m of g and v of g * g, both corrected for their start at 0.
    `betas` are their decays, in [0, 1), and `eps` is above 0. Source: Kingma and Ba (2015), algorithm 1.

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.1)
    >>> w.grad = np.array([0.001, 1000.0])
    >>> optimizer.step()
    >>> w.data.round(3)
    array([ 0.9, -2.1])
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


class AdamW(Adam):
    """Adam whose weight decay is no part of the gradient: p *= 1 - lr * weight_decay, then a step of Adam. So the
    weights of parameters with steep slopes decay as the others do. Source: Loshchilov and Hutter (2019).

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> w.grad = np.zeros(2)
    >>> optimizer.step()
    >>> w.data
    array([ 0.95, -1.9 ])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        *,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps=eps, weight_decay=weight_decay)

    def decayed(self, p: Array, g: Array) -> Array:
        p *= 1 - self.lr * self.weight_decay
        return g
