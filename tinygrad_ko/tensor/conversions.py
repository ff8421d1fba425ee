"""A Tensor as something else: an array, numbers, a truth value. Where its gradient would be lost, that is refused."""

import operator
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.opaque import TRACED
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor.methods import Operators


class Conversions(Operators):
    """A handle with the conversions of an array, which leave the graph."""

    __slots__ = ()

    def numpy(self) -> Array:
        """A copy of the values, as an array of your own."""
        return np.array(self._numbers(".numpy()"))

    def item(self) -> float | int | bool:
        """The one element, as a Python number."""
        if self.size != 1:
            raise explain(
                ValueError(f"item() needs one element, this Tensor has shape {self.shape}"),
                f"item()은 원소가 하나일 때만 쓸 수 있습니다. 형상은 {self.shape}입니다.",
            )
        return self._numbers(".item()").item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self._numbers(".tolist()").tolist()

    def _numbers(self, what: str) -> Array:
        """The array as one of NumPy's. Raises TypeError, with what was called, if it is traced and has no numbers."""
        if type(self._array) in TRACED:
            self._array.refuse_reading(what)
        return np.asarray(self._array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        self._refuse_to_leave("np.asarray(x)", "x.numpy()")
        if copy is False:
            raise explain(
                ValueError("a Tensor gives NumPy a copy of its values; its array itself is x.data"),
                "Tensor는 값을 복사해서 넘깁니다. 배열 자체가 필요하면 x.data를 쓰십시오.",
            )
        return np.array(self._array, dtype=dtype)

    def __float__(self) -> float:
        self._refuse_to_leave("float(x)", "x.item()")
        return float(self.item())

    def __complex__(self) -> complex:
        self._refuse_to_leave("complex(x)", "complex(x.item())")
        return complex(self.item())

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        """The memory of the array, for other libraries: what they write there reaches no graph, as with `data`."""
        self._refuse_to_leave("x.__dlpack__()", "x.detach()")
        return self.writable_array().__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device, copy=copy)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def __int__(self) -> int:
        self._refuse_to_leave("int(x)", "int(x.item())")
        return int(self.item())

    def __round__(self, digits: int | None = None) -> Any:
        self._refuse_to_leave("round(x)", "round(x.item())")
        return round(self.item(), digits)

    def __index__(self) -> int:
        try:
            return operator.index(self._array)
        except TypeError:
            raise explain(
                TypeError(
                    f"an index is one integer, not a Tensor of shape {self.shape} and dtype {self.dtype}; write int(x.item())"
                ),
                f"인덱스는 정수 하나여야 합니다. Tensor의 형상: {self.shape}, 자료형: {self.dtype}. 다음과 같이 쓰십시오: int(x.item())",
            ) from None

    def __bool__(self) -> bool:
        if self.size > 1:
            raise explain(
                ValueError(
                    f"the truth value of a Tensor of shape {self.shape} is ambiguous; write (x > 0).any() or (x > 0).all(), or "
                    "tg.where(x > 0, a, b) to choose element by element"
                ),
                f"형상이 {self.shape}인 Tensor는 참인지 거짓인지 정할 수 없습니다. (x > 0).any()나 (x > 0).all()을 쓰고, 원소마다 고르려면 "
                "tg.where(x > 0, a, b)를 쓰십시오.",
            )
        return bool(self._array)

    def _refuse_to_leave(self, call: str, cure: str) -> None:
        self._numbers(call)
        if self._node is not None:
            raise _lost(call, cure)


def _lost(call: str, cure: str) -> Exception:
    """A Tensor that requires a gradient is asked for its values: a TypeError, but in a function of another library a RuntimeError, as of a
    TypeError some make an error of their own.
    """
    from tinygrad_ko.tensor.outside import asking, instead

    if function := asking():
        english, korean = instead(function)
        return explain(
            RuntimeError(
                f"{call} in {function} would lose the gradient of this Tensor; {english}; write {cure} if its value alone is wanted"
            ),
            f"{function}에서 부른 {call}: 기울기가 끊어지므로 허용하지 않습니다. {korean} 값만 필요하다면 다음과 같이 쓰십시오: {cure}",
        )
    return explain(
        TypeError(
            f"{call} would lose the gradient of this Tensor; write {cure} for its value alone, as for a plot, or "
            "tg.stack([x, y]) to make one Tensor of several; what is filled with y[i] = x is a Tensor, y = tg.zeros(n), not an array"
        ),
        f"{call}: 기울기가 끊어지므로 허용하지 않습니다. 그림을 그릴 때처럼 값만 필요하다면 다음과 같이 쓰십시오: {cure}. "
        "여러 Tensor를 하나로 모으려면 다음과 같이 쓰십시오: tg.stack([x, y]). y[i] = x로 채울 때는 배열 대신 y = tg.zeros(n)을 "
        "쓰십시오.",
    )
