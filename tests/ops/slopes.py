"""Slopes at given points: what the tests of conventions ask for."""

from typing import Any

import numpy as np

import tinygrad_ko as tg


def slopes(f, *points):
    """The gradients of the sum of f in each of its arguments, as lists."""
    leaves: list[Any] = [tg.Tensor(p, requires_grad=True) for p in points]
    f(*leaves).backward(np.ones(np.broadcast_shapes(*(np.shape(p) for p in points))))
    return [leaf.grad.tolist() for leaf in leaves]


def derivatives(f, x, orders):
    """The value of f at a number and its derivatives, each the gradient of the one before."""
    x = tg.Tensor(float(x), requires_grad=True)
    found = [f(x)]
    for _ in range(orders):
        found.append(tg.grad(found[-1], x, create_graph=True))
    return [y.item() for y in found]


def hessian(f, *points):
    """The second derivatives of a function of numbers: a row of slopes for each of its first ones."""
    leaves = [tg.Tensor(float(p), requires_grad=True) for p in points]
    first = tg.grad(f(*leaves), leaves, create_graph=True)
    return [[slope.item() for slope in tg.grad(y, leaves, allow_unused=True)] for y in first]


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def two_orders(f, points, g=None, orders=2):
    """The gradients of the sum of g * f in each of its arguments, and for `orders=2` those of the sums of each of these."""
    leaves: list[Any] = [tg.Tensor(p, requires_grad=True) for p in points]
    with np.errstate(all="ignore"):
        y = f(*leaves)
        first = tg.grad(y, leaves, np.ones(y.shape) if g is None else g, create_graph=orders > 1)
        found = [[slope.tolist() for slope in first]]
        if orders > 1:
            second = [tg.grad(slope, leaves, np.ones(slope.shape), allow_unused=True) for slope in first]
            found.append([[slope.tolist() for slope in row] for row in second])
    return found
