"""The chain rule: from the gradient of a result to the gradients of the leaves behind it, newest node first."""

from collections.abc import Collection, Iterable
from heapq import heappop
from sys import getrefcount
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, cast, new_array
from tinygrad_ko.arrays.memory import ALONE, copied
from tinygrad_ko.engine.accumulate import Accumulator
from tinygrad_ko.engine.dtypes import within_walk
from tinygrad_ko.engine.graph import Handle, Leaf, Node, wrap
from tinygrad_ko.errors import wrong_shape
from tinygrad_ko.runtime.atomic import at_once, taking_turns

depositing = taking_turns()  # threads that share a leaf


def gradients(root: Node, seed: Any, *, free: bool = False, wanted: Collection[Node] | None = None) -> dict[Node, Any]:
    """The gradient of every leaf behind `root`, or of the `wanted` nodes, given the gradient `seed` of `root`.

    A node waits until it is the newest of those that wait: what depends on it is newer still, so its gradient is then
    complete. No recursion, and the order of time is the only order. If the seed is a Tensor, the formulas work on
    Tensors: what they compute is recorded, and can be differentiated again.
    """
    due: dict[Node, Any] = {root: cast(seed, within_walk(root.dtype))}
    waiting = [(root.order, root)] if root.op else []  # leaves do not wait: their gradients stay in `due`
    found: dict[Node, Any] = {}
    useful = leading_to(wanted, root) if wanted is not None else ()
    node, take = root, due.pop
    try:
        while waiting:
            node = heappop(waiting)[1]
            g = take(node)
            if type(g) is Accumulator:
                g = g.total
            if wanted is not None:
                if node in wanted:
                    found[node] = cast(g, node.dtype)
                node = twin(node, useful, root, type(g) if isinstance(g, Handle) else None)
                if not any(node.parents):
                    continue  # what is wanted was computed by it, not from it: its own graph may be gone
            node.back(g, due, waiting, free)
    except Exception as error:
        if isinstance(error, AttributeError) and error.name == "shape":  # that of what a formula gave
            find_fault(node, g)
        error.add_note(f"in the backward of {node.op.name}" + "".join(f", in {name}" for name in reversed(node.scope)))
        raise
    return found | {leaf: cast(g.total if type(g) is Accumulator else g, leaf.dtype) for leaf, g in due.items()}


def find_fault(node: Node, g: Any) -> None:
    """Say which formula of a node gives something that is no array, if one does."""
    op: Any = node.op
    for a in op.differentiable:
        if not op.variadic and getattr(node, f"from_{a}") is not None:
            part = op.formulas[a](*(g if word == "g" else getattr(node, f"kept_{word}") for word in op.asks[a]))
            if not hasattr(part, "shape"):
                raise wrong_shape(op.name, a, f"type {type(part).__name__}", getattr(node, f"from_{a}").shape, True)


def leading_to(wanted: Collection[Node], root: Node) -> set[Node]:
    """The wanted nodes and all between them and `root`: the only nodes worth a gradient."""
    oldest = max((node.order for node in wanted), default=0)
    seen, unread = {root}, [root]
    while unread:
        for parent in unread.pop().parents:
            if parent is not None and parent not in seen and parent.order <= oldest:
                seen.add(parent)
                unread.append(parent)
    useful: set[Node] = set()
    for node in sorted(seen, key=lambda node: -node.order):  # oldest first: a parent is settled before its children ask
        if node in wanted or any(parent in useful for parent in node.parents):
            useful.add(node)
    return useful


def twin(node: Node, useful: Collection[Node], root: Node, kind: type[Handle] | None) -> Any:
    """The same node for one walk: without the parents that lead nowhere and, given a kind of Tensor, with Tensors for
    what it keeps. Parents younger than the root, which a checkpoint has recorded during the walk, are not asked.
    """
    op = node.op
    same: Any = object.__new__(type(node))
    for cls in type(node).__mro__[:-1]:
        for slot in vars(cls)["__slots__"]:
            setattr(same, slot, getattr(node, slot))
    for a in op.differentiable:
        parent = getattr(node, f"from_{a}")
        every = parent if op.variadic else [parent]
        parents = [p if p in useful or (p and p.order < root.order) else None for p in every]
        setattr(same, f"from_{a}", tuple(parents) if op.variadic else parents[0])
    if kind is None:
        return same

    nodes = {"out": node, **{a: getattr(node, f"from_{a}") for a in op.differentiable}}
    kept = {word: tensor(kind, getattr(node, f"kept_{word}"), nodes.get(word)) for word in op.kept}
    for word, value in kept.items():
        if value is not None and word in op.keeps and op.formulas.get(word):
            value = op.formulas[word](**{w: kept[w] for w in op.words[word]})
        setattr(same, f"kept_{word}", value)
    return same


def tensor(kind: type[Handle], value: Any, node: Any) -> Any:
    """What a node keeps, as a Tensor; if nothing or a constant was kept, as it is."""
    if isinstance(node, tuple):
        return tuple([tensor(kind, v, n) for v, n in zip(value, node, strict=True)])
    return value if value is None or node is None else wrap(kind, value, node)


def deposit(found: dict[Any, Array]) -> None:
    """Add to each leaf a gradient that nobody else holds: to all leaves or, if anything goes wrong, to none."""
    grads = []
    with depositing:
        for leaf in found:
            if leaf.grad is not None:
                grads.append(new_array(leaf.grad + found[leaf], copy=False))
            elif type(found[leaf]) is np.ndarray and found[leaf].base is None and getrefcount(found[leaf]) == ALONE:
                grads.append(found[leaf])  # held by `found` and by this call alone
            else:
                grads.append(copied(found[leaf]))
        put(found, grads)


def put(leaves: Iterable[Node | None], grads: Iterable[Array | None]) -> None:
    """Set the gradients of all leaves at once."""
    at_once(vars(Leaf)["grad"].__set__, zip(leaves, grads, strict=False))()
