"""Who competes. Each module solves the same problems in the manner of one library:

- `TrainingStep(network)`: calling it does one step of SGD and returns the loss as a float; `.gradients()`
  returns the loss and the gradient of every weight and bias, in order, and changes no parameter.
- `ConvolutionStep(network)`: the same for the convolutional network.
- `chain(kind, shape, count)`: a function that runs `count` small operations forward and backward and returns
  the gradients of what went in.
- `lookup(table, ids, g)`: a function that looks the ids up and returns the gradient of the table, given that of the rows.
"""

import sys
from importlib import import_module
from types import ModuleType

MODULES = {
    "by hand": "by_hand",
    "tinygrad_ko": "engine",
    "torch": "with_torch",
    "jax.jit": "with_jax",
    "mygrad": "with_mygrad",
    "autograd": "with_autograd",
}


def load(name: str) -> ModuleType:
    """The module of one contender; ImportError where its library is not installed."""
    return import_module(f"{__name__}.{MODULES[name]}")


def available(peers: bool) -> dict[str, ModuleType]:
    """The contenders to run, the hand-written one first; what is not installed is named and left out."""
    found = {}
    for name in MODULES if peers else ("by hand", "tinygrad_ko"):
        try:
            found[name] = load(name)
        except ModuleNotFoundError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
    return found
