"""Parts of a gradient that do not show beside the rest: outputs and entries that are small beside others, as lines by themselves."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_ko.check.functions.function import CheckedFunction
from tinygrad_ko.check.functions.line import Line, random_line
from tinygrad_ko.check.reports.report import Projection

LEVELS = 4  # orders of size that are told apart
_SMALL = 1e-6  # an output that is so small beside the largest does not show
_MANY = 1000  # so many entries are many


def small_outputs(f: CheckedFunction, rng: Any) -> Iterator[Line]:
    """A line that looks only at the outputs that are a millionth of the largest or less, then one at those a millionth of these."""
    size, most = np.abs(f.y), float(np.max(np.abs(f.y), initial=0.0))
    for _ in range(LEVELS):
        small = size < _SMALL * most
        if not small.any():
            return
        line = random_line(f, f.wrt, np.where(small, rng.standard_normal(size.shape), 0.0), rng)
        changes = np.abs([line.change(s * line.scale / 8) for s in (1, -1)])
        if np.any(changes[:, small] > _SMALL * most):  # it is small at the inputs alone, where its terms cancel
            return
        yield line
        most = float(np.max(size[small]))


def unseen_entries(line: Line, found: Projection, rng: Any) -> Line | None:
    """A line along the numbers whose part in the slope is below what was seen of it: beside a pole one number may have nearly all of it. Of
    many numbers only if most are so small.
    """
    f, gradients = line.f, line.f.gradients(line.c)
    sizes = {i: np.where(f.point[i] == 0, d, f.point[i]) * (d != 0) for i, d in line.d.items()}
    parts = {i: np.abs(gradients[i] * size) for i, size in sizes.items()}
    unseen = {i: (part != 0) & (part < found.tolerance) for i, part in parts.items()}
    small, others = (sum(map(np.count_nonzero, arrays.values())) for arrays in (unseen, parts))
    if small == 0 or (2 * small < others and sum(f.point[i].size for i in f.wrt) > _MANY):
        return None
    own = random_line(f, line.d, line.c, rng, relative=True).d
    return Line(f, line.c, {i: np.where(x, own[i], 0.0) for i, x in unseen.items() if x.any()})
