"""Optimizers: each changes the parameters in place, from the gradients that `backward()` deposited. A step that fails
or is interrupted changes nothing.

    optimizer = SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad(); loss.backward(); optimizer.step()

`parameters` is a Tensor or several; each keeps its shape and dtype. p stands for one of them, g for its gradient; the arrays
that are kept for p have its shape and dtype (float32 for float16). A parameter without a gradient is left alone. With
`weight_decay` the gradient of weight_decay / 2 * sum(p ** 2) is added to g (`AdamW` shrinks p instead). `lr` may be
changed between steps, by hand or by a `Schedule`. `state()` and `load_state()` carry an optimizer over to another run.

Every optimizer raises ValueError for a setting out of its range or no parameters, TypeError for a parameter that is
not a Tensor made with requires_grad=True or not on NumPy's arrays, and RuntimeError for a step before `backward()`.
"""

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, as_array, is_real, new_array
from tinygrad_ko.arrays.memory import unseen
from tinygrad_ko.engine.backprop import put
from tinygrad_ko.engine.graph import Leaf
from tinygrad_ko.errors import described, explain
from tinygrad_ko.ops.inputs import require_above_0, require_below_1
from tinygrad_ko.optim.in_place import Group, Plan, block_of, elementwise, make, traced
from tinygrad_ko.optim.parameters import assignment, in_separate_memory, leaves, with_gradients
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.runtime.suggestions import ForeignToOptimizer, explain_construction, explained
from tinygrad_ko.tensor.tensor import Tensor


class Optimizer(ForeignToOptimizer):
    """The base class. A subclass names the arrays that it keeps for each parameter in `memory`, and computes a step in `updated`."""

    memory: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        explain_construction(cls)
        if "update" in vars(cls) and "updated" not in vars(cls):
            raise explain(
                TypeError(
                    f"{cls.__name__}.update(p, g, steps, **kept) would never be called: name it updated, and return the new p and what is "
                    "kept, in the order of memory, in place of changing them"
                ),
                f"{cls.__name__}.update(p, g, steps, **kept) 메서드는 호출되지 않습니다. 이름을 updated로 바꾸고, 배열을 고치는 대신 "
                "새 p와 memory 순서의 새 배열을 반환하십시오.",
            )

    @explained
    def __init__(self, parameters: Iterable[Tensor], lr: float = 0.01, *, weight_decay: float = 0.0) -> None:
        self.parameters = in_separate_memory(leaves(parameters))
        require_above_0(lr=lr)
        if weight_decay:
            require_above_0(weight_decay=weight_decay)
        self.lr, self.weight_decay, self.steps = lr, weight_decay, [0] * len(self.parameters)
        self.kept = [
            {name: np.zeros(p.shape, np.promote_types(p.dtype, np.float32)) for name in self.memory}
            for p in self.parameters
        ]

    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        """The new p and what is kept from now on, in the order of `memory`: new arrays, from p, its gradient, the number of its
        steps, and what was kept for it; these cannot be written to.
        """
        name = type(self).__name__
        raise explain(
            NotImplementedError(f"{name} has no updated(p, g, steps, **kept): define what a step computes"),
            f"{name}에 updated(p, g, steps, **kept) 메서드가 없습니다. 한 단계에서 계산할 것을 이 메서드로 정의하십시오.",
        )

    def step(self) -> None:
        """One step for every parameter that has a gradient: for all of them or, if anything goes wrong, for none.

        It changes the arrays that nobody else can see in place. Where a graph or a variable holds one, the new values are computed first,
        in another array: who was given the parameter's array sees the step, a graph that was recorded before does not.

        Raises RuntimeError if none has a gradient: then `backward()` was forgotten. ValueError if a parameter is read-only, or if its
        gradient or what `updated` gave does not have its shape; TypeError if that is no tuple of the right length.
        """
        plan, steps = self._plan(), self.steps.copy()
        others: dict[int, dict[str, Array]] = {}
        changes: list[tuple[Any, ...]] = []
        groups: list[Group] = []
        group: Group | None = None  # of the parameter before
        for i, p, g in with_gradients(self.parameters, "step"):
            steps[i] = count = steps[i] + 1
            if plan is not None and (block := block_of(p, self.kept[i], self.memory, g)) is not None:
                if group is None or count != group.steps or g.dtype != group.dtype:
                    groups.append(group := Group(plan, self, count, g.dtype))
                if group.in_place:
                    group.blocks.append(block)
                    continue
            new, others[i] = self._checked_update(i, p._array, g, count)
            changes.append(assignment(i, p, new))
        changes.append((setattr, self, "steps", steps))
        if others:
            changes.append((setattr, self, "kept", [others.get(i, each) for i, each in enumerate(self.kept)]))
        make(type(self).__name__, groups, changes)

    def _plan(self) -> Plan | None:
        """How the formula is computed in place, if it can be: it is marked `elementwise`, and nobody else has the list of what is kept."""
        kind, own = type(self), vars(self)
        decayed = kind.decayed if self.weight_decay else None
        if "updated" in own or "decayed" in own or (self.memory and not unseen(self, "kept")):
            return None
        marked = hasattr(kind.updated, "elementwise") and (decayed is None or hasattr(decayed, "elementwise"))
        return traced(kind.updated, decayed, self.memory) if marked else None

    def _checked_update(self, i: int, p: Array, g: Array, steps: int) -> tuple[Array, dict[str, Array]]:
        """What `updated` makes of parameter i and of what is kept for it, each in its own shape and dtype."""
        kept = self.kept[i]
        if g.shape != p.shape:  # data was replaced in the meantime
            raise explain(
                ValueError(f"step: parameter {i} has shape {p.shape}, its gradient {g.shape}; nothing was changed"),
                f"step: {i}번째 매개변수의 형상은 {p.shape}인데 기울기의 형상은 {g.shape}입니다. 아무것도 바꾸지 않았습니다.",
            )
        if p.dtype.itemsize < 4:
            g = g.astype(np.float32)  # squares of small gradients vanish in half precision
        if self.weight_decay:
            g = self.decayed(p, g)
        given = {name: _read_only(array) for name, array in kept.items()} if kept else kept
        answer = self.updated(_read_only(p), _read_only(g), steps, **given)
        if not isinstance(answer, tuple) or len(answer) != 1 + len(kept):
            name, wanted = type(self).__name__, f"({', '.join(['p', *kept])}{',' * (not kept)})"
            got = f"{len(answer)} values" if isinstance(answer, tuple) else type(answer).__name__
            raise explain(
                TypeError(f"step: updated of {name} must return the tuple {wanted}, not {got}; nothing was changed"),
                f"step: {name}의 updated 메서드는 튜플을 반환해야 합니다: {wanted}. 반환값: {got}. 아무것도 바꾸지 않았습니다.",
            )
        new, *others = answer
        if others:
            kept = {name: _like(kept[name], array) for name, array in zip(self.memory, others, strict=True)}
        return _like(p, new), kept

    @elementwise
    def decayed(self, p: Array, g: Array) -> Array:
        """The gradient with weight decay."""
        return g + self.weight_decay * p

    def zero_grad(self) -> None:
        """Forget all gradients."""
        put([p._node for p in self.parameters if isinstance(p._node, Leaf)], repeat(None))

    def state(self) -> dict[str, Array]:
        """The numbers of steps and the arrays that are kept for the parameters, by name."""
        kept = {f"{name}.{i}": each[name].copy() for i, each in enumerate(self.kept) for name in self.memory}
        return {"steps": np.array(self.steps), **kept}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what `state()` gave. Raises ValueError, and changes nothing, if it does not fit."""
        own, given = self.state(), named_arrays(state)
        wrong = sorted(own.keys() ^ given.keys()) or [
            name
            for name, array in own.items()
            if given[name].shape != array.shape
            or not np.can_cast(given[name].dtype, array.dtype, "same_kind")
            or (name == "steps" and np.min(given[name]) < 0)
        ]
        if wrong:
            raise explain(
                ValueError(f"this state does not fit {type(self).__name__} with these parameters: {', '.join(wrong)}"),
                f"이 매개변수들로 만든 {type(self).__name__}에 맞지 않는 상태입니다: {', '.join(wrong)}",
            )
        kept = [
            {name: np.array(given[f"{name}.{i}"], array.dtype) for name, array in each.items()}
            for i, each in enumerate(self.kept)
        ]
        at_once(setattr, [(self, "steps", given["steps"].astype(int).tolist()), (self, "kept", kept)])()


def named_arrays(state: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of a state. Raises TypeError for what is none, such as the path of a file."""
    if not isinstance(state, Mapping):
        kind = type(state).__name__
        raise explain(
            TypeError(f"load_state takes what state() gave, or np.load(path) of a file with it, not {kind}"),
            f"load_state에는 state()가 반환한 것이나 그것을 저장한 파일의 np.load(path)를 넘겨야 합니다. 받은 값의 종류: {kind}",
        )
    return {name: np.asarray(array) for name, array in state.items()}


def _read_only(array: Array) -> Array:
    if isinstance(array, np.ndarray):  # and is not traced
        (array := array.view()).setflags(write=False)
    return array


def _like(old: Array, new: Any) -> Array:
    """New values in the dtype of the old ones, in an array of their own. Raises ValueError unless they are real numbers of that shape."""
    if type(new) is np.ndarray and new.dtype == old.dtype and new.shape == old.shape and new.base is None:
        return new
    if np.shape(new) != old.shape or not is_real(as_array(new)):
        raise explain(
            ValueError(f"step: updated returned {described(new)} where {described(old)} is needed; nothing is changed"),
            "step: updated 메서드가 반환한 배열의 형상이나 자료형이 맞지 않습니다. 아무것도 바꾸지 않았습니다. "
            f"필요한 배열: {described(old)}, 반환한 값: {described(new)}",
        )
    return new_array(new, old.dtype)


class SGD(Optimizer):
    """p -= lr * g: stochastic gradient descent. It keeps no arrays.

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 0.8, -1.6])
    """

    @elementwise
    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        return (p - self.lr * g,)


class Momentum(Optimizer):
    """v = momentum * v - lr * g; p += v: gradient descent with momentum, the heavy ball. `momentum` is in [0, 1).
    Source: Polyak (1964).

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
        require_below_1(momentum=momentum)
        self.momentum = momentum

    @elementwise
    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        v = self.momentum * kept["v"]
        v -= self.lr * g
        return p + v, v


class Nesterov(Momentum):
    """v = momentum * v - lr * g; p += momentum * v - lr * g: Momentum whose gradient is taken at the point
    where the momentum leads. Source: Nesterov (1983), in the form of Bengio, Boulanger-Lewandowski and Pascanu (2013).

    >>> w = Tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Nesterov([w], lr=0.1, momentum=0.5)
    >>> for _ in range(2):
    ...     w.grad = np.array([1.0, 0.0])
    ...     optimizer.step()
    >>> w.data
    array([ 0.675, -2.   ])
    """

    @elementwise
    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        v = self.momentum * kept["v"]
        v -= self.lr * g
        return p + (self.momentum * v - self.lr * g), v


class AdaGrad(Optimizer):
    """h += g * g; p -= lr * g / (sqrt(h) + eps): smaller steps where gradients have been large. `eps` is above 0.
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
        require_above_0(eps=eps)
        self.eps = eps

    @elementwise
    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        h = kept["h"] + g * g
        return p - self.lr * g / (np.sqrt(h) + self.eps), h


class RMSprop(Optimizer):
    """h = decay * h + (1 - decay) * g * g; p -= lr * g / (sqrt(h) + eps): AdaGrad with a moving average.
    `decay` is in [0, 1), `eps` above 0. Source: Tieleman and Hinton (2012), lecture 6.5.

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
        require_below_1(decay=decay)
        require_above_0(eps=eps)
        self.decay, self.eps = decay, eps

    @elementwise
    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        h = self.decay * kept["mean"]
        h += (1 - self.decay) * g * g
        return p - self.lr * g / (np.sqrt(h) + self.eps), h


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
        require_below_1(**{"betas[0]": betas[0], "betas[1]": betas[1]})
        require_above_0(eps=eps)
        self.betas, self.eps = betas, eps

    @elementwise
    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        beta1, beta2 = self.betas[0], self.betas[1]
        m, v = beta1 * kept["m"], beta2 * kept["v"]
        m += (1 - beta1) * g
        v += (1 - beta2) * g * g
        change = self.lr / (1 - beta1**steps) * m
        change /= np.sqrt(v / (1 - beta2**steps)) + self.eps
        return p - change, m, v


class AdamW(Adam):
    """Adam whose weight decay is no part of the gradient: p *= 1 - lr * weight_decay, then a step of Adam. So the
    parameters with large gradients decay as the others do. Source: Loshchilov and Hutter (2019).

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

    @elementwise
    def decayed(self, p: Array, g: Array) -> Array:
        return g

    @elementwise
    def updated(self, p: Array, g: Array, steps: int, **kept: Array) -> tuple[Array, ...]:
        return Adam.updated(self, (1 - self.lr * self.weight_decay) * p, g, steps, **kept)
