"""Random draws. A draw is recorded as an effect on its stream, so the program draws new numbers at every call, as the function would."""

import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import call
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_ko.compiler.refusals import unseen_draw
from tinygrad_ko.compiler.tracing.unreadable import unsupported
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.state.randomness import drawing_from, global_stream

if TYPE_CHECKING:
    from tinygrad_ko.compiler.tracing.trace import Trace

# Methods that write to an argument, or change the stream in other ways than by drawing.
_IN_PLACE = {"shuffle", "permuted", "bit_generator", "spawn", "seed", "set_state"}


class Stream:
    """A random stream: NumPy's global one, a Generator, a RandomState, or Python's own."""

    def __init__(self, name: str, source: Any) -> None:
        self.name, self.source = name, source

    def state(self) -> Any:
        """Its state now."""
        if isinstance(self.source, np.random.Generator):
            return self.source.bit_generator.state
        return self.source.getstate() if self.name == "random" else self.source.get_state(legacy=False)

    def setting(self, state: Any) -> tuple[Any, ...]:
        """A call, as a tuple, that sets its state."""
        if isinstance(self.source, np.random.Generator):
            return setattr, self.source.bit_generator, "state", state
        return self.source.setstate if self.name == "random" else self.source.set_state, state


class Draws:
    """The random streams of one trace: the global ones and the generators that the function holds."""

    def __init__(self, generators: list[tuple[str, Any]]) -> None:
        self.streams = [Stream("np.random", global_stream)]
        self.streams += [Stream("random", sys.modules["random"])] if "random" in sys.modules else []
        self.streams += [Stream(f"{name}_" if name == "random" else name, source) for name, source in generators]

    @contextmanager
    def recorded(self, trace: "Trace") -> Iterator[dict[int, Any]]:
        """Inside the block draws from the global stream are recorded, and those from the stand-ins for generators, which are yielded by the
        ids of these. Afterwards all streams are in the states that they had before. A draw that was not recorded raises TypeError.
        """
        before = [stream.state() for stream in self.streams]
        now = [*map(pickle.dumps, before)]
        restore = at_once(call, [stream.setting(state) for stream, state in zip(self.streams, before, strict=True)])

        def require_seen() -> None:
            for stream, state in zip(self.streams, now, strict=True):
                if pickle.dumps(stream.state()) != state:
                    raise unseen_draw(stream.name)

        def draw(i: int, method: str, *arguments: Any, **options: Any) -> Any:
            if method in _IN_PLACE:
                raise unsupported(f"{self.streams[i].name}.{method}")
            require_seen()
            stream = self.streams[i]
            made = trace.call(f"{stream.name}.{method}", getattr(stream.source, method), arguments, options, pure=False)
            now[i] = pickle.dumps(stream.state())
            return made

        try:
            with drawing_from(_Recorder(partial(draw, 0))):
                yield {
                    id(s.source): _stand_in(s.source, partial(draw, i))
                    for i, s in enumerate(self.streams)
                    if isinstance(s.source, np.random.Generator | np.random.RandomState)
                }
            require_seen()
        finally:
            restore()


class _Recorder:
    """A stand-in for NumPy's global stream."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self._draw = draw

    def __getattr__(self, method: str) -> Any:
        return partial(self._draw, method)


def _stand_in(source: Any, draw: Callable[..., Any]) -> Any:
    """A stand-in for a generator, on the same bit generator, whose methods record."""
    kind: Any = type(source)

    def recorded(self: Any, name: str) -> Any:
        found = kind.__getattribute__(self, name)
        return partial(draw, name) if not name.startswith("_") and callable(found) else found

    bits = source.bit_generator if isinstance(source, np.random.Generator) else source._bit_generator
    return type(kind.__name__, (kind,), {"__getattribute__": recorded})(bits)
