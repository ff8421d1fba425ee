"""What the layers of a network of the book return, read off the graph of its scores: for its summary and for histograms."""

from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.engine.graph import Leaf, Node, Switch, behind
from tinygrad_ko.state.preserve import preserving_state
from tinygrad_ko.tensor.tensor import Tensor, borrow

_MOVES = ("reshape", "permute_dims", "expand_dims", "take")  # ops that compute nothing: no layers


class LayerCall(NamedTuple):
    """A layer of a network: its name in `layers`, or "" for an operation, what it is, its result, and the names of its parameters."""

    name: str
    kind: str
    result: Node
    parameters: tuple[str, ...]


def recorded_scores(net: Any, x: Any, watch: bool = False) -> Tensor:
    """The scores of a network with the graph behind them, whose leaves are the entries of `params` and x. The network stays as it is."""
    x = x.stable_array() if isinstance(x, Tensor) else np.asarray(x)
    p = {name: borrow(np.asarray(array), requires_grad=True, name=name) for name, array in net.params.items()}
    with preserving_state(net), Switch(record=True, watch=watch):
        scores: Tensor = net.scores(borrow(x if is_floating(x.dtype) else x.astype(float), requires_grad=True), p)
    return scores


def layer_calls(net: Any, scores: Tensor) -> list[LayerCall]:
    """The layers that scores were computed by, in their order: what was recorded in the scope of a layer, elsewhere each operation."""
    kinds = {name: type(layer).__name__ for name, layer in net.named_layers()} if hasattr(net, "named_layers") else {}
    calls: list[LayerCall] = []
    before: Any = None
    for node in behind(scores.node):
        if node.op is None:
            continue
        own = tuple(str(p.name) for p in node.parents if isinstance(p, Leaf) and p.name in net.params)
        inside = next((call for call in reversed(node.scope) if str(call) in kinds), None)
        if inside is None and node.op.name in _MOVES:
            continue
        if inside is not None and inside is before:
            calls[-1] = calls[-1]._replace(result=node, parameters=calls[-1].parameters + own)
        elif inside is not None:
            calls.append(LayerCall(str(inside), kinds[str(inside)], node, own))
        else:
            calls.append(LayerCall("", node.op.name, node, own))
        before = inside
    return calls
