"""The losses of the book, for one sample and for a batch.

`t` is one-hot (or any distribution, in the shape of `y`) or holds labels: an int for one sample, one int per row for a batch.
"""

import numpy as np

from tinygrad_ko.arrays.library import NUMPYS, namespace
from tinygrad_ko.arrays.opaque import is_traced, opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.arrays.rows import row_sums
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import log
from tinygrad_ko.ops.inputs import as_operand, in_float32, namespace_of, unwrapped
from tinygrad_ko.ops.networks.softmax import REACH, log_softmax, shifted_for_exp, softmax
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import reshape


@in_float32
def sum_squares_error(y, t):
    """Half the sum of the squared differences, 0.5 * sum((y - t) ** 2). Raises ValueError unless y and t have one shape.

    >>> import tinygrad_ko as tg
    >>> float(tg.sum_squares_error([0.5, 0.5], [0.0, 1.0]))
    0.25
    """
    y, t = (as_operand(x, "sum_squares_error") for x in (y, t))
    if y.shape != t.shape:
        raise explain(
            ValueError(f"sum_squares_error: y has shape {y.shape}, but t has shape {t.shape}"),
            f"sum_squares_error: y의 형상은 {y.shape}인데 t의 형상은 {t.shape}입니다.",
        )
    return 0.5 * sum((1.0 * y - t) ** 2)


@in_float32
def cross_entropy_error(y, t):
    """The mean over the batch of -log(y + 1e-7) at the right class, from probabilities y of shape (n,) or (batch, n).

    The 1e-7 keeps the logarithm finite where y is 0 (and makes the loss about 1e-7 too small elsewhere). From scores, before softmax,
    `softmax_cross_entropy` is exact. Raises ValueError or TypeError for targets that do not fit.

    >>> import tinygrad_ko as tg
    >>> float(tg.cross_entropy_error([0.1, 0.3, 0.6], 2))
    0.510825457099338
    """
    y, t, is_label = as_batch(y, t, "cross_entropy_error")
    picked = log(y[namespace(t).arange(t.shape[0]), t] + 1e-7) if is_label else t * log(y + 1e-7)
    return -sum(picked) / y.shape[0]


@in_float32
def softmax_cross_entropy(scores, t):
    """The mean over the batch of -log(softmax(scores)) at the right class, exact for any scores of shape (n,) or (batch, n). Raises
    ValueError or TypeError for targets that do not fit.

    >>> import tinygrad_ko as tg
    >>> scores = tg.Tensor([[2.0, 0.0], [0.0, 2.0]], requires_grad=True)
    >>> tg.softmax_cross_entropy(scores, [0, 0]).backward()
    >>> scores.grad
    array([[-0.05960146,  0.05960146],
           [-0.44039854,  0.44039854]])
    """
    scores, t, is_label = as_batch(scores, t, "softmax_cross_entropy")
    if is_label:
        return labelled(scores, t)
    return sum(surprise(log_softmax(scores), t)) / scores.shape[0]


@op(name="negative_log_likelihood", log_y=lambda g, t: -g * t, t=lambda g, log_y: -g * log_y)
def surprise(xp, log_y, t):
    """-t * log_y, and 0 where t is 0, even if log_y is minus infinity there."""
    return -(t * xp.where(t != 0, log_y, 0))  # t may be truth values or unsigned


@op(
    name="softmax_cross_entropy",
    keeps="p",
    scores=lambda g, p, labels: (p - _one_hot(labels, p.shape[1], p.dtype)) * (g * (1 / p.shape[0])),
    labels=None,
    p=lambda scores: softmax(scores),
)
def labelled(xp, scores, labels):
    """Softmax and cross entropy in one step, for a batch of scores with labels."""
    scores = floating(scores)
    shifted = shifted_for_exp(xp, scores, -1)
    p = xp.exp(shifted)
    total = row_sums(xp, p, -1)
    p /= total
    return xp.sum(_cross_entropies(xp, scores, shifted, p, total, labels)) / labels.shape[0], p


@opaque
def _cross_entropies(xp, scores, shifted, p, total, labels):
    """-log(p) at the labels. (Of small probabilities the digits are in the shifted scores, of large ones in p; where no score was shifted,
    all are there.)
    """
    right = (xp.arange(labels.shape[0]), labels)
    if shifted is scores:
        return xp.log(1 / p[right])
    far = shifted[right] < -REACH
    return xp.where(far, xp.log(total[:, 0]) - shifted[right], xp.log(1 / xp.where(far, 1, p[right])))


def _one_hot(labels, classes, dtype):
    if type(labels) not in NUMPYS:
        xp = namespace(labels)
        return xp.astype(labels[:, None] == xp.arange(classes), dtype)
    out = namespace(labels).zeros((len(labels), classes), dtype)
    out[np.arange(len(labels)), labels] = 1
    return out


def as_batch(y, t, name):
    """Predictions as rows, targets as labels or as rows of distributions, and whether they are labels; refuses what does not fit."""

    def refuse(what, korean, kind=ValueError):
        raise explain(kind(f"{name}: {what}"), f"{name}: {korean}")

    y = as_operand(y, name)
    t, shape = t if hasattr(t, "shape") else np.asarray(t), y.shape
    t = as_operand(t, name) if t.shape == shape else t  # labels have an error of their own
    if len(shape) == 1:  # one sample is a batch of one
        y, t, shape = reshape(y, (1, *shape)), reshape(t, (1, *t.shape)), (1, *shape)
    if len(shape) != 2 or 0 in shape:
        refuse(
            f"y must have shape (n,) or (batch, n) and not be empty, but its shape is {shape}",
            f"y의 형상은 (n,) 또는 (batch, n)이어야 하고 비어 있으면 안 됩니다. 받은 형상은 {shape}입니다.",
        )
    if t.shape == shape:
        return y, t, False
    batch, classes = shape
    if t.shape != (batch,):
        refuse(
            f"{batch} rows of {classes} scores need {batch} labels or targets of shape {shape}, got shape {t.shape}",
            f"클래스 {classes}개의 점수가 {batch}행이므로 레이블 {batch}개 또는 형상 {shape}의 분포가 필요합니다. 받은 형상: {t.shape}",
        )
    t = unwrapped(t)
    t = t if is_traced(t) else np.asarray(t)
    if t.dtype.kind not in "iu":
        refuse(f"labels must be integers, not {t.dtype}", f"레이블은 정수여야 합니다. 자료형: {t.dtype}", TypeError)
    _require_labels(t, classes, name)
    return y, t if is_traced(t) else namespace_of(y).asarray(t), True


@opaque
def _require_labels(t, classes, name):
    """Raise ValueError for a label that is no class."""
    if np.minimum.reduce(t) < 0 or np.maximum.reduce(t) >= classes:
        bad = int(np.flatnonzero((t < 0) | (t >= classes))[0])
        raise explain(
            ValueError(
                f"{name}: label {t[bad]} at position {bad} is not one of the {classes} classes 0..{classes - 1}"
            ),
            f"{name}: 레이블의 범위는 0..{classes - 1}입니다(클래스 {classes}개). 인덱스 {bad}의 레이블: {t[bad]}",
        )
