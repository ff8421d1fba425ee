"""A border around an array: of one number, or of the elements near its edges."""

import numpy as np

from tinygrad_ko.arrays.dtypes import moves
from tinygrad_ko.arrays.library import beside, is_floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_integers, as_operand, require_one_of
from tinygrad_ko.ops.networks.activations import identity_function
from tinygrad_ko.ops.shape import along

_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


@op(name="pad", x=lambda g, index: g[index])
def surround(xp, x, *, shape, index, value):
    """x at an index, in an array of that shape that is full of one number."""
    if value % 1 and not is_floating(x.dtype):
        raise explain(
            ValueError(f"{value} cannot stand in an array of {x.dtype}"),
            f"{x.dtype} 배열에는 {value} 값을 넣을 수 없습니다.",
        )
    out = xp.full(shape, value, dtype=x.dtype)
    out[index] = x
    return out


def pad(x, pad_width, mode="constant", *, constant_values=0):
    """x with a border along each axis, so many elements before it and after it.

    `pad_width` is one int, a pair (before, after) for all axes, or a list with a pair for each axis. The border holds, by `mode`,

        "constant"   the number `constant_values`: its gradient ends there
        "edge"       the outermost element, again and again:          a a | a b c d | d d
        "reflect"    what lies inside, mirrored at the edge element:  c b | a b c d | c b
        "symmetric"  what lies inside, mirrored behind it:            b a | a b c d | d c
        "wrap"       what lies at the other end:                      c d | a b c d | a b

    Raises ValueError for another mode, a negative width, widths that do not fit the axes, and a border wider than what it shows (reflect:
    the length of the axis less 1, symmetric and wrap: its length), TypeError for widths that are no integers and for `constant_values` that
    are not one number.

    >>> import tinygrad_ko as tg
    >>> tg.pad([1.0, 2.0, 3.0], (1, 2))
    array([0., 1., 2., 3., 0., 0.])
    >>> tg.pad([[1.0, 2.0], [3.0, 4.0]], [(0, 1), (1, 0)], "edge")
    array([[1., 1., 2.],
           [3., 3., 4.],
           [3., 3., 4.]])
    """
    x = as_operand(x, "pad")
    widths = _pairs(pad_width, x.ndim)
    require_one_of(_MODES, mode, "pad", "mode")
    if not isinstance(constant_values, int | float | np.number) or (mode != "constant" and constant_values != 0):
        raise explain(
            TypeError(f"pad: constant_values must be one number, for mode 'constant' alone, not {constant_values!r}"),
            f"pad: constant_values는 mode가 'constant'일 때만 쓰며 숫자 하나여야 합니다. 받은 값: {constant_values!r}",
        )
    if mode == "constant":
        shape = tuple([before + n + after for n, (before, after) in zip(x.shape, widths, strict=True)])
        index = tuple([slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True)])
        return surround(x, shape=shape, index=index, value=np.asarray(constant_values).item())
    for axis, (before, after) in enumerate(widths):
        _require_shown(x.shape, axis, before, mode, "before", "앞")
        _require_shown(x.shape, axis, after, mode, "after", "뒤")
    return border(x, widths=tuple(map(tuple, widths)), mode=mode) if any(map(any, widths)) else identity_function(x)


@op(name="pad", x=lambda g, widths, mode: without_border(g, widths=widths, mode=mode))
@moves
def border(xp, x, *, widths, mode):
    """x with a border that shows its own elements."""
    if isinstance(x, np.ndarray):
        return np.pad(x, widths, mode)
    for axis, sides in enumerate(widths):
        x = xp.take(x, beside(x, np.pad(np.arange(x.shape[axis]), sides, mode)), axis=axis)
    return x


@op(name="pad", x=lambda g, widths, mode: border(g, widths=widths, mode=mode))
def without_border(xp, x, *, widths, mode):
    """x without its border, which is added to the elements that it shows."""
    for axis, (before, after) in reversed([(axis, sides) for axis, sides in enumerate(widths) if any(sides)]):
        stop = x.shape[axis] - after
        borders = x[along(axis, slice(before))], x[along(axis, slice(stop, None))]
        x = xp.asarray(x[along(axis, slice(before, stop))], copy=True)
        for part, shown in zip(borders, _shown(mode, stop - before, before, after), strict=True):
            if part.shape[axis]:
                part = xp.sum(part, axis=axis, keepdims=True) if mode == "edge" else part
                part = xp.flip(part, axis=axis) if mode in ("reflect", "symmetric") else part
                x[along(axis, shown)] += part
    return x


def _shown(mode, n, before, after):
    """Which of n elements the borders before and after them show."""
    return {
        "edge": (slice(1), slice(n - 1, n)),
        "reflect": (slice(1, 1 + before), slice(n - 1 - after, n - 1)),
        "symmetric": (slice(before), slice(n - after, n)),
        "wrap": (slice(n - before, n), slice(after)),
    }[mode]


def _require_shown(shape, axis, width, mode, side, korean):
    length = shape[axis]
    widest = {"edge": width if length else 0, "reflect": max(length - 1, 0)}.get(mode, length)
    if width > widest:
        raise explain(
            ValueError(
                f"pad: mode {mode!r} can put at most {widest} elements {side} axis {axis} of length {length}, not {width}"
            ),
            f"pad: mode가 {mode!r}이면 길이가 {length}인 축 {axis}의 {korean}에는 최대 {widest}개까지 덧붙일 수 있습니다. "
            f"받은 값: {width}",
        )


def _pairs(pad_width, ndim):
    try:
        widths = np.broadcast_to(np.asarray(as_integers(pad_width, "pad", "pad_width")), (ndim, 2))
    except ValueError:
        raise explain(
            ValueError(f"pad: pad_width must be one int, one pair or {ndim} pairs, one for each axis, not {pad_width}"),
            f"pad: pad_width는 정수 하나, (앞, 뒤) 한 쌍, 또는 축마다 한 쌍씩 {ndim}쌍이어야 합니다. 받은 값: {pad_width}",
        ) from None
    if (widths < 0).any():
        raise explain(
            ValueError(f"pad: a width cannot be negative, got {pad_width}; take a slice to make an array smaller"),
            f"pad: 덧붙일 너비는 0 이상이어야 합니다. 배열을 줄이려면 x[1:-1]처럼 자르십시오. 받은 값: {pad_width}",
        )
    return widths.tolist()
