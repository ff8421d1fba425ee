"""Every op on every dtype: float16 is computed in float32 and rounded once, integers give float64, and what is not real is refused."""

import warnings
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.domains import is_float, sample
from tests.ops.table import ROWS

ROW = {f.__name__: (f, row) for f, row in ROWS.items()}
OF_THE_PACKAGE = [name for name, (f, _) in ROW.items() if f.__module__.startswith("tinygrad_ko.")]
VIEWS = {  # of NumPy's arrays, as NumPy's functions of these names give them
    *("reshape", "permute_dims", "moveaxis", "swapaxes", "matrix_transpose", "broadcast_to", "broadcast_arrays", "expand_dims", "squeeze"),
    *("flip", "split", "array_split", "unstack", "getitem", "diagonal", "diag", "unfold", "all_apart", "einsum"),
    *("unchanged", "same_values"),
}  # fmt: skip


def outputs(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple | list) else [out]


def backward(function: Any, values: list[Any], options: dict[str, Any], weights: Any = None) -> tuple[Any, Any, Any]:
    """The results of a call, weights for them, and the gradients of their weighted sum."""
    leaves = [
        tg.Tensor(v, requires_grad=True) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for v in values
    ]
    results = outputs(function(*leaves, **options))
    if weights is None:
        weights = [np.random.default_rng(0).choice([-1.5, 0.5, 1.25], y.shape) for y in results]
    for y, w in zip(results, weights, strict=True):
        if y.requires_grad:
            y.backward(w.astype(y.dtype), keep_graph=True)
    return [y.numpy() for y in results], weights, [x.grad if isinstance(x, tg.Tensor) else None for x in leaves]


NOT_REAL = [
    np.array(0.5 + 2j),
    np.array("a"),
    np.array("2026-01-01", "datetime64[D]"),
    np.array(3, "timedelta64[s]"),
    np.array(None),
    np.array((1.0,), [("a", float)]),
]


@pytest.mark.parametrize("name", ROW)
def test_a_call_of_the_table_in_other_dtypes(name):
    """One test for all of it, for the calls take longer to draw than to try."""
    function, row = ROW[name]
    calls = [c for c in sample(row, 1) if all(a.size for a in c[0] if is_float(a)) and "dtype" not in c[1]]
    if not calls:
        return
    arguments, options = calls[-1]
    numbers = [is_float(a) for a in arguments]
    alone = all(
        yes or not isinstance(a, np.ndarray) or a.dtype.kind != "f" for a, yes in zip(arguments, numbers, strict=True)
    )
    if name in OF_THE_PACKAGE and alone:
        assert_float16_is_rounded_once(function, arguments, options)
    if alone:
        assert_floats_of_integers_are_float64(function, arguments, options)
    said = function.op.name if hasattr(function, "op") else name if name in OF_THE_PACKAGE else ""
    for bad in NOT_REAL:
        for i in np.flatnonzero(numbers):
            values = [np.full(a.shape, bad) if j == i else a for j, a in enumerate(arguments)]
            with pytest.raises(TypeError, match=f"^{said}.*(real numbers|must be integers)"):
                function(*values, **options)
    if said not in VIEWS and name not in VIEWS:
        given = [a for a in arguments if isinstance(a, np.ndarray)]
        assert not any(np.shares_memory(y, a) for y in outputs(function(*arguments, **options)) for a in given)


def assert_float16_is_rounded_once(function: Any, arguments: Any, options: Any) -> None:
    halves = [a.astype(np.float16) if is_float(a) else a for a in arguments]
    exact = [np.asarray(a, np.float64) if is_float(b) else a for a, b in zip(halves, arguments, strict=True)]
    values, weights, slopes = backward(function, exact, options)
    got, _, got_slopes = backward(function, halves, options, weights)
    for a, b in zip([*got, *got_slopes], [*values, *slopes], strict=True):
        if b is not None and b.dtype.kind == "f":
            assert a.dtype == np.float16
            if not hasattr(function, "op"):  # composed of several ops, each of which rounds
                np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)
            elif b.size:
                lost = 2e-6 * np.max(np.abs(b))  # in float32
                np.testing.assert_array_less(np.abs(a - b), 0.51 * np.spacing(np.abs(a)).astype(float) + lost)


def assert_floats_of_integers_are_float64(function: Any, arguments: Any, options: Any) -> None:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in (bool, np.uint8, np.int8, np.uint16, np.int16, np.int32):
            for form in (np.asarray, tg.Tensor):
                whole = [form(np.ceil(np.abs(a)).astype(dtype)) if is_float(a) else a for a in arguments]
                try:
                    out = function(*whole, **options)
                except (TypeError, ValueError):  # NumPy has no -True, and a matrix of ones no inverse
                    continue
                assert all(y.dtype == np.float64 or y.dtype.kind in "biu" for y in outputs(out)), (dtype, out)


@pytest.mark.parametrize("bad", [1j, np.complex64(1j), [1j], ["a"], [None], np.array([1j])])
def test_numbers_and_lists_that_are_not_real_are_refused(bad):
    for f, said in {
        tg.sigmoid: "sigmoid",
        lambda x: tg.add([1.0], x): "add",
        lambda x: tg.add(tg.Tensor([1.0]), x): "add",
        lambda x: tg.concat([[1.0], x]): "concat",
        lambda x: tg.clip([1.0], 0.0, x): "clip",
        lambda x: tg.where(x, 1.0, 2.0): "where",
        lambda x: tg.quantile([1.0, 2.0], x): "quantile",
        lambda x: tg.average([1.0], weights=x): "average",
        lambda x: tg.einsum("...,...->...", [1.0], x): "einsum",
    }.items():
        with pytest.raises(TypeError, match=f"^{said}: expected real numbers"):
            f(bad)


def test_options_that_are_complex_are_refused():
    for slope in (1j, np.complex64(1j), np.array(1j)):
        with pytest.raises(TypeError, match=r"^leaky_relu: expected real numbers"):
            tg.leaky_relu([1.0], slope)


MATRIX: Any = np.array([[0.5, 1.5], [2.0, 0.25]])
IDENTITIES = {  # name: a call that gives back what it is given, and what NumPy's function of that name gives
    "einsum": (lambda x: tg.einsum("ij->ij", x), None),
    "einsum of anything": (lambda x: tg.einsum("...", x), None),
    "einsum turned": (lambda x: tg.einsum("ij->ji", x), lambda x: np.einsum("ij->ji", x)),
    **{f"pad {m}": (lambda x, m=m: tg.pad(x, 0, m), lambda x, m=m: np.pad(x, 0, m)) for m in ("constant", "edge", "wrap")},
    "pad reflect": (lambda x: tg.pad(x, ((0, 0), (0, 0)), "reflect"), lambda x: np.pad(x, 0, "reflect")),
    "dropout of nothing": (lambda x: tg.dropout(x, 0), None),
    "dropout outside training": (lambda x: tg.dropout(x, training=False), None),
    "identity_function": (tg.identity_function, None),
    "tile": (lambda x: tg.tile(x, 1), lambda x: np.tile(x, 1)),
    "tile of no axis": (lambda x: tg.tile(x, ()), lambda x: np.tile(x, ())),
    "tile on a new axis": (lambda x: tg.tile(x, (1, 1, 1)), lambda x: np.tile(x, (1, 1, 1))),
    "meshgrid": (lambda x: tg.meshgrid(x[0])[0], lambda x: np.meshgrid(x[0])[0]),
    "unfold": (lambda x: tg.unfold(x, 1), None),
    "repeat": (lambda x: tg.repeat(x, 1, axis=0), lambda x: np.repeat(x, 1, axis=0)),
    "sum": (lambda x: tg.sum(x, axis=()), lambda x: np.sum(x, axis=())),
    "mean": (lambda x: tg.mean(x, axis=()), lambda x: np.mean(x, axis=())),
    "max": (lambda x: tg.max(x, axis=()), lambda x: np.max(x, axis=())),
    "median": (lambda x: tg.median(x, axis=()), None),
    "vector_norm": (lambda x: tg.vector_norm(x, axis=(), ord=1), None),
    "roll": (lambda x: tg.roll(x, 0), lambda x: np.roll(x, 0)),
    "flip": (lambda x: tg.flip(x, axis=()), lambda x: np.flip(x, axis=())),
    "clip": (tg.clip, lambda x: np.clip(x, None, None)),
    "where": (lambda x: tg.where(True, x, 0), lambda x: np.where(True, x, 0)),
    "astype": (lambda x: tg.astype(x, x.dtype), lambda x: x.astype(x.dtype)),
    "squeeze": (tg.squeeze, np.squeeze),
    "reshape": (lambda x: tg.reshape(x, x.shape), lambda x: np.reshape(x, x.shape)),
    "permute_dims": (lambda x: tg.permute_dims(x, (0, 1)), lambda x: np.transpose(x, (0, 1))),
    "broadcast_to": (lambda x: tg.broadcast_to(x, x.shape), lambda x: np.broadcast_to(x, x.shape)),
    "concat": (lambda x: tg.concat([x]), lambda x: np.concatenate([x])),
    "split": (lambda x: tg.split(x, 1)[0], lambda x: np.split(x, 1)[0]),
    "sort": (lambda x: tg.sort(x[:, :1]), lambda x: np.sort(x[:, :1])),
    "cumulative_sum": (lambda x: tg.cumulative_sum(x[:1], axis=0), lambda x: np.cumsum(x[:1], axis=0)),
    "matrix_power": (lambda x: tg.linalg.matrix_power(x, 1), None),
    "pow": (lambda x: tg.pow(x, 1), lambda x: x**1),
    "tril": (lambda x: tg.tril(x, 5), lambda x: np.tril(x, 5)),
    "mean_squared_error": (lambda x: tg.mean_squared_error(x, np.zeros_like(MATRIX), "none"), None),
}  # fmt: skip


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_call_that_changes_nothing_copies_but_where_numpys_does_not(name):
    call, numpys = IDENTITIES[name]
    x = MATRIX.copy()
    assert np.shares_memory(call(x), x) == (numpys is not None and np.shares_memory(numpys(x), x))
    for leaf in (False, True):
        t = tg.Tensor(x, requires_grad=leaf)
        y = call(t)
        y.data *= 0
        assert t.tolist() == MATRIX.tolist()
        y, before = call(t), call(t).tolist()
        t.data *= 0
        assert y.tolist() == before


def f16(*numbers: Any) -> Any:
    return tg.Tensor(np.array(numbers, np.float16), requires_grad=True)


class TestFloat16:
    @pytest.mark.parametrize(
        ("f", "x", "value", "slope"),
        [
            (tg.vector_norm, [300, 400], 500, [0.6, 0.8]),
            (tg.linalg.matrix_norm, [[300, 400]], 500, [[0.6, 0.8]]),
            (lambda x: tg.vector_norm(x, ord=3), [300, 400], 449.794, [0.44482, 0.79079]),
            (tg.std, [0, 1000], 500, [-0.5, 0.5]),
            (lambda x: tg.standardize(x) * tg.Tensor([1.0, 3.0], dtype=np.float16), [0, 1000], [-1, 3], [0, 0]),
            (lambda x: tg.layer_norm(x, f16(2, 2), f16(1, 1)), [0, 1000], [-1, 3], [0, 0]),
            (lambda x: tg.batch_norm(x, f16(2), f16(1)), [[0], [1000]], [[-1], [3]], [[0], [0]]),
            (lambda x: tg.avg_pool1d(x, 2), [[[60000, 60000]]], [[[60000]]], [[[0.5, 0.5]]]),
            (lambda x: tg.mean_squared_error(x, f16(0, 0, 0, 0)), [300, 0, 0, 0], 22500, [150, 0, 0, 0]),
            (lambda x: tg.average(x, weights=f16(3, 3)), [30000, 30000], 30000, [0.5, 0.5]),
            (lambda x: tg.einsum("i,i,j->j", x, x, f16(0.001, 0).detach()), [300, 400], [250, 0], [0.6, 0.8]),
        ],
    )
    def test_squares_and_sums_that_float16_does_not_hold(self, f, x, value, slope):
        x = f16(*x)
        y = f(x)
        y.backward(np.ones(y.shape, np.float16))
        assert y.dtype == x.grad.dtype == np.float16
        np.testing.assert_allclose(y.numpy(), value, rtol=1e-3)
        np.testing.assert_allclose(x.grad, slope, rtol=1e-3, atol=1e-4)

    def test_counts_beyond_2048(self):
        x: Any = tg.Tensor(np.ones(70_000, np.float16), requires_grad=True)
        for f, value, slope in ((tg.max, 1, 1 / 70_000), (tg.mean, 1, 1 / 70_000), (tg.var, 0, 0)):
            x.zero_grad()
            y = f(x)
            y.backward()
            assert y.item() == value
            np.testing.assert_allclose(x.grad, slope, rtol=2e-3)
        assert tg.softmax(x).numpy()[0] == np.float16(1 / 70_000)
        assert tg.cumulative_sum(np.ones(5_000, np.float16))[-1] == np.float16(5_000)

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: x + np.zeros((5_000, 1), np.float16),  # un-broadcast
            lambda x: sum((x * 1 for _ in range(5_000)), 0 * x),  # used many times
            lambda x: x[np.zeros(5_000, int)],
            lambda x: tg.stack([x] * 5_000),
            lambda x: tg.repeat(x, 5_000, axis=0),
            lambda x: tg.pad(x, (0, 4_999), "edge"),
            lambda x: np.ones((5_000, 1), np.float16) @ x[None],
        ],
    )
    def test_gradients_that_are_sums_of_many(self, f):
        x = f16(1.0)
        y = f(x)
        y.backward(np.ones(y.shape, np.float16))
        assert x.grad.dtype == np.float16
        assert x.grad.tolist() == [np.float16(5_000)]

    def test_a_slope_far_out_is_that_of_the_output_before_it_was_rounded(self):
        """tanh(4.5) is 1 in float16, and the slope 1 - out * out would be 0."""
        x = f16(4.5)
        tg.tanh(x).backward([1])
        np.testing.assert_allclose(x.grad, 1 / np.cosh(4.5) ** 2, rtol=1e-3)

    def test_second_derivatives(self):
        x = f16(300, 400)
        (first,) = tg.grad(tg.vector_norm(x), [x], create_graph=True)
        assert first.dtype == np.float16
        assert first.tolist() == [np.float16(0.6), np.float16(0.8)]
        (second,) = tg.grad(first, [x], np.array([1, 0], np.float16))
        np.testing.assert_allclose(second.numpy(), [0.00128, -0.00096], rtol=2e-3)

    def test_with_wider_numbers_the_result_is_as_wide(self):
        x = f16(300, 400)
        for other, dtype in ((np.float32(2), np.float32), (np.ones(2), np.float64), (np.ones(2, np.int64), np.float64)):
            y = x * other
            assert y.dtype == dtype
            assert tg.grad(y.sum(), x).dtype == np.float16
        assert (x * 2.0).dtype == (x * np.ones(2, np.uint8)).dtype == np.float16
        assert tg.astype(x, np.float32).dtype == np.float32

    def test_views_stay_views(self):
        x = np.ones((2, 3), np.float16)
        for f in (lambda x: tg.reshape(x, 6), tg.matrix_transpose, lambda x: tg.broadcast_to(x, (4, 2, 3)), tg.flip):
            assert np.shares_memory(f(x), x)

    @pytest.mark.parametrize("mode", [nullcontext, tg.watch])
    def test_twice_and_no_more(self, mode):
        with mode():
            x = f16(300, 400)
            y = tg.vector_norm(x)
        y.backward(keep_graph=True)
        y.backward()
        assert x.grad.tolist() == [np.float16(1.2), np.float16(1.6)]
        with pytest.raises(RuntimeError, match="earlier backward"):
            y.backward()


def test_functions_of_small_integers():
    assert tg.exp(np.array([200], np.uint8)).tolist() == [np.exp(200.0)]
    assert tg.exp(np.uint8(200)) == np.exp(200.0)
    assert tg.sqrt(np.array([2], np.int8)).tolist() == [np.sqrt(2.0)]
    assert tg.hypot(np.array([200], np.uint8), np.array([100], np.int8)).dtype == np.float64
    assert tg.abs(np.array([-3], np.int8)).dtype == np.int8


def test_integers_that_only_uint64_holds_stay_exact_beside_small_ones():
    large = np.array([2**63 + 1], np.uint64)
    for small in (np.array([1], np.uint8), np.array([1], np.uint16), np.array([True])):
        for out, value in (
            (tg.add(large, small), 2**63 + 2),
            (tg.maximum(small, large), 2**63 + 1),
            (tg.where([True], large, small), 2**63 + 1),
        ):
            assert (out.dtype, out.tolist()) == (np.uint64, [value])
        assert tg.divide(large, small).dtype == np.float64


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)])
def test_what_is_not_real_is_refused_by_the_name_that_was_called_whatever_its_axes(shape):
    x = np.full(shape, 0.5 + 2j)
    for name, call in (
        ("matmul", lambda: tg.matmul(x, np.ones((3, 2)))),
        ("affine", lambda: tg.affine(x, np.ones((3, 2)), np.ones(2))),
    ):
        with pytest.raises(TypeError, match=f"^{name}: expected real numbers"):
            call()
