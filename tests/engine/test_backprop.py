"""backward() and tg.grad: what they compute, deposit, free and refuse."""

import _thread
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.engine import backprop
from tinygrad_ko.engine.accumulate import total, unbroadcast
from tinygrad_ko.engine.graph import behind


def noted(notes: list[Any], note: Any, result: Any) -> Any:
    notes.append(note)
    return result


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def no_grad_in(w: Any) -> bool:
    return w.grad is None


def korean(error: BaseException) -> bool:
    """Whether a note explains the error in Korean."""
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


# ------------------------------------------------------------------ what backward refuses


def test_several_elements_need_a_starting_gradient() -> None:
    w = leaf(1, 2)
    with pytest.raises(ValueError, match=r"sum\(\)") as caught:
        (w * 2).backward()
    assert korean(caught.value)
    assert w.grad is None


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1)])
def test_one_element_needs_none(shape: tuple[int, ...]) -> None:
    w: Any = tg.Tensor(np.full(shape, 3.0), requires_grad=True)
    (w * w).backward()
    assert w.grad.shape == shape
    assert w.grad.item() == 6


@pytest.mark.parametrize("g", [[1.0], [[1.0, 1.0]], 1.0, np.ones(3), np.ones((2, 1)), []])
def test_a_starting_gradient_of_another_shape(g: Any) -> None:
    w = leaf(1, 2)
    y = w * w
    with pytest.raises(ValueError, match="shape") as caught:
        y.backward(g)
    assert korean(caught.value)
    assert no_grad_in(w)
    y.backward([1, 1])  # the graph is untouched
    assert w.grad.tolist() == [2, 4]


@pytest.mark.parametrize(
    "g", ["ab", [1j, 1j], np.array([1j, 1j]), np.array(["1", "2"]), np.array([1, 2], object), [None, None]]
)
def test_a_starting_gradient_that_is_not_real_numbers(g: Any) -> None:
    w = leaf(1, 2)
    y = w * w
    with pytest.raises((TypeError, ValueError)):
        y.backward(g)
    with pytest.raises((TypeError, ValueError)):
        tg.grad(y, w, g=g)
    assert no_grad_in(w)
    y.backward([1, 1])
    assert w.grad.tolist() == [2, 4]


def test_no_leaf_behind() -> None:
    for y in (tg.Tensor(1.0), tg.Tensor(1.0) * 2, leaf(1, 2).detach().sum()):
        with pytest.raises(RuntimeError, match="requires_grad=True") as caught:
            y.backward()
        assert korean(caught.value)


def test_a_second_backward_names_the_cure_and_deposits_nothing() -> None:
    for f in (lambda w: (w * w).sum(), lambda w: w.sum(), lambda w: w + 1.0, lambda w: w[0]):
        w = leaf(3)
        y = f(w)
        y.backward(np.ones(y.shape))
        before = w.grad.copy()
        with pytest.raises(RuntimeError, match=r"keep_graph=True.*tg\.grad") as caught:
            y.backward(np.ones(y.shape))
        assert korean(caught.value)
        assert w.grad.tolist() == before.tolist()
        with pytest.raises(RuntimeError, match="keep_graph"):
            tg.grad(y, w, g=np.ones(y.shape))


def test_half_a_freed_graph_deposits_nothing() -> None:
    v, w = leaf(1, 2), leaf(3, 4)
    shared = w * w
    first, second = shared.sum(), (shared * v).sum()
    first.backward()
    with pytest.raises(RuntimeError, match="keep_graph"):
        second.backward()
    assert v.grad is None
    assert w.grad.tolist() == [6, 8]


def test_keep_graph_adds_up() -> None:
    w = leaf(1, 2)
    y = (w * w).sum()
    for times in (1, 2, 3):
        y.backward(keep_graph=True)
        assert w.grad.tolist() == [2.0 * times, 4.0 * times]
    y.backward()
    assert w.grad.tolist() == [8, 16]


def test_a_leaf_can_start() -> None:
    w = leaf(1, 2)
    g = np.array([5.0, 6.0])
    w.backward(g)
    w.backward(g)
    assert w.grad.tolist() == [10, 12]
    assert not np.shares_memory(w.grad, g)


def test_a_starting_gradient_that_requires_one_is_not_cut() -> None:
    """The gradient of W in W-transposed applied to s * v: it comes through g alone, since the first walk is linear in it."""
    x, W, s = leaf(0, 0, 0), leaf(1, 2, 3), leaf(5)
    y, g = W * x, s * np.array([1.0, 10.0, 100.0])
    for call in (lambda: tg.grad(y, x, g), lambda: tg.grad(y, [x], g), lambda: y.backward(g)):
        with pytest.raises(TypeError, match="create_graph=True") as caught:
            call()
        assert any("create_graph=True" in note for note in caught.value.__notes__)
    assert (x.grad, W.grad) == (None, None)
    transposed = tg.grad(y, x, g, create_graph=True)
    assert transposed.tolist() == [5, 100, 1500]
    transposed.sum().backward(keep_graph=True)
    assert s.grad.tolist() == [321]
    assert W.grad.tolist() == [5, 50, 500]
    with tg.no_grad():  # nothing is recorded here, so nothing is cut
        assert tg.grad(y, x, g).tolist() == [5, 100, 1500]
        y.backward(g, keep_graph=True)
    assert not tg.grad(y, x, g.detach()).requires_grad  # what y is made of stays a constant at first order
    y.backward(g.detach())
    assert x.grad.tolist() == [10, 200, 3000]


@pytest.mark.parametrize("order", [1, 2])
def test_a_transposed_convolution_passes_the_judge(order: int) -> None:
    """The recipe of the guide."""
    rng = np.random.default_rng(0)
    images = tg.Tensor(np.zeros((1, 2, 4, 4)), requires_grad=True)

    def transposed(y: Any, W: Any) -> Any:
        return tg.grad(tg.conv2d(images, W), images, y, create_graph=True)

    tg.check_gradient(transposed, rng.normal(size=(1, 3, 3, 3)), rng.normal(size=(3, 2, 2, 2)), order=order)


def test_unknown_keywords() -> None:
    with pytest.raises(TypeError):
        leaf(1).backward(retain_graph=True)


def result_of_grad() -> Any:
    x = leaf(2)
    return tg.grad(x**3, x)


@pytest.mark.parametrize(
    "constant",
    [
        result_of_grad,
        tg.no_grad()(lambda: leaf(2) ** 3),
        lambda: (leaf(2) ** 3).detach(),
        lambda: tg.Tensor([2.0]) ** 3,
        lambda: tg.func.grad(lambda x: (x**3).sum())(tg.Tensor([2.0])),
    ],
)
def test_a_constant_is_not_differentiated_and_the_cure_fits_it(constant: Callable[[], Any]) -> None:
    x, y = leaf(2), constant()
    for call in (lambda: tg.grad(y, x), y.backward):
        with pytest.raises(RuntimeError, match="nothing behind this Tensor requires a gradient") as caught:
            call()
        for text in (str(caught.value), caught.value.__notes__[0]):
            assert all(cure in text for cure in ("create_graph=True", "requires_grad=True", "no_grad()", "detach()"))
    with pytest.raises(TypeError, match=r"requires_grad=True \(with create_graph=True") as refused:
        tg.grad(x**2, y)
    assert korean(refused.value)


def test_a_recorded_gradient_is_differentiated() -> None:
    x = leaf(2)
    assert tg.grad(tg.grad(x**3, x, create_graph=True), x).tolist() == [12]


# ------------------------------------------------------------------ deposits


def test_only_leaves_get_a_deposit() -> None:
    w, frozen, constant = leaf(1, 2), leaf(3, 4), tg.Tensor([5.0, 6.0])
    frozen.requires_grad = False
    y = w * frozen
    z = (y * constant).sum()
    z.backward()
    assert w.grad.tolist() == [15, 24]
    assert frozen.grad is constant.grad is None
    for result in (y, z):
        with pytest.warns(UserWarning, match="keeps no gradient"):
            assert result.grad is None


def test_deposits_are_new_arrays() -> None:
    w = leaf(1, 2)
    (w * w).sum().backward()
    first = w.grad
    (w * w).sum().backward()
    assert first.tolist() == [2, 4]
    assert w.grad.tolist() == [4, 8]
    assert not np.shares_memory(first, w.grad)


SHARING: dict[str, Callable[[Any, Any], Any]] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "concat": lambda a, b: tg.concat([a, b]),
    "stack": lambda a, b: tg.stack([a, b]),
    "transposed": lambda a, b: (a.T + b.T).T,
    "reshaped": lambda a, b: (a.reshape(4) + b.reshape(4)).reshape(2, 2),
    "broadcast": lambda a, b: tg.broadcast_to(a, (3, 2, 2)) + b,
    "summed": lambda a, b: a.sum() + b.sum(),
    "identity": lambda a, b: tg.identity_function(a) + b[:],
    "where": lambda a, b: tg.where(np.eye(2) > 0, a, b),
    "one row": lambda a, b: a[0] + b[0],
    "astype": lambda a, b: a.astype(np.float64) + b.astype(np.float64),
}


@pytest.mark.parametrize("name", SHARING)
@pytest.mark.parametrize("watched", [False, True])
def test_no_two_gradients_share_memory(name: str, watched: bool) -> None:
    a, b = (tg.Tensor(np.arange(4.0).reshape(2, 2), requires_grad=True) for _ in range(2))
    y = SHARING[name](a, b)
    g = np.ones(y.shape)
    y.backward(g, keep_graph=True)
    answers = [x.data for x in tg.grad(y, [a, b, a], g=g)]
    recorded = [x.data for x in tg.grad(y, [a, b, a], g=g, create_graph=True)]
    arrays = [a.grad, b.grad, g, a.data, b.data, y.data, *answers, *recorded]
    for i, first in enumerate(arrays):
        assert first is not None
        assert first.flags.writeable
        for second in arrays[:i]:
            assert not np.shares_memory(first, second)


def test_a_formula_that_returns_its_own_memory_is_not_deposited() -> None:
    mine = np.ones(2)

    @tg.op(x=lambda g: mine)
    def constant_slope(x: Any) -> Any:
        return x * 1

    v, w = leaf(1, 2), leaf(1, 2)
    (constant_slope(w) + constant_slope(w)).sum().backward()
    constant_slope(v).sum().backward()
    w.grad[:] = 50
    v.grad[:] = 50
    assert mine.tolist() == [1, 1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("other", [np.float16, np.float32, np.float64, np.longdouble])
def test_a_gradient_has_the_dtype_and_shape_of_its_leaf(dtype: Any, other: Any) -> None:
    w, v = tg.Tensor(np.ones((2, 1), dtype), requires_grad=True), tg.Tensor(np.ones(3, other), requires_grad=True)
    y = (w * v + w[0] - tg.exp(v) @ np.ones(3, other)).sum()
    y.backward(keep_graph=True)
    y.backward(1)
    for x in (w, v):
        assert x.grad is not None
        assert (x.grad.dtype, x.grad.shape) == (x.dtype, x.shape)
    for x, g in zip((w, v), tg.grad((w * v).sum(), [w, v]), strict=True):
        assert (g.dtype, g.shape) == (x.dtype, x.shape)
    for x, g in zip((w, v), tg.grad((w * w * v).sum(), [w, v], create_graph=True), strict=True):
        assert (g.dtype, g.shape) == (x.dtype, x.shape)


def test_deposits_without_axes_are_arrays_that_can_be_written() -> None:
    w: Any = tg.Tensor(3.0, requires_grad=True)
    for times in (1, 2, 3):
        (w * w).backward()
        assert type(w.grad) is np.ndarray
        assert w.grad == 6 * times
    w.grad[...] = 0
    assert w.grad == 0


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_size_zero(shape: tuple[int, ...]) -> None:
    w: Any = tg.Tensor(np.zeros(shape), requires_grad=True)
    tg.exp(w * 2).sum().backward()
    assert w.grad.shape == shape
    w.zero_grad()
    (w + 1).backward(np.zeros(shape))
    assert w.grad.shape == shape
    with pytest.raises(ValueError, match="shape"):
        (w + 1).backward()


def test_grad_can_be_set_and_is_checked() -> None:
    w = leaf(1, 2)
    w.grad = np.array([1.0, 1.0])
    (w * w).sum().backward()
    assert w.grad.tolist() == [3, 5]
    w.grad *= 0.5
    assert w.grad.tolist() == [1.5, 2.5]
    w.grad = None
    assert w.grad is None
    for bad in (np.ones(3), np.ones(2, np.float32)):
        with pytest.raises(ValueError, match="shape"):
            w.grad = bad
    with pytest.raises(RuntimeError):
        (w * 2).grad = np.ones(2)
    assert w.grad is None


# ------------------------------------------------------------------ all or nothing


def stopping(error: Callable[[], Any]) -> Callable[..., Any]:
    def formula(g: Any) -> Any:
        error()
        return g

    @tg.op(x=formula)
    def stop_here(x: Any) -> Any:
        return x * 1

    return stop_here


def raises(error: BaseException) -> Callable[[], Any]:
    def now() -> None:
        raise error

    return now


@pytest.mark.parametrize(
    "kind", [ValueError, KeyboardInterrupt, SystemExit, MemoryError, RecursionError, StopIteration]
)
@pytest.mark.parametrize("deposited", [False, True])
def test_an_error_half_way_deposits_nothing(kind: type[BaseException], deposited: bool) -> None:
    stop = stopping(raises(kind()))
    ws = [leaf(i, i) for i in range(5)]
    if deposited:
        for w in ws:
            w.grad = np.ones(2)
    y = sum((w * 2 for w in ws[2:]), stop(ws[0]) + ws[1])
    with pytest.raises(kind):
        y.backward([1, 1])
    with pytest.raises(kind):
        y.backward([1, 1], keep_graph=True) if False else sum((w * 2 for w in ws[2:]), stop(ws[0])).backward(
            [1, 1], keep_graph=True
        )
    for w in ws:
        assert w.grad is None if not deposited else w.grad.tolist() == [1, 1]
    (ws[0] * 2 + ws[1]).backward([1, 1])
    assert ws[0].grad.tolist() == ([3, 3] if deposited else [2, 2])


def test_an_error_under_keep_graph_leaves_the_graph_usable() -> None:
    often = iter([True, False])

    def formula(g: Any) -> Any:
        if next(often):
            raise ArithmeticError
        return g

    @tg.op(x=formula)
    def sometimes(x: Any) -> Any:
        return x * 1

    w = leaf(1, 2)
    y = (sometimes(w * w) * 1.0).sum()
    with pytest.raises(ArithmeticError):
        y.backward(keep_graph=True)
    y.backward()
    assert w.grad.tolist() == [2, 4]


INTERRUPTED = """
import signal
import numpy as np
import tinygrad_ko as tg

ws = [tg.Tensor(np.ones(2), requires_grad=True) for _ in range(300)]
signal.signal(signal.SIGALRM, signal.default_int_handler)
seen = set()
for i in range(5000):
    if i > 300 and len(seen) == 2:
        break
    for w in ws:
        w.zero_grad()
    y = tg.stack(ws).sum()
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-6 + 4e-6 * i)
        y.backward()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
    deposits = {w.grad is None for w in ws}
    assert len(deposits) == 1, "some leaves have a gradient, others have none"
    seen |= deposits
assert seen == {True, False}, "the timer never or always came in time"
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_ctrl_c_at_any_moment_deposits_all_or_nothing() -> None:
    """In a process of its own: an interrupt at any moment may also fall into a tool that measures coverage."""
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=120, env=unmeasured
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_main_inside_a_formula() -> None:
    stop = stopping(_thread.interrupt_main)
    v, w = leaf(1, 2), leaf(3, 4)
    y = stop(v) * w + v
    with pytest.raises(KeyboardInterrupt):
        y.backward([1, 1])
    assert v.grad is w.grad is None


# ------------------------------------------------------------------ tg.grad


@pytest.mark.parametrize(
    ("f", "derivatives"),
    [
        (lambda x: x**4, [32, 48, 48, 24 * 2 / 1]),
        (tg.exp, [np.exp(2)] * 4),
        (tg.sin, [np.cos(2), -np.sin(2), -np.cos(2), np.sin(2)]),
        (lambda x: 1 / x, [-1 / 4, 2 / 8, -6 / 16, 24 / 32]),
        (lambda x: x * x * x, [12, 12, 6]),
        (lambda x: tg.log(x), [1 / 2, -1 / 4, 2 / 8, -6 / 16]),
        (lambda x: (x * [1.0, 2.0])[1] ** 3, [8 * 12, 8 * 12, 8 * 6]),
    ],
)
def test_every_order(f: Callable[[Any], Any], derivatives: list[float]) -> None:
    x: Any = tg.Tensor(2.0, requires_grad=True)
    y = f(x)
    for derivative in derivatives[:3]:
        y = tg.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(derivative, rel=1e-12)
    assert x.grad is None


def test_one_tensor_or_a_list() -> None:
    a, b = leaf(1, 2), leaf(3, 4)
    y = (a * b).sum()
    assert isinstance(tg.grad(y, a), tg.Tensor)
    for xs in ([a, b], (a, b)):
        first, second = tg.grad(y, xs)
        assert (first.tolist(), second.tolist()) == ([3, 4], [1, 2])
    assert list(tg.grad(y, [])) == []
    assert not tg.grad(y, a).requires_grad
    assert a.grad is b.grad is None


def test_grad_frees_nothing_and_deposits_nothing() -> None:
    w = leaf(1, 2)
    y = (w * w).sum()
    for _ in range(3):
        assert tg.grad(y, w).tolist() == [2, 4]
    assert no_grad_in(w)
    y.backward()
    assert w.grad.tolist() == [2, 4]


def test_intermediate_results() -> None:
    x = leaf(1, 2)
    a = x * x
    b = tg.exp(a)
    y = (a * b).sum()
    gb, ga, gx, gy = tg.grad(y, [b, a, x, y])
    assert gb.tolist() == a.tolist()
    np.testing.assert_allclose(ga.numpy(), b.numpy() * (1 + a.numpy()))
    np.testing.assert_allclose(gx.numpy(), ga.numpy() * 2 * x.numpy())
    assert gy.item() == 1
    second = tg.grad(tg.grad(y, b, create_graph=True), a, g=[1, 1])
    assert second.tolist() == [1, 1]


def test_an_intermediate_result_at_second_order_is_its_own_variable() -> None:
    x: Any = tg.Tensor(2.0, requires_grad=True)
    a = x * 3
    y = a**3
    first = tg.grad(y, a, create_graph=True)
    assert tg.grad(first, a).item() == 36
    assert tg.grad(first, x).item() == 108


def test_grads_through_g() -> None:
    x, g = leaf(1, 2), leaf(3, 4)
    gx = tg.grad(x**2, x, g=g, create_graph=True)
    assert gx.tolist() == [6, 16]
    gx.backward([1, 10])
    assert g.grad.tolist() == [2, 40]
    assert x.grad.tolist() == [6, 80]


def test_g_of_another_dtype() -> None:
    x, g = tg.Tensor(np.ones(2, np.float32), requires_grad=True), leaf(3, 4)
    gx = tg.grad(x * x, x, g=g, create_graph=True)
    assert gx.dtype == np.float32
    gx.sum().backward()
    assert g.grad.dtype == np.float64
    assert g.grad.tolist() == [2, 2]


def test_a_jacobian_by_forward_mode_from_two_reverse_modes() -> None:
    """The derivative of `grad` in g is the product with J: the double-backward trick."""
    x = leaf(1, 2, 3)
    v: Any = tg.Tensor(np.zeros(3), requires_grad=True)
    pulled = tg.grad(x * x * x[0], x, g=v, create_graph=True)
    pushed = tg.grad(pulled, v, g=[0.0, 1.0, 0.0])
    assert pushed.tolist() == [0, 4, 0]


def test_unused() -> None:
    x, z = leaf(1, 2), tg.Tensor(np.ones((3, 1), np.float32), requires_grad=True, name="bias")
    y = (x * x).sum()
    with pytest.raises(RuntimeError, match=r"allow_unused=True") as caught:
        tg.grad(y, [x, z])
    assert "bias" in str(caught.value)
    assert korean(caught.value)
    for create_graph in (False, True):
        gx, gz = tg.grad(y, [x, z], allow_unused=True, create_graph=create_graph)
        assert gx.tolist() == [2, 4]
        assert (gz.tolist(), gz.dtype) == ([[0], [0], [0]], np.float32)


def test_a_later_result_does_not_count_as_used() -> None:
    x = leaf(1, 2)
    y = x.sum()
    later = x * 2
    with pytest.raises(RuntimeError, match="does not depend"):
        tg.grad(y, later)
    assert tg.grad(y, [later], allow_unused=True)[0].tolist() == [0, 0]


def test_grad_reaches_a_result_whose_own_graph_is_gone() -> None:
    w = leaf(1, 2)
    h = w * 5
    h.sum().backward()
    assert tg.grad((h * h).sum(), h).tolist() == [10, 20]
    assert tg.grad((h * h).sum(), h, create_graph=True).tolist() == [10, 20]
    with pytest.raises(RuntimeError, match="earlier backward"):
        tg.grad((h * h).sum(), [h, w])


def test_what_grad_refuses() -> None:
    x, c = leaf(1, 2), tg.Tensor([1.0, 2.0])
    function: Any = lambda x: x
    array: Any = np.ones(2)
    with pytest.raises(TypeError, match=r"y = f\(x\)|call it"):
        tg.grad(function, x)
    with pytest.raises(TypeError, match="Tensor"):
        tg.grad(array, x)
    with pytest.raises(TypeError, match="requires_grad"):
        tg.grad(x.sum(), [x, c])
    with pytest.raises(TypeError):
        tg.grad(x.sum(), np.ones(2))
    with pytest.raises(TypeError):
        tg.grad(x.sum(), 3)
    with pytest.raises(ValueError, match="shape"):
        tg.grad(x * 2, x)
    with pytest.raises(RuntimeError, match="requires_grad"):
        tg.grad(c.sum(), x)


def test_a_formula_that_gives_a_plain_array_at_second_order() -> None:
    @tg.op(x=lambda x_shape: np.full(x_shape, 3.0))
    def triple(x: Any) -> Any:
        return x.sum(keepdims=True) * 3 if False else 3 * x

    x = leaf(1, 2)
    y = (triple(x) + x * x + triple(x) + triple(x) + x[:] + triple(x)).sum()
    first = tg.grad(y, x, create_graph=True)
    assert first.tolist() == [15, 17]
    assert tg.grad(first.sum(), x).tolist() == [2, 2]
    w = leaf(1, 2)
    z = (triple(w) + triple(w) + triple(w[:]) + w[:] * w).sum()
    first = tg.grad(z, w, create_graph=True)
    assert first.tolist() == [11, 13]


def test_behind_a_formula_that_gives_a_plain_array_the_second_order_is_not_lost() -> None:
    """3 x**2 + x**3: what the formula of triple gives is a constant, what is made of it further on is not."""

    @tg.op(x=lambda x_shape: np.full(x_shape, 3.0))
    def triple(x: Any) -> Any:
        return 3 * x

    x = leaf(1, 2)
    first = tg.grad((triple(x * x) + x**3).sum(), x, create_graph=True)
    assert first.tolist() == [9, 24]
    assert tg.grad(first.sum(), x).tolist() == [12, 18]


def test_a_gradient_that_does_not_depend_on_x_is_still_a_tensor() -> None:
    x = leaf(1, 2)
    first = tg.grad((x * 3).sum(), x, create_graph=True)
    assert first.tolist() == [3, 3]
    with pytest.raises(RuntimeError):
        tg.grad(first.sum(), x)
    (first.sum() + x.sum()).backward()
    assert x.grad.tolist() == [1, 1]


def test_backward_of_a_recorded_gradient_reaches_every_leaf() -> None:
    w, x = leaf(1, 2), leaf(3, 4)
    penalty = (tg.grad((w * w * x).sum(), x, create_graph=True) ** 2).sum()
    penalty.backward()
    assert w.grad.tolist() == [4, 32]
    assert x.grad is None


# ------------------------------------------------------------------ the node


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "a leaf": lambda a, b: a,
    "broadcast": lambda a, b: tg.sin(a) * b[0] + 2.0,
    "several arguments": lambda a, b: tg.concat([a, np.ones((2, 3)), b, a]),
    "constants": lambda a, b: tg.where(np.eye(2, 3) > 0, a, 1.0) @ np.ones((3, 2)),
    "rows": lambda a, b: tg.stack([row * row for row in a] + [b[1] * a[0], b[[0, 0, 1]].sum(axis=0)]),
    "what is kept": lambda a, b: tg.softmax_cross_entropy(a * b, [0, 2]) + tg.dropout(b, 0.5, rng=0).sum(),
    "an unused way": lambda a, b: (a * b.detach(), b * b)[0],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_contributions_of_all_nodes_add_up_to_the_gradients(name: str) -> None:
    """The chain rule as it stands in books, beside the walk."""
    a, b = (tg.Tensor(np.arange(6.0).reshape(2, 3) / 7 + shift, requires_grad=True) for shift in (0, 1))
    y = PROGRAMS[name](a, b)
    gradients: dict[Any, Any] = {y.node: np.cos(np.arange(y.size)).reshape(y.shape)}
    seed, nodes = gradients[y.node].copy(), behind(y.node)
    for node in reversed(nodes):
        assert set(node.saved) == set(node.op.saved if node.op else ())
        for argument, parent, part in node.contributions(gradients[node]):
            assert argument in node.op.differentiable
            assert parent in node.parents
            whole = total(unbroadcast(part, parent, node, argument, first=True))
            gradients[parent] = gradients.get(parent, 0) + whole
    y.backward(seed)
    for x in (a, b):
        assert (x.grad is None) == (x.node not in nodes)
        if x.grad is not None:
            np.testing.assert_allclose(gradients[x.node], x.grad, rtol=1e-15)


def test_behind_finds_each_node_once_and_parents_first() -> None:
    x, z = leaf(1, 2), leaf(3, 4)
    a = x * z
    b, c = a + a, a * 2.0
    y = b * c
    assert behind(y.node) == [t.node for t in (x, z, a, b, c, y)]
    assert behind(None, c.node, b.node, c.node) == [t.node for t in (x, z, a, b, c)]
    assert behind(y.node, through=lambda node: node is not a.node) == [t.node for t in (a, b, c, y)]
    assert behind() == behind(None) == []


def test_only_a_node_that_loses_a_parent_or_is_recorded_is_copied() -> None:
    x, z = leaf(1, 2), leaf(3, 4)
    y = x * z
    total_of_y = y.sum()
    both, one = {x.node, z.node, y.node}, {x.node, y.node}
    assert backprop._rebind(y.node, both, None) is y.node
    assert backprop._rebind(total_of_y.node, both, None) is total_of_y.node
    assert backprop._rebind(total_of_y.node, set(), None) is None
    copy = backprop._rebind(y.node, one, None)
    assert (copy.parents, y.node.parents) == ((x.node, None), (x.node, z.node))
    assert (copy.op, copy.shape, copy.dtype, copy.order) == (y.node.op, y.node.shape, y.node.dtype, y.node.order)
    assert [(argument, part.tolist()) for argument, _, part in copy.contributions(np.ones(2))] == [("a", [3, 4])]
    recorded = backprop._rebind(y.node, both, tg.Tensor)
    assert [value.node for value in recorded.saved.values()] == [x.node, z.node]
    assert [type(value) for value in y.node.saved.values()] == [np.ndarray] * 2


def test_grad_under_watch_remembers_the_gradients_also_of_nodes_that_lose_a_parent() -> None:
    x, z = leaf(1, 2), leaf(3, 4)
    with tg.watch(), tg.scope("part"):
        y: Any = x * z
        out = y.sum()
    tg.grad(out, x)
    assert y.node.seen.gradient.tolist() == [1, 1]
    tg.grad(out * 2.0, z, create_graph=True)
    assert y.node.seen.gradient.tolist() == [2, 2]
    assert y.node.scope == ("part",)


# ------------------------------------------------------------------ cost


def allocated(f: Callable[[], Any]) -> int:
    import tracemalloc

    tracemalloc.start()
    try:
        f()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "take", [lambda w, n: [w[i] for i in range(n)], lambda w, n: list(w), lambda w, n: [w[[i, i]] for i in range(n)]]
)
def test_indexing_every_row_costs_rows_not_arrays(take: Callable[[Any, int], Any]) -> None:
    n, width = 400, 50
    w: Any = tg.Tensor(np.ones((n, width)), requires_grad=True)
    y = tg.stack([row.sum() for row in take(w, n)]).sum()
    peak = allocated(y.backward)
    assert peak < 6 * w.data.nbytes  # n whole arrays would be 400
    assert set(w.grad.ravel()) in ({1.0}, {2.0})


def test_grad_holds_no_gradient_on_the_way_to_the_wanted() -> None:
    x: Any = tg.Tensor(np.ones(20_000), requires_grad=True)
    y = x
    for _ in range(20):
        y = y * 2.0
    y = y.sum()
    assert allocated(lambda: tg.grad(y, x)) < 6 * x.data.nbytes


def test_grad_lets_go_of_what_a_checkpoint_has_recorded() -> None:
    x: Any = tg.Tensor(np.ones(20_000), requires_grad=True)
    y = x
    for _ in range(20):
        y = tg.func.checkpoint(lambda x: tg.sin(tg.sin(x)), y)
    y = y.sum()
    assert allocated(lambda: tg.grad(y, x)) < 12 * x.data.nbytes


def test_gradients_of_constants_are_not_computed() -> None:
    asked: list[Any] = []

    def formula(word: str) -> Callable[..., Any]:
        if word == "a":
            return lambda g, b: noted(asked, "a", g * b)
        return lambda g, a: noted(asked, "b", g * a)

    @tg.op(broadcasts=True, a=formula("a"), b=formula("b"))
    def times(a: Any, b: Any) -> Any:
        return a * b

    w, c = leaf(1, 2), tg.Tensor([3.0, 4.0])
    times(w, c).backward([1, 1])
    times(np.ones(2), w).backward([1, 1])
    assert asked == ["a", "b"]


def test_grad_walks_only_what_leads_to_the_wanted() -> None:
    asked: list[Any] = []

    @tg.op(x=lambda g: noted(asked, 1, g))
    def expensive(x: Any) -> Any:
        return x * 1

    w, x = leaf(1, 2), leaf(3, 4)
    tg.grad((expensive(w) * x).sum(), x)
    assert not asked


# ------------------------------------------------------------------ threads


def in_threads(count: int, work: Callable[[int], Any]) -> list[BaseException]:
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(i: int) -> None:
        try:
            start.wait()
            work(i)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return errors


def test_threads_with_leaves_of_their_own_values() -> None:
    shared = tg.Tensor(np.arange(1.0, 4.0), requires_grad=True)
    answers: dict[int, list[Any]] = {}

    def work(i: int) -> None:
        for _ in range(60):
            own = tg.Tensor(np.full(3, float(i)), requires_grad=True)
            y = (tg.sin(own * shared) * shared[[0, 0, 2]]).sum()
            g_own, g_shared = tg.grad(y, [own, shared])
            answers.setdefault(i, []).append((g_own.tolist(), g_shared.tolist()))

    assert not in_threads(6, work)
    for i, found in answers.items():
        assert found == [found[0]] * 60
        x, s = np.full(3, float(i)), np.arange(1.0, 4.0)
        np.testing.assert_allclose(found[0][0], np.cos(x * s) * s * s[[0, 0, 2]])
    assert shared.grad is None


def test_threads_that_deposit_in_one_leaf_lose_nothing() -> None:
    w: Any = tg.Tensor(np.zeros(2), requires_grad=True)
    v: Any = tg.Tensor(np.zeros(2), requires_grad=True)

    def work(i: int) -> None:
        for _ in range(250):
            (w * 1.0 + v * 2.0).backward([1, 1])

    assert not in_threads(8, work)
    assert w.grad.tolist() == [2000, 2000]
    assert v.grad.tolist() == [4000, 4000]


def test_threads_that_walk_one_kept_graph() -> None:
    w = leaf(1, 2)
    y = (tg.exp(w) * w[[0, 0]] * w).sum()
    expected = tg.grad(y, w).tolist()
    found: list[Any] = []

    def work(i: int) -> None:
        for _ in range(50):
            found.append(tg.grad(y, w, create_graph=bool(i % 2)).tolist())

    assert not in_threads(6, work)
    assert found == [expected] * 300


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(-2, 2), st.floats(-2, 2))
def test_linear_in_the_starting_gradient(values: list[float], a: float, b: float) -> None:
    w: Any = tg.Tensor(values, requires_grad=True)
    y = tg.sin(w) * w[::-1] + w.sum()
    g, h = np.cos(np.arange(len(values))), np.sin(np.arange(len(values)))
    left = tg.grad(y, w, g=a * g + b * h).numpy()
    right = a * tg.grad(y, w, g=g).numpy() + b * tg.grad(y, w, g=h).numpy()
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


def test_no_gradient_passes_a_value_of_integers() -> None:
    @tg.op(x=lambda g: g)
    def counted(x: Any) -> Any:
        return np.asarray(x).astype(np.int64)

    w = leaf(1, 2)
    with pytest.raises(TypeError, match=r"counted: no gradient passes its output, which holds int64"):
        (counted(w) * 2.0).sum().backward()
    assert w.grad is None


def test_a_part_of_a_single_number_is_added_to_its_other_uses() -> None:
    w: Any = tg.Tensor(2.0, requires_grad=True)
    (w[()] + w * 2.0 + w * 3.0 + w[...]).backward()
    assert w.grad == 7
    v: Any = tg.Tensor(2.0, requires_grad=True)
    (v[()] + v * 2.0 + v * 3.0).backward()  # the part comes last, to a sum that is a NumPy scalar
    assert v.grad == 6


def test_second_order_through_any_number_of_arguments() -> None:
    @tg.op(xs=lambda g, xs: [g * xs[1] ** 2, 2 * g * xs[0] * xs[1]])
    def product(*xs: Any) -> Any:
        return xs[0] * xs[1] ** 2

    x, z = leaf(1, 2), leaf(3, 4)
    first = tg.grad(product(x, z).sum(), z, create_graph=True)
    assert first.tolist() == [6, 16]
    assert [g.tolist() for g in tg.grad(first.sum(), [x, z])] == [[6, 8], [2, 4]]


def test_what_a_forward_keeps_is_computed_again_at_second_order_if_it_depends_on_the_arguments() -> None:
    @tg.op(keeps=("e", "two"), a=lambda g, e, two: g * two * e, b=lambda g, b: 3 * g * b**2, e=lambda a: tg.exp(a))
    def f(xp: Any, a: Any, b: Any) -> Any:
        e = xp.exp(a)
        return 2 * e + b**3, e, 2.0

    a, b = leaf(0.5), leaf(2)
    first = tg.grad(f(a, b), a, create_graph=True)
    assert tg.grad(first, a).item() == pytest.approx(2 * np.exp(0.5))
    first = tg.grad(f(np.array([0.5]), b), b, create_graph=True)  # e is not saved here
    assert tg.grad(first, b).tolist() == [12]


@pytest.mark.parametrize("create_graph", [False, True])
def test_what_a_checkpoint_records_in_backward_leads_to_the_wanted(create_graph: bool) -> None:
    x, z = leaf(1, 2), leaf(3, 4)
    y = tg.func.checkpoint(lambda x, z: tg.exp(x * z) * x, x, z).sum()
    plain = (tg.exp(x * z) * x).sum()
    for wanted in ([x], [z], [x, z]):
        found, expected = (tg.grad(t, wanted, create_graph=create_graph) for t in (y, plain))
        assert [g.tolist() for g in found] == [g.tolist() for g in expected]


# ------------------------------------------------------------------ where an error was raised


def test_a_formula_that_gives_no_array_is_named_with_op_argument_type_and_shape() -> None:
    @tg.op(a=lambda g: g, b=lambda g: "text")
    def crooked(a: Any, b: Any) -> Any:
        return a + b

    with tg.scope("outer"), tg.scope("inner"):
        y = crooked(leaf(1, 2), leaf(3, 4)).sum()
    with pytest.raises(ValueError, match=r"crooked.*'?b'?.*str.*\(2,\)\n") as caught:
        y.backward()
    assert korean(caught.value)
    assert isinstance(caught.value.__context__, AttributeError)
    assert "in the backward of crooked, in inner, in outer" in caught.value.__context__.__notes__


@pytest.mark.parametrize("asked", ["shape", "shaep"])
def test_an_attribute_that_the_formula_itself_misses_stays_that_error(asked: str) -> None:
    @tg.op(x=lambda g, x: g * getattr(object(), asked))
    def mistyped(x: Any) -> Any:
        return x * 1

    with pytest.raises(AttributeError, match=f"'{asked}'") as caught:
        mistyped(leaf(1, 2)).sum().backward()
    assert "in the backward of mistyped" in caught.value.__notes__
