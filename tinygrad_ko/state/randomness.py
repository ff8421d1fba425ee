"""One policy for everything random: where numbers come from is said by one argument, `rng`.

- `rng=None` obeys `np.random.seed`: NumPy's global stream, the one the book and most tutorials use.
- an int is a seed: it starts a fresh `np.random.default_rng(seed)`, so the same int gives the same numbers
  every time.
- a `Generator` is used as given: it goes on from where it stands.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import call
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.atomic import at_once, open_in_children
from tinygrad_ko.state.reachable import reachable

Rng = int | np.random.Generator | None

stream: Any = np.random  # the module itself: its functions draw from the global stream
open_in_children(stream.get_bit_generator().lock)  # NumPy leaves it as a fork finds it


class RandomSource(Protocol):
    """What the module `np.random` and a `np.random.Generator` spell alike; nothing else is used here."""

    def standard_normal(self, size: tuple[int, ...], /) -> NDArray[np.float64]:
        """Draw from the normal distribution of mean 0 and variance 1: float64 of shape `size`."""

    def random(self, size: tuple[int, ...], /) -> NDArray[np.float64]:
        """Draw evenly from 0 to 1, without 1: float64 of shape `size`."""

    def permutation(self, n: int, /) -> NDArray[np.integer[Any]]:
        """Return 0 ... n-1 in random order."""

    def choice(self, n: int, size: int, /) -> NDArray[np.integer[Any]]:
        """Draw `size` numbers from 0 ... n-1, with replacement."""


def generator(rng: Rng = None) -> RandomSource:
    """Turn an `rng` argument into something with `standard_normal`, `random`, `permutation` and `choice`.

    Errors: TypeError for anything but None, an int or a Generator; ValueError for a negative seed.

    >>> import numpy as np
    >>> generator(3).permutation(5), generator(3).permutation(5)  # an int is a seed: the same twice
    (array([4, 2, 1, 3, 0]), array([4, 2, 1, 3, 0]))
    >>> np.random.seed(0)
    >>> drawn = generator(None).choice(60000, 4)  # None: NumPy's global stream
    >>> np.random.seed(0)
    >>> bool(np.all(drawn == np.random.choice(60000, 4)))
    True
    """
    if rng is None:
        source: RandomSource = stream
        return source
    if isinstance(rng, np.random.Generator):
        return rng
    try:
        if isinstance(rng, bool | np.bool):  # NumPy 2.1 takes its own for an index
            raise TypeError
        seed = operator.index(rng)
    except TypeError:
        raise explain(
            TypeError(f"rng must be None, an int or a numpy.random.Generator, got {type(rng).__name__}"),
            "rng에는 None(np.random.seed를 따름), 정수 시드, numpy.random.Generator만 줄 수 있습니다.",
        ) from None
    if seed < 0:
        raise explain(
            ValueError(f"the seed rng must not be negative, got {seed}"),
            "시드로 쓰는 정수 rng은 0 이상이어야 합니다.",
        )
    return np.random.default_rng(seed)


def generators_in(value: Any) -> Iterator[np.random.Generator]:
    """The Generators that a value holds, in the sense of `reachable`.

    >>> rng = np.random.default_rng(0)
    >>> list(generators_in([lambda x: x * rng.random()])) == [rng]
    True
    """
    return (part for part in reachable(value) if isinstance(part, np.random.Generator))


def standing(generators: Sequence[np.random.Generator]) -> list[Any]:
    """Where NumPy's global stream and these generators stand."""
    return [np.random.get_state(legacy=False), *(g.bit_generator.state for g in generators)]


@contextmanager
def replayed(generators: Sequence[np.random.Generator], states: list[Any]) -> Iterator[None]:
    """Inside the block they go on from where `standing()` found them; a None leaves one alone."""
    begin, end = going_to(generators, states), going_to(generators, standing(generators), states[0] is not None)
    try:
        begin()
        yield
    finally:
        end()


def going_to(
    generators: Sequence[np.random.Generator], states: list[Any], everywhere: bool = True
) -> Callable[[], Any]:
    """The call that puts them all where they stood; the global stream too, unless it is to be left alone."""
    moves: list[Any] = [(np.random.set_state, states[0])] if everywhere and states[0] is not None else []
    moves += [(setattr, g.bit_generator, "state", state) for g, state in zip(generators, states[1:], strict=True)]
    return at_once(call, moves)
