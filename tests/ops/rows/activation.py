"""Activations."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import Row, elementwise_call, real, with_options
from tests.ops.rows.error_function import erfc
from tinygrad_ko.ops.networks import activations as activation


def probability(rng, size):
    """Well between 0 and 1."""
    return rng.uniform(0.05, 0.95, size)


def between_limits(rng, size):
    """No -3 and no 3 within 0.2."""
    return rng.choice([-4.2, -2.0, -0.5, 0.5, 2.0, 4.2], size) + rng.uniform(-0.7, 0.7, size)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


def gelu(x, approximate="none"):
    cubic = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return x * (erfc(-x / np.sqrt(2)) if approximate == "none" else 1 + np.tanh(cubic)) / 2


FAR_OUT: Any = (((np.array([-1e200, 0.5]),), {}), ((np.array([1e200, 0.5]),), {}))  # the cube is infinite

ROWS: dict[Callable[..., Any], Row] = {
    activation.sigmoid: Row(elementwise_call(real), logistic),
    activation.one_minus_sigmoid: Row(elementwise_call(real), lambda x: logistic(-x)),
    activation.logit: Row(elementwise_call(probability), lambda x: np.log(x / (1 - x))),
    activation.logit_slope: Row(elementwise_call(probability), lambda x: 1 / (x - x * x)),
    activation.relu: Row(elementwise_call(real), lambda x: x * (x > 0)),
    activation.leaky_relu: Row(
        with_options({"negative_slope": st.sampled_from([0.01, 0.3, -1.0])}),
        lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
    ),
    activation.leaky_relu_slope: Row(
        with_options({"negative_slope": st.sampled_from([0.01, 0.3, -1.0])}),
        lambda x, negative_slope: np.where(x > 0, 1, negative_slope),
    ),
    activation.elu: Row(with_options({"alpha": st.sampled_from([0.5, 1.0, 2])}), elu),
    activation.selu: Row(elementwise_call(real), lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772)),
    activation.softplus: Row(elementwise_call(real), lambda x: np.log(1 + np.exp(x))),
    activation.silu: Row(elementwise_call(real), lambda x: x * logistic(x)),
    activation.mish: Row(elementwise_call(real), lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    activation.gelu: Row(with_options({"approximate": st.sampled_from(["none", "tanh"])}), gelu),
    activation.exact_gelu: Row(elementwise_call(real), gelu),
    activation.tanh_gelu: Row(elementwise_call(real), lambda x: gelu(x, "tanh"), FAR_OUT),
    activation.hardsigmoid: Row(elementwise_call(between_limits), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    activation.step_function: Row(elementwise_call(real), lambda x: np.heaviside(x, 0)),
    activation.identity_function: Row(elementwise_call(real), lambda x: x),
    activation.unchanged: Row(elementwise_call(real), lambda x: x),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "elu": {
        "elu.x: wrong constant: g * where(x > 0, 1, alpha * exp(minimum(x, 1)))": "above 0 it is not taken",
        "elu.x: swapped operands: g * where(x > 0, 1, alpha * exp(minimum(0, x)))": "the smaller of two has no order",
    },
    "relu": {"relu.x: wrong operand: where(x > 0, g, 0), x for out": "x > 0 exactly where out > 0"},
}
