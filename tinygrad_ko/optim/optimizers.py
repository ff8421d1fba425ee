"""Optimizers: each changes the parameters in place, from the gradients that `backward()` deposited. A step that fails
or is interrupted changes nothing.

    optimizer = SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad(); loss.backward(); optimizer.step()

`parameters` is a Tensor or several; each keeps its shape and dtype. p stands for one of them, g for its gradient; what is
kept beside p has its shape and dtype (float32 for a half). A parameter without a gradient is left alone. With
`weight_decay` the gradient of weight_decay / 2 * sum(p ** 2) is added to g (`AdamW` shrinks p instead). `lr` may be
changed between steps, by hand or by a `Schedule`. `state()` and `load_state()` carry an optimizer over to another run.

Every optimizer raises ValueError for a setting out of its range or no parameters, TypeError for a parameter that is
not a Tensor made with requires_grad=True or not on NumPy's arrays, and RuntimeError for a step before `backward()`.
"""

from collections.abc import Iterable, Mapping
from itertools import repeat
from math import isfinite
from operator import call
from typing import Any, cast

import numpy as np

from tinygrad_ko.arrays.library import Array, is_real, new_array
from tinygrad_ko.engine.backprop import put
from tinygrad_ko.errors import described, explain
from tinygrad_ko.optim.parameters import in_separate_memory, leaves, move, with_gradients
from tinygrad_ko.runtime.allocator import keep_freed_memory
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.runtime.suggestions import ForeignToOptimizer, explain_construction
from tinygrad_ko.tensor.tensor import Tensor


class Optimizer(ForeignToOptimizer):
    """What all have in common. A subclass names the arrays it keeps for each parameter in `memory`, and says in `updated`
    what a step makes of them.
    """

    memory: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        explain_construction(cls)
        if "update" in vars(cls) and "updated" not in vars(cls):
            raise never_called(cls.__name__)

    def __init__(self, parameters: Iterable[Tensor], lr: float, *, weight_decay: float = 0.0) -> None:
        keep_freed_memory()  # a step makes new arrays, and lets go of as many
        self.parameters = in_separate_memory(leaves(parameters))
        positive("lr", lr)
        if weight_decay:
            positive("weight_decay", weight_decay)
        self.lr, self.weight_decay, self.steps = lr, weight_decay, [0] * len(self.parameters)
        self.kept = [
            {name: np.zeros(p.shape, at_least_single(p.dtype)) for name in self.memory} for p in self.parameters
        ]

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        """The new p and what is kept from now on, in the order of `memory`: new arrays, from p, its gradient, the number of its
        steps, and what was kept for it; these cannot be written to.
        """
        raise explain(
            NotImplementedError(
                f"{type(self).__name__} has no updated(p, g, steps, **kept): define what a step computes"
            ),
            f"{type(self).__name__}에 updated(p, g, steps, **kept) 메서드가 없습니다. 한 단계에서 계산할 것을 이 메서드로 정의하십시오.",
        )

    def step(self) -> None:
        """One step for every parameter that has a gradient: for all of them or, if anything goes wrong, for none. All is
        computed first; then it is put in place, in the arrays that the parameters have.

        Raises RuntimeError if none has a gradient: then `backward()` was forgotten. ValueError if a parameter is read-only, or if its
        gradient or what `updated` gave does not have its shape; TypeError if that is no tuple of the right length.
        """
        steps, kept, moves = self.steps.copy(), self.kept.copy(), list[tuple[Any, ...]]()
        for i in with_gradients(self.parameters, "step"):
            steps[i] += 1
            p, g, before = self.parameters[i]._array, cast(Array, self.parameters[i].grad), kept[i]
            if g.shape != p.shape:
                raise wrong_gradient(i, g, p)
            if p.dtype.itemsize < 4:
                g = g.astype(np.float32)  # squares of small gradients vanish in half precision
            if self.weight_decay:
                g = self.decayed(p, g)
            given = {name: for_reading(array) for name, array in before.items()} if before else before
            answer = self.updated(for_reading(p), for_reading(g), steps[i], **given)
            if not isinstance(answer, tuple) or len(answer) != 1 + len(self.memory):
                raise wrong_answer(self, answer)
            new, *others = answer
            if others:
                kept[i] = {name: like(before[name], array) for name, array in zip(self.memory, others, strict=True)}
            moves.append(move(i, self.parameters[i], like(p, new)))
        at_once(call, [*moves, (setattr, self, "steps", steps), (setattr, self, "kept", kept)])()

    def decayed(self, p: Array, g: Array) -> Array:
        """The gradient with weight decay."""
        return g + self.weight_decay * p

    def zero_grad(self) -> None:
        """Forget all gradients."""
        put([p.node for p in self.parameters if p.grad is not None], repeat(None))

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
                f"저장된 최적화 상태가 이 {type(self).__name__}에 맞지 않습니다: {', '.join(wrong)}",
            )
        steps = [int(n) for n in state["steps"]]
        kept = [
            {name: np.array(state[f"{name}.{i}"], a.dtype) for name, a in own.items()}
            for i, own in enumerate(self.kept)
        ]
        at_once(setattr, [(self, "steps", steps), (self, "kept", kept)])()


def for_reading(array: Array) -> Array:
    """The same array, for someone who may not write to it."""
    view = array.view()
    view.setflags(write=False)
    return view


def like(old: Array, new: Any) -> Array:
    """New values in the dtype of the old ones, in an array of their own. Raises ValueError unless they are real numbers of that shape."""
    if type(new) is np.ndarray and new.dtype == old.dtype and new.shape == old.shape and new.base is None:
        return new
    if np.shape(new) != old.shape or not is_real(np.asarray(new)):
        raise explain(
            ValueError(
                f"step: updated returned {described(new)} where {described(old)} is needed; nothing was changed"
            ),
            "step: updated가 반환한 배열의 형상이나 자료형이 맞지 않습니다. 아무것도 바꾸지 않았습니다. "
            f"필요한 배열: {described(old)}, 반환한 값: {described(new)}",
        )
    return new_array(new, old.dtype)


def minus(p: Array, change: Array) -> Array:
    """p - change, in the memory of the change if it fits there."""
    fits = type(change) is np.ndarray and change.dtype == p.dtype
    return np.subtract(p, change, out=change) if fits else p - change


def never_called(name: str) -> TypeError:
    """An optimizer of one's own changes its parameters in place, in a method of the old name."""
    return explain(
        TypeError(
            f"{name}.update(p, g, steps, **kept) would never be called: name it updated, and return the new p and what is kept, in the "
            "order of memory, in place of changing them"
        ),
        f"{name}.update는 호출되지 않습니다. 이름을 updated로 바꾸고, 배열을 고치는 대신 새 p와 memory 순서의 새 배열을 반환하십시오.",
    )


def wrong_answer(optimizer: Optimizer, answer: Any) -> TypeError:
    """`updated` of an optimizer of one's own returned something else than it should."""
    wanted = f"({', '.join(['p', *optimizer.memory])}{',' * (not optimizer.memory)})"
    got = f"{len(answer)} values" if isinstance(answer, tuple) else type(answer).__name__
    return explain(
        TypeError(
            f"step: updated of {type(optimizer).__name__} must return the tuple {wanted}, not {got}; nothing was changed"
        ),
        f"step: {type(optimizer).__name__}의 updated는 튜플을 반환해야 합니다: {wanted}. 반환값: {got}. 아무것도 바꾸지 않았습니다.",
    )


def wrong_gradient(i: int, g: Array, p: Array) -> ValueError:
    """The gradient of a parameter does not have its shape: its array was changed elsewhere."""
    return explain(
        ValueError(f"step: the gradient of parameter {i} has shape {g.shape}, not {p.shape}; nothing was changed"),
        f"step: {i}번째 매개변수의 형상은 {p.shape}인데 기울기의 형상은 {g.shape}입니다. 아무것도 바꾸지 않았습니다.",
    )


def at_least_single(dtype: Any) -> Any:
    """The dtype of what is kept for a parameter."""
    return np.promote_types(dtype, np.float32)


def positive(name: str, value: float) -> None:
    """Refuse a setting that is not a number above 0."""
    if not (isfinite(value) and value > 0):
        raise explain(
            ValueError(f"{name} must be above 0 and finite, not {value}"),
            f"0보다 큰 수가 필요합니다: {name}={value}",
        )


def share(name: str, value: float) -> None:
    """Refuse a setting that is not in [0, 1)."""
    if not 0 <= value < 1:
        raise explain(
            ValueError(f"{name} must be in [0, 1), not {value}"), f"0 이상 1 미만인 수가 필요합니다: {name}={value}"
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

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        return (minus(p, self.lr * g),)


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

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        v = self.momentum * kept["v"]
        v -= self.lr * g
        return p + v, v


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

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        v = self.momentum * kept["v"]
        v -= self.lr * g
        return p + (self.momentum * v - self.lr * g), v


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

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        h = kept["h"] + g * g
        return minus(p, self.lr * g / (np.sqrt(h) + self.eps)), h


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

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        h = self.decay * kept["mean"]
        h += (1 - self.decay) * g * g
        return minus(p, self.lr * g / (np.sqrt(h) + self.eps)), h


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

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        beta1, beta2 = self.betas
        m, v = beta1 * kept["m"], beta2 * kept["v"]
        m += (1 - beta1) * g
        v += (1 - beta2) * g * g
        change = self.lr / (1 - beta1**steps) * m
        change /= np.sqrt(v / (1 - beta2**steps)) + self.eps
        return minus(p, change), m, v


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
        return g

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        return super().updated((1 - self.lr * self.weight_decay) * p, g, steps, **kept)
