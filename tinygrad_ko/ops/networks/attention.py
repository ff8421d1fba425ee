"""Attention: what queries find at the keys that match them."""

import numpy as np

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.rows import row_sums
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import described, explain
from tinygrad_ko.ops.inputs import as_floating, as_plain_array, in_float32, namespace_of
from tinygrad_ko.ops.linalg.products import dots, matrix_product
from tinygrad_ko.ops.networks.softmax import shifted_for_exp, softmax
from tinygrad_ko.ops.shape import matrix_transpose
from tinygrad_ko.runtime.suggestions import explained


@in_float32
@explained
def attention(q, k, v, mask=None):
    """softmax(q @ k.mT / sqrt(d)) @ v: for each query the mean of the values, weighted by how well their keys match it. Queries
    (..., n, d), keys (..., m, d) and values (..., m, w) give (..., n, w), and stacks broadcast. Where a `mask` of truth values that
    broadcasts to (..., n, m) is false, the query does not look: with `np.tri(n, dtype=bool)` none sees what comes after it.

    Raises ValueError if the shapes do not fit or a query may look nowhere, TypeError if the mask holds no truth values. Source: Vaswani
    et al. (2017).

    >>> import numpy as np, tinygrad_ko as tg
    >>> x, v = np.zeros((3, 2)), [[2.0], [4.0], [9.0]]
    >>> tg.attention(x, x, v, mask=np.tri(3, dtype=bool))
    array([[2.],
           [3.],
           [5.]])
    """
    q, k, v = (as_floating(x, "attention") for x in (q, k, v))
    shape = _shape_of_scores(q.shape, k.shape, v.shape)
    scores = matrix_product(q * q.shape[-1] ** -0.5, matrix_transpose(k))
    if mask is None:
        return matrix_product(softmax(scores), v)
    return matrix_product(masked_softmax(scores, namespace_of(q).asarray(_fitting(mask, shape))), v)


@op(name="softmax", scores=lambda g, out: out * (g - dots(g, out, -1)), mask=None)
def masked_softmax(xp, scores, mask):
    """Softmax along the last axis of the scores where the mask is true; 0 elsewhere."""
    e = xp.exp(shifted_for_exp(xp, scores, -1, mask))
    e *= xp.astype(mask, e.dtype)
    e /= row_sums(xp, e, -1)
    return e


def _shape_of_scores(q, k, v):
    """The shape of q @ k.mT."""
    try:
        np.broadcast_shapes(q[:-2], k[:-2], v[:-2])
        if min(len(q), len(k), len(v)) > 1 and q[-1] == k[-1] > 0 < k[-2] == v[-2]:
            return (*np.broadcast_shapes(q[:-2], k[:-2]), q[-2], k[-2])
    except ValueError:  # stacks that do not broadcast
        pass
    raise explain(
        ValueError(
            f"attention: q needs shape (..., n, d), k (..., m, d) and v (..., m, w), but they have {q}, {k} and {v}"
        ),
        f"attention: q의 형상은 (..., n, d), k의 형상은 (..., m, d), v의 형상은 (..., m, w)이어야 합니다. 받은 형상: {q}, {k}, {v}",
    )


def _fitting(mask, shape):
    """The mask as an array of truth values, with one or more in each row."""
    mask = as_plain_array(mask, "attention")
    xp = namespace(mask)
    if mask.dtype != xp.bool:
        raise explain(
            TypeError(
                f"attention: mask must hold truth values, true where a query looks, not {described(mask)}; "
                "for one of 0 and -inf pass mask == 0, for one of 0 and 1 mask == 1"
            ),
            f"attention: mask에는 참과 거짓을 담아야 하며, 질의가 볼 자리가 참입니다. 0과 -inf로 되어 있다면 mask == 0을, "
            f"0과 1로 되어 있다면 mask == 1을 넘기십시오. 받은 값: {described(mask)}",
        )
    mask = xp.reshape(mask, mask.shape or (1,))
    if mask.ndim > len(shape) or any(n not in (1, m) for n, m in zip(mask.shape[::-1], shape[::-1], strict=False)):
        raise explain(
            ValueError(
                f"attention: mask has shape {mask.shape}, which does not broadcast to {shape}, that of q @ k.mT"
            ),
            f"attention: mask를 q @ k.mT의 형상으로 브로드캐스트할 수 없습니다. 형상: mask {mask.shape}, q @ k.mT {shape}",
        )
    _require_true_in_each_row(xp, mask)
    return mask


@opaque
def _require_true_in_each_row(xp, mask):
    if not xp.all(xp.any(mask, axis=-1)):
        raise explain(
            ValueError(
                "attention: a row of mask is false all over: that query would look nowhere; where true means not to look, pass ~mask"
            ),
            "attention: mask에 모두 거짓인 행이 있습니다. 그 행의 질의는 아무것도 볼 수 없습니다. 보지 않을 자리가 참이라면 "
            "~mask를 넘기십시오.",
        )
