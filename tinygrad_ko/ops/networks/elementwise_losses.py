"""Losses of predictions and targets of one shape, element by element, and their reduction.

`reduction` says how: "mean" of all elements (the default), "sum", or "none" for an array in the shape of the input.
"""

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import abs, astype, clip, square, subtract, where
from tinygrad_ko.ops.inputs import (
    as_floating,
    as_operand,
    in_float32,
    namespace_of,
    require_above_0,
    require_one_of,
    unwrapped,
)
from tinygrad_ko.ops.networks.activations import sigmoid
from tinygrad_ko.ops.reduction import mean, sum


@in_float32
def mean_squared_error(y, t, reduction="mean"):
    """The mean of (y - t) ** 2 over all elements.

    Raises ValueError unless y and t have one shape, or if there is nothing to take a mean of.

    >>> import tinygrad_ko as tg
    >>> float(tg.mean_squared_error([1.0, 2.0, 4.0], [1.0, 2.0, 1.0]))
    3.0
    >>> tg.mean_squared_error([1.0, 2.0, 4.0], [1.0, 2.0, 1.0], reduction="none")
    array([0., 0., 9.])
    """
    y, t = prediction_and_target(y, t, "mean_squared_error")
    return combined(square(subtract(y, t)), reduction, "mean_squared_error")


@in_float32
def mean_absolute_error(y, t, reduction="mean"):
    """The mean of |y - t| over all elements. Where y equals t the derivative is taken to be 0.

    Raises ValueError unless y and t have one shape, or if there is nothing to take a mean of.

    >>> import tinygrad_ko as tg
    >>> float(tg.mean_absolute_error([1.0, 2.0, 4.0], [1.0, 2.0, 1.0]))
    1.0
    """
    y, t = prediction_and_target(y, t, "mean_absolute_error")
    return combined(abs(subtract(y, t)), reduction, "mean_absolute_error")


@in_float32
def huber_loss(y, t, delta=1.0, reduction="mean"):
    """The mean of half the squared difference d where |d| is at most delta, and delta * (|d| - delta / 2) beyond: an outlier pulls with
    strength delta and no more. At |d| = delta, where the derivative bends, the second derivative is taken to be 1. Source: Huber (1964).

    Raises ValueError unless y and t have one shape, if delta is not above 0, or if there is nothing to take a mean of.

    >>> import tinygrad_ko as tg
    >>> tg.huber_loss([0.5, 1.0, 4.0], [0.0, 0.0, 0.0], reduction="none")
    array([0.125, 0.5  , 3.5  ])
    """
    y, t = prediction_and_target(y, t, "huber_loss")
    require_above_0("huber_loss: ", delta=delta)
    return combined(huber(subtract(y, t), float(delta)), reduction, "huber_loss")


@op(name="huber_loss", x=lambda g, x, delta: g * clip(x, -delta, delta))
def huber(xp, x, /, delta):
    """Half of x ** 2 where |x| is at most delta, and delta * (|x| - delta / 2) beyond."""
    size = xp.abs(x)
    near = xp.minimum(size, delta)
    size -= 0.5 * near
    size *= near
    return size


@in_float32
def sigmoid_cross_entropy(scores, t, reduction="mean"):
    """The mean over all elements of -t log(p) - (1 - t) log(1 - p) with p = sigmoid(scores): binary cross entropy from scores (logits),
    exact for any finite score. `t` is 0 or 1, or a probability, in the shape of the scores; to put several labels on one sample, give it a
    row of scores.

    Raises ValueError unless the scores and t have one shape, or if there is nothing to take a mean of.

    >>> import tinygrad_ko as tg
    >>> scores = tg.Tensor([-1000.0, 0.0, 1000.0], requires_grad=True)
    >>> loss = tg.sigmoid_cross_entropy(scores, [1, 1, 1], reduction="sum")
    >>> loss.backward()
    >>> loss.item(), scores.grad
    (1000.6931471805599, array([-1. , -0.5,  0. ]))
    """
    scores, t = prediction_and_target(scores, t, "sigmoid_cross_entropy")
    return combined(surprise_of_sigmoid(scores, t), reduction, "sigmoid_cross_entropy")


@op(
    name="sigmoid_cross_entropy",
    s=lambda g, s, t: g * ((1 - t) * sigmoid(s) - t * sigmoid(-s)),  # sigmoid(s) - t without its cancellation
    t=lambda g, s: -g * s,
)
def surprise_of_sigmoid(xp, s, t):
    """-t log(sigmoid(s)) - (1 - t) log(sigmoid(-s)), for each element."""
    return (xp.maximum(s, 0) - s * t) + xp.log1p(xp.exp(-xp.abs(s)))


@in_float32
def hinge_loss(scores, t, reduction="mean"):
    """The mean over all elements of max(0, 1 - t * score), with t = 1 for one class and -1 for the other: the loss of support vector
    machines. Where t * score is 1 the derivative is taken to be 0. Source: Cortes and Vapnik (1995).

    Raises ValueError unless the scores and t have one shape and every t is -1 or 1, or if there is nothing to take a mean of; TypeError for
    a t that requires a gradient.

    >>> import tinygrad_ko as tg
    >>> tg.hinge_loss([2.0, 0.5, 0.5], [1, 1, -1], reduction="none")
    array([0. , 0.5, 1.5])
    """
    scores, t = prediction_and_target(scores, t, "hinge_loss")
    _require_signs(namespace_of(t), unwrapped(t))
    return combined(hinge(scores, t), reduction, "hinge_loss")


@opaque
def _require_signs(xp, t):
    if not xp.all((t == 1) | (t == -1)):
        raise explain(
            ValueError("hinge_loss: every t must be -1 or 1; from labels 0 and 1 pass 2 * t - 1"),
            "hinge_loss: t의 값은 모두 -1 또는 1이어야 합니다. 0과 1로 된 레이블이라면 2 * t - 1을 넘기십시오.",
        )


@op(name="hinge_loss", s=lambda g, s, t: where(s * t < 1, -g * t, 0), t=None)
def hinge(xp, s, t):
    """max(0, 1 - s * t). Where s * t is 1 the derivative is taken to be 0."""
    return xp.maximum(1 - s * t, 0)


def prediction_and_target(y, t, name):
    """Predictions and targets of one shape as floats; a list or integers take the dtype of the predictions. Others might broadcast."""
    y = as_floating(y, name)
    t = as_operand(t, name) if hasattr(t, "shape") else namespace_of(y).asarray(operand(t, name), dtype=y.dtype)
    if y.shape != t.shape:
        raise explain(
            ValueError(f"{name}: predictions of shape {y.shape} need targets of that shape, got shape {t.shape}"),
            f"{name}: 예측의 형상은 {y.shape}인데 정답의 형상은 {t.shape}입니다. 두 형상이 같아야 합니다.",
        )
    return y, t if is_floating(t.dtype) else astype(t, y.dtype)


def combined(losses, reduction, name):
    """The losses of all elements as `reduction` says; raises ValueError for another one, and for a mean of nothing."""
    require_one_of(_REDUCTIONS, reduction, name, "reduction")
    if reduction == "mean" and 0 in losses.shape:
        raise explain(
            ValueError(f"{name}: there is no mean of nothing: the losses have shape {losses.shape}"),
            f"{name}: 원소가 없으므로 평균을 구할 수 없습니다. 손실의 형상: {losses.shape}",
        )
    return _REDUCTIONS[reduction](losses)


_REDUCTIONS = {"mean": mean, "sum": sum, "none": lambda losses: losses}
