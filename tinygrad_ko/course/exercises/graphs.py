"""Chapter 7: computational graphs and the chain rule."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import real_numbers
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_derivative, require_gradient

_SHOP = {"apple": 100.0, "apple_count": 2.0, "orange": 150.0, "orange_count": 3.0, "tax": 1.1}


def _price(apple: Any, apple_count: Any, orange: Any, orange_count: Any, tax: Any) -> Any:
    return (apple * apple_count + orange * orange_count) * tax


@exercise("7-1")
def _by_hand(gradients: Any) -> None:
    sums = _SHOP["apple"] * _SHOP["apple_count"] + _SHOP["orange"] * _SHOP["orange_count"]
    wanted = {
        "apple": _SHOP["apple_count"] * _SHOP["tax"],
        "apple_count": _SHOP["apple"] * _SHOP["tax"],
        "orange": _SHOP["orange_count"] * _SHOP["tax"],
        "orange_count": _SHOP["orange"] * _SHOP["tax"],
        "tax": sums,
    }
    if not isinstance(gradients, dict):
        raise Wrong(f"기울기 다섯 개를 담은 딕셔너리를 넘겨야 합니다. 넘긴 값의 종류: {type(gradients).__name__}")
    for name, value in wanted.items():
        if name not in gradients:
            raise Wrong(f"{name}에 대한 기울기가 없습니다.")
        found = float(real_numbers(gradients[name], shape=()))
        if not np.isclose(found, value):
            raise Wrong(
                f"{name}의 기울기를 다시 구해 보십시오(답: {found:g}). "
                f"{name}만 1 늘려 금액을 계산하면 {_price(**_SHOP):g}에서 얼마나 늘어납니까?"
            )


@exercise("7-2")
def _multiplication(mul_backward: Any) -> None:
    require_derivative(lambda x, y: x * y, mul_backward, 100.0, 2.0)
    require_derivative(lambda x, y: x * y, mul_backward, [1.0, -2.0, 3.0], [0.5, 4.0, -1.0])


@exercise("7-3")
def _addition(add_backward: Any) -> None:
    require_derivative(lambda x, y: x + y, add_backward, 200.0, 450.0)


@exercise("7-4")
def _chain(chain: Any) -> None:
    """Of exp(-(x + y)²), by the chain rule."""

    def f(x: Any, y: Any) -> Any:
        return np.exp(-((x + y) ** 2))

    require_gradient(f, chain, 0.3, 0.5)


@exercise("7-5")
def _branches(square_backward: Any) -> None:
    """Of x * x, where x is used twice: both branches add up."""
    require_derivative(lambda x: x * x, square_backward, 3.0)
