"""Derivatives of functions: each transform returns a function again."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.engine.graph import Switch
from tinygrad_ko.errors import explain
from tinygrad_ko.func.run import Run, gradients_or_zeros, row
from tinygrad_ko.func.trees import is_tree
from tinygrad_ko.ops.shape import reshape
from tinygrad_ko.tensor.tensor import Tensor

_Argnums = int | tuple[int, ...]


def grad(f: Callable[..., Any], argnums: _Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives the gradient of f with respect to an argument, or a tuple of gradients for several. `argnums` are
    their positions: what autograd calls argnum.

    f returns one number. With `has_aux=True` it returns a tuple of that number and of anything else, which is not differentiated,
    and the function returns (gradient, anything else). Costs one forward and one backward of f, for any number of parameters.

    >>> import numpy as np, tinygrad_ko as tg
    >>> cube = lambda x: x**3
    >>> grad(cube)(2.0), grad(grad(cube))(2.0)
    (array(12.), array(12.))
    >>> grad(lambda p, x: (p["W"] * x + p["b"]).sum())({"W": np.array([1.0, 2.0]), "b": 0.5}, np.array([3.0, 4.0]))
    {'W': array([3., 4.]), 'b': array(2.)}
    >>> grad(lambda x: (x**2, {"root": tg.sqrt(x)}), has_aux=True)(4.0)
    (array(8.), {'root': array(2.)})

    The function raises ValueError if f does not return one number, TypeError if it returns no number or several results, or if an
    argument holds integers. If the number does not depend on the arguments, the gradient is 0, with a warning.
    """

    def call(*given: Any, **options: Any) -> Any:
        _, answer, *aux = _gradient("grad", f, argnums, given, options, has_aux)
        return (answer, *aux) if has_aux else answer

    return _derived("grad", f, call)


def value_and_grad(f: Callable[..., Any], argnums: _Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives the value of f and its gradient, for the price of the gradient. Otherwise as `grad`: with
    `has_aux=True` it returns ((value, anything else), gradient).

    >>> import numpy as np, tinygrad_ko as tg
    >>> value_and_grad(lambda x, t: ((x - t) ** 2).sum())(np.array([1.0, 2.0]), np.array([0.0, 4.0]))
    (array(5.), array([ 2., -4.]))
    """

    def call(*given: Any, **options: Any) -> Any:
        value, answer, *aux = _gradient("value_and_grad", f, argnums, given, options, has_aux)
        return ((value, *aux), answer) if has_aux else (value, answer)

    return _derived("value_and_grad", f, call)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of f, and the function from a cotangent c, in the shape of that value, to the gradients of sum(c * f): a
    tuple, one for each argument.

    This is backpropagation: a product of c and the Jacobian, for the price of a backward. The second function keeps the
    graph of f and may be called again. f may return several outputs in a dict, list or tuple: c has their structure. With
    `has_aux=True` f returns (value, anything else), and that is the third of the results. Raises what `grad` raises, and ValueError
    if c has another shape or structure.

    >>> import numpy as np, tinygrad_ko as tg
    >>> y, pull = vjp(tg.matmul, np.eye(2), np.array([3.0, 4.0]))
    >>> y, pull(np.array([1.0, 10.0]))[1]
    (array([3., 4.]), array([ 1., 10.]))
    >>> y, pull = vjp(lambda x: {"sum": x.sum(), "double": 2 * x}, np.array([1.0, 3.0]))
    >>> pull({"sum": 1.0, "double": np.array([0.0, 1.0])})
    (array([1., 3.]),)
    """
    run = Run("vjp", f, primals, {}, range(len(primals)), has_aux)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        cs = run.cotangents(cotangent)
        return run.shaped(run.pulled(run.in_row(cs), create_graph=run.recording(*cs)), *cs)

    aux = [run.handed_aux()] if has_aux else []
    return run.handed_value(), pull, *aux


def jvp(f: Callable[..., Any], primals: Any, tangents: Any, *, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of f at `primals`, and its derivative along `tangents`: both are tuples with an entry for each argument. f may return
    several outputs, whose structure the derivative has, and with `has_aux=True` (value, anything else), as for `vjp`.

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
    run = Run("jvp", f, tuple(primals), {}, range(len(primals)), has_aux)
    ds = run.matched(tangents, [f"tangents[{i}]" for i in range(len(tangents))])
    pushed = run.pushed(ds)
    aux = [run.handed_aux()] if has_aux else []
    return run.handed_value(), pushed, *aux


def jacobian(f: Callable[..., Any], argnums: _Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives the Jacobian of f: all derivatives of all numbers that f returns, in the shape of the value of
    f followed by that of the argument.

    Costs one backward for each number that f returns or, if the arguments have fewer numbers, one through the graph of the
    gradient for each of those. f may return any shape, and several Tensors in a dict, list or tuple: then there is a Jacobian for
    each of them, in that structure. With `has_aux=True` f returns (value, anything else), and the function (Jacobian, anything
    else). Otherwise it raises what `grad` raises.

    >>> import numpy as np, tinygrad_ko as tg
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0, 3.0]))
    array([[2., 0., 0.],
           [0., 4., 0.],
           [0., 0., 6.]])
    >>> jacobian(lambda x: {"sum": x.sum(), "double": 2 * x})(np.array([1.0, 3.0]))
    {'sum': array([1., 1.]), 'double': array([[2., 0.],
           [0., 2.]])}
    """
    return _derived("jacobian", f, lambda *given, **options: _jacobian("jacobian", f, argnums, given, options, has_aux))


def hessian(f: Callable[..., Any], argnums: int = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives the matrix of second derivatives of f, which returns one number: the Jacobian of its gradient,
    in the shape of the argument twice over. It is symmetric up to round-off.

    Costs one backward through the graph of the gradient for each number of the argument, which is one array; for many
    parameters there is `hvp`. With `has_aux=True` f returns (number, anything else), and the function (matrix, anything else).
    Raises what `grad` raises.

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

        def call(*given: Any, **options: Any) -> Any:
            _, answer, *aux = _gradient("hessian", f, i, given, options, has_aux)
            return (answer, *aux) if has_aux else answer

        return _jacobian("hessian", _derived("hessian", f, call), i, given, options, has_aux)

    return _derived("hessian", f, call)


def hvp(f: Callable[[Any], Any], x: Any, v: Any) -> Any:
    """The product of the hessian of f at x and v, which has the structure and shapes of x, without the hessian: the gradient of
    the slope along v, by two backwards. Raises what `grad` raises, and ValueError if v does not fit x.

    Source: Pearlmutter, "Fast exact multiplication by the Hessian" (1994).

    >>> import numpy as np, tinygrad_ko as tg
    >>> hvp(lambda x: (x**3).sum(), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    run = Run("hvp", f, (x,), {}, (0,))
    run.one_number()
    vs = run.matched((v,), ["v"])
    with Switch(record=True):
        first = row(run.pulled(None, create_graph=True))
    return run.shaped(gradients_or_zeros(first, run.xs, row(vs), create_graph=run.recording(*vs)), *vs)[0]


def _derived(what: str, f: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, with the signature of f and a name that says what is derived from it."""
    if not callable(f):
        raise explain(
            TypeError(f"{what} takes a function, not {type(f).__name__}; of a result, tg.grad(y, x) is the gradient"),
            f"{what}에는 함수를 넘겨야 합니다. 이미 계산한 결과의 기울기는 tg.grad(y, x)로 구하십시오. 받은 값의 종류: {type(f).__name__}",
        )
    call.__name__ = f"{what}({getattr(f, '__name__', type(f).__name__)})"
    vars(call)["__wrapped__"] = vars(call)["differentiates"] = f
    return call


def _positions(what: str, argnums: Any, given: tuple[Any, ...]) -> list[int]:
    wanted = list(argnums) if isinstance(argnums, list | tuple) else [argnums]
    n = len(given)
    if any(not isinstance(i, int) or not -n <= i < n for i in wanted):
        raise explain(
            ValueError(f"{what}: argnums={argnums!r}, but f was called with {n} positional arguments: 0 to {n - 1}"),
            f"{what}: argnums에는 위치 인수의 번호를 넘겨야 합니다. 받은 값: {argnums!r}. 위치 인수: {n}개, 0부터 {n - 1}까지",
        )
    positions = [i % n for i in wanted]
    if len({*positions}) < len(positions):
        raise explain(
            ValueError(f"{what}: argnums={argnums!r} names an argument twice; give each position once"),
            f"{what}: argnums에 같은 인수가 두 번 있습니다. 번호를 한 번씩만 넘기십시오. 받은 값: {argnums!r}",
        )
    return positions


def _gradient(
    what: str, f: Callable[..., Any], argnums: _Argnums, given: Any, options: Any, has_aux: bool
) -> tuple[Any, ...]:
    """The value of f, its gradient and, with `has_aux`, what f returned beside."""
    run = Run(what, f, given, options, _positions(what, argnums, given), has_aux)
    run.one_number()
    answers = run.shaped(run.backward())
    aux = [run.handed_aux()] if has_aux else []
    return run.handed_value(), answers[0] if isinstance(argnums, int) else answers, *aux


def _jacobian(what: str, f: Callable[..., Any], argnums: _Argnums, given: Any, options: Any, has_aux: bool) -> Any:
    """The Jacobian of f; of several outputs that of each, in their structure."""
    run = Run(what, f, given, options, _positions(what, argnums, given), has_aux)
    every = run.jacobians()

    def of_one(y: Tensor, at: slice) -> Any:
        parts = every
        if is_tree(run.value):
            parts = [reshape(j[at], (*y.shape, *x.shape)) for j, x in zip(every, run.xs, strict=True)]
        answers = run.shaped(parts)
        return answers[0] if isinstance(argnums, int) else answers

    found = run.per_output(of_one)
    return (found, run.handed_aux()) if has_aux else found
