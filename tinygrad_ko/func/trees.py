"""Trees: parameters or results in dicts, lists and tuples. A nested list of numbers whose rows have one length is an array, as everywhere
here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.shape import concat, reshape


def is_tree(value: Any) -> bool:
    """Whether a value is a dict, list or tuple of arrays; a list of numbers is an array."""
    return isinstance(value, dict) or (isinstance(value, list | tuple) and not are_numbers(value))


def are_numbers(value: Any) -> bool:
    """Whether a value is a number or a nested list of numbers, as an array has them: rows that differ in length are a tree."""
    return _shape(value) is not None


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of a number or a nested list of numbers; None for anything else."""
    if not isinstance(value, list | tuple):
        return () if isinstance(value, float | int | np.generic) else None
    shapes = {*map(_shape, value)}
    inner = shapes.pop() if shapes else ()
    return None if shapes or inner is None else (len(value), *inner)


def _keys(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return list(range(len(value)))
    return list(value) if isinstance(value, dict) else None


def mapped(change: Callable[[Any, str], Any], tree: Any, place: str) -> Any:
    """The same structure, with each array replaced by what `change` makes of it and of its position: `place`, then keys in brackets."""
    if not is_tree(tree):
        return change(tree, place)
    new = [mapped(change, tree[key], f"{place}[{key!r}]") for key in _keys(tree)]
    if isinstance(tree, dict):
        return dict(zip(tree, new, strict=True))
    return type(tree)(*new) if hasattr(tree, "_fields") else type(tree)(new)  # a namedtuple has fields


def leaves_like(
    tree: Any, other: Any, place: str, whose: str = "the argument", korean: str = "인수"
) -> Iterator[tuple[Any, str]]:
    """The values of `other` at the positions of the arrays in `tree`, each with its position as text: `place`, then keys in brackets.
    `leaves_like(tree, tree, "")` are the arrays of a tree. Raises ValueError if `other` has another structure than the tree, which
    is that of `whose`.
    """
    if not is_tree(tree):
        yield other, place
        return
    keys, there = _keys(tree), _keys(other)
    if there is None or isinstance(tree, dict) is not isinstance(other, dict) or set(there) != set(keys):
        raise explain(
            ValueError(f"{place} does not have the structure of {whose}: entries {keys} are needed, not {there}"),
            f"{place}의 구조가 {korean}의 구조와 다릅니다. 필요한 항목: {keys}, 받은 항목: {there}",
        )
    for key in keys:
        yield from leaves_like(tree[key], other[key], f"{place}[{key!r}]", whose, korean)


def in_one_row(tree: Any, what: str) -> Any:
    """The Tensors in a tree, which `what` returned, flattened and concatenated. Raises TypeError if one is no Tensor, or if the tree is
    empty.
    """
    found = list(leaves_like(tree, tree, "")) or [(tree, "")]
    for value, place in found:
        if not isinstance(value, Handle):
            kind, at = type(value).__name__, place and f" at {place}"
            raise explain(
                TypeError(f"{what} returned {kind}{at}, not a Tensor; compute it with tinygrad_ko's ops"),
                f"{what}의 반환값{place}에 Tensor가 아닌 것이 있습니다. tinygrad_ko의 연산으로 계산해야 합니다. 받은 값의 종류: {kind}",
            )
    return concat([reshape(value, (-1,)) for value, _ in found])
