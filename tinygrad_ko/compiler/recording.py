"""A recording: one call of a function with Symbols in place of its arguments and of what it holds."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from tinygrad_ko.compiler.draws import Draws
from tinygrad_ko.compiler.held import Held
from tinygrad_ko.compiler.program import Value
from tinygrad_ko.compiler.state import Result, State
from tinygrad_ko.compiler.symbols import Symbol
from tinygrad_ko.compiler.trace import Trace
from tinygrad_ko.engine.graph import Handle, Switch
from tinygrad_ko.func.trees import mapped
from tinygrad_ko.runtime.signatures import signature
from tinygrad_ko.tensor.tensor import Tensor


class Recording:
    """What one call recorded: inputs, results, the structure that they are returned in, and the changes of what the function holds."""

    def __init__(
        self, f: Any, arguments: tuple[Any, ...], options: dict[str, Any], held: Held, lifted: set[str]
    ) -> None:
        self.trace, self.inputs, self.results = Trace(), list[Value](), list[Value]()
        self.state = State(held, lifted, self.trace, self._keep)
        names = _parameter_names(f, len(arguments))
        given = [mapped(self._entered, x, name) for x, name in zip(arguments, names, strict=True)]
        named = {key: mapped(self._entered, x, key) for key, x in options.items()}
        draws = Draws([(at.name, at.value) for at in held.generators.values()])
        with ExitStack() as stack:
            standing = stack.enter_context(draws.recorded(self.trace))
            stack.enter_context(self.state.standing_in(standing))
            stack.enter_context(Switch(watch=True))
            self.structure = mapped(self._left, self.state.stand_in(f)(*given, **named), "")

    def _entered(self, leaf: Any, place: str) -> Any:
        if not _is_array(leaf):
            return leaf
        array = (
            leaf.stable_array() if isinstance(leaf, Handle) else leaf if isinstance(leaf, float) else np.asarray(leaf)
        )
        value = Value("input", (), (), np.shape(array), np.asarray(array).dtype, name=_name_of(place))
        self.inputs.append(value)
        symbol = self.trace.symbol(value, array)
        return Tensor(symbol) if isinstance(leaf, Handle) else symbol

    def _left(self, leaf: Any, place: str) -> Any:
        array = leaf.stable_array() if isinstance(leaf, Handle) else leaf
        return self._keep(array, isinstance(leaf, Handle)) if isinstance(array, Symbol) else leaf

    def _keep(self, symbol: Symbol, is_tensor: bool) -> Result:
        self.results.append(symbol.value)
        return Result(len(self.results) - 1, is_tensor)


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    names = [p.name for p in signature(f).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*names, *(f"x{i}" for i in range(len(names), count))][:count]


def _name_of(place: str) -> str:
    """A name for a leaf: the last key, or the argument and the number in it."""
    head, *keys = place.replace("]", "").split("[")
    name = keys[-1].strip("'\"") if keys else head
    return name if name.isidentifier() else f"{head}_{name}" if f"{head}_{name}".isidentifier() else head


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, Handle | np.ndarray | np.generic | float)
