"""The teacher's numerical gradient: it moves one number at a time, sees the change wherever the array is read, and leaves no trace."""

import signal
from typing import Any

import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.check import derivative, directional_derivative
from tinygrad_ko.nn import TwoLayerNet

MODERATE = st.floats(-10, 10)
ANY_BITS = st.floats(width=64)  # infinities, NaN of both signs, -0.0, subnormal numbers
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


def bits(array):
    return np.ascontiguousarray(array).view(np.uint64).tolist()


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


# ---------------------------------------------------------------- right values


@given(x=hnp.arrays(np.float64, SHAPES, elements=MODERATE), rng=st.integers(0, 2**32 - 1))
def test_the_gradient_of_a_weighted_sum_of_squares(x, rng):
    w = np.random.default_rng(rng).normal(size=x.shape)
    grad = tg.numerical_gradient(lambda x: np.sum(w * x * x), x)
    assert (grad.shape, grad.dtype) == (x.shape, np.float64)
    scale = 1 + np.sum(np.abs(w) * x * x)  # the round-off of f, seen through a division by 2h
    np.testing.assert_allclose(grad, 2 * w * x, rtol=1e-9, atol=1e-11 * scale)


@given(x=MODERATE, h=st.floats(1e-6, 1e-2))
def test_the_derivative_is_the_central_difference(x, h):
    assert tg.numerical_diff(np.tanh, x, h) == (np.tanh(x + h) - np.tanh(x - h)) / (2 * h)


@given(x=hnp.arrays(np.float64, SHAPES, elements=MODERATE))
def test_the_derivative_of_each_element(x):
    slopes = tg.numerical_diff(np.sin, x)
    assert np.shape(slopes) == x.shape
    np.testing.assert_allclose(slopes, np.cos(x), atol=1e-8)


@pytest.mark.parametrize("x", [3, 3.0, np.int64(3), np.float64(3), np.array(3), np.uint8(3), True + 2], ids=repr)
def test_the_derivative_at_whole_numbers(x):
    assert tg.numerical_diff(lambda x: x**3, x) == pytest.approx(27, rel=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_the_derivative_in_low_precision_is_still_right(dtype, shape):
    """A step of 1e-4 is lost in float16 and is a few spacings of float32: the difference is worth nothing unless it is taken in float64."""
    x = np.full(shape, 5, dtype)[()]
    np.testing.assert_allclose(tg.numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, x), np.full(shape, 0.2), rtol=1e-9)


@pytest.mark.parametrize("dtype", [strict.float32, strict.float64])
def test_the_derivative_of_an_array_of_another_library(dtype):
    slopes: Any = tg.numerical_diff(strict.tanh, strict.asarray([0.5, 5.0], dtype=dtype))
    assert slopes.dtype == strict.float64
    np.testing.assert_allclose(np.asarray(slopes), 1 / np.cosh([0.5, 5.0]) ** 2, rtol=1e-6)


def test_the_derivative_of_a_function_of_tensors():
    slope = tg.numerical_diff(lambda x: tg.sum(x * x), tg.Tensor(3.0))
    assert slope.item() == pytest.approx(6, rel=1e-9)


def test_h_can_be_chosen():
    x = np.array([1.0])
    coarse, fine = (abs(tg.numerical_gradient(lambda x: np.exp(x[0]), x, h)[0] - np.e) for h in (1e-1, 1e-3))
    assert coarse == pytest.approx(np.e * 1e-2 / 6, rel=1e-2)  # the error of a central difference is f''' h^2 / 6
    assert fine == pytest.approx(np.e * 1e-6 / 6, rel=1e-2)


@pytest.mark.parametrize("h", [0, 0.0, -1e-4, float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("function", [tg.numerical_diff, tg.numerical_gradient])
def test_a_step_that_is_no_step_is_refused(function, h):
    def never(x):
        raise AssertionError("f was called")

    with pytest.raises(ValueError, match=r"\bh\b") as caught:
        function(never, np.array(1.0), h)
    assert korean(caught.value)


# ---------------------------------------------------------------- in place, and restored


def test_a_function_that_reads_the_array_elsewhere_sees_the_change():
    net = {"W": np.array([[1.0, -2.0], [0.5, 3.0]])}
    np.testing.assert_allclose(
        tg.numerical_gradient(lambda _: np.sum(net["W"] ** 2), net["W"]), 2 * net["W"], rtol=1e-9
    )


def test_the_argument_is_the_array_itself():
    x, seen = np.ones(3), []

    def f(a):
        seen.append(a)
        return 0.0

    tg.numerical_gradient(f, x)
    assert len(seen) == 6
    assert all(a is x for a in seen)


def test_one_element_is_moved_at_a_time_by_h_up_and_down():
    x, seen = np.array([[1.0, 2.0], [3.0, 4.0]]), []

    def f(a):
        seen.append(a.copy())
        return 0.0

    tg.numerical_gradient(f, x, h=0.25)
    steps = [(np.flatnonzero(a != x).tolist(), (a - x).sum()) for a in seen]
    assert steps == [([i], s) for i in range(4) for s in (0.25, -0.25)]


@given(x=hnp.arrays(np.float64, SHAPES, elements=ANY_BITS), h=st.sampled_from([1e-4, 1.0, 1e300]))
def test_every_bit_is_restored(x, h):
    """Also of NaN, infinities and -0.0, where x + h - h is not x."""
    before = bits(x)
    with np.errstate(all="ignore"):
        tg.numerical_gradient(lambda a: 0.0, x, h)
    assert bits(x) == before


@given(x=hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=3), elements=ANY_BITS), data=st.data())
def test_every_bit_is_restored_when_the_function_fails(x, data):
    failing_call = data.draw(st.integers(0, 2 * x.size - 1))
    failure = data.draw(st.sampled_from([ValueError, ZeroDivisionError, KeyboardInterrupt, SystemExit, GeneratorExit]))
    before, calls = bits(x), 0

    def f(a):
        nonlocal calls
        if calls == failing_call:
            assert (
                bits(a) != before or not np.isfinite(a).all() or np.abs(a).max() > 1e11
            )  # it was called amid a change
            raise failure("on purpose")
        calls += 1
        return 0.0

    with np.errstate(all="ignore"), pytest.raises(failure, match="on purpose"):
        tg.numerical_gradient(f, x)
    assert bits(x) == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_function_without_a_finite_value_gives_nan_and_the_array_back(value):
    x = np.array([1.0, 2.0])
    with np.errstate(invalid="ignore"):
        grad = tg.numerical_gradient(lambda a: value, x)
    assert np.isnan(grad).all()
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize(
    "result", [np.zeros(2), [1.0, 2.0], np.zeros((2, 1)), np.zeros(0), "text", None, 1j, {}], ids=repr
)
def test_the_array_is_restored_when_the_result_is_refused(result):
    x = np.array([1.5, 2.5])
    with pytest.raises((TypeError, ValueError)):
        tg.numerical_gradient(lambda a: result, x)
    assert x.tolist() == [1.5, 2.5]


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_the_middle_restores_the_array():
    x = np.linspace(0, 1, 50)
    before, there = bits(x), x[20].copy()

    def f(a):
        if a[20] != there:
            signal.raise_signal(signal.SIGINT)
        return float(a.sum())

    with pytest.raises(KeyboardInterrupt):
        tg.numerical_gradient(f, x)
    assert bits(x) == before


# ---------------------------------------------------------------- which arrays


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[::-1, ::2],
        lambda a: a[:, 1],
        lambda a: a[1:, None, 1:],
        lambda a: np.asfortranarray(a),
        lambda a: a.reshape(2, 2, 3),
    ],
    ids=["transposed", "backwards and with gaps", "a column", "a part", "Fortran", "reshaped"],
)
def test_views_are_moved_in_place(view):
    base = np.random.default_rng(0).normal(size=(4, 3))
    x = view(base)
    before = bits(base)
    np.testing.assert_allclose(tg.numerical_gradient(lambda _: np.sum(np.sin(x)), x), np.cos(x), rtol=1e-7)
    assert bits(base) == before


def test_two_views_of_one_array_both_see_the_change():
    base = np.array([1.0, 2.0, 3.0])
    grad = tg.numerical_gradient(lambda _: base[0] ** 2 + base[1] ** 2, base[:2])
    np.testing.assert_allclose(grad, [2, 4], rtol=1e-9)


class Labelled(np.ndarray):
    """A subclass, as np.memmap is."""


@pytest.mark.parametrize("kind", ["memmap", "subclass"])
def test_arrays_of_a_subclass_are_moved_in_place_too(kind, tmp_path):
    if kind == "memmap":
        x: Any = np.memmap(tmp_path / "x", np.float64, "w+", shape=(3,))
    else:
        x = np.zeros(3).view(Labelled)
    x[:] = [1, 2, 3]
    np.testing.assert_allclose(tg.numerical_gradient(lambda _: float(np.sum(x * x)), x), [2, 4, 6], rtol=1e-9)


@given(
    x=hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=3), elements=st.floats(-10, 10, width=32)),
    dtype=st.sampled_from([np.float32, np.float16]),
)
def test_low_precision_is_copied_and_right(x, dtype):
    x = x.astype(dtype)
    kept = x.copy()
    grad = tg.numerical_gradient(lambda a: np.sum(a * a), x)
    assert grad.dtype == np.float64
    np.testing.assert_allclose(grad, 2 * x.astype(np.float64), rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(x, kept)


def test_other_floats_and_byte_orders_are_right_too():
    for dtype in (np.longdouble, ">f8", "<f8"):
        x = np.array([3.0, 4.0], dtype)
        np.testing.assert_allclose(tg.numerical_gradient(lambda a: np.sum(a * a), x), [6, 8], rtol=1e-9)
        assert x.tolist() == [3, 4]


def test_read_only_arrays_are_copied():
    x = np.array([3.0, 4.0])
    x.flags.writeable = False
    np.testing.assert_allclose(tg.numerical_gradient(lambda a: np.sum(a * a), x), [6, 8], rtol=1e-9)
    np.testing.assert_allclose(tg.numerical_gradient(np.sum, np.broadcast_to(1.5, (2, 2))), np.ones((2, 2)), rtol=1e-9)


def test_numbers_and_lists_of_floats_are_copied():
    assert tg.numerical_gradient(lambda a: a**2, 3.0).shape == ()
    assert tg.numerical_gradient(lambda a: a**2, 3.0) == pytest.approx(6)
    assert tg.numerical_gradient(lambda a: a**2, np.float64(3)) == pytest.approx(6)
    x = [3.0, 4.0]
    np.testing.assert_allclose(tg.numerical_gradient(lambda a: a[0] * a[1], x), [4, 3], rtol=1e-9)
    assert x == [3.0, 4.0]


@pytest.mark.parametrize("dtype", [int, np.int8, np.uint64, bool, complex, object])
def test_whole_numbers_are_refused_with_the_cure(dtype):
    x = np.array([3, 4]).astype(dtype)
    kept = x.copy()
    with pytest.raises(TypeError, match=r"astype\(float\)") as caught:
        tg.numerical_gradient(lambda a: a[0] * a[1], x)
    assert korean(caught.value)
    np.testing.assert_array_equal(x, kept)


# ---------------------------------------------------------------- what was copied is not read elsewhere

W = np.array([[1.0, -2.0], [0.5, -1.0]])
FORMS: dict[str, Any] = {
    "float32": lambda: W.astype(np.float32),
    "float16": lambda: W.astype(np.float16),
    "longdouble": lambda: W.astype(np.longdouble),
    "big-endian": lambda: W.astype(">f8"),
    "a float32 view": lambda: np.asfortranarray(W.astype(np.float32)).T[::-1],
    "0-d": lambda: np.array(-1, np.float32),
    "list": lambda: W.tolist(),
    "list of tuples": lambda: list(map(tuple, W.tolist())),
    "tuple": lambda: tuple(map(tuple, W.tolist())),
    "list of arrays": lambda: list(W.copy()),
    "read-only": lambda: read_only(W),
    "broadcast": lambda: np.broadcast_to(-1.5, (2, 2)),
    "NumPy scalar": lambda: np.float32(-1),
    "number": lambda: -1.0,
    "another library": lambda: strict.asarray(W),
    "Tensor": lambda: tg.Tensor(W, dtype=np.float32),
    "leaf": lambda: tg.Tensor(W, dtype=np.float32, requires_grad=True),
}
NUMBERS = {"number", "NumPy scalar"}
FIXED = {"read-only", "broadcast", "tuple", "list of tuples", "another library"}  # nothing can be written to these


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def values(x):
    return np.asarray(x.numpy() if isinstance(x, tg.Tensor) else x, dtype=float)


def squares(x):
    return float(np.sum(np.square(values(x))))


@pytest.mark.parametrize("form", FORMS)
def test_a_copy_that_f_does_not_read_is_refused(form):
    """The derivative was 0: the copy moved, and f read what it was copied from."""
    x = FORMS[form]()
    before, held = repr(x), values(x).tolist()
    with pytest.raises(ValueError, match=r"itself.*astype\(float\)") as caught:
        tg.numerical_gradient(lambda _: squares(x), x)
    assert korean(caught.value)
    assert (repr(x), values(x).tolist()) == (before, held)
    assert tg.numerical_gradient(squares, x) == pytest.approx(2 * values(x))


@pytest.mark.parametrize("form", FORMS)
def test_so_it_is_by_what_moves_a_copy_of_any_array(form):
    x = FORMS[form]()
    x = x.detach() if form == "leaf" else x  # they refuse what requires a gradient
    before = repr(x)
    direction = np.ones(values(x).shape)
    movers: list[Any] = [tg.gradient_descent, lambda f, x: directional_derivative(f, x, direction)]
    movers += [lambda f, x: directional_derivative(f, x, direction, quick=True)]
    movers += [] if isinstance(x, list | tuple) or form in NUMBERS else [tg.numerical_diff]
    movers += [derivative] if form == "0-d" else []
    for mover in movers:
        with pytest.raises(ValueError, match=r"itself.*compute from its argument") as caught:
            mover(lambda _: squares(x), x)
        assert korean(caught.value)
        assert repr(x) == before
        mover(squares, x)


def test_float64_is_a_copy_to_them_too():
    x = W.copy()
    movers: list[Any] = [tg.gradient_descent, tg.numerical_diff, lambda f, x: directional_derivative(f, x, W)]
    for mover in movers:
        with pytest.raises(ValueError, match="f reads x itself"):
            mover(lambda _: squares(x), x)
    assert bits(x) == bits(W)


@pytest.mark.parametrize("form", FORMS)
def test_where_f_is_flat_0_is_right(form):
    x = FORMS[form]()
    flat = lambda a: max(squares(a) - 100, 0)
    assert not tg.numerical_gradient(flat, x).any()
    assert np.array_equal(tg.gradient_descent(flat, values(x), step_num=1), values(x))


@pytest.mark.parametrize("form", sorted({*FORMS} - NUMBERS - FIXED))
def test_a_constant_is_0_where_x_can_be_changed(form):
    assert not tg.numerical_gradient(lambda _: 3.0, FORMS[form]()).any()


def test_the_derivative_of_a_constant_in_a_number():
    assert tg.numerical_diff(lambda x: 3.0, 5) == tg.numerical_diff(lambda x: 3.0, np.float32(5)) == 0
    assert derivative(lambda x: 3.0, 5.0).value == 0


def test_a_term_that_reads_what_was_copied_is_missed_by_nobody():
    x = W.astype(np.float32)
    with pytest.raises(ValueError, match="f reads x itself"):
        tg.numerical_gradient(lambda a: squares(x) + 0.1 * squares(a), x)
    y = W.copy()
    assert tg.numerical_gradient(lambda a: squares(y) + 0.1 * squares(a), y) == pytest.approx(2.2 * W)


def test_what_is_moved_from_may_be_a_constant_of_f():
    """A penalty on the distance to where one started."""
    found = directional_derivative(lambda w: squares(w) + squares(w - W), W, np.ones((2, 2)))
    assert abs(found.value - 2 * W.sum()) <= found.error


def test_the_parameter_of_a_network_in_single_precision():
    net = TwoLayerNet(3, 4, 2, rng=0)
    net.params = {name: array.astype(np.float32) for name, array in net.params.items()}
    x, t = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    loss = lambda _: net.loss(x, t)
    for name in net.params:
        with pytest.raises(ValueError, match="f reads x itself"):
            tg.numerical_gradient(loss, net.params[name])
    net.params["W1"] = W1 = net.params["W1"].astype(float)
    np.testing.assert_allclose(tg.numerical_gradient(loss, W1), net.gradient(x, t)["W1"], rtol=1e-4, atol=1e-7)
    for name, numeric in net.numerical_gradient(x, t).items():
        np.testing.assert_allclose(numeric, net.gradient(x, t)[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_an_error_while_x_is_moved(failure):
    x = np.array([1, np.nan, -0.0, np.inf], np.float32)
    before = x.view(np.uint32).tolist()

    def f(_):
        if x[0] != 1:
            raise failure("on purpose")
        return 0.0

    expected = "f reads x itself" if failure is ValueError else "on purpose"
    with pytest.raises(failure, match=expected) as caught:
        tg.numerical_gradient(f, x)
    assert failure is not ValueError or str(caught.value.__cause__) == "on purpose"
    assert x.view(np.uint32).tolist() == before


def test_random_values_say_nothing_of_x():
    rng = np.random.default_rng(0)
    assert tg.numerical_gradient(lambda a: rng.normal(), W.astype(np.float32)).all()


def test_a_memmap_of_low_precision_is_restored(tmp_path):
    x: Any = np.memmap(tmp_path / "x", np.float32, "w+", shape=(3,))
    x[:] = [1, 2, 3]
    with pytest.raises(ValueError, match="f reads x itself"):
        tg.numerical_gradient(lambda _: squares(x), x)
    assert np.fromfile(tmp_path / "x", np.float32).tolist() == [1, 2, 3]


# ---------------------------------------------------------------- Tensors, and what f returns


@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_tensor_is_moved_in_place(requires_grad):
    w: Any = tg.Tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=requires_grad)
    kept, held = w.numpy(), w.data
    for f in (
        lambda a: (a * a).sum(),
        lambda _: (w * w).sum(),
        lambda _: (w * w).sum().item(),
        lambda _: np.sum(held * held),
    ):
        np.testing.assert_allclose(tg.numerical_gradient(f, w), 2 * kept, rtol=1e-9)
        assert bits(w.numpy()) == bits(kept)
    assert w.grad is None


def test_a_float32_tensor_is_copied_and_right():
    w: Any = tg.Tensor(np.array([1, -2], np.float32), requires_grad=True)
    np.testing.assert_allclose(tg.numerical_gradient(lambda a: tg.sum(a * a), w), [2, -4], rtol=1e-9)
    assert w.tolist() == [1, -2]


def test_a_graph_recorded_before_keeps_its_values():
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = (w * w).sum()
    tg.numerical_gradient(lambda a: (a * a).sum(), w)
    y.backward()
    assert w.grad.tolist() == [2, 4]


def test_the_parameters_of_a_module_are_seen_through_the_module():
    layer = tg.nn.Affine(2, 3, rng=0)
    x = np.ones((4, 2))
    loss: Any = lambda _: tg.softmax_cross_entropy(layer(x), [0, 1, 2, 0])
    loss(None).backward()
    p: Any
    for p in layer.parameters():
        np.testing.assert_allclose(tg.numerical_gradient(loss, p), p.grad, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "wrap",
    [
        float,
        np.float64,
        np.float32,
        lambda v: np.array(v),
        lambda v: np.array([v]),
        lambda v: np.array([[v]]),
        lambda v: [v],
        tg.Tensor,
        lambda v: tg.Tensor([v]),
        lambda v: tg.Tensor([v], requires_grad=True),
    ],
    ids=[
        "float",
        "float64",
        "float32",
        "0-d",
        "1 element",
        "1 by 1",
        "list",
        "Tensor",
        "Tensor of 1",
        "Tensor in a graph",
    ],
)
def test_one_number_in_any_clothes(wrap):
    grad = tg.numerical_gradient(lambda a: wrap(float(a[0] * 2.0)), np.array([1.0]), h=0.25)
    assert grad.tolist() == [2.0]


def test_a_function_may_return_whole_numbers():
    assert tg.numerical_gradient(lambda a: int(a[0]), np.array([1.0]), h=1.0).tolist() == [1.0]
    assert tg.numerical_gradient(lambda a: bool(a[0] > 1), np.array([1.0]), h=0.5).tolist() == [1.0]
    assert tg.numerical_diff(lambda x: round(x), 3, h=1) == 1


@pytest.mark.parametrize(
    "result", [np.zeros(2), np.zeros((3, 1)), np.zeros(0), [1.0, 2.0], tg.Tensor([1.0, 2.0])], ids=repr
)
def test_more_than_one_number_is_refused(result):
    with pytest.raises(ValueError, match=r"f must return one number.*shape") as caught:
        tg.numerical_gradient(lambda a: result, np.ones(2))
    assert korean(caught.value)


@pytest.mark.parametrize("result", [None, "text", 1j, object()], ids=["None: no return", "text", "complex", "object"])
def test_what_is_no_number_is_refused_with_an_explanation(result):
    """A forgotten `return` is the commonest mistake of all."""
    with pytest.raises((TypeError, ValueError), match="f must return one number") as caught:
        tg.numerical_gradient(lambda a: result, np.ones(2))
    assert korean(caught.value)


def test_nothing_to_move_asks_for_nothing():
    called: list = []
    for shape in [(0,), (2, 0, 3)]:
        assert tg.numerical_gradient(called.append, np.zeros(shape)).shape == shape
    assert called == []


# ---------------------------------------------------------------- gradient descent


def bowl(x):
    return np.sum(x * x)


@given(
    x=hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3), elements=MODERATE),
    lr=st.floats(0.01, 0.45),
    step_num=st.integers(0, 12),
)
def test_descent_follows_the_closed_form_and_leaves_its_start_alone(x, lr, step_num):
    before = bits(x)
    end, trace = tg.gradient_descent(bowl, x, lr=lr, step_num=step_num, history=True)
    assert bits(x) == before
    assert trace.shape == (step_num, *x.shape)
    assert not np.shares_memory(end, x)
    assert not np.shares_memory(end, trace)
    atol = 1e-9 * (1 + bowl(x))
    np.testing.assert_allclose(end, x * (1 - 2 * lr) ** step_num, atol=atol)
    for k in range(step_num):
        np.testing.assert_allclose(trace[k], x * (1 - 2 * lr) ** k, atol=atol)
    assert bits(tg.gradient_descent(bowl, x, lr=lr, step_num=step_num)) == bits(end)


@pytest.mark.parametrize(
    "start",
    [
        np.array([-3, 4]),
        [-3, 4],
        (-3, 4),
        np.array([-3, 4], np.float32),
        np.array([-3, 4], np.int8),
        tg.Tensor([-3.0, 4.0]),
    ],
    ids=repr,
)
def test_descent_starts_from_whole_numbers_too(start):
    kept = tg.Tensor(start).tolist()
    end = tg.gradient_descent(bowl, start, lr=0.1, step_num=100)
    assert end.dtype == np.float64
    assert end.tolist() == tg.gradient_descent(bowl, np.array([-3.0, 4.0]), lr=0.1, step_num=100).tolist()
    assert tg.Tensor(start).tolist() == kept


def test_descent_from_one_number():
    assert tg.gradient_descent(lambda x: (x - 2) ** 2, 5, lr=0.25, step_num=100) == pytest.approx(2)


def test_the_history_begins_at_the_start_and_stops_before_the_end():
    end, trace = tg.gradient_descent(bowl, [1.0, -1.0], lr=0.25, step_num=2, history=True)
    np.testing.assert_allclose(trace, [[1.0, -1.0], [0.5, -0.5]], rtol=1e-9)
    np.testing.assert_allclose(end, [0.25, -0.25], rtol=1e-9)


def test_descent_of_a_function_of_tensors():
    end: Any = tg.gradient_descent(lambda x: tg.sum((x - 1) ** 2), [5.0, -5.0], lr=0.25, step_num=60)
    np.testing.assert_allclose(end, [1.0, 1.0], atol=1e-9)


def test_a_start_that_requires_a_gradient_is_refused_with_the_cure():
    with pytest.raises(TypeError, match=r"numpy\(\)"):
        tg.gradient_descent(bowl, tg.Tensor([1.0], requires_grad=True))


@pytest.mark.parametrize("history", [False, True])
def test_a_negative_number_of_steps_is_refused(history):
    with pytest.raises(ValueError, match="step_num") as caught:
        tg.gradient_descent(bowl, [1.0], step_num=-1, history=history)
    assert korean(caught.value)


# ---------------------------------------------------------------- as the learner uses it, on a network


@given(seed=st.integers(0, 1000))
def test_the_learners_own_lambda_agrees_with_backpropagation(seed):
    rng = np.random.default_rng(seed)
    net = TwoLayerNet(3, 2, 4, weight_init_std=1.0, rng=rng)
    x, t = rng.normal(size=(2, 3)), rng.integers(0, 4, size=2)
    exact = net.gradient(x, t)
    for name in net.params:
        numeric = tg.numerical_gradient(lambda w: net.loss(x, t), net.params[name])
        np.testing.assert_allclose(numeric, exact[name], rtol=1e-6, atol=1e-8)


def test_where_x_plus_h_is_x_the_gradient_is_0_without_a_word():
    """Documented, and why `check_gradient` exists."""
    x = np.array([1e13])
    assert tg.numerical_gradient(lambda a: a[0] ** 2, x).tolist() == [0]
