"""The functions of the book that `tg` does not have under another roof: derivatives of activations, and the loss of scores."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.nn.book.layers import array_or_number, flat_labels, leaf
from tinygrad_ko.ops.networks.activations import relu, sigmoid
from tinygrad_ko.ops.networks.losses import softmax_cross_entropy
from tinygrad_ko.tensor.tensor import grad


def sigmoid_grad(x: Any) -> Any:
    """The derivative of the sigmoid at each number of x.

    >>> sigmoid_grad(np.array([0.0, 2.0])).round(3)
    array([0.25 , 0.105])
    """
    return _derivative(sigmoid, x)


def relu_grad(x: Any) -> Any:
    """The derivative of relu at each number of x: 1 above 0, else 0.

    >>> relu_grad(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    return _derivative(relu, x)


def _derivative(f: Callable[[Any], Any], x: Any) -> Any:
    point = leaf(x)
    return array_or_number(grad(f(point), point, np.ones(point.shape, point.dtype)))


def softmax_loss(X: Any, t: Any) -> Any:
    """The mean cross entropy of the softmax of scores, exact.

    >>> float(softmax_loss(np.array([[0.0, 0.0]]), np.array([1])))
    0.6931471805599453
    """
    return softmax_cross_entropy(X, flat_labels(t, X))
