"""Activations as layers, to stand between others in a Sequential: each is the function of its name."""

from typing import Any

from tinygrad_ko.nn.module import Module
from tinygrad_ko.ops import hyperbolic
from tinygrad_ko.ops.inputs import require_one_of
from tinygrad_ko.ops.networks import activations as activation


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Any) -> Any:
        return activation.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        return hyperbolic.tanh(x)


class Relu(Module):
    """The larger of x and 0."""

    def forward(self, x: Any) -> Any:
        return activation.relu(x)


class LeakyRelu(Module):
    """x where it is above 0, else `negative_slope` * x."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return activation.leaky_relu(x, negative_slope=self.negative_slope)


class Elu(Module):
    """x where it is above 0, else `alpha` * (exp(x) - 1)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return activation.elu(x, alpha=self.alpha)


class Softplus(Module):
    """log(1 + exp(x)), a smooth relu."""

    def forward(self, x: Any) -> Any:
        return activation.softplus(x)


class Gelu(Module):
    """x times the probability that a standard normal number is at most x; `approximate="tanh"` is the older formula.

    Raises ValueError if `approximate` is neither "none" nor "tanh".

    >>> from tinygrad_ko.nn import Affine, Sequential
    >>> model = Sequential(Affine(4, 8), Gelu(approximate="tanh"), Affine(8, 1))
    """

    def __init__(self, approximate: str = "none") -> None:
        require_one_of(("none", "tanh"), approximate, "gelu", "approximate")
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return activation.gelu(x, approximate=self.approximate)


class Silu(Module):
    """x * sigmoid(x)."""

    def forward(self, x: Any) -> Any:
        return activation.silu(x)
