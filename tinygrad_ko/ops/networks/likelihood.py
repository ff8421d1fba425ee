"""Losses from log-probabilities, such as `log_softmax` gives.

Each row has one loss. `reduction` says what becomes of them: their "mean" (the default), their "sum", or "none" for an array with one
number for each row.
"""

from tinygrad_ko.arrays.library import is_floating, namespace
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import astype, log
from tinygrad_ko.ops.exponential import gap
from tinygrad_ko.ops.inputs import as_floating
from tinygrad_ko.ops.networks.elementwise_losses import combined, prediction_and_target
from tinygrad_ko.ops.networks.losses import as_batch, surprise
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import reshape


def negative_log_likelihood(log_y, t, reduction="mean"):
    """The mean over the batch of -log_y at the right class, from log-probabilities of shape (n,) or (batch, n). `t` is one label or one for
    each row, or distributions in the shape of log_y, as in the losses of the book.

    From scores, `softmax_cross_entropy` does the same in one step. It is not seen whether log_y holds logarithms: pass
    `log_softmax(scores)`, not probabilities. Raises ValueError or TypeError for targets that do not fit.

    >>> import tinygrad_ko as tg
    >>> log_y = tg.log_softmax([[2.0, 0.0], [0.0, 2.0]])
    >>> tg.negative_log_likelihood(log_y, [0, 0], reduction="none")
    array([0.12692801, 2.12692801])
    """
    log_y = as_floating(log_y, "negative_log_likelihood")
    batch, t, is_label = as_batch(log_y, t, "negative_log_likelihood")
    if is_label:
        losses = -batch[namespace(t).arange(t.shape[0]), t]
    else:
        losses = sum(surprise(batch, t if is_floating(t.dtype) else astype(t, batch.dtype)), axis=-1)
    return combined(reshape(losses, log_y.shape[:-1]), reduction, "negative_log_likelihood")


def kl_divergence(log_y, t, reduction="mean"):
    """The mean over the batch of sum(t * (log(t) - log_y)) along the last axis: how far the log-probabilities log_y are from the target
    distributions t, the Kullback-Leibler divergence KL(t || y). The prediction comes first and in logarithms, the target second and in
    probabilities, both of shape (n,) or (..., n). 0 log 0 is 0; in t the derivative there is minus infinity.

    It is not seen whether log_y holds logarithms: pass `log_softmax(scores)`, not probabilities. Raises ValueError unless log_y and t have
    one such shape. Source: Kullback and Leibler (1951).

    >>> import numpy as np, tinygrad_ko as tg
    >>> log_y, t = np.log([0.25, 0.25, 0.5]), [0.5, 0.5, 0.0]
    >>> float(tg.kl_divergence(log_y, t)), float(np.log(2))
    (0.6931471805599453, 0.6931471805599453)
    """
    log_y, t = prediction_and_target(log_y, t, "kl_divergence")
    if not log_y.ndim or not log_y.shape[-1]:
        raise explain(
            ValueError(f"kl_divergence: log_y must have shape (n,) or (..., n) with n above 0, not {log_y.shape}"),
            f"kl_divergence: log_y의 형상은 (n,) 또는 (..., n)이고 n은 1 이상이어야 합니다. 받은 형상: {log_y.shape}",
        )
    return combined(sum(relative_entropy(log_y, t), axis=-1), reduction, "kl_divergence")


@op(name="kl_divergence", log_y=lambda g, t: -g * t, t=lambda g, log_y, t: g * (gap(log(t), log_y) + 1))
def relative_entropy(xp, log_y, t):
    """t * (log(t) - log_y), and 0 where t is 0."""
    there = t != 0
    return t * (xp.log(xp.where(there, t, 1)) - xp.where(there, log_y, 0))
