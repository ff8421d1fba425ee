"""The parts of Student's density."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
from hypothesis import strategies as st

from tests.ops.domains import Row, elementwise_call, positive, real, with_options
from tinygrad_ko.ops.distributions import student


def constant(df, order):
    if order == 0:
        return sp.gammaln(0.5 * df + 0.5) - sp.gammaln(0.5 * df) - 0.5 * np.log(0.5 * df)
    rise = sp.polygamma(order - 1, 0.5 * df + 0.5) - sp.polygamma(order - 1, 0.5 * df)
    return 0.5**order * rise - 0.5 * (-1) ** (order - 1) * math.factorial(order - 1) / np.power(df, 1.0 * order)


EVERY_REGIME: Any = tuple(((np.array([0.7, 9.0, 45.0]),), {"order": order}) for order in (0, 1, 2))
AT_0: Any = ((np.array([0.0, -1.3, 2.0, 9.0]), np.array([1.5, 0.4, 30.0, 2.0])), {})
NORMAL: Any = (((np.array([1.5, 0.0]), np.array([math.inf, math.inf])), {}), None, [[[3.0, 0.0], [0.0, 0.0]]])

ROWS: dict[Callable[..., Any], Row] = {
    student.student_constant: Row(with_options({"order": st.integers(0, 2)}, values=positive), constant, EVERY_REGIME),
    student.student_loss: Row(
        elementwise_call(real, positive), lambda z, df: (df + 1) * np.log1p(z**2 / df), (AT_0,), limits=(NORMAL,)
    ),
    student.log1p_rest: Row(elementwise_call(positive), lambda x: np.log1p(x) - x / (1 + x)),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "student_loss": {
        "student_loss.df: wrong constant: in _share: small = ratio < 2": "between 1 and 2 both forms have all digits",
        "student_loss.df: wrong constant: in _share: return where(small, ratio / (1 + ratio), 1 - 1 / (1 + where(small, 2, ratio)))": (
            "what stands there is not taken"
        ),
    }
}
