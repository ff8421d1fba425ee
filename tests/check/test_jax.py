"""Functions of JAX, plain, jitted and with rules of their own, judged in float64. Skipped where JAX is missing."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient

jax: Any = pytest.importorskip("jax")
jnp = jax.numpy
X = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4)))


def softplus(x):
    return jnp.log1p(jnp.exp(x))


def with_backward(backward):
    f = jax.custom_vjp(softplus)
    f.defvjp(lambda x: (softplus(x), x), backward)
    return f


RIGHT = with_backward(lambda x, g: (g * jax.nn.sigmoid(x),))
WRONG = with_backward(lambda x, g: (g * jax.nn.sigmoid(x) * (1 - 1e-6 * x),))


def test_it_is_judged_in_float64_and_x64_is_off_afterwards():
    report = check_gradient(RIGHT, X)
    assert report.verdict == "agrees"
    assert report.remarks[0] == f"JAX {jax.__version__}, judged in float64 (x64); given: float32"
    assert "float32 agrees" in report.remarks[1]
    assert not jax.config.jax_enable_x64
    assert jnp.ones(1).dtype == jnp.float32


def test_a_wrong_custom_vjp_is_named_with_its_place():
    with pytest.raises(GradientMismatch, match=r"the formula of softplus for 'x', at .*test_jax.py") as error:
        check_gradient(WRONG, X)
    assert error.value.report.blame
    assert error.value.report.blame.ratio == pytest.approx(1, abs=1e-5)


def test_in_a_jitted_function_the_entry_is_named():
    with pytest.raises(GradientMismatch, match=r"lambda at test_jax.py:\d+: the gradient is wrong\n  d out"):
        check_gradient(jax.jit(lambda x: 2 * WRONG(x)), X)


def test_custom_jvps():
    for factor in (1.0, 1.01):
        f = jax.custom_jvp(softplus)
        f.defjvp(lambda x, d, factor=factor: (softplus(*x), factor * d[0] * jax.nn.sigmoid(x[0])))
        if factor == 1:
            assert check_gradient(f, X).verdict == "agrees"
        else:
            with pytest.raises(GradientMismatch, match=r"the formula of softplus for 'x', at .*ratio 1\.01|ratio 1.01"):
                check_gradient(f, X)


def test_structures_and_integers():
    def net(p, x, t):
        z = jax.nn.relu(x @ p["W"] + p["b"][0]) @ p["V"]
        return -jnp.mean(jax.nn.log_softmax(z)[jnp.arange(3), t]), {"z": z, "class": jnp.argmax(z, 1)}

    rng = np.random.default_rng(0)
    p = {"W": jnp.asarray(rng.normal(size=(4, 5))), "b": [jnp.ones(5)], "V": jnp.asarray(rng.normal(size=(5, 2)))}
    report = check_gradient(jax.jit(net), p, X, jnp.array([0, 1, 1]))
    assert [row["argument"] for row in report.rows()] == ["p['W']", "p['b'][0]", "p['V']", "x"]
    assert "float32 agrees" in report.remarks[1]
    with pytest.raises(GradientMismatch, match=r"d out\[1\]\['z'\]\[\d, \d\] / d p\['W'\]\[\d, \d\]"):
        check_gradient(lambda p, x: (1.0, {"z": WRONG(x @ p["W"])}), p, X, wrt="p['W']")


def test_nondifferentiable_arguments():
    @partial(jax.custom_vjp, nondiff_argnums=(1,))
    def clip(x, c):
        return jnp.clip(x, -c, c)

    clip.defvjp(lambda x, c: (clip(x, c), x), lambda c, x, g: (jnp.where(jnp.abs(x) < c, g, 0),))
    assert [row["argument"] for row in check_gradient(clip, X, 0.5).rows()] == ["x"]
    assert check_gradient(lambda x, k: x * jax.random.normal(k, x.shape), X, jax.random.key(0)).verdict == "agrees"


def test_the_second_order():
    report = check_gradient(lambda p, x: {"z": jnp.tanh(x @ p["W"]), "at": jnp.argmax(x)}, {"W": X.T}, X, order=2)
    assert [row["argument"] for row in report.rows()[2:]] == [
        "p['W']",
        "x",
        "the cotangent['at']",
        "the cotangent['z']",
    ]
    once = with_backward(lambda x, g: (g * jax.nn.sigmoid(jax.lax.stop_gradient(x)),))
    assert check_gradient(once, X).verdict == "agrees"
    with pytest.raises(GradientMismatch, match=r"d gradient\['x'\]\[\d, \d\] / d x\[\d, \d\], at order 2"):
        check_gradient(once, X, order=2)


def test_numbers():
    assert check_gradient(jax.jit(jnp.sin), 2.0).verdict == "agrees"


def test_kinks():
    assert check_gradient(jax.nn.relu, jnp.array([0.0, 1.0])).projections[0].verdict == "subgradient"
    with pytest.raises(GradientUndecided, match="kinks"):
        check_gradient(lambda x: jax.nn.relu(x) - jax.nn.relu(-x), jnp.array([0.0, 1.0]))


def test_a_part_outside_the_graph():
    with pytest.raises(GradientMismatch, match=r"outside the graph\? look for stop_gradient"):
        check_gradient(lambda x: jnp.sin(jax.lax.stop_gradient(x)), X)


def test_what_cannot_be_checked():
    with pytest.raises(TypeError, match="only real numbers can be checked"):
        check_gradient(lambda x: x * 1j, X)
    with pytest.raises(TypeError, match="leave parameters= out"):
        check_gradient(jnp.sin, X, parameters=[X])


@pytest.mark.parametrize("seed", range(3))
def test_a_mask_of_random_numbers_is_one_for_one_key(seed):
    def drop(x, key):
        return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x * x, 0)

    assert check_gradient(drop, X, jax.random.key(seed), effort="quick").verdict == "agrees"
