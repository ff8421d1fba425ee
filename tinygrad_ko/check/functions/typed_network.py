"""A network as a reader of the book types it in: a class on plain arrays with `params`, `loss(x, t)` and `gradient(x, t)`."""

from copy import deepcopy
from inspect import unwrap
from typing import Any

import numpy as np

from tinygrad_ko.check.functions.function import location
from tinygrad_ko.check.functions.vjp import FunctionWithVjp, Pullback
from tinygrad_ko.errors import explain
from tinygrad_ko.state.replay import random_states, replayed


def is_typed_network(f: Any) -> bool:
    """Whether f is such an object."""
    return not callable(f) and all(hasattr(f, name) for name in ("params", "loss", "gradient"))


class TypedNetwork(FunctionWithVjp):
    """The loss of a copy of the network, as a function of its `params`, and `gradient` as its derivative written by hand.

    Layers hold the arrays of `params`, so these are written to, not replaced. Random numbers are the same at every call.
    """

    by_hand = True

    def __init__(self, net: Any, x: Any, t: Any, wrt: Any) -> None:
        name = type(net).__name__
        for key, array in net.params.items():
            if isinstance(array, np.ndarray) and array.dtype != np.float64:
                raise explain(
                    TypeError(
                        f"{name}: params[{key!r}] holds {array.dtype}, and is moved in float64: use astype(float)"
                    ),
                    f"{name}: params[{key!r}]의 자료형은 {array.dtype}입니다. float64로 확인하므로 astype(float)으로 바꾸십시오.",
                )
        self.net, self.batch = deepcopy(net), (x, t)
        self.states = random_states([])
        super().__init__(net.loss, f"{name}.loss", ["params"], [dict(net.params)], wrt)

    def formula(self, argument: str) -> tuple[str | None, str | None]:
        return self.name, location(unwrap(type(self.net).gradient))

    def evaluate(self, inputs: list[Any]) -> Any:
        return self._called("loss", inputs)

    def linearize(self, inputs: list[Any]) -> tuple[Any, Pullback]:
        def pull(c: Any) -> Any:
            gradients = self._called("gradient", inputs)
            if missing := [name for name in inputs[0] if name not in gradients]:
                raise explain(
                    ValueError(f"{self.name}: gradient(x, t) gives no gradient of {missing}"),
                    f"{self.name}: gradient(x, t)가 반환한 딕셔너리에 다음 매개변수의 기울기가 없습니다: {missing}",
                )
            return [{name: c * np.asarray(gradients[name]) for name in inputs[0]}]

        return self._called("loss", inputs), pull

    def _called(self, method: str, inputs: list[Any]) -> Any:
        params = self.net.params
        for name, value in inputs[0].items():
            if isinstance(params[name], np.ndarray):
                params[name][...] = value
            else:
                params[name] = value
        with replayed([], self.states):
            return getattr(self.net, method)(*self.batch)
