"""Einstein's notation: what is written wrong is said with its letter and lengths, and how the products are computed."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.test_shape import refusal

A, B, V = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4), np.arange(3.0)


def nodes(y):
    """All that was recorded on the way to y."""
    waiting, found = [y.node], []
    while waiting:
        node = waiting.pop()
        if node is not None and node.op is not None and node not in found:
            found.append(node)
            waiting.extend(node.parents)
    return found


class TestRefusals:
    @pytest.mark.parametrize(
        ("subscripts", "operands", "what"),
        [
            ("ij,jk", (A, A), "the letter 'j' has length 2 in operand 1 of shape (2, 3), not 3"),
            ("ii", (A,), "the letter 'i' has length 3 in operand 0 of shape (2, 3), not 2"),
            ("ii,i", (np.ones((1, 3)), V), "the letter 'i' has length 3 in operand 0 of shape (1, 3), not 1"),
            ("...i,...i", (A, B[:, :3]), "axis -1 of '...' has length 3 in operand 1 of shape (3, 3), not 2"),
            ("ij", (V,), "'ij' does not have one letter for each of 1 axes"),
            ("i", (A,), "'i' does not have one letter for each of 2 axes"),
            ("...ij", (V,), "'...ij' does not have one letter for each of 1 axes"),
            ("ij->ik", (A,), "the letter 'k' of the result is in no operand"),
            ("ij->jj", (A,), "the letter 'j' is twice in the result"),
            ("i...->i", (A,), "the result needs '...' too"),
            ("i,i", (V,), "there are subscripts for 2 operands, but 1 operands"),
            ("i", (V, V), "there are subscripts for 1 operands, but 2 operands"),
            ("i1", (A,), "'1' is no letter"),
            ("i..", (A,), "'.' is no letter"),
            ("i->j->i", (V,), "'-' is no letter"),
            ("i......", (A,), "'.' is no letter"),
            ("ㄱ", (V,), "'ㄱ' is no letter"),
        ],
    )
    def test_what_is_written_wrong(self, subscripts, operands, what):
        said = refusal(ValueError, lambda: tg.einsum(subscripts, *operands))
        assert said.startswith(f"einsum: {subscripts!r}: ")
        assert what in said

    def test_letters_come_first(self):
        assert "must be a string" in refusal(TypeError, lambda: tg.einsum(A, [0, 1]))
        assert "einsum" in refusal(ValueError, lambda: tg.einsum("i"))


class TestWays:
    def test_one_letter_in_the_middle_is_one_matrix_product(self):
        a, b = (tg.Tensor(x, requires_grad=True) for x in (A, B))
        for subscripts, operands in (("ij,jk->ik", (a, b)), ("ij,jk", (a, b)), ("ji,kj->ik", (a.T, b.T))):
            made = [node.op.name for node in nodes(tg.einsum(subscripts, *operands))]
            assert made.count("matmul") == 1
            assert {*made} <= {"matmul", "matrix_transpose"}
        np.testing.assert_array_equal(tg.einsum("ij,jk->ik", a, b).numpy(), A @ B)

    def test_whatever_is_smallest_comes_first(self):
        """From left to right the first product would have 30 ** 4 numbers."""
        rng = np.random.default_rng(0)
        a, b, c = (tg.Tensor(rng.normal(size=(30, 30)), requires_grad=True) for _ in range(3))
        y = tg.einsum("ij,kl,jk->il", a, b, c)
        assert max(np.prod(node.shape) for node in nodes(y)) == 30 * 30
        np.testing.assert_allclose(y.numpy(), a.numpy() @ c.numpy() @ b.numpy(), rtol=1e-10)

    def test_a_letter_of_one_operand_alone_is_summed_before_the_product(self):
        a, b = tg.Tensor(np.ones((30, 20)), requires_grad=True), tg.Tensor(np.ones((30, 10)), requires_grad=True)
        y = tg.einsum("ij,ik->", a, b)
        assert max(np.prod(node.shape) for node in nodes(y)) == 30
        assert y.item() == 30 * 20 * 10


class TestValues:
    def test_an_operand_that_is_used_twice(self):
        x: Any = tg.Tensor(V, requires_grad=True)
        tg.einsum("i,i", x, x).backward()
        assert x.grad.tolist() == (2 * V).tolist()

    def test_lists_and_numbers(self):
        assert tg.einsum("i,->i", [1.0, 2.0], 3).tolist() == [3, 6]
        assert tg.einsum(",", 2.0, 3.0) == 6
        assert tg.einsum("", 2.0) == 2

    def test_letters_in_the_order_of_the_alphabet_the_large_ones_first(self):
        x = np.zeros((2, 3, 4))
        assert tg.einsum("bBa", x).shape == np.einsum("bBa", x).shape == (3, 4, 2)
        assert tg.einsum("b...a", x).shape == np.einsum("b...a", x).shape == (3, 4, 2)

    def test_a_length_of_1_broadcasts(self):
        x: Any = tg.Tensor(np.ones((2, 1)), requires_grad=True)
        y = tg.einsum("ij,jk->ik", x, B)
        assert y.tolist() == np.einsum("ij,jk->ik", x.numpy(), B).tolist()
        y.sum().backward()
        assert x.grad.tolist() == [[B.sum()], [B.sum()]]
        assert tg.einsum("ij,ij->ij", np.ones((1, 3)), np.ones((0, 3))).shape == (0, 3)

    def test_float32_stays(self):
        a = tg.Tensor(A.astype(np.float32), requires_grad=True)
        for subscripts in ("ij,kj->ik", "ij,ij->i", "ij,ij->", "ij,ij->ij"):
            y = tg.einsum(subscripts, a, a)
            assert {node.dtype for node in nodes(y)} == {np.dtype(np.float32)}

    def test_by_numpys_name(self):
        a: Any = tg.Tensor(A, requires_grad=True)
        for y in (np.einsum("ij,jk->ik", a, B), np.einsum("ij,jk->ik", a, B, optimize=True)):
            assert y.requires_grad
            assert y.tolist() == (A @ B).tolist()
