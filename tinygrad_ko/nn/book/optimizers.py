"""The book's optimizers: `update(params, grads)` takes one step for a dict of arrays or numbers, by the formulas of `tg.optim`.

Arrays are changed in place, so that layers that hold them compute with the new values. Either all are changed or, if anything goes wrong,
none.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.errors import described, explain
from tinygrad_ko.ops.inputs import as_operand, require_above_0, require_below_1
from tinygrad_ko.optim import optimizers


class _Update:
    rule: ClassVar[Any]  # the optimizer of `tg.optim` whose formula it is

    def __init__(self, lr: float) -> None:
        require_above_0(lr=lr)
        self.lr, self.iter = lr, 0
        self.kept: dict[str, dict[str, Array]] = {}  # for each parameter, what the formula remembers

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> None:
        """One step for each parameter from its gradient. Raises KeyError for a gradient that is missing, ValueError for one of another
        shape or an array that has two names, TypeError for parameters that are no floats.
        """
        _require_dicts(params, grads)
        steps, new = self.iter + 1, {}
        for name, p in params.items():
            array, g = _checked(name, p, grads)
            kept = self.kept.get(name) or {word: np.zeros(array.shape, g.dtype) for word in self.rule.memory}
            if any(each.shape != array.shape for each in kept.values()):
                raise explain(
                    ValueError(
                        f"update: this optimizer was used for a {name!r} of another shape; make one for each network"
                    ),
                    f"update: 형상이 다른 {name!r}에 쓰던 최적화 객체입니다. 신경망마다 하나씩 만드십시오. 아무것도 바꾸지 않았습니다.",
                )
            new[name] = self.rule.updated(self, array, g, steps, **kept)
        self.iter = steps
        for name, (value, *others) in new.items():
            self.kept[name] = dict(zip(self.rule.memory, others, strict=True))
            if isinstance(params[name], np.ndarray):
                params[name][...] = value
            else:
                params[name] = float(value)


def _require_dicts(params: Any, grads: Any) -> None:
    """Raise unless both are dicts, and each array of params has one name: of two, one of the steps would be lost."""
    for word, given, kind in (("params", params, MutableMapping), ("grads", grads, Mapping)):
        if not isinstance(given, kind):
            raise explain(
                TypeError(f"update: {word} must be a dict of arrays by name, not {type(given).__name__}"),
                f"update: {word}: 이름별 배열을 담은 딕셔너리여야 합니다. 받은 값의 종류: {type(given).__name__}",
            )
    named: dict[int, str] = {}
    for name, p in params.items():
        if isinstance(p, np.ndarray) and (other := named.setdefault(id(p), name)) != name:
            raise explain(
                ValueError(
                    f"update: params[{name!r}] is the array of params[{other!r}]; add up its gradients under one name"
                ),
                f"update: params[{other!r}]와 params[{name!r}]가 같은 배열입니다. 기울기를 더하여 한 이름으로 넘기십시오.",
            )


def _checked(name: str, p: Any, grads: Mapping[str, Any]) -> tuple[Array, Array]:
    """A parameter and its gradient as arrays."""
    if name not in grads:
        raise explain(
            KeyError(f"grads has no {name!r}; it has {sorted(grads)}"),
            f"grads에 {name!r}의 기울기가 없습니다. 있는 이름: {sorted(grads)}",
        )
    whole = isinstance(p, np.ndarray) and (p.dtype.kind != "f" or not p.flags.writeable)
    if whole or not isinstance(p, np.ndarray | float | int | np.number):
        raise explain(
            TypeError(
                f"update: params[{name!r}] is {described(p)}; it must be a writable array of floats, or a number"
            ),
            f"update: params[{name!r}]: 값을 바꿀 수 있는 실수 배열이거나 수여야 합니다. 받은 값: {described(p)}",
        )
    array, g = np.asarray(p), np.asarray(as_operand(grads[name], f"update: grads[{name!r}]"))
    if g.shape != array.shape:
        raise explain(
            ValueError(
                f"update: params[{name!r}] has shape {array.shape}, its gradient {g.shape}; nothing was changed"
            ),
            f"update: params[{name!r}]의 형상은 {array.shape}인데 기울기의 형상은 {g.shape}입니다. 아무것도 바꾸지 않았습니다.",
        )
    return array, g.astype(np.result_type(array, g, np.float32), copy=False)


class SGD(_Update):
    """p -= lr * g.

    >>> params, grads = {"W": np.array([1.0, -2.0]), "b": 3.0}, {"W": np.array([2.0, -4.0]), "b": 1.0}
    >>> SGD(lr=0.1).update(params, grads)
    >>> params
    {'W': array([ 0.8, -1.6]), 'b': 2.9}
    """

    rule = optimizers.SGD

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)


class Momentum(_Update):
    """v = momentum * v - lr * g; p += v."""

    rule = optimizers.Momentum

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        require_below_1(momentum=momentum)
        self.momentum = momentum


class Nesterov(Momentum):
    """v = momentum * v - lr * g; p += momentum * v - lr * g. (The book's code takes the new v where its formula has the old one.)"""

    rule = optimizers.Nesterov


class AdaGrad(_Update):
    """h += g * g; p -= lr * g / (sqrt(h) + 1e-7)."""

    rule, eps = optimizers.AdaGrad, 1e-7

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)


class RMSprop(_Update):
    """h = decay_rate * h + (1 - decay_rate) * g * g; p -= lr * g / (sqrt(h) + 1e-7)."""

    rule, eps = optimizers.RMSprop, 1e-7

    def __init__(self, lr: float = 0.01, decay_rate: float = 0.99) -> None:
        super().__init__(lr)
        require_below_1(decay_rate=decay_rate)
        self.decay = decay_rate


class Adam(_Update):
    """p -= lr * m / (sqrt(v) + 1e-8), with moving averages m of g and v of g * g, both corrected for their start at 0. (The book adds its
    1e-7 before the correction, which is hardly seen.)
    """

    rule, eps = optimizers.Adam, 1e-8

    def __init__(self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999) -> None:
        super().__init__(lr)
        require_below_1(beta1=beta1, beta2=beta2)
        self.betas = beta1, beta2
