"""`check_op`: passes what is right, shows the smallest call at which something is wrong, and is quiet otherwise."""

import re

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, Unsatisfiable
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.check import GradientMismatch, GradientUndecided
from tinygrad_ko.ops.linalg import matrix_product
from tinygrad_ko.ops.shape import concatenate
from tinygrad_ko.testing import check_op, checks


@tg.op(x=lambda g, out: g * out * (1 - out))
def logistic(xp, x):
    return 1 / (1 + xp.exp(-x))


@tg.op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g + a)
def wrong_product(a, b):
    return a * b


def failing_call(error):
    """The call in the notes of an error, made again."""
    (note,) = [note for note in error.__notes__ if note.startswith("at ")]
    name, arguments = re.fullmatch(r"at (\w+)\((.*)\)", note, re.S).groups()  # type: ignore[union-attr]
    return name, eval(f"({arguments},)", {"array": np.array, "zeros": np.zeros})


class TestRight:
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

    def test_a_plain_function(self):
        def loss(y, t):
            return ((y - t) * (y - t)).mean()

        report = check_op(loss, (-3, 3), signature="(n,m),(n,m)->()", examples=20)
        assert (report.name, report.calls) == ("loss", 20)

    def test_only_the_first_order(self):
        assert check_op(tg.sin, (-3, 3), order=1).evaluations < check_op(tg.sin, (-3, 3)).evaluations

    def test_the_report_prints_well(self):
        assert re.fullmatch(
            r"sin: 50 calls, 50 agree at orders 1 and 2, 0 undecided; \d+ shapes from \(\) to \(\d, \d, \d\); [\d,]+ evaluations",
            str(check_op(tg.sin, (-3, 3))),
        )


class TestWrong:
    def test_the_smallest_call_is_shown_and_can_be_made_again(self):
        with pytest.raises(GradientMismatch, match="wrong_product") as caught:
            check_op(wrong_product)
        name, (a, b) = failing_call(caught.value)
        assert name == "wrong_product"
        assert (a.shape, b.shape) == ((), ())
        with pytest.raises(GradientMismatch):
            tg.check_gradient(wrong_product, a, b)
        assert "가장 작은" in caught.value.__notes__[-1]

    def test_a_sum_that_is_missing_needs_an_axis_that_is_stretched(self):
        @tg.op(broadcasts=True, a=lambda g: tg.broadcast_to(g.mean(), g.shape), b=lambda g: g)
        def averaged(a, b):
            return a + b

        with pytest.raises(GradientMismatch) as caught:
            check_op(averaged)
        a, b = failing_call(caught.value)[1]
        assert np.broadcast_shapes(a.shape, b.shape) in {(2,), (1, 2), (2, 1)}

    def test_options_are_shown(self):
        @tg.op(x=lambda g, factor: g if factor > 2 else g * factor)
        def scaled(x, *, factor):
            return x * factor

        with pytest.raises(GradientMismatch) as caught:
            check_op(scaled, options={"factor": st.integers(1, 5)})
        assert any("factor=3)" in note for note in caught.value.__notes__)

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

    def test_a_result_in_float64(self):
        @tg.op(x=lambda g: g)
        def wide(xp, x):
            return x.astype(xp.float64)

        with pytest.raises(AssertionError, match="wide: with float32 inputs its result is float64"):
            check_op(wide)

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
        _name, (x,) = failing_call(caught.value)
        assert x.shape == (1, 2)
        assert any("picky" in str(entry) for entry in caught.traceback), "the traceback leads to the op"

    def test_a_function_that_leaves_the_graph(self):
        with pytest.raises(TypeError, match="not a Tensor"):
            check_op(lambda x: x.numpy())


class TestUndecided:
    def test_more_than_a_tenth(self):
        with pytest.raises(GradientUndecided, match="log") as caught:
            check_op(tg.log)
        assert any(re.search(r"\d+ of 50 calls could not be decided", note) for note in caught.value.__notes__)
        name, (x,) = failing_call(caught.value)
        assert name == "log"
        assert x.size == 1

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
            assert "50 calls, 45 agree at order 1, 5 undecided" in str(report)
        else:
            with pytest.raises(GradientUndecided, match="too foggy") as caught:
                check_op(tg.sin, (-3, 3), order=1)
            assert any("6 of 50 calls could not be decided" in note for note in caught.value.__notes__)

    def test_all_of_a_few(self):
        with pytest.raises(GradientUndecided):
            check_op(lambda x: x * np.nan, examples=3)


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
