"""Random programs: combinations of ops that no test written by hand has."""

from dataclasses import dataclass
from math import ceil, log10
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.reports.record import spelled
from tinygrad_ko.ops import elementwise, hyperbolic, reduction, trigonometric
from tinygrad_ko.ops.networks import activations as activation
from tinygrad_ko.ops.networks import softmax
from tinygrad_ko.testing.strategies import broadcasting, filled, manners

_ROOMS = (activation, elementwise, hyperbolic, reduction, softmax, trigonometric)
_TG = SimpleNamespace(**{name: value for room in _ROOMS for name, value in vars(room).items()})

_ONE = [f"tg.{op}({{x}})" for op in ("sin", "cos", "tanh", "sigmoid", "exp")] + ["{x} ** 2", "tg.sqrt(1 + {x} * {x})"]
_TWO = ["{x} + {y}", "{x} - {y}", "{x} * {y}", "{x} / (1 + {y} * {y})"]
_AXIS = [
    "tg.sum({x}, axis={k})",
    "tg.mean({x}, axis={k}, keepdims=True)",
    "tg.logsumexp({x}, axis={k})",
    "{x} * tg.softmax({x}, axis={k})",  # alone it would have a constant sum
]
_PARTS = ["{x}[0]", "{x}[::-1]", "{x}[[0, 0]]", "{x}.T", "{x}[None]"]
_SQUARE = ["{x} @ {x}.mT", "{x}.mT @ {x}"]


@dataclass(frozen=True, eq=False)
class Program:
    """A function of Tensors (or arrays) as the Python that it runs, and inputs for it."""

    source: str
    inputs: tuple[Array, ...]
    __name__ = "program"

    def __call__(self, *inputs: Any) -> Any:
        room: dict[str, Any] = {"tg": _TG}
        exec(self.source, room)
        return room["program"](*inputs)

    def __repr__(self) -> str:
        return f"{self.source}\nprogram({', '.join(map(spelled, self.inputs))})"


@st.composite
def graphs(draw: st.DrawFn, *, max_steps: int = 8) -> Program:
    """Small random programs: functions of Tensors, with their inputs in `.inputs`.

    They use values more than once, broadcast, reduce, multiply matrices and take parts. Every step is smooth and its
    values stay of size 1 or so, so that `check_gradient(program, *program.inputs, order=2)` can judge it. Printed, a
    program is the Python that it runs.

    >>> from hypothesis import find
    >>> program = find(graphs(), lambda program: "tanh" in program.source)
    >>> print(program.source)
    def program(a):
        d = tg.tanh(a)
        return d
    >>> bool(program(*program.inputs) == np.tanh(program.inputs[0]))
    True
    """
    sizes = draw(broadcasting(draw(st.integers(1, 3)), max_dims=2, max_side=4, empty=False))
    rng, _, _ = draw(manners(sizes, False))
    inputs = tuple(filled(rng, size, "real", 1.0, "generic") for size in sizes)
    values: dict[str, Any] = dict(zip("abc", inputs, strict=False))
    lines, unused = [f"def program({', '.join(values)}):"], set(values)
    for name in "defghijklmnopqrstuvwxyz"[: draw(st.integers(1, max_steps))]:
        x = draw(st.sampled_from(sorted(values, reverse=True)))
        step = draw(st.sampled_from(_steps(values[x])))
        fits = [y for y in values if _broadcast_together(values[x], values[y])]
        y, k = draw(st.sampled_from(fits)), draw(st.integers(0, max(0, values[x].ndim - 1)))
        text = step.format(x=x, y=y, k=k)
        value = np.asarray(eval(text, {"tg": _TG, **values}))
        if (largest := np.max(np.abs(value))) > 4:
            factor = 10.0 ** -ceil(log10(largest / 4))
            text, value = f"{factor} * ({text})", factor * value
        lines.append(f"    {name} = {text}")
        values[name] = value
        unused = (unused - {v for v in (x, y) if f"{{{'x' if v == x else 'y'}}}" in step}) | {name}
    last = max(values)
    rest = [f"tg.mean({name} ** 2)" for name in sorted(unused - {last})]
    return Program("\n".join([*lines, f"    return {' + '.join([last, *rest])}"]), inputs)


def _steps(x: Array) -> list[str]:
    return _ONE + _TWO + (_AXIS + _PARTS if x.ndim and x.size < 100 else []) + (_SQUARE if x.ndim == 2 else [])


def _broadcast_together(x: Array, y: Array) -> bool:
    return all(n == m or 1 in (n, m) for n, m in zip(x.shape[::-1], y.shape[::-1], strict=False))
