"""JAX's functions as operations of a graph, and functions of Tensors as functions of JAX's arrays."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.errors import explain
from tinygrad_ko.func.foreign import (
    Exported,
    ForeignFunction,
    Shape,
    as_numbers,
    in_pieces,
    is_array_of_floats,
    separated,
)
from tinygrad_ko.func.libraries import needed
from tinygrad_ko.func.trees import is_tree, leaves_like, mapped


def from_jax(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of JAX's arrays as a function of Tensors and arrays: one operation of the graph, whose gradients of any order JAX
    computes.

    Arrays and Tensors of floats among the arguments, also in dicts, lists and tuples, become JAX's arrays in their dtypes: it computes
    in float64 where they are float64, whatever `jax_enable_x64` says. Whatever else is passed on as it is. What f returns, an array or
    a tree of arrays, becomes Tensors, or arrays if no Tensor was given. f may be jitted.

    Raises ModuleNotFoundError without JAX.

    >>> import tinygrad_ko as tg
    >>> import jax  # doctest: +SKIP
    >>> bessel = tg.func.from_jax(jax.scipy.special.i1)  # doctest: +SKIP
    >>> x = tg.Tensor([0.5, 2.0], requires_grad=True)
    >>> bessel(x).sum().backward()  # doctest: +SKIP
    """
    jax = needed("jax", "tg.func.from_jax")

    @wraps(f, assigned=("__name__", "__doc__"), updated=())
    def call(*args: Any, **options: Any) -> Any:
        leaves, rebuild = separated((args, options), is_array_of_floats, partial(as_numbers, "from_jax"))

        def run(*xs: Any) -> Any:
            new, named = rebuild(list(xs))
            return f(*new, **named)

        return _JaxFunction(jax, f, run)(leaves)

    return call


class _JaxFunction(ForeignFunction):
    """A function `run` of JAX's arrays of floats; f is what the user calls it."""

    what = "from_jax"

    def __init__(self, jax: Any, f: Callable[..., Any], run: Callable[..., Any]) -> None:
        self.jax, self.f, self.run = jax, f, run

    def vjp(self, arrays: tuple[Any, ...]) -> tuple[Any, Callable[[Any], list[Any]]]:
        """Its value, linearized by JAX, and the vector-Jacobian product that JAX gives."""
        jax = self.jax
        with jax.enable_x64(True):
            y, back = jax.vjp(self.in_row, *(jax.numpy.asarray(np.array(x)) for x in arrays))

        def pull(g: Any) -> list[Any]:
            with jax.enable_x64(True):
                return [np.array(part) for part in back(jax.numpy.asarray(np.array(g), dtype=y.dtype))]

        return np.array(y), pull

    def in_row(self, *xs: Any) -> Any:
        """What it returns as one array."""
        y = self.run(*xs)
        self.structure = mapped(lambda part, place: Shape(tuple(self.array(part, place).shape)), y, "")
        return self.jax.numpy.concatenate([part.ravel() for part, _ in leaves_like(y, y, "")]) if is_tree(y) else y

    def array(self, value: Any, place: str) -> Any:
        """An output, which must be an array."""
        if isinstance(value, self.jax.Array):
            return value
        name, kind, at = (
            getattr(self.f, "__name__", type(self.f).__name__),
            type(value).__name__,
            place and f" at {place}",
        )
        raise explain(
            TypeError(f"from_jax: {name} returned {kind}{at}, not a jax.Array"),
            f"from_jax: 함수 {name}의 반환값{place}의 종류가 jax.Array가 아닙니다: {kind}",
        )

    def derivative(self, out: Any) -> "_JaxFunction":
        """Its gradients in one row."""
        jax = self.jax

        def gradients_in_row(c: Any, *xs: Any) -> Any:
            return jax.numpy.concatenate([part.ravel() for part in jax.vjp(self.in_row, *xs)[1](c)])

        return _JaxFunction(jax, self.f, gradients_in_row)


def to_jax(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of Tensors as a function of JAX's arrays: a `jax.custom_vjp` around `jax.pure_callback`, which jit, grad and vmap take,
    and which reverse mode differentiates to any order.

    Arrays of JAX among the arguments, also in dicts, lists and tuples, become Tensors, those of integers arrays of NumPy; whatever else
    is passed on as it is. What f returns, a Tensor or a tree of Tensors, becomes arrays of JAX. JAX asks for the shape of the result
    before there are numbers, so under jit f is called once with ones (and with zeros for integers) for it. The gradient calls f again.
    Jit what calls it: else JAX compiles the call anew every time.

    Raises ModuleNotFoundError without JAX; RuntimeError if f reads other Tensors that require a gradient, such as the parameters of a
    Module: pass them as arguments, or freeze them.

    >>> import tinygrad_ko as tg
    >>> import jax  # doctest: +SKIP
    >>> jax.grad(lambda x: tg.func.to_jax(tg.erf)(x).sum())(jax.numpy.ones(2))  # doctest: +SKIP
    """
    jax = needed("jax", "tg.func.to_jax")

    def is_variable(value: Any) -> bool:
        return isinstance(value, jax.Array)

    @wraps(f, assigned=("__name__", "__doc__"), updated=())
    def call(*args: Any, **options: Any) -> Any:
        leaves, rebuild = separated((args, options), is_variable, lambda value: value)
        structure: list[Any] = []

        def of_leaves(*xs: Any) -> Any:
            new, named = rebuild(list(xs))
            y = f(*new, **named)
            structure[:] = [mapped(lambda part, place: Shape(tuple(np.shape(part))), y, "")]
            return y

        of_leaves.__name__ = getattr(f, "__name__", type(f).__name__)
        row = _function_of(jax, Exported("to_jax", of_leaves))(*leaves)
        return row if isinstance(structure[0], Shape) else in_pieces(row, structure[0])

    return call


def _function_of(jax: Any, exported: Exported) -> Callable[..., Any]:
    """An exported function, of floats and of integers, as a differentiable function of JAX's arrays: several outputs in one row."""

    def run(xs: Any) -> tuple[Any, Any]:
        """The call on NumPy's arrays, and its value in the dtype that JAX would give it."""
        arrays = [np.array(x) for x in xs]
        floats = [i for i, x in enumerate(arrays) if is_floating(x.dtype)]

        def f(*variables: Any) -> Any:
            return exported.f(*(dict(zip(floats, variables, strict=True)).get(i, x) for i, x in enumerate(arrays)))

        f.__name__ = exported.f.__name__
        if hasattr(exported.f, "differentiates"):
            vars(f)["differentiates"] = exported.f
        made = Exported(exported.what, f).run([arrays[i] for i in floats])
        y = made.y.numpy()
        return made, y.astype(jax.dtypes.canonicalize_dtype(y.dtype))

    def form(xs: Any) -> Any:
        """The shape and dtype of the value."""
        fill = [np.ones if is_floating(x.dtype) else np.zeros for x in xs]
        known = not any(isinstance(x, jax.core.Tracer) for x in xs)
        with np.errstate(all="ignore"):
            y = run(xs if known else [make(x.shape, x.dtype) for make, x in zip(fill, xs, strict=True)])[1]
        return jax.ShapeDtypeStruct(y.shape, y.dtype)

    def value(*xs: Any) -> Any:
        return jax.pure_callback(lambda *xs: run(xs)[1], form(xs), *xs, vmap_method="sequential")

    def forward(*xs: Any) -> Any:
        return apply(*xs), xs

    def backward(saved: Any, c: Any) -> Any:
        xs = [jax.numpy.asarray(x) for x in saved]  # a number is saved as one of Python's, without a shape
        row = _function_of(jax, exported.derivative())(c, *xs)
        parts = iter(in_pieces(row, [Shape(x.shape) for x in xs if is_floating(x.dtype)]))
        none = jax.dtypes.float0  # the dtype of a gradient by integers
        return tuple(next(parts).astype(x.dtype) if is_floating(x.dtype) else np.zeros(x.shape, none) for x in xs)

    apply: Any = jax.custom_vjp(value)
    apply.defvjp(forward, backward)
    return apply
