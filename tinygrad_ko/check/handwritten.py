"""Checks of derivatives that were written by hand, for functions of NumPy arrays: a gradient, a Jacobian, a Hessian, a vjp, a jvp.

Each of them says one of two things: J^T c for a cotangent c (so does a gradient: that times c), or J d for a tangent d.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from math import prod
from typing import Any, Unpack

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.domain import projected
from tinygrad_ko.check.functions.function import argument_names, function_name, location, selected
from tinygrad_ko.check.functions.line import indicator
from tinygrad_ko.check.functions.meaning import in_check
from tinygrad_ko.check.functions.vjp import COTANGENT, FunctionWithVjp, Pullback, backward_writes, was_changed
from tinygrad_ko.check.gradient import judge
from tinygrad_ko.check.options import Options, in_double
from tinygrad_ko.check.reports.record import CheckCall
from tinygrad_ko.check.reports.report import Report
from tinygrad_ko.check.slopes.slope import scales
from tinygrad_ko.errors import described, explain
from tinygrad_ko.func.trees import is_tree, leaves_like, mapped

_GENERATORS = np.random.Generator | np.random.RandomState


def check_grad(
    f: Callable[..., Any], grad: Any, x0: Any, *args: Any, wrt: Any = None, **options: Unpack[Options]
) -> Report:
    """Check `grad(x, *args)`, written by hand, against numerical differentiation of `f(x, *args)` at x0, as SciPy calls them.

    f is any function of a NumPy array. Where it returns one number, grad returns an array in the shape of x; where it returns an array,
    as the residuals of a least-squares problem are, grad returns the Jacobian, in the shape of the result followed by that of x
    (a sparse matrix of SciPy's will do). x may also be arrays in a dict, list or tuple, as the parameters of a network are: grad returns
    its structure. `grad=True`, as `jac=True` in SciPy: f returns both, in a pair.

    - `args`: constants, unless `wrt` names them. A random generator among them is in the same state at every call.
    - `wrt`: with respect to which arguments of f the derivative is, by their names or places (default: the first). There is one for each,
      in this order or in a dict by name. So a function that returns `loss, dW, db` is checked by `grad=True, wrt=["W", "b"]`; what it
      returns after them is not looked at.

    Returns a report; raises GradientMismatch or GradientUndecided, ValueError for a derivative of a wrong shape. The options are those of
    `check_gradient`: `effort`, `rtol`, `domain`, `rng`, and `float32`, which is False here: code that knows only double precision never
    gets anything else.

    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> def gradient(x):
    ...     g = np.zeros_like(x)
    ...     g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    ...     g[:-1] -= 400 * x[:-1] * (x[1:] - x[:-1] ** 2) + 2 * (1 - x[:-1])
    ...     return g
    >>> print(check_grad(rosenbrock, gradient, [1.2, 0.7, -0.4]))
    rosenbrock: the gradient agrees; ... evaluations
      argument  shape  order  projections  given     difference  error    evaluations  verdict
      x         (3,)   1      2            ...       agrees
    """
    __tracebackhide__ = True
    pairs = grad is True
    _require_callable("check_grad", f=f, **({} if pairs else {"grad": grad}))
    written, values, names = f if pairs else grad, [x0, *args], argument_names(f, 1 + len(args))
    chosen = [i for one in _listed(0 if wrt is None else wrt) for i in selected(one, [*range(len(values))], names)]
    if len(set(chosen)) < len(chosen):
        raise explain(
            ValueError(f"check_grad: wrt={wrt!r} names an argument twice"),
            f"check_grad: wrt={wrt!r}에 같은 인수가 두 번 들어 있습니다.",
        )

    def called(function: Any, inputs: Sequence[Any]) -> Any:
        given = dict(enumerate(values)) | dict(zip(chosen, inputs, strict=True))
        return function(*(deepcopy(x) if isinstance(x, _GENERATORS) else x for x in given.values()))

    def f_alone(*inputs: Any) -> Any:
        y = called(f, inputs)
        return _pair(y, function_name(f))[0] if pairs else _no_pair(y, inputs, function_name(f))

    def derivatives(*inputs: Any) -> Sequence[Any]:
        found = called(written, inputs)
        if pairs:
            found = found[1 : 1 + len(chosen)] if len(found) > 2 and len(chosen) > 1 else found[1]
        return _one_for_each([names[i] for i in chosen], inputs, found, function_name(written))

    inputs = [_point(values[i]) for i in chosen]
    source = _with_derivatives(f_alone, derivatives, inputs, f, written, [names[i] for i in chosen])
    call = CheckCall("check_grad", (f, grad), (x0, *args), {} if wrt is None else {"wrt": wrt})
    return judge(source, call, **in_double("check_grad", options))


def check_hess(grad: Callable[..., Any], hess: Any, x0: Any, *args: Any, **options: Unpack[Options]) -> Report:
    """Check a Hessian `hess(x, *args)` against numerical differentiation of the gradient `grad(x, *args)` at x0, as SciPy calls them.

    The Hessian has the shape of x twice, (n, n) for a vector; a sparse matrix will do. Check the gradient first: `check_grad`.
    Returns, raises and takes what `check_grad` does.

    >>> report = check_hess(lambda x: 4 * x**3, lambda x: np.diag(12 * x**2), [1.0, -2.0])
    >>> report.verdict
    'agrees'
    """
    __tracebackhide__ = True
    _require_callable("check_hess", grad=grad, hess=hess)
    f, derivative = lambda x: _gradient_alone(grad(x, *args), x, function_name(grad)), lambda x: [hess(x, *args)]
    source = _with_derivatives(f, derivative, [_point(x0)], grad, hess)
    source.result = "gradient"
    return judge(source, CheckCall("check_hess", (grad, hess), (x0, *args)), **in_double("check_hess", options))


def check_hessp(grad: Callable[..., Any], hessp: Any, x0: Any, *args: Any, **options: Unpack[Options]) -> Report:
    """Check a product of the Hessian with a vector, `hessp(x, p, *args)`, against numerical differentiation of `grad(x, *args)` at x0.

    Returns, raises and takes what `check_grad` does.

    >>> report = check_hessp(lambda x: 4 * x**3, lambda x, p: 12 * x**2 * p, [1.0, -2.0])
    >>> report.verdict
    'agrees'
    """
    __tracebackhide__ = True
    _require_callable("check_hessp", grad=grad, hessp=hessp)
    source = _Handwritten(
        lambda x: _gradient_alone(grad(x, *args), x, function_name(grad)),
        lambda c, x: hessp(x, c, *args),
        [_point(x0)],
        named=grad,
        written=hessp,
    )
    source.result = "gradient"
    return judge(source, CheckCall("check_hessp", (grad, hessp), (x0, *args)), **in_double("check_hessp", options))


def check_vjp(
    f: Callable[..., Any], vjp: Callable[..., Any], *inputs: Any, wrt: Any = None, **options: Unpack[Options]
) -> Report:
    """Check a vector-Jacobian product `vjp(g, *inputs)`, written by hand, against numerical differentiation of `f(*inputs)`.

    This is the backward of a layer: g is the gradient of the result, in its shape, and vjp returns the gradients of the inputs, one for
    each (None for what has none, as labels), or of a single input the gradient itself. f and vjp are any functions of NumPy arrays; inputs
    and results may be several in dicts, lists and tuples, and g and the gradients have their structure. `wrt` names what is checked.

    f is called at other inputs too between f(x) and vjp(g, x), so a layer whose backward needs what its forward left behind does both:
    `lambda g, x: (layer.forward(x), layer.backward(g))[1]`. Returns, raises and takes what `check_grad` does.

    >>> report = check_vjp(np.multiply, lambda g, a, b: (g * b, g * a), [1.0, 2.0], [3.0, -4.0])
    >>> report.verdict
    'agrees'
    """
    __tracebackhide__ = True
    _require_callable("check_vjp", f=f, vjp=vjp)
    _require_numpys("check_vjp", inputs)
    call = CheckCall("check_vjp", (f, vjp), inputs, {} if wrt is None else {"wrt": wrt})
    return judge(_Handwritten(f, vjp, inputs, wrt), call, **in_double("check_vjp", options))


def check_jvp(
    f: Callable[..., Any], jvp: Callable[..., Any], *inputs: Any, wrt: Any = None, **options: Unpack[Options]
) -> Report:
    """Check a Jacobian-vector product `jvp(*inputs, *tangents)`, written by hand, against numerical differentiation of `f(*inputs)`.

    This is the rule of forward mode: there is a tangent for each input, in its shape (None for what is not differentiable, as labels), and
    jvp returns the tangent of the result, in its structure.

    Returns, raises and takes what `check_vjp` does.

    >>> report = check_jvp(np.multiply, lambda a, b, da, db: da * b + a * db, [1.0, 2.0], [3.0, -4.0])
    >>> report.verdict
    'agrees'
    """
    __tracebackhide__ = True
    _require_callable("check_jvp", f=f, jvp=jvp)
    _require_numpys("check_jvp", inputs)
    call = CheckCall("check_jvp", (f, jvp), inputs, {} if wrt is None else {"wrt": wrt})
    return judge(_Pushforward(f, jvp, inputs, wrt), call, **in_double("check_jvp", options))


class _Handwritten(FunctionWithVjp):
    """A function and its rule, vjp(g, *inputs). Where the user wrote them otherwise, `named` and `written` are what the user wrote."""

    by_hand = True

    def __init__(
        self,
        f: Any,
        vjp: Any,
        inputs: Sequence[Any],
        wrt: Any = None,
        named: Any = None,
        written: Any = None,
        names: list[str] | None = None,
    ) -> None:
        named = named or f
        super().__init__(f, function_name(named), names or argument_names(named, len(inputs)), inputs, wrt)
        self.its_vjp, self.written = vjp, written or vjp

    def formula(self, argument: str) -> tuple[str | None, str | None]:
        return self.name, location(self.written)

    def evaluate(self, inputs: list[Any]) -> Any:
        return self.f(*inputs)

    def linearize(self, inputs: list[Any]) -> tuple[Any, Pullback]:
        def pull(c: Any) -> Sequence[Any]:
            given = c.copy() if isinstance(c, np.ndarray) else c
            parts = self.its_vjp(given, *inputs)
            if isinstance(c, np.ndarray) and not np.array_equal(c, given):
                raise backward_writes(self.name, *COTANGENT)
            alone = len(inputs) == 1 and not (isinstance(parts, list | tuple) and len(parts) == 1)
            if alone or (len(inputs) == 1 and is_tree(inputs[0]) and not is_tree(parts[0])):
                return [parts]
            if not isinstance(parts, list | tuple) or len(parts) != len(inputs):
                found = f"{len(parts)}" if isinstance(parts, list | tuple) else described(parts)
                raise explain(
                    ValueError(
                        f"the vjp of {self.name} must return one gradient for each of {len(inputs)} inputs, not {found}"
                    ),
                    f"{self.name}: vjp는 입력 {len(inputs)}개의 기울기를 하나씩 반환해야 합니다. 받은 값: {found}",
                )
            return parts

        return self.f(*inputs), pull


class _Pushforward(_Handwritten):
    """A function and its rule of forward mode, jvp(*inputs, *tangents)."""

    forward_mode = True

    def slope_terms(self, c: Array, directions: dict[int, Array]) -> list[Array]:
        return [c * self.push(directions)]

    def linear(self, c: Array) -> Callable[[float], dict[int, Array]]:
        rng = np.random.default_rng(0)
        d = {i: scales(self.point[i]) * rng.standard_normal(self.point[i].shape) for i in self.wrt}
        # The last of them has all tangents at once: a product of two tangents shows there.
        some = {i: {j: d[j] for j in self.wrt[: k + 1]} for k, i in enumerate(self.wrt)}
        return lambda factor: {i: self.push({j: factor * t for j, t in part.items()}) for i, part in some.items()}

    def linearize(self, inputs: list[Any]) -> tuple[Any, Pullback]:
        def pull(_: Any) -> Sequence[Any]:
            raise NotImplementedError

        return self.f(*inputs), pull

    def gradients(self, c: Array) -> dict[int, Array]:
        """J^T c, one entry after the other: for what a wrong entry looks like among its neighbours."""
        shapes = {i: self.point[i].shape for i in self.wrt}
        return {
            i: np.array([np.sum(c * self.push({i: indicator(shape, k)})) for k in range(prod(shape))]).reshape(shape)
            for i, shape in shapes.items()
        }

    def push(self, directions: dict[int, Array]) -> Array:
        """J d, in one row if the result is."""
        zeros = {i: np.zeros(self.point[i].shape) for i in self.floating}
        directions = directions | {
            i: projected(directions[i], d, 0.0) for i, d in self.domains.items() if i in directions
        }
        tangents = [(zeros | directions).get(i) for i in range(len(self.point))]
        point = self.inside(self.point)
        copies = [x.copy() if isinstance(x, np.ndarray) else x for x in point]
        inputs, given = self.structured(copies), [None if t is None else t.copy() for t in tangents]
        with in_check():
            found = self.its_vjp(*inputs, *self.structured(given))
        for label, *pair in [
            *zip(self.labels, point, copies, strict=True),
            *zip(self.labels, tangents, given, strict=True),
        ]:
            if was_changed(*pair):
                raise backward_writes(
                    self.name, f"its argument {label!r} or its tangent", f"인수 {label!r}나 그 접선 벡터", "jvp"
                )
        return self.in_one_row_like_it(found)


def _with_derivatives(
    f: Any, derivatives: Any, inputs: list[Any], named: Any, written: Any, names: list[str] | None = None
) -> _Handwritten:
    """A function and its derivatives with respect to the inputs (gradients, Jacobians, a Hessian) as a function and its vjp."""
    name, names = function_name(named), names or argument_names(named, len(inputs))

    def part(c: Any, x: Any, J: Any) -> Array:
        if J is None or hasattr(J, "matvec"):
            raise explain(
                TypeError(f"{name}: the derivative must be an array, not {type(J).__name__}; a return may be missing"),
                f"{name}: 미분값은 배열이어야 합니다. return을 빠뜨리지 않았는지 확인하십시오. 받은 값의 종류: {type(J).__name__}",
            )
        J = np.asarray(J.toarray() if hasattr(J, "toarray") else J)  # a sparse matrix
        y, shape = np.shape(c), np.shape(x)
        if J.shape == (*y, *shape):
            return np.asarray(np.tensordot(c, J, len(y)))
        if np.size(c) == 1 and J.shape == shape:
            return np.asarray(np.reshape(c, ()) * J)
        raise explain(
            ValueError(
                f"{name}: its result has shape {y} and its argument {shape}, so the derivative must have shape {(*y, *shape)},"
                f" not {J.shape}"
            ),
            f"{name}: 반환값의 형상이 {y}, 인수의 형상이 {shape}이므로 미분값의 형상은 {(*y, *shape)}여야 합니다. 받은 형상: {J.shape}",
        )

    def parts(c: Any, x: Any, J: Any, label: str) -> Any:
        pairs = zip(leaves_like(x, x, label), leaves_like(x, J, label), strict=True)
        found = iter([part(c, leaf, of_leaf) for (leaf, _), (of_leaf, _) in pairs])
        return mapped(lambda *_: next(found), x, "")

    def vjp(c: Any, *xs: Any) -> list[Any]:
        return [parts(c, *each) for each in zip(xs, derivatives(*xs), names, strict=True)]

    return _Handwritten(f, vjp, inputs, None, named, written, names)


def _pair(found: Any, name: str) -> Any:
    if isinstance(found, list | tuple) and len(found) > 1:
        return found
    raise explain(
        ValueError(f"{name} must return its value and its gradient, in a pair (grad=True), not {described(found)}"),
        f"{name}: grad=True이면 함수값과 기울기를 쌍으로 반환해야 합니다. 받은 값의 종류: {described(found)}",
    )


def _no_pair(found: Any, inputs: Sequence[Any], name: str) -> Any:
    """What f returned, unless it is a number and what looks like its gradient."""
    if (
        isinstance(found, tuple)
        and len(found) == 2
        and np.ndim(found[0]) == 0 < np.ndim(inputs[0]) == np.ndim(found[1])
    ):
        raise explain(
            ValueError(
                f"{name} returns a number and an array: where that is its gradient, pass grad=True in place of a function"
            ),
            f"{name}: 수와 배열을 쌍으로 반환합니다. 그 배열이 기울기라면 기울기 함수 대신 grad=True를 넘기십시오.",
        )
    return found


def _gradient_alone(found: Any, x: Any, name: str) -> Any:
    """What a gradient returned, unless it is the value and the gradient."""
    pair = isinstance(found, tuple) and len(found) == 2 and not is_tree(x)
    if pair and np.ndim(found[0]) == 0 < np.ndim(found[1]):
        raise explain(
            ValueError(f"{name} returns a number and an array: pass the gradient alone, lambda x: grad(x)[1]"),
            f"{name}: 수와 배열을 쌍으로 반환합니다. 기울기만 반환하도록 lambda x: grad(x)[1]을 넘기십시오.",
        )
    return found


def _one_for_each(names: list[str], inputs: Sequence[Any], found: Any, written: str) -> Sequence[Any]:
    """The derivatives with respect to each of the inputs, from what a function returned: in their order, or in a dict by name."""
    if isinstance(found, dict) and (len(names) > 1 or not isinstance(inputs[0], dict)):
        missing = [name for name in names if name not in found]
        if not missing:
            return [found[name] for name in names]
    elif len(names) == 1:
        return [found]
    elif isinstance(found, list | tuple) and len(found) == len(names):
        return found
    there = [*found] if isinstance(found, dict) else len(found) if isinstance(found, list | tuple) else described(found)
    raise explain(
        ValueError(f"{written} must return one derivative for each of {names}, not {there}"),
        f"{written}: 다음 인수의 미분값을 하나씩 반환해야 합니다: {', '.join(names)}. 받은 값: {there}",
    )


def _listed(wrt: Any) -> Sequence[Any]:
    return wrt if isinstance(wrt, list | tuple) else [wrt]


def _point(x0: Any) -> Any:
    """Where a derivative is checked: arrays, those of whole numbers as floats."""

    def point(x: Any, _: str) -> Array:
        x = np.asarray(x)
        return x.astype(np.float64) if x.dtype.kind in "iu" else x

    return mapped(point, x0, "")


def _require_numpys(caller: str, inputs: Any) -> None:
    """Refuse tensors of another library, which has a backward of its own."""
    for x, _ in leaves_like(inputs, inputs, ""):
        library = type(x).__module__.partition(".")[0]
        if library in ("torch", "jaxlib", "jax"):
            raise explain(
                TypeError(
                    f"{caller} takes arrays of NumPy, not of {library}: a Function of PyTorch or a function of JAX is checked by"
                    " tg.check_gradient(F, x); else pass np.asarray(x)"
                ),
                f"{caller}에는 NumPy의 배열을 넘겨야 합니다. 받은 값의 라이브러리: {library}. PyTorch의 Function이나"
                " JAX의 함수는 tg.check_gradient(F, x)로 확인하십시오. NumPy의 함수라면 np.asarray(x)를 넘기십시오.",
            )


def _require_callable(caller: str, **functions: Any) -> None:
    for name, f in functions.items():
        if not callable(f):
            raise explain(
                TypeError(f"{caller}: {name} must be a function, not {described(f)}"),
                f"{caller}: {name}에는 함수를 넘겨야 합니다. 받은 값의 종류: {described(f)}",
            )
