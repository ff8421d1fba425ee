"""Every formula of the rule book, held against the slope that the function really has."""

import importlib
import inspect
import pkgutil
import warnings
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.domains import is_float, sample
from tests.ops.slopes import slopes
from tests.ops.table import OPS, ROWS
from tinygrad_ko import ops
from tinygrad_ko.arrays.indexing import IndexedGradient
from tinygrad_ko.check import GradientMismatch, check_gradient
from tinygrad_ko.engine.graph import behind
from tinygrad_ko.engine.op import op

FEWER = max(1, settings().max_examples // 2)  # of what takes long: a check at both orders
BY_NAME = pytest.mark.parametrize("name", [f.__name__ for f in ROWS])
ROW = {f.__name__: (f, row) for f, row in ROWS.items()}


def shipped():
    """Every op that is defined in the rule book, found by walking it."""
    for module in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if inspect.isfunction(value) and hasattr(value, "op"):
                yield value


def bound(function, options, seen=None):
    """The function with its options; an op stays an op. With `seen`, that of its result."""
    call: Any = partial(function, **options)
    if seen:
        call = lambda *arguments: seen(function(*arguments, **options))
    vars(call)["__name__"] = function.__name__
    return call


def test_every_op_has_a_row():
    assert {f.__name__ for f in shipped()} == set(OPS)


@BY_NAME
def test_it_computes_what_numpy_computes(name):
    function, row = ROW[name]

    @given(row.calls)
    def holds(call):
        arguments, options = call
        f = bound(function, options, row.seen)
        out, like = f(*arguments), bound(row.like, options, row.seen)(*arguments)
        np.testing.assert_allclose(out, like, rtol=1e-12, atol=1e-12, strict=False)
        assert np.shape(out) == np.shape(like)
        recorded = f(*(tg.Tensor(a) if isinstance(a, np.ndarray) and a.dtype == float else a for a in arguments))
        assert np.array_equal(recorded.numpy(), out)

    holds()


@BY_NAME
def test_its_gradients_are_its_slopes_at_both_orders(name):
    function, row = ROW[name]

    @given(row.calls, st.integers(0, 99))
    @settings(max_examples=FEWER)
    def holds(call, seed):
        arguments, options = call
        check_gradient(bound(function, options, row.seen), *arguments, order=2, rng=seed)

    holds()


@BY_NAME
def test_float32_stays_float32_inside_its_formulas(name):
    """The walk would cast a float64 gradient back: so every formula of the graph is called by itself."""
    function, row = ROW[name]

    @given(row.calls)
    @settings(max_examples=20)
    def holds(call):
        arguments, options = call
        if options.get("dtype") is np.float64:
            return
        leaves: list[Any] = [leaf32(a) for a in arguments]
        y = function(*leaves, **options)
        for node in filter(lambda node: node.op, behind(y.node)):
            assert node.dtype == np.float32, f"{node.op.name} gives {node.dtype}"
            for argument, _, part in node.contributions(np.ones(node.shape, node.dtype)):
                assert part.dtype == np.float32, f"the formula of {node.op.name} for {argument} gives {part.dtype}"
        if y.requires_grad:
            y.backward(np.ones(y.shape))
        assert all(x.grad.dtype == np.float32 for x in leaves if isinstance(x, tg.Tensor) and x.grad is not None)

    holds()


@BY_NAME
def test_integers_in_a_tensor_are_integers_in_an_array(name):
    """What an array of integers gives, or is refused with, a constant Tensor of them gives, or is refused with."""
    function, row = ROW[name]
    arguments, options = sample(row, 3)[-1]
    whole = [np.ceil(np.abs(a)).astype(int) if is_float(a) else a for a in arguments]
    tensors: list[Any] = [tg.Tensor(a) if is_float(b) else a for a, b in zip(whole, arguments, strict=True)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = function(*whole, **options)
        except Exception as error:
            with pytest.raises(type(error)):
                function(*tensors, **options)
        else:
            out = function(*tensors, **options)
            for a, b in zip(results(out), results(expected), strict=True):
                np.testing.assert_array_equal(np.asarray(a), b)


def results(out):
    """The results of a function that may have several."""
    return out if isinstance(out, tuple) else [out]


def leaf32(a):
    return tg.Tensor(a.astype(np.float32), requires_grad=True) if isinstance(a, np.ndarray) and a.dtype == float else a


def parts(part):
    return [p.values if isinstance(p, IndexedGradient) else p for p in (part if isinstance(part, list) else [part])]


def respelled(record, changes):
    """The same op with some of its formulas' results passed through a function."""

    def changed(formula, change):
        def spoiled(*words):
            return change(formula(*words))

        vars(spoiled)["__signature__"] = inspect.signature(formula)
        return spoiled

    formulas = {a: changed(f, changes[a]) if a in changes else f for a, f in record.formulas.items()}
    return op(broadcasts=record.broadcasts, keeps=record.keeps, **formulas)(record.forward)


def test_a_softmax_without_gradient_is_caught():
    """A cotangent of ones would pass it: the sum over softmax is constant."""
    blind = respelled(OPS["softmax"].op, {"x": lambda part: part * 0})
    with pytest.raises(GradientMismatch, match="softmax"):
        check_gradient(blind, np.array([[0.1, -0.5, 0.7]]))


class TestConventionsAtKinks:
    def test_the_slope_of_relu_abs_sign_and_step_at_0_is_0(self):
        for f in (tg.relu, tg.abs, tg.sign, tg.step_function):
            assert slopes(f, [0.0, -0.0]) == [[0.0, 0.0]]

    def test_equal_arguments_of_maximum_and_minimum_share(self):
        for f in (tg.maximum, tg.minimum):
            assert slopes(f, [1.0, 2.0], [1.0, 2.0]) == [[0.5, 0.5], [0.5, 0.5]]

    @pytest.mark.parametrize("f", [tg.max, tg.min])
    def test_ties_of_max_and_min_share_equally(self, f):
        x: Any = tg.Tensor([[3.0, 3.0, 3.0], [1.0, 1.0, 1.0]], requires_grad=True)
        f(x, axis=1).backward([3.0, 6.0])
        assert x.grad.tolist() == [[1, 1, 1], [2, 2, 2]]

    def test_clip_passes_the_gradient_on_its_limits(self):
        assert slopes(lambda x: tg.clip(x, -1, 1), [-1.0, 1.0, 1.5]) == [[1.0, 1.0, 0.0]]

    def test_the_double_where_keeps_nan_out_at_both_orders(self):
        x = tg.Tensor([0.0, 4.0], requires_grad=True)
        safe = tg.where(x > 0, x, 1.0)
        (first,) = tg.grad(tg.where(x > 0, tg.sqrt(safe), 0.0), [x], [1.0, 1.0], create_graph=True)
        assert first.tolist() == [0.0, 0.25]
        assert tg.grad(first, x, [1.0, 1.0]).tolist() == [0.0, -1 / 32]

    def test_a_zero_cotangent_does_not_hide_an_infinite_slope(self):
        """sqrt(x) * sqrt(x) is x: a rule that masked zero cotangents would say 0 where the truth is 1."""
        x: Any = tg.Tensor(0.0, requires_grad=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            (tg.sqrt(x) * tg.sqrt(x)).backward()
        assert np.isnan(x.grad)


class TestFarEnds:
    def test_sigmoid_and_softmax_at_1000(self):
        assert tg.sigmoid(np.array([-1000.0, 1000.0])).tolist() == [0, 1]
        assert tg.softmax(np.array([1010.0, 1000.0, 990.0])).sum() == 1
        assert tg.logsumexp(np.array([1000.0, 1000.0])) == 1000 + np.log(2)
        assert tg.logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
        assert tg.log_softmax(np.array([0.0, -1000.0])).tolist() == [0, -1000]

    def test_powers_at_0(self):
        assert slopes(lambda x: x**0, [0.0]) == [[0.0]]
        assert slopes(lambda x: x**1, [0.0]) == [[1.0]]
        assert slopes(lambda x: x**2, [0.0]) == [[0.0]]
        assert slopes(tg.pow, [0.0], [2.0]) == [[0.0], [0.0]]
