"""`compile`: a function of arrays as a program of NumPy calls, made when it is first called with arrays of these shapes and dtypes."""

from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from tinygrad_ko.compiler.compilation import Program
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.func.trees import is_tree

_PROGRAMS = 16  # of one function, the least recently used is dropped


def flattened(tree: Any, leaves: list[Any], key: list[Any]) -> None:
    """The arrays of an argument, and what a program depends on beside them."""
    if isinstance(tree, np.ndarray):
        leaves.append(tree)
        key += [tree.shape, tree.dtype, tree.flags.c_contiguous or tree.strides]
    elif isinstance(tree, float):
        leaves.append(tree)
        key.append(float)
    elif isinstance(tree, Handle):
        flattened(np.asarray(tree.stable_array()), leaves, key)
        key.append(type(tree))
    elif isinstance(tree, np.generic):
        flattened(np.asarray(tree), leaves, key)
    elif is_tree(tree):
        key += [type(tree), tuple(tree) if isinstance(tree, dict) else len(tree)]
        for part in tree.values() if isinstance(tree, dict) else tree:
            flattened(part, leaves, key)
    else:
        key += [type(tree), tree]


class Compiled:
    """A compiled function: called as the function itself is."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.programs = f, OrderedDict[Any, Program]()
        update_wrapper(self, f)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        leaves, key = list[Any](), list[Any]()
        for tree in (*arguments, *options.values()):
            flattened(tree, leaves, key)
        key = (*key, *options)
        program = self.programs.get(key)
        if program is None:
            program = self.programs[key] = Program(self.f, arguments, options)
        return program(leaves)

    @property
    def source(self) -> str:
        """The text of the program that was made last."""
        return next(reversed(self.programs.values())).source


def compile(f: Callable[..., Any]) -> Compiled:
    """A function that computes what f computes by a program of NumPy calls, which is made when it is first called."""
    return Compiled(f)
