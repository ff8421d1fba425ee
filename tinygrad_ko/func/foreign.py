"""What the bridges to PyTorch and to JAX have in common.

From there: a function of another library is an operation of a graph, `foreign`. Its forward lets that library record what it does, and its
formula asks that library for the gradient. The gradient is itself a function of that library, so derivatives of any order are right.

To there: `Exported`, a function of Tensors as a value and a vector-Jacobian product on arrays, and its derivative likewise.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import cast, is_floating
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.func.flattening import flatten
from tinygrad_ko.func.libraries import numbers, refuse_traced
from tinygrad_ko.func.run import Run, output
from tinygrad_ko.func.transforms import vjp
from tinygrad_ko.func.trees import is_tree, mapped
from tinygrad_ko.tensor.tensor import Tensor


class ForeignFunction:
    """A function of another library, of arrays of floats: it returns one array of floats, or several in one row. Beside it keeps what
    has no gradient, integers and truth values.
    """

    what: str  # the bridge, for messages
    structure: Any = None  # of what it returned last, with a Shape or a Constant in place of each array
    constants: Sequence[Any] = ()  # the arrays of NumPy's that Constants stand for

    def vjp(self, arrays: tuple[Any, ...]) -> tuple[Any, Callable[[Any], list[Any]]]:
        """Its value at arrays of NumPy, and the function from a cotangent to the gradients."""
        raise NotImplementedError

    def derivative(self, out: Any) -> "ForeignFunction":
        """The function of a cotangent and of the same arrays that returns the gradients in one row, where the value is `out`."""
        raise NotImplementedError

    def __call__(self, leaves: list[Any]) -> Any:
        """Its value in the structure in which the function returned it, recorded if there are Tensors among the leaves."""
        refuse_traced(self.what, *[x.stable_array() if isinstance(x, Handle) else x for x in leaves])
        out = foreign(*leaves, function=self) if leaves else self.vjp(())[0]
        constants = [Tensor(c) for c in self.constants] if isinstance(out, Handle) else self.constants
        return in_pieces(out, self.structure, constants, cast)


class Shape:
    """The shape of an array of floats, in a tree of them, and its dtype, if that is known."""

    def __init__(self, of: tuple[int, ...], dtype: Any = None) -> None:
        self.of, self.dtype = of, dtype


class Constant:
    """The place of an array that is no part of a row: its number among the constants."""

    def __init__(self, index: int) -> None:
        self.index = index


def in_pieces(
    row: Any, structure: Any, constants: Sequence[Any] = (), convert: Callable[..., Any] | None = None
) -> Any:
    """The numbers of a row, of any library, in a structure of shapes, in whose dtypes `convert` brings them, and the constants in it."""
    if isinstance(structure, Shape):
        return row
    start = 0

    def piece(form: Shape | Constant, place: str) -> Any:
        nonlocal start
        if isinstance(form, Constant):
            return constants[form.index]
        begin, start = start, start + prod(form.of)
        part = row[begin:start].reshape(form.of)
        return part if convert is None or form.dtype is None else convert(part, form.dtype)

    return mapped(piece, structure, "")


@op(keeps="pull", inputs=lambda g, out, inputs, pull, function: _pulled(g, out, inputs, pull, function))
def foreign(*inputs: Any, function: Any) -> Any:
    """A function of another library; `pull` is its vector-Jacobian product."""
    out, pull = function.vjp(inputs)
    return operand(out, function.what), pull


def _pulled(g: Any, out: Any, inputs: Any, pull: Any, function: ForeignFunction) -> list[Any]:
    if not isinstance(g, Handle):
        return pull(g)
    derivative = function.derivative(out.stable_array() if isinstance(out, Handle) else out)
    return in_pieces(foreign(g, *inputs, function=derivative), [Shape(x.shape) for x in inputs])


def separated(
    arguments: Any, is_variable: Callable[[Any], bool], convert: Callable[[Any], Any]
) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The variables in the trees of a call's arguments, and the function that puts others in their place, and what `convert` makes of
    anything else in its place.
    """
    args, options = arguments
    leaves: list[Any] = []

    def collect(value: Any, place: str) -> Any:
        if is_variable(value):
            leaves.append(value)
        return value

    for tree in (*args, *options.values()):
        mapped(collect, tree, "")

    def rebuild(others: list[Any]) -> Any:
        rest = iter(others)

        def put(value: Any, place: str) -> Any:
            return next(rest) if is_variable(value) else convert(value)

        new = [mapped(put, tree, "") for tree in args]
        return new, {name: mapped(put, tree, "") for name, tree in options.items()}

    return leaves, rebuild


def is_array_of_floats(value: Any) -> bool:
    """Whether a value is a Tensor or an array of NumPy's, of floats, which another library gets as its own."""
    return isinstance(value, Tensor | np.ndarray | np.generic) and is_floating(value.dtype)


def called_again(what: str, f: Any) -> RuntimeError:
    """A function returned another value when it was called again."""
    name = getattr(f, "__name__", type(f).__name__)
    return explain(
        RuntimeError(
            f"{what}: {name} returned another value when it was called again for a derivative of a higher order: draw random numbers "
            "outside of it, and change what it reads after the derivative"
        ),
        f"{what}: 고계 도함수를 구하려고 함수를 다시 호출했더니 다른 값을 반환했습니다. 난수는 함수 밖에서 뽑고, 함수가 읽는 값은 도함수를 "
        f"구한 뒤에 바꾸십시오. 함수: {name}",
    )


def as_numbers(what: str, value: Any) -> Any:
    """An argument that is no variable: arrays and Tensors, of integers or of truth values, as arrays of NumPy."""
    return numbers(what, value) if isinstance(value, Handle | np.ndarray) else value


def outputs(what: str, y: Any, xs: Sequence[Any]) -> tuple[Any, tuple[Any, list[Any]]]:
    """What a function of xs returned for another library, with nothing in place of each array that is not of floats, and the structure
    of it all and these arrays.
    """
    constants: list[Any] = []
    nothing = next((x.reshape(-1)[:0] for x in xs if isinstance(x, Tensor)), Tensor(np.zeros(0)))

    def form(part: Tensor, place: str) -> Any:
        if is_floating(part.dtype):
            return Shape(part.shape, part.dtype)
        constants.append(numbers(what, part))
        return Constant(len(constants) - 1)

    parts = mapped(lambda part, place: output(part, place, what), y, "")
    structure = mapped(form, parts, "")
    return mapped(lambda part, place: part if is_floating(part.dtype) else nothing, parts, ""), (structure, constants)


class Exported:
    """A function of Tensors for another library: of arrays of floats, in order. f returns what is differentiated, and `outputs` of it."""

    def __init__(self, what: str, f: Callable[..., Any]) -> None:
        self.what, self.f = what, f
        self.structure: Any = None  # of what f returned last

    def run(self, arrays: list[Any]) -> Run:
        """A call on variables of its own. Raises RuntimeError if f reads other Tensors that require a gradient."""
        run = Run(self.what, self.f, arrays, {}, range(len(arrays)), has_aux=True)
        self.structure = run.aux[0]
        if run.foreign:
            name = getattr(self.f, "__name__", type(self.f).__name__)
            raise explain(
                RuntimeError(
                    f"{self.what}: {name} reads a Tensor that requires a gradient and is not among its arguments: the other library would "
                    "not give it one; pass it as an argument, or freeze it: p.requires_grad = False"
                ),
                f"{self.what}: 함수 {name}: 인수가 아닌 Tensor를 읽는데 그 Tensor에 기울기가 필요합니다. 다른 라이브러리는 그 기울기를 "
                "구하지 않으므로, 인수로 넘기거나 p.requires_grad = False로 고정하십시오.",
            )
        return run

    def pull(self, run: Run, c: Any) -> list[Any]:
        """The gradients for a cotangent of the value, several in one row."""
        return [part.numpy() for part in run.pulled(c, create_graph=False)]

    def derivative(self, out: Any = None) -> "Exported":
        """The function of a cotangent and of the same arrays that returns the gradients, in one row, of those that are floats. Where the
        value must be `out`, it raises RuntimeError if it is another.
        """

        def in_row(*xs: Any) -> Any:
            y, _ = self.f(*xs)
            return flatten(y)[0] if is_tree(y) else y

        def gradients_in_row(c: Any, *xs: Any) -> Any:
            floats = [i for i, x in enumerate(xs) if is_array_of_floats(x)]

            def of_floats(*variables: Any) -> Any:
                return in_row(*(dict(zip(floats, variables, strict=True)).get(i, x) for i, x in enumerate(xs)))

            y, pull = vjp(of_floats, *(xs[i] for i in floats))
            if out is not None and not np.array_equal(y.numpy() if isinstance(y, Tensor) else y, out, equal_nan=True):
                raise called_again(self.what, self.f)
            return flatten(list(pull(c)))[0], (Shape(()), [])

        return Exported(self.what, gradients_in_row)
