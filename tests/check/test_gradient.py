"""The gradient check: it passes what is right, names what is wrong, and says when it cannot see."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.test_rules import respelled
from tinygrad_ko import nn
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient
from tinygrad_ko.check.reports import report as reports
from tinygrad_ko.ops.networks import losses

EFFORTS: Any = ("quick", "usual", "thorough")


class Pair(NamedTuple):
    a: Any
    b: Any


def spoiled(op, change, *arguments, **names):
    """An op with its formulas for some arguments passed through a change of their result."""
    return respelled(op.op, dict.fromkeys(arguments or op.op.differentiable, change))


class TestWhatIsRight:
    @example(5.0, 85, "thorough")
    @example(2.2250738585e-313, 0, "usual")
    @given(st.floats(-8, 8), st.integers(0, 99), st.sampled_from(EFFORTS))
    def test_rules_where_they_nearly_saturate(self, x, seed, effort):
        for f in (tg.tanh, tg.sigmoid, tg.exp, tg.softmax):
            assert check_gradient(f, np.array([x, 0.3]), order=2, rng=seed, effort=effort).verdict == "agrees"

    @pytest.mark.parametrize("seed", [10, 17, 24])
    def test_treads_that_are_not_flat(self, seed):
        """The gradient of a saturated softmax moves in steps of the last bits of 1, with a slope between them that is another."""
        assert check_gradient(tg.softmax, [20.0, 0.3], order=2, rng=seed, effort="thorough").verdict == "agrees"

    @pytest.mark.parametrize("f", [tg.tanh, lambda x: 1 - tg.tanh(x) ** 2])
    def test_what_is_flat_beside_what_moves(self, f):
        for seed in range(8, 14):
            with suppress(GradientUndecided):
                check_gradient(f, [20.0, 19.0], order=2, rng=seed)

    @pytest.mark.parametrize(
        "inputs", [([1, 2],), (2.0,), (np.float32(2),), (tg.Tensor([1.0, 2.0]),), (np.zeros((0, 3)),)]
    )
    def test_numbers_lists_arrays_and_tensors(self, inputs):
        assert check_gradient(tg.sin, *inputs).projections

    def test_inputs_are_left_alone(self):
        x, t = np.array([1.0, 2.0]), tg.Tensor([1.0, 2.0], requires_grad=True)
        check_gradient(lambda a, b: a * tg.exp(b), x, t, order=2)
        assert x.tolist() == t.tolist() == [1, 2]
        assert t.grad is None

    def test_several_outputs(self):
        report = check_gradient(lambda x: (tg.sin(x), tg.sum(x * x)), [1.0, 2.0], order=2)
        assert report.verdict == "agrees"

    @pytest.mark.parametrize(
        "packed",
        [
            lambda a, b: {"a": a, "b": b},
            lambda a, b: [{"a": a}, {"b": b}],
            lambda a, b: {"both": (a, {"b": [b]})},
            lambda a, b: Pair(a, b),
        ],
        ids=["dict", "list of dicts", "nested", "namedtuple"],
    )
    def test_outputs_in_dicts_and_lists(self, packed):
        """Each of them is seen: a wrong formula behind any of them is found."""
        for effort in EFFORTS:
            report = check_gradient(lambda x: packed(tg.sin(x), tg.sum(x * x)), [1.0, 2.0], order=2, effort=effort)
            assert report.verdict == "agrees"
        wrong = spoiled(tg.sin, lambda part: part * (1 + 1e-6))
        with pytest.raises(GradientMismatch, match="op sin"):
            check_gradient(lambda x: packed(wrong(x), tg.sum(x * x)), [1.0, 2.0])
        with pytest.raises(GradientMismatch, match="op sin"):
            check_gradient(lambda x: packed(tg.sum(x * x), wrong(x)), [1.0, 2.0])

    def test_what_does_not_depend_on_an_argument_has_the_gradient_zero(self):
        assert check_gradient(lambda a, b: tg.sin(a), [1.0], [2.0], order=2).verdict == "agrees"
        remarks = check_gradient(lambda a, b: tg.sin(a), [1.0], [2.0]).remarks
        assert "no operation leads from 'b' to the result: its gradient is 0" in remarks
        assert not any("no operation" in remark for remark in check_gradient(tg.sign, [1.0, -2.0]).remarks)

    def test_integers_and_masks_are_passed_on(self):
        def picked(scores, t, mask):
            assert t.dtype == int
            assert mask.dtype == bool
            return tg.where(mask, scores[np.arange(2), t], 0.0)

        check_gradient(picked, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 1]), np.array([True, False]))

    def test_a_function_that_differentiates_inside(self):
        def slope_penalty(x):
            leaf = x * 1.0
            return tg.sum(tg.grad(tg.sum(leaf**3), leaf, create_graph=True) ** 2)

        check_gradient(slope_penalty, [1.0, 2.0], order=2)

    @pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e4, 1e12])
    @pytest.mark.parametrize("f", [tg.square, tg.cos, tg.softmax, tg.relu, lambda x: tg.sum(x * x * x)])
    def test_any_scale(self, f, scale):
        if f is tg.cos and scale in (1e-12, 1e12):
            return  # a slope of 1e-12 under values of 1, or a wave a million million times as short as x: rightly undecided
        assert check_gradient(f, np.array([[0.3, -1.2, 2.0]]) * scale).verdict == "agrees"


class TestParameters:
    x = np.random.default_rng(0).normal(size=(4, 3))
    t = np.array([0, 1, 1, 0])

    def model(self, dtype=np.float64):
        return nn.Sequential(nn.Affine(3, 5, rng=0, dtype=dtype), nn.Sigmoid(), nn.Affine(5, 2, rng=1, dtype=dtype))

    def test_a_module_brings_its_own(self):
        report = check_gradient(self.model(), self.x, order=2)
        assert {row["argument"] for row in report.rows() if row["order"] == 1} == {
            "x", "layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b",
        }  # fmt: skip
        assert report.numbers == 12 + 15 + 5 + 10 + 2

    @pytest.mark.parametrize("spelled", [lambda m: m, lambda m: m.parameters(), lambda m: m.named_parameters()])
    def test_a_loss_of_no_arguments(self, spelled):
        model = self.model()
        report = check_gradient(lambda: tg.softmax_cross_entropy(model(self.x), self.t), parameters=spelled(model))
        assert len(report.rows()) == 4
        assert len({row["argument"] for row in report.rows()}) == 4

    def test_one_tensor(self):
        w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
        assert check_gradient(lambda: tg.sum(w * w), parameters=w).rows()[0]["argument"] == "w"

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_they_are_the_same_afterwards(self, dtype):
        model = self.model(dtype)
        before = [(p, p.node, p.numpy(), p.dtype) for p in model.parameters()]
        check_gradient(model, self.x)

        def failing(x):
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            check_gradient(failing, self.x, parameters=model)
        for p, node, array, was in before:
            assert p.node is node
            assert np.array_equal(p.numpy(), array)
            assert p.dtype == was == dtype
            assert p.grad is None

    def test_the_dict_of_the_book(self):
        net = nn.TwoLayerNet(3, 4, 2, rng=0)
        report = check_gradient(net.loss_of, net.params, self.x, self.t, order=2)
        assert [row["argument"] for row in report.rows()][:5] == ["W1", "b1", "W2", "b2", "x"]

    @pytest.mark.parametrize(
        ("wrt", "checked"), [("W1", ["W1"]), (["b2", "W1"], ["W1", "b2"]), (0, ["W1"]), ((4,), ["x"])]
    )
    def test_only_some_arguments(self, wrt, checked):
        net = nn.TwoLayerNet(3, 4, 2, rng=0)
        rows = check_gradient(net.loss_of, net.params, self.x, self.t, wrt=wrt).rows()
        assert [row["argument"] for row in rows] == checked

    def test_other_arguments_are_not_asked(self):
        blind = spoiled(tg.matmul_ if hasattr(tg, "matmul_") else tg.multiply, lambda part: part * 2, "b")
        check_gradient(blind, [1.0], [2.0], wrt="a")
        with pytest.raises(GradientMismatch):
            check_gradient(blind, [1.0], [2.0])

    @pytest.mark.parametrize("wrt", ["c", 5, -1, True, 1.5])
    def test_an_argument_that_is_not_there(self, wrt):
        with pytest.raises(ValueError, match="no argument that can be checked") as caught:
            check_gradient(tg.multiply, [1.0], [2.0], wrt=wrt)
        assert caught.value.__notes__

    @pytest.mark.parametrize(
        "parameters", [3, "W", [1.0], {"w": tg.Tensor(1.0)}, [tg.Tensor(1.0, requires_grad=True) * 2]]
    )
    def test_what_is_no_parameter(self, parameters):
        with pytest.raises(TypeError, match=r"made with requires_grad=True|must be a Module") as caught:
            check_gradient(tg.sin, [1.0], parameters=parameters)
        assert caught.value.__notes__


class TestWhatIsWrong:
    @given(st.sampled_from(EFFORTS), st.integers(0, 99))
    def test_a_sign(self, effort, seed):
        with pytest.raises(GradientMismatch, match="ratio is -1"):
            check_gradient(spoiled(tg.tanh, lambda part: -part), [[0.5, -1.0]], effort=effort, rng=seed)

    @given(st.integers(0, 99))
    def test_a_billionth(self, seed):
        with pytest.raises(GradientMismatch):
            check_gradient(spoiled(tg.tanh, lambda part: part * (1 + 1e-9)), [[0.5, -1.0]], rng=seed)

    @pytest.mark.slow
    @pytest.mark.parametrize("n", [100, 10_000, 1_000_000])
    def test_one_entry_that_is_off_by_a_percent(self, n):
        def one_wrong(part):
            part = np.array(part)
            part[n // 3] *= 1.01
            return part

        x = np.random.default_rng(0).normal(size=n)
        with pytest.raises(GradientMismatch) as caught:
            check_gradient(spoiled(tg.exp, one_wrong), x)
        blame = caught.value.report.blame
        assert blame
        assert blame.index == (n // 3,)

    def test_a_softmax_without_gradient(self):
        """A cotangent of ones would pass it: the sum over softmax is constant."""
        with pytest.raises(GradientMismatch, match="softmax"):
            check_gradient(spoiled(tg.softmax, lambda part: part * 0), np.array([[0.1, -0.5, 0.7]]))

    def test_a_wrong_second_order(self):
        """The first gradient is right, but the mask it was computed with is kept as a constant."""

        @tg.op(x=lambda g, slope: g * slope, keeps="slope")
        def cube(x):
            return x**3, 3 * x * x

        check_gradient(cube, [1.5])
        with pytest.raises(GradientMismatch, match="at order 2"):
            check_gradient(cube, [1.5], order=2)

    def test_an_ignored_cotangent(self):
        deaf = tg.op(x=lambda g, out: 1 - out * out + 0 * g)(lambda_named(np.tanh))
        with pytest.raises(GradientMismatch):
            check_gradient(deaf, [0.5])

    @pytest.mark.parametrize(
        ("formula", "said"),
        [
            (lambda g, x: g * 2 * x + 1e-9, "not zero for a zero cotangent"),
            (lambda g, x: abs_of(g) * 2 * x, "not linear in the cotangent"),
        ],
    )
    def test_what_no_projection_needs_to_see(self, formula, said):
        def squared(x):
            return x * x

        with pytest.raises(GradientMismatch, match=said) as caught:
            check_gradient(tg.op(x=formula)(squared), [1.5, 2.5])
        assert caught.value.__notes__

    def test_a_gradient_that_changes(self):
        calls = iter(range(100))

        def squared(x):
            return x * x

        with pytest.raises(GradientMismatch, match="is another gradient at the second call"):
            check_gradient(tg.op(x=lambda g, x: g * 2 * x * (1 + next(calls) % 2))(squared), [1.5, 2.5])

    def test_a_formula_that_fails(self):
        @tg.op(x=lambda g: g[:1])
        def doubled(x):
            return 2 * x

        with pytest.raises(
            GradientMismatch, match=r"backpropagation fails: ValueError.*in the backward of doubled"
        ) as caught:
            check_gradient(doubled, [1.0, 2.0])
        assert isinstance(caught.value.__cause__, ValueError)
        assert caught.value.__notes__

    def test_a_formula_that_needs_double_precision(self):
        """In float32 the constant is swallowed, and what is left of the difference is 0."""

        def squared(x):
            return x * x

        naive = tg.op(x=lambda g, x: g * (((x + 1e-9) ** 2 - x * x) * 1e9))(squared)
        with pytest.raises(GradientMismatch):
            check_gradient(naive, [1.5, 2.5])
        shifted = tg.op(x=lambda g, x: g * (x * 1e25 * 2 * 1e25) * 1e-25 * 1e-25)(squared)
        with pytest.raises(GradientMismatch, match="float32"):
            check_gradient(shifted, [1.5, 2.5])


def lambda_named(f):
    def forward(x):
        return f(x)

    return forward


def abs_of(x):
    return np.abs(x) if isinstance(x, np.ndarray) else abs(x)


class TestWhatCannotBeSeen:
    def undecided(self, f, *inputs, **options) -> str:
        with np.errstate(all="ignore"), pytest.raises(GradientUndecided) as caught:
            check_gradient(f, *inputs, **options)
        assert caught.value.__notes__
        assert caught.value.report.verdict == "undecided"
        return str(caught.value)

    def test_random_numbers(self):
        noise = np.random.default_rng(0)
        text = self.undecided(lambda x: x + tg.Tensor(noise.normal(size=1) * 1e-3), [1.0])
        assert "another value when it is called again" in text

    def test_values_that_jitter(self):
        def jittery(x):
            return x + tg.Tensor(1e-3 * np.sin(1e15 * x.numpy()))

        assert "noisy" in self.undecided(jittery, [1.0, 2.0])

    def test_a_slope_under_the_last_bit(self):
        @tg.op(x=lambda g, x: g * 4 / (tg.exp(x) + tg.exp(-x)) ** 2)
        def tanh(xp, x):
            return xp.tanh(x)

        check_gradient(tanh, [1.0])
        assert "no more than its last bits" in self.undecided(tanh, [20.0])

    @pytest.mark.parametrize("effort", EFFORTS)
    def test_no_way_from_an_argument_to_the_result(self, effort):
        """It read a Tensor that was not named, and was said to agree."""
        w = tg.Tensor([1.0, 2.0], requires_grad=True)
        for f in (lambda x: tg.sum(w * w), lambda x: tg.Tensor([3.0]), lambda x: x.detach() ** 2 * 0):
            for order in (1, 2):
                text = self.undecided(f, [1.0], effort=effort, order=order)
                assert "no operation leads from 'x' to the result" in text
                assert "parameters=" in text
        single = tg.Tensor([1.0, 2.0], requires_grad=True, dtype=np.float32)
        assert "no operation leads" in self.undecided(lambda x: tg.sum(single * single), [1.0], effort=effort)
        check_gradient(lambda: tg.sum(w * w), parameters=w, effort=effort)
        text = self.undecided(lambda x, y: tg.sum(w * w), [1.0], [2.0], effort=effort)
        assert "from 'x' or 'y' to the result" in text
        report = check_gradient(lambda x, y: tg.sum(w * y), [1.0], [2.0], effort=effort)
        assert "no operation leads from 'x' to the result: its gradient is 0" in report.remarks
        for f in (tg.sign, tg.step_function, tg.relu, lambda x: tg.func.checkpoint(tg.floor, x), lambda x: 0 * x):
            report = check_gradient(f, [-1.5, -2.5], effort=effort)
            assert report.verdict == "agrees"
            assert not any("no operation" in remark for remark in report.remarks)

    def test_a_value_that_is_not_finite(self):
        text = self.undecided(lambda x: tg.sum(tg.log(x)), [1.0, 0.0])
        assert "log gives -inf at out[1], called at" in text
        assert __file__ in text
        assert "the input 'x' is not finite" in self.undecided(tg.sin, [np.nan])

    def test_an_infinite_slope(self):
        assert "the slope of sqrt in 'x' is not finite here" in self.undecided(tg.sqrt, [4.0, 0.0])

    def test_a_gradient_that_is_nan_where_the_slope_is_not(self):
        def sinc(x):
            return tg.where(x != 0, tg.sin(x) / x, 1.0)

        with (
            np.errstate(all="ignore"),
            pytest.raises(GradientMismatch, match=r"divide gives nan at out\[0\].*where\(c, x, 1\)"),
        ):
            check_gradient(sinc, [0.0, 2.0])
        check_gradient(lambda x: tg.where(x != 0, tg.sin(x) / tg.where(x != 0, x, 1.0), 1.0), [1.0, 2.0])


class TestKinks:
    def at(self, rule, x):
        def kinked(xp, x):
            return xp.maximum(x, 0)

        return check_gradient(tg.op(x=rule)(kinked), x)

    @pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
    def test_any_slope_between_those_of_the_sides(self, slope):
        report = self.at(lambda g, x: g * tg.where(x > 0, 1.0, tg.where(x == 0, slope, 0.0)), [0.0, 1.0, -1.0, 0.0])
        assert {p.verdict for p in report.projections} == {"subgradient"}

    @pytest.mark.parametrize("slope", [-1.0, 2.0, 1.001, -1e-6])
    def test_no_other(self, slope):
        with pytest.raises(GradientMismatch, match="kink"):
            self.at(lambda g, x: g * tg.where(x > 0, 1.0, tg.where(x == 0, slope, 0.0)), [0.0, 1.0, -1.0, 0.0])

    @pytest.mark.parametrize("directions", range(3))
    @given(
        st.sampled_from(["relu", "abs", "sign", "step_function", "max", "min", "max of columns", "clip"]),
        st.integers(0, 999),
    )
    def test_the_rules_of_the_package_at_zeros_and_ties(self, directions, name, seed):
        rng = np.random.default_rng(seed)
        x = rng.integers(-1, 2, size=(2, 3)).astype(float)
        others = {"max of columns": lambda x: tg.max(x, axis=0), "clip": lambda x: tg.clip(x, -1, 1)}
        check_gradient(others.get(name) or getattr(tg, name), x, rng=directions)

    @given(st.sampled_from([tg.maximum, tg.minimum]), st.integers(0, 999))
    def test_equal_arguments(self, f, seed):
        rng = np.random.default_rng(seed)
        check_gradient(f, *(rng.integers(-1, 2, size=size).astype(float) for size in ((2, 3), (3,))), rng=seed)

    def test_a_maximum_that_pays_every_tie_in_full(self):
        def largest(xp, x):
            return xp.max(x)

        full = tg.op(x=lambda g, x, out: g * tg.where(x == out, 1.0, 0.0))(largest)
        check_gradient(full, [1.0, 3.0])
        with pytest.raises(GradientMismatch):
            check_gradient(full, [3.0, 1.0, 3.0])

    def test_beside_a_kink_the_rule_must_be_right(self):
        """The smooth elements are held to their slopes although others are at a kink."""
        wrong = lambda g, x: g * tg.where(x > 0, 1.001, 0.0)
        with pytest.raises(GradientMismatch):
            self.at(wrong, [0.0, 1.0, -1.0, 0.0])

    def test_the_second_order_is_checked_beside_a_kink(self):
        report = check_gradient(tg.relu, [0.0, 1.0], order=2)
        assert any("order 2 was checked a thousandth away" in remark for remark in report.remarks)
        assert {p.order for p in report.projections} == {1, 2}

    def test_a_kink_does_not_hide_a_wrong_second_order(self):
        @tg.op(x=lambda g, slope: g * slope, keeps="slope")
        def cube(x):
            return x**3, 3 * x * x

        with pytest.raises(GradientMismatch, match="order 2"):
            check_gradient(lambda x: tg.sum(tg.relu(x[:1])) + tg.sum(cube(x[1:])), [0.0, 1.0, 2.0], order=2)

    @given(st.integers(0, 99))
    def test_a_wrong_subgradient_does_not_hide_in_a_sum(self, seed):
        def kinked(xp, x):
            return xp.maximum(x, 0)

        wrong = tg.op(x=lambda g, x: g * tg.where(x == 0, 2.0, 1.0 * (x > 0)))(kinked)
        for n in (1, 8):
            with pytest.raises(GradientMismatch, match="kinked"):
                check_gradient(lambda x: tg.sum(wrong(x)), np.zeros(n), rng=seed)

    @given(st.integers(0, 99), st.sampled_from([1e-2, 1e-3, 1e-4, 1e-5, 1e-6]))
    def test_a_second_kink_nearby(self, seed, distance):
        check_gradient(lambda b: tg.sum(tg.relu(b) + 2 * tg.relu(b - distance)), np.zeros(1), rng=seed)

    @given(st.integers(0, 99))
    def test_kinks_of_the_gradient(self, seed):
        W = np.random.default_rng(seed).normal(size=(3, 4))
        check_gradient(lambda x, W: tg.sum(tg.relu(x @ W) ** 2), np.zeros((2, 3)), W, order=2, rng=seed)
        check_gradient(lambda x: tg.max(x**2), np.zeros(3), order=2, rng=seed)

    @pytest.mark.parametrize("effort", ["quick", "usual"])
    @pytest.mark.parametrize(
        ("f", "x", "order", "named"),
        [
            (lambda x: tg.relu(x) - tg.relu(-x), [0.0, 1.0], 1, "relu"),
            (lambda x: tg.relu(x) - 0.5 * tg.abs(x) - 0.5 * x, [0.0, 1.0], 1, "abs, relu"),
            (lambda x: tg.where(x > 0, x, 0.0) - tg.where(x < 0, -x, 0.0), [0.0, 1.0], 1, "where or if"),
            (lambda x: tg.abs(x) * tg.abs(x), [0.0, 1.0], 2, "abs"),
            (lambda x: tg.hypot(x[0], x[1]) * tg.hypot(x[1], x[0]), [0.0, 0.0], 2, "hypot"),
            (lambda x: tg.vector_norm(x) * tg.vector_norm(x), np.zeros(3), 2, "vector_norm"),
            (lambda x: tg.std(x) * tg.std(x), [2.0, 2.0, 2.0], 2, "std"),
        ],
    )
    def test_kinks_that_cancel(self, f, x, order, named, effort: Any):
        """f is smooth, and backpropagation adds up subgradients: 0 + 0 for the slope of relu(x) - relu(-x), which is 1."""
        with pytest.raises(GradientUndecided, match=f"kinks of {named} cancel here.*without the kinks") as caught:
            check_gradient(f, x, order=order, effort=effort)
        assert caught.value.__notes__
        check_gradient(f, np.asarray(x) + [0.1 * k + 0.3 for k in range(len(x))], order=order, effort=effort)

    @pytest.mark.parametrize("seed", range(2))
    @pytest.mark.parametrize(
        ("f", "order"),
        [
            (lambda x: tg.sum(x) - tg.max(x) - tg.min(x), 1),  # the median of three
            (lambda x: tg.max(x**2), 2),
        ],
    )
    def test_kinks_that_do_not_show_along_a_line(self, f, order, seed):
        """Both sides have one slope along every line, but these slopes are those of no gradient: subgradients are right."""
        assert check_gradient(f, np.zeros(3), order=order, rng=seed).verdict == "agrees"

    def test_kinks_that_add_up_are_judged_op_by_op(self):
        """A black image and biases of 0 put every hidden unit on its kink; with weights of both signs behind them the
        gradient of the loss need not lie between its slopes.
        """
        model = nn.Sequential(nn.Affine(6, 8, rng=0), nn.Relu(), nn.Affine(8, 3, rng=1))
        x = np.vstack([np.zeros(6), np.random.default_rng(0).normal(size=6)])
        remarks = []
        for seed in range(10):
            report = check_gradient(
                lambda: tg.softmax_cross_entropy(model(x), np.array([0, 1])), parameters=model, rng=seed
            )
            remarks += report.remarks
        assert any("each operation was judged at its own inputs" in remark for remark in remarks)

    def test_jumps_take_the_slope_beside_them(self):
        def steps(xp, x):
            return x + xp.sign(x)

        check_gradient(tg.op(x=lambda g: g)(steps), [0.0, 2.0])
        with pytest.raises(GradientMismatch):
            check_gradient(tg.op(x=lambda g: g * 2)(steps), [0.0])

    @pytest.mark.parametrize("effort", EFFORTS)
    def test_a_gradient_that_is_nan_at_a_kink(self, effort: Any):
        with pytest.raises(AssertionError, match=r"the slope of pow in 'x'|the slope of sqrt in 'x'|sqrt"):
            check_gradient(lambda x: tg.sqrt(tg.sum(x * x)), np.zeros(4), effort=effort)

    @pytest.mark.parametrize(
        ("f", "x"),
        [
            (lambda x: tg.max(x) * x.detach()[0], [1.0, 1.0, 0.5]),
            (lambda x: tg.sum(tg.relu(x)) * tg.sum(x.detach()), [0.0, 1.0, -2.0, 3.0]),
        ],
    )
    def test_a_cut_graph_is_seen_at_a_kink_too(self, f, x):
        with pytest.raises(GradientMismatch, match="outside the graph"):
            check_gradient(f, x)

    def test_a_cut_graph_is_seen_behind_an_empty_image(self):
        net = nn.Sequential(nn.Affine(6, 8, rng=0), nn.Relu(), nn.Affine(8, 3, rng=1))
        x = np.random.default_rng(0).normal(size=(16, 6))
        x[0] = 0
        t = np.arange(16) % 3

        def loss():
            hidden = tg.relu(net[0](x))
            return tg.softmax_cross_entropy(net[2](0.5 * hidden + 0.5 * hidden.detach()), t)

        for effort in EFFORTS:
            with pytest.raises(GradientMismatch):
                check_gradient(loss, parameters=net, effort=effort)


class TestEdges:
    """What a review found, kept."""

    @pytest.mark.parametrize("effort", EFFORTS)
    def test_nothing_chosen_is_nothing_checked(self, effort: Any):
        nothing: tuple[Any, ...] = ([], (), set())
        for wrt in nothing:
            with pytest.raises(ValueError, match="nothing to check"):
                check_gradient(tg.sin, [1.0], wrt=wrt, effort=effort)
        with pytest.raises(ValueError, match="nothing to check"):
            check_gradient(tg.where, np.array([0.0, 1.0]), np.array([1, 2]), np.array([3, 4]))

    @pytest.mark.parametrize(
        ("f", "x"),
        [
            (nn.Embedding(5, 3, rng=0), np.ones((2, 3))),
            (lambda t: tg.softmax_cross_entropy(np.ones((2, 3)), t), np.ones(2)),
            (lambda i: tg.Tensor(np.ones(3), requires_grad=True)[i], np.ones(2)),
        ],
        ids=["Embedding", "labels", "index"],
    )
    def test_where_ids_are_needed_whole_numbers_are_asked_for(self, f, x):
        with pytest.raises((TypeError, IndexError)) as caught:
            check_gradient(f, x)
        *_, english, korean = caught.value.__notes__
        assert english.startswith(
            "check_gradient makes a leaf of every array of floats; pass ids and labels as whole numbers"
        )
        assert "x.astype(int)처럼 정수로" in korean

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: tg.maximum(x, 0.3) * 3,
            lambda x: tg.where(x > 0.1, 2 * x, x + 0.1),
        ],
    )
    def test_thresholds_between_two_precisions(self, f):
        for seed in range(20):
            check_gradient(f, [0.3, 0.1, 1.5, -1.0], rng=seed)

    def test_results_in_single_precision_at_both_orders(self):
        unseen = 0
        for seed in range(20):
            try:
                check_gradient(lambda x: tg.sin(tg.astype(x, np.float32)) * 2, [0.5, 1.5], order=2, rng=seed)
            except GradientUndecided as error:
                unseen += "let it compute in float64" in str(error)
        assert 0 < unseen < 20

    @pytest.mark.parametrize(
        ("f", "x"),
        [
            (tg.log, [1e-6, 1e6]),
            (tg.log, [1.0, 1e-12]),
            (tg.sqrt, [1.0, 1e-10]),
            (lambda x: 1 / x, [1e-6, 1e6]),
            (lambda p: -tg.sum(p * tg.log(p)), tg.softmax(np.array([0.0, 5.0, -30.0]))),
        ],
    )
    def test_numbers_of_unlike_sizes(self, f, x):
        for seed in range(10):
            check_gradient(f, x, rng=seed)

    def test_tiny_outputs(self):
        for seed in range(20):
            check_gradient(lambda x: tg.sin(x) * 1e-300, [0.5, 1.5], rng=seed)

    def test_inside_no_grad(self):
        with tg.no_grad():
            assert check_gradient(tg.tanh, [0.5]).verdict == "agrees"

    def test_labels_of_an_op_may_be_a_list(self):
        scores = np.random.default_rng(0).normal(size=(3, 4))
        check_gradient(losses.labelled, scores, np.array([0, 1, 2]))

    def test_threads_share_a_module(self):
        model = nn.Sequential(nn.Affine(3, 4, rng=0), nn.Sigmoid())
        x = np.random.default_rng(0).normal(size=(2, 3))
        before = [p.numpy() for p in model.parameters()]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(4) as pool:
                reports = list(pool.map(lambda seed: check_gradient(model, x, rng=seed), range(12)))
        finally:
            sys.setswitchinterval(interval)
        assert {report.verdict for report in reports} == {"agrees"}
        assert all(np.array_equal(p.numpy(), was) for p, was in zip(model.parameters(), before, strict=True))

    def test_two_dicts_with_the_same_keys(self):
        report = check_gradient(lambda p, q: p["W"] * q["W"], {"W": np.ones(2)}, {"W": np.ones(2)})
        assert [row["argument"] for row in report.rows()] == ["W", "q.W"]


class TestBadInput:
    def test_what_is_no_function(self):
        number: Any = 3
        with pytest.raises(TypeError, match="check_gradient needs a function, not") as caught:
            check_gradient(number, [1.0])
        assert caught.value.__notes__

    def test_too_many_inputs_are_the_functions_own_error(self):
        with pytest.raises(TypeError, match="positional argument"):
            check_gradient(tg.sin, [1.0], [2.0])

    def test_nothing_but_a_loss_without_its_parameters(self):
        with pytest.raises(ValueError, match="parameters=model"):
            check_gradient(lambda: tg.Tensor(1.0))

    @pytest.mark.parametrize("options", [{"order": 3}, {"order": 0}, {"effort": "much"}, {"rng": -1}])
    def test_options(self, options):
        with pytest.raises(ValueError, match=r"order|effort|rng") as caught:
            check_gradient(tg.sin, [1.0], **options)
        assert caught.value.__notes__

    def test_inputs_that_would_check_nothing(self):
        for inputs in ((), (3,), (np.array([1, 2]),)):
            with pytest.raises(ValueError, match="nothing to check"):
                check_gradient(tg.sin, *inputs)

    def test_a_function_that_leaves_the_graph(self):
        with pytest.raises(TypeError, match="not a Tensor"):
            check_gradient(lambda x: x.numpy(), [1.0])

    @pytest.mark.parametrize(
        ("result", "named"),
        [
            (lambda x: {"loss": tg.sum(x), "size": 3}, r"returned int at \['size'\], not a Tensor"),
            (lambda x: [{"y": x}, {"y": x.numpy()}], r"returned ndarray at \[1\]\['y'\]"),
            (lambda x: {}, "returned dict"),
            (lambda x: [], "returned list"),
            (lambda x: [1.0, 2.0], "returned list"),
            (lambda x: {"y": None}, r"returned NoneType at \['y'\]"),
        ],
    )
    def test_a_result_that_is_not_all_tensors(self, result, named):
        with pytest.raises(TypeError, match=named) as caught:
            check_gradient(result, [1.0])
        assert caught.value.__notes__

    def test_a_function_that_writes_to_its_argument(self):
        def rude(x):
            y = x * 2
            x.data[:] = 0
            return y

        with pytest.raises(ValueError, match="writes to its argument 'x'") as caught:
            check_gradient(rude, [1.0])
        assert caught.value.__notes__

    def test_an_error_of_the_function_is_the_functions_own(self):
        with pytest.raises(ZeroDivisionError):
            check_gradient(lambda x: x + 1 / 0, [1.0])


class TestRemarks:
    def test_the_books_layers_are_not_checked_by_their_backward(self):
        class Sigmoid:
            def forward(self, x):
                return 1 / (1 + tg.Tensor(1.0) * np.exp(-x))

            def backward(self, dout):
                return -dout

        remarks = check_gradient(Sigmoid().forward, [0.5]).remarks
        assert any("Sigmoid.backward was not checked" in remark for remark in remarks)

    def test_a_gradient_of_nothing_but_zeros(self):
        remark = "the gradient is 0 here, also by the formulas; other inputs may show more"
        assert remark in check_gradient(tg.relu, [-1.0, -2.0]).remarks
        assert remark not in check_gradient(tg.relu, [-1.0, 2.0]).remarks


class TestTheReport:
    def test_it_prints_a_table(self):
        lines = str(check_gradient(tg.multiply, [1.0, 2.0], [[3.0], [4.0]], order=2)).splitlines()
        assert lines[0].startswith("multiply: the gradient agrees; ")
        assert lines[0].endswith(" evaluations")  # and what the book's way costs where that is more
        assert lines[1].split() == [
            "argument", "shape", "order", "projections", "formulas", "difference", "error", "evaluations", "verdict",
        ]  # fmt: skip
        assert [line.split()[0] for line in lines[2:6]] == ["a", "b", "a", "b"]
        assert lines[-1].startswith("  * float32 agrees to ")

    def test_at_a_prompt_it_is_the_table_too(self):
        report = check_gradient(tg.multiply, [1.0, 2.0], [[3.0], [4.0]])
        assert repr(report) == str(report) == f"{report}"
        assert "Projection(" not in repr(report)
        assert repr(reports.Report("f")) == "f: unfinished; 0 evaluations"

    def test_evaluations_are_counted(self):
        calls: list[Any] = []

        def f(x):
            calls.append(x)
            return tg.sin(x)

        report = check_gradient(f, [1.0])
        assert 20 <= report.evaluations <= len(calls) <= report.evaluations + 5

    def test_the_error_carries_it(self):
        with pytest.raises(GradientMismatch) as caught:
            check_gradient(spoiled(tg.tanh, lambda part: -part), [0.5])
        assert caught.value.report.verdict == "mismatch"
        assert caught.value.report.projections[-1].verdict == "mismatch"
        assert "\n".join(caught.value.report.table()) in str(caught.value)

    def test_listeners_hear_of_every_check(self, monkeypatch):
        heard: list[reports.Report] = []
        monkeypatch.setattr(reports, "listeners", [])
        reports.listeners.append(heard.append)
        monkeypatch.setattr("tinygrad_ko.check.gradient.listeners", reports.listeners)
        check_gradient(tg.sin, [1.0])
        with pytest.raises(GradientMismatch):
            check_gradient(spoiled(tg.tanh, lambda part: -part), [0.5])
        assert [report.verdict for report in heard] == ["agrees", "mismatch"]

    def test_the_seed_chooses_the_projections(self):
        first, same, other = (check_gradient(tg.sin, [1.0, 2.0], rng=seed).rows()[0]["analytic"] for seed in (0, 0, 1))
        assert first == same != other

    def test_large_networks_need_few_evaluations(self):
        net = nn.TwoLayerNet(784, 100, 10, rng=0)
        x, t = np.random.default_rng(0).random((10, 784)), np.arange(10)
        report = check_gradient(net.loss_of, net.params, x, t, wrt=list(net.params), effort="quick")
        assert report.numbers == 79_510
        assert report.evaluations <= 36
        assert "one number at a time would take 159,020" in str(report)
