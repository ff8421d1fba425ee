"""Every op of the rule book compiles: values and gradients of both orders have the bits of the eager engine, whatever the numbers are."""

import re
import warnings

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.domains import sample
from tests.ops.test_array_api import ROW
from tests.ops.test_rules import bound
from tinygrad_ko.compiler import compilation
from tinygrad_ko.compiler.program.blocks import with_loops

# Of what the function holds, a mask or counts say which shape the result has.
REFUSED = {
    "getitem": "a mask as an index of a traced array",
    "setitem": "a mask as an index of a traced array",
    "scatter": "a mask as an index of a traced array",
    "repeat": r"np.asarray\(\) of a traced array",
    "repeat_each": r"np.repeat\(\), whose shape depends on it",
    "add_runs": r"np.asarray\(\) of a traced array",
}

# NumPy 2.1 multiplies matrices whose rows are one row repeated without BLAS; a program has such a matrix in another layout here.
BY_LAYOUT = {"projection"} if np.lib.NumpyVersion(np.__version__) < "2.2.0" else set()

OTHERS = [  # other numbers in the same shapes, for which the code of an op takes other branches
    lambda x: 30 * x,
    lambda x: 0 * x,
    lambda x: 2 * np.round(x / 2),
    lambda x: np.where(np.arange(x.size).reshape(x.shape) % 3 == 1, np.nan, x),
    lambda x: np.where(np.arange(x.size).reshape(x.shape) % 4 == 1, np.inf, x),
]


def both_orders(function, row, options, arguments):
    """A function that gives the value, the first gradients, and the gradients of their squares."""
    f = bound(function, options, row.seen)
    floats = [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray) and a.dtype == float]

    def run(*arguments):
        xs = [tg.Tensor(a, requires_grad=True) if i in floats else a for i, a in enumerate(arguments)]
        y, leaves = f(*xs), [xs[i] for i in floats]
        if not isinstance(y, tg.Tensor) or not y.requires_grad:
            return [y.numpy() if isinstance(y, tg.Tensor) else y]
        firsts = tg.grad(y, leaves, np.full(y.shape, 0.7, y.dtype), create_graph=True, allow_unused=True)
        sum((tg.sum(d * d) for d in firsts), start=tg.sum(y)).backward()
        return [y.detach(), *[d.detach() for d in firsts], *[x.grad for x in leaves]]

    return run, floats


def outcome(run, arguments):
    """What a call gives, or the error that it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return [np.asarray(getattr(x, "data", x)) for x in run(*arguments)]
        except (ArithmeticError, ValueError, IndexError, np.linalg.LinAlgError) as error:
            return [repr(error)]


def require_equal(ours, theirs):
    assert [getattr(x, "dtype", x) for x in ours] == [getattr(x, "dtype", x) for x in theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert a == b if isinstance(a, str) else np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def require_near(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a == b if isinstance(a, str) else np.allclose(a, b, rtol=1e4 * np.finfo(a.dtype).eps, equal_nan=True)


@pytest.mark.parametrize("name", ROW)
def test_a_row_compiles_to_the_same_bits(name):
    function, row = ROW[name]
    calls = sample(row, 24 if name in REFUSED else 4)
    largest = calls[len(row.corners) :][:1]
    refused = []
    for arguments, options in calls if name in REFUSED else largest:
        run, floats = both_orders(function, row, options, arguments)
        compiled = tg.compile(run)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                compiled(*arguments)
            except TypeError as error:
                refused.append(str(error))
                continue
            others = [[other(a) if k in floats else a for k, a in enumerate(arguments)] for other in OTHERS]
            single = [[a.astype(np.float32) if k in floats else a for k, a in enumerate(arguments)]]
        for given in (arguments, *others, *single):
            (require_near if name in BY_LAYOUT else require_equal)(outcome(run, given), outcome(compiled, given))
    assert bool(refused) == (name in REFUSED), refused
    for message in refused:
        assert re.search(f"compile: {REFUSED[name]}", message)


def test_what_lies_in_memory_in_two_orders_is_added_up_as_the_engine_does():
    rng = np.random.default_rng(0)
    scores, t = rng.normal(size=(40, 9, 8)), np.asfortranarray(rng.random((9, 8)))
    compiled = tg.compile(tg.softmax_cross_entropy)
    assert all(compiled(x, t) == tg.softmax_cross_entropy(x, t) for x in scores)


def test_few_rows_are_refused():
    assert REFUSED.keys() <= ROW.keys()
    assert len(REFUSED) <= 10


IN_BLOCKS = [
    "multiply",
    "where",
    "exp",
    "sigmoid",
    "exact_gelu",
    "softplus",
    "elu",
    "erf",
    "logaddexp",
    "log_softmax",
    "standardize",
    "var",
]


@pytest.mark.parametrize("name", IN_BLOCKS)
def test_in_blocks_only_sums_differ(name, monkeypatch):
    monkeypatch.setattr(compilation, "with_loops", lambda results, effects: with_loops(results, effects, 1, 64))
    function, row = ROW[name]
    for arguments, options in sample(row, 4):
        run, _ = both_orders(function, row, options, arguments)
        for a, b in zip(outcome(run, arguments), outcome(tg.compile(run), arguments), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-13, atol=1e-13 * max(1, np.abs(a).max(initial=0)))
