"""Hypothesis strategies for inputs that show a wrong gradient.

A rule is often wrong and right at the same time: a transpose is invisible where a matrix is square, a missing mask
where all values are positive, a missing sum where nothing is broadcast. So no two dimensions of a shape are equal
unless they must be, values come in both signs and in three magnitudes, and now and then they are 0 or equal.

Values come from a generator whose seed Hypothesis draws: that is fast, and it is the shapes, and what is special about
the values, that shrink.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.domain import Domain, is_whole, limits, random_array, random_numbers
from tinygrad_ko.check.functions.in_torch import is_function_class
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.signatures import signature as signature_of

Shape = tuple[int, ...]
Values = Domain | SearchStrategy[Any] | Callable[[Shape], SearchStrategy[Any]]
Call = tuple[tuple[Any, ...], dict[str, Any]]

_SEEDS = st.integers(0, 2**32 - 1)
_SCALES = [1.0, 1e-6, 1e4]
_KINDS = ["generic", "zeros", "ties"]
_CORES = {"symmetric": "(n,n)", "positive_definite": "(n,n)", "simplex": "(n)"}  # of domains of whole arrays
_LONG = [65, 129]  # sides just over a block, as kernels have them


@st.composite
def _sides(draw: st.DrawFn, dims: int, max_side: int) -> list[int]:
    """So many different sides; now and then one of them is long, if there may be such."""
    long = [n for n in _LONG if n <= max_side]
    most = max(5, dims) if long else max_side
    sides = draw(st.lists(st.integers(1, most), unique=True, min_size=dims, max_size=dims))
    if long and sides and draw(st.integers(0, 3)) == 3:
        sides[draw(st.integers(0, dims - 1))] = draw(st.sampled_from(long))
    return sides


@st.composite
def shapes(draw: st.DrawFn, *, min_dims: int = 0, max_dims: int = 3, max_side: int = 5, empty: bool = True) -> Shape:
    """Shapes without two equal dimensions, up to 5; some have a dimension of 0, none with `empty=False`. With `max_side=129` one in
    four has a dimension of 65 or 129, one more than a block of a kernel's usually is.

    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 3)
    (1, 2, 3)
    """
    dims = draw(st.integers(min_dims, max_dims))
    shape = draw(_sides(dims, max_side))
    if empty and shape and draw(st.integers(0, 4)) == 4:
        shape[draw(st.integers(0, len(shape) - 1))] = 0
    return tuple(shape)


@st.composite
def broadcasting(
    draw: st.DrawFn, n: int, *, max_dims: int = 3, max_side: int = 5, empty: bool = True
) -> tuple[Shape, ...]:
    """`n` shapes that broadcast together: of a common shape some lack leading dimensions, and most have 1 in place of
    others, so that something is stretched more often than not.

    >>> from hypothesis import given
    >>> @given(broadcasting(2))
    ... def addition_broadcasts(pair):
    ...     a, b = map(np.zeros, pair)
    ...     assert (a + b).shape == np.broadcast_shapes(*pair)
    >>> addition_broadcasts()
    """
    common = draw(shapes(max_dims=max_dims, max_side=max_side, empty=empty))
    ones = [draw(st.integers(0, n)) if n > 1 else 0 for _ in common]  # which of the shapes has 1 there: 0 for none
    lacking = [draw(st.integers(0, len(common))) if n > 1 and draw(st.booleans()) else 0 for _ in range(n)]
    return tuple(
        tuple(1 if one == i else side for side, one in zip(common, ones, strict=True))[lacks:]
        for i, lacks in enumerate(lacking, 1)
    )


def filled(rng: "np.random.Generator", shape: Shape, domain: Domain, scale: float, kind: str) -> Array:
    """An array of a domain: generic numbers, or some exactly 0, or ties, with the other arrays of the call too."""
    if is_whole(domain):
        return random_array(rng, shape, domain, scale)
    low, high = limits(domain)
    if kind == "ties":
        few = random_numbers(np.random.default_rng(4), (4,), low, high, scale)
        return np.array(rng.choice(few, shape))
    x = random_numbers(rng, shape, low, high, scale)
    if kind == "zeros" and low < 0 < high and domain != "nonzero":
        x[rng.random(shape) < 0.5] = 0.0
    return x


@st.composite
def manners(draw: st.DrawFn, sizes: tuple[Shape, ...], kinks: bool) -> tuple["np.random.Generator", float, str]:
    """How to fill arrays of these shapes: a generator, a magnitude, and whether with zeros or ties."""
    # Half of the seeds that Hypothesis draws are 0, so the shapes are part of the generator's.
    plain, seed = draw(st.sampled_from([True, False, False, False])), draw(_SEEDS)
    rng = np.random.default_rng([seed, *(n for size in sizes for n in (len(size), *size))])
    if plain:  # what failing examples shrink to
        return rng, 1.0, "generic"
    return rng, float(rng.choice(_SCALES)), str(rng.choice(_KINDS)) if kinks else "generic"


@st.composite
def arrays(
    draw: st.DrawFn,
    domain: Domain = "real",
    shape: Shape | SearchStrategy[Shape] | None = None,
    *,
    kinks: bool = True,
) -> Array:
    """float64 arrays of a domain, in a given shape or in one of `shapes()`.

    A domain is an open interval (low, high), where None is no limit, or a name: "real", "positive", "unit" for
    (-1, 1), and "nonzero", which is real without exact zeros; or a domain of whole arrays: "symmetric" and "positive_definite"
    matrices, and "simplex", numbers along the last axis that add up to 1. The numbers of an array are all of about one magnitude:
    1, 1e-6 (if 0 is inside the domain or its limit) or 1e4 (if the domain has no limit there); in a domain with two
    limits they are spread evenly between them. With `kinks` every other array holds exact zeros (if the domain does) or
    equal numbers: where rules with a mask or a maximum show what they do at a kink.

    Raises ValueError for a domain that is none.

    >>> from hypothesis import given
    >>> @given(arrays((0, 2), shape=(3, 4)))
    ... def the_root_has_a_positive_slope(x):
    ...     assert (0.5 / np.sqrt(x) > 0).all()
    >>> the_root_has_a_positive_slope()
    """
    shape = _shapes_of(domain) if shape is None else shape
    size = draw(shape) if isinstance(shape, SearchStrategy) else shape
    rng, scale, kind = draw(manners((size,), kinks))
    return filled(rng, size, domain, scale, kind)


def _shapes_of(domain: Domain) -> SearchStrategy[Shape]:
    """Shapes of arrays of a domain: any, or stacks of square matrices, or with a last axis that is not empty."""
    if not is_whole(domain):
        return shapes()
    last = 1 if domain == "simplex" else 2
    return st.builds(lambda front, n: (*front, *(n,) * last), shapes(max_dims=1), st.integers(1, 5))


def calls(
    op: Callable[..., Any],
    domain: Values | Mapping[str, Values] = "real",
    *,
    signature: str | None = None,
    options: dict[str, Any] | None = None,
    kinks: bool = True,
    max_side: int = 129,
) -> SearchStrategy[Call]:
    """Calls of an op, as pairs (arguments, options).

    The op's record says how many arguments there are and whether they broadcast; of a plain function of Tensors its
    required positional parameters are taken. Arguments that do not broadcast have one shape, unless a `signature`
    says otherwise, as NumPy writes it: "(n,k),(k,m)->(n,m)". Its dimensions differ and are not 0; if the op broadcasts
    there may be more in front of them. A plain function whose arguments broadcast has the signature "(),()".

    `domain` is a domain of `arrays`, or a dict with one for each argument (real if it is not named). An argument that
    is not differentiable has no domain: give it a strategy, or a function that makes one from the shape the argument
    should have. `options` holds values for the op's options, or strategies. `max_side` is that of `shapes`: 5 for an op that
    takes long for arrays of 65 or 129 rows. Where the domains of all arguments are of whole arrays, the signature follows from them.

    Raises ValueError for a signature or domain that does not fit the op.

    >>> import tinygrad_ko as tg
    >>> from hypothesis import given
    >>> from hypothesis.extra.numpy import arrays as any_arrays
    >>> @given(calls(tg.where, {"condition": lambda shape: any_arrays(bool, shape)}))
    ... def where_broadcasts(call):
    ...     arguments, options = call
    ...     assert tg.where(*arguments).shape == np.broadcast_shapes(*(a.shape for a in arguments))
    >>> where_broadcasts()
    """
    about = known(op, domain)
    title, names = about.title, about.names
    values = {name: domain.get(name, "real") if isinstance(domain, Mapping) else domain for name in names}
    if signature is None and all(map(is_whole, values.values())):
        signature = ",".join(_CORES[str(value)] for value in values.values())
    cores = None if signature is None else _cores_of(signature)
    if cores and not about.variadic and len(cores) != len(names):
        raise explain(
            ValueError(f"{title}: the signature {signature!r} has {len(cores)} arguments, but the op takes {names}"),
            f"{title}: signature {signature!r}에는 인수가 {len(cores)}개 있지만 연산의 인수는 다음과 같습니다: {', '.join(names)}",
        )
    for name, value in values.items():
        if callable(value) or isinstance(value, SearchStrategy):
            continue
        limits(value)
        if name not in about.smooth:
            raise explain(
                ValueError(
                    f"{title}: {name!r} is not differentiable: give it a strategy, or a function that makes one from a shape, "
                    f"domain={{{name!r}: ...}}"
                ),
                f"{title}: 미분하지 않는 인수 {name!r}에는 값을 만드는 방법(Hypothesis 전략이나 형상을 받는 함수)을 주어야 합니다. "
                f"domain={{{name!r}: ...}}",
            )
    chosen = {k: v if isinstance(v, SearchStrategy) else st.just(v) for k, v in (options or {}).items()}
    stacks = not any(cores or ()) if about.broadcasts is None else about.broadcasts

    @st.composite
    def call(draw: st.DrawFn) -> Call:
        if cores:
            sizes = draw(_fitting(cores, stacks, max_side))
        else:
            n = draw(st.integers(1, 3)) if about.variadic else len(names)
            sizes = draw(broadcasting(n, max_side=max_side) if about.broadcasts else _alike(n, max_side))
        rng, scale, kind = draw(manners(sizes, kinks))
        arguments = []
        for name, size in zip(names * len(sizes) if about.variadic else names, sizes, strict=True):
            value: Any = values[name]
            if isinstance(value, SearchStrategy) or callable(value):
                arguments.append(draw(value(size) if callable(value) else value))
            else:
                arguments.append(filled(rng, size, value, scale, kind))
        return tuple(arguments), {name: draw(value) for name, value in chosen.items()}

    return call()


@dataclass(frozen=True)
class Known:
    """What can be known of an op, or of a plain function, before it is called."""

    title: str
    names: tuple[str, ...]  # of the arguments to draw
    smooth: tuple[str, ...]  # those of them that are differentiable
    variadic: bool
    broadcasts: bool | None  # None: nobody says


def known(op: Callable[..., Any], domain: Any) -> Known:
    """What is known of an op; ValueError if it has no argument, or `domain` names one that it has not."""
    record: Op | None = getattr(op, "op", None)
    given = dict((record.signature if record else signature_of(op)).parameters)
    if is_function_class(op):
        del given[next(iter(given))]  # the context of PyTorch's
    named = set(domain) if isinstance(domain, Mapping) else set()
    if record:
        names = record.arguments
        while given[names[-1]].default is not Parameter.empty and names[-1] not in {*record.differentiable, *named}:
            names = names[:-1]  # an option in all but name: it keeps its default
        about = Known(record.name, names, record.differentiable, record.variadic, record.broadcasts)
    else:
        positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        names = tuple(n for n, p in given.items() if p.kind in positional and p.default is p.empty)
        about = Known(getattr(op, "__name__", type(op).__name__), names, names, False, None)
    if not names:
        raise explain(
            ValueError(f"{about.title} has no positional parameter without a default: there is nothing to draw"),
            f"{about.title}: 기본값이 없는 위치 인수가 없어 만들어 넣을 값이 없습니다.",
        )
    if wrong := sorted(named - set(names)):
        raise explain(
            ValueError(f"{about.title}: a domain for {wrong}, but its arguments are {list(names)}"),
            f"{about.title}: domain에 없는 인수의 이름이 있습니다: {', '.join(map(str, wrong))}. 인수: {', '.join(names)}",
        )
    return about


def _cores_of(signature: str) -> list[list[str]]:
    """The dimensions of each argument in a signature."""
    core = r"\((?:\w+(?:,\w+)*)?\)"
    text = signature.replace(" ", "")
    if not re.fullmatch(rf"{core}(?:,{core})*(?:->{core})?", text):
        raise explain(
            ValueError(f"a signature looks like '(n,k),(k,m)->(n,m)', not {signature!r}"),
            f"signature의 형식이 올바르지 않습니다. 예: '(n,k),(k,m)->(n,m)', 받은 값: {signature!r}",
        )
    return [re.findall(r"\w+", argument) for argument in re.findall(core, text.partition("->")[0])]


@st.composite
def _alike(draw: st.DrawFn, n: int, max_side: int) -> tuple[Shape, ...]:
    return (draw(shapes(max_side=max_side)),) * n


@st.composite
def _fitting(draw: st.DrawFn, cores: list[list[str]], stacks: bool, max_side: int) -> tuple[Shape, ...]:
    """Shapes with the given dimensions, all different, and with more in front of them that broadcast."""
    names = sorted({name for core in cores for name in core if not name.isdigit()})
    side = dict(zip(names, draw(_sides(len(names), max(max_side, len(names)))), strict=True))
    fronts = draw(broadcasting(len(cores), max_dims=2)) if stacks else [()] * len(cores)
    return tuple(
        (*front, *(int(name) if name.isdigit() else side[name] for name in core))
        for front, core in zip(fronts, cores, strict=True)
    )
