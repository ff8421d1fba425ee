"""NumPy's functions that write: those with `out=`, `np.add.at`, `np.copyto`, `np.put` and their kind. Arrays and constants are written
to, a result takes the new value as in place. Where a gradient would be lost in an array they return NotImplemented.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from tinygrad_ko.arrays.lists import joined
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, indexing, shape
from tinygrad_ko.ops.inputs import as_operand, unwrapped
from tinygrad_ko.tensor.in_place import assign, changeable, is_recorded, write_out, writing
from tinygrad_ko.tensor.views import renew


def of_ufunc(
    name: str,
    ufunc: Any,
    method: str,
    inputs: Any,
    options: dict[str, Any],
    plain: bool,
    compute: Callable[[Any], Any],
) -> Any:
    """A ufunc with `out=`, from what it computes of its inputs; `plain` if its results have no gradient."""
    outs = options["out"]
    for x in outs:
        renew(x)  # it may be an input as well
    is_constant = not is_recorded(*outs) and (plain or not is_recorded(*map(joined, inputs)))
    if is_constant and all(map(_is_numpys, outs)):
        others = {word: unwrapped(value) for word, value in options.items()}
        with ExitStack() as stack:
            for x in outs:
                stack.enter_context(writing(x))
            others["out"] = tuple(_writable(x, f"{name}(..., out=x)") for x in outs)
            results = getattr(ufunc, method)(*map(unwrapped, inputs), **others)
        return outs[0] if len(outs) == 1 else tuple(r if x is None else x for x, r in zip(outs, results, strict=True))
    out, where = outs[0], unwrapped(options.get("where", True))
    if method != "__call__" or options.keys() - {"out", "where"} or len(outs) > 1 or not _is_tensor(out):
        return NotImplemented
    if where is not True:  # what is not chosen is not computed: its slope may be infinite
        mask = np.broadcast_to(where, out.shape)
        out[mask] = compute([x if isinstance(x, int | float) else _stretched(x, out, name)[mask] for x in inputs])
        return out
    return write_out(out, _stretched(compute(inputs), out, name), f"{name}(..., out=x)", f"x = {name}(...)")


def of_function(name: str, value: Any, out: Any) -> Any:
    """A function of NumPy with `out=`, from its value."""
    value = as_operand(value, name)
    if value.shape != out.shape:
        raise explain(
            ValueError(f"{name}: out has shape {out.shape}, but the result has shape {value.shape}"),
            f"{name}: out의 형상은 결과의 형상과 같아야 합니다. out의 형상: {out.shape}, 결과의 형상: {value.shape}",
        )
    if not is_recorded(value, out) and _is_numpys(out):
        with writing(out):
            np.copyto(_writable(out, f"{name}(..., out=x)"), unwrapped(value))
        return out
    return write_out(out, value, f"{name}(..., out=x)", f"x = {name}(...)") if _is_tensor(out) else NotImplemented


def add_items(ufunc: Any, x: Any, index: Any, *values: Any) -> Any:
    """np.add.at(x, index, values), and those of other ufuncs."""
    wrote = f"np.{ufunc.__name__}.at(x, index, y)"
    if not is_recorded(x, *map(joined, values)):
        with writing(x):
            return ufunc.at(_writable(x, wrote), unwrapped(index), *map(unwrapped, values))
    if ufunc not in (np.add, np.subtract) or not _is_tensor(x):
        return NotImplemented
    more = values[0] if ufunc is np.add else elementwise.negative(values[0])
    write_out(
        x,
        indexing.scatter_add(x, index, more),
        wrote,
        "x = tg.scatter_add(x, index, y)",
    )
    return None


def copy_items(x: Any, value: Any, casting: Any = "same_kind", where: Any = True) -> Any:
    """np.copyto(x, value, where=mask)."""
    if not is_recorded(x, joined(value)):
        with writing(x):
            return np.copyto(_writable(x, "np.copyto(x, y)"), unwrapped(value), casting, unwrapped(where))
    if not _is_tensor(x):
        return NotImplemented
    if where is not True:
        value = elementwise.where(where, _stretched(value, x, "copyto"), x)
    assign(x, ..., value)
    return None


def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> Any:
    """np.put(x, places, y): in the flattened x."""
    return _written(np.put, a, (ind,), v, (mode,))


def _place(arr: Any, mask: Any, vals: Any) -> Any:
    """np.place(x, mask, y): the numbers of y one after the other."""
    return _written(np.place, arr, (mask,), vals)


def _putmask(a: Any, mask: Any, values: Any) -> Any:
    """np.putmask(x, mask, y): the numbers of y at the same places."""
    return _written(np.putmask, a, (mask,), values)


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> Any:
    """np.fill_diagonal(x, y)."""
    return _written(np.fill_diagonal, a, (), val, (wrap,))


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> Any:
    """np.put_along_axis(x, indices, y, axis)."""
    return _written(np.put_along_axis, arr, (indices,), values, (axis,))


ASSIGNMENTS: dict[Any, Callable[..., Any]] = {
    np.put: _put,
    np.place: _place,
    np.putmask: _putmask,
    np.fill_diagonal: _fill_diagonal,
    np.put_along_axis: _put_along_axis,
}


def _written(function: Any, x: Any, before: tuple[Any, ...], value: Any, after: tuple[Any, ...] = ()) -> Any:
    """What a function of NumPy writes into x. What it does to an array of places says which number comes where."""
    before = unwrapped(before)
    if not is_recorded(x, joined(value)):
        with writing(x):
            return function(_writable(x, f"np.{function.__name__}(x, ...)"), *before, unwrapped(value), *after)
    if not _is_tensor(x):
        return NotImplemented
    value = as_operand(value, function.__name__)
    places = np.arange(x.size).reshape(x.shape)
    function(places, *before, x.size + np.arange(value.size).reshape(value.shape), *after)
    both = shape.concat([shape.reshape(x, (-1,)), shape.reshape(value, (-1,))])
    return assign(x, ..., indexing.take(both, places, 0))


def _is_tensor(x: Any) -> bool:
    return isinstance(x, Handle)


def _is_numpys(x: Any) -> bool:
    """Whether NumPy can write to it."""
    return not _is_tensor(x) or isinstance(x._array, np.ndarray | np.generic) or hasattr(x._array, "traced_call")


def _writable(x: Any, wrote: str) -> Any:
    return changeable(x, wrote) if _is_tensor(x) else x


def _stretched(value: Any, x: Any, name: str) -> Any:
    """A value broadcast to the shape of x, if that is possible."""
    value = as_operand(value, name)
    pairs = zip(value.shape[::-1], x.shape[::-1], strict=False)
    widens = value.shape != x.shape and value.ndim <= x.ndim and all(n in (1, m) for n, m in pairs)
    return shape.broadcast_to(value, x.shape) if widens else value
