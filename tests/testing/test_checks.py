"""`check_op`: passes what is right, shows the smallest call at which something is wrong, and is quiet otherwise."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, Unsatisfiable
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.check import GradientMismatch, GradientUndecided, Report
from tinygrad_ko.check.reports.report import listeners
from tinygrad_ko.ops.linalg.products import matrix_product
from tinygrad_ko.ops.shape import concatenate
from tinygrad_ko.testing import check_op, checks, mutation_score


@tg.op(x=lambda g, out: g * out * (1 - out))
def logistic(xp, x):
    return 1 / (1 + xp.exp(-x))


@tg.op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g + a)
def wrong_product(a, b):
    return a * b


def line_of(error):
    """The line of Python in the notes of an error."""
    (i,) = [i for i, note in enumerate(error.__notes__) if "가장 작은 호출" in note]
    return error.__notes__[i - 1]


def run_again(error, **names):
    """What the line in the notes of an error raises, where np, tg and the op are known."""
    with pytest.raises(type(error)) as caught:
        eval(line_of(error), {"np": np, "tg": tg, **names})
    return caught.value


def shown_arrays(error):
    """The arrays in the line."""
    return [eval(text, {"np": np}) for text in re.findall(r"np\.(?:array|zeros)\([^a-z]*\)(?=[,)])", line_of(error))]


@pytest.fixture
def heard():
    """The reports that are told of in a test."""
    reports: list[Report] = []
    listeners.append(reports.append)
    yield reports
    listeners.remove(reports.append)


class TestRight:
    @pytest.mark.parametrize(
        "packed", [lambda a, b: (a, b), lambda a, b: {"a": a, "b": [b]}], ids=["tuple", "dict of a list"]
    )
    def test_functions_of_several_results(self, packed):
        assert check_op(lambda x: packed(tg.sin(x), tg.sum(x * x)), (-3, 3)).undecided == 0
        with pytest.raises(AssertionError, match="its result is float64"):
            check_op(lambda x: packed(tg.sin(x), tg.astype(x, np.float64)), (-3, 3))

    def test_a_function_that_reads_another_tensor_is_not_right(self):
        w = tg.Tensor([1.0, 2.0], requires_grad=True, dtype=np.float32)
        with pytest.raises(GradientUndecided, match="no operation leads from 'x' to the result"):
            check_op(lambda x: tg.sum(w * w), order=1, examples=5)

    @pytest.mark.parametrize("op", [tg.square, tg.tanh, tg.sigmoid, tg.add, tg.multiply, tg.identity_function])
    def test_ops_on_all_numbers(self, op):
        report = check_op(op)
        assert report.calls == 50
        assert report.undecided <= 5
        assert report.evaluations > 50
        assert () in report.shapes

    @pytest.mark.parametrize("op", [tg.relu, tg.abs, tg.maximum, tg.minimum])
    def test_ops_with_kinks(self, op):
        assert check_op(op).undecided <= 5

    def test_domains(self):
        assert check_op(tg.log, "positive").undecided <= 5
        assert check_op(tg.exp, (-10, 10)).undecided == 0
        assert check_op(logistic, (-3, 3)).undecided == 0

    def test_signatures_options_and_strategies(self):
        check_op(matrix_product, signature="(n,k),(k,m)->(n,m)")
        check_op(tg.softmax, (-3, 3), signature="(n,m)->(n,m)", options={"axis": st.sampled_from([0, 1, -1, None])})
        check_op(concatenate, signature="(n),(m)", options={"axis": 0})
        check_op(tg.where, {"condition": lambda shape: hnp.arrays(bool, shape)})

    def test_where_an_op_jumps_it_has_no_slope(self):
        with pytest.raises(GradientUndecided):
            tg.check_gradient(tg.atan2, 0.0, 0.0)
        assert check_op(tg.atan2, "positive", order=1).undecided == 0

    def test_a_plain_function(self):
        def loss(y, t):
            return ((y - t) * (y - t)).mean()

        report = check_op(loss, (-3, 3), signature="(n,m),(n,m)->()", examples=20)
        assert (report.name, report.calls) == ("loss", 20)

    def test_only_the_first_order(self):
        assert check_op(tg.sin, (-3, 3), order=1).evaluations < check_op(tg.sin, (-3, 3)).evaluations

    def test_the_report_prints_well(self):
        assert re.fullmatch(
            r"sin: 50 calls, 50 agree at orders 1 and 2, 0 undecided; \d+ shapes from \(\) to \(\d+, \d+, \d+\); [\d,]+ evaluations",
            str(check_op(tg.sin, (-3, 3))),
        )


class TestWrong:
    @pytest.mark.parametrize("order", [1, 2])
    def test_the_smallest_call_is_shown_and_can_be_made_again(self, order):
        with pytest.raises(GradientMismatch, match="wrong_product") as caught:
            check_op(wrong_product, order=order)
        line = line_of(caught.value)
        assert line.startswith("tg.check_gradient(wrong_product, np.array(")
        assert line.endswith(", order=2)" if order == 2 else "))")
        assert [x.shape for x in shown_arrays(caught.value)] == [(), ()]
        again = run_again(caught.value, wrong_product=wrong_product)
        assert all(part in str(caught.value) for part in str(again).splitlines()[0].split("; "))
        assert "가장 작은" in caught.value.__notes__[-1]

    def test_what_is_not_differentiable_stands_inside_the_line(self):
        @tg.op(condition=None, x=lambda g, condition: tg.where(condition, 2 * g, 0.0))
        def chosen(condition, x):
            return np.where(condition, x, 0.0)

        conditions = {"condition": lambda shape: hnp.arrays(bool, shape)}
        with pytest.raises(GradientMismatch) as caught:
            check_op(chosen, conditions)
        assert line_of(caught.value).startswith("tg.check_gradient(lambda x: chosen(np.array(")
        run_again(caught.value, chosen=chosen)

    def test_any_number_of_arguments(self):
        @tg.op(xs=lambda g, xs, factor: [g * factor for _ in xs])
        def added(*xs, factor):
            return sum(xs)

        with pytest.raises(GradientMismatch) as caught:
            check_op(added, options={"factor": st.integers(1, 5)})
        assert line_of(caught.value).startswith("tg.check_gradient(lambda *xs: added(*xs, factor=2), np.array(")
        run_again(caught.value, added=added)

    def test_a_function_without_a_name_is_called_f(self):
        def f(x):
            return x * x.detach()

        with pytest.raises(GradientMismatch) as caught:
            check_op(lambda x: x * x.detach())
        assert line_of(caught.value).startswith("tg.check_gradient(f, np.array(")
        run_again(caught.value, f=f)

    @pytest.mark.parametrize("signature", [None, "(n)"])
    def test_a_formula_that_fails_is_no_matter_of_signatures(self, signature):
        @tg.op(x=lambda g: g.reshape(-1, 7, 11))
        def folded(x):
            return x * 2

        with pytest.raises(GradientMismatch, match="backpropagation fails") as caught:
            check_op(folded, signature=signature)
        assert not any("signature" in note for note in caught.value.__notes__)
        run_again(caught.value, folded=folded)

    def test_nor_is_one_that_fails_in_float32_alone(self):
        def formula(g):
            assert_double(g)
            return g

        def assert_double(g):
            if g.dtype == np.float32:
                raise KeyError("no float32")

        @tg.op(x=formula)
        def doubled(x):
            return x * 1

        with pytest.raises((GradientMismatch, KeyError)) as caught:
            check_op(doubled)
        assert not any("signature" in note for note in caught.value.__notes__)

    def test_a_sum_that_is_missing_needs_an_axis_that_is_stretched(self):
        @tg.op(broadcasts=True, a=lambda g: tg.broadcast_to(g.sum() / max(g.size, 1), g.shape), b=lambda g: g)
        def averaged(a, b):
            return a + b

        with pytest.raises(GradientMismatch) as caught:
            check_op(averaged)
        a, b = shown_arrays(caught.value)
        assert np.broadcast_shapes(a.shape, b.shape) in {(2,), (1, 2), (2, 1)}

    def test_options_are_shown(self):
        @tg.op(x=lambda g, factor: g if factor > 2 else g * factor)
        def scaled(x, *, factor):
            return x * factor

        with pytest.raises(GradientMismatch) as caught:
            check_op(scaled, options={"factor": st.integers(1, 5)})
        assert line_of(caught.value).startswith("tg.check_gradient(lambda x: scaled(x, factor=3), np.array(")
        run_again(caught.value, scaled=scaled)

    def test_a_second_order_that_is_wrong(self):
        @tg.op(x=lambda g, x: g * (2 * detached(x)))
        def flat_square(x):
            return x * x

        check_op(flat_square, order=1)
        with pytest.raises(GradientMismatch, match="flat_square"):
            check_op(flat_square)

    def test_float64_inside_a_formula(self):
        @tg.op(x=lambda g, x: g * np.float64(2) * x)
        def wide(x):
            return x * x

        with pytest.raises(AssertionError, match="wide: with float32 inputs the gradient of 'x' is float64") as caught:
            check_op(wide)
        assert "float32인데 인수 'x'의 기울기가 float64입니다" in caught.value.__notes__[0]
        assert eval(line_of(caught.value), {"np": np, "wide": wide}).dtype == np.float32

    def test_a_result_in_float64(self):
        @tg.op(x=lambda g: g)
        def wide(xp, x):
            return x.astype(xp.float64)

        with pytest.raises(AssertionError, match="wide: with float32 inputs its result is float64") as caught:
            check_op(wide)
        assert eval(line_of(caught.value), {"np": np, "wide": wide}).dtype == np.float64

    def test_labels_make_float64(self):
        def loss(y, t):
            return tg.mean((y - t) ** 2)

        labels = {"t": lambda shape: hnp.arrays(int, shape, elements=st.integers(0, 9))}
        with pytest.raises(AssertionError, match=r"float64.*cast the other arguments: t\.astype\(y\.dtype\)") as caught:
            check_op(loss, labels, signature="(n),(n)")
        assert "정답 레이블은 t.astype(y.dtype)처럼" in caught.value.__notes__[0]
        assert check_op(lambda y, t: loss(y, t.astype(y.dtype)), labels, signature="(n),(n)").calls == 50

    def test_another_value_on_arrays_than_on_tensors(self):
        rng = np.random.default_rng(0)

        @tg.op(x=lambda g: g)
        def shaken(x):
            return x + rng.normal()

        with pytest.raises(AssertionError, match=r"shaken: on arrays it gives .*, on Tensors") as caught:
            check_op(shaken)
        assert caught.value.__notes__

    def test_what_the_op_raises_is_passed_on_with_the_call(self):
        @tg.op(x=lambda g: g)
        def picky(x):
            if x.ndim == 2:
                raise KeyError("no matrices")
            return x

        with pytest.raises(KeyError, match="no matrices") as caught:
            check_op(picky)
        (x,) = shown_arrays(caught.value)
        assert x.shape == (1, 2)
        run_again(caught.value, picky=picky)
        assert any("signature='(n,m)'" in note for note in caught.value.__notes__)
        assert any("picky" in str(entry) for entry in caught.traceback), "the traceback leads to the op"

    def test_where_a_signature_was_given_it_is_not_asked_for(self):
        @tg.op(x=lambda g: g)
        def picky(x):
            raise KeyError("no matrices")

        with pytest.raises(KeyError, match="no matrices") as caught:
            check_op(picky, signature="(n,m)")
        assert not any("signature" in note for note in caught.value.__notes__)

    def test_a_function_that_leaves_the_graph(self):
        with pytest.raises(TypeError, match=r"lambda at test_checks.py:\d+ returned ndarray, not a Tensor") as caught:
            check_op(lambda x: x.numpy())
        assert not any("signature" in note for note in caught.value.__notes__), "no shape is at fault"


def row_by_row(x):
    """The numbers of an array as they lie in memory, for one who takes it for contiguous."""
    return np.lib.stride_tricks.as_strided(x, (x.size,), (x.itemsize,)).reshape(x.shape)


def as_it_lies(x):
    return x.ravel(order="K").reshape(x.shape)


def by_identity(g, x, y):
    """Gradients in a dict, whose keys are the addresses of the arguments."""
    found = {id(x): g * y * y}
    found[id(y)] = 2 * g * x * y
    return found[id(x)], found[id(y)]


def in_blocks(g, x, block):
    """A gradient that is computed block by block; of the last one too little."""
    back, flat, n = np.zeros(x.size), (g * np.cos(x)).ravel(), max(block, x.size // block * block)
    back[:n] = flat[:n]
    return back.reshape(x.shape)


class TestVariations:
    """Ops that are right for contiguous arrays of usual sizes, and cotangents of a usual magnitude."""

    @pytest.mark.parametrize(
        ("formula", "where"),
        [
            (lambda g, x: g * np.cos(as_it_lies(x)), "the arguments are in Fortran order"),
            (lambda g, x: as_it_lies(g) * np.cos(x), "the cotangent is in Fortran order"),
            (
                lambda g, x: g * np.cos(x if min(x.strides, default=1) >= 0 else row_by_row(x)),
                "the arguments are of negative",
            ),
            (
                lambda g, x: (g if min(g.strides, default=1) >= 0 else row_by_row(g)) * np.cos(x),
                "the cotangent is of negative",
            ),
            (lambda g, x: (g if any(g.strides) else row_by_row(g)) * np.cos(x), "the cotangent is of stride 0"),
            (lambda g, x: np.clip(g, -1e9, 1e9) * np.cos(x), r"the cotangent is 1e\+12 times as large"),
            (lambda g, x: np.where(np.abs(g) < 1e-9, 0, g) * np.cos(x), "the cotangent is 1e-12 times as large"),
        ],
    )
    @pytest.mark.parametrize("kind", ["vjp", "op"])
    def test_each_is_caught_and_by_nothing_else(self, formula, where, kind, monkeypatch):
        @tg.op(x=formula)
        def sine(x):
            return np.sin(x)

        def check():
            of = {"op": sine, "order": 1} if kind == "op" else {"op": np.sin, "vjp": formula}
            return check_op(**of, domain=(-3, 3), signature="(n,m)", examples=10)

        with pytest.raises(
            AssertionError, match=rf"where {where}.*, the gradient of 'x' is not that of the same"
        ) as error:
            check()
        assert "기울기의 값이 달라집니다" in error.value.__notes__[0]
        monkeypatch.setattr(checks, "find_difference", lambda *_, **__: None)
        check()

    def test_one_array_that_is_given_twice(self, monkeypatch):
        product = lambda x, y: x * y * y
        with pytest.raises(
            AssertionError, match="where 'x' and 'y' are one array, the gradient of 'x' is not"
        ) as error:
            check_op(product, vjp=by_identity)
        assert "'x', 'y'에 같은 배열을 넘기면" in error.value.__notes__[0]
        monkeypatch.setattr(checks, "find_difference", lambda *_, **__: None)
        check_op(product, vjp=by_identity)

    def test_one_tensor_that_is_given_twice(self):
        @tg.op(a=lambda g, a, b: g * b * (2 if a is b else 1), b=lambda g, a, b: g * a * (2 if a is b else 1))
        def product(a, b):
            return a * b

        with pytest.raises(AssertionError, match="product: where 'a' and 'b' are one array"):
            check_op(product, order=1, examples=10)

    @pytest.mark.parametrize("block", [64, 128])
    def test_sizes_over_a_block(self, block):
        rule = lambda g, x: in_blocks(g, x, block)
        with pytest.raises(GradientMismatch) as error:
            check_op(np.sin, (-3, 3), vjp=rule, signature="(n)")
        (x,) = error.value.report.points.values()
        assert x.shape == (65 if block == 64 else 129,)
        check_op(np.sin, (-3, 3), vjp=rule, signature="(n)", max_side=5)

    def test_a_jvp(self):
        with pytest.raises(AssertionError, match="where 'x' and 'y' are one array, the jvp is not"):
            check_op(lambda x, y: x * y, jvp=lambda x, y, dx, dy: dx * y + dy * x * (1 + (x is y)), examples=10)
        for formula, where in (
            (lambda x, dx: as_it_lies(dx) * np.cos(x), "the tangent is in Fortran order"),
            (lambda x, dx: np.clip(dx, -1e9, 1e9) * np.cos(x), r"the tangent is 1e\+12 times as large"),
        ):
            with pytest.raises(AssertionError, match=f"sin: where {where}, the jvp is not that"):
                check_op(np.sin, (-3, 3), jvp=formula, signature="(n,m)", examples=10)

    def test_the_result_and_errors(self):
        with pytest.raises(AssertionError, match="where the arguments are in Fortran order, its result is not that"):
            check_op(lambda x: np.sin(as_it_lies(x)), (-3, 3), vjp=lambda g, x: g * np.cos(x), signature="(n,m)")

        def refuses(g, x):
            g.flags.c_contiguous or 1 / 0
            return g * np.cos(x)

        with pytest.raises(AssertionError, match=r"where the cotangent is .*, it raises ZeroDivisionError"):
            check_op(np.sin, (-3, 3), vjp=refuses, signature="(n,m)")

    def test_a_gradient_that_is_truly_zero(self):
        check_op(lambda x: x - tg.mean(x), order=1, signature="(n)", examples=10)
        check_op(tg.softmax, (-3, 3), signature="(n)", order=1, examples=10)


class TestUndecided:
    def test_more_than_a_tenth(self):
        with pytest.raises(GradientUndecided, match="log") as caught:
            check_op(tg.log)
        assert any(re.search(r"\d+ of 50 calls could not be decided", note) for note in caught.value.__notes__)
        (x,) = shown_arrays(caught.value)
        assert x.size == 1
        run_again(caught.value, log=tg.log)

    @pytest.mark.parametrize("some", [5, 6])
    def test_a_tenth_is_counted_and_no_more(self, some, monkeypatch):
        judged = []

        def judge(*arguments, **options):
            judged.append(arguments)
            if len(judged) <= some:
                raise GradientUndecided("too foggy")
            return tg.check_gradient(*arguments, **options)

        monkeypatch.setattr(checks, "check_gradient", judge)
        if some == 5:
            report = check_op(tg.sin, (-3, 3), order=1)
            assert (report.calls, report.undecided) == (50, 5)
            assert "50 calls, 45 agree at order 1, 5 undecided" in str(report) == repr(report)
        else:
            with pytest.raises(GradientUndecided, match="too foggy") as caught:
                check_op(tg.sin, (-3, 3), order=1)
            assert any("6 of 50 calls could not be decided" in note for note in caught.value.__notes__)

    def test_all_of_a_few(self):
        with pytest.raises(GradientUndecided):
            check_op(lambda x: x * np.nan, examples=3)


class TestListeners:
    """Whoever listens, as the pytest plugin does, hears of one check."""

    def test_one_that_agrees(self, heard):
        report = check_op(tg.log, "positive")
        assert [(r.name, r.verdict, r.evaluations) for r in heard] == [("log", "agrees", report.evaluations)]
        assert report.evaluations > 1000

    def test_a_mismatch(self, heard):
        with pytest.raises(GradientMismatch) as caught:
            check_op(wrong_product)
        assert [(r.name, r.verdict) for r in heard] == [("wrong_product", "mismatch")]
        assert heard[0].evaluations > caught.value.report.evaluations

    def test_a_wrong_dtype(self, heard):
        @tg.op(x=lambda g: g)
        def wide(xp, x):
            return x.astype(xp.float64)

        with pytest.raises(AssertionError):
            check_op(wide)
        assert [(r.name, r.verdict) for r in heard] == [("wide", "mismatch")]

    def test_undecided(self, heard):
        with pytest.raises(GradientUndecided):
            check_op(tg.log)
        assert [(r.name, r.verdict) for r in heard] == [("log", "undecided")]
        assert heard[0].evaluations > 50

    def test_an_error_is_no_check(self, heard):
        def broken(x):
            raise KeyError

        with pytest.raises(KeyError):
            check_op(broken)
        assert heard == []
        tg.check_gradient(tg.sin, 1.0)
        assert len(heard) == 1, "it is heard again"

    def test_of_mutants_nothing_is_heard(self, heard):
        mutation_score(tg.square, check_op, examples=5)
        assert [r.verdict for r in heard] == ["agrees"]


def detached(x):
    return x.detach() if isinstance(x, tg.Tensor) else x


def test_it_does_the_same_every_time():
    assert check_op(tg.multiply) == check_op(tg.multiply)
    shown = []
    for _ in range(2):
        with pytest.raises(GradientMismatch) as caught:
            check_op(wrong_product)
        shown.append((str(caught.value), caught.value.__notes__))
    assert shown[0] == shown[1]


def test_it_prints_nothing_and_leaves_nothing(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with pytest.raises(GradientMismatch) as caught:
            check_op(wrong_product)
    check_op(tg.sin, (-3, 3))
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
    assert not any(
        word in note for note in caught.value.__notes__ for word in ("ypothesis", "Falsifying", "Failing", "seed")
    )


def test_a_strategy_that_has_nothing_to_give():
    with pytest.raises((Unsatisfiable, FailedHealthCheck)):
        check_op(tg.sin, {"x": st.nothing()})


def test_what_is_asked_for_wrongly():
    with pytest.raises(ValueError, match="a domain is one of"):
        check_op(tg.sin, "complex")
    with pytest.raises(ValueError, match="order must be 1 or 2"):
        check_op(tg.sin, order=3)


class TestOtherFunctions:
    @staticmethod
    def tanh_vjp(g, x):
        return g * (1 - np.tanh(x) ** 2)

    def test_a_derivative_written_by_hand(self):
        report = check_op(np.tanh, (-3, 3), vjp=self.tanh_vjp)
        assert (report.calls, report.undecided, report.order) == (50, 0, 1)
        assert check_op(np.tanh, (-3, 3), jvp=lambda x, dx: dx * (1 - np.tanh(x) ** 2)).calls == 50

    def test_a_wrong_one_is_shown_at_the_smallest_call(self):
        def doubled(g, x):
            return 2 * self.tanh_vjp(g, x)

        with pytest.raises(GradientMismatch, match="the ratio is 2") as caught:
            check_op(np.tanh, (-3, 3), vjp=doubled)
        assert line_of(caught.value).startswith("tg.check.check_vjp(tanh, doubled, np.array(")
        run_again(caught.value, tanh=np.tanh, doubled=doubled)

    def test_a_mask_that_is_right_for_some_numbers_only(self):
        with pytest.raises(GradientMismatch):
            check_op(lambda x: np.maximum(x, 0.0), vjp=lambda g, x: g * (x > -1))

    def test_options_and_signatures(self):
        def softmax(x, *, axis):
            e = np.exp(x - x.max(axis, keepdims=True))
            return e / e.sum(axis, keepdims=True)

        def vjp(g, x, *, axis):
            y = softmax(x, axis=axis)
            return y * (g - np.sum(g * y, axis, keepdims=True))

        options = {"axis": st.sampled_from([0, 1, -1])}
        assert check_op(softmax, (-3, 3), signature="(n,m)", options=options, vjp=vjp).undecided == 0
        with pytest.raises(GradientMismatch) as caught:
            check_op(softmax, (-3, 3), signature="(n,m)", options=options, vjp=lambda g, x, axis: vjp(g, x, axis=0))
        assert "functools.partial(softmax, axis=" in line_of(caught.value)

    def test_one_of_them(self):
        with pytest.raises(ValueError, match="one of vjp, jvp and library"):
            check_op(np.tanh, vjp=self.tanh_vjp, library="torch")

    def test_of_pytorch(self):
        torch: Any = pytest.importorskip("torch")
        for factor in (1, 2):

            class Cube(torch.autograd.Function):
                @staticmethod
                def forward(ctx, x):
                    ctx.save_for_backward(x)
                    return x**3

                @staticmethod
                def backward(ctx, g, factor=factor):
                    return factor * g * 3 * ctx.saved_tensors[0] ** 2

            if factor == 1:
                assert check_op(Cube, examples=20).calls == 20
            else:
                with pytest.raises(GradientMismatch, match="the formula of Cube") as caught:
                    check_op(Cube, examples=20)
                run_again(caught.value, torch=torch, Cube=Cube)
        assert check_op(lambda x: torch.sin(x), (-3, 3), library="torch", examples=20).undecided == 0
        assert check_op(torch.nn.Linear(4, 2), signature="(n,4)", order=1, examples=10).calls == 10

    def test_layouts_of_pytorch(self):
        torch: Any = pytest.importorskip("torch")

        class Sine(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return torch.sin(x)

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return (g.view(-1) * torch.cos(x.reshape(-1))).view(x.shape)

        with pytest.raises(AssertionError, match=r"Sine: where the cotangent is .*, it raises RuntimeError: view size"):
            check_op(Sine, (-3, 3), signature="(n,m)", order=1, examples=10)

    def test_of_jax(self):
        jax: Any = pytest.importorskip("jax")
        assert check_op(jax.jit(jax.numpy.sin), (-3, 3), examples=5, order=1).undecided == 0
        wrong = jax.custom_vjp(jax.numpy.sin)
        wrong.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, g: (g,))
        with pytest.raises(GradientMismatch, match="the formula of sin"):
            check_op(wrong, (-3, 3), examples=5)
