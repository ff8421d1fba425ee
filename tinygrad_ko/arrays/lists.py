"""Lists with Tensors that require a gradient, where a list of numbers could stand: they are stacked to one Tensor."""

from collections.abc import Callable
from operator import is_
from typing import Any

from tinygrad_ko.arrays.memory import Holder


def joined(value: Any) -> Any:
    """One Tensor in place of a list or tuple with Tensors in it, also in lists inside; anything else as it is."""
    kind = _kind_inside(value) if type(value) in (list, tuple) else None
    return value if kind is None else kind._of_list(value)


def taking_lists(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose arguments may be lists with Tensors. They are looked for where a list was refused: looking takes as long as making
    an array of a list of numbers.
    """

    def called(*given: Any, **options: Any) -> Any:
        try:
            return call(*given, **options)
        except (TypeError, RuntimeError):  # it may be called in another library's function
            instead = [*map(joined, given)]
            if all(map(is_, instead, given)):
                raise
        return call(*instead, **options)

    return called


def _kind_inside(value: Any) -> Any:
    """The type of the Tensors in a list; None if there are none."""
    kinds = {*map(type, value)}
    for kind in kinds:
        if issubclass(kind, Holder):
            return kind
    if list in kinds or tuple in kinds:
        for part in value:
            if type(part) in (list, tuple) and (found := _kind_inside(part)) is not None:
                return found
    return None
