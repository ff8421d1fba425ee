"""The mistakes that are made in formulas, and the score of a check that looks for them."""

import inspect
import re
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.table import OPS, ROWS
from tinygrad_ko.arrays.indexing import IndexedGradient
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient, check_vjp
from tinygrad_ko.ops.networks import losses
from tinygrad_ko.runtime.install import install
from tinygrad_ko.testing.korean import RESULTS
from tinygrad_ko.testing.mutation import Mutant, mutants, mutation_score

where = tg.where
X = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])
ON_RESULT = {
    "the result plus 0.001 times the mean |g|",
    "minus the result",
    "the result times 1.000001",
    "the result times 0",
    "the largest entry of the result times 1.01",
    "the last two axes of the result exchanged, in its old shape",
    "with g * 0 + 1 for g",
    "the mean of the result along stretched axes",
    "the results in reverse order",
}


def one(formula, **options):
    """An op of one argument x, with any forward: here formulas are looked at, not used."""

    @tg.op(x=formula, **options)
    def probe(x):
        return +x

    return probe


# What a mutant is


def broadcast_check(op):
    rng = np.random.default_rng(3)
    check_gradient(op, rng.normal(size=(3, 1)), rng.normal(size=2))


@pytest.mark.parametrize("name", OPS)
def test_mutants_are_called_like_the_op_and_differ_in_one_formula(name):
    op = OPS[name]
    made = mutants(op)
    assert list(map(str, made)) == list(map(str, mutants(op)))
    assert len({str(m) for m in made}) == len(made) >= 2
    assert {m.argument for m in made} == set(op.op.differentiable)
    assert all("\n" not in str(m) == repr(m) and str(m).startswith(f"{op.op.name}.") for m in made)
    for m in made:
        record = m.function.op
        assert m.function.__name__ == op.__name__
        assert inspect.signature(m.function) == inspect.signature(op)
        assert record.forward is op.op.forward
        assert (record.name, record.broadcasts, record.keeps) == (op.op.name, op.op.broadcasts, op.op.keeps)
        assert {k for k in record.formulas if record.formulas[k] is not op.op.formulas[k]} == {m.argument}

    @given(ROWS[op].calls, st.integers(0, len(made) - 1))
    @settings(max_examples=10)
    def the_same(call, which):
        arguments, options = call
        np.testing.assert_array_equal(made[which].function(*arguments, **options), op(*arguments, **options))

    the_same()


EXECUTED = """
@tg.op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g * a)
def times(a, b):
    return a * b
"""


def test_without_source_the_result_is_spoiled():
    room: dict[str, Any] = {"tg": tg}
    exec(compile(EXECUTED, "<typed>", "exec"), room)
    found = mutants(room["times"])
    assert {m.text for m in found} == ON_RESULT - {"the results in reverse order"}
    assert {m.argument for m in found} == {"a", "b"}
    assert mutation_score(room["times"], broadcast_check).score == 1


def test_the_same_mistake_at_two_places_is_numbered():
    def turned_twice(g):
        g = -g
        g = -g
        return +g

    assert [str(m) for m in mutants(one(turned_twice)) if m.text.startswith("g = g") and m.kind == "sign flip"] == [
        "probe.x: sign flip: g = g",
        "probe.x: sign flip: g = g (2)",
    ]


def test_the_op_itself_is_left_as_it_is():
    before = dict(tg.multiply.op.formulas), dict(vars(inspect.getmodule(tg.abs)))
    mutants(tg.multiply)
    mutants(tg.maximum)
    assert (tg.multiply.op.formulas, vars(inspect.getmodule(tg.abs))) == before
    broadcast_check(tg.maximum)


def test_it_reads_as_a_line():
    assert "multiply.a: missing factor: g" in map(str, mutants(tg.multiply))


def test_it_reads_as_a_line_in_korean():
    lines = [m.korean for m in mutants(tg.multiply)]
    assert "multiply.a: 곱하거나 나눌 것을 빠뜨림: g" in lines
    assert "multiply.a: 합 대신 평균을 냄: 늘어난 축을 따라 결과의 평균을 냄" in lines
    assert RESULTS.keys() == ON_RESULT


def test_an_honest_zero_has_no_sign_to_spoil():
    assert {m.text for m in mutants(tg.sign)} == {"g", "the result plus 0.001 times the mean |g|"}


def test_a_mean_can_be_used_where_only_sum_is_imported():
    """softmax.py knows no mean."""
    (made,) = [m for m in mutants(tg.log_softmax) if m.kind == "mean for sum"]
    assert made.text == "g - exp(out) * mean(g, axis=axis, keepdims=True)"
    with pytest.raises(GradientMismatch):
        check_gradient(made.function, X)


def gradients(op, *arguments, **options):
    """The gradients at random cotangents."""
    leaves = [tg.Tensor(a, requires_grad=True) for a in arguments]
    y = op(*leaves, **options)
    rng = np.random.default_rng(0)
    y.backward(rng.normal(size=y.shape))
    return [leaf.grad for leaf in leaves]


def by_text(op, text):
    (made,) = [m for m in mutants(op) if m.text == text]
    return made.function


def test_mistakes_on_a_result():
    right = np.array(gradients(tg.square, X)[0])
    g = right / (2 * X)
    expected = {
        "the result plus 0.001 times the mean |g|": right + 0.001 * np.abs(g).mean(),
        "minus the result": -right,
        "the result times 1.000001": right * 1.000001,
        "the result times 0": right * 0,
        "the largest entry of the result times 1.01": right * np.where(np.abs(right) == np.abs(right).max(), 1.01, 1),
        "the last two axes of the result exchanged, in its old shape": right.T.reshape(2, 3),
        "with g * 0 + 1 for g": 2 * X,
    }
    for text, wrong in expected.items():
        np.testing.assert_allclose(gradients(by_text(tg.square, text), X)[0], wrong, rtol=1e-15)


def test_a_mean_for_the_sum_over_what_was_stretched():
    text = "the mean of the result along stretched axes"
    made = {m.argument: m.function for m in mutants(tg.add) if m.text == text}
    b = np.array([[1.0], [2.0]])
    for arguments, count in (((X, b), 3), ((X, np.array(1.0)), 6), ((X, np.ones((3,))), 2), ((X, X), 1)):
        right = gradients(tg.add, *arguments)
        np.testing.assert_allclose(gradients(made["b"], *arguments)[1], right[1] / count)
        np.testing.assert_allclose(gradients(made["a"], *arguments)[0], right[0])


def test_mistakes_on_the_results_of_a_variadic_argument():
    xs = (X, 2 * X, X[:, :2])
    text = "the results in reverse order"
    together = by_text(tg.ops.shape.concatenate, text)
    right = gradients(tg.ops.shape.concatenate, X, X, axis=1)
    for wrong, other in zip(gradients(together, X, X, axis=1), right[::-1], strict=True):
        np.testing.assert_array_equal(wrong, other)
    with pytest.raises(ValueError, match="concat"):
        gradients(together, *xs, axis=1)
    minus = by_text(tg.ops.shape.concatenate, "minus the result")
    for wrong, other in zip(
        gradients(minus, *xs, axis=1), gradients(tg.ops.shape.concatenate, *xs, axis=1), strict=True
    ):
        np.testing.assert_array_equal(wrong, -other)


def test_mistakes_on_a_patch():
    getitem = tg.ops.indexing.getitem
    index = (slice(None), np.array([0, 0, 2]))
    assert isinstance(getitem.op.formulas["x"](X, X.shape, index), IndexedGradient)
    right = gradients(getitem, X, index=index)[0]
    np.testing.assert_array_equal(gradients(by_text(getitem, "minus the result"), X, index=index)[0], -right)
    wrong = gradients(by_text(getitem, "the largest entry of the result times 1.01"), X, index=index)[0]
    assert np.flatnonzero(wrong != right).tolist() == [np.argmax(np.abs(right))]


@pytest.mark.parametrize("text", sorted(ON_RESULT - {"the results in reverse order"}))
def test_mistakes_on_a_result_are_there_at_second_order(text):
    made = next(m.function for m in mutants(tg.multiply) if m.text == text)
    x, c = tg.Tensor(X, requires_grad=True), tg.Tensor(np.cos(X), requires_grad=True)
    (recorded,) = tg.grad(made(x, np.arange(3.0)), [x], c, create_graph=True)
    (bare,) = tg.grad(made(x, np.arange(3.0)), [x], c.detach())
    np.testing.assert_array_equal(recorded.numpy(), bare.numpy())
    assert recorded.requires_grad  # the mistake let a Tensor through


def test_a_kept_value_is_spoiled_nowhere():
    op: Any = losses.labelled
    assert {m.argument for m in mutants(op)} == {"scores"}
    assert all(m.function.op.formulas["p"] is op.op.formulas["p"] for m in mutants(op))


# The score


def check(op):
    check_gradient(op, X)


def at_one_number(op):
    check_gradient(op, np.array(0.5))


def test_a_good_check_catches_all():
    score = mutation_score(tg.tanh, check)
    assert repr(score) == str(score) == f"tanh: {score.total} of {score.total} mutants caught"
    assert score.korean == f"tanh: 이 테스트는 틀린 규칙 {score.total}개를 모두 찾아냅니다."
    assert (score.score, score.survived, score.undecided) == (1.0, [], [])
    assert score.caught == score.total == len(mutants(tg.tanh))


def test_what_a_weak_check_does_not_notice_is_shown():
    score = mutation_score(tg.tanh, at_one_number)
    assert {m.text for m in score.survived} == {
        "the largest entry of the result times 1.01",
        "the last two axes of the result exchanged, in its old shape",
    }
    assert str(score).splitlines() == [
        f"tanh: {score.total - 2} of {score.total} mutants caught",
        "  not noticed: tanh.x: one wrong entry: the largest entry of the result times 1.01",
        "  not noticed: tanh.x: transposed: the last two axes of the result exchanged, in its old shape",
    ]
    assert score.score == (score.total - 2) / score.total
    assert score.korean.splitlines() == [
        f"tanh: 이 테스트는 틀린 규칙 {score.total}개 중 2개를 통과시킵니다.",
        "  통과한 규칙: tanh.x: 원소 하나가 틀림: 결과에서 가장 큰 원소 × 1.01",
        "  통과한 규칙: tanh.x: 전치가 틀림: 결과의 마지막 두 축을 맞바꾸고 형상은 그대로 둠",
    ]
    assert all(isinstance(m, Mutant) for m in score.survived)


def test_a_check_that_finds_nothing_scores_nothing():
    score = mutation_score(tg.tanh, lambda op: None)
    assert (score.caught, score.score, len(score.survived)) == (0, 0.0, score.total)


def test_a_check_that_rejects_the_right_op_is_refused():
    calls = []

    def never(op):
        calls.append(op)
        raise AssertionError("I like nothing")

    with pytest.raises(AssertionError, match="I like nothing"):
        mutation_score(tg.tanh, never)
    assert calls == [tg.tanh]


def test_a_wrong_op_is_found_before_its_mutants():
    wrong = one(lambda g: -g)
    with pytest.raises(GradientMismatch):
        mutation_score(wrong, check)


def test_undecided_is_not_caught():
    def unsure(op):
        if op is not tg.tanh:
            raise GradientUndecided("who knows")

    score = mutation_score(tg.tanh, unsure)
    assert (score.caught, score.survived, len(score.undecided)) == (0, [], score.total)
    assert str(score).splitlines()[1] == "  not decided: tanh.x: missing factor: g"
    assert score.korean.splitlines()[:2] == [
        f"tanh: 이 테스트는 틀린 규칙 {score.total}개 중 0개를 찾아냅니다.",
        "  판정하지 못한 규칙: tanh.x: 곱하거나 나눌 것을 빠뜨림: g",
    ]


def test_an_error_counts_as_caught_and_a_warning_does_not():
    def broken(op):
        if op is not tg.tanh:
            raise ZeroDivisionError

    def warned(op):
        if op is not tg.tanh:
            np.log(np.array(-1.0))
            import warnings

            warnings.warn("odd", stacklevel=1)

    assert mutation_score(tg.tanh, broken).score == 1
    assert mutation_score(tg.tanh, warned).score == 0


def test_an_interruption_is_passed_on():
    def interrupted(op):
        if op is not tg.tanh:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mutation_score(tg.tanh, interrupted)


def test_options_reach_the_check():
    seen = []
    mutation_score(tg.negative, lambda op, **options: seen.append(options), a=1, b=2)
    assert seen == [{"a": 1, "b": 2}] * (1 + len(mutants(tg.negative)))


def test_the_check_is_check_op_unless_it_is_named():
    score = mutation_score(tg.exp, domain=(-2, 2), order=1)
    assert str(score).splitlines()[0] == f"exp: {score.total} of {score.total} mutants caught"


@pytest.mark.parametrize("function", [np.sin, tg.pow, print, None])
@pytest.mark.parametrize("asked", [mutants, mutation_score])
def test_only_an_op_can_be_spoiled(asked, function):
    with pytest.raises(TypeError, match="only an op") as error:
        asked(function)
    assert error.value.__notes__


def test_an_op_without_formulas_has_no_score():
    @tg.op(x=None)
    def rounded(xp, x):
        return xp.round(x)

    assert mutants(rounded) == []
    with pytest.raises(ValueError, match="rounded has no formula") as error:
        mutation_score(rounded, lambda op: None)
    assert error.value.__notes__


def test_the_default_check_says_what_to_install_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "tinygrad_ko.testing.checks", raising=False)
    monkeypatch.delattr(tg.testing, "check_op", raising=False)
    with pytest.raises(ImportError, match=re.escape(install("testing"))) as caught:
        mutation_score(tg.tanh)
    assert caught.value.__notes__
    with pytest.raises(TypeError, match="not made by @op"):
        mutation_score(np.sin)


class TestOtherFunctions:
    X = np.array([[0.5, -1.0, 2.0], [0.1, 0.0, 3.0]])

    @staticmethod
    def softmax(x):
        e = np.exp(x)
        return e / e.sum(-1, keepdims=True)

    def vjp(self):
        softmax = self.softmax

        def vjp(g, x):
            y = softmax(x)
            return y * (g - np.sum(g * y, -1, keepdims=True))

        return vjp

    def test_a_vjp_written_by_hand(self):
        score = mutation_score(self.softmax, lambda vjp: check_vjp(self.softmax, vjp, self.X), vjp=self.vjp())
        assert score.name == "softmax"
        assert score.total > 15
        # In a matrix axis 1 is the last one.
        assert [m.text for m in score.survived] == ["y * (g - np.sum(g * y, 1, keepdims=True))"]
        found = {m.text for m in mutants(self.softmax, self.vjp())}
        assert {"minus the result", "with g * 0 + 1 for g", "y * (g + np.sum(g * y, -1, keepdims=True))"} <= found

    def test_a_weak_test_shows(self):
        def weak(vjp):
            assert np.allclose(
                vjp(np.ones((2, 3)), self.X), 0
            )  # as that of a sum over softmax is, whatever the mistake

        assert mutation_score(self.softmax, weak, vjp=self.vjp()).score < 0.7

    def test_check_op_is_the_usual_check(self):
        options: Any = {"domain": (-3, 3), "signature": "(n,m)", "examples": 5}
        assert mutation_score(self.softmax, vjp=self.vjp(), **options).score > 0.9

    def test_of_pytorch_and_jax(self):
        torch: Any = pytest.importorskip("torch")
        jax: Any = pytest.importorskip("jax")

        class Sine(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return torch.sin(x)

            @staticmethod
            def backward(ctx, g):
                return g * torch.cos(ctx.saved_tensors[0])

        sine = jax.custom_vjp(jax.numpy.sin)
        sine.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, g: (g * jax.numpy.cos(x),))
        for f, x in ((Sine, torch.from_numpy(self.X)), (sine, jax.numpy.asarray(self.X))):
            score = mutation_score(f, lambda f, x=x: check_gradient(f, x))
            assert score.caught == score.total > 5
