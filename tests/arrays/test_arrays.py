"""The quick spellings compute what NumPy's own names compute, and who holds an array's memory is known."""

from http import HTTPStatus
from typing import Any

import array_api_strict as xp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.arrays import dtypes, memory, operands
from tinygrad_ko.arrays.library import masked, quick
from tinygrad_ko.func import checkpointing
from tinygrad_ko.runtime.atomic import at_once

DTYPES = st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.int8, bool])


def same(a, b):
    np.testing.assert_array_equal(a, b, strict=True)


@given(st.data(), st.integers(0, 2**32 - 1), st.booleans())
def test_reductions(data, seed, keepdims):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=70))
    rng = np.random.default_rng(seed)
    signs = rng.permutation(np.resize([-1, 1], shape).ravel()).reshape(shape) * rng.integers(0, 2, shape)
    x = signs.astype(data.draw(DTYPES))  # integers whose sums are exact, in half precision too
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    for name in ("sum", "max", "min"):
        same(getattr(quick, name)(x, axis=axis, keepdims=keepdims), getattr(np, name)(x, axis=axis, keepdims=keepdims))


@given(st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_sums_along_the_last_of_three_axes_are_rounded_as_in_numpy(n, seed):
    x = np.random.default_rng(seed).standard_normal((5, 7, n))
    same(quick.sum(x, axis=2), np.sum(x, axis=2))
    same(quick.prod(x, axis=-1, keepdims=True), np.prod(x, axis=-1, keepdims=True))


@given(st.data(), st.integers(0, 2**32 - 1))
def test_where_with_zeros(data, seed):
    rng, dtype = np.random.default_rng(seed), data.draw(st.sampled_from([np.float64, np.float32, np.float16]))
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4))
    conditions = [lambda s: rng.random(s) < 0.5, lambda s: rng.integers(0, 3, s), lambda s: bool(rng.random() < 0.5)]
    condition = data.draw(st.sampled_from(conditions))(shapes.input_shapes[0])
    x = rng.choice([np.nan, np.inf, -np.inf, -0.0, 1.5, -2.5], shapes.input_shapes[1]).astype(dtype)
    for y in (0, 0.0, 1):
        got, expected = quick.where(condition, x, y), np.where(condition, x, y)
        same(got, expected)
        same(np.signbit(got), np.signbit(expected))


SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1e-45, 1.5, -2.5]


def same_numbers(a, b):
    same(a, b)
    if a.dtype.kind == "f":  # zeros have signs
        same(np.signbit(a)[a == 0], np.signbit(b)[b == 0])


def same_bits(a, b):
    same(a.view(f"i{a.itemsize}"), b.view(f"i{b.itemsize}"))
    assert a.dtype == b.dtype


@given(st.data(), st.integers(0, 2**32 - 1))
def test_where_between_many(data, seed):
    rng, dtype = np.random.default_rng(seed), data.draw(st.sampled_from([np.float64, np.float32, np.float16, np.int64]))
    shape, parts = (3, 700), [(3, 700), (700,), (3, 1), ()]
    condition = rng.random(data.draw(st.sampled_from([shape, shape, (700,)]))) < 0.5

    def branch():
        if (kind := data.draw(st.sampled_from(["array", "array", "number", "other"]))) == "number":
            return data.draw(st.sampled_from([0, 1, -3, 0.0, -0.0, 2.5, np.inf, True]))
        with np.errstate(invalid="ignore"):
            values = rng.choice(SPECIAL, data.draw(st.sampled_from(parts))).astype(
                dtype if kind == "array" else np.float32
            )
        return values.T.copy().T if data.draw(st.booleans()) else values

    x, y = branch(), branch()
    kept = [np.copy(v) for v in (condition, x, y)]
    same_bits(quick.where(condition, x, y), np.where(condition, x, y))
    for before, after in zip(kept, (condition, x, y), strict=True):
        same_numbers(np.asarray(after), before)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.dtype(">f4")])
def test_where_or_zero_onto_an_array(dtype):
    condition = np.random.default_rng(0).random((3, 2, len(SPECIAL))) < 0.5
    x, whole = np.asarray(SPECIAL, dtype), np.ones((len(SPECIAL), 2, 6), dtype)
    out = whole.T[::2]
    masked(condition, x, out)
    np.testing.assert_array_equal(out.tobytes(), np.where(condition, x, 0).astype(dtype).tobytes())
    assert np.all(whole.T[1::2] == 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int8])
@pytest.mark.parametrize("number", [0, 0.0, -0.0, 1e-300, 1, -2.5, np.inf, -np.inf, np.nan, True])
@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_the_larger_or_smaller_of_many_and_a_number(name, number, dtype):
    with np.errstate(invalid="ignore"):
        x = np.resize(SPECIAL, (3, 1000)).astype(dtype)
    ours, numpys = getattr(quick, name), getattr(np, name)
    for array in (x, x.T, x[:, ::-2], x[:1, :4]):
        same_numbers(ours(array, number), numpys(array, number))
        same_numbers(ours(array, array[:1]), numpys(array, array[:1]))


def test_half_precision_is_told_in_either_byte_order():
    names = [*np.typecodes["All"], *(f"{order}{kind}" for order in "<>" for kind in ("f2", "f4", "f8", "i2", "c8"))]
    halves = {name for name in names if dtypes.is_half(np.dtype(name))}
    assert halves == {"e", "<f2", ">f2"}
    assert not any(map(dtypes.is_half, [None, np.float16, xp.float32, "float16"]))


def holding(array):
    holder = memory.Holder()
    holder._array, holder._exposed = array, False
    return holder


def test_shared_counts_every_holder():
    holder = holding(np.zeros(3))
    assert not memory.shared(holder)
    view = holder._array[:1]
    assert memory.shared(holder)
    del view
    assert not memory.shared(holder)
    borrowed = holder._array
    assert memory.shared(holder)
    del borrowed
    assert not memory.shared(holder)
    holder._array = np.zeros((2, 3)).T  # a view whose source nobody else holds
    assert not memory.shared(holder)
    source = holder._array.base
    assert memory.shared(holder)
    del source
    buffer = bytearray(24)
    holder._array = np.frombuffer(buffer)
    assert memory.shared(holder)


def test_counts_tell_after_many_calls_too():
    """An interpreter rewrites code that runs often: what it leaves uncounted then must not be a holder."""
    alone, seen = holding(np.zeros(3)), holding(np.zeros(3))
    other = seen._array

    def handed_on(array):
        return memory.shared(holding(array))

    answers = {(memory.shared(alone), memory.shared(seen), handed_on(other)) for _ in range(5_000)}
    assert answers == {(False, True, True)}


def test_who_was_given_an_array_sees_what_is_written_to_it_as_long_as_he_has_it():
    holder = holding(np.zeros(3))
    assert not holder.watched_by_others()
    given = holder.writable_array()
    assert holder.watched_by_others()
    assert holder.stable_array() is not given
    del given
    assert not holder.watched_by_others()
    assert holder.stable_array() is holder._array
    other = holder._array  # not given away: whoever has it does not expect to see writes
    assert holder.stable_array() is other
    assert not holder.watched_by_others()
    new = np.ones(3)
    at_once(setattr, holder.replacing(new))()
    assert holder.stable_array() is new
    at_once(setattr, holder.replacing(new, True))()
    assert holder.watched_by_others()


def test_an_array_that_nothing_else_refers_to_is_taken_as_it_is():
    arrays = {"alone": np.zeros(3), "held": np.zeros(3), "view": np.zeros((3, 2)).T, "number": np.float64(1)}
    held, addresses = arrays["held"], {name: id(array) for name, array in arrays.items()}
    assert [name for name in arrays if id(memory.unshared(arrays, name)) == addresses[name]] == ["alone"]
    assert not np.shares_memory(memory.unshared(arrays, "held"), held)
    assert not np.shares_memory(memory.unshared(arrays, "view"), arrays["view"])
    assert type(memory.unshared(arrays, "number")) is np.ndarray


def test_where_references_are_not_counted_everything_is_shared(monkeypatch):
    assert memory._count_alone() == memory._ALONE == 2
    for count in (1, 2, 3):
        monkeypatch.setattr(memory, "getrefcount", lambda array, count=count: count)
        assert memory._count_alone() == 0
    monkeypatch.undo()
    monkeypatch.setattr(memory, "_ALONE", 0)
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    assert memory.shared(w)
    for expected in ([2.0, 4.0], [-2.0, -4.0]):
        y = (w * w).sum()
        w.data *= -1
        w.grad = None
        y.backward()
        assert w.grad.tolist() == expected


@pytest.mark.parametrize("value", ["text", 1j, [1j], np.array(["a"]), np.array([None]), {}, [[1], [1, 2]]])
def test_operands_are_real_numbers(value):
    with pytest.raises((TypeError, ValueError)):
        operands.operand(value)


def test_lists_of_numbers_become_float64_and_truth_stays():
    assert operands.operand([1, 2]).dtype == np.float64
    assert operands.operand([True, False]).dtype == bool
    assert operands.operand(np.array([1, 2], np.int8)).dtype == np.int8


SIZES = [1, 7, 4095, 4097, 5000, 20_000]  # a row of the hash has 512 words


@given(
    st.sampled_from(SIZES),
    st.sampled_from([np.float64, np.float32, np.float16, np.int8, bool]),
    st.integers(0, 2**32 - 1),
)
def test_a_fingerprint_tells_one_bit_and_two_that_changed_places(size, dtype, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, size).astype(dtype)
    before = checkpointing._fingerprint(x)
    assert checkpointing._fingerprint(x.copy()) == before
    i, j = rng.integers(0, size, 2)
    swapped = x.copy()
    swapped[[i, j]] = swapped[[j, i]]
    assert (checkpointing._fingerprint(swapped) == before) == (swapped[i] == x[i])
    assert size < 20 or checkpointing._fingerprint(rng.permutation(x)) != before
    bits = x.view(np.uint8)
    bits[rng.integers(0, bits.size)] ^= 1 if dtype is bool else 1 << rng.integers(0, 8)
    assert checkpointing._fingerprint(x) != before


@pytest.mark.parametrize("size", SIZES)
def test_what_a_fingerprint_tells_apart(size):
    x = np.linspace(0, 1, size)
    others = [
        x[:, None],
        x[None],
        x[1:],
        np.append(x, 0.0),
        x.astype(np.float32),
        x.view(np.int64),
        -x,
        [x],
        (x, x),
        {"a": x},
        {"b": x},
    ]
    prints = [
        checkpointing._fingerprint(value)
        for value in [x, *others, list(x), None, 0, 1, 1.0, True, "1", slice(1), slice(2)]
    ]
    assert len(set(prints)) >= len(prints) - 2 * (size == 1)
    matrix = np.arange(12.0).reshape(3, 4)
    assert checkpointing._fingerprint(matrix) == checkpointing._fingerprint(matrix.copy())
    assert checkpointing._fingerprint(matrix) != checkpointing._fingerprint(matrix[::-1])
    assert checkpointing._fingerprint(object()) == checkpointing._fingerprint(object())


@pytest.mark.parametrize("shape", [(200, 60), (12_000,)])
@pytest.mark.parametrize(
    "take", [lambda x: x, lambda x: x.T, lambda x: x[::-2], lambda x: np.broadcast_to(x[0], x.shape)]
)
def test_a_fingerprint_of_any_layout(shape, take):
    x = take(np.random.default_rng(0).normal(size=shape))
    assert checkpointing._fingerprint(x) == checkpointing._fingerprint(np.array(x))
    changed = np.array(x)
    changed.flat[-1] += 1e-12
    assert checkpointing._fingerprint(x) != checkpointing._fingerprint(changed)


def test_a_fingerprint_does_not_see_the_padding_of_long_floats():
    for size in (3, 10_000):
        x, y = (np.frombuffer(bytes([fill]) * 16 * size, np.longdouble).copy() for fill in (0, 255))
        x[:], y[:] = np.arange(size), np.arange(size)
        assert checkpointing._fingerprint(x) == checkpointing._fingerprint(y)
        assert checkpointing._fingerprint(x) != checkpointing._fingerprint(y + 1)


def test_memory_is_told_of_any_library() -> None:
    for dtype in ("float64", "float32", "int8", "uint16", "bool"):
        ours = np.zeros((3, 5), dtype)
        assert memory.bytes_of(xp.zeros((3, 5), dtype=getattr(xp, dtype))) == memory.bytes_of(ours) == ours.nbytes
    assert memory.bytes_of(np.float32(1)) == 4


def test_a_view_is_part_of_a_whole() -> None:
    x = np.zeros((4, 5))
    assert all(memory.whole(view) is x for view in (x, x[1:], x.T[2], np.broadcast_to(x[0], (3, 5))))


def test_a_number_of_a_subclass_keeps_the_dtype_as_a_number_does() -> None:
    """NumPy takes a member of an IntEnum for an int64 (findings/numpy-int-enum-widens-float32.sh)."""

    class Share(float):
        pass

    x = tg.Tensor(np.ones(2, np.float32), requires_grad=True)
    for number in (HTTPStatus.OK, Share(2), True):
        assert (x * number).dtype == (number * x).dtype == np.float32
        assert tg.grad((x * number).sum(), x).dtype == np.float32
    assert (x * np.float64(2)).dtype == np.float64
