"""JAX's functions as operations of a graph, and functions of Tensors as functions of JAX's arrays."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.errors import explain
from tinygrad_ko.func.foreign import (
    Constant,
    Exported,
    ForeignFunction,
    Shape,
    as_numbers,
    in_pieces,
    is_array_of_floats,
    outputs,
    separated,
)
from tinygrad_ko.func.libraries import needed
from tinygrad_ko.func.trees import mapped


def from_jax(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of JAX's arrays as a function of Tensors and arrays: one operation of the graph, whose gradients of any order JAX
    computes.

    Arrays and Tensors of floats among the arguments, also in dicts, lists and tuples, become JAX's arrays in their dtypes: it computes
    in float64 where they are float64, whatever `jax_enable_x64` says. Whatever else is passed on as it is. What f returns, an array or
    a tree of arrays, becomes Tensors, or arrays if no Tensor was given, in their dtypes; those that hold no floats are constants. f
    may be jitted.

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
            xs = (jax.numpy.asarray(np.array(x)) for x in arrays)
            y, back, constants = jax.vjp(self.in_row, *xs, has_aux=True)
            self.constants = [np.array(c) for c in constants]

        def pull(g: Any) -> list[Any]:
            with jax.enable_x64(True):
                return [np.array(part) for part in back(jax.numpy.asarray(np.array(g), dtype=y.dtype))]

        return np.array(y), pull

    def in_row(self, *xs: Any) -> tuple[Any, list[Any]]:
        """What it returns as one array of floats, and what has no gradient."""
        jnp, floats, constants = self.jax.numpy, list[Any](), list[Any]()

        def form(part: Any, place: str) -> Any:
            part = self.array(part, place)
            if not jnp.issubdtype(part.dtype, jnp.inexact):
                constants.append(part)
                return Constant(len(constants) - 1)
            floats.append(part)
            return Shape(tuple(part.shape), part.dtype if np.issubdtype(part.dtype, np.floating) else None)

        y = self.run(*xs)
        self.structure = mapped(form, y, "")
        if isinstance(self.structure, Shape):
            return y, constants
        return jnp.concatenate([part.ravel() for part in floats]) if floats else jnp.zeros(0), constants

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
            return jax.numpy.concatenate([part.ravel() for part in jax.vjp(self.in_row, *xs, has_aux=True)[1](c)])

        return _JaxFunction(jax, self.f, gradients_in_row)


def to_jax(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of Tensors as a function of JAX's arrays: a `jax.custom_vjp` around `jax.pure_callback`, which jit, grad and vmap take,
    and which reverse mode differentiates to any order.

    Arrays of JAX among the arguments, also in dicts, lists and tuples, become Tensors, those of integers arrays of NumPy; whatever else
    is passed on as it is. What f returns, a Tensor or a tree of Tensors, becomes arrays of JAX. JAX asks for the shape of the result
    before there are numbers, so under jit f is called once with ones (and with zeros for integers) for it, and if it refuses these, with
    unit matrices. The gradient calls f again. Outputs keep their dtypes; those that hold no floats are constants. Jit what calls it:
    else JAX compiles the call anew every time. Forward mode (jax.jvp, jacfwd, and hessian, which takes it) has no rule for a custom_vjp:
    take jax.jacrev, and jax.jacrev(jax.grad(f)) for a hessian.

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

        def of_leaves(*xs: Any) -> Any:
            new, named = rebuild(list(xs))
            return outputs("to_jax", f(*new, **named), xs)

        of_leaves.__name__ = getattr(f, "__name__", type(f).__name__)
        exported = Exported("to_jax", of_leaves)
        row, *constants = _function_of(jax, exported)(*leaves)
        as_dtype = lambda part, dtype: part.astype(jax.dtypes.canonicalize_dtype(dtype))
        return in_pieces(row, exported.structure, constants, as_dtype)

    return call


def _function_of(jax: Any, exported: Exported) -> Callable[..., Any]:
    """An exported function, of floats and of integers, as a differentiable function of JAX's arrays: several outputs in one row, and
    after it those that have no gradient.
    """

    def run(xs: Any) -> tuple[Any, ...]:
        """The values at NumPy's arrays, in the dtypes that JAX would give them."""
        arrays = [np.array(x) for x in xs]
        floats = [i for i, x in enumerate(arrays) if is_floating(x.dtype)]

        def f(*variables: Any) -> Any:
            return exported.f(*(dict(zip(floats, variables, strict=True)).get(i, x) for i, x in enumerate(arrays)))

        f.__name__ = exported.f.__name__
        if hasattr(exported.f, "differentiates"):
            vars(f)["differentiates"] = exported.f
        made = Exported(exported.what, f).run([arrays[i] for i in floats])
        exported.structure, constants = made.aux
        return tuple(y.astype(jax.dtypes.canonicalize_dtype(y.dtype)) for y in (made.y.numpy(), *constants))

    def form(xs: Any) -> Any:
        """The shapes and dtypes of the values: where there are no numbers yet, from a call with ones or, if it fails, unit matrices."""
        with np.errstate(all="ignore"):
            if not any(isinstance(x, jax.core.Tracer) for x in xs):
                ys = run(xs)
            else:
                try:
                    ys = run([_filled(x, np.ones) for x in xs])
                except (ArithmeticError, LookupError, ValueError) as error:
                    try:
                        ys = run([_filled(x, _units) for x in xs])
                    except (ArithmeticError, LookupError, ValueError):
                        raise _no_shape(exported.f, error) from error
        return tuple(jax.ShapeDtypeStruct(y.shape, y.dtype) for y in ys)

    def value(*xs: Any) -> Any:
        return jax.pure_callback(lambda *xs: run(xs), form(xs), *xs, vmap_method="sequential")

    def forward(*xs: Any) -> Any:
        return apply(*xs), xs

    def backward(saved: Any, c: Any) -> Any:
        xs = [jax.numpy.asarray(x) for x in saved]  # a number is saved as one of Python's, without a shape
        row = _function_of(jax, exported.derivative())(c[0], *xs)[0]
        parts = iter(in_pieces(row, [Shape(x.shape) for x in xs if is_floating(x.dtype)]))
        none = jax.dtypes.float0  # the dtype of a gradient by integers
        return tuple(next(parts).astype(x.dtype) if is_floating(x.dtype) else np.zeros(x.shape, none) for x in xs)

    apply: Any = jax.custom_vjp(value)
    apply.defvjp(forward, backward)
    return apply


def _filled(x: Any, fill: Callable[..., Any]) -> Any:
    """An array of the shape and dtype of x, to call a function with for the shape of its result."""
    return (fill if is_floating(x.dtype) else np.zeros)(x.shape, x.dtype)


def _units(shape: tuple[int, ...], dtype: Any) -> Any:
    """Unit matrices, or ones where no square matrices are."""
    square = len(shape) > 1 and shape[-1] == shape[-2]
    return np.broadcast_to(np.eye(shape[-1], dtype=dtype), shape) if square else np.ones(shape, dtype)


def _no_shape(f: Any, error: Exception) -> RuntimeError:
    """A function cannot be called without its numbers."""
    name = getattr(f, "__name__", type(f).__name__)
    return explain(
        RuntimeError(
            f"to_jax: JAX asks for the shape of what {name} returns before there are numbers, so it was called with ones, and with unit "
            f"matrices, and raised {type(error).__name__}: {error}; call it outside of jit, or let it return zeros of the right shape there"
        ),
        f"to_jax: JAX는 값이 정해지기 전에 결과의 형상을 요구하므로 함수를 1로 채운 배열과 단위 행렬로 호출해 보았으나 오류가 났습니다. "
        f"함수: {name}, 오류: {type(error).__name__}: {error}. jit 밖에서 호출하거나, "
        "그런 입력에는 결과와 같은 형상의 0을 반환하게 하십시오.",
    )
