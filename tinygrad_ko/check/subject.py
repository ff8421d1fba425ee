"""What is checked: any function of Tensors, its inputs and its parameters, as a plain function of float64 arrays.

The judge asks a subject two things: its value at some arrays, and what its formulas say the gradient is for a cotangent.
`Second` is the gradient itself as such a function, so the second order needs no rule of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import partial
from os.path import basename
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.check.progress import Progress
from tinygrad_ko.check.slope import EPS, precision, scales
from tinygrad_ko.engine.graph import Leaf, recorded
from tinygrad_ko.errors import explain, note_leaves, wants_integers
from tinygrad_ko.func.trees import in_one_row, is_tree
from tinygrad_ko.ops.shape import concat, reshape
from tinygrad_ko.runtime.atomic import at_once, taking_turns
from tinygrad_ko.runtime.signatures import signature
from tinygrad_ko.tensor.tensor import Tensor, borrow, grad

Arrays = list[Any]  # one for each argument: float64 where it is checked
Pull = Callable[[Array], Arrays]  # from a cotangent to the gradients of the wanted arguments
CONSTANTS = "and name in wrt= what is to be checked", "확인할 인수만 wrt=로 지정하십시오."


class Subject:
    """A function of arrays with a gradient to be checked. `arrays` is the point, `labels` what its arguments are called,
    `wanted` which of them are checked.
    """

    first: "First"  # the function itself, of which this may be the gradient
    order: int  # 1, or 2 for the gradient
    name: str
    labels: list[str]
    arrays: Arrays
    wanted: list[int]
    progress: Progress
    eps: float = EPS  # how exact the numbers are that f returns

    def value(self, arrays: Arrays) -> Array:
        """The function at these arrays."""
        raise NotImplementedError

    def pullback(self, arrays: Arrays) -> tuple[Array, Pull]:
        """The value, and the function from a cotangent to the gradients of the wanted arguments."""
        raise NotImplementedError

    def moved(self, s: float, directions: dict[int, Array]) -> Arrays:
        """The point, s times the directions away."""
        return [np.asarray(x + s * directions[i]) if i in directions else x for i, x in enumerate(self.arrays)]


class First(Subject):
    """A function of Tensors at given inputs, and the parameters it reads beside them."""

    order = 1

    def __init__(self, f: Callable[..., Any], inputs: tuple[Any, ...], parameters: Any, wrt: Any) -> None:
        self.first, self.f, self.name, self.progress = self, f, called(f), Progress()
        self.op = getattr(getattr(f, "func", f), "op", None)  # if f is one operation, perhaps with options bound
        self.inputs = inputs
        names = argument_names(f, len(inputs))
        self.labels, self.arrays, self.places = [], [], []  # a place is a position and, in a dict, a key
        for position, (name, x) in enumerate(zip(names, inputs, strict=True)):
            for key in x if isinstance(x, dict) else [None]:
                label = name if key is None else str(key)
                self.labels.append(f"{name}.{key}" if label in self.labels else label)
                self.arrays.append(checkable(x if key is None else x[key]))
                self.places.append((position, key))
        self.parameters = named_parameters(f, parameters)
        self.labels += self.parameters
        self.arrays += [np.array(p.numpy(), dtype=np.float64) for p in self.parameters.values()]
        constants = set(self.op.arguments) - set(self.op.differentiable) if self.op else ()
        for i, (position, key) in enumerate(self.places):
            if self.labels[i] in constants:  # as it was given
                self.arrays[i] = inputs[position] if key is None else inputs[position][key]
        self.floating = [
            i
            for i, x in enumerate(self.arrays)
            if isinstance(x, np.ndarray) and x.dtype == np.float64 and self.labels[i] not in constants
        ]
        self.wanted = chosen(wrt, self.floating, self.labels)
        if not self.wanted:
            raise explain(
                ValueError(
                    "nothing to check: pass inputs of floating point numbers, arrays of NumPy, or parameters=model"
                ),
                "확인할 실수 입력이 없습니다. 3 대신 3.0처럼 실수를, 배열은 NumPy의 배열로 넘기거나, 매개변수를 parameters=model로 "
                "넘기십시오.",
            )

    def run(self, arrays: Arrays) -> tuple[Tensor, list[Tensor], Callable[[], Any]]:
        """f at these arrays as Tensors: its result, flattened if it is several, the leaves of what is wanted, and the block
        in which a backward belongs, for a checkpoint calls f again.
        """
        leaves = {i: borrow(arrays[i], i in self.wanted, self.labels[i]) for i in self.floating}
        inputs = [dict(x) if isinstance(x, dict) else x for x in self.inputs]
        for i, (position, key) in enumerate(self.places):
            x = leaves.get(i, self.arrays[i])
            if key is None:
                inputs[position] = x
            else:
                inputs[position][key] = x
        stand_ins = {p: leaves[i] for i, p in enumerate(self.parameters.values(), len(self.places))}
        inside = partial(standing_in, stand_ins)
        with inside(), recorded(True):
            try:
                y = self.f(*inputs)
            except Exception as error:
                if wants_integers(error):
                    note_leaves(error, "check_gradient", CONSTANTS)
                raise
        y = in_one_row(y, self.name) if is_tree(y) else y
        if not isinstance(y, Tensor):
            raise explain(
                TypeError(
                    f"{self.name} returned {type(y).__name__}, not a Tensor: a gradient can only be checked through tinygrad_ko's ops"
                ),
                f"{self.name}: 반환값이 Tensor가 아닙니다. tinygrad_ko의 연산으로 계산해야 기울기를 확인할 수 있습니다.",
            )
        return y, [leaves[i] for i in self.wanted], inside

    def nudged(self, source: Any) -> "First":
        """The same function a thousandth away, in a random direction."""
        near = copy(self)
        near.first, near.arrays = near, list(self.arrays)
        for i in self.floating:
            x = self.arrays[i]
            near.arrays[i] = np.asarray(x + 1e-3 * scales(x) * source.standard_normal(x.shape))
        return near

    def value(self, arrays: Arrays) -> Array:
        self.progress.step()
        y = self.run(arrays)[0].numpy()
        self.eps = precision(y)
        return y.astype(np.float64, copy=False)

    def pullback(self, arrays: Arrays) -> tuple[Array, Pull]:
        y, leaves, inside = self.run(arrays)
        for i, leaf in zip(self.wanted, leaves, strict=True):
            if not np.array_equal(leaf.numpy(), arrays[i], equal_nan=True):
                raise explain(
                    ValueError(f"{self.name} writes to its argument {self.labels[i]!r}; work on a copy inside it"),
                    f"{self.name}: 함수 안에서 인수 {self.labels[i]!r}의 값이 바뀌었습니다. 사본을 만들어 계산하십시오.",
                )

        def pull(c: Array) -> Arrays:
            if not y.requires_grad:
                return [np.zeros(x.shape) for x in leaves]
            with inside():
                return [g.numpy() for g in grad(y, leaves, c, allow_unused=True)]

        return y.numpy(), pull


class Second(Subject):
    """The gradient of a first-order subject: a function of its arguments and of the cotangent, all gradients in one row."""

    order = 2

    def __init__(self, first: First, cotangent: Array) -> None:
        self.first, self.name, self.progress = first, first.name, first.progress
        self.labels = [*first.labels, "the cotangent"]
        self.arrays = [*first.arrays, cotangent]
        self.wanted = [*first.wanted, len(first.arrays)]

    @classmethod
    def of(cls, first: First, source: Any) -> "Second":
        """At a random cotangent."""
        return cls(first, source.standard_normal(np.shape(first.value(first.arrays))))

    def value(self, arrays: Arrays) -> Array:
        self.progress.step()
        *xs, c = arrays
        y, pull = self.first.pullback(xs)
        self.eps, gradients = precision(y), pull(c)
        return np.concatenate([np.ravel(g) for g in gradients])

    def pullback(self, arrays: Arrays) -> tuple[Array, Pull]:
        *xs, c = arrays
        y, leaves, inside = self.first.run(xs)
        leaf = Tensor(c, requires_grad=True)
        row = Tensor(np.zeros(sum(x.size for x in leaves)))
        if y.requires_grad:
            with inside():
                gradients = grad(y, leaves, leaf, create_graph=True, allow_unused=True)
            row = concat([reshape(g, (-1,)) for g in gradients])

        def pull(c2: Array) -> Arrays:
            if not row.requires_grad:
                return [np.zeros(x.shape) for x in [*leaves, leaf]]
            with inside():
                return [g.numpy() for g in grad(row, [*leaves, leaf], c2, allow_unused=True)]

        return row.numpy(), pull


checking = taking_turns()  # threads that check the same parameters
SLOTS = ("_array", "_node", "_exposed")


@contextmanager
def standing_in(places: dict[Any, Tensor]) -> Iterator[None]:
    """Inside this block each key, a parameter of the user's, is the leaf that is its value."""
    with checking if places else nullcontext():
        before = [(p, name, getattr(p, name)) for p in places for name in SLOTS]
        during = [(p, name, getattr(leaf, name)) for p, leaf in places.items() for name in SLOTS]
        begin, end = at_once(setattr, during), at_once(setattr, before)
        try:
            begin()
            yield
        finally:
            end()


def called(f: Any) -> str:
    """What a function is called in reports."""
    f = getattr(f, "func", f) if not hasattr(f, "__name__") else f
    name: str = getattr(f, "__name__", type(f).__name__)
    if name == "<lambda>":
        return f"lambda at {basename(f.__code__.co_filename)}:{f.__code__.co_firstlineno}"
    return name


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the positional parameters of f, as far as they can be told, for so many inputs."""
    names: list[str] = []
    try:
        for p in signature(f).parameters.values():
            if p.kind is p.VAR_POSITIONAL:
                names += [f"{p.name}[{i}]" for i in range(count - len(names))]
            elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                names.append(p.name)
    except (TypeError, ValueError):  # not every callable has a signature
        pass
    return [*names[:count], *(f"argument {i}" for i in range(len(names), count))]


def checkable(x: Any) -> Any:
    """A float64 copy of what can be differentiated; anything else as it is."""
    if isinstance(x, Tensor):
        x = x.numpy()
    if isinstance(x, dict | tuple | list) and holds_arrays(x):
        raise explain(
            TypeError(
                f"a {type(x).__name__} of arrays cannot be checked: pass each as an argument, or a dict of arrays"
            ),
            f"배열을 담은 {type(x).__name__}은 확인할 수 없습니다. 배열을 하나씩 인수로 넘기거나, 배열의 dict로 넘기십시오.",
        )
    x = np.asarray(operand(x)) if isinstance(x, list | float) else x
    floating = isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"
    return np.array(x, dtype=np.float64) if floating else x


def holds_arrays(x: Any) -> bool:
    """Whether a container has floating point arrays in it, at any depth."""
    if isinstance(x, dict | tuple | list):
        return any(map(holds_arrays, x.values() if isinstance(x, dict) else x))
    return isinstance(x, Tensor) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def named_parameters(f: Any, parameters: Any) -> dict[str, Tensor]:
    """The parameters that f reads beside its inputs: its own if it is a Module, and those that were given."""
    found: dict[Tensor, str] = {}
    for source in (f, parameters):
        if hasattr(source, "named_parameters"):
            named = source.named_parameters()
        elif source is f or source is None:
            continue
        elif isinstance(source, dict):
            named = source
        elif not isinstance(source, Tensor | list | tuple):
            raise explain(
                TypeError(
                    f"parameters must be a Module, a Tensor, or a list or a dict of Tensors, not {type(source).__name__}"
                ),
                f"parameters에는 Module, Tensor, Tensor의 list나 dict를 넘겨야 합니다. 받은 값의 자료형: {type(source).__name__}",
            )
        else:
            named = dict(enumerate([source] if isinstance(source, Tensor) else source))
        for name, p in named.items():
            if not isinstance(p, Tensor) or not isinstance(p.node, Leaf):
                raise explain(
                    TypeError(f"parameters must be Tensors made with requires_grad=True, but {name!r} is not"),
                    f"parameters에는 requires_grad=True로 만든 Tensor만 넣을 수 있습니다. 확인할 항목: {name!r}",
                )
            label = name if isinstance(name, str) else p.name or f"parameter {name}"
            found.setdefault(p, f"{label} ({len(found)})" if label in found.values() else label)
    return {label: p for p, label in found.items()}


def chosen(wrt: Any, able: list[int], labels: list[str]) -> list[int]:
    """Which arguments are checked: those that are named, or all that can be."""
    if wrt is None:
        return able
    wanted = []
    for which in wrt if isinstance(wrt, list | tuple | set) else [wrt]:
        i = labels.index(which) if which in labels else which
        if not isinstance(i, int) or isinstance(i, bool) or i not in able:
            names = [labels[i] for i in able]
            raise explain(
                ValueError(f"wrt={which!r} is no argument that can be checked; there are {names}"),
                f"wrt={which!r}: 그런 인수가 없거나 기울기를 확인할 수 없는 인수입니다. 쓸 수 있는 이름: {', '.join(names)}",
            )
        wanted.append(i)
    return sorted(set(wanted))
