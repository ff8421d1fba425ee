"""Implicit differentiation: the solution of equations as a function of all that the equations depend on.

Where f(x, w) = 0 defines x as a function of w, its differential is 0 too: f_x dx + f_w dw = 0 (the implicit function theorem). So if g is
the gradient of something with respect to x, then that with respect to w is

    -f_w^T u,  where  f_x^T u = g

It does not matter how x was found, and nothing of the search is recorded: f is called once more at the solution.

Source: Griewank and Walther, "Evaluating Derivatives" (2nd edition, 2008), chapter 15; for fixed points and minimisers in machine learning
Bai, Kolter and Koltun, "Deep equilibrium models" (2019); Blondel and others, "Efficient and modular implicit differentiation" (2022).
"""

from collections.abc import Callable, Iterator
from heapq import heappush
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, namespace
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.accumulate import accumulated
from tinygrad_ko.engine.graph import Handle, Node, Switch, current, next_order, wrap
from tinygrad_ko.engine.op import op
from tinygrad_ko.engine.rule import validated
from tinygrad_ko.errors import explain
from tinygrad_ko.func.checkpointing import trace_of
from tinygrad_ko.func.flattening import flatten
from tinygrad_ko.func.libraries import refuse_traced
from tinygrad_ko.func.run import gradients_or_zeros, units
from tinygrad_ko.func.trees import is_tree
from tinygrad_ko.ops.linalg.solving import solve
from tinygrad_ko.ops.shape import reshape, stack
from tinygrad_ko.tensor.tensor import Tensor


def implicit(f: Callable[[Any], Any], x: Any) -> Any:
    """x, a solution of f(x) = 0 that was found in any way, as a function of the Tensors that f reads: gradients flow to these.

    x is a number, an array or a tree of them, and f returns as many numbers as x has, computed with this package's ops. If f reads no
    Tensor that requires a gradient, x comes back as it is. The gradient costs a backward of f for each number of x, and the solution
    of a linear system with its Jacobian; gradients of any order are right. Such equations are

    - a root: `implicit(lambda x: f(x, w), x)`,
    - a fixed point x = f(x): `implicit(lambda x: f(x, w) - x, x)`; `fixed_point` does both,
    - a minimum, where the gradient is 0: `implicit(tg.func.grad(lambda x: f(x, w)), x)`; `minimize` does both.

    Backward raises ValueError if x does not solve the equations (Newton's method would change one of its numbers by more than a
    thousandth), LinAlgError if their Jacobian is singular, so that they do not determine x, and RuntimeError if f has changed since.
    Raises TypeError or ValueError if f does not return as many numbers as x has.

    >>> import tinygrad_ko as tg
    >>> w = tg.Tensor(2.0, requires_grad=True)
    >>> x = tg.func.implicit(lambda x: x**2 - w, 2.0**0.5)
    >>> x.backward()
    >>> w.grad
    array(0.35355339)
    """
    if is_tree(x):
        found, unflatten = flatten(x)
        return unflatten(implicit(lambda row: flatten(f(unflatten(row)))[0], found))
    return solved("implicit", f, x)


def solved(what: str, f: Callable[[Any], Any], x: Any) -> Any:
    """The same for one array, in the name of a function of the user's."""
    found = x.detach() if isinstance(x, Tensor) else Tensor(operand(x, what))
    if current.get().record:
        equations = _Equations(what, f, found)
        if equations.unknowns:
            return implicit_solution(*equations.unknowns, equations=equations)
    return found if isinstance(x, Tensor) else x


@op(inputs=lambda g, out, equations: equations.pull(g, out))
def implicit_solution(*inputs: Any, equations: Any) -> Any:
    """The solution of equations. The inputs stand for the nodes that the equations were computed from; their numbers are not known."""
    return equations.x


class _Equations:
    """f(x) = 0 at a solution x, and what they depend on."""

    def __init__(self, what: str, f: Callable[[Any], Any], x: Tensor) -> None:
        self.what, self.f, self.x = what, f, x.stable_array()
        _, _, self.nodes, self.trace = self._recorded(x)
        self.unknowns = [stand_in(node, self.x) for node in self.nodes]

    def pull(self, g: Any, out: Any) -> list[Any]:
        """The gradients of what the equations depend on, from the gradient g of the solution; recorded if that is a Tensor."""
        higher = isinstance(g, Handle)
        r, point, nodes, trace = self._recorded(out)
        if (nodes, trace) != (self.nodes, self.trace):
            raise changed_equations(self.what, self.f)
        rows = [gradients_or_zeros(r, [point], e, create_graph=higher)[0] for e in units(r)]
        jacobian = reshape(stack(rows), (r.size, r.size))
        require_solution(jacobian.stable_array(), r.stable_array(), self.x, self.what)
        u = solve(jacobian.mT, reshape(-g, (-1,)))
        parts = gradients_or_zeros(r, self.unknowns, reshape(u, point.shape), create_graph=higher)
        if not higher:
            return [part.stable_array() for part in parts]
        if isinstance(point._node, _Point):
            point._node.becomes(out._node)
        return parts

    def _recorded(self, x: Any) -> tuple[Tensor, Tensor, tuple[Node, ...], int]:
        """f(x), x as its variable, and the other nodes that f(x) was computed from; they and the number tell whether f is the same."""
        tensor = isinstance(x, Handle) and x._node is not None
        value = x.stable_array() if isinstance(x, Handle) else x
        point = wrap(Tensor, value, _Point(value)) if tensor else Tensor(value, requires_grad=True, copy=False)
        since = next_order()
        with Switch(record=True):
            r = self.f(point)
            if not isinstance(r, Tensor) or r.size != point.size:
                raise _not_as_many(self.what, r, point)
            r = reshape(r, point.shape)
        refuse_traced(self.what, r.stable_array())
        if r._node is None:
            return r, point, (), 0
        nodes, trace = trace_of(r._node, since)
        return r, point, tuple(node for node in nodes if node is not point._node), trace


def require_solution(jacobian: Any, r: Any, x: Any, what: str) -> None:
    """Raise LinAlgError if the Jacobian of equations is singular, ValueError if x, where they are r, is no solution."""
    jacobian, r, x = (np.asarray(a, np.float64) for a in (jacobian, r, x))
    if not np.isfinite(jacobian).all() or np.linalg.cond(jacobian) > 1 / np.finfo(float).eps:
        raise explain(
            np.linalg.LinAlgError(
                f"{what}: the Jacobian of the equations is singular at the solution, so they do not determine it: it has no gradient (a "
                "multiple root, a valley instead of a minimum)"
            ),
            f"{what}: 해에서 방정식의 야코비 행렬이 특이 행렬이므로 해가 하나로 정해지지 않아 기울기가 없습니다(중근, 이어진 최솟점).",
        )
    steps, sizes = np.abs(np.linalg.solve(jacobian, r.ravel())), np.abs(x.ravel())
    allowed = 1e-3 * np.maximum(sizes, max(1e-6 * sizes.max(initial=0), 1e-3))
    if (steps > allowed).any():
        i = int(np.argmax(steps / allowed))
        step, value = f"{steps[i]:.1e}", f"{x.ravel()[i]:.3g}"
        at = f"[{', '.join(map(str, np.unravel_index(i, x.shape)))}]" if x.ndim else ""
        raise explain(
            ValueError(
                f"{what}: x does not solve the equations well enough: Newton's method would change x{at} = {value} by {step}; let the "
                "solver go on, with a smaller tolerance or more steps"
            ),
            f"{what}: x가 방정식을 충분히 만족하지 않습니다. 뉴턴 방법으로 고치면 x{at} = {value}의 값이 {step}만큼 바뀝니다. 허용 오차를 "
            "줄이거나 반복 횟수를 늘려 해를 더 정확히 구하십시오.",
        )


class _Point(Node):
    """The node of a solution at which equations are recorded again for derivatives of a higher order. While they are differentiated
    it has no parents: x is a variable beside w. Then it stands for the solution, through which derivatives of the result flow.
    """

    __slots__ = ("op", "parents")

    def __init__(self, like: Any) -> None:
        self.shape, self.dtype, self.order, self.live = like.shape, like.dtype, next_order(), True
        self.op, self.parents = None, ()

    def becomes(self, node: Node) -> None:
        """Let derivatives flow to the node of the solution."""
        self.op, self.parents = _SAME, (node,)

    def contributions(self, g: Any) -> Iterator[tuple[str, Node, Any]]:
        """The gradient as it is."""
        yield "x", self.parents[0], g

    def propagate(self, g: Any, gradients: dict[Node, Any], pending: list[Any], free: bool) -> None:
        """Add the gradient to that of the solution."""
        (parent,) = self.parents
        if parent in gradients:
            gradients[parent] = accumulated(gradients[parent], g)
        else:
            gradients[parent] = g
            heappush(pending, (parent.order, parent))


_SAME = validated(lambda x: x, {"x": lambda g: g}, False, (), "solution")


def stand_in(node: Node, like: Array) -> Tensor:
    """A Tensor for a node whose numbers are not known, in the dtype of `like`, on which that of a result depends. They are NaN, so that
    nobody takes the op for one that can be checked by itself.
    """
    xp = namespace(like)
    return wrap(Tensor, xp.broadcast_to(xp.asarray(xp.nan, dtype=like.dtype), node.shape), node)


def changed_equations(what: str, f: Any) -> RuntimeError:
    """A function is not the same in backward as it was in the forward."""
    name = getattr(f, "__name__", type(f).__name__)
    return explain(
        RuntimeError(
            f"{what}: {name} computes with other values in backward than before: what it reads was changed in between (call backward() "
            "first), or it draws random numbers"
        ),
        f"{what}: 역전파에서 함수를 다시 호출했더니 처음과 다른 값으로 계산했습니다. 함수: {name}. 함수가 읽는 것은 backward()를 "
        "호출한 뒤에 바꾸고, 난수는 함수 밖에서 뽑으십시오.",
    )


def _not_as_many(what: str, r: Any, x: Tensor) -> Exception:
    got = f"shape {r.shape}" if isinstance(r, Tensor) else type(r).__name__
    kind = ValueError if isinstance(r, Tensor) else TypeError
    return explain(
        kind(f"{what}: f must return a Tensor of as many numbers as x has, of shape {x.shape}, not {got}"),
        f"{what}: f는 x와 원소의 개수가 같은 Tensor를 반환해야 합니다. x의 형상: {x.shape}, 반환값: {got}",
    )
