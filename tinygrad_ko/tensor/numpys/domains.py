"""The functions of numpy.emath, which are complex outside the domains of NumPy's own: inside they are these, elsewhere they are refused."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, exponential, hyperbolic, trigonometric
from tinygrad_ko.ops.inputs import as_floating, as_operand, unwrapped
from tinygrad_ko.tensor.numpys.table import Table, named


def _inside(x: Any, name: str, low: float, high: float, domain: str) -> Any:
    """An operand whose numbers, but for NaN, are in the domain."""
    x = as_floating(x, name)
    values = unwrapped(x)
    if ((values < low) | (values > high)).any():
        raise explain(
            TypeError(
                f"np.emath.{name} is not supported on a Tensor where {domain} does not hold: its results are complex there; choose the "
                f"numbers where it holds, or, where no gradient is wanted, compute on x.numpy()"
            ),
            f"np.emath.{name}: 다음 조건을 벗어나면 결과가 복소수이므로 Tensor에서 지원하지 않습니다: {domain}. 조건에 맞는 수만 "
            "고르거나, 기울기가 필요 없다면 x.numpy()로 배열을 꺼내 쓰십시오.",
        )
    return x


def _within(function: Callable[..., Any], name: str, low: float, high: float, domain: str) -> Callable[..., Any]:
    return lambda x: function(_inside(x, name, low, high, domain))


def _above_0(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    return _within(function, name, 0, np.inf, "x >= 0")


def _up_to_1(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    return _within(function, name, -1, 1, "-1 <= x <= 1")


def _logn(n: Any, x: Any) -> Any:
    return elementwise.log(_inside(x, "logn", 0, np.inf, "x >= 0")) / elementwise.log(
        _inside(n, "logn", 0, np.inf, "n >= 0")
    )


def _power(x: Any, p: Any) -> Any:
    x = _inside(x, "power", 0, np.inf, "x >= 0")
    return elementwise.pow(x, as_operand(p, "power"))


FUNCTIONS: Table = {
    **named(np.emath, (_logn, _power)),
    np.emath.sqrt: _above_0(elementwise.sqrt, "sqrt"),
    np.emath.log: _above_0(elementwise.log, "log"),
    np.emath.log2: _above_0(exponential.log2, "log2"),
    np.emath.log10: _above_0(exponential.log10, "log10"),
    np.emath.arccos: _up_to_1(trigonometric.acos, "arccos"),
    np.emath.arcsin: _up_to_1(trigonometric.asin, "arcsin"),
    np.emath.arctanh: _up_to_1(hyperbolic.atanh, "arctanh"),
}
