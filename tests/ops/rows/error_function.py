"""The error function, and the normal distribution."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import Row, elementwise_call, real, with_options
from tinygrad_ko.ops import error_function

erfc = np.vectorize(math.erfc, otypes=[float])


ROWS: dict[Callable[..., Any], Row] = {
    error_function.erf: Row(elementwise_call(real), np.vectorize(math.erf, otypes=[float])),
    error_function.erfc: Row(elementwise_call(real), erfc),
    error_function.normal_cdf: Row(elementwise_call(real), lambda x: erfc(-x / math.sqrt(2)) / 2),
    error_function.gaussian: Row(
        with_options({"rate": st.sampled_from([0.5, 1])}), lambda x, rate: np.exp(-rate * x * x)
    ),
}
