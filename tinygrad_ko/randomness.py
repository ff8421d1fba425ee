"""One policy for everything random: where numbers come from is said by one argument, `rng`.

- `rng=None` obeys `np.random.seed`: NumPy's global stream, the one the book and most tutorials use.
- an int is a seed: it starts a fresh `np.random.default_rng(seed)`, so the same int gives the same numbers
  every time.
- a `Generator` is used as given: it goes on from where it stands.
"""

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_ko.errors import explain

Rng = int | np.random.Generator | None


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
        return np.random  # the module itself: its functions draw from the global stream
    if isinstance(rng, np.random.Generator):
        return rng
    try:
        if isinstance(rng, bool):
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


def generators_in(value: Any, seen: set[int] | None = None) -> Iterator[np.random.Generator]:
    """The Generators that a value holds: itself, or as a list, tuple, dict, layer, method or partial; or a function in its
    variables. Of global variables, Generators and layers that it names are found.

    >>> rng = np.random.default_rng(0)
    >>> list(generators_in([lambda x: x * rng.random()])) == [rng]
    True
    """
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.random.Generator):
        yield value
    parts: list[Any] = []
    if isinstance(value, list | tuple):
        parts += value
    elif isinstance(value, dict):
        parts += value.values()
    elif isinstance(value, partial):
        parts += [value.func, *value.args, *value.keywords.values()]
    elif isinstance(value, MethodType):
        parts += [value.__self__, value.__func__]
    elif isinstance(value, FunctionType):
        parts += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
        for cell in value.__closure__ or ():
            with suppress(ValueError):  # a variable that has no value yet
                parts.append(cell.cell_contents)
        named = [value.__globals__.get(name) for name in value.__code__.co_names]
        parts += [x for x in named if isinstance(x, np.random.Generator) or is_layer(x)]
    elif is_layer(value):
        parts += vars(value).values()
    for part in parts:
        yield from generators_in(part, seen)


def is_layer(value: Any) -> bool:
    """Whether a value is an object with a `forward`."""
    return not isinstance(value, type | ModuleType) and hasattr(value, "forward")


def standing(generators: Sequence[np.random.Generator]) -> list[Any]:
    """Where NumPy's global stream and these generators stand."""
    return [np.random.get_state(legacy=False), *(g.bit_generator.state for g in generators)]


@contextmanager
def replayed(generators: Sequence[np.random.Generator], states: list[Any]) -> Iterator[None]:
    """Inside the block they go on from where `standing()` found them; a None leaves one alone."""

    def put(states: list[Any]) -> None:
        if states[0] is not None:
            np.random.set_state(states[0])
        for generator, state in zip(generators, states[1:], strict=True):
            generator.bit_generator.state = state

    now = standing(generators)
    try:
        put(states)
        yield
    finally:
        put([None if state is None else place for state, place in zip(states, now, strict=True)])
