"""A call of a function on variables of its own, and the derivatives of what it returned."""

import warnings
from collections.abc import Callable, Collection, Iterator
from typing import Any

from tinygrad_ko.arrays.library import Array, cast, is_floating, namespace
from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.arrays.operands import floating, operand
from tinygrad_ko.engine.graph import Handle, Leaf, Node, Switch, behind, current, wrap
from tinygrad_ko.errors import explain
from tinygrad_ko.func.trees import are_numbers, in_one_row, is_tree, leaves_like, mapped
from tinygrad_ko.ops.shape import concat, reshape, stack
from tinygrad_ko.ops.views import unmarked
from tinygrad_ko.runtime.callers import users_level
from tinygrad_ko.tensor.tensor import Tensor
from tinygrad_ko.tensor.tensor import grad as gradients_of


class Run:
    """A call of f on variables of its own, in place of the arguments that it is differentiated by.

    `value` is what f returned, a Tensor or a tree of Tensors, and `y` the one Tensor that is differentiated: the value itself or, of
    several outputs, all in one row.
    """

    def __init__(
        self,
        what: str,
        f: Callable[..., Any],
        given: Any,
        options: Any,
        argnums: Collection[int],
        has_aux: bool = False,
    ) -> None:
        record, every = current.get().record, list(given)
        self.what, self.trees = what, [given[i] for i in argnums]
        self.xs: list[Tensor] = []

        def variable(value: Any, place: str) -> Tensor:
            x = _variable(value, f"{what}: {place}", record)
            self.xs.append(wrap(Tensor, x._array, x._node))  # a handle of its own: f may change x in place
            return x

        with Switch(record=True):
            for i in argnums:
                every[i] = mapped(variable, given[i], f"argument {i}")
            returned = f(*every, **options)
            self.aux: Any = None
            if has_aux:
                returned, self.aux = _pair(what, returned)
            self.value = self.y = returned
            self.outputs = [returned]
            if not isinstance(returned, Tensor) or not is_floating(returned.dtype):
                self._take_several(returned)
        self.own = {x._node for x in self.xs}
        nodes = behind(self.y._node, *([t._node for t in _tensors_in(self.aux)] if has_aux else ()))
        self.foreign = _any_others(nodes, self.own)
        self.outside = self.foreign and record  # whether somebody outside wants to differentiate what comes out
        none_depends = self.own.isdisjoint(nodes)
        if self.own and (none_depends or len(self.outputs) > 1) and not _is_derivative(f):
            self._warn_of_constants(none_depends)

    def _take_several(self, returned: Any) -> None:
        """Take what is not one Tensor of floats: several, or constants."""
        self.value = mapped(lambda value, place: output(value, place, self.what), returned, "")
        self.outputs = [t for t, _ in leaves_like(self.value, self.value, "")]
        if not self.outputs:
            raise _no_output(self.what, returned, "")
        floats = mapped(lambda t, place: _in_floats(t), self.value, "")
        self.y = in_one_row(floats, self.what) if is_tree(floats) else floats

    def _warn_of_constants(self, none_depends: bool) -> None:
        """Warn of outputs that no operation leads to from the variables: of all if `none_depends` on them."""
        constant = [place for t, place in leaves_like(self.value, self.value, "") if none_depends or t._node is None]
        if constant:
            at, korean = (f" at {', '.join(constant)}", f"({', '.join(constant)})") if constant[0] else ("", "")
            warnings.warn(
                f"{self.what}: what f returned{at} does not depend on the arguments that it is differentiated by: its derivative is 0; "
                "if it should depend on them, look for .numpy(), .item(), float(), detach(), a tg.grad without create_graph=True\n"
                f"{self.what}: f의 반환값{korean}이 미분할 인수에 의존하지 않아 도함수가 0입니다. 의존해야 한다면 .numpy(), .item(), "
                "float(), detach()나 create_graph=True 없는 tg.grad로 기울기가 끊어진 것은 아닌지 확인하십시오.",
                stacklevel=users_level(),
            )

    def one_number(self) -> None:
        """Raise TypeError if f returned several outputs, ValueError if it is not one number."""
        if is_tree(self.value):
            kind = type(self.value).__name__
            raise explain(
                TypeError(
                    f"{self.what}: f returned {kind}, not one Tensor, but a gradient is that of one number: return that alone, or first of "
                    "two with has_aux=True; or take jacobian or vjp"
                ),
                f"{self.what}: f는 수 하나를 반환해야 하는데 반환값이 Tensor 하나가 아닙니다. 그 수만 반환하거나, has_aux=True를 주고 "
                f"둘 중 첫째로 반환하거나, jacobian, vjp를 쓰십시오. 반환값의 종류: {kind}",
            )
        if self.y.size != 1:
            raise explain(
                ValueError(
                    f"{self.what}: f returned shape {self.y.shape}, but a gradient is that of one number: reduce it, as in .sum(), or "
                    "take jacobian or vjp"
                ),
                f"{self.what}: f는 수 하나를 반환해야 합니다. 반환값의 형상: {self.y.shape}. .sum()으로 줄이거나 jacobian, vjp를 쓰십시오.",
            )

    def recording(self, *directions: Any) -> bool:
        """Whether what is computed along these directions is recorded."""
        inside = any(isinstance(t, Handle) and t._node is not None for t in directions)
        return current.get().record and (self.outside or inside)

    def handed_out(self, tensor: Tensor, *directions: Any) -> Any:
        """A result: a Tensor where there were Tensors or if it depends on a leaf outside, else an array."""
        for leaf in (node for node in self.own if isinstance(node, Leaf)):
            leaf.live = False  # who gets the result does not have that leaf: to a transform outside it is a constant
        if self.recording(*directions) and _any_others(behind(tensor._node), self.own):
            return tensor
        given = [*directions, *(value for tree in self.trees for value, _ in leaves_like(tree, tree, ""))]
        return tensor.detach() if any(isinstance(t, Handle) for t in given) else copied(tensor.stable_array())

    def handed_value(self) -> Any:
        """What f returned."""
        return mapped(lambda t, place: self.handed_out(t), self.value, "")

    def handed_aux(self) -> Any:
        """What f returned beside it: what is no Tensor, as it is."""
        return mapped(lambda v, place: self.handed_out(v) if isinstance(v, Tensor) else v, self.aux, "")

    def shaped(self, results: list[Tensor], *directions: Any) -> tuple[Any, ...]:
        """Results for each variable, in the structure of the arguments."""
        rest = iter(results)
        return tuple(mapped(lambda value, place: self.handed_out(next(rest), *directions), t, "") for t in self.trees)

    def per_output(self, make: Callable[[Tensor, slice], Any]) -> Any:
        """The structure of the value, with each output replaced by what `make` makes of it and of its place in the row."""
        start = 0

        def of_one(t: Tensor, place: str) -> Any:
            nonlocal start
            start += t.size
            return make(t, slice(start - t.size, start))

        return mapped(of_one, self.value, "")

    def in_row(self, cotangents: list[Any]) -> Any:
        """Cotangents of the outputs as one of y."""
        return concat([reshape(c, (-1,)) for c in cotangents]) if is_tree(self.value) else cotangents[0]

    def pulled(self, c: Any, *, create_graph: bool) -> list[Tensor]:
        """The vector-Jacobian product for a cotangent of y."""
        return gradients_or_zeros(self.y, self.xs, c, create_graph=create_graph)

    def backward(self) -> list[Tensor]:
        """The gradient of y for each variable; saved values are freed on the way if nobody else needs them."""
        if self.foreign or self.y._node is None:
            return self.pulled(None, create_graph=self.outside)
        self.y.backward()
        grads = [getattr(x._node, "grad", None) for x in self.xs]
        return [_zeros(x, x.shape) if g is None else Tensor(g, copy=False) for x, g in zip(self.xs, grads, strict=True)]

    def transposed(self) -> tuple[Tensor, list[Tensor]]:
        """A cotangent, and the recorded vjp for it, which is linear in it."""
        c = Tensor(_zeros(self.y, self.y.shape) + 1, requires_grad=True)
        self.own.add(c._node)
        return c, self.pulled(c, create_graph=True)

    def pushed(self, directions: list[Any]) -> Any:
        """The derivative of the value along directions of the variables."""
        if self.y._node is None:
            dy = _zeros(self.y, self.y.shape)
        else:
            c, pulled = self.transposed()
            with Switch(record=True):
                linear = row(pulled)
            dy = gradients_or_zeros(linear, [c], row(directions), create_graph=self.recording(*directions))[0]
        with Switch(record=True):
            parts = self.per_output(lambda t, at: _part(dy, t, at)) if is_tree(self.value) else dy
        return mapped(lambda part, place: self.handed_out(part, *directions), parts, "")

    def jacobians(self) -> list[Tensor]:
        """The Jacobian of y for each variable: its rows or its columns, whichever are fewer."""
        by_rows = sum(x.size for x in self.xs) >= self.y.size
        if by_rows:
            rows = [self.pulled(e, create_graph=self.outside) for e in units(self.y)]
            parts = [[r[i] for r in rows] for i in range(len(self.xs))]
        else:
            c, pulled = self.transposed()
            parts = [[gradients_or_zeros(p, [c], e, create_graph=self.outside)[0] for e in units(p)] for p in pulled]
        shapes = [(*self.y.shape, *x.shape) for x in self.xs]
        return [
            reshape(stack(part, axis=0 if by_rows else -1), shape) if part else _zeros(x, shape)
            for part, shape, x in zip(parts, shapes, self.xs, strict=True)
        ]

    def matched(self, trees: Any, names: list[str]) -> list[Any]:
        """The directions in trees of the structure of the arguments, one for each variable."""
        if len(trees) != len(self.trees):
            raise explain(
                ValueError(f"{self.what}: {len(self.trees)} primals need as many tangents, not {len(trees)}"),
                f"{self.what}: primals와 tangents의 항목 수가 같아야 합니다. 받은 항목 수: {len(self.trees)}, {len(trees)}",
            )
        places = zip(self.trees, trees, names, strict=True)
        found = (pair for tree, other, name in places for pair in leaves_like(tree, other, f"{self.what}: {name}"))
        return [_direction(v, x, place, "the argument") for x, (v, place) in zip(self.xs, found, strict=True)]

    def cotangents(self, tree: Any) -> list[Any]:
        """The cotangents in a tree of the structure of the value, one for each output."""
        found = leaves_like(self.value, tree, f"{self.what}: the cotangent", "the value of f", "f의 반환값")
        return [_direction(v, y, place, "the value of f") for y, (v, place) in zip(self.outputs, found, strict=True)]


def _is_derivative(f: Any) -> bool:
    """Whether f is itself a derivative that a transform has made: it may be constant, as that of a linear function is."""
    return hasattr(f, "differentiates")


def row(tensors: list[Any]) -> Any:
    """One Tensor as it is, several (or none) as one row."""
    if len(tensors) == 1:
        return tensors[0]
    return concat([reshape(t, (-1,)) for t in tensors]) if tensors else Tensor([])


def gradients_or_zeros(y: Tensor, xs: list[Tensor], g: Any, *, create_graph: bool) -> list[Tensor]:
    """`tg.grad`, with zeros for what y does not depend on."""
    if y._node is None:
        return [_zeros(x, x.shape) for x in xs]
    return gradients_of(y, xs, g, create_graph=create_graph, allow_unused=True)


def _pair(what: str, returned: Any) -> tuple[Any, Any]:
    """The two results of an f with has_aux=True."""
    if isinstance(returned, tuple) and len(returned) == 2:
        return returned
    kind = f"a tuple of {len(returned)}" if isinstance(returned, tuple) else type(returned).__name__
    raise explain(
        TypeError(
            f"{what}: with has_aux=True f returns a tuple of two, (what is differentiated, what is not), not {kind}"
        ),
        f"{what}: has_aux=True이면 f는 (미분할 값, 미분하지 않을 값)의 튜플을 반환해야 합니다. 반환값의 종류: {type(returned).__name__}",
    )


def output(value: Any, place: str, what: str) -> Tensor:
    """An output as a Tensor: a number or an array, which does not depend on the variables, as a constant."""
    if isinstance(value, Tensor):
        return value
    if are_numbers(value) or hasattr(value, "__array_namespace__"):
        return Tensor(operand(value, f"{what}: what f returned{place}"))
    raise _no_output(what, value, place)


def _no_output(what: str, value: Any, place: str) -> TypeError:
    kind, at = type(value).__name__, place and f" at {place}"
    return explain(
        TypeError(
            f"{what}: f returned {kind}{at}, not a Tensor; return what is computed with tinygrad_ko's ops, and with has_aux=True "
            "anything else second of two"
        ),
        f"{what}: f의 반환값{place}에 Tensor가 아닌 것이 있습니다. tinygrad_ko의 연산으로 계산한 값을 반환하고, 다른 것도 반환하려면 "
        f"has_aux=True를 주고 둘 중 둘째로 반환하십시오. 반환값의 종류: {kind}",
    )


def _tensors_in(tree: Any) -> list[Tensor]:
    return [value for value, _ in leaves_like(tree, tree, "") if isinstance(value, Tensor)]


def _in_floats(t: Tensor) -> Tensor:
    return t if is_floating(t.dtype) or t._node is not None else Tensor(floating(t.stable_array()))


def _part(dy: Any, like: Tensor, at: slice) -> Any:
    """One output's part of the derivative of all, in its shape and dtype."""
    part = reshape(dy[at], like.shape)
    return cast(part, like.dtype) if is_floating(like.dtype) else part


def _variable(value: Any, place: str, record: bool) -> Tensor:
    """A Tensor to differentiate by, in place of an argument: part of the graph of a Tensor that is in one."""
    if isinstance(value, Tensor) and value._node is not None and record:
        return unmarked(reshape(value, value.shape))  # a node of its own, and no view
    x = Tensor(value, copy=False) if isinstance(value, Handle) else Tensor(operand(value, place))
    if not is_floating(x.dtype):
        raise no_variable_of_integers(place, x.dtype)
    x.requires_grad = True
    return x


def no_variable_of_integers(place: str, dtype: Any) -> TypeError:
    """Integers are to be differentiated by."""
    return explain(
        TypeError(f"{place} holds {dtype}, which has no gradient; pass x.astype(float)"),
        f"{place}의 자료형 {dtype}에는 기울기를 정의할 수 없습니다. x.astype(float)으로 바꾸어 넘기십시오.",
    )


def _direction(value: Any, like: Tensor, name: str, other: str) -> Any:
    value = value if isinstance(value, Handle) else operand(value, name)
    if isinstance(value, int | float):
        value = namespace(like.stable_array()).asarray(value, dtype=like.dtype)
    if (shape := getattr(value, "shape", None)) != like.shape:
        raise explain(
            ValueError(f"{name} has shape {shape}, but {other} has shape {like.shape}"),
            f"{name}의 형상은 {other}의 형상과 같아야 합니다. 필요한 형상: {like.shape}, 받은 형상: {shape}",
        )
    return value


def _any_others(nodes: list[Node], own: Collection[Node | None]) -> bool:
    """Whether there are leaves that are not one's own, nor those of a transform that has ended."""
    return any(node.op is None and node.live and node not in own for node in nodes)


def _zeros(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    return Tensor(namespace(like.stable_array()).zeros(shape, dtype=like.dtype), copy=False)


def units(like: Tensor) -> Iterator[Array]:
    """Arrays of a Tensor's shape with a single 1, at each place in turn."""
    xp = namespace(like.stable_array())
    every = xp.eye(like.size, dtype=like.dtype)
    return (xp.reshape(every[i, :], like.shape) for i in range(like.size))
