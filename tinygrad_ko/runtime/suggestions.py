"""What was meant: the name that there is, for one that there is not."""

from collections.abc import Sequence

import numpy as np

from tinygrad_ko.errors import explain

# Habits from NumPy and PyTorch whose name here is another one altogether.
HABITS = {
    "Linear": "nn.Affine",
    "amax": "max",
    "amin": "min",
    "array": "Tensor",
    "asarray": "Tensor",
    "bce_loss": "sigmoid_cross_entropy",
    "cat": "concat",
    "clamp": "clip",
    "cross_entropy": "softmax_cross_entropy",
    "cumprod": "cumulative_prod",
    "cumsum": "cumulative_sum",
    "div": "divide",
    "dot": "matmul",
    "fabs": "abs",
    "flatten": "reshape",
    "gather": "take_along_axis",
    "index_add": "scatter_add",
    "kl_div": "kl_divergence",
    "linear": "affine",
    "l1_loss": "mean_absolute_error",
    "masked_fill": "where",
    "mm": "matmul",
    "mse_loss": "mean_squared_error",
    "mul": "multiply",
    "neg": "negative",
    "nll_loss": "negative_log_likelihood",
    "norm": "linalg.vector_norm",
    "ravel": "reshape",
    "sub": "subtract",
    "swish": "silu",
    "unsqueeze": "expand_dims",
    "view": "reshape",
}


def nearest(name: str, known: Sequence[str]) -> list[str]:
    """The names among the known that were probably meant: one in another room, NumPy's other name for the same function, a known
    habit, or else names that look alike.
    """
    from difflib import get_close_matches

    last = {full.rpartition(".")[2]: full for full in reversed(known)}
    meant = getattr(np, name, None)
    if name in last:
        return [last[name]]
    if meant is not None and (same := [full for full in known if getattr(np, full, None) is meant]):
        return same
    if name in HABITS or meant is not None:
        return [HABITS[name]] if name in HABITS else []
    return [last[n] for n in get_close_matches(name, last, n=3, cutoff=0.7)]


def missing(name: str, known: Sequence[str]) -> AttributeError:
    """The error for a name that `tinygrad_ko` does not have, with the names that were probably meant."""
    cure, korean = "", ""
    if near := nearest(name, known):
        cure, korean = f"; did you mean {' or '.join(near)}?", f" 비슷한 이름: {', '.join(near)}"
    elif hasattr(np, name):
        cure = f"; np.{name} is for arrays, and for x.numpy() where no gradient is wanted"
        korean = f" np.{name}에는 배열을 넘길 수 있습니다. Tensor라면 x.numpy()로 값을 꺼내십시오(기울기는 이어지지 않습니다)."
    return explain(
        AttributeError(f"module 'tinygrad_ko' has no attribute {name!r}{cure}", name=name),
        f"tinygrad_ko에 없는 이름입니다: {name}.{korean}",
    )
