"""The function under check: its inputs and parameters as one list of float64 arrays, its value, and its vector-Jacobian product."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from copy import copy, deepcopy
from functools import partial
from inspect import unwrap
from os.path import basename
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.check.functions.domain import last_bit, projected, require_inside
from tinygrad_ko.check.functions.meaning import in_check
from tinygrad_ko.check.functions.parameters import named_parameters
from tinygrad_ko.check.functions.progress import Progress
from tinygrad_ko.check.functions.structures import duplicated, rebuilt, require_real, taken_apart
from tinygrad_ko.check.slopes.slope import EPS, OUTSIDE, precision, scales
from tinygrad_ko.engine.graph import Switch
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.errors import explain, note_leaves, wants_integers
from tinygrad_ko.func.trees import in_one_row
from tinygrad_ko.ops.shape import concat, reshape
from tinygrad_ko.runtime.atomic import at_once, taking_turns
from tinygrad_ko.runtime.signatures import signature
from tinygrad_ko.tensor.tensor import Tensor, borrow, grad

Arrays = list[Any]  # one for each argument: float64 where it is checked
Vjp = Callable[[Array], Arrays]  # from a cotangent to the gradients of the checked arguments
_CONSTANTS = "and name in wrt= what is to be checked", "확인할 인수만 wrt=로 지정하십시오."


class CheckedFunction:
    """A function of arrays whose gradient is checked at a point."""

    primal: "Primal"  # the function itself, of which this may be the gradient
    order: int  # 1, or 2 for the gradient
    name: str
    labels: list[str]  # the names of the arguments
    point: Arrays  # their values
    wrt: list[int]  # which of them are checked
    progress: Progress
    forward_mode: bool = False  # whether it gives Jacobian-vector products, J d for a tangent d, and not J^T c
    eps: float = EPS  # the relative precision of what f returns
    rtol: float = 0.0  # how exactly it is computed, by what the caller said
    by_hand = False  # whether its derivative was written by hand, and is none that backpropagation gives
    _at_point: "tuple[Array, Vjp] | None" = None  # its value and vector-Jacobian product there, once they are computed

    @property
    def computed_by(self) -> tuple[str, str]:
        """What its gradient is computed by, in both languages."""
        return ("the derivative given", "직접 작성한 미분") if self.by_hand else ("the formulas", "공식")

    def value(self, arrays: Arrays) -> Array:
        raise NotImplementedError

    def vjp(self, arrays: Arrays) -> tuple[Array, Vjp]:
        """The value at these arrays, and the function from a cotangent to the gradients of the checked arguments."""
        raise NotImplementedError

    def _linearized(self) -> tuple[Array, Vjp]:
        if self._at_point is None:
            self._at_point = self.vjp(self.point)
        return self._at_point

    @property
    def y(self) -> Array:
        return self._linearized()[0]

    def gradients(self, c: Array) -> dict[int, Array]:
        """The gradients of the checked arguments at the point, for a cotangent."""
        return dict(zip(self.wrt, self._linearized()[1](c), strict=True))

    def entry(self, k: tuple[int, ...]) -> str:
        """The name of an element of the result."""
        return element("out" if self.order == 1 else "gradient", k)

    def linear(self, c: Array) -> Callable[[float], dict[int, Array]]:
        """A function that must be linear: the gradients for so many times the cotangent."""
        return lambda factor: self.gradients(c if factor == 1 else factor * c)

    def slope_terms(self, c: Array, directions: dict[int, Array]) -> list[Array]:
        """The terms of the slope of <c, f> along the directions, by the formulas: their sum is <J^T c, d>."""
        gradients = self.gradients(c)
        return [gradients[i] * d for i, d in directions.items()]

    def along(self, s: float, directions: dict[int, Array]) -> Arrays:
        """The point, moved by s times the directions."""
        moved = list(self.point)
        for i, d in directions.items():
            step = s * d
            step += moved[i]
            moved[i] = np.asarray(step)
        return moved


class Primal(CheckedFunction):
    """A function at given inputs."""

    order = 1
    f: Any
    op: Op | None = None  # if f is one operation, perhaps with options bound
    floating: list[int]  # the arguments of floating point numbers
    half = False  # whether float16 was given
    float32 = True  # whether it may be called with float32 arrays
    remarks: Sequence[str] = ()  # on how it is computed
    domains: Mapping[int, str] = MappingProxyType({})  # of those arguments that cannot move in every direction
    last_bits: Sequence[float] = ()  # of the arguments as they were given
    call: Any = None  # how its check was called
    parameters: Mapping[str, Any] = MappingProxyType({})  # what it reads beside its arguments, by name

    @property
    def whole(self) -> bool:
        """Whether it is judged as a whole: it is one operation, or the operations that it is made of are not seen."""
        return self.op is not None

    def perturbed(self, rng: Any, distance: float = 1e-3) -> Self:
        """The same function at a point a thousandth away, or `distance`, in a random direction; nearer, or here, if its domain ends before
        that.
        """
        sizes = {i: scales(self.point[i]) for i in self.floating}
        directions = {i: size * rng.standard_normal(size.shape) for i, size in sizes.items()}
        for nearer in (1.0, 1e-3, 1e-6):
            other = self.moved(nearer * distance, directions)
            with suppress(*OUTSIDE):
                if np.isfinite(other.y).all():
                    return other
        return self

    def keep_inside(self, domain: Any) -> None:
        """Let arguments move along directions alone that stay in a domain: one for all of them, or a dict by their names or places."""
        able = [i for i in self.wrt if self.labels[i] not in self.parameters]
        chosen = domain if isinstance(domain, dict) else dict.fromkeys(able, domain)
        self.domains = {i: name for which, name in chosen.items() for i in selected(which, able, self.labels, "domain")}
        for i, name in self.domains.items():
            self.point[i] = require_inside(self.point[i], name, self.labels[i], self.last_bits[i])
        self.remarks = [
            *self.remarks,
            *(f"{self.labels[i]} moves inside its domain alone: {d}" for i, d in self.domains.items()),
        ]

    def moved(self, s: float, directions: dict[int, Array]) -> Self:
        """The same function at another point: this one, moved by s times the directions."""
        other = copy(self)
        other.primal, other._at_point, other.point = other, None, self.along(s, directions)
        return other

    def gradient(self, rng: Any) -> CheckedFunction:
        """The gradient, as a function that is checked in its turn."""
        raise explain(
            ValueError(
                f"{self.name}: a derivative written by hand has no second order; check_hess compares a Hessian with a gradient"
            ),
            f"{self.name}: 직접 작성한 미분은 한 번 더 미분할 수 없습니다(order=2). 헤세 행렬은 check_hess로 확인하십시오.",
        )

    def formula(self, argument: str) -> tuple[str | None, str | None]:
        """The name of the one operation that f is, and where its formula for an argument stands, as file:line; None if unknown."""
        return None, None


class FirstOrder(Primal):
    """A function of Tensors at given inputs, and the parameters it reads beside them."""

    def __init__(
        self, f: Callable[..., Any], inputs: tuple[Any, ...], parameters: Any, wrt: Any, keywords: Any = None
    ) -> None:
        self.primal, self.f, self.name, self.progress = self, f, function_name(f), Progress()
        self.op = getattr(getattr(f, "func", f), "op", None)  # if f is one operation, perhaps with options bound
        self.inputs, self.keywords = [duplicated(x) for x in inputs], duplicated(keywords or {})
        constants = set(self.op.arguments) - set(self.op.differentiable) if self.op else ()
        self.labels, self.point, given = [], [], []
        named = [*zip(argument_names(f, len(inputs)), self.inputs, strict=True), *self.keywords.items()]
        for name, x in named:
            for place, value in taken_apart(x, "" if isinstance(x, dict) else name):
                label = f"{name}.{place}" if place in self.labels else place
                require_real(value, label)
                self.labels.append(label)
                given.append(value)
                self.point.append(value if label in constants else float64_copy(value))
        self.parameters = named_parameters(f, parameters)
        self.labels += self.parameters
        self.point += [p.numpy().astype(np.float64, copy=False) for p in self.parameters.values()]
        given += self.parameters.values()
        self.last_bits = [last_bit(x) for x in given]
        self.half = any(getattr(x, "dtype", None) == np.float16 for x in given)  # whether float16 was given
        self.floating = [i for i, x in enumerate(self.point) if _is_floating(x) and self.labels[i] not in constants]
        self.wrt = selected(wrt, self.floating, self.labels)
        if not self.wrt:
            raise explain(
                ValueError("nothing to check: pass floating point numbers, arrays of NumPy, or parameters=model"),
                "확인할 실수 입력이 없습니다. 3.0과 같은 실수나 NumPy의 배열을 넘기거나, 매개변수를 parameters=model로 넘기십시오.",
            )

    def forward(self, arrays: Arrays) -> tuple[Tensor, list[Tensor], Callable[[], Any]]:
        """The result of f, in one row if it is several; the leaves of the checked arguments; the block in which a backward belongs."""
        made = {i: borrow(arrays[i], i in self.wrt, self.labels[i]) for i in self.floating}
        moved = made | {i: projected(made[i], domain) for i, domain in self.domains.items()}
        values = iter([moved.get(i, x) for i, x in enumerate(self.point)])
        inputs, keywords = [rebuilt(x, values) for x in self.inputs], rebuilt(self.keywords, values)
        places = dict(zip(self.parameters.values(), values, strict=True))
        inside = partial(_substituted, places) if places else nullcontext
        with inside(), Switch(record=True), in_check():
            try:
                y = self.f(*inputs, **keywords)
            except Exception as error:
                if wants_integers(error):
                    note_leaves(error, "check_gradient", _CONSTANTS)
                if isinstance(error, AssertionError):
                    error.add_note(f"this was raised by {self.name} itself: it is no verdict on the gradient")
                    explain(error, f"{self.name} 안에서 난 오류입니다. 기울기에 대한 판정이 아닙니다.")
                raise
        y = y if isinstance(y, Tensor) else in_one_row(y, self.name)
        return y, [made[i] for i in self.wrt], inside

    def formula(self, argument: str) -> tuple[str | None, str | None]:
        return (self.op.name, formula_location(self.op, argument)) if self.op else (None, None)

    def gradient(self, rng: Any) -> "_SecondOrder":
        return _SecondOrder(self, rng)

    def value(self, arrays: Arrays) -> Array:
        self.progress.step()
        y = self.forward(arrays)[0].numpy()
        self.eps = precision(y)
        return y.astype(np.float64, copy=False)

    def vjp(self, arrays: Arrays) -> tuple[Array, Vjp]:
        y, leaves, inside = self.forward(arrays)
        for i, leaf in zip(self.wrt, leaves, strict=True):
            its = leaf.stable_array()
            if its is not arrays[i] and not np.array_equal(its, arrays[i], equal_nan=True):
                raise explain(
                    ValueError(f"{self.name} writes to its argument {self.labels[i]!r}; work on a copy inside it"),
                    f"{self.name}: 함수 안에서 인수 {self.labels[i]!r}의 값이 바뀌었습니다. 사본을 만들어 계산하십시오.",
                )
        return y.numpy(), _vjp(y, leaves, inside)


class _SecondOrder(CheckedFunction):
    """The gradient of a function, all in one row: a function of its arguments and of the cotangent, here a random one."""

    order = 2
    primal: FirstOrder

    def __init__(self, primal: FirstOrder, rng: Any) -> None:
        cotangent = rng.standard_normal(np.shape(primal.value(primal.point)))
        self.primal, self.name, self.progress, self.rtol = primal, primal.name, primal.progress, primal.rtol
        self.labels = [*primal.labels, "the cotangent"]
        self.point = [*primal.point, cotangent]
        self.wrt = [*primal.wrt, len(primal.point)]

    def value(self, arrays: Arrays) -> Array:
        self.progress.step()
        *xs, c = arrays
        y, vjp = self.primal.vjp(xs)
        self.eps, gradients = precision(y), vjp(c)
        return np.concatenate([np.ravel(g) for g in gradients])

    def vjp(self, arrays: Arrays) -> tuple[Array, Vjp]:
        *xs, c = arrays
        y, leaves, inside = self.primal.forward(xs)
        cotangent = Tensor(c, requires_grad=True)
        row = Tensor(np.zeros(sum(x.size for x in leaves)))
        if y.requires_grad:
            with inside():
                gradients = grad(y, leaves, cotangent, create_graph=True, allow_unused=True)
            row = concat([reshape(g, (-1,)) for g in gradients])
        return row.numpy(), _vjp(row, [*leaves, cotangent], inside)


def _vjp(y: Tensor, leaves: list[Tensor], inside: Callable[[], Any]) -> Vjp:
    # By backpropagation; it is not computed twice in a row for one cotangent.
    last: tuple[Array | None, Arrays] = None, []

    def vjp(c: Array) -> Arrays:
        nonlocal last
        if not y.requires_grad:
            return [np.zeros(x.shape) for x in leaves]
        if last[0] is not c:
            with inside():
                last = c, [g.numpy() for g in grad(y, leaves, c, allow_unused=True)]
        return last[1]

    return vjp


_lock = taking_turns()  # for threads that check the same parameters


@contextmanager
def _substituted(places: dict[Any, Tensor]) -> Iterator[None]:
    """Inside this block each key, a parameter of the user's, is the leaf that is its value."""
    with _lock:
        before = [change for p in places for change in _becoming(p, p)]
        during = [change for p, leaf in places.items() for change in _becoming(p, leaf)]
        begin, end = at_once(setattr, during), at_once(setattr, before)
        try:
            begin()
            yield
        finally:
            end()


def _becoming(p: Any, other: Any) -> list[tuple[Any, str, Any]]:
    return [*p.replacing(other._array, other._exposed), (p, "_node", other._node)]


def on_a_copy(f: Any, parameters: Any) -> tuple[Any, Any]:
    """A Module, or a method of one, with copies of its parameters and buffers, so that no other thread sees them moved; f itself if it is
    something else, or cannot be copied.
    """
    owner = getattr(f, "__self__", f)
    if not hasattr(owner, "named_parameters") or (parameters is not None and parameters is not owner):
        return f, parameters
    try:
        other = deepcopy(owner)
    except Exception:  # it holds what has no copy: an open file, a lock
        return f, parameters
    return other if owner is f else getattr(other, f.__name__), parameters and other


def element(name: str, index: tuple[Any, ...]) -> str:
    """An element of an array of that name, as in Python."""
    return f"{name}[{', '.join(str(int(n)) for n in index)}]" if index else name


def formula_location(op: Op, argument: str) -> str | None:
    """Where the formula of an op for an argument stands, as file:line."""
    return location(op.formulas.get(op.arguments[0] if op.variadic else argument))


def location(function: Any) -> str | None:
    """Where a function is defined, as file:line; None if it was not written in Python."""
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None


def function_name(f: Any) -> str:
    """The name of a function in reports."""
    f = getattr(f, "func", f) if not hasattr(f, "__name__") else f
    name: str = getattr(f, "__name__", type(f).__name__)
    code = getattr(unwrap(f), "__code__", None)  # what wraps a lambda, as a cache does, has its name and no code
    if name == "<lambda>" and code:
        return f"lambda at {basename(code.co_filename)}:{code.co_firstlineno}"
    return name


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the positional parameters of f, as far as they are known, for so many inputs."""
    names: list[str] = []
    with suppress(TypeError, ValueError):  # not every callable has a signature
        for p in signature(f).parameters.values():
            if p.kind is p.VAR_POSITIONAL:
                names += [f"{p.name}[{i}]" for i in range(count - len(names))]
            elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                names.append(p.name)
    return [*names[:count], *(f"argument {i}" for i in range(len(names), count))]


def float64_copy(x: Any) -> Any:
    """An input as the check moves it: a copy in float64 if it is of floating point numbers, else as it is."""
    x = x.numpy() if isinstance(x, Tensor) else x
    x = np.asarray(operand(x)) if isinstance(x, list | float) else x
    return np.array(x, dtype=np.float64) if _is_floating(x) else x


def _is_floating(x: Any) -> bool:
    return isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"


def selected(wrt: Any, able: list[int], labels: list[str], option: str = "wrt") -> list[int]:
    """The arguments that `wrt` (or another option) names, by their labels or places, among those that can be checked; all for None."""
    if wrt is None:
        return able
    selected = set()
    for which in wrt if isinstance(wrt, list | tuple | set) else [wrt]:
        i = labels.index(which) if which in labels else which
        if not isinstance(i, int) or isinstance(i, bool) or i not in able:
            names = [labels[i] for i in able]
            raise explain(
                ValueError(f"{option}={which!r} is no argument that can be checked; there are {names}"),
                f"{option}={which!r}: 그런 인수가 없거나 기울기를 확인할 수 없는 인수입니다. 쓸 수 있는 이름: {names}",
            )
        selected.add(i)
    return sorted(selected)
