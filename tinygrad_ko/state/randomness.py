"""One policy for everything random: where numbers come from is said by one argument, `rng`.

- `rng=None` obeys `np.random.seed`: NumPy's global stream, the one the book and most tutorials use.
- an int is a seed of a fresh `np.random.default_rng(seed)`: the same int gives the same numbers every time.
- a `Generator` is used as given: it goes on from its state.
"""

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.atomic import open_in_children

Rng = int | np.random.Generator | None

global_stream: Any = np.random  # the module itself: its functions draw from the global stream
open_in_children(global_stream.get_bit_generator().lock)  # NumPy leaves it as a fork finds it


class RandomSource(Protocol):
    """What the module `np.random` and a `np.random.Generator` have in common; nothing else is used here."""

    def standard_normal(self, size: tuple[int, ...], /) -> NDArray[np.float64]: ...
    def random(self, size: tuple[int, ...], /) -> NDArray[np.float64]: ...
    def permutation(self, n: int, /) -> NDArray[np.integer[Any]]: ...
    def choice(self, n: int, size: int, /) -> NDArray[np.integer[Any]]: ...


_drawn_from: ContextVar[RandomSource] = ContextVar("stream", default=global_stream)


@contextmanager
def drawing_from(source: RandomSource) -> Iterator[None]:
    """Inside the block, in this thread or task alone, `rng=None` stands for another source."""
    token = _drawn_from.set(source)
    try:
        yield
    finally:
        _drawn_from.reset(token)


def generator(rng: Rng = None) -> RandomSource:
    """Turn an `rng` argument into something with `standard_normal`, `random`, `permutation` and `choice`.

    Errors: TypeError for anything but None, an int or a Generator; ValueError for a negative seed.

    >>> import numpy as np
    >>> generator(3).permutation(5), generator(3).permutation(5)  # an int is a seed: the same twice
    (array([4, 2, 1, 3, 0]), array([4, 2, 1, 3, 0]))
    """
    if rng is None:
        return _drawn_from.get()
    if isinstance(rng, np.random.Generator):
        return rng
    try:
        if isinstance(rng, bool | np.bool):  # NumPy 2.1 takes its own for an index
            raise TypeError
        seed = operator.index(rng)
    except TypeError:
        raise explain(
            TypeError(f"rng must be None, an int or a numpy.random.Generator, got {type(rng).__name__}"),
            "rng에는 None(np.random.seed를 따름), 정수 시드, numpy.random.Generator만 줄 수 있습니다. "
            f"받은 값의 종류: {type(rng).__name__}",
        ) from None
    if seed < 0:
        raise explain(
            ValueError(f"the seed rng must not be negative, got {seed}"),
            f"시드로 쓰는 정수 rng은 0 이상이어야 합니다. 받은 값: {seed}",
        )
    return np.random.default_rng(seed)
