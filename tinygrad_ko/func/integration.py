"""SciPy's solvers of ordinary differential equations, with gradients: by the adjoint equation.

Of y' = f(t, y, w) with y(t0) = y0, let g_i be the gradient of a loss with respect to y(t_i). Then the adjoint a(t), the gradient of the
loss with respect to y(t), solves backwards in time

    a' = -f_y^T a,  and jumps by g_i at t_i

The gradient with respect to y0 is a(t0), that with respect to w the integral of f_w^T a from t0 to the end. Nothing of the solver's
steps is recorded, so the memory does not grow with what f computes. The gradient is as exact as the tolerances say, as y is: the
integral of each parameter is held to them as the solver holds a, by halving the steps. The parameters are no part of the solver's
state: implicit methods would invert a matrix of their number, and the error of a few among thousands would not count.

Backward takes y(t) from the solver's own interpolation, so also a stiff equation is never solved against its time. A gradient that is
itself recorded, for derivatives of a higher order, solves for y, a and the integral together, from the end to the beginning.

Source: Pontryagin and others, "The Mathematical Theory of Optimal Processes" (1962); Cao, Li, Petzold and Serban, "Adjoint sensitivity
analysis for differential-algebraic equations" (2003); Chen, Rubanova, Bettencourt and Duvenaud, "Neural ordinary differential equations"
(2018); Kronrod, "Nodes and weights of quadrature formulas" (1965).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_ko.engine.graph import Handle, Node, Switch, behind, current, next_order
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.func.checkpointing import trace_of
from tinygrad_ko.func.equations import changed_equations, stand_in
from tinygrad_ko.func.libraries import needed, numbers
from tinygrad_ko.func.run import gradients_or_zeros
from tinygrad_ko.ops.shape import concat, permute_dims, reshape, stack
from tinygrad_ko.tensor.tensor import Tensor

_F = Callable[[float, Any], Any]


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    args: tuple[Any, ...] | None = (),
    **options: Any,
) -> Any:
    """The solution of y' = fun(t, y, *args) with y(t_span[0]) = y0, by `scipy.integrate.solve_ivp`, whose result it returns. Its `y`,
    of shape (n, times), is a function of y0, of the Tensors in `args` and of those that fun reads beside: gradients of any order flow to
    these.

    y0 has shape (n,). fun is called with a number t and a Tensor y of shape (n,), and returns a Tensor of that shape or a list of n
    numbers and Tensors. `options` are SciPy's: rtol, atol, max_step, jac, ... The gradient is as exact as they say: the usual rtol=1e-3
    gives three digits. Times have no gradient; those of the solver's own steps (t_eval=None) are taken as they are.

    Raises ValueError for `events`, `dense_output` and `vectorized`, TypeError for times that require a gradient, RuntimeError in
    backward if what fun reads has changed; ModuleNotFoundError without SciPy.

    Source: see the head of this file: the adjoint equation.

    >>> import tinygrad_ko as tg
    >>> rate = tg.Tensor(0.5, requires_grad=True)
    >>> decay = tg.func.solve_ivp(lambda t, y: -rate * y, (0, 2), [1.0], t_eval=[2.0], rtol=1e-9)  # doctest: +SKIP
    >>> decay.y.sum().backward()  # doctest: +SKIP
    """
    for name in ("events", "dense_output", "vectorized"):
        if options.get(name):
            raise _no_option("solve_ivp", name)
    solve = needed("scipy.integrate", "tg.func.solve_ivp").solve_ivp
    span = _times("solve_ivp", "t_span", t_span)
    eval_at = None if t_eval is None else _times("solve_ivp", "t_eval", t_eval)
    f, y0 = _of_row("solve_ivp", fun, _arguments(args)), _as_row("solve_ivp", y0)
    dense = current.get().record
    with _lent(_on_numbers("solve_ivp", f)) as on_numbers:
        result = solve(on_numbers, span, numbers("solve_ivp", y0), method, eval_at, dense_output=dense, **options)
    if dense:
        settings: dict[str, Any] = {name: options[name] for name in ("rtol", "atol", "max_step") if name in options}
        settings["method"] = method
        path = _Path("solve_ivp", f, y0, span[0], result.t, result.y, settings, result.sol)
        result.y, result.sol = path.differentiable(), None
    return result


def odeint(func: Callable[..., Any], y0: Any, t: Any, args: Any = (), *, tfirst: bool = False, **options: Any) -> Any:
    """The solution of y' = func(y, t, *args) at the times t, where y(t[0]) = y0, by `scipy.integrate.odeint`: of shape (times, n), as a
    function of y0, of the Tensors in `args` and of those that func reads beside. Gradients of any order flow to these.

    With `tfirst=True` func is called with t first, as by `solve_ivp`, with which the rest is in common; `options` are SciPy's: rtol,
    atol, hmax, ... Raises ValueError for `full_output` and `Dfun`.

    Source: see the head of this file: the adjoint equation.
    """
    for name in ("full_output", "Dfun"):
        if options.get(name):
            raise _no_option("odeint", name)
    integrate = needed("scipy.integrate", "tg.func.odeint")
    times = _times("odeint", "t", t)
    args = args if isinstance(args, tuple) else (args,)  # as SciPy's
    f = _of_row("odeint", func if tfirst else lambda t, y, *args: func(y, t, *args), args)
    y0, on_numbers = reshape(_as_row("odeint", y0), (-1,)), _on_numbers("odeint", f)
    start = numbers("odeint", y0)
    y = integrate.odeint(on_numbers, start, times, tfirst=True, **options)
    if not current.get().record:
        return y
    usual = 1.49012e-8  # what odeint takes where None is given
    given = {name: usual if options.get(name) is None else options[name] for name in ("rtol", "atol")}
    settings = {"method": "LSODA", "max_step": options.get("hmax") or np.inf, **given}

    def interpolation(s: Any) -> Any:
        if not kept:
            span = times[0], times[-1]
            with _lent(on_numbers) as lent:
                kept.append(integrate.solve_ivp(lent, span, start, dense_output=True, **settings).sol)
        return kept[0](s)

    kept: list[Any] = []
    y = _Path("odeint", f, y0, times[0], times, y.T, settings, interpolation).differentiable()
    return permute_dims(y, (1, 0))


@op(inputs=lambda g, out, path: path.pull(g, out))
def trajectory(*inputs: Any, path: Any) -> Any:
    """The solution of a differential equation. The inputs stand for the nodes that it was computed from; their numbers are not known."""
    return path.y


class _Path:
    """A solution y, of shape (n, times), of y' = f(t, y), and what it depends on."""

    def __init__(
        self, what: str, f: _F, y0: Tensor, t0: float, times: Any, y: Any, settings: dict[str, Any], interpolation: Any
    ) -> None:
        self.what, self.f, self.t0, self.times, self.y, self.settings = what, f, t0, times, y, settings
        self.interpolation, self.start = interpolation, y0._node
        steps = getattr(interpolation, "ts", None)  # at other times f may read other Tensors
        self.samples = [(t0, y0.stable_array()), *zip(times, y.T, strict=True)]
        self.samples += [] if steps is None else zip(steps, interpolation(steps).T, strict=True)
        self.nodes, self.trace = self._sampled()
        self.unknowns = [stand_in(node, y) for node in self.nodes]

    def differentiable(self) -> Any:
        """y as a Tensor, if it depends on anything that requires a gradient."""
        inputs = [*([stand_in(self.start, self.y)] if self.start is not None else []), *self.unknowns]
        return trajectory(*inputs, path=self) if inputs else self.y

    def pull(self, g: Any, out: Any) -> list[Any]:
        """The gradients of y0 and of what f reads, from the gradient g of y; recorded if that is a Tensor."""
        if self._sampled() != (self.nodes, self.trace):
            raise changed_equations(self.what, self.f)
        a, parts = (self._recorded_adjoint if isinstance(g, Handle) else self._adjoint)(g, out)
        return [a, *parts] if self.start is not None else parts

    def _adjoint(self, g: Any, out: Any) -> tuple[Any, list[Any]]:
        """a at t0, and the integrals."""
        a, integrals = np.zeros(self.y.shape[0]), np.zeros(sum(u.size for u in self.unknowns))
        solve = needed("scipy.integrate", self.what).solve_ivp
        self.interpolation(self.t0)  # if it is still to be solved for: LSODA cannot run inside itself
        settings = {**self.settings, "atol": self._atol(g)}
        rtol = np.min(settings.get("rtol", 1e-3))

        def pulled(t: float, a: Any, unknowns: Sequence[Tensor] = ()) -> list[Any]:
            r, y = self._recorded(t, self.interpolation(t))
            if not set(_read_by(r, y)) <= set(self.nodes):
                raise _other_tensors(self.what, t)
            return [part.numpy() for part in gradients_or_zeros(r, [y, *unknowns], Tensor(a), create_graph=False)]

        def derivative(t: float, a: Any) -> Any:
            return -np.stack([pulled(t, e)[0] for e in np.eye(a.size)], 1)

        with _lent(lambda t, a: -pulled(t, a)[0]) as backwards, _lent(derivative) as jac:
            if settings["method"] in ("Radau", "BDF", "LSODA"):  # those that use it
                settings["jac"] = jac
            for i in reversed(range(len(self.times))):
                a = a + g[:, i]
                before = self.times[i - 1] if i else self.t0
                if before != self.times[i]:
                    found = solve(backwards, (self.times[i], before), a, dense_output=True, **settings)
                    if not found.success:
                        raise _no_adjoint(self.what, found.message)
                    a = found.y[:, -1]

                    def slope(t: float, adjoint: Any = found.sol) -> Any:
                        return -np.concatenate([part.ravel() for part in pulled(t, adjoint(t), self.unknowns)[1:]])

                    for start, end in pairwise(self._edges(found.t)) if self.unknowns else ():
                        integrals = _integrated(slope, start, end, integrals, rtol, settings["atol"])
        ends = np.cumsum([0, *(u.size for u in self.unknowns)])
        return a, [integrals[ends[k] : ends[k + 1]].reshape(u.shape) for k, u in enumerate(self.unknowns)]

    def _atol(self, g: Any) -> Any:
        """The absolute tolerance of an adjoint: as that of y, for a loss of any size."""
        return np.min(self.settings.get("atol", 1e-6)) * (np.abs(g).max(initial=0) or 1)

    def _edges(self, steps: Any) -> Any:
        """The steps of an adjoint, and between them those that the solver took for y, where f may change fast."""
        ours = getattr(self.interpolation, "ts", steps)
        inside = ours[(ours > steps.min()) & (ours < steps.max())]
        edges = np.unique(np.concatenate([steps, inside]))
        return edges if steps[0] < steps[-1] else edges[::-1]

    def _recorded_adjoint(self, g: Any, out: Any) -> tuple[Any, list[Any]]:
        """The same with y(t) as a part of the state, on Tensors: every segment of time is a solution that is differentiable itself."""
        n, sizes = self.y.shape[0], [u.size for u in self.unknowns]

        def backwards(t: float, s: Any) -> Any:
            record = current.get().record
            with Switch(record=True):
                y = s[:n] if s._node is not None else Tensor(s[:n], requires_grad=True)
                r = self.f(t, y)
                parts = gradients_or_zeros(r, [y, *self.unknowns], -s[n : 2 * n], create_graph=record)
                return concat([r, *(reshape(part, (-1,)) for part in parts)])

        a, integral = Tensor(np.zeros(n)), Tensor(np.zeros(sum(sizes)))
        atol = np.full(2 * n + sum(sizes), self._atol(g.numpy()))
        atol[:n] = self.settings.get("atol", 1e-6)
        settings = {**self.settings, "rtol": np.min(self.settings.get("rtol", 1e-3)), "atol": atol}
        for i in reversed(range(len(self.times))):
            a = a + g[:, i]
            before = self.times[i - 1] if i else self.t0
            if before != self.times[i]:
                state, span = concat([out[:, i], a, integral]), (self.times[i], before)
                last = solve_ivp(backwards, span, state, t_eval=[before], **settings).y[:, -1]
                a, integral = last[n : 2 * n], last[2 * n :]
        ends = np.cumsum([0, *sizes])
        return a, [reshape(integral[ends[k] : ends[k + 1]], u.shape) for k, u in enumerate(self.unknowns)]

    def _recorded(self, t: float, y: Any) -> tuple[Tensor, Tensor]:
        """f(t, y), recorded, and y as its variable."""
        variable = Tensor(y, requires_grad=True)
        with Switch(record=True):
            return self.f(t, variable), variable

    def _sampled(self) -> tuple[list[Node], int]:
        """The nodes that f reads along the solution, and a number for what it saves for backward there: they tell whether f is the same."""
        found, trace = dict[Node, None](), 0
        for t, y in self.samples:
            since, (r, variable) = next_order(), self._recorded(t, y)
            if r._node is not None:
                found |= dict.fromkeys(_read_by(r, variable))
                trace = hash((trace, trace_of(r._node, since)[1]))
        return list(found), trace


def _integrated(f: Callable[[float], Any], start: float, end: float, so_far: Any, rtol: Any, atol: Any) -> Any:
    """`so_far` and the integral of f: in halves, if for any number of it the formulas of 7 and 3 points differ by more than a solver of
    differential equations would let pass as the error of a step.
    """
    middle = (start + end) / 2
    values = np.stack([f(middle + (end - start) / 2 * x) for x in _POINTS]) * (end - start) / 2
    found = so_far + _WEIGHTS @ values
    error = np.abs((_WEIGHTS - _OF_THREE) @ values)
    allowed = atol + rtol * np.maximum(np.abs(so_far), np.abs(found))
    if (error <= allowed).all() or abs(end - start) < 1e-12 * max(abs(start), abs(end)) or not np.isfinite(error).all():
        return found
    return _integrated(f, middle, end, _integrated(f, start, middle, so_far, rtol, atol), rtol, atol)


# Kronrod's points and weights, and those of Gauss's three points among them. Source: Kronrod, "Nodes and weights of
# quadrature formulas" (1965).
_OUTER, _GAUSS, _INNER = 0.9604912687080202834, 0.7745966692414833770, 0.4342437493468025580
_POINTS = (-_OUTER, -_GAUSS, -_INNER, 0.0, _INNER, _GAUSS, _OUTER)
_HALF = (0.1046562260264672652, 0.2684880898683334407, 0.4013974147759622229)
_WEIGHTS = np.array([*_HALF, 0.4509165386584741423, *_HALF[::-1]])
_OF_THREE = np.array([0, 5 / 9, 0, 8 / 9, 0, 5 / 9, 0])


@contextmanager
def _lent(f: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """f for the time of the block: a solver of SciPy's is in a reference cycle, and would keep alive whatever f refers to."""
    only = [f]
    try:
        yield lambda *given: only[0](*given)
    finally:
        only.clear()


def _read_by(r: Tensor, y: Tensor) -> list[Node]:
    """The nodes that r, a function of y, was computed from beside y."""

    def is_new(node: Node) -> bool:
        assert y._node is not None
        return node.order < y._node.order

    return [node for node in behind(r._node, through=is_new) if not is_new(node) and node is not y._node]


def _of_row(what: str, fun: Callable[..., Any], args: tuple[Any, ...]) -> _F:
    """fun as a function of t and of a Tensor that returns a Tensor of the same shape."""

    def f(t: float, y: Any) -> Any:
        r = _as_row(what, fun(t, y, *args))
        if r.size != y.size:
            raise explain(
                ValueError(f"{what}: the function must return as many numbers as y has, {y.size}, not shape {r.shape}"),
                f"{what}: 함수는 y와 원소의 개수가 같은 값을 반환해야 합니다. 필요한 개수: {y.size}, 반환값의 형상: {r.shape}",
            )
        return reshape(r, y.shape)

    f.__name__ = getattr(fun, "__name__", type(fun).__name__)
    return f


def _arguments(args: Any) -> tuple[Any, ...]:
    """More arguments of a function. Raises TypeError, as SciPy does, for one without a tuple around it."""
    if args is None or isinstance(args, tuple | list):
        return tuple(args or ())
    raise explain(
        TypeError(f"solve_ivp: args must be a tuple, not {type(args).__name__}: args=(a,) for one argument a"),
        f"solve_ivp: args에는 튜플을 넘겨야 합니다. 인수가 하나이면 args=(a,)로 쓰십시오. 받은 값의 종류: {type(args).__name__}",
    )


def _as_row(what: str, value: Any) -> Tensor:
    """A Tensor of an array, or of a list of numbers and Tensors."""
    if isinstance(value, list | tuple) and any(isinstance(v, Handle) for v in value):
        value = stack([v if isinstance(v, Handle) else Tensor(v) for v in value])
    return value if isinstance(value, Tensor) else Tensor(numbers(what, value).astype(float))


def _on_numbers(what: str, f: _F) -> _F:
    """f for SciPy: nothing is recorded."""

    def call(t: float, y: Any) -> Any:
        with Switch(record=False):
            return numbers(what, f(t, Tensor(y)))

    return call


def _times(what: str, name: str, given: Any) -> Any:
    """Times as an array of NumPy. Raises TypeError if they require a gradient."""
    for t in given if isinstance(given, list | tuple) else [given]:
        if isinstance(t, Handle) and t._node is not None and current.get().record:
            raise explain(
                TypeError(
                    f"{what}: no gradient can be given for the times {name}; pass their numbers, t.numpy(), and for one by the end T solve "
                    "y' = T f(T s, y) for s from 0 to 1"
                ),
                f"{what}: 시각 {name}에 대한 기울기는 구할 수 없습니다. t.numpy()로 값만 넘기십시오. 끝 시각 T에 대한 기울기가 필요하면 "
                "s를 0부터 1까지로 하여 y' = T f(T s, y)를 푸십시오.",
            )
    return np.array(
        [numbers(what, t) for t in given] if isinstance(given, list | tuple) else numbers(what, given), float
    )


def _no_option(what: str, name: str) -> ValueError:
    return explain(
        ValueError(f"{what}: {name} is not supported with gradients; call SciPy's own function on numbers for it"),
        f"{what}: 기울기와 함께 쓸 수 없는 옵션입니다: {name}. 값만 필요하면 SciPy의 함수를 직접 호출하십시오.",
    )


def _other_tensors(what: str, t: float) -> RuntimeError:
    return explain(
        RuntimeError(
            f"{what}: at t = {t} the function reads a Tensor that it reads at no step of the solver, whose gradient would be lost; add "
            "0 * w.sum() of it to what the function returns"
        ),
        f"{what}: 함수가 t = {t}에서는 다른 시각에 읽지 않은 Tensor를 읽어 그 기울기를 잃게 됩니다. 함수의 반환값에 0 * w.sum()을 "
        "더하여 언제나 읽게 하십시오.",
    )


def _no_adjoint(what: str, message: str) -> RuntimeError:
    return explain(
        RuntimeError(f"{what}: SciPy could not solve the adjoint equation: {message}"),
        f"{what}: 기울기를 구하는 수반 방정식을 SciPy가 풀지 못했습니다: {message}",
    )
