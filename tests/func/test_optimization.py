"""SciPy's solvers and minimisers, with gradients."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import func, nn

optimize: Any = pytest.importorskip("scipy.optimize")
rng = np.random.default_rng(0)
W, B = rng.normal(size=(3, 3)) * 0.3, np.array([1.0, -0.5, 0.25])


def bowl(x: Any, W: Any, b: Any) -> Any:
    return ((W @ x - b) ** 2).sum() + (x**4).sum()


SOLVED = {
    "fixed_point": lambda W, b: func.fixed_point(lambda x: tg.tanh(W @ x + b), np.zeros(3), xtol=1e-14),
    "fixed_point by iteration": lambda W, b: func.fixed_point(
        lambda x, W, b: tg.tanh(W @ x + b), np.zeros(3), args=(W, b), xtol=1e-14, method="iteration"
    ),
    "root": lambda W, b: func.root(lambda x: W @ tg.sin(x) + x**3 - b, np.ones(3), tol=1e-14).x,
    "root without derivatives": lambda W, b: (
        func.root(lambda x, W, b: W @ tg.sin(x) + x**3 - b, np.ones(3), args=(W, b), tol=1e-14, method="krylov").x
    ),
    "minimize by BFGS": lambda W, b: func.minimize(lambda x, b: bowl(x, W, b), np.zeros(3), b, "BFGS", tol=1e-11).x,
    "minimize": lambda W, b: func.minimize(bowl, np.zeros(3), (W, b), tol=1e-11).x,
    "the minimum": lambda W, b: func.minimize(lambda x: bowl(x, W, b), np.zeros(3), tol=1e-9).fun,
}


@pytest.mark.filterwarnings("ignore:root. SciPy found no solution")  # far out, where the oracle also looks
@pytest.mark.parametrize("name", SOLVED)
def test_the_judge(name: str) -> None:
    assert tg.check_gradient(SOLVED[name], W, B, order=2).verdict == "agrees"


@pytest.mark.parametrize("method", ["Nelder-Mead", "CG", "Newton-CG", "trust-exact", "trust-ncg"])
def test_methods_of_minimize(method: str) -> None:
    """Those without a gradient, with one, and with second derivatives."""
    b = tg.Tensor(B, requires_grad=True)
    result = func.minimize(lambda x: bowl(x, W, b), np.zeros(3), method=method, tol=1e-12)
    plain = optimize.minimize(lambda x: bowl(x, W, B), np.zeros(3), tol=1e-12)
    np.testing.assert_allclose(result.x.numpy(), plain.x, rtol=1e-6)
    expected = func.jacobian(SOLVED["minimize"], 1)(W, B)
    np.testing.assert_allclose(np.stack([tg.grad(result.x[i], b).numpy() for i in range(3)]), expected, rtol=1e-5)


def test_results_are_scipys() -> None:
    """Numbers where no Tensor is, and its own record."""
    ours, theirs = (
        m(lambda x: bowl(x, W, B), np.zeros(3), method="Powell") for m in (func.minimize, optimize.minimize)
    )
    assert type(ours) is type(theirs)
    assert type(ours.x) is np.ndarray
    assert (ours.x.tolist(), ours.nfev, ours.message) == (theirs.x.tolist(), theirs.nfev, theirs.message)
    f = lambda x: np.tanh(W @ x + B)
    found = func.fixed_point(f, np.zeros(3))
    assert found.tolist() == optimize.fixed_point(f, np.zeros(3)).tolist()
    assert func.root(lambda x: f(x) - x, np.zeros(3)).x.tolist() == pytest.approx(found.tolist())


def test_parameters_of_a_module() -> None:
    layer = nn.Affine(2, 2, rng=0)
    layer.W.data *= 0.3
    tg.check_gradient(
        lambda: func.fixed_point(lambda z: tg.tanh(layer(z)), np.zeros((1, 2)), xtol=1e-14, method="iteration"),
        parameters=layer,
    )


def test_a_rate_of_weight_decay_is_learned() -> None:
    """The loss of a ridge regression on other data, by the strength of the penalty: bilevel optimization."""
    x, held = rng.normal(size=(20, 3)), rng.normal(size=(20, 3))
    t, u = x @ B + 0.1, held @ B

    def loss(decay: Any) -> Any:
        penalised = lambda w: ((x @ w - t) ** 2).sum() + tg.exp(decay) * (w**2).sum()
        return ((held @ func.minimize(penalised, np.zeros(3), tol=1e-10).x - u) ** 2).sum()

    tg.check_gradient(loss, 0.5)


def test_what_is_refused() -> None:
    w = tg.Tensor(1.0, requires_grad=True)
    for options in ({"bounds": [(0, 1)]}, {"constraints": {"type": "eq", "fun": lambda x: x}}):
        with pytest.raises(ValueError, match=r"minimize: (bounds|constraints) are not supported") as caught:
            func.minimize(lambda x: ((x - w) ** 2).sum(), [0.5], **options)
        assert caught.value.__notes__
    for f in (
        lambda w: func.fixed_point(lambda x: tg.cos(w * x), 1.0),
        lambda w: func.minimize(lambda x: ((x - w) ** 2).sum(), [0.5]).x,
        lambda w: func.root(lambda x: x - w, [0.5]).x,
        lambda w: func.root(lambda x: x - 1, w * [0.5]).x,
    ):
        with pytest.raises(TypeError, match=r"compile: (fixed_point|minimize|root) cannot be compiled"):
            tg.compile(f)(w)


def test_an_imprecise_minimum_is_refused() -> None:
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    result = func.minimize(lambda x: ((x - w) ** 4).sum() + (x**2).sum(), [9.0, 9.0], options={"maxiter": 1})
    with pytest.raises(ValueError, match="minimize: x does not solve the equations well enough"):
        result.x.sum().backward()


def test_a_root_that_was_not_found() -> None:
    w = tg.Tensor([1.0], requires_grad=True)
    with pytest.warns(RuntimeWarning, match=r"root: SciPy found no solution.*\nroot: SciPy가"):
        result = func.root(lambda x: x**2 + w, [1.0])
    assert not result.success
    with pytest.raises((ValueError, np.linalg.LinAlgError), match="root: "):
        result.x.sum().backward()
    assert not func.root(lambda x: x**2 + 1, [1.0]).success  # SciPy's own affair


def test_a_tree_is_to_be_flattened() -> None:
    for find in (func.minimize, func.root, func.fixed_point):
        for x0 in ({"a": np.ones(2)}, [np.ones(2), np.ones(3)]):
            with pytest.raises(TypeError, match=r"x0 must be one array, not (dict|list) .*tg\.func\.flatten") as caught:
                find(lambda p: p, x0)
            assert caught.value.__notes__
