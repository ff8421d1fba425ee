"""A tree of arrays as one row of numbers, for what takes a vector: an optimizer of SciPy's, a line search, a norm of all parameters."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.arrays.library import cast, is_floating
from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.func.run import no_variable_of_integers
from tinygrad_ko.func.trees import leaves_like, mapped
from tinygrad_ko.ops.shape import concat, reshape
from tinygrad_ko.ops.views import unmarked
from tinygrad_ko.tensor.tensor import Tensor


def flatten(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """All numbers of a tree (an array, or dicts, lists and tuples of arrays) in one row of shape (n,), and the function that makes
    such a tree of any row of n numbers again.

    The row is an array or, if a Tensor is in the tree, a Tensor, through which gradients flow; so for the function: of an array it makes
    arrays, which are copies, and of a Tensor Tensors. The row has the widest dtype in the tree, and each array gets its own dtype
    back. Raises TypeError for integers and for what is no array; the function raises ValueError for a row of another shape.

    >>> import numpy as np, tinygrad_ko as tg
    >>> params = {"W": np.array([[1.0, 2.0]]), "b": [3.0]}
    >>> row, unflatten = flatten(params)
    >>> row, unflatten(2 * row)
    (array([1., 2., 3.]), {'W': array([[2., 4.]]), 'b': array([6.])})
    >>> grad = tg.func.grad(lambda row: (unflatten(row)["W"] ** 2).sum())  # a function of a row, as SciPy wants it
    >>> grad(row)
    array([2., 4., 0.])
    """
    leaves = [_floats(value, f"flatten: the tree{place}") for value, place in leaves_like(tree, tree, "")]
    row = concat([reshape(x, (-1,)) for x in leaves]) if leaves else operand([])
    shape, forms = row.shape, [(x.size, x.shape, x.dtype) for x in leaves]

    def unflatten(row: Any) -> Any:
        row = row if isinstance(row, Handle) else operand(row, "unflatten")
        if (found := getattr(row, "shape", ())) != shape:
            raise explain(
                ValueError(f"unflatten: a row of shape {shape} is needed, not {found}"),
                f"unflatten: 한 줄로 편 배열의 형상이 다릅니다. 필요한 형상: {shape}, 받은 형상: {found}",
            )
        rest, start = iter(forms), 0

        def of_one(value: Any, place: str) -> Any:
            nonlocal start
            size, shape, dtype = next(rest)
            part = unmarked(cast(reshape(row[start : start + size], shape), dtype))
            start += size
            return part if isinstance(part, Handle) else copied(part)

        return mapped(of_one, tree, "")

    return row, unflatten


def _floats(value: Any, place: str) -> Any:
    """An entry of a tree: a Tensor, or an array of floats."""
    if isinstance(value, Handle):
        x: Any = value
    else:
        x = Tensor(
            operand(value, place), copy=False
        ).stable_array()  # whole numbers of Python's become floats, as in a Tensor
    if not is_floating(x.dtype):
        raise no_variable_of_integers(place, x.dtype)
    return x
