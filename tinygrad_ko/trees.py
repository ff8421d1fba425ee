"""Parameters in dicts, lists and tuples of arrays: a tree of them. A nested list of numbers is an array, as everywhere here."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain


def is_tree(value: Any) -> bool:
    """Whether a value is a dict, list or tuple of arrays; a list of numbers is an array."""
    return isinstance(value, dict) or (isinstance(value, list | tuple) and not are_numbers(value))


def are_numbers(value: Any) -> bool:
    """Whether a value is a number or a nested list of numbers."""
    return (
        all(map(are_numbers, value)) if isinstance(value, list | tuple) else isinstance(value, float | int | np.generic)
    )


def mapped(change: Callable[[Any, str], Any], tree: Any, place: str) -> Any:
    """The same structure, with each array changed; `change` is told where it stands."""
    if not is_tree(tree):
        return change(tree, place)
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    new = [mapped(change, tree[key], f"{place}[{key!r}]") for key in keys]
    if isinstance(tree, dict):
        return dict(zip(keys, new, strict=True))
    return type(tree)(*new) if hasattr(tree, "_fields") else type(tree)(new)


def pairs(tree: Any, other: Any, place: str) -> Iterator[tuple[Any, str]]:
    """What stands in `other` where the arrays stand in a tree. Raises ValueError if its structure is another one."""
    if not is_tree(tree):
        yield other, place
        return
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    there = (
        list(other) if isinstance(other, dict) else list(range(len(other))) if isinstance(other, list | tuple) else None
    )
    if there is None or isinstance(tree, dict) is not isinstance(other, dict) or set(there) != set(keys):
        raise explain(
            ValueError(f"{place} does not have the structure of the argument: entries {keys} are needed, not {there}"),
            f"{place}의 구조가 인수의 구조와 다릅니다. 필요한 항목: {keys}, 받은 항목: {there}",
        )
    for key in keys:
        yield from pairs(tree[key], other[key], f"{place}[{key!r}]")
