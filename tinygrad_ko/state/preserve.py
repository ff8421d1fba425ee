"""Preserving state: a call that leaves nothing behind, for whoever wants to see what a function computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from operator import call, is_
from types import MethodType
from typing import Any

import numpy as np

from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.engine.graph import Handle, Leaf
from tinygrad_ko.runtime.atomic import at_once, taking_turns
from tinygrad_ko.state.reachable import CONTAINERS, attributes, computes, reachable
from tinygrad_ko.state.replay import random_states, replayed

preserving = taking_turns()


@contextmanager
def preserving_state(*things: Any) -> Iterator[None]:
    """Whatever is called inside the block, the state reachable from the things is afterwards as it was, also after an error. The
    things are functions, methods, layers, models, Tensors, Generators or lists of them.

    Restored are the states of NumPy's global stream and of every Generator; of every Tensor its array, whether it requires a
    gradient, and its gradient; and the attributes of every layer and model, with the contents of the lists and dicts in these.

    Not undone is what is written into plain arrays (`net.params["W1"] -= ...`) or into an array that the caller shares
    with a Tensor (`copy=False`), what a function appends to a list that is not in a layer, and that a `backward()` uses
    up a graph recorded before. Nothing is copied but gradients, and arrays that somebody else could write to, which an
    op would copy too. Other threads must leave the things alone meanwhile.
    """
    with preserving:
        found = list(reachable(things))
        generators = [part for part in found if isinstance(part, np.random.Generator)]
        contents = [(part, part.copy()) for part in _containers(found)]
        with replayed(generators, random_states(generators)):
            before, during = _slots([part for part in found if isinstance(part, Handle)])
            begin, end = at_once(setattr, during), at_once(setattr, before)
            try:
                begin()
                yield
            finally:
                end()
                for container, content in contents:
                    _restore(container, content)


def _slots(tensors: list[Handle]) -> tuple[list[Any], list[Any]]:
    """What the slots of these Tensors and of their leaves hold, and what they hold during the call.

    An array that is held here is copied by whoever wants to write to it (`Handle.writable_array`), so holding it saves it. That
    does not go for one that was lent before: its place is taken by what an op would work on.
    """
    before: list[Any] = []
    during: list[Any] = []
    leaves = {id(t._node): t._node for t in tensors if isinstance(t._node, Leaf)}
    for t in tensors:
        during += t.replacing(t.stable_array())
        before += [*t.replacing(t._array, t._exposed), (t, "_node", t._node)]
    for leaf in leaves.values():
        during.append((leaf, "grad", None if leaf.grad is None else copied(leaf.grad)))
        before.append((leaf, "grad", leaf.grad))
    return before, during


def _containers(found: list[Any]) -> list[Any]:
    """The attributes of every object that computes, and the lists and dicts in them."""
    owners = [x.__self__ if isinstance(x, MethodType) else x for x in found if isinstance(x, MethodType) or computes(x)]
    waiting: list[Any] = [*map(attributes, owners)]
    seen: dict[int, Any] = {}
    while waiting:
        part = waiting.pop()
        if id(part) not in seen:
            seen[id(part)] = part
            items = part.values() if isinstance(part, dict) else part
            waiting += [item for item in items if isinstance(item, CONTAINERS)]
    return [part for part in seen.values() if not isinstance(part, tuple)]


def _restore(container: Any, before: Any) -> None:
    """Give a list or a dict the contents it had; it is left alone if it still has them."""
    now, then = ([*c, *c.values()] if isinstance(c, dict) else c for c in (container, before))
    if len(now) == len(then) and all(map(is_, now, then)):
        return
    if isinstance(container, dict):
        at_once(call, [(container.clear,), (container.update, before)])()
    else:
        container[:] = before
