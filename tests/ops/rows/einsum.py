"""Sums of products by letters."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import Row, draw_array, real
from tinygrad_ko.ops.linalg import einsum as module


def einsum(*operands, subscripts):
    return module.einsum(subscripts, *operands)


@st.composite
def subscripted(draw):
    """Up to three operands of up to three axes: letters once or twice, an ellipsis here and there, lengths of 0 and 1."""
    lengths = {letter: draw(st.sampled_from([2, 3, 3, 1, 0])) for letter in "aBcd"}
    stack = draw(st.lists(st.integers(1, 2), max_size=2))
    terms, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.lists(st.sampled_from("aBcd"), max_size=3))
        at = draw(st.none() | st.integers(0, len(letters)))
        behind = stack[draw(st.integers(0, len(stack))) :]
        size = [lengths[letter] for letter in letters]
        for i, letter in enumerate(letters):
            if letters.count(letter) == 1 and draw(st.integers(0, 7)) == 0:
                size[i] = 1
        if at is not None:
            letters[at:at], size[at:at] = ["..."], [draw(st.sampled_from([n, n, 1])) for n in behind]
        terms.append("".join(letters))
        operands.append(draw_array(draw, st.just(tuple(size)), real))
    subscripts = ", ".join(terms)
    if draw(st.booleans()):
        kept = draw(st.permutations(sorted({c for c in subscripts if c.isalpha()})))
        kept = kept[: draw(st.integers(0, len(kept)))]
        if "..." in subscripts:
            kept.insert(draw(st.integers(0, len(kept))), "...")
        subscripts += " -> " + "".join(kept)
    return tuple(operands), {"subscripts": subscripts}


ROWS: dict[Callable[..., Any], Row] = {
    einsum: Row(subscripted(), lambda *operands, subscripts: np.einsum(subscripts, *operands)),
}
