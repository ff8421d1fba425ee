"""SciPy's solvers of equations and its minimisers, with gradients: the solution as a function of what the equations depend on.

SciPy calls the function with numbers; the gradient comes from `implicit`, at the solution. The functions have the names and the
arguments of those of scipy.optimize.
"""

import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_ko.engine.graph import Handle, Switch
from tinygrad_ko.errors import explain
from tinygrad_ko.func.equations import require_solution, solved
from tinygrad_ko.func.libraries import needed, numbers
from tinygrad_ko.func.transforms import grad, hessian, jacobian, value_and_grad
from tinygrad_ko.func.trees import is_tree
from tinygrad_ko.runtime.callers import users_level
from tinygrad_ko.tensor.tensor import Tensor

_WITHOUT_SLOPE = ("nelder-mead", "powell", "cobyla", "cobyqa")  # methods of `minimize` that take no derivative
_WITH_HESSIAN = ("dogleg", "trust-ncg", "trust-krylov", "trust-exact")  # those that take second derivatives
_WITH_JACOBIAN = ("hybr", "lm")  # methods of `root` that take one


def fixed_point(func: Callable[..., Any], x0: Any, args: tuple[Any, ...] = (), **options: Any) -> Any:
    """A fixed point x = func(x, *args), by `scipy.optimize.fixed_point`, as a function of the Tensors in `args` and of those that func
    reads beside: gradients of any order flow to these.

    func is called with Tensors and must compute with this package's ops. `options` are SciPy's: xtol, maxiter, method ("del2", which
    treats each number of x by itself, or "iteration"). The gradient is as exact as x: choose a small xtol. Otherwise as `implicit`;
    raises ModuleNotFoundError without SciPy, RuntimeError if SciPy finds no fixed point.

    Source: as for `implicit`: with J the Jacobian of func with respect to x, dx = (I - J)^-1 func_w dw.

    >>> import tinygrad_ko as tg
    >>> w = tg.Tensor(0.5, requires_grad=True)
    >>> x = tg.func.fixed_point(lambda x: tg.cos(w * x), 1.0)  # doctest: +SKIP
    >>> x.backward()  # doctest: +SKIP
    """
    _require_row("fixed_point", x0)
    find = needed("scipy.optimize", "tg.func.fixed_point").fixed_point
    x = find(_of_numbers("fixed_point", func), numbers("fixed_point", x0), args=args, **options)
    return solved("fixed_point", lambda x: func(x, *args) - x, x)


def root(fun: Callable[..., Any], x0: Any, args: Any = (), method: str = "hybr", **options: Any) -> Any:
    """A solution of fun(x, *args) = 0, by `scipy.optimize.root`, whose result it returns. Its `x` is a function of the Tensors in `args`
    and of those that fun reads beside: gradients of any order flow to these.

    fun is called with Tensors and returns as many numbers as x has. `method` and `options` are SciPy's: tol, jac, ...; the Jacobian is
    computed for the methods that take one, unless `jac` is given. Where SciPy found no solution (`success` is False, and
    backward would raise) there is a RuntimeWarning. Otherwise as `implicit`; raises ModuleNotFoundError without SciPy.
    """
    _require_row("root", x0)
    find, args = needed("scipy.optimize", "tg.func.root").root, args if isinstance(args, tuple) else (args,)
    if method in _WITH_JACOBIAN:
        options.setdefault("jac", _of_numbers("root", jacobian(fun)))
    result = find(_of_numbers("root", fun), numbers("root", x0), args, method, **options)

    def of_x(x: Any) -> Any:
        return fun(x, *args)

    result.x = solved("root", of_x, result.x)
    if isinstance(result.x, Handle) and not result.success and not _solves(of_x, result.x):
        warnings.warn(
            f"root: SciPy found no solution, and x has no gradient: {' '.join(str(result.message).split())}; look at result.success, "
            "begin at another x0 or take another method\nroot: SciPy가 해를 구하지 못했으므로 x의 기울기도 구할 수 없습니다. "
            "result.success를 확인하고, 다른 x0에서 시작하거나 다른 method를 쓰십시오.",
            RuntimeWarning,
            stacklevel=users_level(),
        )
    return result


def minimize(fun: Callable[..., Any], x0: Any, args: Any = (), method: Any = None, **options: Any) -> Any:
    """A minimum of fun(x, *args), by `scipy.optimize.minimize`, whose result it returns. Its `x`, a row of numbers as SciPy's is, and
    its `fun` are functions of the Tensors in `args` and of those that fun reads beside: gradients of any order flow to these.

    fun is called with Tensors and returns one number. `method` and `options` are SciPy's: tol, callback, ...; the gradient is computed for
    the methods that take one, unless `jac` is given. x is as exact as `tol` says, and so are its gradients. A tree of parameters is
    made a row by `flatten`. Otherwise as `implicit`: at the minimum the gradient of fun is 0. Raises ValueError for `bounds` and
    `constraints`, where it need not be 0, ModuleNotFoundError without SciPy.

    Source: as for `implicit`: with H the matrix of second derivatives of fun, dx = -H^-1 (grad fun)_w dw.
    """
    for name in ("bounds", "constraints"):
        if (given := options.get(name)) is not None and not (isinstance(given, list | tuple) and not given):
            raise explain(
                ValueError(
                    f"minimize: {name} are not supported: where one is active the gradient is not 0, and x has no gradient by it; put them "
                    "into fun, by a change of variables such as x = exp(u), and call implicit for the equations of a solution of your own"
                ),
                f"minimize: {name}에 걸린 점에서는 기울기가 0이 아니므로 음함수 미분을 할 수 없습니다. x = exp(u)처럼 변수를 바꾸어 fun "
                "안에 넣거나, 직접 구한 해와 그 해가 만족하는 방정식을 implicit에 넘기십시오.",
            )
    _require_row("minimize", x0)
    find, args = needed("scipy.optimize", "tg.func.minimize").minimize, args if isinstance(args, tuple) else (args,)
    known, f = str(method).lower(), fun
    if "jac" not in options and known not in _WITHOUT_SLOPE:
        f, options["jac"] = value_and_grad(fun), True
    if "hess" not in options and "hessp" not in options and known in _WITH_HESSIAN:
        options["hess"] = _of_numbers("minimize", hessian(fun))
    result = find(_of_numbers("minimize", f), numbers("minimize", x0), args, method, **options)

    def of_x(x: Any) -> Any:
        return fun(x, *args)

    result.x = solved("minimize", grad(of_x), result.x)
    if isinstance(result.x, Handle):
        result.fun = of_x(result.x)
    return result


def _require_row(what: str, x0: Any) -> None:
    """Raise TypeError if x0 is a dict, or a list of arrays: SciPy takes one array."""
    if is_tree(x0) and (isinstance(x0, dict) or any(not isinstance(x, Tensor) or x.ndim for x in x0)):
        raise explain(
            TypeError(
                f"{what}: x0 must be one array, not {type(x0).__name__} of arrays: row, unflatten = tg.func.flatten(x0) makes one row "
                "of it, and f(unflatten(row)) of a row is a function for SciPy"
            ),
            f"{what}: x0에는 배열 하나를 넘겨야 합니다. 받은 값의 종류: {type(x0).__name__}. row, unflatten = tg.func.flatten(x0)로 한 "
            "줄로 펴고, 함수 안에서는 unflatten(row)로 되돌려 쓰십시오.",
        )


def _solves(f: Callable[..., Any], x: Handle) -> bool:
    """Whether x is a solution, as backward will judge it."""
    jac, r = (_of_numbers("root", g)(x.stable_array()) for g in (jacobian(f), f))
    try:
        require_solution(jac.reshape(r.size, -1), r, x.stable_array(), "root")
    except ValueError:  # LinAlgError is one
        return False
    return True


def _of_numbers(what: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """f for SciPy: it gets Tensors in place of arrays, and what it returns are numbers. Nothing is recorded."""

    def call(x: Any, *args: Any) -> Any:
        with Switch(record=False):
            y = f(Tensor(x), *args)
        return tuple(numbers(what, part) for part in y) if isinstance(y, tuple) else numbers(what, y)

    return call
