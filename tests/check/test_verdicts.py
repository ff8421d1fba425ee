"""The judge at what is hard to judge: every case in `cases` has the verdict that was written down for it, for every seed."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.check.cases import CASES, Case, op_of
from tinygrad_ko import nn
from tinygrad_ko.check import GradientMismatch, GradientUndecided, Slope, check_gradient, meant_as
from tinygrad_ko.check.blame.suggestion import WrongEntry, suggest


def judged(case: Case, seed: int) -> tuple[str, str]:
    """The verdict, and the report or the error as text, with its notes."""
    try:
        report = check_gradient(case.f, *case.inputs, rng=seed, **case.options)
    except (GradientMismatch, GradientUndecided) as error:
        verdict = "wrong" if isinstance(error, GradientMismatch) else "undecided"
        return verdict, "\n".join([str(error), *error.__notes__])
    return "right", str(report)


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_the_right_verdict(case):
    for seed in range(case.seeds):
        verdict, text = judged(case, seed)
        assert verdict == case.verdict, (seed, text)
        assert re.search(case.says, text), (seed, text)


class TestOtherDtypes:
    def remarks(self, f, *inputs, **options):
        return "; ".join(check_gradient(f, *inputs, **options).remarks)

    def test_a_gradient_that_vanishes_in_float32(self):
        assert "not checked in float32: the result itself is off by 1 of" in self.remarks(
            lambda x: tg.sin(x) * 1e-60, [0.5]
        )
        assert "in float32 the gradient of x is 0; in float64 it is up to" in self.remarks(
            lambda x: 1 + tg.sin(x * 1e-30) * 1e-30, [0.5e30]
        )

    def test_a_result_beyond_float32(self):
        assert "not checked in float32: the result is not finite" in self.remarks(tg.exp, [100.0])
        assert "the inputs are beyond its range" in self.remarks(lambda x: tg.sum(tg.sqrt(x)), [1e60])

    def test_a_gradient_that_is_nan_in_float32_alone(self):
        f = op_of("squared", np.square, lambda g, x: g * (x * 1e38 * 1e38) * 2e-38 * 1e-38)
        with pytest.raises(GradientMismatch, match="float32 is far from"):
            check_gradient(f, [1.5, 2.5])

    def test_float16_is_checked_in_float16(self):
        assert "float16 agrees to" in self.remarks(tg.sin, np.array([0.5, 1.5], dtype=np.float16))
        assert "float16" not in self.remarks(tg.sin, np.array([0.5, 1.5]))
        x = np.array([0.5, 1.5], dtype=np.float16)
        assert "checked in float64 alone, not in float16" in self.remarks(tg.sin, x, effort="quick")
        f = op_of("squared", np.square, lambda g, x: g * (x * 1e38 * 1e38) * 2e-38 * 1e-38)
        with pytest.raises(GradientMismatch, match="float"):
            check_gradient(f, x)


@dataclass
class Layer:
    W: Any
    b: Any
    name: str = "first"


class Point(NamedTuple):
    a: Any
    b: Any


REVERSED = op_of("reversed", np.copy, lambda g: -g)
WRONG = op_of("sin_", np.sin, lambda g, x: g * tg.cos(x) * 1.01)


class TestStructuredInputs:
    @pytest.mark.parametrize(
        ("container", "get", "labels"),
        [
            ((np.ones(2), np.ones(3)), lambda p: (p[0], p[1]), ["p[0]", "p[1]"]),
            ([np.ones(2), np.float64(3.0)], lambda p: (p[0], p[1]), ["p[0]", "p[1]"]),
            ({"a": {"b": np.ones(2)}, "c": [np.ones(3)]}, lambda p: (p["a"]["b"], p["c"][0]), ["a.b", "c[0]"]),
            (Layer(np.ones(2), np.ones(3)), lambda p: (p.W, p.b), ["p.W", "p.b"]),
            ({"one": Layer(np.ones(2), [1.0, 2.0])}, lambda p: (p["one"].W, p["one"].b), ["one.W", "one.b"]),
            (Point(np.ones(2), tg.Tensor([1.0])), lambda p: (p.a, p.b), ["p.a", "p.b"]),
        ],
    )
    def test_every_array_is_checked_and_named(self, container, get, labels):
        def f(p, x):
            first, second = get(p)
            return {"y": tg.sum(tg.sin(first)) * tg.sum(second), "z": [x * 2]}

        def wrong(p, x):
            first, second = get(p)
            return tg.sum(first) * tg.sum(WRONG(second)) + tg.sum(x)

        report = check_gradient(f, container, [1.0], order=2)
        assert [row["argument"] for row in report.rows() if row["order"] == 1] == [*labels, "x"]
        check_gradient(wrong, container, [1.0], wrt=labels[0])
        with pytest.raises(GradientMismatch):
            check_gradient(wrong, container, [1.0], wrt=labels[1])

    def test_what_is_given_by_name(self):
        def f(x, *, scale, options=None):
            return tg.sin(x) * scale["s"] * (2 if options == "twice" else 1)

        keywords = {"scale": {"s": np.array([2.0, 3.0])}, "options": "twice"}
        report = check_gradient(f, [1.0, 2.0], keywords=keywords)
        assert [row["argument"] for row in report.rows()] == ["x", "s"]
        with pytest.raises(GradientMismatch):
            check_gradient(lambda x, *, y: x * WRONG(y), [1.0], keywords={"y": [2.0]})

    def test_what_has_no_gradient_is_refused_by_name(self):
        class Sparse:
            def tocsr(self): ...

        for x, said in ((np.ones(2) * 1j, "'x' is complex128"), (1j, "complex"), (Sparse(), "'x' is Sparse")):
            with pytest.raises(TypeError, match=said) as caught:
                check_gradient(lambda x, y: y * 2, x, [1.0])
            assert caught.value.__notes__


class TestWhatIsMeant:
    @staticmethod
    @meant_as(lambda x: -x)
    def reversed_(x):
        return REVERSED(x)

    @staticmethod
    @meant_as(lambda x: np.ones(x.shape))
    def frozen(x):
        return tg.exp(x).detach()

    def test_the_rest_is_checked(self):
        for order in (1, 2):
            check_gradient(lambda x: tg.sin(self.reversed_(tg.exp(x))) * self.frozen(x), [0.3, 1.2], order=order)
        with pytest.raises(GradientMismatch, match="op sin_"):
            check_gradient(lambda x: WRONG(self.reversed_(tg.exp(x))) * self.frozen(x), [0.3, 1.2])
        with pytest.raises(GradientMismatch):
            check_gradient(lambda x: tg.sin(REVERSED(tg.exp(x))), [0.3, 1.2])

    def test_outside_of_a_check_it_computes_what_it_always_does(self):
        x = tg.Tensor([0.5], requires_grad=True)
        assert self.reversed_(x).tolist() == [0.5]
        self.reversed_(x).backward()
        assert x.grad is not None
        assert x.grad.tolist() == [-1.0]
        with pytest.raises(ZeroDivisionError):
            check_gradient(lambda x: self.reversed_(x) / 1 + 1 / 0, [0.5])
        assert self.reversed_(x).tolist() == [0.5]


class TestErrorsOfTheFunction:
    def test_an_assertion_of_its_own_is_no_verdict(self):
        def f(x):
            assert x.shape == (3,), "three numbers"
            return tg.sin(x)

        with pytest.raises(AssertionError, match="three numbers") as caught:
            check_gradient(f, [1.0, 2.0])
        assert not isinstance(caught.value, GradientMismatch | GradientUndecided)
        assert any("no verdict" in note for note in caught.value.__notes__)

    def test_beside_the_inputs_it_ends_the_domain(self):
        def f(x):
            assert (x.numpy() >= 0.5).all()
            return tg.sin(x)

        assert check_gradient(f, [0.501, 1.0]).verdict == "agrees"

    def test_one_that_is_stopped_beside_the_inputs_says_where(self):
        def f(x):
            if x.numpy()[0] < 0.45:
                raise KeyboardInterrupt  # somebody waited long enough for an iteration that does not end
            return tg.sqrt(x - 0.44)

        with pytest.raises(KeyboardInterrupt) as stopped:
            check_gradient(f, [0.5])
        english, korean = stopped.value.__notes__
        assert re.search(r"f was called -?0\.\d+ of the inputs' size beside them.*raise ValueError", english)
        assert "반복" in korean

    def test_a_slope_that_cannot_be_measured_has_no_ratio(self):
        slope = Slope(np.nan, np.inf, "not finite", 3)
        assert suggest(WrongEntry((0,), (0,), np.ones(2), np.ones(2), 1.0, slope), np.ones(2), None) == ("", "")

    def test_an_overflow_in_a_formula_is_the_formulas(self):
        f = op_of(
            "gauss", lambda x: np.exp(-x * x), lambda g, x, out: g * -2 * out * tg.exp(x) ** 2 * x / tg.exp(x) ** 2
        )
        with pytest.raises(
            GradientMismatch, match="the formula of gauss for 'x' gives no finite number, where the slope is"
        ):
            check_gradient(lambda x: tg.sum(f(x)), [1.0, 400.0])


class TestOtherThreads:
    @pytest.mark.parametrize("method", [False, True])
    def test_a_module_predicts_as_ever_while_it_is_checked(self, method):
        model = nn.Sequential(nn.Affine(4, 5, rng=0), nn.BatchNorm(5), nn.Relu(), nn.Affine(5, 2, rng=1))
        x = np.random.default_rng(0).normal(size=(6, 4))
        model.eval()
        expected, before = model(x).numpy(), {name: t.numpy() for name, t in model.named_tensors().items()}
        f = model.forward if method else model
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(1) as pool:
                checks = [
                    pool.submit(check_gradient, f, x, parameters=model if method else None, rng=k) for k in range(3)
                ]
                seen = [model(x).numpy() for _ in range(400)]
                assert {check.result().verdict for check in checks} == {"agrees"}
        finally:
            sys.setswitchinterval(interval)
        assert all(np.array_equal(y, expected) for y in seen)
        assert all(np.array_equal(t.numpy(), before[name]) for name, t in model.named_tensors().items())
