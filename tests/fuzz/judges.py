"""What every program owes. A judge is a function of a program that raises AssertionError where it does not give it.

GradientUndecided says that a judge cannot see; an error that is explained, in Korean too, that a program is refused.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

import tinygrad_ko as tg
from tests.fuzz.differentiating import alone, differentiated, largest, leaves_of, twice_differentiated
from tests.fuzz.programs import PUBLIC, Name, Program, Step, line
from tests.fuzz.rounding import agree
from tests.ops.domains import is_float
from tests.ops.table import ROWS
from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.verdicts.verdict import Effort

Rng = Any
EFFORTS: tuple[Effort, Effort] = ("quick", "usual")
NINE_DIGITS = SimpleNamespace(eps=1e-9, smallest_subnormal=1e-30)
WITHOUT_SLOPE = {
    "atan2",
    "even_power",
    "odd_power",
}  # at 0, 0, where it is NaN; the latter two are given norms above 0 to divide by


def ladder(program: Program, rng: Rng) -> None:
    """Its gradient is its slope, and so is that of its gradient. Where a slope is infinite the gradient need be no number."""
    for step in program.steps:
        gradients = alone(program, step)
        known = step.function.__name__ in WITHOUT_SLOPE
        assert known or not np.isnan(largest(gradients)), (
            f"the gradient of {at_work(program, step)} is NaN: {gradients}"
        )
        if not np.isfinite(largest(gradients)):
            return
    order, effort = int(rng.integers(1, 3)), EFFORTS[len(program.steps) == 1 or rng.random() < 0.2]
    first = int(rng.integers(99))
    try:
        checked(program, order, effort, first)
    except tg.GradientMismatch as error:
        others = sum(is_mismatch(program, order, seed) for seed in range(first + 1, first + 9))
        raise AssertionError(f"{error}\nand so it is with {others} of 8 other seeds") from error.__cause__


def checked(program: Program, order: int, effort: Effort, seed: int) -> None:
    """Raise if the gradient is wrong, or cannot be seen."""
    tg.check_gradient(program, *program.inputs.values(), order=order, effort=effort, rng=seed)


def is_mismatch(program: Program, order: int, seed: int) -> bool:
    """Whether it is wrong along other directions: along few, it may be the measurement that is wrong."""
    try:
        checked(program, order, "usual", seed)
    except tg.GradientUndecided:
        return False
    except tg.GradientMismatch:
        return True
    return False


def at_work(program: Program, step: Step) -> str:
    """The call of a step, with what it is called with."""
    values = program.values()
    return line(replace(step, arguments=tuple(values[a] if isinstance(a, Name) else a for a in step.arguments)))


# ---------------------------------------------------------------------- what needs no measurement


def invariants(program: Program, rng: Rng) -> None:
    """The same values and gradients however it is called, no warning, no change of what it was given."""
    arrays = [x.copy() for x in program.inputs.values()]
    with np.errstate(all="warn", under="ignore"), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        y = program(*arrays)
        c = np.asarray(rng.standard_normal(np.shape(y)))
        expected = differentiated(program, arrays, c)
        found = {"arrays": [np.asarray(y)], "constants": [program(*map(tg.Tensor, arrays)).numpy()]}
        with tg.no_grad():
            found["no_grad"] = [program(*leaves_of(arrays)).numpy()]
        with tg.watch():
            found["watch"] = differentiated(program, arrays, c)
        found["checkpoint"] = differentiated(partial(tg.func.checkpoint, program), arrays, c)
    with np.errstate(all="ignore"):  # a second derivative may be infinite
        found["create_graph"] = twice_differentiated(program, arrays, c, arrays)[: len(expected)]
    for how, results in found.items():
        for result, one in zip(results, expected, strict=False):
            same(result, one, f"with {how} it gives another result")
    for x, g in zip(arrays, expected[1:], strict=True):
        assert (g.shape, g.dtype) == (x.shape, x.dtype), f"a gradient {g.dtype}{g.shape} of an input {x.dtype}{x.shape}"
    for x, given in zip(arrays, program.inputs.values(), strict=True):
        assert x.tobytes() == given.tobytes(), "it writes to its inputs"
    if all(np.size(value) for value in program.run(arrays).values()) and np.isfinite(
        largest(slopes(program, arrays, c))
    ):
        assert not told, f"a warning: {told[0].message}"
    for step in program.steps:
        has_its_own_memory(program, step)


def slopes(program: Program, arrays: Any, c: Array) -> list[Array]:
    """All its values, their gradients, and the gradients of each step alone: what a computation may have to hold."""
    seen: list[Any] = []

    def remembered(value: Any) -> Any:
        seen.append(value)
        return value

    with tg.watch():
        found = differentiated(partial(program, after=remembered), arrays, c)
    found += [value.numpy() for value in seen]
    found += [v.node.seen.gradient for v in seen if v.node and v.node.op and v.node.seen.gradient is not None]
    at = replace(program, inputs=dict(zip(program.inputs, arrays, strict=True)))
    return [*found, *(g for step in program.steps for g in alone(at, step))]


def has_its_own_memory(program: Program, step: Step) -> None:
    """Where NumPy's namesake gives a new array, so does a step: writing to its result changes no argument."""
    values = program.values()
    arguments = [values[a] if isinstance(a, Name) else a for a in step.arguments]
    like = ROWS[step.function].like if step.function in ROWS else step.function
    if shares(like, arguments, step.options):
        return
    name = step.function.__name__
    assert not shares(step.function, arguments, step.options), f"the result of {name} shares memory with an argument"
    tensors = [tg.Tensor(a) if is_float(a) else a for a in arguments]
    out = step.function(*tensors, **step.options)
    if isinstance(out, tg.Tensor):
        out.data[...] = 77
    for a, t in zip(arguments, tensors, strict=True):
        assert not is_float(a) or np.array_equal(a, t.numpy()), f"writing to the result of {name} changes an argument"


def shares(function: Callable[..., Any], arguments: Any, options: dict[str, Any]) -> bool:
    """Whether the result shares memory with an argument; not if the function takes no such arguments."""
    try:
        out = function(*arguments, **options)
    except Exception:
        return False
    return any(isinstance(a, np.ndarray) and np.shares_memory(out, a) for a in arguments)


def same(a: Any, b: Any, what: str) -> None:
    """Assert that two arrays are the same but for the last bits."""
    a, b = np.asarray(a), np.asarray(b)
    assert (a.shape, a.dtype) == (b.shape, b.dtype), f"{what}: {a.dtype}{a.shape}, not {b.dtype}{b.shape}"
    near = max(1e-11 * largest([b[np.isfinite(b)]]), 1e-15)  # a sum that cancels leaves a last bit of its terms
    assert np.allclose(a, b, rtol=1e-11, atol=near, equal_nan=True), f"{what}: {a}, not {b}"


# ---------------------------------------------------------------------- other spellings, other arguments


def spelling(program: Program, rng: Rng) -> None:
    """NumPy's names for ours, and lists in place of arrays, give the same."""
    arrays = list(program.inputs.values())
    c = np.asarray(rng.standard_normal(np.shape(program(*arrays))))
    for step in program.steps:
        like: Any = ROWS[step.function].like if step.function in ROWS else None
        if isinstance(like, np.ufunc) or getattr(like, "__module__", "").startswith("numpy"):
            steps = tuple(replace(step, function=like) if other is step else other for other in program.steps)
            what = f"{line(step)} by the name of NumPy"
            found = attempted(what, differentiated, [replace(program, steps=steps), arrays, c])
            if not isinstance(found, Exception):
                for result, expected in zip(found, differentiated(program, arrays, c), strict=True):
                    same(result, expected, f"{what} gives another result")
    values = program.values()
    for step in program.steps:
        given = [np.asarray(values[a]) if isinstance(a, Name) else a for a in step.arguments]
        if is_public(step) and all(a.size for a in given if is_float(a)):
            lists = [a.tolist() if is_float(a) else a for a in given]
            out = attempted(f"{line(step)} of lists", step.function, lists, step.options)
            if not isinstance(out, Exception):
                same(out, step.function(*given, **step.options), f"{line(step)} of lists gives another result")


def refusals(program: Program, rng: Rng) -> None:
    """Its functions with an argument of another shape: arrays and Tensors give the same, or are refused in words."""
    values = program.values()
    for step in filter(is_public, program.steps):
        given = [np.asarray(values[a]) if isinstance(a, Name) else a for a in step.arguments]
        for i, name in enumerate(step.arguments):
            for x in reshaped(given[i]) if isinstance(name, Name) else ():
                alike(replace(step, arguments=(*given[:i], x, *given[i + 1 :])))


def reshaped(x: Array) -> list[Array]:
    """With an axis more or less, flattened, without elements, a number."""
    fewer = [x[0], x[:0], x[..., :1]] if x.ndim and len(x) else []
    return [np.array(y) for y in (x[None], x[..., None], x.reshape(-1), 0.5, *fewer)]


def alike(step: Step) -> None:
    """Assert that a call of arrays and of Tensors does the same, and that there is a gradient if there is a result."""
    leaves = [tg.Tensor(a, requires_grad=True) if is_float(a) else a for a in step.arguments]
    plain, recorded = (attempted(line(step), step.function, a, step.options) for a in (step.arguments, leaves))
    if isinstance(recorded, Exception):
        assert type(plain) is type(recorded), f"{line(step)}: {plain!r}, of Tensors {recorded!r}"
    elif isinstance(recorded, tg.Tensor):
        same(recorded.numpy(), plain, f"{line(step)} of Tensors gives another result")
        if recorded.requires_grad:
            attempted(f"the gradient of {line(step)}", recorded.backward, [np.ones(recorded.shape)])


def attempted(what: str, function: Callable[..., Any], arguments: Any, options: Any = ()) -> Any:
    """The result of a call, or the error that explains why there is none."""
    try:
        return function(*arguments, **dict(options))
    except Exception as error:
        if is_explained(error):
            return error
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


def is_explained(error: Exception) -> bool:
    """Whether an error has a note in Korean, and is about the call, not about a formula."""
    return any(not note.isascii() for note in getattr(error, "__notes__", [])) and "the formula for" not in str(error)


def is_public(step: Step) -> bool:
    """Whether users call its function."""
    return any(step.function is f for f in PUBLIC)


# ---------------------------------------------------------------------- other precision, another engine


def precision(program: Program, rng: Rng) -> None:
    """In float32, in float16 and in a mixture of both with float64 it gives what it gives in float64, but for round-off."""
    for dtypes in ([np.float32], [np.float16], [np.float16, np.float32, np.float64]):
        low = [np.asarray(x.astype(dtypes[rng.integers(len(dtypes))])) for x in program.inputs.values()]
        info = np.finfo(min((x.dtype for x in low), key=lambda dtype: np.finfo(dtype).bits))
        high = [x.astype(np.float64) for x in low]
        c = rng.standard_normal(np.shape(program(*high))).astype(info.dtype).astype(np.float64)
        rounded = [np.asarray(value) for value in program.run(low).values()]
        if largest(slopes(program, high, c)) < float(info.max) / 4 and np.isfinite(largest(rounded)):
            how = f"in {', '.join(str(x.dtype) for x in low)}"
            found = attempted(how, differentiated, [program, low, c])
            if not isinstance(found, Exception):  # there are no decompositions in float16
                agree(found, program, differentiated, high, c, info, rng, how)


def torch(program: Program, rng: Rng) -> None:
    """PyTorch computes the same values, gradients and second derivatives, of what it has a name for."""
    known = with_namesakes(program)
    arrays = list(known.inputs.values())
    c = np.asarray(rng.standard_normal(np.shape(known(*arrays))))
    directions = [np.asarray(rng.standard_normal(x.shape)) for x in arrays]
    differentiate = partial(twice_differentiated, directions=directions)
    theirs, ours = in_torch(known, arrays, c, directions), differentiate(known, arrays, c)
    for i, (there, here) in enumerate(zip(theirs, ours, strict=True)):
        assert there.shape == here.shape, f"in PyTorch result {i} has the shape {there.shape}, not {here.shape}"
        if not WITHOUT_SLOPE & {*known.ops}:
            assert np.all(np.isfinite(here) | ~np.isfinite(there)), f"in PyTorch result {i} is\n{there}, not\n{here}"
        there[~np.isfinite(there)] = here[~np.isfinite(there)]  # it has faults of its own: NaN where there is a limit,
    agree(theirs, known, differentiate, arrays, c, NINE_DIGITS, rng, "in PyTorch")  # and differences from 1 far out


JUDGES: dict[str, Callable[[Program, Rng], None]] = {
    "ladder": ladder,
    "invariants": invariants,
    "refusals": refusals,
    "spelling": spelling,
    "precision": precision,
}
try:
    from tests.fuzz.namesakes import in_torch, with_namesakes
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
else:
    JUDGES["torch"] = torch
