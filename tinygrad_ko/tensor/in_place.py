"""In place: `x *= y`, `x[index] = y`, `np.add(x, y, out=x)`.

Where nothing is recorded, of constants and of leaves under `no_grad()`, the array of x is written to, as NumPy does. Where something is
recorded the new value is computed in an array of its own, and x takes that array and its node. Every name of x sees the new value; graphs
that were recorded before, and what was cut from x, keep the old one. A leaf cannot be changed so: its gradient is the one for the values it
has. Nor can a result under `no_grad()`: its node would keep the gradient of the old value.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.arrays.lists import joined
from tinygrad_ko.engine.graph import Handle, Leaf, current
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import indexing
from tinygrad_ko.ops.elementwise import astype
from tinygrad_ko.ops.inputs import unwrapped
from tinygrad_ko.ops.views import base_of
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.tensor import views

_NOTHING = nullcontext()
_ITEM = ("x[index] = y", "x = tg.where(mask, y, x)", "w.data[index] = y")


def augmented(symbol: str, change: Callable[..., Any], compute: Callable[..., Any], update: str = "") -> Any:
    """The method of an operator in place, such as `*=`, from what it does to an array and from the operator that is recorded."""
    words = (f"x {symbol}= y", f"x = x {symbol} y", update or f"w.data {symbol}= y")

    def changed(self: Any, other: Any) -> Any:
        other = joined(other)
        with writing(self, words, other):
            if is_recorded(self, other):
                _require_no_leaf(self, words)
                _become(self, compute(self, other), words)
            else:
                self.data = change(changeable(self, words[0]), _bare(other))  # of another library it may be a new array
        return self

    return changed


def assign(x: Any, index: Any, value: Any) -> None:
    """x[index] = value."""
    value = joined(value)
    if not (hasattr(value, "_view_of") and views.is_written(x, index, value)):
        _store(x, index, value)


def _store(x: Any, index: Any, value: Any) -> None:
    with writing(x, _ITEM, value):
        _assign(x, index, value)


def _assign(x: Any, index: Any, value: Any) -> None:
    if is_recorded(x, value):
        _require_no_leaf(x, _ITEM)
        _become(x, indexing.assigned(x, indexing.plain(index), value), _ITEM)
    elif type(x._array) is np.ndarray or isinstance(x._array, np.generic) or hasattr(x._array, "traced_call"):
        changeable(x, _ITEM[0])[unwrapped(index)] = _bare(value)
    else:  # arrays of other libraries may be immutable
        changeable(x, _ITEM[0])
        x.data = indexing.assigned(x.stable_array(), indexing.plain(index), _bare(value))


def write_out(x: Any, value: Any, wrote: str, instead: str) -> Any:
    """x, after it has taken a value of its shape, as `out=x` takes a result: by a call that is `wrote`."""
    words = (wrote, instead, "w.data[...] = y")
    with writing(x, words, value):
        if is_recorded(x, value):
            _require_no_leaf(x, words)
            _become(x, value if isinstance(value, Handle) else type(x)(value), words)
        else:
            changeable(x, wrote)
            _assign(x, ..., value)
    return x


def writing(x: Any, words: tuple[str, str, str] = _ITEM, *values: Any) -> AbstractContextManager[None]:
    """Around what writes such values to x, which may be a view: then the Tensor that it is a view of must be one that can be written to."""
    if not hasattr(x, "_view_of"):
        return _NOTHING
    base = base_of(x)
    while base is not None:
        if is_recorded(base, *values):
            _require_no_leaf(base, words)
        else:
            changeable(base, words[0])
        base = base_of(base)
    return views.written_through(x, _store)


def changeable(x: Any, wrote: str) -> Any:
    """The array of a constant or of a leaf, to be written to by a call or statement that is `wrote`. Raises TypeError for a result,
    which is changed where that is recorded.
    """
    if x._node is not None and not isinstance(x._node, Leaf):
        raise explain(
            TypeError(
                f"{wrote} under tg.no_grad() would change a result that is in a graph, and the gradient would ignore it; change it where "
                "that is recorded, outside of tg.no_grad(), or, if the gradient is to ignore the change, write x.data[...] = y, or "
                "change x.detach()"
            ),
            f"{wrote}: 계산 그래프에 있는 결과를 tg.no_grad() 안에서 제자리에서 바꾸면 기울기는 그 변화를 모릅니다. tg.no_grad() 밖, 곧 "
            "기록되는 곳에서 바꾸십시오. 기울기가 몰라도 되는 변화라면 x.data[...] = y를 쓰거나 x.detach()를 바꾸십시오.",
        )
    return x.writable_array()


def is_recorded(*values: Any) -> bool:
    """Whether an op on these values would be recorded."""
    for value in values:
        if isinstance(value, Handle) and value._node is not None:
            return current.get().record
    return False


def _require_no_leaf(x: Handle, words: tuple[str, str, str]) -> None:
    """Raise TypeError if x is a leaf. The `words` are what was written, what makes a new value, and what updates a parameter."""
    wrote, instead, update = words
    if isinstance(x._node, Leaf):
        raise explain(
            TypeError(
                f"{wrote} would change a leaf of the graph (made with requires_grad=True, or given to a function by tg.func or "
                f"tg.compile); write {instead}, or, to change the values of a parameter between steps, {update} or {wrote} under "
                "tg.no_grad()"
            ),
            f"{wrote}: requires_grad=True로 만든 Tensor와 tg.func나 tg.compile이 함수에 넘긴 Tensor는 제자리에서 바꿀 수 없습니다. "
            f"새 값을 만들 때: {instead}. 학습 단계 사이에 매개변수의 값을 바꿀 때: {update} 또는 tg.no_grad() 안에서 {wrote}",
        )


def _become(x: Handle, made: Handle, words: tuple[str, str, str]) -> None:
    """Give x the array and the node of a new value. Raises ValueError for another shape, TypeError where the dtype of x has no gradient."""
    wrote, instead, _ = words
    if made._array.shape != x._array.shape:
        new, old = made._array.shape, x._array.shape
        raise explain(
            ValueError(
                f"{wrote} would give x of shape {old} the shape {new}; a shape does not change in place: write {instead}"
            ),
            f"{wrote}: 제자리에서는 형상이 바뀌지 않습니다. x의 형상: {old}, 새 값의 형상: {new}. 다음과 같이 쓰십시오: {instead}",
        )
    own = x._array.dtype
    if made._node is not None and not is_floating(own):
        raise explain(
            TypeError(
                f"{wrote}: x holds {own}, which has no gradient, so that of y would be lost; make x with dtype=float"
            ),
            f"{wrote}: x의 자료형 {own}에는 기울기를 정의할 수 없어 y의 기울기가 끊어집니다. x를 dtype=float으로 만드십시오.",
        )
    if made._array.dtype != own:
        made = astype(made, own)
    at_once(setattr, [*x.replacing(made._array), (x, "_node", made._node)])()


def _bare(value: Any) -> Any:
    return value.stable_array() if isinstance(value, Handle) else value
