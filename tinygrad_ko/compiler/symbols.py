"""Symbols: arrays that remember how they were computed. The engine runs on them as it runs on the arrays of any library.

A Symbol stands for a value of a program. Beside it stands the array that it is in the call that is traced, so its shape and dtype are
known, and every NumPy function can be called on it. What would make the program depend on the numbers themselves is an error.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import generic, ndarray

from tinygrad_ko.arrays.library import NUMPYS, quick
from tinygrad_ko.compiler.program import Place, Value, filled
from tinygrad_ko.compiler.refusals import depends_on_data, unsupported
from tinygrad_ko.engine.graph import Handle

if TYPE_CHECKING:
    from tinygrad_ko.compiler.namespace import Symbols
    from tinygrad_ko.compiler.trace import Trace


def concrete(x: Any) -> Any:
    """The array that a Symbol stands for; anything else as it is."""
    return x.array if isinstance(x, Symbol) else x


class Symbol:
    """An array of the program."""

    __slots__ = ("array", "program", "value")
    __hash__ = object.__hash__
    device = "cpu"

    def __init__(self, value: Value, array: Any, program: "Trace") -> None:
        self.value, self.array, self.program = value, array, program

    shape = property(lambda s: s.value.shape)
    dtype = property(lambda s: s.value.dtype)
    ndim = property(lambda s: len(s.value.shape))
    size = property(lambda s: s.value.size)
    nbytes = property(lambda s: s.value.nbytes)
    itemsize = property(lambda s: s.value.dtype.itemsize)
    flags = property(lambda s: np.asarray(s.array).flags)
    strides = property(lambda s: np.asarray(s.array).strides)
    T = property(lambda s: s.transpose())
    mT = property(lambda s: s.swapaxes(-1, -2))

    __bool__, __float__, __int__ = map(depends_on_data, ("bool()", "float()", "int()"))
    __index__, __complex__, __array__ = map(depends_on_data, ("an index", "complex()", "np.asarray()"))
    item, tolist, __iter__none = map(depends_on_data, (".item()", ".tolist()", "iter()"))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return int(self.shape[0])

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<traced {self.dtype} of shape {self.shape}>"

    def __array_namespace__(self, api_version: Any = None) -> "Symbols":
        return self.program.namespace

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if any(isinstance(x, Handle) for x in inputs):
            return NotImplemented
        if method == "reduce" and set(options) <= {"axis", "keepdims"} and out is None:
            return self._reduced(ufunc, inputs[0], options.get("axis", 0), options.get("keepdims", False))
        if method != "__call__" or options or ufunc.nout > 1 or ufunc.signature not in (None, np.matmul.signature):
            if out is not None or method == "at":
                raise unsupported(f"np.{ufunc.__name__}.{method}")
            function = ufunc if method == "__call__" else getattr(ufunc, method)
            name = f"np.{ufunc.__name__}" + f".{method}" * (method != "__call__")
            return self.program.call(name, function, inputs, options)
        inputs = tuple([np.asarray(x) if isinstance(x, list | tuple) else x for x in inputs])
        operation = "matmul" if ufunc is np.matmul else "ufunc"
        made = self.program.record(operation, inputs, (ufunc.__name__,), ufunc(*map(concrete, inputs)))
        return made if out is None else _written(out[0], made)

    def _reduced(self, ufunc: Any, x: Any, axis: Any, keepdims: bool, by_rows: bool = False) -> Any:
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = () if x.ndim == 0 and axis in (0, -1) else axes
        axes = tuple(sorted(np.lib.array_utils.normalize_axis_index(a, x.ndim) for a in axes))
        reduce = _BY_ROWS[ufunc.__name__] if by_rows else ufunc.reduce
        by_rows = by_rows and type(axis) is int and axes == (1,) and x.ndim == 2 and x.shape[1] <= 64 < x.size
        array = reduce(x.array, axis=axes[0] if len(axes) == 1 else axes, keepdims=keepdims)
        return self.program.record("reduce", (x,), (ufunc.__name__, axes, keepdims, by_rows), array)

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        name = function.__name__
        if name in _DEPENDENT:
            depends_on_data(f"np.{name}()")(self)
        if name in _WRITING:
            raise unsupported(f"np.{name}")
        if name in _STATIC:
            return function(*map(concrete, arguments), **options)
        if name in _SPELLED:
            return _SPELLED[name](*arguments, **options)
        qualified = f"{function.__module__}.{name}".replace("numpy", "np", 1)
        return self.program.call(qualified, function, arguments, options)

    def traced_call(self, function: Any, arguments: Any, options: Any) -> Any:
        """A function that looks into arrays, as it is."""
        name = function.__name__.lstrip("_")
        return self.program.call(name, function, arguments, options, lends=hasattr(function, "lends"))

    def beside(self, array: Any) -> Any:
        """An array that is no Symbol as one of this trace."""
        return array if isinstance(array, Symbol) else Symbol(self.program.constant(array), array, self.program)

    # ------------------------------------------------------------------ the same numbers in another shape

    def _view(self, how: str, to: Any, make: Callable[[Any], Any]) -> Any:
        array = make(self.array)
        if how in ("reshape", "broadcast_to") and array.shape == self.shape:
            return self
        return self.program.record("view", (self,), (how, to), array)

    def reshape(self, *shape: Any, copy: Any = None) -> Any:
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        shape = self.array.reshape(shape).shape
        return self._view("reshape", shape, lambda array: array.reshape(shape))

    def transpose(self, *axes: Any) -> Any:
        axes = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list | None) else axes
        axes = tuple(a % self.ndim for a in axes) if axes else tuple(reversed(range(self.ndim)))
        if axes == (*range(self.ndim),):
            return self
        return self._view("transpose", axes, lambda array: array.transpose(axes))

    def swapaxes(self, i: int, j: int) -> Any:
        axes = [*range(self.ndim)]
        axes[i], axes[j] = axes[j], axes[i]
        return self.transpose(tuple(axes))

    def broadcast_to(self, shape: Any) -> Any:
        return self._view("broadcast_to", tuple(shape), lambda array: np.broadcast_to(array, shape))

    def ravel(self) -> Any:
        return self.reshape(-1)

    flatten = ravel

    def squeeze(self, axis: Any = None) -> Any:
        return self.reshape(np.squeeze(self.array, axis).shape)

    # ------------------------------------------------------------------ other numbers

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self
        return self.program.record("astype", (self,), (), self.array.astype(dtype))

    def view(self, dtype: Any) -> Any:
        return self.program.call("np.ndarray.view", ndarray.view, (self, dtype), {})

    def copy(self, order: str = "C") -> Any:
        if order == "K" or self.flags.c_contiguous:
            return self.program.symbol(self.value, self.array)  # its value is never written to
        return self.program.call("np.array", np.array, (self,), {"order": order})

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(np.add, self, axis, keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(np.multiply, self, axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(np.maximum, self, axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(np.minimum, self, axis, keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(np.logical_and, self, axis, keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        return self._reduced(np.logical_or, self, axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        total = self.astype(np.result_type(self.dtype, np.float32) if self.dtype.kind == "f" else float)
        total = total.sum(axis, keepdims)
        return total / (self.size // max(total.size, 1))

    def var(self, axis: Any = None, ddof: float = 0, keepdims: bool = False, correction: float = 0) -> Any:
        away = self - self.mean(axis, keepdims=True)
        total = (away * away).sum(axis, keepdims)
        return total / max(self.size // max(total.size, 1) - ddof - correction, 0)

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if all(map(_is_basic, parts)):
            return self._view("index", parts, lambda array: array[parts])
        template, inside = _index_template(parts)
        array = self.array[filled(template, [*map(concrete, inside)])]
        return self.program.record("take", (self, *inside), (template,), array)

    def __setitem__(self, index: Any, new: Any) -> None:
        if index is ... and isinstance(new, Symbol) and new.shape == self.shape:
            _written(self, new)
            return
        template, inside = _index_template(index if isinstance(index, tuple) else (index,))
        array = self.array.copy()
        array[filled(template, [*map(concrete, inside)])] = concrete(new)
        _written(self, self.program.record("put", (self, new, *inside), (template,), array))


NUMPYS.add(Symbol)


def _is_basic(part: Any) -> bool:
    """Whether a part of an index takes a view."""
    return (
        (isinstance(part, int | np.integer) and not isinstance(part, bool))
        or part is None
        or isinstance(part, slice)
        or part is ...
    )


def _index_template(parts: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    inside: list[Any] = []

    def placed(part: Any) -> Any:
        if isinstance(part, list):
            part = np.asarray(part)
        if not isinstance(part, Symbol | ndarray):
            return part
        if isinstance(part, Symbol) and part.dtype == bool:
            depends_on_data("a mask as an index")(part)
        inside.append(part)
        return Place(len(inside) - 1)

    return tuple(map(placed, parts)), inside


def _written(to: Any, made: Symbol) -> Any:
    """`to`, which stands for what was made from now on."""
    if not isinstance(to, Symbol):
        raise unsupported("writing to an array that the function holds")
    if to.shape != made.shape:
        raise ValueError(f"shape {made.shape} does not fit into {to.shape}")
    new = made.astype(to.dtype)
    to.value, to.array = new.value, new.array
    return to


_BY_ROWS = {"add": quick.sum, "multiply": quick.prod, "maximum": quick.max, "minimum": quick.min}
_BY_ROWS |= {"logical_and": quick.all, "logical_or": quick.any}
_DEPENDENT = {
    "nonzero",
    "flatnonzero",
    "argwhere",
    "unique",
    "unique_values",
    "unique_counts",
    "unique_all",
    "extract",
    "compress",
}
_DEPENDENT |= {
    "unique_inverse",
    "array_equal",
    "array_equiv",
    "allclose",
    "histogram",
    "bincount",
    "trim_zeros",
    "setdiff1d",
    "intersect1d",
    "union1d",
}
_STATIC = {
    "result_type",
    "can_cast",
    "shape",
    "ndim",
    "size",
    "iscomplexobj",
    "isrealobj",
    "min_scalar_type",
    "common_type",
}
_WRITING = {"copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis"}


def _where(condition: Any, x: Any, y: Any) -> Any:
    program = next(part.program for part in (condition, x, y) if isinstance(part, Symbol))
    return program.record("where", (condition, x, y), (), np.where(*map(concrete, (condition, x, y))))


_SPELLED: dict[str, Any] = {
    "where": _where,
    "reshape": lambda x, shape, copy=None: x.reshape(shape),
    "transpose": lambda x, axes=None: x.transpose(axes) if axes else x.transpose(),
    "permute_dims": lambda x, axes=None: x.transpose(axes) if axes else x.transpose(),
    "matrix_transpose": lambda x: x.mT,
    "swapaxes": lambda x, i, j: x.swapaxes(i, j),
    "broadcast_to": lambda x, shape: x.broadcast_to(shape),
    "expand_dims": lambda x, axis: x.reshape(np.expand_dims(x.array, axis).shape),
    "squeeze": lambda x, axis=None: x.squeeze(axis),
    "astype": lambda x, dtype, copy=True: x.astype(dtype),
    "zeros_like": lambda x, dtype=None: x.program.namespace.zeros_like(x, dtype),
    "ones_like": lambda x, dtype=None: x.program.namespace.ones_like(x, dtype),
    "sum": lambda x, axis=None, keepdims=False: x.sum(axis, keepdims),
    "max": lambda x, axis=None, keepdims=False: x.max(axis, keepdims),
    "amax": lambda x, axis=None, keepdims=False: x.max(axis, keepdims),
    "min": lambda x, axis=None, keepdims=False: x.min(axis, keepdims),
    "amin": lambda x, axis=None, keepdims=False: x.min(axis, keepdims),
    "prod": lambda x, axis=None, keepdims=False: x.prod(axis, keepdims),
    "all": lambda x, axis=None, keepdims=False: x.all(axis, keepdims),
    "any": lambda x, axis=None, keepdims=False: x.any(axis, keepdims),
    "mean": lambda x, axis=None, keepdims=False: x.mean(axis, keepdims),
    "var": lambda x, axis=None, ddof=0, keepdims=False, correction=0: x.var(axis, ddof, keepdims, correction),
    "copy": lambda x, order="K": x.copy(),
}

_UFUNCS = {
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide, "floordiv": np.floor_divide},
    **{"mod": np.remainder, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or},
    **{"xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift},
}
_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


def _power(base: Any, exponent: Any) -> Any:
    """base ** exponent. NumPy computes the powers -1, 0.5, 1 and 2 in other ways than np.power."""
    weak = isinstance(exponent, int | float | generic) or (isinstance(exponent, Symbol) and exponent.value.is_number)
    if isinstance(base, Symbol) and weak:
        return base.program.record("power", (base, exponent), (), base.array ** concrete(exponent))
    return np.power(base, exponent)


def _operators(name: str, compute: Any, comparison: bool) -> None:
    def operator(a: Any, b: Any) -> Any:
        return NotImplemented if isinstance(b, Handle) else compute(a, b)

    def in_place(a: Any, b: Any) -> Any:
        return _written(a, compute(a, b))

    setattr(Symbol, f"__{name}__", operator)
    if not comparison:
        setattr(Symbol, f"__r{name}__", lambda a, b: compute(b, a))
        setattr(Symbol, f"__i{name}__", in_place)


for _name, _ufunc in (_UFUNCS | _COMPARISONS).items():
    _operators(_name, _power if _name == "pow" else _ufunc, _name in _COMPARISONS)
for _name, _ufunc in _UNARY.items():
    setattr(Symbol, f"__{_name}__", lambda a, ufunc=_ufunc: ufunc(a))
