"""NumPy's histograms. Counts have no gradient; sums have that of the weights, and edges that of the smallest and the largest number."""

from typing import Any

import numpy as np

from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.ops import indexing, reduction
from tinygrad_ko.ops.inputs import as_floating, as_operand, constants, first_handle, unwrapped
from tinygrad_ko.tensor.numpys.joining import ravel
from tinygrad_ko.tensor.numpys.sequences import spaced
from tinygrad_ko.tensor.numpys.table import Table, in_dtype, named


def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """From the smallest to the largest number, or those of the range, unless the bins are edges. How many there are has no gradient."""
    x = as_operand(a, "histogram")
    edges = np.histogram_bin_edges(unwrapped(x), unwrapped(bins), unwrapped(range), unwrapped(weights))
    if np.ndim(bins) or (range is None and not x.size):
        return constants(type(first_handle((a, bins, range, weights))), bins if isinstance(bins, Handle) else edges)
    first, last = (reduction.min(x), reduction.max(x)) if range is None else range
    if unwrapped(first) == unwrapped(last):  # NumPy makes them one apart
        first, last = first - 0.5, last + 0.5
    return constants(type(first_handle((a, range, weights))), in_dtype(spaced(first, last, len(edges)), edges.dtype))


def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> tuple[Any, Any]:
    edges = _histogram_bin_edges(a, bins, range, weights)
    values = unwrapped(a)
    counts, ends = np.histogram(values, unwrapped(bins), unwrapped(range), weights=unwrapped(weights))
    sums: Any = counts
    if weights is not None:
        weights = as_floating(ravel(weights), "histogram")
        values = np.ravel(values)
        places = np.searchsorted(ends, values, side="right") - 1 - (values == ends[-1])
        inside = np.flatnonzero((places >= 0) & (places < len(counts)))
        sums = indexing.scatter_add(np.zeros(counts.shape, counts.dtype), places[inside], weights[inside])
    if density:
        sums = sums / (edges[1:] - edges[:-1]) / (reduction.sum(sums) if weights is not None else counts.sum())
    return constants(type(first_handle((a, bins, range, weights))), sums), edges


FUNCTIONS: Table = named(np, (_histogram, _histogram_bin_edges))
