"""Right and wrong rules to ask the checkers about: every op at drawn calls, and the same with a formula changed."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

import tinygrad_ko as tg
from benchmarks.judges import Case
from benchmarks.problems import Array
from tests.ops.table import OPS, ROWS
from tinygrad_ko.engine.op import op
from tinygrad_ko.testing.mutation import mutants

MOST = 64  # numbers in the inputs of a call, and in its output
ROUNDING = 1e-12  # gradients that differ by less, relative to their largest entry, are the same
SCALES = {"as drawn": 1.0, "x 1e-6": 1e-6, "x 1e4": 1e4}
SMALL = "relative error 1e-6"  # a mutant of this kind is no slip of the pen: see ERRORS
LARGE, LARGE_KIND = (20, 50), "1e-2 of one in 1,000"


@dataclass(frozen=True)
class Rule:
    """A gradient at some calls. `kind` says what is wrong with it, or at what scale it is right."""

    name: str
    kind: str
    cases: Sequence[Case]


@dataclass(frozen=True)
class Call:
    """Arguments and options of an op, and which of the arguments have a gradient."""

    function: Callable[..., Any]
    arguments: Sequence[Any]
    options: dict[str, Any]
    moving: Sequence[int]

    @property
    def arrays(self) -> list[Array]:
        return [self.arguments[i] for i in self.moving]

    def case(self, function: Callable[..., Any] | None = None, arrays: Sequence[Array] | None = None) -> Case:
        """This call as a function of the moving arguments alone; of another function or at other places, if wanted."""
        called = function or self.function

        def bound(*xs: Any) -> Any:
            filled = list(self.arguments)
            for i, x in zip(self.moving, xs, strict=True):
                filled[i] = x
            return called(*filled, **self.options)

        bound.__name__ = called.__name__
        return Case(bound, self.arrays if arrays is None else arrays)


def generator(seed: int, name: str) -> "np.random.Generator":
    return np.random.default_rng([seed, crc32(name.encode())])


@cache
def drawn(name: str, function: Callable[..., Any], seed: int) -> list[Call]:
    """Calls of an op from its row in the table of the tests: those that every checker can take, not only trivial ones."""
    found: list[Call] = []

    @seeded(seed)
    @settings(
        max_examples=100, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(ROWS[function].calls)
    def collect(call: Any) -> None:
        arguments, options = call
        record = getattr(function, "op", None)
        moving = [
            i
            for i, x in enumerate(arguments)
            if isinstance(x, np.ndarray)
            and x.dtype == float
            and (record is None or record.variadic or record.arguments[i] in record.differentiable)
        ]
        made = Call(function, arguments, options, moving)
        if moving and min(x.size for x in made.arrays) > 0 and sum(x.size for x in made.arrays) <= MOST:
            case = made.case()
            if 0 < case.forward(*case.arrays).size <= MOST and smooth_enough(case):
                found.append(made)

    collect()
    if not found:
        raise ValueError(f"no call of {name} was drawn that the checkers can take: look at its row in tests/ops/rows")
    order = generator(seed, name).permutation(len(found))
    several = [i for i in order if max(x.size for x in found[i].arrays) > 1]
    return [found[i] for i in [*several, *(i for i in order if i not in several)]]


def gradient(case: Case) -> list[Array]:
    """For a generic cotangent, always the same."""
    with np.errstate(all="ignore"):
        size = case.forward(*case.arrays).shape
        return case.backward(case.arrays, np.array(np.random.default_rng(0).normal(size=size)))


def smooth_enough(case: Case) -> bool:
    """Whether value and gradient are finite, and the function is defined and does not jump close by."""
    rng = np.random.default_rng(0)
    steps = [rng.normal(size=x.shape) * 1e-9 * np.maximum(np.abs(x), np.max(np.abs(x)) or 1) for x in case.arrays]
    with np.errstate(all="ignore"):
        y = case.forward(*case.arrays)
        moved = [case.forward(*(x + s * d for x, d in zip(case.arrays, steps, strict=True))) for s in (1, -1)]
    if not all(np.isfinite(v).all() for v in (y, *moved, *gradient(case))):
        return False
    return all(np.max(np.abs(v - y)) <= 1e-6 + 1e-3 * np.max(np.abs(y)) for v in moved)


def with_zeros(call: Call, rng: "np.random.Generator") -> list[Array]:
    """The arrays of a call, about half of their entries exactly zero, and at least one."""
    arrays = []
    for x in call.arrays:
        zero = np.asarray(rng.random(x.shape) < 0.5)
        zero.reshape(-1)[rng.integers(x.size)] = True
        arrays.append(np.where(zero, 0.0, x))
    return arrays


def right(names: Sequence[str], count: int, seed: int) -> Iterator[Rule]:
    """Every op at each scale, and with zeros, where its value and its gradient are finite."""
    for function in ROWS:
        name = function.__name__
        if name not in names:
            continue
        calls, rng = drawn(name, function, seed)[:count], generator(seed, name)
        places = {kind: [[x * scale for x in c.arrays] for c in calls] for kind, scale in SCALES.items()}
        places["zeros"] = [with_zeros(c, rng) for c in calls]
        for kind, at in places.items():
            cases = [c.case(arrays=arrays) for c, arrays in zip(calls, at, strict=True)]
            if usable := [case for case in cases if smooth_enough(case)]:
                yield Rule(name, kind, usable)


def same(ours: list[Array], theirs: list[Array]) -> bool:
    """Whether two gradients differ by no more than rounding."""
    return all(
        np.allclose(a, b, rtol=0, atol=ROUNDING * max(np.max(np.abs(a)), np.max(np.abs(b))))
        for a, b in zip(ours, theirs, strict=True)
    )


def wrong(names: Sequence[str], count: int, seed: int, every: int, left_out: dict[str, list[str]]) -> Iterator[Rule]:
    """Every mutant of every formula but those of SMALL, at the first calls where its gradient is another; what is left out is noted."""
    number = 0
    for name, function in OPS.items():
        if name not in names:
            continue
        calls = drawn(name, function, seed)
        truths = [gradient(c.case()) for c in calls]
        for mutant in mutants(function):
            if mutant.kind == SMALL:
                continue
            number += 1
            if number % every:
                continue
            cases, refused = [], 0
            for call, truth in zip(calls, truths, strict=True):
                case = call.case(mutant.function)
                try:
                    found = gradient(case)
                except Exception:  # a mutant may break in any way
                    refused += 1
                    continue
                if not same(found, truth):
                    cases.append(case)
                if len(cases) == count:
                    break
            if cases:
                yield Rule(str(mutant), mutant.kind, cases)
            else:
                reason = "refused by the engine before any checker" if refused else "the same at every call"
                left_out.setdefault(reason, []).append(str(mutant))


@op(x=lambda g, factor: g * factor)
def bent(x: Any, /, factor: Any) -> Any:
    """x, with a gradient that is off by a factor, or by one for each entry."""
    return x


ERRORS = {"1e-2 of all": (1e-2, False), "1e-6 of all": (1e-6, False), "1e-2 of one": (1e-2, True)}


def bend(case: Case, size: float, one_entry: bool, rng: "np.random.Generator") -> Case:
    """The same function with a gradient in its first argument that is wrong by so much, relative to itself."""
    factor = np.full(case.arrays[0].shape, 1.0 if one_entry else 1 + size)
    if one_entry:  # one of those that matter
        entries = np.flatnonzero(gradient(case)[0])
        factor.reshape(-1)[rng.choice(entries)] = 1 + size
    inner = case.function
    return Case(lambda x, *others: inner(bent(x, factor=factor), *others), case.arrays)


def off_by(names: Sequence[str], count: int, seed: int) -> Iterator[Rule]:
    """Right rules but for a relative error: of a whole gradient, of one entry, of one entry among a thousand."""
    for name, function in OPS.items():
        if name not in names:
            continue
        rng = generator(seed, name)
        cases = [c.case() for c in drawn(name, function, seed)[:count]]
        sloped = [case for case in cases if np.any(gradient(case)[0])]
        for kind, (size, one_entry) in ERRORS.items():
            if sloped:
                yield Rule(name, kind, [bend(case, size, one_entry, rng) for case in sloped])
    for f in (tg.exp, tg.sin, tg.tanh, tg.sigmoid, tg.square, tg.softmax):
        if f.__name__ in names:
            rng = generator(seed, f.__name__)
            cases = [Case(f, [rng.normal(size=LARGE)]) for _ in range(2)]
            yield Rule(f.__name__, LARGE_KIND, [bend(case, 1e-2, True, rng) for case in cases])


def quietly(rules: Iterator[Rule]) -> list[Rule]:
    """All of them, without the warnings of mutants that overflow."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return list(rules)
