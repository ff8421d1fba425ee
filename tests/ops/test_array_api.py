"""Every op runs on the arrays of any library that follows the array API standard, values and gradients of both orders.

The library here, array-api-strict, has nothing but the standard: a NumPy habit in a forward or a formula is an error in it.
"""

import warnings
from typing import Any

import array_api_strict
import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.domains import sample
from tests.ops.table import ROWS
from tests.ops.test_rules import bound

ROW = {f.__name__: (f, row) for f, row in ROWS.items()}


def strict(value: Any) -> Any:
    """The same value with arrays of the other library."""
    if isinstance(value, list | tuple):
        return type(value)(map(strict, value))
    if isinstance(value, np.dtype | type):
        return getattr(array_api_strict, np.dtype(value).name)
    return array_api_strict.asarray(value) if isinstance(value, np.ndarray | np.generic) else value


def orders(f, arguments, cotangents, convert):
    """The value, the first gradients, and the gradients of their squares: arrays of whatever library the arguments are of."""
    leaves = [
        tg.Tensor(convert(a), requires_grad=True) if isinstance(a, np.ndarray) and a.dtype == float else convert(a)
        for a in arguments
    ]
    xs = [x for x in leaves if isinstance(x, tg.Tensor)]
    y = f(*leaves)
    if not xs or not y.requires_grad:
        return [y]
    firsts = tg.grad(y, xs, convert(cotangents(y.shape)), create_graph=True, allow_unused=True)
    total = sum((tg.sum(first * first) for first in firsts), start=tg.sum(y))
    total.backward()
    return [y, *firsts, *(tg.Tensor(x.grad) for x in xs)]


def on(convert, function, arguments, options, seen):
    rng = np.random.default_rng(0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # NumPy's about the mean of nothing
        f = bound(function, {name: convert(value) for name, value in options.items()}, seen)
        return orders(f, arguments, lambda shape: np.asarray(rng.normal(size=shape)), convert)


def test_a_list_can_be_the_starting_gradient():
    x: Any = tg.Tensor(strict(np.array([1.0, 2.0], np.float32)), requires_grad=True)
    (x * x).backward([1.0, 10.0])
    assert np.asarray(x.grad).tolist() == [2, 40]
    assert x.grad.dtype == array_api_strict.float32
    tg.sum(x).backward(2)
    assert np.asarray(x.grad).tolist() == [4, 42]


@pytest.mark.parametrize("name", ROW)
def test_it_runs_on_arrays_of_the_standard(name):
    function, row = ROW[name]
    for arguments, options in sample(row, 12):
        ours = on(lambda value: value, function, arguments, options, row.seen)
        theirs = on(strict, function, arguments, options, row.seen)
        for a, b in zip(ours, theirs, strict=True):
            assert isinstance(getattr(b, "data", b), type(array_api_strict.zeros(1)))
            assert np.asarray(getattr(b, "data", b)).dtype == getattr(a, "data", a).dtype
            np.testing.assert_allclose(getattr(b, "data", b), getattr(a, "data", a), rtol=1e-10, atol=1e-10)
