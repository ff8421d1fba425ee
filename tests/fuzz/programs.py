"""Random programs of all ops: how they are drawn, run, written down as Python, and cut down to what still fails.

What an op may be called with is told by its row in tests/ops/rows, and by nothing else: a new op has a row, so it is in programs too.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

import tinygrad_ko as tg
from tests.ops.domains import at_ties, at_zeros, is_float, scaled
from tests.ops.table import ROWS
from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.reports.record import spelled
from tinygrad_ko.ops.networks.windows import Windows

MANY = 2_000  # numbers in a value: it is the last
LARGEST = 1e5  # of the values of a program: beyond it there is little to be measured
PUBLIC = [getattr(room, name) for room in (tg, tg.linalg) for name in room.__all__]


class Name(str):
    """The name of a value in a program; every other argument is what it is."""

    __slots__ = ()


@dataclass(frozen=True, eq=False)
class Step:
    """One line of a program: name = function(*arguments, **options)."""

    name: Name
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Program:
    """A function of its inputs: the values that no step uses are its results, or those of them that are `asked` for."""

    inputs: dict[Name, Array]
    steps: tuple[Step, ...]
    asked: tuple[Name, ...] = ()
    __name__ = "program"

    def __call__(self, *inputs: Any, after: Callable[[Any], Any] = lambda value: value) -> Any:
        values = self.run(inputs, after)
        found = [values[name] for name in self.results]
        return found[0] if len(found) == 1 else tg.concat([tg.reshape(value, (-1,)) for value in found])

    def run(self, inputs: Any, after: Callable[[Any], Any] = lambda value: value) -> dict[Name, Any]:
        """Every value by its name, each passed through `after` before it is used."""
        values = dict(zip(self.inputs, map(after, inputs), strict=True))
        for step in self.steps:
            arguments = [values[a] if isinstance(a, Name) else a for a in step.arguments]
            values[step.name] = after(step.function(*arguments, **step.options))
        return values

    def values(self) -> dict[Name, Any]:
        """Every value at its own inputs."""
        return self.run([x.copy() for x in self.inputs.values()])

    @property
    def results(self) -> list[Name]:
        """The names of what it returns."""
        used = {a for step in self.steps for a in step.arguments if isinstance(a, Name)}
        return [name for name in (step.name for step in self.steps) if name in (self.asked or {name} - used)]

    @property
    def ops(self) -> list[str]:
        """The names of its functions."""
        return sorted({step.function.__name__ for step in self.steps})

    def given(self, value: Array) -> tuple["Program", Name]:
        """With one more input."""
        name = Name(f"x{len(self.inputs)}")
        return replace(self, inputs={**self.inputs, name: value}), name

    def then(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple["Program", Name]:
        """With one more step."""
        name = Name(f"y{len(self.steps)}")
        return replace(self, steps=(*self.steps, Step(name, function, arguments, options))), name


# ---------------------------------------------------------------------- drawing


@lru_cache(maxsize=1000)
def calls_of(function: Callable[..., Any], batch: int) -> list[Any]:
    """Some calls of the strategy in its row; other ones for another batch."""
    found: list[Any] = []

    @seed(batch)
    @settings(
        max_examples=20, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(ROWS[function].calls)
    def collect(call: Any) -> None:
        found.append(call)

    collect()
    return found


def drawn(rng: "np.random.Generator", named: list[Callable[..., Any]], batch: int) -> Program:
    """A few calls, the first of a function that is named. Their arguments are new inputs, earlier values, or something of both."""
    program = Program({}, ())
    while not program.steps or (len(program.steps) < 16 and rng.random() < 0.8):
        function = choice(rng, list(ROWS) if program.steps else named)
        call = choice(rng, [*ROWS[function].corners, *calls_of(function, batch)])
        some = ways(function)
        longer_ones = [long] if as_it_is in some and rng.random() < 0.03 else []
        for way in [*longer_ones, *rng.permutation(some), plain]:
            longer = way(program, function, call, rng)
            if longer and is_ordinary(longer):
                program = longer
                break
        if any(value.size > MANY for value in program.values().values()):
            break  # a product of such arrays would not end
    return program


def ways(function: Callable[..., Any]) -> list[Any]:
    """How it may be called: at no ties if it has no slope there, and as its row does if only the package itself calls it."""
    if ROWS[function].distinct:
        return [near]
    ours = function.__module__.startswith("tinygrad_ko") and not any(f is function for f in PUBLIC)
    return [fitted, near, changed] if ours else [as_it_is, fitted, near, changed]


def choice(rng: "np.random.Generator", some: Any) -> Any:
    """One of them, whatever they are."""
    return some[rng.integers(len(some))]


def is_ordinary(program: Program) -> bool:
    """Whether its values are finite and not large, and no function refuses its arguments."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = program.values().values()
        return all(np.all(np.abs(value) < LARGEST) for value in values)
    except Exception:  # what it refuses, and how, is for its own tests
        return False


def called(program: Program, function: Callable[..., Any], call: Any, argument: Any) -> Program:
    """The call as one more step, with each floating array passed through `argument(program, array)`."""
    arrays, options = call
    constants, longer = constants_of(function), program
    arguments = []
    for i, a in enumerate(arrays):
        name = a
        if is_float(a) and i not in constants:
            longer, name = argument(longer, a)
        arguments.append(name)
    if not any(isinstance(a, Name) for a in arguments):
        return plain(program, function, call, None)
    longer, name = longer.then(function, *arguments, **options)
    return longer.then(seen, name)[0] if (seen := ROWS[function].seen) else longer


def constants_of(function: Callable[..., Any]) -> set[int]:
    """The places of arguments that have no formula."""
    record = getattr(function, "op", None)
    return {i for i, a in enumerate(record.arguments) if a not in record.differentiable} if record else set()


def plain(program: Program, function: Callable[..., Any], call: Any, rng: Any) -> Program:
    """New inputs."""
    return called(program, function, call, Program.given)


def changed(program: Program, function: Callable[..., Any], call: Any, rng: Any) -> Program:
    """New inputs with exact zeros, ties, or of another size; a number here and there."""
    call = choice(
        rng,
        [at_zeros(call, int(rng.integers(99))), at_ties(call), *(scaled(call, by) for by in (1e-6, 1e-2, 30.0, 1e3))],
    )

    def argument(program: Program, a: Array) -> Any:
        return (program, float(a)) if a.ndim == 0 and rng.random() < 0.5 else program.given(a)

    return called(program, function, call, argument)


def long(program: Program, function: Callable[..., Any], call: Any, rng: Any) -> Program:
    """Thousands of numbers: the first argument many times over, along its first axis."""

    def argument(program: Program, a: Array) -> tuple[Program, Name]:
        program, name = program.given(a)
        if a is not call[0][0] or not a.ndim or not a.size:
            return program, name
        return program.then(tg.tile, name, (10_000 // a.size, *[1] * (a.ndim - 1)))

    return called(program, function, call, argument)


def as_it_is(program: Program, function: Callable[..., Any], call: Any, rng: Any) -> Program | None:
    """Earlier values in place of some inputs, whatever their shape."""

    def argument(program: Program, a: Array) -> tuple[Program, Name]:
        return (program, earlier(program, rng)) if rng.random() < 0.7 else program.given(a)

    return called(program, function, call, argument) if program.inputs else None


def fitted(program: Program, function: Callable[..., Any], call: Any, rng: Any) -> Program | None:
    """Earlier values in place of some inputs, in the shape that the call has."""

    def argument(program: Program, a: Array) -> tuple[Program, Name]:
        return fit(program, a.shape, rng) if rng.random() < 0.7 else program.given(a)

    return called(program, function, call, argument) if program.inputs else None


def near(program: Program, function: Callable[..., Any], call: Any, rng: Any) -> Program | None:
    """New inputs, and a little of an earlier value: they stay inside a domain."""

    def argument(program: Program, a: Array) -> tuple[Program, Name]:
        program, new = program.given(a)
        program, name = fit(program, a.shape, rng)
        program, name = program.then(tg.tanh, name)
        program, name = program.then(tg.multiply, name, 0.02)
        return program.then(tg.add, new, name)

    return called(program, function, call, argument) if program.inputs else None


def earlier(program: Program, rng: Any) -> Name:
    """An input or a value of a step, most often of a late one."""
    names = [*program.inputs, *(step.name for step in program.steps)]
    return names[-1 - min(len(names) - 1, int(rng.geometric(0.3)) - 1)]


def fit(program: Program, shape: tuple[int, ...], rng: Any) -> tuple[Program, Name]:
    """An earlier value in a shape, with elements left out or taken again; an input of zeros where that cannot be."""
    name = earlier(program, rng)
    size = program.values()[name].size
    if not size:
        return program.given(np.zeros(shape))
    program, flat = program.then(tg.reshape, name, (-1,))
    program, part = program.then(tg.take, flat, rng.permutation(max(size, prod(shape)))[: prod(shape)] % size)
    return program.then(tg.reshape, part, shape)


# ---------------------------------------------------------------------- writing down


def written(program: Program) -> str:
    """The Python that makes the inputs of a program and defines it."""
    functions = {step.function for step in program.steps}
    lines = ["import numpy as np", "import tinygrad_ko as tg"]
    lines += sorted(
        {f"from {f.__module__} import {f.__name__}" for f in functions if getattr(tg, f.__name__, None) is not f}
    )
    text = "\n".join(f"    {step.name} = {line(step)}" for step in program.steps)
    if "Windows(" in text:
        lines += ["from tinygrad_ko.ops.networks.windows import Windows"]
    lines += ["", *(f"{name} = {python(value)}" for name, value in program.inputs.items()), ""]
    results = program.results
    joined = f"tg.concat([{', '.join(f'tg.reshape({name}, (-1,))' for name in results)}])"
    lines += [f"def program({', '.join(program.inputs)}):", text]
    lines += [f"    return {results[0] if len(results) == 1 else joined}"]
    return "\n".join(lines)


def line(step: Step) -> str:
    """The call of a step."""
    name = step.function.__name__
    function = f"tg.{name}" if getattr(tg, name, None) is step.function else name
    options = [f"{option}={python(value)}" for option, value in step.options.items()]
    return f"{function}({', '.join([*map(python, step.arguments), *options])})"


def python(value: Any) -> str:
    """A value as Python that gives it."""
    match value:
        case Name() | Windows():
            return str(value)
        case type():
            return f"np.{value.__name__}"
        case tuple():
            return f"({''.join(f'{python(v)}, ' for v in value).strip()})"
        case _:
            return spelled(value)


# ---------------------------------------------------------------------- cutting down


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The smallest program found that still fails: steps become inputs, results and digits are left out, one after another."""
    while smaller := next(filter(fails, simpler(program)), None):
        program = smaller
    return program


def simpler(program: Program) -> Iterator[Program]:
    """Programs with one thing less."""
    values = program.values()
    results = program.results
    if len(results) > 1:
        yield from (trimmed(replace(program, asked=(name,))) for name in results)
    for step in program.steps:
        if step.name not in results or len(results) > 1:
            yield trimmed(cut(program, step, np.array(values[step.name], dtype=float)))
    if len(program.steps) > 1:
        yield from (trimmed(replace(program, asked=(step.name,))) for step in program.steps if [step.name] != results)
    for name, x in program.inputs.items():
        for digits in (0, 1, 2):
            if not np.array_equal(few := np.asarray(np.round(x, digits) + 0.0), x):
                yield replace(program, inputs={**program.inputs, name: few})
                break


def cut(program: Program, at: Step, value: Array) -> Program:
    """With an input in place of a step."""
    program, new = program.given(value)
    steps = tuple(
        replace(step, arguments=tuple(new if type(a) is Name and a == at.name else a for a in step.arguments))
        for step in program.steps
        if step is not at
    )
    return replace(program, steps=steps, asked=tuple(name for name in program.results if name != at.name))


def trimmed(program: Program) -> Program:
    """Without the steps and inputs that its results do not need, and with names in order."""
    needed = set(results := program.results)
    for step in reversed(program.steps):
        if step.name in needed:
            needed.update(a for a in step.arguments if isinstance(a, Name))
    names: dict[Any, Name] = {}
    inputs: dict[Name, Array] = {}
    for old, x in program.inputs.items():
        if old in needed:
            names[old] = Name(f"x{len(inputs)}")
            inputs[names[old]] = x
    steps: list[Step] = []
    for step in program.steps:
        if step.name in needed:
            names[step.name] = Name(f"y{len(steps)}")
            arguments = tuple(names[a] if isinstance(a, Name) else a for a in step.arguments)
            steps.append(replace(step, name=names[step.name], arguments=arguments))
    return Program(inputs, tuple(steps), tuple(names[name] for name in results))
