"""Derivatives written by hand for NumPy functions: right ones agree, of wrong ones the entry is named, and bad ones are refused."""

import ctypes
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.check import (
    GradientMismatch,
    GradientUndecided,
    check_grad,
    check_gradient,
    check_hess,
    check_hessp,
    check_jvp,
    check_vjp,
    meant_as,
)

A = np.random.default_rng(0).normal(size=(4, 3))
B = np.array([1.0, -2.0, 0.5, 3.0])
X = np.random.default_rng(1).normal(size=(2, 4))
X0 = [1.0, -2.0, 3.0]


def least_squares(x, A, b):
    return 0.5 * np.sum((A @ x - b) ** 2)


def its_gradient(x, A, b):
    return A.T @ (A @ x - b)


def layer(x, W):
    y = np.tanh(x @ W)
    return {"y": y, "more": [np.sum(y), y * y]}


def backward(g, x, W, factor=2.0):
    y = np.tanh(x @ W)
    gz = (g["y"] + g["more"][0] + g["more"][1] * factor * y) * (1 - y * y)
    return gz @ W.T, x.T @ gz


def forward_mode(x, W, dx, dW, factor=2.0):
    y = np.tanh(x @ W)
    dy = (1 - y * y) * (dx @ W + x @ dW)
    return {"y": dy, "more": [np.sum(dy), factor * y * dy]}


def blame(error):
    return error.value.report.blame


class TestGradients:
    def test_constants_follow_x0(self):
        report = check_grad(least_squares, its_gradient, X0, A, B)
        assert report.verdict == "agrees"
        assert list(report.shapes) == ["x"]

    def test_a_wrong_one_is_named_with_its_place(self):
        with pytest.raises(GradientMismatch, match=r"d out / d x\[\d\]: the derivative given is") as error:
            check_grad(least_squares, lambda x, A, b: 2 * its_gradient(x, A, b), X0, A, B)
        assert blame(error).ratio == pytest.approx(2)
        assert blame(error).op == "least_squares"
        assert blame(error).formula.startswith(__file__)

    def test_pairs(self):
        assert check_grad(lambda x: (np.sum(x**3), 3 * x**2), True, [1, 2, 3]).verdict == "agrees"
        with pytest.raises(GradientMismatch):
            check_grad(lambda x, k: (np.sum(x**3), k * x**2), True, X0, 2.0)

    @pytest.mark.parametrize("wrt", [["W", "b"], ["b", "W"], [2, "W"], (1, 2)])
    @pytest.mark.parametrize("form", [tuple, list, dict, "flat", "flat, and more"])
    def test_several_arguments(self, wrt, form):
        """The gradients are in the order of wrt, or in a dict; the others are constants."""

        def f(x, W, b, factor=1.0):
            y = x @ W + b
            by_name = {"W": x.T @ (2 * y), "b": factor * np.sum(2 * y, 0)}
            gradients = [by_name[("x", "W", "b")[name] if isinstance(name, int) else name] for name in wrt]
            more = ["not looked at"] * (form == "flat, and more")
            return np.sum(y * y), *(
                [by_name if form is dict else form(gradients)] if callable(form) else gradients + more
            )

        wrt = wrt if form is not dict else ["W", "b"]
        report = check_grad(f, True, X, A, np.ones(3), wrt=wrt)
        assert report.verdict == "agrees"
        assert set(report.shapes) == {"W", "b"}
        with pytest.raises(GradientMismatch, match=r"d out / d b\[\d\]: the derivative given is") as error:
            check_grad(f, True, X, A, np.ones(3), 1.5, wrt=wrt)
        assert blame(error).ratio == pytest.approx(1.5)
        assert "wrt=['W', 'b']" in error.value.report.script() or form is not dict

    def test_parameters_in_a_dict(self):
        def gradient(p, x, factor):
            y = x @ p["W"] + p["more"][0]
            return {"W": x.T @ y, "more": [factor * np.sum(y, 0)]}

        f = lambda p, x, _: 0.5 * np.sum((x @ p["W"] + p["more"][0]) ** 2)
        p = {"W": A, "more": [np.ones(3)]}
        assert check_grad(f, gradient, p, X, 1.0).verdict == "agrees"
        with pytest.raises(GradientMismatch, match=r"d out / d p\['more'\]\[0\]\[\d\]"):
            check_grad(f, gradient, p, X, 2.0)
        with pytest.raises(ValueError, match="p does not have the structure of the argument"):
            check_grad(f, lambda p, x, _: {"W": p["W"]}, p, X, 1.0)
        jacobian = lambda p: {"a": np.diag(p["b"]), "b": np.diag(p["a"])}
        assert check_grad(lambda p: p["a"] * p["b"], jacobian, {"a": np.ones(3), "b": np.array(X0)}).verdict == "agrees"

    def test_too_few_derivatives(self):
        f = lambda x, y: np.sum(x * y)
        for found in (np.ones(3), [np.ones(3)], {"x": np.ones(3)}):
            with pytest.raises(ValueError, match=r"must return one derivative for each of \['x', 'y'\], not") as error:
                check_grad(f, lambda x, y, found=found: found, X0, X0, wrt=["x", "y"])
            assert "미분값을 하나씩 반환해야 합니다: x, y" in error.value.__notes__[0]
        with pytest.raises(ValueError, match="wrt='z' is no argument"):
            check_grad(f, f, X0, X0, wrt="z")

    @pytest.mark.parametrize("found", [1.0, np.ones(2), (1.0,), None])
    def test_what_is_no_pair(self, found):
        def f(x):
            return found

        with pytest.raises(ValueError, match=r"f must return its value and its gradient, in a pair \(grad=T") as error:
            check_grad(f, True, X0)
        assert "쌍으로 반환해야 합니다" in error.value.__notes__[0]

    def test_a_pair_where_a_number_is_expected(self):
        def f(x):
            return np.sum(x * x), 2 * x

        with pytest.raises(ValueError, match=r"f returns a number and an array: .* pass grad=True") as error:
            check_grad(f, lambda x: 2 * x, X0)
        assert "grad=True를 넘기십시오" in error.value.__notes__[0]

    @pytest.mark.parametrize(
        ("option", "cure"),
        [("args", "one by one after x0"), ("jac", "grad=True"), ("atol", "rtol="), ("d", "a lambda")],
    )
    def test_options_of_other_checkers(self, option, cure):
        given: Any = {option: 1}
        with pytest.raises(TypeError, match=rf"check_grad\(\) has no option '{option}', only .*{cure}") as error:
            check_grad(np.sum, np.ones_like, X0, **given)
        assert f"{option} 옵션이 없습니다" in error.value.__notes__[0]

    def test_a_generator_is_a_constant(self):
        def dropped(x, rng):
            keep = rng.random(3) < 0.5
            return np.sum(x * x * keep), 2 * x * keep

        rng = np.random.default_rng(0)
        before = rng.bit_generator.state
        assert check_grad(dropped, True, X0, rng).verdict == "agrees"
        assert rng.bit_generator.state == before

    def test_residuals_and_their_jacobian(self):
        assert check_grad(lambda x: A @ x**2, lambda x: 2 * A * x, X0).verdict == "agrees"
        with pytest.raises(GradientMismatch) as error:
            check_grad(lambda x: A @ x**2, lambda x: 2 * A * np.array([1, 1, 0]) * x, X0)
        assert blame(error).entry.startswith("d out[")
        assert blame(error).index == (2,)

    def test_a_sparse_jacobian(self):
        class Sparse:
            def __init__(self, array):
                self.array = array

            def toarray(self):
                return self.array

        assert check_grad(lambda x: A @ x**2, lambda x: Sparse(2 * A * x), X0).verdict == "agrees"

    @pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,)])
    def test_any_shape(self, shape):
        x0 = np.random.default_rng(2).normal(size=shape)
        assert check_grad(lambda x: np.sum(np.sin(x)), np.cos, x0).verdict == "agrees"
        outer = np.eye(x0.size).reshape(shape + shape)
        assert check_grad(np.sin, lambda x: outer * np.cos(x), x0).verdict == "agrees"

    def test_one_number_in_an_array(self):
        assert check_grad(lambda x: np.array([np.sum(x * x)]), lambda x: 2 * x, X0).verdict == "agrees"

    @given(st.integers(0, 999), st.sampled_from([1e-6, 1e-3, 1.0]))
    def test_one_entry_off_by_little_is_found(self, seed, by):
        """In the habit of scipy.optimize.check_grad, whose answer is a norm; here the entry is named."""
        rng = np.random.default_rng(seed)
        x0, j = rng.normal(size=20), int(rng.integers(20))

        def wrong(x):
            g = np.cos(x)
            g[j] *= 1 + by
            return g

        with pytest.raises(GradientMismatch) as error:
            check_grad(lambda x: np.sum(np.sin(x)), wrong, x0, rng=seed)
        assert blame(error).index == (j,)

    @pytest.mark.parametrize("grad", [lambda x: np.ones(4), lambda x: np.ones((3, 1)), lambda x: 1.0])
    def test_a_derivative_of_another_shape(self, grad):
        with pytest.raises(ValueError, match=r"the derivative must have shape \(3,\), not") as error:
            check_grad(lambda x: np.sum(x), grad, X0)
        assert "미분값의 형상은 (3,)여야 합니다" in error.value.__notes__[0]

    def test_quick(self):
        report = check_grad(least_squares, its_gradient, X0, A, B, effort="quick")
        assert report.evaluations < 10

    def test_kinks(self):
        assert check_grad(lambda x: np.sum(np.abs(x)), np.sign, [1.0, 0.0]).projections[0].verdict == "subgradient"
        with pytest.raises(GradientMismatch, match="this is a kink"):
            check_grad(lambda x: np.sum(np.abs(x)), lambda x: np.where(x, np.sign(x), 2), [1.0, 0.0])


class TestHessians:
    @staticmethod
    def gradient(x):
        return x * np.sum(x)

    @staticmethod
    def hessian(x):
        return np.eye(3) * np.sum(x) + x[:, None]

    def test_right_and_wrong(self):
        assert check_hess(self.gradient, self.hessian, X0).verdict == "agrees"
        with pytest.raises(GradientMismatch, match=r"d gradient\[\d\] / d x\[\d\]"):
            check_hess(self.gradient, lambda x: self.hessian(x).T, X0)

    def test_products_with_a_vector(self):
        assert check_hessp(lambda x: x**3, lambda x, p: 3 * x**2 * p, X0).verdict == "agrees"
        with pytest.raises(GradientMismatch, match=r"d gradient\[(\d)\] / d x\[\1\]"):
            check_hessp(lambda x, k: k * x**3, lambda x, p, k: 3 * x**2 * p, X0, 2.0)
        with pytest.raises(GradientMismatch, match="not zero for a zero cotangent"):
            check_hessp(lambda x: x**3, lambda x, p: 3 * x**2, X0)


class TestProducts:
    def test_several_inputs_and_results(self):
        for report in (check_vjp(layer, backward, X, A), check_jvp(layer, forward_mode, X, A)):
            assert report.verdict == "agrees"
            assert list(report.shapes) == ["x", "W"]

    @pytest.mark.parametrize(
        "check",
        [
            partial(check_vjp, layer, partial(backward, factor=1.0)),
            partial(check_jvp, layer, partial(forward_mode, factor=1.0)),
        ],
    )
    def test_the_result_that_is_wrong_is_named_as_it_was_returned(self, check):
        with pytest.raises(GradientMismatch, match=r"d out\['more'\]\[1\]\[\d, \d\] / d x\[\d, \d\]") as error:
            check(X, A)
        assert blame(error).ratio == pytest.approx(0.5)
        with pytest.raises(GradientMismatch, match=r"/ d W\[\d, \d\]"):
            check(X, A, wrt="W")

    @pytest.mark.parametrize("check", [check_vjp, check_jvp])
    def test_structures_of_inputs(self, check):
        def affine(p, t):
            return p["W"] @ p["b"][0] * t

        def vjp(g, p, t):
            return {"W": np.outer(g * t, p["b"][0]), "b": [p["W"].T @ (g * t)]}, None

        def jvp(p, t, dp, dt):
            assert dt is None
            return (dp["W"] @ p["b"][0] + p["W"] @ dp["b"][0]) * t

        report = check(
            affine, vjp if check is check_vjp else jvp, {"W": A, "b": [np.array(X0)]}, np.array([1, 0, 2, 1])
        )
        assert list(report.shapes) == ["p['W']", "p['b'][0]", "t"]

    def test_labels_have_no_gradient(self):
        def picked(scores, t):
            return scores[np.arange(len(t)), t]

        def vjp(g, scores, t):
            back = np.zeros_like(scores)
            back[np.arange(len(t)), t] = g
            return back, None

        assert check_vjp(picked, vjp, X, np.array([0, 3])).verdict == "agrees"
        with pytest.raises(ValueError, match="no gradient of 'b' is given: leave it out, with wrt="):
            check_vjp(lambda a, b: a * b, lambda g, a, b: (g * b, None), X, X)
        assert check_vjp(lambda a, b: a * b, lambda g, a, b: (g * b, None), X, X, wrt="a").verdict == "agrees"

    def test_a_layer_that_remembers(self):
        class Sigmoid:
            def forward(self, x):
                self.out = 1 / (1 + np.exp(-x))
                return self.out

            def backward(self, dout):
                return dout * self.out * (1 - self.out)

        layer = Sigmoid()
        assert check_vjp(layer.forward, lambda g, x: (layer.forward(x), layer.backward(g))[1], X).verdict == "agrees"
        with pytest.raises(GradientMismatch, match=r"after f was called at other inputs.* an earlier call left behind"):
            check_vjp(layer.forward, lambda g, x: layer.backward(g), X)

    def test_properties_of_a_vjp(self):
        calls = count(1)
        for vjp, text in [
            (lambda g, x: np.cos(x), "not zero for a zero cotangent"),
            (lambda g, x: np.abs(g) * np.cos(x), "not linear in the cotangent"),
            (lambda g, x: g * np.cos(x) * (1 + 1e-3 * next(calls)), "another gradient .* at the second call"),
        ]:
            with pytest.raises(GradientMismatch, match=text):
                check_vjp(np.sin, vjp, X)

    def test_properties_of_a_jvp(self):
        calls = count(1)
        for jvp, text in [
            (lambda a, b, da, db: a * b, "not zero for a zero tangent"),
            (lambda a, b, da, db: np.abs(da) * b + a * db, "not linear in the tangent"),
            (lambda a, b, da, db: da * b + a * db + da * db, "'[a-z0-9]+'.* not linear in the tangent"),
            (lambda a, b, da, db: next(calls) * da * b, "another jvp at the second call"),
        ]:
            with pytest.raises(GradientMismatch, match=text) as error:
                check_jvp(lambda a, b: a * b, jvp, X, X + 1)
            assert "접선 벡터" in error.value.__notes__[0]

    def test_a_jvp_of_many_numbers_is_not_taken_apart(self):
        tangents = []

        def jvp(x, dx):
            tangents.append(dx)
            return np.cos(x) * dx

        x = np.random.default_rng(0).normal(size=10_000)
        assert check_jvp(np.sin, jvp, x).verdict == "agrees"
        assert len(tangents) < 30
        with pytest.raises(GradientMismatch) as error:
            check_jvp(np.sin, lambda x, dx: np.cos(x) * dx * np.where(np.arange(10_000) == 4321, 1.01, 1), x)
        assert blame(error).index == (4321,)


class TestCare:
    def test_only_float64_is_ever_given(self):
        """A C function that is called through ctypes would read past the end of a float32 array."""
        seen: set[Any] = set()

        def noting(f):
            def noted(*arrays):
                seen.update(a.dtype for a in arrays if isinstance(a, np.ndarray))
                return f(*arrays)

            return noted

        check_vjp(noting(np.sin), noting(lambda g, x: g * np.cos(x)), X.astype(np.float32))
        check_grad(noting(lambda x: np.sum(x * x)), noting(lambda x: 2 * x), X.astype(np.float32))
        check_jvp(noting(np.sin), noting(lambda x, dx: dx * np.cos(x)), X)
        check_hess(noting(lambda x: x**2), noting(lambda x: np.diag(2 * x)), X0)
        assert seen == {np.dtype(np.float64)}
        report = check_vjp(noting(np.sin), noting(lambda g, x: g * np.cos(x)), X, float32=True)
        assert np.dtype(np.float32) in seen
        assert "float32 agrees" in report.remarks[-1]

    def test_inputs_are_left_alone(self):
        x = X.copy()
        check_vjp(np.sin, lambda g, x: g * np.cos(x), x)
        assert np.array_equal(x, X)

    def test_writing_to_an_argument(self):
        with pytest.raises(ValueError, match="writes to its argument 'x'; work on a copy"):
            check_vjp(lambda x: np.add(x, 1, out=x), lambda g, x: g, X)
        with pytest.raises(GradientMismatch, match=r"the vjp of .* writes to its argument 'x'; work on a copy"):
            check_vjp(np.square, lambda g, x: 2 * g * np.add(x, 0.5, out=x), X)

    @pytest.mark.parametrize("where", ["a", "da"])
    def test_a_jvp_that_writes_to_what_it_is_given(self, where):
        def jvp(a, da):
            return np.multiply(da, 2, out={"a": a, "da": da}[where])

        with pytest.raises(GradientMismatch, match=r"the jvp of .* writes to its argument 'a' or its tangent"):
            check_jvp(lambda a: 2 * a, jvp, X)

    def test_a_list_of_one_array(self):
        assert check_vjp(lambda p: p[0] ** 2, lambda g, p: [2 * g * p[0]], [X]).verdict == "agrees"
        assert check_vjp(lambda x: 2 * x, lambda g, x: (2 * g,), X).verdict == "agrees"

    def test_a_dataclass_is_refused_by_name(self):
        @dataclass
        class Layer:
            W: Any

        with pytest.raises(TypeError, match=r"'p' is a dataclass \(Layer\): pass its fields, or a dict") as error:
            check_vjp(lambda p, x: p.W * x, lambda g, p, x: (None, g * p.W), Layer(X), X)
        assert "dataclasses.asdict(x)" in error.value.__notes__[0]

    def test_what_is_meant_as_another(self):
        reversal = meant_as(lambda x: -x)(lambda x: x)
        assert check_vjp(lambda x: np.sin(reversal(x)), lambda g, x: -g * np.cos(-x), X).verdict == "agrees"

    def test_an_argument_named_twice(self):
        with pytest.raises(ValueError, match=r"wrt=\['x', 'x'\] names an argument twice"):
            check_grad(lambda x: np.sum(x), lambda x: (np.ones(3), np.ones(3)), X0, wrt=["x", "x"])

    def test_memory_that_is_used_again(self):
        """A result or a gradient that is overwritten by the next call, as objectives of optimizers often do to save memory."""
        out, back = np.empty(X.shape), np.empty(X.shape)
        assert (
            check_vjp(lambda x: np.sin(x, out=out), lambda g, x: np.multiply(g, np.cos(x), out=back), X).verdict
            == "agrees"
        )
        assert (
            check_jvp(lambda x: np.sin(x, out=out), lambda x, d: np.multiply(d, np.cos(x), out=back), X).verdict
            == "agrees"
        )
        assert check_grad(lambda x: np.sum(np.sin(x)), lambda x: np.cos(x, out=back), X).verdict == "agrees"

    def test_writing_to_the_cotangent(self):
        with pytest.raises(GradientMismatch, match="writes to its cotangent g; work on a copy"):
            check_vjp(np.sin, lambda g, x: np.multiply(g, np.cos(x), out=g), X)

    @pytest.mark.parametrize("parts", [(X,), (X, X, X), X])
    def test_one_gradient_for_each_input(self, parts):
        with pytest.raises(ValueError, match="must return one gradient for each of 2 inputs, not"):
            check_vjp(lambda a, b: a * b, lambda g, a, b: parts, X, X)

    def test_shapes(self):
        with pytest.raises(ValueError, match=r"the gradient of 'x' has shape \(4, 2\), but 'x' has shape \(2, 4\)"):
            check_vjp(lambda x: np.sin(x), lambda g, x: (g * np.cos(x)).T, X)
        with pytest.raises(
            ValueError, match=r"the tangent of the result has shape \(4, 2\), but the result has shape \(2, 4\)"
        ):
            check_jvp(np.sin, lambda x, dx: (dx * np.cos(x)).T, X)
        with pytest.raises(ValueError, match="entries \\['y', 'more'\\] are needed, not \\['y'\\]"):
            check_jvp(layer, lambda x, W, dx, dW: {"y": dx @ W}, X, A)

    @pytest.mark.parametrize("f", [lambda x: None, lambda x: x + 1j, lambda x: {"y": "no"}])
    def test_only_real_numbers(self, f):
        with pytest.raises(TypeError, match="only real numbers can be checked"):
            check_vjp(f, lambda g, x: g, X)

    def test_no_functions(self):
        none: Any = None
        for check in (check_grad, check_vjp, check_jvp, check_hess, check_hessp):
            with pytest.raises(TypeError, match=rf"{check.__name__}: \w+ must be a function, not NoneType"):
                check(none, least_squares, X0)
            with pytest.raises(TypeError, match=rf"{check.__name__}: \w+ must be a function, not NoneType"):
                check(least_squares, none, X0)

    def test_there_is_no_second_order(self):
        with pytest.raises(ValueError, match="no second order; check_hess compares"):
            check_vjp(np.sin, lambda g, x: g * np.cos(x), X, order=2)  # type: ignore[call-arg] # not one of its options

    def test_it_is_only_called_with_numbers_of_the_kind_that_it_was_given(self):
        """Elsewhere an iteration may have no end, such as Newton's for the root of a number that is negative."""
        seen = []

        def root(x):
            seen.append(float(np.min(x)))
            return np.sqrt(x)

        assert check_vjp(root, lambda g, x: g / (2 * np.sqrt(x)), [0.5, 2.0, 7.0]).verdict == "agrees"
        assert min(seen) > 0.25

    def test_nothing_to_check(self):
        with pytest.raises(ValueError, match="nothing to check"):
            check_vjp(lambda n: n, lambda g, n: g, np.array([1, 2]))

    @pytest.mark.parametrize("x", [X + 1j, 1j])
    def test_complex_inputs_are_refused_by_name(self, x):
        with pytest.raises(TypeError, match="'b' is complex; only real, dense arrays"):
            check_vjp(lambda a, b: a, lambda g, a, b: (g, g), X, x)
        with pytest.raises(TypeError, match="'x' is complex; only real, dense arrays"):
            check_grad(lambda x: x, lambda x: x, x)

    def test_nan_is_named(self):
        with pytest.raises(GradientUndecided, match=r"its result is nan at out\[1\]; choose inputs inside its domain"):
            check_vjp(np.log, lambda g, x: g / x, [1.0, -1.0])
        with pytest.raises(GradientMismatch, match=r"not finite where the slope is: it is nan at x\[1\]"):
            check_grad(lambda x: np.sum(np.abs(x)), lambda x: x / np.abs(x), [1.0, 0.0])

    def test_an_error_of_the_users_own_is_passed_on(self):
        def broken(g, x):
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            check_vjp(np.sin, broken, X)


def test_a_value_and_its_gradient_in_place_of_the_gradient_are_refused():
    for check, second in ((check_hess, lambda x: 2 * np.eye(2)), (check_hessp, lambda x, p: 2 * p)):
        with pytest.raises(ValueError, match=r"pass the gradient alone, lambda x: grad\(x\)\[1\]"):
            check(lambda x: (np.sum(x**2), 2 * x), second, [1.0, 2.0])


def test_a_derivative_that_is_no_array_is_refused_by_its_type():
    with pytest.raises(TypeError, match="must be an array, not NoneType; a return may be missing"):
        check_grad(lambda x: np.sum(x**2), lambda x: None, [1.0, 2.0])


def test_a_function_of_numpy_arrays_that_is_given_tensors_is_sent_to_the_other_checks():
    square = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda x: x * x)
    for f in (lambda x: np.sum(np.asarray(x) ** 2), square):
        with pytest.raises((TypeError, ctypes.ArgumentError)) as error:
            check_gradient(f, [1.0, 2.0])
        assert "tg.check.check_grad(f, grad, x) or check_vjp" in error.value.__notes__[-2]
        assert "직접 작성한 미분을" in error.value.__notes__[-1]
