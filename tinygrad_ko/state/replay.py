"""The states of random generators: saved, and restored for a call that must draw the same numbers again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import call
from typing import Any

import numpy as np

from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.state.randomness import global_stream
from tinygrad_ko.state.reachable import reachable


def generators_in(value: Any) -> list[np.random.Generator]:
    """The Generators that are reachable from a value."""
    return [part for part in reachable(value) if isinstance(part, np.random.Generator)]


def random_states(generators: Sequence[np.random.Generator]) -> list[Any]:
    """The states of NumPy's global stream and of these generators."""
    return [global_stream.get_state(legacy=False), *(g.bit_generator.state for g in generators)]


@contextmanager
def replayed(generators: Sequence[np.random.Generator], states: list[Any]) -> Iterator[None]:
    """Inside the block they start from these states, afterwards from their own. None leaves the global stream alone."""
    before = random_states(generators)
    before[0] = states[0] and before[0]
    begin, end = _restoring(generators, states), _restoring(generators, before)
    try:
        begin()
        yield
    finally:
        end()


def _restoring(generators: Sequence[np.random.Generator], states: list[Any]) -> Callable[[], Any]:
    moves: list[Any] = [(global_stream.set_state, states[0])] if states[0] is not None else []
    moves += [(setattr, g.bit_generator, "state", state) for g, state in zip(generators, states[1:], strict=True)]
    return at_once(call, moves)
