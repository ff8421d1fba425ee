"""Diagnosis: the message alone must be enough to mend the mistake."""

import inspect
import re
import sys

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.test_rules import respelled
from tinygrad_ko import nn
from tinygrad_ko.check import Blame, GradientMismatch, check_grad, check_gradient, check_vjp
from tinygrad_ko.nn import networks
from tinygrad_ko.ops.linalg import products as linalg
from tinygrad_ko.ops.networks import losses
from tinygrad_ko.ops.shape import concatenate

X = np.random.default_rng(0).normal(size=(5, 4))
T = np.array([0, 2, 1, 1, 0])


def blamed(f, *inputs, **options) -> tuple[Blame, str]:
    with pytest.raises(GradientMismatch) as caught:
        check_gradient(f, *inputs, **options)
    assert caught.value.report.blame
    assert caught.value.__notes__
    assert re.search("[가-힣]", caught.value.__notes__[0])
    return caught.value.report.blame, str(caught.value)


def wrong(op, *arguments, by):
    return respelled(op.op, dict.fromkeys(arguments, by))


class TestAnOp:
    def test_op_argument_entry_values_and_ratio(self):
        blame, text = blamed(wrong(tg.multiply, "b", by=lambda part: -part), [1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
        assert (blame.op, blame.argument, len(blame.index)) == ("multiply", "b", 1)
        k = blame.index[0]
        assert blame.analytic == -blame.numeric == pytest.approx(-[1.0, 2.0, 3.0][k])
        assert blame.entry == f"d out[{k}] / d b[{k}]"
        assert blame.ratio == pytest.approx(-1)
        assert blame.error < 1e-10
        assert "the formula of multiply for 'b'" in text
        assert "a sign" in text

    def test_the_formula_is_found_in_its_file(self):
        def cube(x):
            return x**3

        line = sys._getframe().f_lineno + 1
        blame, text = blamed(tg.op(x=lambda g, x: g * 2 * x**2)(cube), [1.5])
        assert blame.formula == f"{__file__}:{line}"
        assert blame.formula in text

    @pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (300,), (20, 30)])
    def test_the_one_entry_that_is_wrong(self, shape):
        place = tuple(n // 2 for n in shape)

        def spoil(part):
            part = np.array(part)
            part[place] *= 1.5
            return part

        blame, _ = blamed(wrong(tg.exp, "x", by=spoil), np.random.default_rng(1).normal(size=shape))
        assert blame.index == place

    def test_variadic_arguments_are_named_by_their_place(self):
        concat = wrong(concatenate, "xs", by=lambda parts: [parts[0], parts[1] * 2, parts[2]])

        def joined(a, b, c):
            return concat(a, b, c, axis=0)

        blame, _ = blamed(joined, [1.0], [2.0], [3.0])
        assert blame.op == "concatenate"
        assert blame.argument == "xs[1]"


SUGGESTED = [
    ("a sign", tg.tanh, lambda part: -part),
    ("the formula gives 0", tg.tanh, lambda part: part * 0),
    ("a constant factor", tg.tanh, lambda part: part * 2.5 / 5),
    ("off by 1.0e-06", tg.tanh, lambda part: part * (1 + 1e-6)),
    ("another order", tg.square, lambda part: part[::-1].copy()),
    ("it is the transpose", tg.square, lambda part: part.T.copy()),
    ("no finite number", tg.tanh, lambda part: part / 0),
]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize(("said", "op", "by"), SUGGESTED, ids=[s[0] for s in SUGGESTED])
def test_what_a_mistake_looks_like(said, op, by):
    x = np.random.default_rng(3).normal(size=(3, 3))
    with pytest.raises(GradientMismatch, match=said.replace("no finite number", "not finite")):
        check_gradient(wrong(op, "x", by=by), x)


def test_a_sum_for_a_mean_and_a_mean_for_a_sum():
    x = np.random.default_rng(3).normal(size=(7, 3))
    mean, total = tg.mean, tg.sum
    _, text = blamed(wrong(mean, "x", by=lambda part: part * 21), x)
    assert "the ratio is 21: a sum where a mean is meant (21 elements of the argument)?" in text
    _, text = blamed(wrong(total, "x", by=lambda part: part / 7), x)
    assert "the ratio is 1/7: a mean where a sum is meant (7 elements of the argument)?" in text


def test_a_mask_that_is_missing():
    def clipped(xp, x):
        return xp.clip(x, -1, 1)

    unmasked = tg.op(x=lambda g: g)(clipped)
    assert "the true slope is 0" in blamed(unmasked, [2.0])[1]
    assert "1 of 3 entries are wrong, the first at [1]" in blamed(unmasked, [0.5, 2.0, 0.1])[1]


def test_a_term_that_is_missing():
    def centered(xp, x):
        return x - xp.mean(x)

    assert "it is off by the same number everywhere" in blamed(tg.op(x=lambda g: g)(centered), [0.5, 2.0, 0.1])[1]


def test_a_bias_of_zeros_is_not_a_tiny_input():
    """Of b + x, with a gradient of b that looks at the first row alone."""
    with pytest.raises(GradientMismatch) as caught:
        check_vjp(lambda x, b: x + b, lambda g, x, b: (g, g[0]), X, np.zeros(4))
    assert caught.value.report.blame
    assert "a term is missing" in caught.value.report.blame.suggestion


def test_the_korean_note_has_the_names_and_numbers_of_the_message():
    wrong_sin = wrong(tg.sin, "x", by=lambda part: part * 1.5)
    with pytest.raises(GradientMismatch) as caught:
        check_gradient(lambda x: tg.sum(wrong_sin(x)), [0.5, 1.5])
    blame, (note,) = caught.value.report.blame, caught.value.__notes__
    assert blame
    assert note.splitlines()[0].endswith(f"연산 sin에서 인수 'x'의 미분 공식이 틀렸습니다. {blame.korean}")
    assert note.splitlines()[1:] == [
        f"  호출한 곳: {blame.line}",
        f"  공식의 위치: {blame.formula}",
        f"  {blame.entry}: 공식 {blame.analytic:.9g}, 수치 미분 {blame.numeric:.9g}, 오차 추정값 {blame.error:.1g}, 비율 1.5",
        f"  이 점의 값: {blame.there}",
    ]


def test_which_op_breaks_a_property():
    @tg.op(x=lambda g, x: g * 2 * x + 1e-9)
    def squared(x):
        return x * x

    with pytest.raises(
        GradientMismatch, match=r"the formula of squared .* gives is not zero for a zero cotangent, called at .*:\d+"
    ):
        check_gradient(lambda x: tg.sum(tg.sin(squared(x))), [1.0, 2.0])


def test_a_formula_without_g():
    @tg.op(x=lambda out: 1 - out * out)
    def tanh(xp, x):
        return xp.tanh(x)

    with pytest.raises(GradientMismatch, match=r"the formula of tanh for 'x', at .*, does not use g"):
        check_gradient(tanh, [1.0, 2.0])


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (lambda g, out: g * (1 - out), "is a factor out missing?"),
        (lambda g, out: g * out, "is a factor (1 - out) missing?"),
        (lambda g, x, out: g * out * (1 - out) * x, "is a factor x too many?"),
        (lambda g, x: g * x, ""),
    ],
)
def test_a_factor_that_is_missing(formula, said):
    def logistic(xp, x):
        return 1 / (1 + xp.exp(-x))

    blame, text = blamed(tg.op(x=formula)(logistic), [[0.317, -1.234, 0.873]])
    assert said in text
    assert blame.there.startswith("x[0, ")
    assert blame.there in text


def test_a_wrong_axis():
    def softmax(xp, x):
        e = xp.exp(x)
        return e / xp.sum(e, axis=-1, keepdims=True)

    x = np.array([[0.3, -1.2, 0.8], [1.1, 0.2, -0.4]])
    wrong_axis = tg.op(x=lambda g, out: out * (g - tg.sum(g * out, axis=0, keepdims=True)))(softmax)
    assert "along axis" in blamed(wrong_axis, x)[1]
    no_sum = tg.op(x=lambda g, out: out * (1 - out) * g)(softmax)
    assert "a sum over that axis missing?" in blamed(no_sum, x)[1]


def test_an_epsilon_in_the_forward_only():
    def guarded(xp, y):
        return -xp.log(y + 1e-7)

    _, text = blamed(tg.op(y=lambda g, y: -g / y)(guarded), np.random.default_rng(0).uniform(0.05, 1, (3, 4)))
    assert "a constant (an epsilon) that stands in the forward or in the formula only" in text


class TestANetwork:
    @pytest.mark.parametrize(
        ("name", "argument"),
        [
            ("sigmoid", "x"),
            ("affine", "x"),
            ("affine", "W"),
            ("affine", "b"),
            ("softmax_cross_entropy", "scores"),
        ],
    )
    @pytest.mark.parametrize("effort", ["quick", "usual"])
    def test_a_sign_planted_in_any_op_of_the_two_layer_net(self, name, argument, effort, monkeypatch):
        """The op, the formula and the sign are in the message: that is enough to mend it."""
        net = nn.TwoLayerNet(4, 6, 3, weight_init_std=0.5, rng=0)
        home = {"sigmoid": (networks, "sigmoid")}.get(name)
        if home:
            monkeypatch.setattr(*home, wrong(tg.sigmoid, argument, by=lambda part: -part))
        else:
            room = vars({"affine": linalg, "softmax_cross_entropy": losses}[name])
            inner = {"affine": "affine_batch", "softmax_cross_entropy": "labelled"}[name]
            monkeypatch.setitem(room, inner, wrong(room[inner], argument, by=lambda part: -part))
        blame, text = blamed(net.loss_of, net.params, X, T, effort=effort)
        assert blame.op in (name, {"affine": "affine_batch", "softmax_cross_entropy": "labelled"}.get(name))
        assert blame.argument == argument
        assert blame.ratio == pytest.approx(-1)
        assert "a sign" in text
        assert f"called at {__file__}:" in text

    def test_the_users_line_and_the_module(self):
        twisted = wrong(tg.tanh, "x", by=lambda part: -part)

        class Block(nn.Module):
            def forward(self, x):
                return twisted(x) * 2

        line = inspect.getsourcelines(Block.forward)[1] + 1
        blame, text = blamed(nn.Sequential(nn.Affine(4, 3, rng=0), Block()), X)
        assert blame.line == f"{__file__}:{line}"
        assert blame.scope == ("Sequential", "Block")
        assert "in Sequential > Block" in text

    def test_a_second_order_that_is_wrong_in_one_op(self):
        @tg.op(x=lambda g, slope: g * slope, keeps="slope")
        def cube(x):
            return x**3, 3 * x * x

        blame, text = blamed(lambda x: tg.sum(tg.sin(cube(x))), [0.5, 1.5], order=2)
        assert blame.op == "cube"
        assert "at order 2" in text

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: x * tg.Tensor(x.numpy()),
            lambda x: tg.sin(x) + tg.Tensor(np.sum(x.numpy() ** 2)),
            lambda x: tg.sin(x) * x.detach(),
        ],
    )
    def test_a_graph_that_is_cut(self, f):
        _, text = blamed(f, [1.0, 2.0])
        assert "a part of f is outside the graph" in text

    def test_a_long_graph(self):
        twisted = wrong(tg.tanh, "x", by=lambda part: part * 1.01)

        def deep(x):
            for i in range(200):
                x = tg.sin(x) if i != 100 else twisted(x)
            return x

        blame, _ = blamed(deep, [0.5, 1.0])
        assert blame.op == "tanh"


class TestHintsOfDerivativesByHand:
    X0 = np.array([1.3, 0.7, 0.8, 1.9, 1.2])

    def told(self, f, gradient, x=X0):
        with pytest.raises(GradientMismatch) as caught:
            check_grad(f, gradient, x)
        return str(caught.value)

    @pytest.mark.parametrize(("factor", "cause"), [(1.001, "a mask"), (1.0 + 1e-4, "a mask"), (-1.0, "a sign")])
    def test_few_entries(self, factor, cause):
        one = np.array([1, 1, factor, 1, 1])
        text = self.told(lambda x: np.sum(x**4), lambda x: 4 * x**3 * one)
        assert f"1 of 5 entries are wrong, the first at [2]: {cause}" in text

    def test_all_entries_are_off_by_an_epsilon(self):
        assert "a constant (an epsilon)" in self.told(lambda x: np.sum(x**4), lambda x: 4.001 * x**3)

    def test_what_is_said_of_the_order_of_arguments_and_of_clipping(self):
        for vjp in (lambda g, x: 2 * x, lambda g, x: np.clip(g, -0.1, 0.1) * 2 * x):
            with pytest.raises(GradientMismatch, match="in another order") as caught:
                check_vjp(lambda x: x * x, vjp, self.X0)
            assert "순서" in caught.value.__notes__[0]
        assert "meant_as" in str(caught.value)
