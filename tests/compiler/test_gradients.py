"""Gradients through compiled functions: of every order, those of the function itself."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.fuzz.programs import drawn
from tests.ops.table import ROWS
from tinygrad_ko import nn

X = np.random.default_rng(3).normal(size=(5, 3))
W = np.random.default_rng(4).normal(size=(3, 4))


def network():
    return nn.Sequential(nn.Affine(3, 4, rng=0), nn.Tanh(), nn.Affine(4, 2, rng=1))


def gradients(model):
    return [p.grad for p in model.parameters()]


def require_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None and b is None) or (a.dtype == b.dtype and np.array_equal(a, b))


def two_results(w, x):
    h = tg.tanh(x @ w)
    return {"all": h, "sums": (tg.sum(h * h, axis=0), tg.sum(w))}


def test_a_compiled_function_passes_the_gradient_check_in_both_orders():
    assert (
        tg.check_gradient(tg.compile(lambda w, x: tg.sum(tg.tanh(x @ w), axis=0) ** 2), W, X, order=2).verdict
        == "agrees"
    )
    model = network()
    assert tg.check_gradient(tg.compile(model), X, parameters=model, order=2).verdict == "agrees"


def test_parameters_of_a_compiled_model_get_their_gradients():
    eager, model = network(), network()
    compiled = tg.compile(model)
    for _ in range(3):  # the gradients are added up
        for f in (eager, compiled):
            tg.sum(f(X) ** 2).backward()
    require_same(gradients(model), gradients(eager))


@pytest.mark.parametrize("given", [(True, True), (True, False), (False, True)])
def test_several_results_and_any_of_the_arguments(given):
    found = []
    for f in (two_results, tg.compile(two_results)):
        w, x = (tg.Tensor(a, requires_grad=required) for a, required in zip((W, X), given, strict=True))
        y = f(w, x)
        (tg.sum(y["all"] ** 3) + tg.sum(y["sums"][0]) + 2 * y["sums"][1]).backward()
        found.append([w.grad, x.grad])
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        assert a is None or np.allclose(a, b, rtol=1e-13)


def test_derivatives_of_every_order():
    f = lambda x: tg.sum(x**5)
    compiled, x = tg.compile(f), np.array([0.5, -2.0])
    assert tg.func.grad(tg.func.grad(tg.func.grad(tg.compile(lambda x: x**4))))(2.0) == 48.0
    for transform in (tg.func.grad, tg.func.hessian, tg.func.jacobian):
        np.testing.assert_array_equal(transform(compiled)(x), transform(f)(x))
        np.testing.assert_array_equal(tg.compile(transform(f))(x), transform(f)(x))
    np.testing.assert_array_equal(tg.func.hvp(compiled, x, x), tg.func.hvp(f, x, x))
    np.testing.assert_array_equal(tg.compile(lambda x, v: tg.func.hvp(f, x, v))(x, x), tg.func.hvp(f, x, x))
    for a, b in zip(tg.func.jvp(compiled, (x,), (x,)), tg.func.jvp(f, (x,), (x,)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
    np.testing.assert_array_equal(tg.func.vjp(compiled, x)[1](3.0)[0], tg.func.vjp(f, x)[1](3.0)[0])
    leaf = tg.Tensor(x, requires_grad=True)
    first = tg.grad(compiled(leaf), leaf, create_graph=True)
    second = tg.grad(tg.sum(first), leaf, create_graph=True)
    np.testing.assert_allclose(tg.grad(tg.sum(second), leaf).numpy(), 60 * x**2, rtol=1e-14)


def test_what_a_result_does_not_depend_on_gets_no_gradient():
    model = network()
    model.unused = tg.Tensor([1.0], requires_grad=True)
    compiled = tg.compile(model)
    tg.sum(compiled(X)).backward()
    assert model.unused.grad is None
    with pytest.raises(RuntimeError, match="does not depend on x number 0"):
        tg.grad(tg.sum(compiled(X)), model.unused)
    assert not tg.compile(lambda x: x * 2)(tg.Tensor(X)).requires_grad
    with tg.no_grad():
        assert not compiled(X).requires_grad


def test_gradients_are_those_of_the_values_at_the_call():
    eager, model = network(), network()
    compiled = tg.compile(model)
    for f, owner in ((eager, eager), (compiled, model)):
        x = X.copy()
        y = tg.sum(f(x) ** 2)
        x[:] = 0
        for p in owner.parameters():
            p.data[...] = 1
        y.backward()
    require_same(gradients(model), gradients(eager))


def test_a_parameter_that_is_frozen_later():
    model = network()
    compiled = tg.compile(model)
    assert compiled(X).requires_grad
    for p in model.parameters():
        p.requires_grad = False
    assert not compiled(X).requires_grad
    model.layers[0].b.requires_grad = True
    tg.sum(compiled(X)).backward()
    assert [p.grad is not None for p in model.named_tensors().values()] == [False, True, False, False]


def test_a_graph_is_used_once_unless_it_is_kept():
    leaf = tg.Tensor(X, requires_grad=True)
    y = tg.compile(lambda x: tg.sum(tg.exp(x)))(leaf)
    y.backward(keep_graph=True)
    y.backward()
    np.testing.assert_array_equal(np.asarray(leaf.grad), 2 * np.exp(X))
    with pytest.raises(RuntimeError, match="has freed the saved values"):
        y.backward()
    z = tg.compile(lambda x: tg.sum(tg.exp(x)))(leaf)
    leaf.requires_grad = False
    z.backward()


def test_a_step_that_calls_backward_inside_leaves_a_used_graph():
    model = network()

    def step(x):
        loss = tg.sum(model(x) ** 2)
        loss.backward()
        return loss

    loss = tg.compile(step)(X)
    found = gradients(model)
    with pytest.raises(RuntimeError, match="has freed the saved values"):
        loss.backward()
    model.zero_grad()
    step(X)
    require_same(found, gradients(model))


@pytest.mark.parametrize("rng", [None, 5])
def test_dropout_has_the_same_mask_in_backward(rng):
    def grown():
        np.random.seed(8)
        x = tg.Tensor(np.ones((4, 5)), requires_grad=True)
        layer = nn.Dropout(0.5, rng=None if rng is None else np.random.default_rng(rng))
        return x, layer

    (x, layer), (a, other) = grown(), grown()
    np.random.seed(8)
    compiled = tg.compile(layer)
    first, second = compiled(x), compiled(x)
    after = np.random.random()
    tg.sum(first * 2 + second**3).backward()
    np.random.seed(8)
    one, two = other(a), other(a)
    assert np.random.random() == after
    tg.sum(one * 2 + two**3).backward()
    np.testing.assert_array_equal(
        first.numpy() if not first.requires_grad else first.detach().numpy(), one.detach().numpy()
    )
    np.testing.assert_array_equal(x.grad, a.grad)


def test_random_numbers_that_cannot_be_drawn_again():
    rng, x = np.random.default_rng(5), tg.Tensor(np.ones((4, 5)), requires_grad=True)
    compiled: Any = tg.compile(nn.Dropout(0.5, rng=rng))
    compiled(x)
    ((program,),) = compiled.programs.values()
    compute = program.compute
    program.compute = lambda *arrays: (rng.random(), compute(*arrays))[1]  # as another thread might
    y = compiled(x)
    with pytest.raises(RuntimeError, match="give each thread a Generator of its own"):
        y.backward(np.ones((4, 5)))
    assert x.grad is None


def test_batch_norm_moves_its_averages_once():
    eager, layer = nn.BatchNorm(3), nn.BatchNorm(3)
    compiled = tg.compile(layer)
    for f in (eager, compiled):
        tg.sum(f(X) ** 3).backward()
    require_same([layer.gamma.grad], [eager.gamma.grad])
    require_same([layer.running_mean.numpy()], [eager.running_mean.numpy()])


def test_a_mode_that_changes_before_backward_is_refused_or_right():
    layer = nn.BatchNorm(3).train()
    compiled = tg.compile(layer)
    y = compiled(X)
    layer.eval()
    with pytest.raises(RuntimeError, match="not as it was at the call"):
        y.backward(np.ones((5, 3)), keep_graph=True)
    layer.train()
    y.backward(np.ones((5, 3)))
    before: Any = layer.gamma.grad
    layer.zero_grad()
    z = compiled(X)
    layer.eval()
    z.backward(np.ones((5, 3)))  # its program was made for the first one
    np.testing.assert_array_equal(np.asarray(layer.gamma.grad), before)


@pytest.mark.parametrize("seed", range(4))
def test_random_programs(seed):
    rng = np.random.default_rng(seed)
    program = drawn(rng, list(ROWS), 0)
    arrays = [np.asarray(x) for x in program.inputs.values()]

    def run(f):
        inputs = [tg.Tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in arrays]
        y = f(*inputs)
        if not isinstance(y, tg.Tensor) or not y.requires_grad:
            return [np.asarray(y)]
        y.backward(np.full(y.shape, 0.75, y.dtype))
        return [y.detach().numpy(), *(x.grad for x in inputs if isinstance(x, tg.Tensor))]

    with np.errstate(all="ignore"):
        try:
            found = run(tg.compile(program))
        except TypeError as error:
            if "compile: " not in str(error):  # what depends on data is refused
                raise
            return
        for a, b in zip(found, run(program), strict=True):
            assert (a is None) == (b is None)
            np.testing.assert_array_equal(a, b)


def test_half_precision_and_single():
    for dtype in (np.float16, np.float32):
        found: list[Any] = []
        for f in (two_results, tg.compile(two_results)):
            w = tg.Tensor(W, requires_grad=True, dtype=dtype)
            y = f(w, X.astype(dtype))
            tg.sum(y["sums"][0]).backward()
            found.append((w.grad, y["all"].dtype))
        assert {x.dtype for x, _ in found} | {kind for _, kind in found} == {np.dtype(dtype)}
        np.testing.assert_allclose(found[0][0], found[1][0], rtol=0 if dtype == np.float32 else 0.03)


def test_inside_a_checkpoint_a_scope_and_a_watched_block():
    f = tg.compile(lambda x: tg.exp(x) * 2)
    x = tg.Tensor(X, requires_grad=True)
    tg.sum(tg.func.checkpoint(f, x)).backward()
    np.testing.assert_array_equal(np.asarray(x.grad), np.exp(X) * 2)
    with tg.scope("encoder"):
        assert f(x).node.scope == ("encoder",)
    with tg.watch():
        assert f(x).node.op.name == "multiply"  # the function itself was called
