"""SciPy's solvers of differential equations, with gradients: held against the oracle and against solutions in closed form."""

import gc
import weakref
from typing import Any, cast

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import func, nn

integrate: Any = pytest.importorskip("scipy.integrate")
T, Y0 = np.linspace(0, 1, 4), np.array([1.0, 2.0])
EXACT: dict[str, Any] = {"rtol": 1e-11, "atol": 1e-12}


def predators(t: float, y: Any, a: Any, b: Any) -> Any:
    """Lotka and Volterra's equations, as SciPy's users write them."""
    return [a * y[0] - b * y[0] * y[1], -y[1] + y[0] * y[1]]


def by_solve_ivp(a: Any, y0: Any, method: Any = "DOP853", times: Any = T, **options: Any) -> Any:
    return func.solve_ivp(predators, (times[0], times[-1]), y0, method, times, args=(a, 0.5), **{**EXACT, **options}).y


def by_odeint(a: Any, y0: Any) -> Any:
    return func.odeint(lambda y, t: predators(t, y, a, 0.5), y0, T, **EXACT)


# ------------------------------------------------------------------ the oracle


@pytest.mark.parametrize("f", [by_solve_ivp, by_odeint])
def test_the_judge(f: Any) -> None:
    assert tg.check_gradient(f, 1.1, Y0, effort="quick").verdict == "agrees"


def test_the_judge_of_the_second_order() -> None:
    f = lambda a, y0: (by_solve_ivp(a, y0, times=T[[0, 2]]) ** 2).sum()
    g = lambda a, y0: tg.concat([part.reshape(-1) for part in func.grad(f, (0, 1))(a, y0)])
    assert tg.check_gradient(g, 1.1, Y0, effort="quick").verdict == "agrees"


def test_backwards_in_time_and_at_times_that_are_given_once() -> None:
    f = lambda a, y0: by_solve_ivp(a, y0, times=np.array([1.0, 0.25]))
    assert tg.check_gradient(f, 1.1, Y0, effort="quick").verdict == "agrees"
    there = by_solve_ivp(1.1, Y0)[:, -1]
    back = by_solve_ivp(1.1, there, times=np.array([1.0, 0.0]))[:, -1]
    np.testing.assert_allclose(back, Y0, rtol=1e-9)


# ------------------------------------------------------------------ closed forms


def test_decay() -> None:
    """y = y0 exp(-w t): the gradients with respect to w and y0, by both ways of the Jacobian."""
    f = lambda w, y0: func.solve_ivp(lambda t, y: -w * y, (0, 1), y0, "DOP853", T, **EXACT).y
    w = np.array(0.7)
    expected = np.exp(-w * T)[None] * Y0[:, None]
    np.testing.assert_allclose(f(w, Y0), expected, rtol=1e-10)
    by_w, by_y0 = func.jacobian(f, 0)(w, Y0), func.jacobian(f, 1)(w, Y0)  # by columns: the vjp is differentiated
    np.testing.assert_allclose(by_w, -T * expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(by_y0[0, :, 0], np.exp(-w * T), rtol=1e-9)
    wt = tg.Tensor(w, requires_grad=True)
    y = f(wt, Y0)
    rows = [[tg.grad(y[i, k], wt).item() for k in range(T.size)] for i in range(2)]
    np.testing.assert_allclose(rows, -T * expected, rtol=1e-9, atol=1e-10)
    third = func.grad(func.grad(func.grad(lambda w: f(w, Y0)[0, -1])))(w)
    np.testing.assert_allclose(third, -np.exp(-w), rtol=1e-6)


@pytest.mark.parametrize("method", ["RK45", "RK23", "Radau", "BDF", "LSODA"])
def test_methods(method: str) -> None:
    a = tg.Tensor(1.1, requires_grad=True)
    exact = tg.grad(by_solve_ivp(a, Y0)[0, -1], a).item()
    y = by_solve_ivp(a, Y0, method, rtol=1e-7, atol=1e-7)
    assert tg.grad(y[0, -1], a).item() == pytest.approx(exact, rel=1e-5)


def test_a_stiff_equation_is_not_solved_against_its_time() -> None:
    """y' = -1000 (y - cos t): backwards from the end it would explode."""
    y0 = tg.Tensor([1.5], requires_grad=True)
    rate = tg.Tensor(1000.0, requires_grad=True)
    f = lambda t, y: -rate * (y - np.cos(t))
    result = func.solve_ivp(f, (0, 2), y0, "Radau", [1e-3, 2.0], rtol=1e-8, atol=1e-10)
    first, last = (tg.grad(result.y[0, i], [y0, rate]) for i in range(2))
    np.testing.assert_allclose(first[0].numpy(), [np.exp(-1)], rtol=1e-5)
    np.testing.assert_allclose(last[0].numpy(), [0], atol=1e-9)
    # y is close to cos t + sin t / rate, so it changes by -sin t / rate**2
    np.testing.assert_allclose(last[1].item(), -np.sin(2.0) / 1000**2, rtol=1e-2)


def test_parameters_are_no_part_of_the_state() -> None:
    """Implicit methods invert a matrix of the size of the state, which may not grow with the number of parameters."""
    w, calls = tg.Tensor(np.full(5000, 0.0006), requires_grad=True), list[float]()

    def f(t: float, y: Any) -> Any:
        calls.append(t)
        return -y * w.sum()

    for solution in (
        func.solve_ivp(f, (0, 1), [1.0], "Radau", [1.0]).y.sum(),
        func.odeint(f, [1.0], [0, 1], tfirst=True)[1],
    ):
        before, w.grad = len(calls), None
        solution.backward()
        assert w.grad is not None
        np.testing.assert_allclose(w.grad, -np.exp(-3.0), rtol=1e-2)
        assert len(calls) - before < 2000


@pytest.mark.parametrize(
    ("method", "tolerance", "precise"), [("DOP853", 1e-3, 2e-3), ("LSODA", 1e-3, 2e-3), ("LSODA", 1e-6, 1e-5)]
)
def test_what_the_adjoint_does_not_feel_is_integrated_to_the_tolerance(
    method: str, tolerance: float, precise: float
) -> None:
    """The adjoint is a slow exponential, but its integral with sin(50 t)**2 has eighty waves."""
    w = tg.Tensor(1.3, requires_grad=True)
    y = func.solve_ivp(
        lambda t, y: -0.3 * y + w * np.sin(50 * t) ** 2, (0, 5), [1.0], method, [5.0], rtol=tolerance, atol=tolerance
    ).y
    s, k, e = 0.3, 100.0, np.exp(-1.5)  # the integral of exp(-s (5 - t)) (1 - cos(k t)) / 2
    exact = ((1 - e) / s - (s * np.cos(5 * k) + k * np.sin(5 * k) - s * e) / (s * s + k * k)) / 2
    assert exact == pytest.approx(1.29714, abs=1e-5)
    assert tg.grad(y.sum(), w).item() == pytest.approx(exact, rel=precise)


def test_a_pulse_that_only_short_steps_meet() -> None:
    w = tg.Tensor(1.3, requires_grad=True)
    pulse = lambda t, y: -0.3 * y + w * np.exp(-(((t - 1) / 0.03) ** 2))
    exact = 0.03 * np.sqrt(np.pi) * np.exp(-0.6 + 0.009**2 / 4)
    for y in (
        func.solve_ivp(pulse, (0, 3), [1.0], t_eval=[3.0], rtol=1e-6, max_step=0.04).y[0, 0],
        func.odeint(pulse, [1.0], [0, 3.0], tfirst=True, hmax=0.04)[1, 0],
    ):
        assert tg.grad(y, w).item() == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("method", ["RK45", "LSODA"])
def test_parameters_that_change_at_a_time(method: str) -> None:
    ws = [tg.Tensor(x, requires_grad=True) for x in (1.0, 2.0)]
    f = lambda t, y: -0.3 * y + (ws[0] if t < 2 else ws[1])
    y = func.solve_ivp(f, (0, 5), [1.0], method, [5.0], rtol=1e-6, atol=1e-8).y.sum()
    exact = [(np.exp(-0.9) - np.exp(-1.5)) / 0.3, (1 - np.exp(-0.9)) / 0.3]
    np.testing.assert_allclose([g.item() for g in tg.grad(y, ws)], exact, rtol=1e-4)


def test_a_loss_of_any_size_and_one_parameter_among_many() -> None:
    """The tolerances are for a loss of size 1, and for each parameter by itself."""
    w = tg.Tensor(np.r_[1.3, np.zeros(999)], requires_grad=True)
    f = lambda t, y: -0.3 * y + w[0] * np.sin(9 * t) ** 2
    y = func.solve_ivp(f, (0, 5), [1.0], "DOP853", [5.0]).y.sum()
    first = tg.grad(y, w)[0].item()
    exact = tg.grad(func.solve_ivp(f, (0, 5), [1.0], "DOP853", [5.0], rtol=1e-9, atol=1e-9).y.sum(), w)[0].item()
    assert first == pytest.approx(exact, rel=2e-3)
    small = tg.grad(1e-9 * y, w, create_graph=True)[0].item()
    assert small == pytest.approx(1e-9 * exact, rel=1e-2)


# ------------------------------------------------------------------ what it takes and gives


def test_results_are_scipys() -> None:
    for options in ({}, {"t_eval": T}, {"method": "RK23", "max_step": 0.1}):
        ours, theirs = (
            m(predators, (0, 1), Y0, args=(1.1, 0.5), **options) for m in (func.solve_ivp, integrate.solve_ivp)
        )
        assert type(ours) is type(theirs)
        assert type(ours.y) is np.ndarray
        assert (ours.y.tolist(), ours.t.tolist(), ours.nfev) == (theirs.y.tolist(), theirs.t.tolist(), theirs.nfev)
    swapped = lambda y, t, *args: predators(t, y, *args)
    assert np.array_equal(func.odeint(swapped, Y0, T, (1.1, 0.5)), integrate.odeint(swapped, Y0, T, (1.1, 0.5)))
    assert np.array_equal(
        func.odeint(predators, Y0, T, (1.1, 0.5), tfirst=True, rtol=1e-4),
        integrate.odeint(predators, Y0, T, (1.1, 0.5), tfirst=True, rtol=1e-4),
    )
    a = tg.Tensor(1.1, requires_grad=True)
    with tg.no_grad():
        assert type(by_solve_ivp(a, Y0)) is type(by_odeint(a, Y0)) is np.ndarray
    assert by_odeint(a, Y0).shape == (4, 2)


def test_the_solvers_own_times_and_what_is_left_out() -> None:
    y0 = tg.Tensor(Y0, requires_grad=True)
    result = func.solve_ivp(lambda t, y: -y, (0, 1), y0, **EXACT)
    tg.grad(result.y[:, -1].sum(), y0)
    np.testing.assert_allclose(tg.grad(result.y[:, -1].sum(), y0).numpy(), [np.exp(-1)] * 2, rtol=1e-7)
    constant = func.solve_ivp(lambda t, y: [1.0, t], (0, 1), y0, t_eval=[1.0], **EXACT).y
    assert tg.grad(constant.sum(), y0).tolist() == [1, 1]
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    np.testing.assert_allclose(
        tg.grad(func.solve_ivp(lambda t, y: w, (0, 3), Y0, t_eval=[3.0]).y.sum(), w).numpy(), [3, 3], rtol=1e-12
    )
    a, b = (tg.Tensor(x, requires_grad=True) for x in (1.0, 2.0))
    y = func.odeint(lambda y, t: -y, [a, b, 3.0], [0.0, 1.0])
    np.testing.assert_allclose([g.item() for g in tg.grad(y[1].sum(), [a, b])], [np.exp(-1)] * 2, rtol=1e-6)


def test_a_neural_differential_equation() -> None:
    net = nn.Sequential(nn.Affine(2, 3, rng=0), nn.Sigmoid(), nn.Affine(3, 2, rng=1))
    f = lambda: func.solve_ivp(lambda t, y: net(y.reshape(1, 2)), (0, 1), Y0, "DOP853", T[[1, 3]], **EXACT).y
    assert tg.check_gradient(f, parameters=net, effort="quick").verdict == "agrees"
    (f() ** 2).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_tensors_that_are_read_at_some_times_only() -> None:
    """Those read at any step of the solver are found; if backward meets another, it says so."""
    a, b = (tg.Tensor(x, requires_grad=True) for x in (1.0, 2.0))
    y = func.solve_ivp(lambda t, y: -y * (a if t < 0.5 else b), (0, 1), [1.0], t_eval=[1.0], max_step=0.05, rtol=1e-6).y
    np.testing.assert_allclose([g.item() for g in tg.grad(y.sum(), [a, b])], [-np.exp(-1.5) / 2] * 2, rtol=1e-2)
    y = func.solve_ivp(lambda t, y: -y * (a if t < 0.5 else b), (0, 1), [1.0], t_eval=[1.0]).y
    b.data[...] = 3.0  # it is not read at the beginning
    with pytest.raises(RuntimeError, match="solve_ivp: <lambda> computes with other values in backward"):
        y.sum().backward()
    met: list[float] = []

    def secret(t: float, y: Any) -> Any:
        """It reads b only where backward asks between two steps."""
        met.append(t)
        return -y * (b if between and t not in steps else a)

    between, steps = False, set[float]()
    result = func.solve_ivp(secret, (0, 1), [1.0], t_eval=np.linspace(0, 1, 5))
    between, steps = True, set(met)
    with pytest.raises(RuntimeError, match=r"at t = .* the function reads a Tensor that it reads at no step") as caught:
        result.y.sum().backward()
    assert len(caught.value.__notes__) > 1


def test_a_graph_is_gone_with_its_last_tensor() -> None:
    a = tg.Tensor(1.1, requires_grad=True)
    gc.disable()
    try:
        y = by_solve_ivp(a, Y0, times=T[:2])
        path = weakref.ref(y.node.saved["path"])
        y.sum().backward()
        del y
        assert path() is None
    finally:
        gc.enable()


# ------------------------------------------------------------------ errors


def test_what_is_refused() -> None:
    a = tg.Tensor(1.1, requires_grad=True)
    decay: Any = lambda t, y: -a * y
    for options in ({"events": decay}, {"dense_output": True}, {"vectorized": True}):
        with pytest.raises(ValueError, match=r"solve_ivp: (events|dense_output|vectorized) is not supported") as wrong:
            func.solve_ivp(decay, (0, 1), [1.0], **options)
        assert wrong.value.__notes__
    with pytest.raises(ValueError, match="odeint: full_output is not supported"):
        func.odeint(decay, [1.0], T, full_output=True)
    for call in (
        lambda: func.solve_ivp(decay, (0, a), [1.0]),
        lambda: func.solve_ivp(decay, (0, 1), [1.0], t_eval=[a]),
        lambda: func.solve_ivp(decay, (0, 1), [1.0], t_eval=tg.stack([a, a])),
        lambda: func.odeint(decay, [1.0], [0.0, a]),
    ):
        with pytest.raises(TypeError, match=r"no gradient can be given for the times (t_span|t_eval|t);") as caught:
            call()
        assert caught.value.__notes__
    with pytest.raises(ValueError, match="must return as many numbers as y has, 2, not shape"):
        func.solve_ivp(lambda t, y: y[0], (0, 1), Y0)
    y = func.solve_ivp(decay, (0, 1), [1.0], t_eval=[1.0]).y
    a.data[...] = 2.0
    with pytest.raises(RuntimeError, match="solve_ivp: <lambda> computes with other values in backward"):
        y.sum().backward()
    for f in (by_solve_ivp, by_odeint):
        with pytest.raises(TypeError, match=r"compile: (solve_ivp|odeint) cannot be compiled"):
            tg.compile(f)(tg.Tensor(1.1, requires_grad=True), Y0)
        with pytest.raises(TypeError, match=r"compile: (solve_ivp|odeint) cannot be compiled"):
            tg.compile(lambda y0, f=f: f(1.1, y0))(Y0)


def test_more_arguments_are_a_tuple() -> None:
    a: Any = tg.Tensor([1.1], requires_grad=True)
    f = lambda t, y, a: -a * y
    with pytest.raises(TypeError, match=r"solve_ivp: args must be a tuple, not Tensor: args=\(a,\)") as caught:
        func.solve_ivp(f, (0, 1), [1.0], args=a)
    assert caught.value.__notes__
    ys = [func.solve_ivp(f, (0, 1), [1.0], args=args).y[0, -1].item() for args in cast("Any", ((a,), [a]))]
    assert ys[0] == ys[1] == pytest.approx(np.exp(-1.1), rel=1e-3)
    assert func.solve_ivp(lambda t, y: -y, (0, 1), [1.0], args=None).success
    y = func.odeint(f, [1.0], [0.0, 1.0], a, tfirst=True)  # SciPy's odeint takes one as it is
    assert tg.grad(y[1, 0], a).item() == pytest.approx(-np.exp(-1.1), rel=1e-5)
