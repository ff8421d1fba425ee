"""Lists of Tensors where a list of numbers could stand: they are stacked to one Tensor, and keep their gradients."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.arrays.memory import Holder


def joined(value: Any) -> Any:
    """One Tensor in place of a list or tuple with Tensors in it, also in lists inside; anything else as it is."""
    kind = _kind_inside(value) if isinstance(value, list | tuple) else None
    return value if kind is None else kind._of_list(value)


def taking_lists(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose arguments may be lists of Tensors."""
    return lambda *given, **options: call(*map(joined, given), **options)


def _kind_inside(value: Any) -> Any:
    """The type of the Tensors in a list; None if there are none."""
    kinds = {*map(type, value)}
    for kind in kinds:
        if issubclass(kind, Holder):
            return kind
    if list in kinds or tuple in kinds:
        for part in value:
            if isinstance(part, list | tuple) and (found := _kind_inside(part)) is not None:
                return found
    return None
