"""Derivatives of functions: each transform returns a function again."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from tinygrad_ko.arrays.library import Array, is_floating, namespace
from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.graph import Handle, Leaf, Node, Switch, behind, current, wrap
from tinygrad_ko.errors import explain
from tinygrad_ko.func.trees import in_one_row, is_tree, leaves_like, mapped
from tinygrad_ko.ops.shape import concat, reshape, stack
from tinygrad_ko.tensor.tensor import Tensor
from tinygrad_ko.tensor.tensor import grad as gradients_of

_Argnums = int | tuple[int, ...]


def grad(f: Callable[..., Any], argnums: _Argnums = 0) -> Callable[..., Any]:
    """The function that gives the gradient of f with respect to an argument, or a tuple of gradients for several.

    f returns one number. Costs one forward and one backward of f, for any number of parameters.

    >>> import numpy as np, tinygrad_ko as tg
    >>> cube = lambda x: x**3
    >>> grad(cube)(2.0), grad(grad(cube))(2.0)
    (array(12.), array(12.))
    >>> grad(lambda p, x: (p["W"] * x + p["b"]).sum())({"W": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, 4.0]))
    {'W': array([3., 4.]), 'b': array(2.)}

    The function raises ValueError if f does not return one number, TypeError if it returns no Tensor or an argument
    holds integers.
    """
    return _derived("grad", f, lambda *given, **options: _gradient("grad", f, argnums, given, options)[1])


def value_and_grad(f: Callable[..., Any], argnums: _Argnums = 0) -> Callable[..., Any]:
    """The function that gives the value of f and its gradient, for the price of the gradient. Otherwise as `grad`.

    >>> import numpy as np, tinygrad_ko as tg
    >>> value_and_grad(lambda x, t: ((x - t) ** 2).sum())(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    (array(5.), array([ 2., -4.]))
    """
    return _derived(
        "value_and_grad", f, lambda *given, **options: _gradient("value_and_grad", f, argnums, given, options)
    )


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of f, and the function from a cotangent c, in the shape of that value, to the gradients of sum(c * f): a
    tuple, one for each argument.

    This is backpropagation: a product of c and the Jacobian, for the price of a backward. The second function keeps the
    graph of f and may be called again. Raises what `grad` raises, and ValueError if c has another shape.

    >>> import numpy as np, tinygrad_ko as tg
    >>> y, pull = vjp(tg.matmul, np.eye(2), np.array([3.0, 4.0]))
    >>> y, pull(np.array([1.0, 10.0]))[1]
    (array([3., 4.]), array([ 1., 10.]))
    """
    run = _Run("vjp", f, primals, {}, range(len(primals)))

    def pull(cotangent: Any) -> tuple[Any, ...]:
        c = _direction(cotangent, run.y, "vjp: the cotangent", "the value of f")
        return run.shaped(run.pulled(c, create_graph=run.recording(c)), c)

    return run.handed_out(run.y), pull


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of f at `primals`, and its derivative along `tangents`: both are tuples with an entry for each argument.

    A product of the Jacobian and a direction, by two backwards: the vjp is linear in its cotangent, and the vjp of that linear
    function is the jvp. It costs about twice as much as `grad`, and the memory of the graph of a gradient; the formulas of the ops in f
    must be differentiable themselves, as `check_gradient(op, ..., order=2)` tells. Raises what `grad` raises, and ValueError if a
    tangent does not have the shape of its primal.

    Source: Townsend, "A new trick for calculating Jacobian vector products" (2017).

    >>> import numpy as np, tinygrad_ko as tg
    >>> jvp(tg.sin, (np.array([0.0, 0.5]),), (np.array([1.0, 2.0]),))
    (array([0.        , 0.47942554]), array([1.        , 1.75516512]))
    """
    for name, several in (("primals", primals), ("tangents", tangents)):
        if not isinstance(several, list | tuple):
            raise explain(
                TypeError(f"jvp: {name} must be a tuple with an entry for each argument: jvp(f, (x,), (v,))"),
                f"jvp: {name}에는 f의 인수마다 항목이 하나씩 있는 튜플을 넘겨야 합니다. 예: jvp(f, (x,), (v,))",
            )
    run = _Run("jvp", f, tuple(primals), {}, range(len(primals)))
    ds = run.matched(tangents, [f"tangents[{i}]" for i in range(len(tangents))])
    return run.handed_out(run.y), run.handed_out(run.pushed(ds), *ds)


def jacobian(f: Callable[..., Any], argnums: _Argnums = 0) -> Callable[..., Any]:
    """The function that gives the Jacobian of f: all derivatives of all numbers that f returns, in the shape of the value of
    f followed by that of the argument.

    Costs one backward for each number that f returns or, if the arguments have fewer numbers, one through the graph of the
    gradient for each of those. f may return any shape, and several Tensors in a dict, list or tuple: then there is a Jacobian for
    each of them, in that structure. Otherwise it raises what `grad` raises.

    >>> import numpy as np, tinygrad_ko as tg
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0, 3.0]))
    array([[2., 0., 0.],
           [0., 4., 0.],
           [0., 0., 6.]])
    >>> jacobian(lambda x: {"sum": x.sum(), "double": 2 * x})(np.array([1.0, 3.0]))
    {'sum': array([1., 1.]), 'double': array([[2., 0.],
           [0., 2.]])}
    """
    return _derived("jacobian", f, lambda *given, **options: _jacobian("jacobian", f, argnums, given, options))


def hessian(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """The function that gives the matrix of second derivatives of f, which returns one number: the Jacobian of its gradient,
    in the shape of the argument twice over. It is symmetric up to round-off.

    Costs one backward through the graph of the gradient for each number of the argument, which is one array; for many
    parameters there is `hvp`. Raises what `grad` raises.

    >>> import numpy as np, tinygrad_ko as tg
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """

    def call(*given: Any, **options: Any) -> Any:
        i, *others = _positions("hessian", argnums, given)
        if others or is_tree(given[i]):
            kinds = ", ".join(type(given[j]).__name__ for j in (i, *others))
            raise explain(
                TypeError(f"hessian: it is taken in one array, not in {kinds}; hvp takes dicts and lists of arrays"),
                f"hessian: 배열 하나에 대해서만 구합니다. 받은 인수: {kinds}. 여러 배열은 딕셔너리나 리스트에 담아 hvp에 넘기십시오.",
            )

        def slope(*given: Any, **options: Any) -> Any:
            return _gradient("hessian", f, i, given, options)[1]

        return _jacobian("hessian", slope, i, given, options)

    return _derived("hessian", f, call)


def hvp(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """The product of the hessian of f at x and v, which has the structure and shapes of x, without the hessian: the gradient of
    the slope along v, by two backwards. Raises what `grad` raises, and ValueError if v does not fit x.

    Source: Pearlmutter, "Fast exact multiplication by the Hessian" (1994).

    >>> import numpy as np, tinygrad_ko as tg
    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    run = _Run("hvp", f, (x,), {}, (0,))
    run.one_number()
    vs = run.matched((v,), ["v"])
    with Switch(record=True):
        first = _row(run.pulled(None, create_graph=True))
    return run.shaped(_gradients(first, run.xs, _row(vs), create_graph=run.recording(*vs)), *vs)[0]


def _derived(what: str, f: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, with the signature of f and a name that says what is derived from it."""
    if not callable(f):
        raise explain(
            TypeError(f"{what} takes a function, not {type(f).__name__}; of a result, tg.grad(y, x) is the gradient"),
            f"{what}에는 함수를 넘겨야 합니다. 이미 계산한 결과의 기울기는 tg.grad(y, x)로 구하십시오. 받은 값의 종류: {type(f).__name__}",
        )
    call.__name__ = f"{what}({getattr(f, '__name__', type(f).__name__)})"
    vars(call)["__wrapped__"] = f
    return call


def _positions(what: str, argnums: Any, given: tuple[Any, ...]) -> list[int]:
    wanted = list(argnums) if isinstance(argnums, list | tuple) else [argnums]
    n = len(given)
    if any(not isinstance(i, int) or not -n <= i < n for i in wanted) or len({i % n for i in wanted}) < len(wanted):
        raise explain(
            ValueError(f"{what}: argnums={argnums!r}, but f was called with {n} positional arguments: 0 to {n - 1}"),
            f"{what}: argnums에는 위치 인수의 번호를 한 번씩만 넘겨야 합니다. 받은 값: {argnums!r}. 위치 인수: {n}개, 0부터 {n - 1}까지",
        )
    return [i % n for i in wanted]


class _Run:
    """A call of f on variables of its own, in place of the arguments that it is differentiated by."""

    def __init__(self, what: str, f: Callable[..., Any], given: Any, options: Any, argnums: Collection[int]) -> None:
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
            self.y = f(*every, **options)
        if not isinstance(self.y, Tensor):
            kind = type(self.y).__name__
            raise explain(
                TypeError(
                    f"{what}: f returned {kind}, not one Tensor: it does not use the arguments that it is differentiated by, "
                    "or loses them by .numpy(), .item() or float(); join several results with concat or stack"
                ),
                f"{what}: f의 반환값이 Tensor 하나가 아닙니다. 미분할 인수를 쓰지 않거나 .numpy(), .item(), float()로 기울기가 끊긴 것은 "
                f"아닌지 확인하고, 여러 개를 반환한다면 concat이나 stack으로 합치십시오. 반환값의 종류: {kind}",
            )
        self.own = {x._node for x in self.xs}
        self.foreign = _reaches_others(self.y._node, self.own)
        self.outside = self.foreign and record  # whether somebody outside wants to differentiate what comes out

    def one_number(self) -> None:
        if self.y.size != 1:
            raise explain(
                ValueError(
                    f"{self.what}: f returned shape {self.y.shape}, but a gradient is that of one number: reduce it, as in .sum(), or "
                    "take jacobian or vjp"
                ),
                f"{self.what}: f는 수 하나를 반환해야 합니다. 반환값의 형상: {self.y.shape}. .sum()으로 줄이거나 jacobian, vjp를 쓰십시오.",
            )

    def recording(self, *directions: Any) -> bool:
        inside = any(isinstance(t, Handle) and t._node is not None for t in directions)
        return current.get().record and (self.outside or inside)

    def handed_out(self, tensor: Tensor, *directions: Any) -> Any:
        """A result: a Tensor where there were Tensors or if it depends on a leaf outside, else an array."""
        for leaf in (node for node in self.own if isinstance(node, Leaf)):
            leaf.live = False  # who gets the result does not have that leaf: to a transform outside it is a constant
        if self.recording(*directions) and _reaches_others(tensor._node, self.own):
            return tensor
        given = [*directions, *(value for tree in self.trees for value, _ in leaves_like(tree, tree, ""))]
        return tensor.detach() if any(isinstance(t, Handle) for t in given) else copied(tensor.stable_array())

    def shaped(self, results: list[Tensor], *directions: Any) -> tuple[Any, ...]:
        rest = iter(results)
        return tuple(mapped(lambda value, place: self.handed_out(next(rest), *directions), t, "") for t in self.trees)

    def pulled(self, c: Any, *, create_graph: bool) -> list[Tensor]:
        return _gradients(self.y, self.xs, c, create_graph=create_graph)

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

    def pushed(self, directions: list[Any]) -> Tensor:
        c, pulled = self.transposed()
        with Switch(record=True):
            linear = _row(pulled)
        return _gradients(linear, [c], _row(directions), create_graph=self.recording(*directions))[0]

    def jacobians(self) -> list[Tensor]:
        """The Jacobian of y for each variable: its rows or its columns, whichever are fewer."""
        by_rows = sum(x.size for x in self.xs) >= self.y.size
        if by_rows:
            rows = [self.pulled(e, create_graph=self.outside) for e in _units(self.y)]
            parts = [[r[i] for r in rows] for i in range(len(self.xs))]
        else:
            c, pulled = self.transposed()
            parts = [[_gradients(p, [c], e, create_graph=self.outside)[0] for e in _units(p)] for p in pulled]
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


def _gradient(what: str, f: Callable[..., Any], argnums: _Argnums, given: Any, options: Any) -> tuple[Any, Any]:
    run = _Run(what, f, given, options, _positions(what, argnums, given))
    run.one_number()
    answers = run.shaped(run.backward())
    return run.handed_out(run.y), answers[0] if isinstance(argnums, int) else answers


def _jacobian(what: str, f: Callable[..., Any], argnums: _Argnums, given: Any, options: Any) -> Any:
    """The Jacobian of f; of several results that of each, in their structure."""
    several: list[Any] = []

    def joined(*given: Any, **options: Any) -> Any:
        y = f(*given, **options)
        several[:] = [y] if is_tree(y) else []
        return in_one_row(y, f"{what}: f") if several else y

    run = _Run(what, joined, given, options, _positions(what, argnums, given))
    every, start = run.jacobians(), 0

    def of_one(y: Tensor, place: str) -> Any:
        nonlocal start
        rows = slice(start, start := start + y.size)
        parts = (
            [reshape(j[rows], (*y.shape, *x.shape)) for j, x in zip(every, run.xs, strict=True)] if several else every
        )
        answers = run.shaped(parts)
        return answers[0] if isinstance(argnums, int) else answers

    return mapped(of_one, several[0] if several else run.y, "")


def _variable(value: Any, place: str, record: bool) -> Tensor:
    """A Tensor to differentiate by, in place of an argument: part of the graph of a Tensor that is in one."""
    if isinstance(value, Tensor) and value._node is not None and record:
        return reshape(value, value.shape)  # a node of its own
    x = Tensor(value, copy=False) if isinstance(value, Handle) else Tensor(operand(value, place))
    if not is_floating(x.dtype):
        raise explain(
            TypeError(f"{place} holds {x.dtype}, which has no gradient; pass x.astype(float)"),
            f"{place}의 자료형 {x.dtype}에는 기울기를 정의할 수 없습니다. x.astype(float)으로 바꾸어 넘기십시오.",
        )
    x.requires_grad = True
    return x


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


def _reaches_others(root: Node | None, own: Collection[Node | None]) -> bool:
    """Whether a graph has leaves that are not one's own, nor those of a transform that has ended."""
    return any(node.op is None and node.live and node not in own for node in behind(root))


def _gradients(y: Tensor, xs: list[Tensor], g: Any, *, create_graph: bool) -> list[Tensor]:
    if y._node is None:
        return [_zeros(x, x.shape) for x in xs]
    return gradients_of(y, xs, g, create_graph=create_graph, allow_unused=True)


def _row(tensors: list[Any]) -> Any:
    """One Tensor as it is, several (or none) as one row."""
    if len(tensors) == 1:
        return tensors[0]
    return concat([reshape(t, (-1,)) for t in tensors]) if tensors else Tensor([])


def _zeros(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    return Tensor(namespace(like.stable_array()).zeros(shape, dtype=like.dtype), copy=False)


def _units(like: Tensor) -> Iterator[Array]:
    """Arrays of a Tensor's shape with a single 1, at each place in turn."""
    xp = namespace(like.stable_array())
    every = xp.eye(like.size, dtype=like.dtype)
    return (xp.reshape(every[i, :], like.shape) for i in range(like.size))
