"""What an operation gives back to its arguments in backward, with its formula, its numbers and the local derivative."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_ko.arrays.dtypes import accumulation_dtype
from tinygrad_ko.arrays.indexing import IndexedGradient
from tinygrad_ko.arrays.library import cast, namespace
from tinygrad_ko.drawing.labels import brief
from tinygrad_ko.drawing.vertices import Vertex, as_numpy, recorded_arguments
from tinygrad_ko.engine.accumulate import total, unbroadcast
from tinygrad_ko.runtime.source import formula_text

_TERMS = 4  # of a sum, at most, that are written
_RTOL = 1e-5  # between two ways to compute one number in float32


@dataclass(eq=False, slots=True, repr=False)
class Contribution:
    """What an operation gives back to one of its arguments: a part of that value's gradient."""

    argument: str
    source: Vertex  # whose gradient it is a part of
    formula: str
    words: dict[str, Any]  # the values that the formula names, but for the gradient `g`
    local: Any  # the local derivative, if the part is upstream × local, element by element; else None, as for a matrix product
    part: Any  # what the formula gives; None if that is sparse
    given: Any  # the same in the shape of the argument: summed over the axes along which it was stretched
    total: Any = None  # the gradient of the source so far, with this
    arrived: int = 1  # how many contributions the source has got, of how many
    expected: int = 1

    @property
    def summed(self) -> bool:
        """Whether the argument was stretched by broadcasting, so that the part is summed."""
        return self.part is not None and self.part.shape != self.given.shape


def contributions_of(v: Vertex, g: Any, locally: bool = True) -> Iterator[Contribution]:
    """What an operation gives back if the gradient of its value is `g`. Totals are not known here."""
    node = v.node
    assert node is not None
    with np.errstate(all="ignore"):  # the forward has warned
        parts = list(node.contributions(g))
        locals_ = _local_derivatives(v, g) if locally else [None] * len(parts)
        places = differentiable_sources(v)
        for (place, source), (argument, parent, part), local in zip(places, parts, locals_, strict=True):
            formula = plain_formula(node.op.formulas[argument])
            values = {
                w: node.saved[w] for w in node.op.named_by[argument] if w != "g" and re.search(rf"\b{w}\b", formula)
            }
            given = total(unbroadcast(part, parent, node, argument, first=True))
            dense = None if isinstance(part, IndexedGradient) else part
            yield Contribution(place, source, formula, values, local, dense, given)


def worked_element(c: Contribution, g: Any) -> str:
    """The largest element of a matrix product as the sum that it is, `[0, 2] = 0.5 × 2 + 1 × 3 = 4`; nothing for other formulas."""
    factors = re.fullmatch(r"(\w+)(\.mT)? @ (\w+)(\.mT)?", c.formula)
    if factors is None:
        return ""
    values = {"g": as_numpy(g)} | {word: as_numpy(value) for word, value in c.words.items()}
    a, b = (values[word].T if turned else values[word] for word, turned in (factors.group(1, 2), factors.group(3, 4)))
    if a.ndim != 2 or b.ndim != 2 or not c.part.size:
        return ""
    i, j = map(int, np.unravel_index(np.argmax(np.abs(as_numpy(c.part))), c.part.shape))
    terms = [f"{brief(x)} × {brief(y)}" for x, y in zip(a[i], b[:, j], strict=True)]
    if len(terms) > _TERMS:
        terms[_TERMS - 1 : -1] = ["…"]
    return f"[{i}, {j}] = {' + '.join(terms)} = {brief(c.part[i, j])}"


def plain_formula(formula: Any) -> str:
    """The text of a formula as a learner writes it: how a product is laid out in memory, `matmul_as(x, g, W.mT)`, does not matter here."""
    return re.sub(r"\bmatmul_as\(\w+, ([^,()]+), ([^,()]+)\)", r"\1 @ \2", formula_text(formula))


def _local_derivatives(v: Vertex, g: Any) -> list[Any]:
    """Of each argument the local derivative, where a contribution is upstream × local for every upstream gradient: what the formula makes
    of ones, if it makes of other numbers their products with that. None where it mixes elements, as a matrix product does.
    """
    assert v.node is not None
    ones = ones_for(v)
    numbers = np.linspace(0.5, 1.5, np.size(as_numpy(ones))).reshape(ones.shape)
    probe = ones if numbers.size == 1 else cast(namespace(ones).asarray(numbers), ones.dtype)
    found = []
    for (_, _, local), (_, _, part) in zip(v.node.contributions(ones), v.node.contributions(probe), strict=True):
        same = not isinstance(part, IndexedGradient) and _is_product(part, probe, local)
        found.append(local if same else None)
    return found


def _is_product(part: Any, g: Any, local: Any) -> bool:
    arrays = [as_numpy(x) for x in (part, g, local)]
    if any(x is None for x in arrays):
        return False
    part, g, local = arrays
    try:
        product = g * local
    except ValueError:  # shapes that do not broadcast
        return False
    return product.shape == part.shape and np.allclose(product, part, _RTOL, 0, equal_nan=True)


def ones_for(v: Vertex) -> Any:
    """Ones in the shape and dtype of the gradient of an operation's value."""
    assert v.node is not None
    dtype = accumulation_dtype(v.node.dtype)
    if v.value is None or type(v.value) is np.ndarray or isinstance(v.value, np.generic):
        return np.ones(v.node.shape, dtype)
    return cast(namespace(v.value).ones_like(v.value), dtype)


def differentiable_sources(v: Vertex) -> list[tuple[str, Vertex]]:
    """The arguments of an operation that get a gradient, and where they come from."""
    sources = {argument: source for source, argument in v.sources}
    return [(a, sources[a]) for a in recorded_arguments(v.node)]
