"""Implicit differentiation: gradients of solutions, held against the oracle and against formulas."""

import gc
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import func, nn

rng = np.random.default_rng(0)
W, B = rng.normal(size=(3, 3)) * 0.3, np.array([1.0, -0.5, 0.25])


def numbers(x: Any) -> Any:
    return x.numpy() if isinstance(x, tg.Tensor) else x


def fixed(W: Any, b: Any) -> Any:
    """The fixed point of tanh(W @ x + b), by iteration on numbers."""
    x, A, c = np.zeros(3), numbers(W), numbers(b)
    for _ in range(80):
        x = np.tanh(A @ x + c)
    return func.implicit(lambda x: tg.tanh(W @ x + b) - x, x)


def lowest(W: Any, b: Any) -> Any:
    """The minimum of |W @ x - b|**2 + sum(x**4), by Newton's method on numbers."""
    x, A, c = np.ones(3), numbers(W), numbers(b)
    for _ in range(40):
        x = x - np.linalg.solve(2 * A.T @ A + np.diag(12 * x**2), 2 * A.T @ (A @ x - c) + 4 * x**3)
    return func.implicit(func.grad(lambda x: ((W @ x - b) ** 2).sum() + (x**4).sum()), x)


@pytest.mark.parametrize("f", [fixed, lowest])
def test_gradients_of_solutions_of_both_orders(f: Any) -> None:
    assert tg.check_gradient(f, W, B, order=2, effort="quick").verdict == "agrees"
    third = lambda b: func.hvp(lambda b: (f(W, b) ** 3).sum(), b, B)
    assert tg.check_gradient(third, B, effort="quick").verdict == "agrees"
    A = func.jacobian(lambda x: tg.tanh(W @ x + B) - x)(fixed(W, B))
    slope = 1 - np.tanh(W @ fixed(W, B) + B) ** 2
    if f is fixed:  # dx = (I - J)^-1 f_w dw
        np.testing.assert_allclose(func.jacobian(fixed, 1)(W, B), -np.linalg.solve(A, np.diag(slope)), rtol=1e-12)


def test_derivatives_of_every_order() -> None:
    """Those of a square root."""
    f: Any = lambda w: func.implicit(lambda x: x**2 - w, np.sqrt(tg.Tensor(w).numpy()))
    assert func.grad(f)(2.0) == pytest.approx(0.5 * 2**-0.5, rel=1e-14)
    for k, expected in enumerate([0.5 * 2**-0.5, -0.25 * 2**-1.5, 3 / 8 * 2**-2.5, -15 / 16 * 2**-3.5]):
        w = x = tg.Tensor(2.0, requires_grad=True)
        x = f(w.detach().numpy() * 0 + w)
        for _ in range(k + 1):
            x = tg.grad(x, w, create_graph=True)
        assert x.item() == pytest.approx(expected, rel=1e-13)


@settings(max_examples=20)
@given(st.sets(st.integers(-6, 6), min_size=2, max_size=4), st.integers(0, 99))
def test_roots_of_polynomials(quarters: set[int], seed: int) -> None:
    """The root x of a polynomial p changes by -x**k / p'(x) with the coefficient k."""
    roots = [n / 4 for n in sorted(quarters)]
    coefficients = np.poly(roots)[::-1].copy()
    x = np.array(roots[seed % len(roots)])
    k = np.arange(coefficients.size)
    equation = lambda c: func.implicit(lambda x: (c * x**k).sum(), x)
    expected = -(x**k) / np.polyval(np.polyder(coefficients[::-1]), x)
    np.testing.assert_allclose(func.grad(equation)(coefficients), expected, rtol=1e-9, atol=1e-12)


def test_what_a_module_holds_and_several_unknowns() -> None:
    """An equilibrium of a layer, in a tree: gradients reach its parameters."""
    layer = nn.Affine(2, 2, rng=0)
    layer.W.data *= 0.3

    def equations(p: Any) -> Any:
        z = tg.tanh(layer(p["z"]) + p["shift"])
        return {"z": z - p["z"], "shift": p["shift"] * 2 - p["z"][0, 0]}

    def equilibrium() -> Any:
        z, shift = np.zeros((1, 2)), 0.0
        for _ in range(80):
            z = np.tanh(z @ layer.W.numpy() + layer.b.numpy() + shift)
            shift = z[0, 0] / 2
        return func.implicit(equations, {"z": z, "shift": shift})

    solution = equilibrium()
    assert (solution["z"].shape, solution["shift"].shape) == ((1, 2), ())
    tg.check_gradient(
        lambda: (equilibrium()["z"] ** 2).sum() + equilibrium()["shift"], parameters=layer, effort="quick"
    )


def test_what_nothing_outside_is_read_for_comes_back_as_it_is() -> None:
    x = np.array([1.0, 2.0])
    assert func.implicit(lambda x: x - [1.0, 2.0], x) is x
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    with tg.no_grad():
        assert func.implicit(lambda x: x - w, x) is x
    t = tg.Tensor(x, requires_grad=True) * 1
    found = func.implicit(lambda x: x - w, t)  # how it was found does not matter
    assert tg.grad(found.sum(), w).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="does not depend"):
        tg.grad(func.implicit(lambda x: x - w, t).sum(), t)


def test_dtypes_and_arrays_of_the_standard() -> None:
    w: Any = tg.Tensor(np.array([4.0, 9.0], np.float32), requires_grad=True)
    x = func.implicit(lambda x: x * x - w, np.array([2.0, 3.0], np.float32))
    x.sum().backward()
    assert (x.dtype, w.grad.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(w.grad, [1 / 4, 1 / 6], rtol=1e-6)
    half = tg.Tensor(np.array([4.0, 9.0], np.float16), requires_grad=True)
    x = func.implicit(lambda x: x * x - half, np.sqrt([4.0, 9.0]) + 1e-5)
    x.sum().backward()
    assert (x.dtype, x.tolist()[0]) == (np.float64, 2 + 1e-5)
    assert half.grad is not None
    assert half.grad.dtype == np.float16
    s = tg.Tensor(array_api_strict.asarray([4.0, 9.0]), requires_grad=True)
    x = func.implicit(lambda x: x * x - s, array_api_strict.asarray([2.0, 3.0]))
    first = tg.grad(x.sum(), s, create_graph=True)
    second = tg.grad(first.sum(), s).data
    assert type(second) is type(s.data)
    np.testing.assert_allclose(np.asarray(second), [-1 / 32, -1 / 108], rtol=1e-12)


def test_a_graph_is_gone_with_its_last_tensor() -> None:
    w = tg.Tensor([2.0, 3.0], requires_grad=True)
    y = func.implicit(lambda x: x**2 - w, np.sqrt([2.0, 3.0]))
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            y = func.implicit(lambda x: x**2 - w, np.sqrt([2.0, 3.0]))
            g = tg.grad(y.sum(), w, create_graph=True)
            tg.grad(g.sum(), w)
            y.sum().backward()
            del y, g
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_the_judge_and_drawings_see_one_operation() -> None:
    w = tg.Tensor([2.0], requires_grad=True)
    y = func.implicit(lambda x: x**2 - w, np.sqrt([2.0]))
    assert y.node.op.name == "implicit_solution"
    assert "implicit_solution" in tg.draw(y).source

    @tg.op(x=lambda g, out: g * out * (out - 1))
    def wrong(xp: Any, x: Any) -> Any:
        return 1 / (1 + xp.exp(-x))

    with pytest.raises(tg.GradientMismatch, match="op wrong, called at"):
        tg.check_gradient(lambda w: wrong(fixed(W, w)), B)


# ------------------------------------------------------------------ errors


def test_what_is_no_solution_is_refused() -> None:
    w = tg.Tensor(2.0, requires_grad=True)
    with pytest.raises(
        ValueError, match=r"implicit: x does not solve the equations.*would change x = 1.5 by"
    ) as caught:
        func.implicit(lambda x: x**2 - w, 1.5).backward()
    assert len(caught.value.__notes__) > 1
    assert w.grad is None
    func.implicit(lambda x: x**2 - w, 1.4142).backward()


def test_every_number_of_a_solution_is_judged_by_its_own_size() -> None:
    w = tg.Tensor(2.0, requires_grad=True)
    f = lambda x: tg.stack([x[0] - 1e6, x[1] ** 3 - w])
    with pytest.raises(ValueError, match=r"Newton's method would change x\[1\] = 10 by 3\.3e\+00"):
        func.implicit(f, [1e6, 10.0])[1].backward()
    func.implicit(f, [1e6, 2 ** (1 / 3)])[1].backward()
    assert w.grad == pytest.approx(2 ** (-2 / 3) / 3)
    tiny = lambda x: tg.stack([x[0] - 1e9, x[1] - w * 0])  # beside 1e9 a number of 0 is known to 1
    func.implicit(tiny, [1e9, 0.9])[1].backward()


@pytest.mark.parametrize(
    "f", [lambda x, w: (x - w) ** 2, lambda x, w: x * 0 + w - 2, lambda x, w: w, lambda x, w: tg.sqrt(x - w)]
)
def test_equations_that_do_not_determine_x(f: Any) -> None:
    w = tg.Tensor(2.0, requires_grad=True)
    with (
        np.errstate(all="ignore"),
        pytest.raises(np.linalg.LinAlgError, match=r"implicit: the Jacobian .* is singular"),
    ):
        func.implicit(lambda x: f(x, w), 2.0).backward()


def test_equations_that_have_changed() -> None:
    w = tg.Tensor(2.0, requires_grad=True)
    y = func.implicit(lambda x: x * w - 1, 0.5)
    w.data[...] = 3.0
    with pytest.raises(RuntimeError, match=r"implicit: <lambda> computes with other values in backward") as caught:
        y.backward()
    assert len(caught.value.__notes__) > 1


def test_what_equations_return() -> None:
    w = tg.Tensor([2.0, 3.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"as many numbers as x has, of shape \(3,\), not shape \(2,\)") as caught:
        func.implicit(lambda x: w * 1, np.ones(3))
    assert caught.value.__notes__
    with pytest.raises(TypeError, match=r"as many numbers as x has, .*, not ndarray"):
        func.implicit(lambda x: x.numpy(), np.ones(3))


def test_it_is_not_compiled() -> None:
    w = tg.Tensor(2.0, requires_grad=True)
    with pytest.raises(TypeError, match="compile: implicit cannot be compiled") as caught:
        tg.compile(lambda w: func.implicit(lambda x: x**2 - w, 2**0.5))(w)
    assert caught.value.__notes__
