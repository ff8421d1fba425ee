"""State: the arrays that a compiled function holds. They are inputs of its program, and what it changes is a result.

Held are the arrays and the gradients of the Tensors that are reachable from the function. While it is traced there are Symbols in their places.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tinygrad_ko.compiler.symbols import Symbol
from tinygrad_ko.engine.graph import Handle, Leaf
from tinygrad_ko.state.preserve import preserving_state
from tinygrad_ko.state.reachable import reachable


@dataclass(frozen=True, slots=True)
class Slot:
    """A place where a Tensor holds an array: its own, or its gradient."""

    tensor: Handle
    is_gradient: bool = False

    def read(self) -> Any:
        """The array that is there now."""
        return _leaf(self.tensor).grad if self.is_gradient else self.tensor.stable_array()

    def changes(self, array: Any) -> list[tuple[Any, str, Any]]:
        """The calls of `setattr` that put another array there."""
        return [(_leaf(self.tensor), "grad", array)] if self.is_gradient else self.tensor.replacing(array)

    @property
    def name(self) -> str:
        name = getattr(self.tensor, "_name", None) or "tensor"
        return "d" * self.is_gradient + "".join(c if c.isalnum() else "_" for c in name)


def _leaf(tensor: Handle) -> Any:
    return tensor._node


def slots_of(f: Callable[..., Any]) -> list[Slot]:
    """The slots of all Tensors that a function holds."""
    tensors = {id(part): part for part in reachable(f) if isinstance(part, Handle)}.values()
    slots = [Slot(t) for t in tensors]
    leaves = {id(t._node): t for t in tensors if isinstance(t._node, Leaf)}
    return slots + [Slot(t, is_gradient=True) for t in leaves.values() if _leaf(t).grad is not None]


@contextmanager
def symbols_in(f: Callable[..., Any], slots: list[Slot], symbols: list[Symbol]) -> Iterator[dict[Slot, Any]]:
    """Inside the block the slots hold the symbols; at its end the dict is filled with what those that changed hold then."""
    changed = dict[Slot, Any]()
    with preserving_state(f):
        for slot, symbol in zip(slots, symbols, strict=True):
            for change in slot.changes(symbol):
                setattr(*change)
        yield changed
        before = {slot: symbol.value for slot, symbol in zip(slots, symbols, strict=True)}
        held = {slot.tensor for slot in slots}
        for slot in [*before, *(Slot(t, is_gradient=True) for t in held if isinstance(t._node, Leaf))]:
            now = slot.read()
            if slot not in changed and getattr(now, "value", None) is not before.get(slot):
                changed[slot] = now
