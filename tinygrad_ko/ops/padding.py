"""A border around an array: of one number, or of the elements near its edges."""

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_integers, as_operand, require_one_of
from tinygrad_ko.ops.networks.activations import identity_function
from tinygrad_ko.ops.shape import along, broadcast_to, concat, flip

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
        if before or after:
            x = concat([_border(x, axis, before, mode, "before"), x, _border(x, axis, after, mode, "after")], axis=axis)
    return x if any(map(any, widths)) else identity_function(x)


def _border(x, axis, width, mode, side):
    length, first = x.shape[axis], side == "before"
    widest = {"edge": width if length else 0, "reflect": max(length - 1, 0)}.get(mode, length)
    if width > widest:
        raise explain(
            ValueError(
                f"pad: mode {mode!r} can put at most {widest} elements {side} axis {axis} of length {length}, not {width}"
            ),
            f"pad: mode가 {mode!r}이면 길이가 {length}인 축 {axis}의 {'앞' if first else '뒤'}에는 최대 {widest}개까지 덧붙일 수 있습니다. "
            f"받은 값: {width}",
        )
    if mode == "edge":
        outermost = x[along(axis, slice(0, 1) if first else slice(length - 1, length))]
        return broadcast_to(outermost, (*x.shape[:axis], width, *x.shape[axis + 1 :]))
    if mode == "wrap":
        return x[along(axis, slice(length - width, length) if first else slice(0, width))]
    skipped = mode == "reflect"
    near = slice(skipped, skipped + width) if first else slice(length - skipped - width, length - skipped)
    return flip(x[along(axis, near)], axis)


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
