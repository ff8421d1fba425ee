"""JAX's functions in our graph, and ours in JAX: judged on both sides."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import func, nn

jax: Any = pytest.importorskip("jax")
jnp: Any = jax.numpy
check_grads: Any = pytest.importorskip("jax.test_util").check_grads
rng = np.random.default_rng(0)
X, W = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
AT = np.array([0, 1, 1])


# ------------------------------------------------------------------ JAX's functions here


def several(x: Any, p: Any, n: int, *, k: float) -> Any:
    return {"a": jnp.tanh(x @ p["W"]) * n, "b": [x.sum() * k, jnp.sin(x)[p["i"]]]}


def test_the_judge_on_jaxs_functions() -> None:
    """In float64, although JAX computes in float32 as it is."""
    f = func.from_jax(jax.jit(jax.scipy.special.i1))
    assert tg.check_gradient(f, [0.5, 2.0, 3.3], order=2, effort="quick").verdict == "agrees"
    loss = lambda x, W: func.from_jax(several)(x, {"W": W, "i": AT}, 2, k=3.0)
    assert tg.check_gradient(loss, X, W, order=2, effort="quick").verdict == "agrees"
    assert jnp.asarray(X).dtype == np.float32


def test_values_and_structure() -> None:
    p = {"W": W, "i": AT}
    ours = func.from_jax(several)(X, p, 2, k=3.0)
    with jax.enable_x64(True):
        theirs = several(jnp.asarray(X), {"W": jnp.asarray(W), "i": AT}, 2, k=3.0)
    assert ours["a"].tolist() == theirs["a"].tolist()
    assert [b.tolist() for b in ours["b"]] == [b.tolist() for b in theirs["b"]]
    assert type(ours["a"]) is np.ndarray
    assert type(func.from_jax(several)(tg.Tensor(X), p, 2, k=3.0)["b"][0]) is tg.Tensor
    f = func.from_jax(jnp.sin)
    assert [f(np.ones(2, dtype)).dtype for dtype in (np.float32, np.float64)] == [np.float32, np.float64]


def test_every_order() -> None:
    f: Any = func.from_jax(jnp.sin)
    for _ in range(3):
        f = func.grad(f)
    assert f(0.3) == pytest.approx(-np.cos(0.3), rel=1e-14)
    a, b = np.exp([0.5, 1.0])
    H = func.hessian(lambda x: (func.from_jax(jnp.exp)(x) * x[::-1]).sum())(np.array([0.5, 1.0]))
    np.testing.assert_allclose(H, [[a * 1.0, a + b], [a + b, b * 0.5]], rtol=1e-14)


def test_tensors_of_integers() -> None:
    f = func.from_jax(lambda x, i: x[i])
    assert f(X[0], tg.Tensor(AT)).tolist() == X[0][AT].tolist()
    times = func.from_jax(lambda x, y: x * y)
    assert (
        tg.grad(times(w := tg.Tensor(X, requires_grad=True), jnp.ones((2, 3))).sum(), w).tolist()
        == np.ones((2, 3)).tolist()
    )


def test_what_is_refused() -> None:
    x = tg.Tensor(X, requires_grad=True)
    with pytest.raises(TypeError, match=r"from_jax: <lambda> returned float at \['y'\], not a jax\.Array"):
        func.from_jax(lambda x: {"y": 1.0})(x)
    with pytest.raises(TypeError, match="from_jax: expected real numbers"):
        func.from_jax(jnp.fft.fft)(x)
    with pytest.raises(TypeError, match="compile: from_jax cannot be compiled"):
        tg.compile(func.from_jax(lambda x: x * 2))(x)


@pytest.mark.parametrize("change", [lambda f: f, jax.jit])
def test_outputs_keep_their_dtypes_and_those_that_are_no_floats_are_constants(change: Any) -> None:
    several = lambda a: ((a**2).sum(), a.argmax(), a > 0, jnp.asarray(2**53 + 1), a.astype(jnp.float32))
    f, x = func.from_jax(change(several)), tg.Tensor(X[0], requires_grad=True)
    y = f(x)
    assert [str(part.dtype) for part in y] == ["float64", "int64", "bool", "int64", "float32"]
    assert [part.tolist() for part in y[1:4]] == [X[0].argmax(), (X[0] > 0).tolist(), 2**53 + 1]
    assert [part.requires_grad for part in y] == [True, False, False, False, True]
    total = lambda x: (y := f(x))[0] + y[4].sum()
    np.testing.assert_allclose(tg.grad(total(x), x).numpy(), 2 * X[0] + 1)
    assert func.hvp(total, X[0], X[1]).tolist() == (2 * X[1]).tolist()
    assert func.from_jax(lambda a: a > 0)(X[0]).dtype == bool


# ------------------------------------------------------------------ ours in JAX


@pytest.mark.parametrize("double", [False, True])
def test_jaxs_judge_on_our_functions(double: bool) -> None:
    with jax.enable_x64(double):
        order, x, w = 2 if double else 1, jnp.asarray(X), jnp.asarray(W)
        f = func.to_jax(lambda x, W: tg.tanh(x @ W) ** 2)
        check_grads(f, (x, w), order=order, modes=["rev"])
        check_grads(jax.jit(f), (x, w), order=order, modes=["rev"])
        many = func.to_jax(lambda x, p, n: {"y": tg.sin(x) * n, "z": (p["W"].sum(), tg.exp(x[p["i"]]))})
        check_grads(lambda x, W: many(x, {"W": W, "i": jnp.asarray(AT)}, 2), (x, w), order=order, modes=["rev"])
        assert f(x, w).dtype == x.dtype


def test_jit_vmap_and_integers() -> None:
    f = func.to_jax(tg.sin)
    x = jnp.arange(3.0)
    np.testing.assert_allclose(jax.vmap(jax.grad(f))(x), np.cos(np.arange(3.0)), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(jax.vmap(f))(x), np.sin(np.arange(3.0)), rtol=1e-6)
    taken = func.to_jax(lambda x, i: (x[i] ** 2).sum())
    assert jax.jit(jax.grad(taken))(x, jnp.asarray(AT)).tolist() == [0, 4, 0]
    assert jax.grad(lambda x: func.to_jax(lambda x: x * 3.0)(x))(2.0) == 3
    third = jax.grad(jax.grad(jax.grad(f)))
    assert third(0.3) == pytest.approx(-np.cos(0.3), rel=1e-6)


def test_a_module_of_ours_is_frozen_or_gets_its_parameters_as_arguments() -> None:
    x = jnp.ones((1, 3))
    layer = nn.Affine(3, 2, rng=0)
    with pytest.raises(RuntimeError, match="to_jax: Affine reads a Tensor that requires a gradient") as caught:
        func.to_jax(layer)(x)
    assert caught.value.__notes__
    for p in layer.parameters():
        p.requires_grad = False
    assert func.to_jax(layer)(x).shape == (1, 2)
    net = nn.TwoLayerNet(3, 4, 2, rng=0)
    t = np.array([0, 1])
    with jax.enable_x64(True):
        params = {name: jnp.asarray(p) for name, p in net.params.items()}
        found = jax.grad(lambda p: func.to_jax(net.loss_of)(p, X, t))(params)
        for name, g in net.gradient(X, t).items():
            np.testing.assert_allclose(found[name], g, rtol=1e-12)


def test_there_and_back() -> None:
    f = func.from_jax(func.to_jax(func.from_jax(jnp.tanh)))
    assert tg.check_gradient(f, X, order=2, effort="quick").verdict == "agrees"


@pytest.mark.parametrize("double", [False, True])
def test_what_we_return_keeps_its_dtype_there(double: bool) -> None:
    def several(a: Any) -> Any:
        return {"s": (a**2).sum(), "b": a.numpy() > 0, "f": a.astype(np.float32), "n": np.argmax(a.numpy())}

    with jax.enable_x64(double):
        f, x = func.to_jax(several), jnp.asarray(X[0])
        for y in (f(x), jax.jit(f)(x)):
            wide = "64" if double else "32"
            assert [str(y[k].dtype) for k in "sbfn"] == ["float" + wide, "bool", "float32", "int" + wide]
            assert [y[k].tolist() for k in "bn"] == [(X[0] > 0).tolist(), X[0].argmax()]
        g = jax.jit(jax.grad(lambda x: (y := f(x))["s"] + y["f"].sum()))
        np.testing.assert_allclose(g(x), 2 * X[0] + 1, rtol=1e-6)
        assert jax.grad(lambda x: g(x).sum())(x).tolist() == [2, 2, 2]
        assert jax.jit(jax.vmap(f))(jnp.stack([x, -x]))["n"].tolist() == [X[0].argmax(), X[0].argmin()]


def test_what_cannot_be_called_with_ones_under_jit() -> None:
    inv = func.to_jax(tg.linalg.inv)
    assert jax.jit(inv)(2 * jnp.eye(2)).tolist() == [[0.5, 0], [0, 0.5]]

    def picky(x: Any) -> Any:
        if x.numpy().max() < 2:
            raise ValueError("too small")
        return x * 2

    assert func.to_jax(picky)(jnp.full(2, 3.0)).tolist() == [6, 6]
    with pytest.raises(RuntimeError, match=r"to_jax: .* what picky returns .* with ones.*: too small; call") as caught:
        jax.jit(func.to_jax(picky))(jnp.full(2, 3.0))
    assert len(caught.value.__notes__) > 1


def test_second_derivatives_are_those_of_reverse_mode() -> None:
    f, x = func.to_jax(lambda x: (x**3).sum()), jnp.array([1.0, 2.0])
    assert jax.jacrev(jax.grad(f))(x).tolist() == [[6, 0], [0, 12]]
    with pytest.raises(TypeError, match="forward-mode"):
        jax.hessian(f)(x)
