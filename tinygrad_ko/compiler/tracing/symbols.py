"""Symbolic arrays. The engine computes with them as with the arrays of any library, and the trace records the operations.

A Symbol is a value of the program and the concrete array that it is in the traced call: so its shape, dtype and memory order are known, and
NumPy itself says what an operation gives. Reading elements (`if x`, `float(x)`, `x.item()`) is an error: the program would be right for
these elements alone.
"""

from collections.abc import Callable
from operator import getitem
from typing import Any

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import NUMPYS, quick
from tinygrad_ko.arrays.opaque import TRACED
from tinygrad_ko.compiler.program.values import Slot, Value, memory_order, with_inputs
from tinygrad_ko.compiler.tracing.functions import called
from tinygrad_ko.compiler.tracing.operators import SymbolOperators
from tinygrad_ko.compiler.tracing.origin import warning_modes
from tinygrad_ko.compiler.tracing.unreadable import cannot_write, depends_on_data, unsupported
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.runtime.callers import asked_by_user


def concrete(x: Any) -> Any:
    """The array that a Symbol stands for; anything else as it is."""
    return x.array if isinstance(x, Symbol) else x


class Symbol(SymbolOperators):
    """A symbolic array.

    Values never change, so writing to a Symbol gives it another value, and a view has to follow: each Symbol counts the writes to it in its
    `version`, and a view whose source has a newer version than the one `seen` is taken anew. Writing to a view writes to its source.
    """

    __slots__ = ("_array", "_value", "program", "seen", "source", "version", "view_as")
    __hash__ = object.__hash__
    device = "cpu"

    def __init__(self, value: Value, array: Any, program: Any) -> None:
        self._value, self._array, self.program = value, array, program
        self.source: Symbol | None = None  # the Symbol that it is a view of
        self.view_as: tuple[str, Any] | None = None  # the operation that makes the view; None if it cannot be repeated
        self.version = self.seen = 0

    @property  # type: ignore[misc]  # as unittest.mock does it
    def __class__(self) -> Any:
        """What isinstance tells: for the user's code the type of the array that it stands for."""
        return type(self._array) if asked_by_user() else type(self)

    value = property(lambda s: s._updated()._value)
    array = property(lambda s: s._updated()._array)
    shape = property(lambda s: s._value.shape)
    dtype = property(lambda s: s._value.dtype)
    ndim = property(lambda s: len(s._value.shape))
    size = property(lambda s: s._value.size)
    nbytes = property(lambda s: s._value.nbytes)
    itemsize = property(lambda s: s._value.dtype.itemsize)
    flags = property(lambda s: np.asarray(s._array).flags)
    strides = property(lambda s: np.asarray(s._array).strides)
    base = property(lambda s: s.source)
    T = property(lambda s: s.transpose())
    mT = property(lambda s: s.swapaxes(-1, -2))
    real = property(lambda s: s if s.dtype.kind != "c" else np.real(s))
    imag = property(lambda s: np.imag(s))

    __bool__, __float__, __int__ = map(depends_on_data, ("bool()", "float()", "int()"))
    __index__, __complex__, __array__ = map(depends_on_data, ("an index", "complex()", "np.asarray()"))
    __contains__, __reduce__ = map(depends_on_data, ("`in`", "a copy for pickle"))
    item, tolist, tobytes, nonzero = map(depends_on_data, (".item()", ".tolist()", ".tobytes()", ".nonzero()"))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and hasattr(ndarray, name):
            raise unsupported(f"the method {name} of an array")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __format__(self, spec: str) -> str:
        if spec:
            depends_on_data("format()")(self)
        return repr(self)

    def refuse_reading(self, what: str) -> None:
        """Raise the TypeError for what would read the numbers."""
        depends_on_data(what)(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return int(self.shape[0])

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<traced {self.dtype} of shape {self.shape}>"

    def assigned(self, made: Any) -> Any:
        """Itself, after a value was written to it: `a += b`."""
        return _written(self, made)

    def __array_namespace__(self, api_version: Any = None) -> Any:
        return self.program.namespace

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if any(issubclass(type(x), Handle) for x in inputs):
            return NotImplemented
        warning_modes()  # before something is raised that the function might catch
        name = f"np.{ufunc.__name__}" + f".{method}" * (method != "__call__")
        out = None if out is not None and out[0] is None else out
        if method == "at":
            raise cannot_write(name)
        if "where" in options or (out is not None and len(out) > 1):
            raise unsupported(
                name + " with where=" * ("where" in options) + " into several arrays" * ("where" not in options)
            )
        inputs = tuple([np.asarray(x) if issubclass(type(x), list | tuple) else x for x in inputs])
        if method == "reduce" and set(options) <= {"axis", "keepdims"}:
            made = self.reduced(ufunc, inputs[0], options.get("axis", 0), options.get("keepdims", False))
        elif method != "__call__" or options or ufunc.nout > 1 or ufunc.signature not in (None, np.matmul.signature):
            made = self.program.call(name, ufunc if method == "__call__" else getattr(ufunc, method), inputs, options)
        else:
            operation = "matmul" if ufunc is np.matmul else "ufunc"
            made = self.program.record(operation, inputs, (ufunc.__name__,), lambda: ufunc(*map(concrete, inputs)))
        return made if out is None else _written(out[0], made)

    def reduced(self, ufunc: Any, x: Any, axis: Any, keepdims: bool, by_rows: bool = False) -> Any:
        """A reduction of x by a ufunc; with `by_rows` in the order of adding that `quick` has for short rows."""
        x = self.beside(x)
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = () if x.ndim == 0 and axis in (0, -1) else axes
        axes = tuple(sorted(np.lib.array_utils.normalize_axis_index(a, x.ndim) for a in axes))
        reduce = _BY_ROWS[ufunc.__name__] if by_rows else ufunc.reduce
        by_rows = by_rows and type(axis) is int and axes == (1,) and x.ndim == 2 and x.shape[1] <= 64 < x.size
        along, settings = axes[0] if len(axes) == 1 else axes, (ufunc.__name__, axes, keepdims, by_rows)
        return self.program.record("reduce", (x,), settings, lambda: reduce(x.array, axis=along, keepdims=keepdims))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if any(issubclass(kind, Handle) for kind in types):
            return NotImplemented
        return called(self, function, arguments, options)

    def traced_call(self, function: Any, arguments: Any, options: Any) -> Any:
        """Record one call of an opaque function."""
        name = function.__name__.lstrip("_")
        return self.program.call(name, function, arguments, options, may_alias=hasattr(function, "may_alias"))

    def traced_choice(self, then: Any, otherwise: Any, arrays: Any) -> Any:
        """`either` of a condition that is this Symbol: both branches, between which `where` chooses. The branch that is not chosen computes
        with ones, so that neither it nor its derivatives are infinite or NaN.
        """
        # Python's numbers stay what they are: as an array of float64 they would decide the dtype.
        weak = [isinstance(x, int | float) and not isinstance(x, np.generic) for x in arrays]
        taken = [x if is_weak else where(self, x, 1) for x, is_weak in zip(arrays, weak, strict=True)]
        others = [x if is_weak else where(self, 1, x) for x, is_weak in zip(arrays, weak, strict=True)]
        return where(self, then(*taken), otherwise(*others))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """np.where, of Symbols and arrays."""
        return self.program.record("where", (condition, x, y), (), lambda: np.where(*map(concrete, (condition, x, y))))

    def beside(self, array: Any) -> Any:
        """Any array as a Symbol of this trace: a constant."""
        return array if isinstance(array, Symbol) else Symbol(self.program.constant(array), array, self.program)

    # ------------------------------------------------------------------ views

    def _view(self, how: str, to: Any, make: Callable[[Any], Any]) -> Any:
        array = make(self.array)
        if how in ("reshape", "broadcast_to") and array.shape == self.shape:
            return self
        made = self.program.record("view", (self,), (how, to), lambda: array)
        if isinstance(array, ndarray) and np.may_share_memory(array, self.array):
            made.view_of(self, (how, to))
        return made

    def view_of(self, source: "Symbol", view_as: tuple[str, Any] | None) -> None:
        """Mark it as a view of another Symbol."""
        self.source, self.view_as, self.seen = source, view_as, source.version

    def _updated(self) -> "Symbol":
        """Itself, with the value that it has after the writes to its source."""
        if self.source is not None and self.source._updated().version != self.seen:
            how, argument = self.require_view()
            now = self.source[argument] if how == "index" else getattr(self.source, how)(argument)
            self._value, self._array = now.value, now.array
            self.seen, self.version = self.source.version, self.version + 1
        return self

    def require_view(self) -> tuple[str, Any]:
        """The operation that makes the view, and its argument. Raises TypeError if it cannot be repeated after a write."""
        if self.view_as is None:
            raise unsupported(
                "writing to an array of which np.real, np.split or the like has given a view, or to that view"
            )
        return self.view_as

    def written(self, made: "Symbol") -> None:
        """Take the value of `made`; a view writes it to its source too."""
        if self.source is not None:
            how, to = self.require_view()
            if how == "index":
                self.source[to] = made
            elif how == "reshape":
                self.source.written(made.reshape(self.source.shape))
            elif how == "transpose":
                self.source.written(made.transpose(tuple(to.index(axis) for axis in range(len(to)))))
            else:
                raise ValueError("assignment destination is read-only")
            self.seen = self.source.version
        if not _same_layout(made.array, self._array):  # a write keeps the strides of the array that is written to
            made = self._with(made, ...)
        self._value, self._array, self.version = made.value, made.array, self.version + 1

    def reshape(self, *shape: Any, copy: Any = None) -> Any:
        to = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        to = np.reshape(self.array, to).shape
        made = self._view("reshape", to, lambda array: np.reshape(array, to))
        return made.copy() if copy else made

    def transpose(self, *axes: Any) -> Any:
        given = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list | None) else axes
        order = tuple(a % self.ndim for a in given) if given else tuple(reversed(range(self.ndim)))
        if order == (*range(self.ndim),):
            return self
        return self._view("transpose", order, lambda array: array.transpose(order))

    def swapaxes(self, i: int, j: int) -> Any:
        axes = [*range(self.ndim)]
        axes[i], axes[j] = axes[j], axes[i]
        return self.transpose(tuple(axes))

    def broadcast_to(self, shape: Any) -> Any:
        """np.broadcast_to."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return self._view("broadcast_to", shape, lambda array: np.broadcast_to(array, shape))

    def ravel(self) -> Any:
        return self.reshape(-1)

    def flatten(self) -> Any:
        return self.reshape(-1).copy()

    def squeeze(self, axis: Any = None) -> Any:
        return self.reshape(np.squeeze(self.array, axis).shape)

    # ------------------------------------------------------------------ conversions, copies, reading and writing

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self.copy("K") if copy else self
        return self.program.record("astype", (self,), (), lambda: np.asarray(self.array).astype(dtype), form=dtype)

    def view(self, dtype: Any = None) -> Any:
        if dtype is None:
            return self[...]
        return self.program.call("np.ndarray.view", ndarray.view, (self, dtype), {})

    def copy(self, order: str = "C") -> Any:
        if np.array(self.array, order=order).strides == self.strides:  # type: ignore[call-overload]
            return self.program.symbol(self.value, self.array)
        return self.program.call("np.array", np.array, (self,), {"order": order})

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def clip(self, min: Any = None, max: Any = None, **options: Any) -> Any:
        return np.clip(self, min, max, **options)

    def __round__(self, digits: int | None = None) -> Any:
        return depends_on_data("round()")(self) if digits is None else np.round(self, digits)

    def fill(self, number: Any) -> None:
        self[...] = number

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
        self[...] = np.sort(self, axis, kind, order, stable=stable)

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if all(map(_is_basic, parts)):
            return self._view("index", parts, lambda array: np.asarray(array)[parts])
        template, inside = _index_template(parts)
        if all(not x.ndim for x in inside) and inside:  # traced integers: basic indexing, a view
            return self.program.call("getitem", getitem, (self, parts), {})
        index = with_inputs(template, [*map(concrete, inside)])
        return self.program.record("take", (self, *inside), (template,), lambda: self.array[index])

    def __setitem__(self, index: Any, new: Any) -> None:
        if isinstance(index, Symbol) and index.dtype == bool and index.shape == self.shape and not np.ndim(new):
            _written(self, self.where(index, new, self), "unsafe")
            return
        if index is ... and isinstance(new, Symbol) and new.shape == self.shape:
            _written(self, new, "unsafe")
            return
        self.written(self._with(new, index))

    def _with(self, new: Any, index: Any) -> "Symbol":
        """A copy with `new` at an index."""
        template, inside = _index_template(index if isinstance(index, tuple) else (index,))
        if isinstance(new, list | tuple):
            new = np.asarray(new)

        def changed() -> Any:
            array = np.array(self._array)
            array[with_inputs(template, [*map(concrete, inside)])] = concrete(new)
            return array

        made: Symbol = self.program.record("put", (self, new, *inside), (template,), changed)
        return made


def _of_numpy(name: str) -> Callable[..., Any]:
    """The method of arrays that does the same as NumPy's function of that name."""
    function = getattr(np, name)
    return lambda self, *arguments, **options: function(self, *arguments, **options)


_METHODS = "all any argmax argmin argpartition argsort choose cumprod cumsum diagonal dot max mean min prod repeat round searchsorted"
for _name in f"{_METHODS} std sum take trace var".split():
    setattr(Symbol, _name, _of_numpy(_name))
Symbol.conj = Symbol.conjugate = lambda self: np.conjugate(self)  # type: ignore[attr-defined]

NUMPYS.add(Symbol)
TRACED.add(Symbol)


def _same_layout(made: Any, there: Any) -> bool:
    """Whether two arrays of one shape have the same memory order, and the first has an element of its own at each place."""
    made, there = np.asarray(made), np.asarray(there)
    is_stretched = made.size and any(n > 1 and not step for n, step in zip(made.shape, made.strides, strict=True))
    return memory_order(made) == memory_order(there) and not is_stretched


def _is_basic(part: Any) -> bool:
    """Whether a part of an index is one of basic indexing, which gives a view."""
    return part is None or part is ... or (isinstance(part, int | np.integer | slice) and not isinstance(part, bool))


def _index_template(parts: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """An index with Slots in place of its arrays, and the arrays."""
    inside: list[Any] = []

    def placed(part: Any) -> Any:
        if isinstance(part, list):
            part = np.asarray(part)
        if not isinstance(part, Symbol | ndarray):
            return part
        if isinstance(part, Symbol) and part.dtype == bool:
            depends_on_data("a mask as an index")(part)
        inside.append(part)
        return Slot(len(inside) - 1)

    return tuple(map(placed, parts)), inside


def _written(to: Any, made: Symbol, casting: Any = "same_kind") -> Any:
    """`to`, after a value was written to it: broadcast and cast, as by `out=`."""
    if not isinstance(to, Symbol):
        raise cannot_write("writing to an array that the function holds")
    if np.broadcast_shapes(to.shape, made.shape) != to.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {to.shape} doesn't match the broadcast shape {made.shape}"
        )
    if not np.can_cast(made.dtype, to.dtype, casting):
        raise TypeError(f"Cannot cast ufunc output from {made.dtype!r} to {to.dtype!r} with casting rule {casting!r}")
    to.written(made.broadcast_to(to.shape).astype(to.dtype))
    return to


_BY_ROWS = {"add": quick.sum, "multiply": quick.prod, "maximum": quick.max, "minimum": quick.min}
_BY_ROWS |= {"logical_and": quick.all, "logical_or": quick.any}
