"""The chain rule: from the gradient of a result to the gradients of what it was computed from."""

from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from heapq import heappop
from typing import Any

from tinygrad_ko.arrays.dtypes import accumulation_dtype
from tinygrad_ko.arrays.library import Array, cast, new_array
from tinygrad_ko.arrays.memory import unshared
from tinygrad_ko.engine.accumulate import Accumulator, total
from tinygrad_ko.engine.graph import Handle, Leaf, Node, behind, wrap
from tinygrad_ko.errors import wrong_shape
from tinygrad_ko.runtime.atomic import taking_turns

_deposit_lock = taking_turns()  # for threads that share a leaf
_set_grad = vars(Leaf)["grad"].__set__


def backpropagate(
    root: Node, seed: Any, *, free: bool = False, visit: Callable[[Node, Any], Any] | None = None
) -> dict[Node, Any]:
    """The gradient of every leaf behind `root`, given the gradient `seed` of `root` (reverse-mode automatic differentiation).

    By the chain rule the gradient of a value is the sum of the contributions of all that was computed from it. `node.propagate` adds
    those of a node to the gradients of its parents:

        for argument, parent, part in node.contributions(g):
            gradients[parent] += part

    Nodes are visited newest first: whatever contributes to the newest one that is pending has been visited, so its gradient is complete.
    If the gradients are Tensors, the formulas work on Tensors: what they compute is recorded, and can be differentiated again. With
    `free` each node's saved values are freed after its visit. `visit` gets each node with its gradient and returns the node that
    propagates it, or None.
    """
    gradients: dict[Node, Any] = {root: cast(seed, accumulation_dtype(root.dtype))}
    pending = [(root.order, root)] if root.op else []  # leaves are not visited: their gradients stay
    try:
        while pending:
            node = heappop(pending)[1]
            g = gradients.pop(node)
            if type(g) is Accumulator:
                g = g.total
            if node.seen is not None:
                node.seen.gradient = g
            if (rebound := node if visit is None else visit(node, g)) is not None:
                rebound.propagate(g, gradients, pending, free)
    except Exception as error:
        _locate(error, node, g)
        raise
    return {leaf: cast(total(g), leaf.dtype) for leaf, g in gradients.items()}


def _locate(error: Exception, node: Node, g: Any) -> None:
    """Say in the backward of which op an error was raised; if its formula gave no array, raise an error that says so."""
    error.add_note(f"in the backward of {node.op.name}" + "".join(f", in {name}" for name in reversed(node.scope)))
    if isinstance(error, AttributeError) and error.name == "shape":
        with suppress(AttributeError):  # of a formula that asks for a shape itself
            for argument, parent, part in node.contributions(g):
                if not hasattr(part, "shape"):
                    raise wrong_shape(node.op.name, argument, f"type {type(part).__name__}", parent.shape, True)


def gradients(root: Node, seed: Any, wanted: Collection[Node]) -> dict[Node, Any]:
    """The gradients of those `wanted` nodes that `root` was computed from. Only formulas on a path to them are evaluated.

    If the seed is a Tensor, so are the gradients (for derivatives of a higher order).
    """
    kind = type(seed) if isinstance(seed, Handle) else None
    relevant, found = set(wanted), dict[Node, Any]()
    # The oldest wanted node has the largest number, for numbers count down.
    _add_relevant(relevant, root, max((node.order for node in wanted), default=0))

    def visit(node: Node, g: Any) -> Any:
        if node in wanted:
            found[node] = cast(g, node.dtype)
        if node not in relevant:  # a checkpoint has recorded it just now
            _add_relevant(relevant, node, root.order)
        relevant.discard(node)  # what a checkpoint has recorded must not live until the end
        return _rebind(node, relevant, kind)

    return backpropagate(root, seed, visit=visit) | found


def _add_relevant(relevant: set[Node], root: Node, since: int) -> None:
    """Add to the `relevant` nodes all nodes on a path from `root` to one of them. What is older than number `since` is not searched."""
    for node in behind(root, through=lambda node: node.order < since):
        if not relevant.isdisjoint(node.parents):
            relevant.add(node)


def _rebind(node: Node, relevant: set[Node], kind: type[Handle] | None) -> Any:
    """The node that propagates in place of `node`: without the parents that are not relevant and, given a `kind` of Tensor, with saved
    values that are Tensors. It is `node` itself if that changes nothing, and None if no parent is left: then only the gradient of
    `node` is wanted, and its formulas are not evaluated, for which its saved values may have been freed.
    """
    every = node.parents
    parents = tuple([p if p in relevant else None for p in every])
    if not any(parents):
        return None
    if kind is None or not node.op.saved:
        return node if parents == every else node.rebound(parents, node.saved)
    return node.rebound(parents, _recorded_values(node, kind))


def _recorded_values(node: Node, kind: type[Handle]) -> dict[str, Any]:
    """The saved values of a node as Tensors of its graph; options, shapes and constants as they are. Values in `keeps` have no node:
    those that depend on the arguments are computed again, from Tensors.
    """
    op, saved = node.op, node.saved
    nodes = {op.arguments[0]: node.parents} if op.variadic else dict(zip(op.differentiable, node.parents, strict=True))
    nodes["out"] = node
    values = {word: _tensor(kind, value, nodes.get(word)) for word, value in saved.items()}
    for word in op.keeps:
        if op.formulas.get(word) and values.get(word) is not None:
            values[word] = op.formulas[word](**{w: values[w] for w in op.saved_for[word]})
    return values


def _tensor(kind: type[Handle], value: Any, node: Any) -> Any:
    """A saved value as the Tensor of a node, or of a tuple of nodes; as it is if it is None or has no node."""
    if isinstance(node, tuple):
        return tuple([_tensor(kind, v, n) for v, n in zip(value, node, strict=True)])
    return value if value is None or node is None else wrap(kind, value, node)


def deposit(found: dict[Any, Array]) -> None:
    """Add gradients to those of their leaves, in arrays that nobody else holds: to all leaves or, if anything goes wrong, to none."""
    with _deposit_lock:
        grads = [unshared(found, n) if n.grad is None else new_array(n.grad + found[n], copy=False) for n in found]
        put(found, grads)


def put(leaves: Iterable[Node | None], grads: Iterable[Array | None]) -> None:
    """Set the gradients of all leaves or, if Ctrl-C comes before, of none."""
    deque(map(_set_grad, leaves, grads), 0)  # in C alone, like what `at_once` calls, in a third of the time
