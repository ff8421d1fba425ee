"""`@op` turns a rule into an operation that works on arrays and on Tensors."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.engine.codegen import generated
from tinygrad_ko.engine.rule import Formula, validated
from tinygrad_ko.errors import explain


def op(
    broadcasts: bool = False, keeps: str | tuple[str, ...] = (), name: str | None = None, **formulas: Formula
) -> Callable[..., Any]:
    """Decorator: a new operation from a forward on arrays and one formula for each argument.

    The forward's arguments are its positional parameters (those before the slash, if there is one), the rest are its
    options, and if its first parameter is called `xp` it receives the namespace of its arrays there (for NumPy
    arrays: NumPy). Formulas are written with ordinary operators and with other ops; a gradient must have its
    argument's shape, and with `broadcasts=True` it is summed down to it. With `keeps` the forward returns its output
    and then those values, which must not depend on differentiable arguments, unless a formula of that name says how
    they do. Messages and pictures call the operation `name`, by default the name of the forward.

    Raises TypeError when the formulas do not fit the forward.

    >>> import numpy as np, tinygrad_ko as tg
    >>> @tg.op(x=lambda g, out: g * out * (1 - out))
    ... def logistic(xp, x):
    ...     return 1 / (1 + xp.exp(-x))
    >>> x = tg.Tensor([0.0, 1.0], requires_grad=True)
    >>> logistic(x).sum().backward()
    >>> x.grad
    array([0.25      , 0.19661193])
    >>> float(logistic(np.float64(0)))
    0.5
    """

    if callable(broadcasts):
        raise explain(
            TypeError("write @op(...) with a formula for each argument, not @op alone"),
            "@op 뒤에 괄호를 쓰고 인수마다 미분 공식을 적어야 합니다: @op(x=lambda g: ...)",
        )

    return lambda forward: generated(validated(forward, formulas, broadcasts, keeps, name))
