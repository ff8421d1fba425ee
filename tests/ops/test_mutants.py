"""Would the tests notice a wrong formula? Every mistake that can be made in one by rote is made, and must be caught.

The mutants come from the ops themselves, so a new op brings its own; those that nobody can catch are listed with the reason.
"""

import warnings
from functools import cache

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.domains import at_ties, at_zeros, is_float, sample
from tests.ops.slopes import two_orders
from tests.ops.table import EQUIVALENT, OPS, ROWS
from tests.ops.test_false_alarms import slopes
from tests.ops.test_rules import bound
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient
from tinygrad_ko.testing import mutants

pytestmark = pytest.mark.slow

# The walk refuses a gradient of a wrong shape or dtype or a constant, or the formula itself breaks.
BROKEN = (TypeError, ValueError, IndexError, AttributeError, ArithmeticError, RuntimeError)
ROW = {f.__name__: row for f, row in ROWS.items()}


def calls_of(name):
    """Generic calls, largest first; some of them at zeros and ties too."""
    generic = sample(ROW[name], 30)
    if ROW[name].distinct:
        return generic
    special = [*(at_zeros(call, 0) for call in generic[:8]), *(at_ties(call) for call in generic[:8])]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        kept = [call for call in special if slopes(bound(OPS[name], call[1]), call[0]) is not None]
    return [*generic, *kept]  # what the right op refuses itself would let every mutant be caught


def tries(calls):
    """All calls at order 1 and twelve at order 2: small ones first, for most mistakes show in them and they cost little, then the largest.
    What a formula does with Tensors alone, only the second order shows.
    """
    first, second = ([(seed, call, order) for seed, call in enumerate(calls)] for order in (1, 2))
    small = [k for k, (arguments, _) in enumerate(calls) if 1 <= sum(np.size(a) for a in arguments) <= 6][:3]
    before = [*(first[k] for k in small), *(second[k] for k in small[:1])]
    return [*before, *(t for t in [*first[:6], *second[:3], *first[6:], *second[3:12]] if t not in before)]


def given(function, seen, seed, call, order):
    """All gradients that an op gives in a call for a random cotangent, bit for bit, also at order 2; the error that it raises."""
    (arguments, options), rng = call, np.random.default_rng(seed)
    leaves = [tg.Tensor(a, requires_grad=True) if is_float(a) else a for a in arguments]
    tensors = [x for x in leaves if isinstance(x, tg.Tensor)]
    found = []
    try:
        y = bound(function, options, seen)(*leaves)
        for _ in range(order):
            c = tg.Tensor(rng.standard_normal(y.shape), requires_grad=order == 2)
            parts = tg.grad(y, tensors, c, create_graph=order == 2, allow_unused=True)
            found += [part.numpy().tobytes() for part in parts]
            y, tensors = tg.concat([tg.reshape(part, (-1,)) for part in parts]), [*tensors, c]
    except BROKEN as error:
        found.append(repr(error))
    return found


def caught(mutant, tries, seen=None, right=None):
    """Whether any of the calls shows that it is wrong: by the judge, or because the formula breaks. With `right`, the gradients of the
    right op, the judge is not asked where the mutant gives these to the last bit.
    """
    for seed, call, order in tries:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if right and given(mutant.function, seen, seed, call, order) == right(seed, order):
                continue
            arguments, options = call
            try:
                check_gradient(bound(mutant.function, options, seen), *arguments, order=order, rng=seed)
            except GradientUndecided:
                continue
            except (GradientMismatch, *BROKEN):
                return True
    return False


def keeps_its_limits(function, limits):
    """Whether an op has the derivatives that are written down where no slope can be measured."""
    for (arguments, options), g, expected in limits:
        try:
            found = two_orders(bound(function, options), arguments, g, orders=len(expected))
        except BROKEN:
            return False
        if not all(np.allclose(a, b, rtol=1e-12, atol=0, equal_nan=True) for a, b in zip(found, expected, strict=True)):
            return False
    return True


@pytest.mark.parametrize("name", [name for name in OPS if ROW[name].limits])
def test_an_op_keeps_its_limits(name):
    assert keeps_its_limits(OPS[name], ROW[name].limits)


@pytest.mark.parametrize("name", OPS)
def test_every_mutant_of_every_formula_is_caught(name):
    made = mutants(OPS[name])
    seen = ROW[name].seen
    left = [m for m in made if keeps_its_limits(m.function, ROW[name].limits)] if ROW[name].limits else made
    calls = calls_of(name)
    right = cache(lambda seed, order: given(OPS[name], seen, seed, calls[seed], order))
    equivalent = set(EQUIVALENT.get(name, {}))
    alike = [m for m in left if not caught(m, tries(calls), seen, right)]  # here, but perhaps not beside these calls
    missed = {str(m) for m in alike if str(m) in equivalent or not caught(m, tries(calls), seen)}
    print(f"{name}: {len(made) - len(missed)} of {len(made)} mutants caught")
    assert missed == equivalent


def test_the_list_of_equivalent_mutants_names_ops_that_are_there():
    assert set(EQUIVALENT) <= set(OPS)
    assert all(reason for reasons in EQUIVALENT.values() for reason in reasons.values())
