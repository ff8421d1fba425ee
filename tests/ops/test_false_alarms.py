"""A judge that cries wolf is not believed: no right rule may be called wrong, whatever its inputs.

Every op at generic inputs, a millionth and ten thousand times as large, with exact zeros and with ties.
"""

import warnings

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.domains import at_ties, at_zeros, sample, scaled
from tests.ops.table import ROWS
from tests.ops.test_rules import bound
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient

pytestmark = pytest.mark.slow

SCALES = {
    "generic": lambda call, seed: call,
    "x 1e-6": lambda call, seed: scaled(call, 1e-6),
    "x 1e4": lambda call, seed: scaled(call, 1e4),
    "zeros": at_zeros,
    "ties": lambda call, seed: at_ties(call),
}
EACH = 12  # calls of each function
PARTS = 4  # of the functions, so that no test takes half a minute
CHECKS = 500  # of each kind and part, so 10,000 in all


def slopes(f, arguments):
    """The value of f and its gradients; None if it refuses such arguments, or refuses them a gradient."""
    leaves = [
        tg.Tensor(a, requires_grad=True) if isinstance(a, np.ndarray) and a.dtype == float else a for a in arguments
    ]
    try:
        y = f(*leaves)
    except (ValueError, TypeError, ArithmeticError):  # it refuses them: labels that are no class, weights of sum 0
        return None
    tensors = [x for x in leaves if isinstance(x, tg.Tensor)]
    try:
        gradients = tg.grad(y, tensors, np.ones(y.shape), allow_unused=True) if y.requires_grad else []
    except np.linalg.LinAlgError:  # eigenvectors whose eigenvalue is not simple, ...
        return None
    return [y, *gradients]


def has_a_slope(f, arguments):
    """Whether f and its gradient are finite there: where they are not, there is nothing to be judged."""
    found = slopes(f, arguments)
    return found is not None and all(np.isfinite(v.numpy()).all() for v in found)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("scale", SCALES)
def test_no_right_rule_is_called_wrong(scale, part):
    checks = 0
    alarms = []
    undecided = []
    for function, row in [*ROWS.items()][part::PARTS]:
        if row.distinct and scale in ("zeros", "ties"):
            continue
        for seed, call in enumerate(sample(row, EACH)):
            arguments, options = SCALES[scale](call, seed)
            f = bound(function, options, row.seen)
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # NumPy's about the mean of nothing
                if not has_a_slope(f, arguments):
                    continue
                checks += 1
                try:
                    check_gradient(f, *arguments, rng=seed)  # the second order: tests/ops/test_rules.py
                except GradientMismatch as error:
                    alarms.append(f"{function.__name__}: {error}")
                except GradientUndecided as error:
                    undecided.append(f"{function.__name__}: {error}")
    print(f"{scale}, {part}: {checks} checks, {len(alarms)} false alarms, {len(undecided)} undecided")
    assert checks >= CHECKS
    assert alarms == []
    assert len(undecided) < 0.01 * checks, undecided
