"""Variations of a call that change no number: arrays that lie otherwise in memory, one array given twice, a cotangent times a constant.

An op that is right elsewhere may be wrong there: it reads memory as if it were contiguous, writes through a view, tells its arguments apart
by identity, or holds what is tiny or huge for 0 or for infinity.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.domain import projected
from tinygrad_ko.check.functions.libraries import of_another_library
from tinygrad_ko.errors import explain
from tinygrad_ko.func.trees import in_one_row, is_tree, leaves_like, mapped
from tinygrad_ko.ops.reduction import sum as total
from tinygrad_ko.ops.shape import flip
from tinygrad_ko.tensor.tensor import borrow, grad

# From arguments to the result, and the function from a cotangent to the gradients; of a jvp from the tangents to that of the result.
Linearize = Callable[[list[Any]], tuple[Any, Callable[[Any], list[Any]]]]
_NEAR = 1e-7  # of the largest number: a sum may be added up in another order
_LARGEST = 1e200  # of numbers that may be multiplied


@dataclass(frozen=True)
class _Variation:
    """A call, and the usual one that it is compared with; how they differ, in both languages."""

    text: str
    korean: str
    call: tuple[list[Any], Any]  # the arguments and the cotangent
    usual: tuple[list[Any], Any]
    factor: float = 1.0  # how many times as large its gradients are
    twice: tuple[int, ...] = ()  # two arguments that are one array: then the sum of their gradients counts


def _variations(names: list[str], arguments: list[Any], g: Any, called: tuple[str, str]) -> Iterator[_Variation]:
    """The variations of a call; `called` is what the cotangent is called, in both languages."""
    usual, (name, korean) = (arguments, g), called
    for order, text, note in (
        (_in_fortran_order, "in Fortran order", "가 Fortran 순서로 저장되어 있으면"),
        (_reversed, "of negative strides, as x[::-1] is", "의 스트라이드가 음수이면(x[::-1] 등)"),
    ):
        yield _Variation(f"the arguments are {text}", f"인수{note}", (_each(order, arguments), g), usual)
        yield _Variation(f"{name} is {text}", f"{korean}{note}", (arguments, _each(order, g)), usual)
    text, note = "of stride 0, as np.broadcast_to gives", "의 스트라이드가 0이면(np.broadcast_to 등)"
    same = arguments, _each(lambda x: np.array(_with_stride_0(x)), g)
    yield _Variation(f"{name} is {text}", f"{korean}{note}", (arguments, _each(_with_stride_0, g)), same)
    for factor in (1e12, 1e-12):
        times = arguments, _each(partial(np.multiply, factor), g)
        yield _Variation(f"{name} is {factor:g} times as large", f"{korean}가 {factor:g}배이면", times, usual, factor)
    floats = [i for i, x in enumerate(arguments) if _is_float(x) and x.size]
    for i, j in combinations(floats, 2):
        if arguments[i].shape == arguments[j].shape:
            one = [arguments[i] if k == j else x for k, x in enumerate(arguments)]
            two = [np.array(x) if k == j else x for k, x in enumerate(one)]
            text, note = (
                f"{names[i]!r} and {names[j]!r} are one array",
                f"{names[i]!r}, {names[j]!r}에 같은 배열을 넘기면",
            )
            yield _Variation(text, note, (one, g), (two, g), twice=(i, j))


def find_difference(
    title: str,
    names: list[str],
    linearize: Linearize,
    arguments: list[Any],
    domains: Mapping[str, str],
    forward_mode: bool = False,
) -> AssertionError | None:
    """The error for the first variation in which something is another than in the usual call; None if there is none."""
    rng = np.random.default_rng(0)
    called = ("the tangent", "접선 벡터(tangent)") if forward_mode else ("the cotangent", "기울기 g")
    shapes = arguments if forward_mode else linearize(arguments)[0]
    g = _each(lambda x: np.asarray(rng.standard_normal(x.shape)), shapes, others=None)
    # At a kink another order of summation may take another side: what is wrong is wrong nearby too.
    near = [x * (1 - 1e-3 * rng.random(x.shape)) if _is_float(x) else x for x in arguments]
    near = [projected(x, domains[name]) if name in domains else x for name, x in zip(names, near, strict=True)]
    nearby = {v.text: v for v in _variations(names, near, g, called)}
    for found in _variations(names, arguments, g, called):
        difference = _difference(linearize, found)
        if difference and (found.text not in nearby or _difference(linearize, nearby[found.text])):
            which, raised = difference
            what, korean = ("its result", "반환값") if which < 0 else ("the jvp", "jvp")
            if which >= 0 and not forward_mode:
                what, korean = f"the gradient of {names[which]!r}", f"인수 {names[which]!r}의 기울기"
            text, note = f"{what} is not that of the same numbers in a usual call", f"{korean}의 값이 달라집니다."
            text, note = (f"it raises {raised}", f"오류가 발생합니다. {raised}") if raised else (text, note)
            return explain(AssertionError(f"{title}: where {found.text}, {text}"), f"{title}: {found.korean} {note}")
    return None


def _difference(linearize: Linearize, found: _Variation) -> tuple[int, str] | None:
    """What is another in a variation: the place of the gradient, -1 for the result; and what is raised there."""
    try:
        y, usual = _results(linearize, found.usual, found.twice)
    except Exception:
        return None  # such numbers are none of its domain
    if not all(np.isfinite(x).all() and _most(x) < _LARGEST for x in (*y, *usual.values())):
        return None
    try:
        its_y, gradients = _results(linearize, found.call, found.twice)
    except Exception as error:
        return -1, f"{type(error).__name__}: {error}"
    if not all(map(_close, its_y, y, map(_most, y))):
        return -1, ""
    arguments, g = found.call
    terms = sum(map(_most, _arrays(g))) * max(map(_most, y), default=0)  # as large as what may cancel
    for i, part in usual.items():
        size = found.factor * _most(part) + 1e-6 * terms / (_most(arguments[i]) or 1.0)
        if not _close(gradients[i], found.factor * part, size):
            return i, ""
    return None


def _results(
    linearize: Linearize, call: tuple[list[Any], Any], twice: tuple[int, ...]
) -> tuple[list[Array], dict[int, Array]]:
    """The arrays of the result, and the gradients by the places of their arguments, each in one row."""
    arguments, g = call
    y, pull = linearize(arguments)
    gradients = {i: _row(part) for i, part in enumerate(pull(g)) if part is not None}
    if len(gradients) > 1 and twice:
        i, j = twice
        gradients[i] = gradients[i] + gradients.pop(j)
    return _arrays(y), gradients


def _arrays(tree: Any) -> list[Array]:
    return [np.asarray(x, dtype=np.float64) for x, _ in leaves_like(tree, tree, "") if x is not None]


def _row(tree: Any) -> Array:
    return np.concatenate([np.zeros(0), *(x.ravel() for x in _arrays(tree))])


def _most(x: Any) -> float:
    return float(np.max(np.abs(x), initial=0))


def _close(a: Array, b: Array, size: float) -> bool:
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= _NEAR * size))


def of_tensors(f: Callable[..., Any], title: str) -> Linearize:
    """A function of Tensors. An array that is given twice is one Tensor."""

    def linearize(arguments: list[Any]) -> tuple[Any, Callable[[Any], list[Any]]]:
        tensors = {id(x): borrow(x, requires_grad=True) for x in arguments if _is_float(x)}
        y = f(*(tensors.get(id(x), x) for x in arguments))
        y = in_one_row(y, title) if is_tree(y) else y

        def pull(g: Array) -> list[Any]:
            z, seed = y, g
            if g.size > 1 and not any(g.strides):  # seeds are made contiguous, what comes out of formulas is not
                z, seed = total(y), g[(0,) * g.ndim]
            elif any(stride < 0 for stride in g.strides):
                z, seed = flip(y), np.ascontiguousarray(np.flip(g))
            found = dict.fromkeys(tensors)
            if y.requires_grad:
                found |= zip(tensors, grad(z, [*tensors.values()], np.asarray(seed), allow_unused=True), strict=True)
            parts = [found.pop(id(x), None) for x in arguments]  # of one array the first has the gradient of both
            return [
                np.zeros(np.shape(x)) if part is None else part.numpy()
                for x, part in zip(arguments, parts, strict=True)
            ]

        return y.numpy(), pull

    return linearize


def of_vjp(f: Callable[..., Any], vjp: Callable[..., Any]) -> Linearize:
    """A function of arrays and its vjp, written by hand."""

    def linearize(arguments: list[Any]) -> tuple[Any, Callable[[Any], list[Any]]]:
        def pull(g: Any) -> list[Any]:
            parts = vjp(g, *arguments)
            several = isinstance(parts, list | tuple) and len(parts) == len(arguments)
            return [*parts] if several else [parts]

        return f(*arguments), pull

    return linearize


def of_jvp(f: Callable[..., Any], jvp: Callable[..., Any]) -> Linearize:
    """A function of arrays and its jvp, written by hand."""
    return lambda arguments: (f(*arguments), lambda tangents: [jvp(*arguments, *tangents)])


def of_library(f: Callable[..., Any], inputs: list[Any], parameters: Any) -> Linearize:
    """A function of PyTorch or JAX."""
    judged = of_another_library(f, tuple(inputs), parameters, None)
    assert judged is not None

    def linearize(arguments: list[Any]) -> tuple[Any, Callable[[Any], list[Any]]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, of arrays that cannot be written to
            y, pull = judged.linearize(
                judged.structured([*_each(_forwards, arguments), *judged.point[len(arguments) :]])
            )

        def quietly(g: Any) -> list[Any]:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return [*pull(_each(_forwards, g))][: len(arguments)]

        return y, quietly

    return linearize


def _each(change: Callable[[Array], Any], tree: Any, others: Any = ...) -> Any:
    """A tree with each array of floats changed, and `others` in place of the other values; they stay by default."""
    keep = others is ...
    return mapped(lambda x, _: change(x) if _is_float(x) else x if keep else others, tree, "")


def _is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.floating) and x.dtype.kind == "f"


def _forwards(x: Array) -> Array:
    """An array without negative strides, which PyTorch has not."""
    return np.array(x) if any(stride < 0 for stride in x.strides) else x


def _in_fortran_order(x: Array) -> Array:
    return np.array(x, order="F")


def _reversed(x: Array) -> Array:
    # NaNs follow, for a kernel that takes the address of the first number for that of a contiguous array.
    numbers = np.concatenate([np.flip(x).ravel(), np.full(x.size, np.nan)])
    return np.flip(numbers[: x.size].reshape(x.shape))


def _with_stride_0(x: Array) -> Array:
    numbers = np.full(x.size, np.nan)
    numbers[:1] = x.ravel()[:1]
    return np.broadcast_to(numbers[:1].reshape((1,) * x.ndim), x.shape) if x.size else x
