"""Who competes. Each module solves the same problems in the manner of one library:

- `TrainingStep(network)`: calling it does one step of SGD and returns the loss as a float; `.gradients()`
  returns the loss and the gradient of every weight and bias, in order, and changes no parameter.
- `ConvolutionStep(network)`, `ResidualStep(network)`, `RecurrentStep(network)`, `TransformerStep(network)`: the same for convolutions, a
  ResNet, an LSTM or a GRU, and a GPT.
- `chain(kind, shape, count)`: a function that runs `count` small operations forward and backward and returns
  the gradients of what went in.
- `lookup(problem)`: a function that looks ids up in a table and returns the gradient of the table, given that of the rows.
- `formula(problem)`: a function that computes a formula and its sum and returns the gradients of what went in.
- `OptimizerStep(name, network)`: calling it does one step with given gradients; `.values()` returns the parameters.
"""

import sys
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from benchmarks.process import Work

MODULES = {  # a contender's module, and what it needs
    "by hand": ("by_hand", "numpy"),
    "tinygrad_ko": ("engine", "tinygrad_ko"),
    "compiled": ("compiled", "tinygrad_ko"),
    "torch": ("with_torch", "torch"),
    "jax.jit": ("with_jax", "jax"),
    "mygrad": ("with_mygrad", "mygrad"),
    "autograd": ("with_autograd", "autograd"),
}


@cache
def available(peers: bool, compiled: bool = False) -> tuple[str, ...]:
    """The contenders to run, the hand-written one first; what is not installed is named and left out."""
    wanted = [name for name in MODULES if peers or name in ("by hand", "tinygrad_ko", "compiled")]
    wanted = [name for name in wanted if compiled or name != "compiled"]
    missing = [name for name in wanted if find_spec(MODULES[name][1]) is None]
    for name in missing:
        print(f"{name} is left out: it is not installed", file=sys.stderr)
    return tuple(name for name in wanted if name not in missing)


def versions(peers: bool) -> list[str]:
    """The libraries of the peers with their versions, on one line if there are any."""
    packages = [MODULES[name][1] for name in available(peers)]
    found = [f"{package} {version(package)}" for package in packages if package not in ("numpy", "tinygrad_ko")]
    return [", ".join(found)] if found else []


def work(name: str, maker: str, *arguments: Any) -> Work:
    """What one contender does."""
    return Work(f"benchmarks.contenders.{MODULES[name][0]}", maker, arguments)


def works(maker: str, *arguments: Any, peers: bool, compiled: bool = False) -> dict[str, Work]:
    """The same of each contender; who cannot do it is found out when it should begin."""
    return {name: work(name, maker, *arguments) for name in available(peers, compiled)}
