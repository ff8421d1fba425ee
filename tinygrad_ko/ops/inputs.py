"""What users pass, as what a function that is composed of ops can work with."""

from tinygrad_ko.arrays import as_array, is_floating, namespace, operand
from tinygrad_ko.graph import Handle
from tinygrad_ko.ops.elementwise import astype


def library(x):
    """The namespace of an array, or of the array in a Tensor."""
    return namespace(x._array if isinstance(x, Handle) else x)


def numbers(x, name):
    """An array or a Tensor of floating numbers; of integers, float64. Raises TypeError, with the name of the function,
    for what is not real.
    """
    x = x if isinstance(x, Handle) else as_array(operand(x, name))
    return x if is_floating(x.dtype) else astype(x, library(x).float64)


def values(argument):
    """The same arguments with arrays where there were Tensors."""
    if isinstance(argument, Handle):
        return argument.settled()
    if isinstance(argument, list | tuple):
        return type(argument)(map(values, argument))
    return argument
