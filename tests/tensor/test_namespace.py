"""The namespace of a Tensor: every name and argument of the array API standard, on Tensors and on what they are made of; and that results
without a gradient are Tensors too, as the code of NumPy's users meets them.
"""

import inspect
import json
import operator
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as package
from tests.tensor.test_tensor import korean, leaf

tg: Any = package
xp: Any = tg.Tensor([1.0]).__array_namespace__()
OWN = {"Device", "ArrayAPIStrictFlags", "linalg", "fft"}  # what the other library has beside the standard's functions
STANDARD = [name for name in array_api_strict.__all__ if name not in OWN and "_flags" not in name and name[:3] != "__v"]
FUNCTIONS = {
    f"{room}{name}": getattr(home, name)
    for room, home, names in (
        ("", array_api_strict, STANDARD),
        ("linalg.", array_api_strict.linalg, array_api_strict.linalg.__all__),
    )
    for name in names
    if inspect.isfunction(getattr(home, name))
}


def found(name: str) -> Any:
    return operator.attrgetter(name)(xp)


# ------------------------------------------------------------------ names and arguments


def test_the_namespace_is_the_package_itself() -> None:
    assert xp is package
    assert xp.__array_api_version__ == "2024.12"
    for version in ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
        assert tg.Tensor(1.0).__array_namespace__(api_version=version) is package
    with pytest.raises(ValueError, match=r"api_version must be one of 2021\.12, .* not '1999\.12'") as caught:
        tg.Tensor(1.0).__array_namespace__(api_version="1999.12")
    assert korean(caught.value)


@pytest.mark.parametrize("name", STANDARD)
def test_every_name_of_the_standard_is_there(name: str) -> None:
    found(name)
    assert name in tg.__all__ or name.startswith("__")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_the_standard_is_there(name: str) -> None:
    ours = inspect.signature(found(name)).parameters
    for word, parameter in inspect.signature(FUNCTIONS[name]).parameters.items():
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            assert word in ours, word
            assert ours[word].kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD), word
    # Whatever the standard passes by position comes first here too, and in the same order.
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    standard = [p for p in inspect.signature(FUNCTIONS[name]).parameters.values() if p.kind in positional]
    here = [p for p in ours.values() if p.kind in positional]
    assert len(here) >= len(standard)


def test_constants_and_dtypes_are_numpys() -> None:
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (np.e, np.pi, np.inf, None)
    assert xp.nan != xp.nan
    for name in [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]:
        assert getattr(xp, name) is getattr(np, name)


def test_what_there_is() -> None:
    info = xp.__array_namespace_info__()
    assert info.default_device() == "cpu"
    assert info.devices() == ["cpu"]
    assert info.default_dtypes()["real floating"] == np.float64
    assert info.capabilities()["data-dependent shapes"]
    assert "complex64" not in info.dtypes()  # a Tensor holds real numbers
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert set(info.dtypes(kind="bool")) == {"bool"}
    assert info.dtypes(kind="complex floating") == {}


def test_questions_about_dtypes_take_tensors() -> None:
    x = leaf(1.0)
    assert xp.result_type(x, xp.float32) == np.float64
    assert xp.can_cast(x, xp.float64)
    assert not xp.can_cast(xp.float64, xp.float32)
    assert xp.isdtype(x.dtype, ("integral", "real floating"))
    assert xp.finfo(x).bits == xp.finfo(xp.float64).bits == 64
    assert xp.iinfo(xp.asarray(1)).max == xp.iinfo(xp.int64).max


# ------------------------------------------------------------------ creation


def test_new_tensors() -> None:
    calls: dict[str, tuple[Any, ...]] = {
        "zeros": ((2, 3),),
        "ones": (2,),
        "full": ((2,), 7),
        "arange": (1, 9, 3),
        "linspace": (0, 1, 5),
        "eye": (2, 3),
    }
    for name, arguments in calls.items():
        for dtype in (None, np.float32, np.int16):
            options = {} if dtype is None else {"dtype": dtype}
            made = getattr(xp, name)(*arguments, **options, device="cpu")
            assert type(made) is package.Tensor
            assert not made.requires_grad
            np.testing.assert_array_equal(made.numpy(), getattr(np, name)(*arguments, **options), strict=True)
    assert xp.empty((2, 3), dtype=np.float32).shape == (2, 3)
    with pytest.raises(TypeError, match="complex128"):
        xp.zeros(2, dtype=xp.complex128)
    with pytest.raises(ValueError, match=r"[Dd]evice"):
        xp.zeros(2, device="gpu")
    with pytest.raises(ValueError, match=r"[Dd]evice"):
        xp.asarray(leaf(1.0), device="gpu")


def test_those_like_another() -> None:
    x, array = leaf(1.0, 2.0), np.ones(2, np.float32)
    for name, arguments in (("zeros_like", ()), ("ones_like", ()), ("full_like", (3,)), ("empty_like", ())):
        made = getattr(xp, name)(x, *arguments)
        assert (type(made), made.shape, made.dtype) == (package.Tensor, (2,), np.float64)
        assert getattr(xp, name)(x, *arguments, dtype=xp.int64).dtype == np.int64
        assert not getattr(xp, name)(x, *arguments, dtype=xp.int64).requires_grad
        assert type(getattr(xp, name)(array, *arguments)) is np.ndarray
        strict = getattr(xp, name)(package.Tensor(array_api_strict.asarray(array)), *arguments)
        assert isinstance(strict.data, type(array_api_strict.zeros(1)))


def test_a_number_that_fills_an_array_gets_the_sum_of_the_gradient() -> None:
    c: Any = leaf(2.0)[0]
    xp.full((2, 3), c).sum().backward()
    x: Any = leaf(3.0)
    xp.full_like(np.zeros(4, np.float32), x[0]).sum().backward()
    assert x.grad.tolist() == [4]
    with pytest.raises(TypeError, match="arange: no gradient"):
        xp.arange(x[0])
    with pytest.raises(TypeError, match="linspace: no gradient"):
        xp.linspace(0, x[0], 3)


def test_asarray() -> None:
    x: Any = leaf(1.0, 2.0)
    assert xp.asarray(x) is x
    assert xp.asarray(x, dtype=xp.float64) is x
    copy = xp.asarray(x, copy=True)
    assert copy is not x
    copy.sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert xp.asarray(x, dtype=xp.float32).requires_grad
    assert xp.asarray([1, 2]).dtype == np.int64
    assert xp.asarray([[x[0], 1.0], [2.0, x[1]]]).requires_grad
    assert xp.asarray(True).dtype == bool
    array = np.zeros(2)
    assert xp.asarray(array, copy=False).data is array
    own = xp.asarray(array)
    array[0] = 1
    assert own.tolist() == [0, 0]
    with pytest.raises(ValueError, match="copy"):
        xp.asarray([1.0], copy=False)
    with pytest.raises(TypeError, match="complex128"):
        xp.asarray(1j)


def test_dlpack_both_ways() -> None:
    x: Any = package.Tensor([1.0, 2.0])
    view = np.from_dlpack(x)
    y = x * 1
    x.data[0] = 5
    assert (view.tolist(), y.tolist()) == ([5, 2], [1, 2])
    assert x.__dlpack_device__() == np.zeros(1).__dlpack_device__()
    array = np.zeros(2)
    shared, own = xp.from_dlpack(array, copy=False), xp.from_dlpack(array)
    array[0] = 1
    assert (shared.tolist(), own.tolist()) == ([1, 0], [0, 0])
    with pytest.raises(TypeError, match=r"x\.__dlpack__\(\) would lose the gradient") as caught:
        np.from_dlpack(leaf(1.0))
    assert korean(caught.value)


def test_the_place_of_a_tensor() -> None:
    x: Any = leaf(1.0)
    assert x.device == "cpu"
    assert x.to_device("cpu") is x
    with pytest.raises(ValueError, match="gpu"):
        x.to_device("gpu")


# ------------------------------------------------------------------ results without a gradient are constants

CONSTANTS: dict[str, Any] = {
    "equal": lambda x: xp.equal(x, 1), "not_equal": lambda x: xp.not_equal(x, 1), "less": lambda x: xp.less(x, 1),
    "less_equal": lambda x: xp.less_equal(x, 1), "greater": lambda x: xp.greater(x, 1), "greater_equal": lambda x: xp.greater_equal(1, x),
    "isfinite": lambda x: xp.isfinite(x), "isinf": lambda x: xp.isinf(x), "isnan": lambda x: xp.isnan(x),
    "signbit": lambda x: xp.signbit(x), "logical_and": lambda x: xp.logical_and(x, 0), "logical_or": lambda x: xp.logical_or(x, 0),
    "logical_xor": lambda x: xp.logical_xor(x, True), "logical_not": lambda x: xp.logical_not(x), "isin": lambda x: xp.isin(x, [1, 2]),
    "&": lambda x: (x > 0) & (x < 2), "|": lambda x: (x > 0) | (x < -2), "^": lambda x: (x > 0) ^ True, "~": lambda x: ~(x > 0),
    "<<": lambda x: x.argmax(axis=0) << 2, ">>": lambda x: x.argmax(axis=0) >> 1, "rand": lambda x: True & (x > 0),
    "rxor": lambda x: True ^ (x > 0), "ror": lambda x: False | (x > 0), "rlshift": lambda x: 1 << x.argmax(axis=0),
    "rrshift": lambda x: 8 >> x.argmax(axis=0),
    "argmax": lambda x: x.argmax(), "argmin": lambda x: x.argmin(axis=0), "argsort": lambda x: x.argsort(), "any": lambda x: x.any(),
    "all": lambda x: x.all(axis=0), "np.isnan": np.isnan, "np.argmax": np.argmax, "np.isclose": lambda x: np.isclose(x, 1),
    "array == x": lambda x: np.ones(3) == x, "np.count_nonzero": lambda x: np.count_nonzero(x, axis=0), "np.ones_like": np.ones_like,
    "np.less.outer": lambda x: np.less.outer(x, [0.0, 1.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANTS)
def test_they_are_numpys_values_in_a_constant(name: str) -> None:
    call = CONSTANTS[name]

    @given(hnp.arrays(float, (2, 3), elements=st.sampled_from([-3.0, -1.0, -0.0, 0.0, 1.0, 2.0, np.inf, np.nan])))
    def holds(x: Any) -> None:
        plain = {"xp": np}
        expected = (
            type(call)(call.__code__, plain)(x)
            if call.__name__ == "<lambda>" and "xp" in call.__code__.co_names
            else call(x)
        )
        for of in (package.Tensor(x, requires_grad=True), package.Tensor(x)):
            made = call(of)
            assert type(made) is package.Tensor
            assert not made.requires_grad
            np.testing.assert_array_equal(made.numpy(), expected)
            assert made.dtype == np.asarray(expected).dtype

    holds()


def test_bits() -> None:
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"):
        a, b = np.array([5, 6, 7]), np.array([1, 2, 3])
        assert getattr(xp, name)(xp.asarray(a), b).tolist() == getattr(np, name)(a, b).tolist()
        assert type(getattr(xp, name)(a, b)) is np.ndarray
    assert xp.bitwise_invert(xp.asarray([5, 6])).tolist() == [-6, -7]
    with pytest.raises(TypeError, match=r"bitwise_and\(float64\[1\]"):
        leaf(1.0) & 1


def test_bits_of_numbers_with_a_fraction_are_an_error_that_names_the_operation() -> None:
    with pytest.raises(TypeError, match="bitwise_or") as caught:
        leaf(1.0) | leaf(2.0)
    assert korean(caught.value)


def test_as_the_code_of_numpys_users_meets_them() -> None:
    a, x = np.array([3.0, 1.0, 2.0]), leaf(-1.0, 5.0, 0.5)
    assert a[x > 0].tolist() == [1, 2]
    assert a[x.argmax()] == 1
    assert a[x.argsort()].tolist() == [3, 2, 1]
    a[x > 0] = 0
    assert a.tolist() == [3, 0, 0]
    scores, t = tg.Tensor([[1.0, 2.0], [3.0, 0.0]], requires_grad=True), np.array([1, 1])
    accuracy = (scores.argmax(axis=1) == t).mean()
    assert accuracy == 0.5
    assert float(accuracy) == 0.5
    assert f"{accuracy:.2f}" == "0.50"
    assert int((scores.argmax(axis=1) == t).sum()) == 1
    assert ["a", "b", "c"][x.argmax()] == "b"
    assert ["a", "b", "c"][: x.argmax()] == ["a"]
    assert [["a", "b", "c"][i] for i in x.argsort()] == ["a", "c", "b"]
    assert int(x.argmax()) == 1
    assert list(range(x.argmax())) == [0]
    assert f"{x.argmax():d}" == hex(x.argmax())[2:] == "1"
    assert json.loads(json.dumps({"best": int(x.argmax()), "places": x.argsort().tolist()})) == {
        "best": 1,
        "places": [0, 2, 1],
    }
    assert not (x > 0).all()
    if (x > 0).any():
        assert (x > -2).all()
    assert x[x > 0].requires_grad
    assert x[x.argmax()].item() == 5
    assert tg.where(x > 0, x, 0).requires_grad
    assert np.where(x > 0, a, 1.0).tolist() == [1, 0, 0]
    assert a[np.nonzero(x > 0)].tolist() == [0, 0]


def test_identity() -> None:
    x, y = leaf(1.0), leaf(1.0)
    assert len({x, y, x}) == 2
    assert {x: "x", y: "y"}[y] == "y"
    assert x in [x]
    assert x in [y]  # equal, as of NumPy's arrays of one number
    assert hash(x) != hash(y)
    mask = x > 0
    assert {mask: 1}[mask] == 1


def test_the_answer_of_another_library_stays_there() -> None:
    x: Any = package.Tensor(array_api_strict.asarray([1.0, -2.0]), requires_grad=True)
    for found_ in (x > 0, xp.isnan(x), xp.logical_not(x > 0), x.argmax(), xp.unique_all(x).counts, *xp.nonzero(x)):
        assert type(found_) is package.Tensor
        assert isinstance(found_.data, type(array_api_strict.zeros(1)))


def test_truth_values_that_are_traced() -> None:
    @package.compile
    def f(x: Any) -> Any:
        mask = (x > 0) & ~(x > 2)
        return tg.where(mask, x * x, 0).sum(), mask.sum(), x[x.argmax()]

    for numbers in ([1.0, -1.0, 3.0], [5.0, 1.5, 0.5]):
        x = package.Tensor(numbers)
        total, count, largest = f(x)
        assert total.item() == sum(n * n for n in numbers if 0 < n <= 2)
        assert count.item() == sum(0 < n <= 2 for n in numbers)
        assert largest.item() == max(numbers)


# ------------------------------------------------------------------ dtype=, copy=, differences and sets


def test_sums_and_products_in_another_dtype() -> None:
    for name in ("sum", "prod", "cumulative_sum", "cumulative_prod"):
        x: Any = package.Tensor(np.array([1.5, 2.0, 4.0], np.float32), requires_grad=True)
        y = getattr(xp, name)(x, dtype=xp.float64)
        assert y.dtype == np.float64
        np.testing.assert_array_equal(y.numpy(), getattr(np, name)(x.numpy(), dtype=np.float64))
        y.sum().backward()
        assert x.grad.dtype == np.float32
        reference: Any = package.Tensor(x.numpy(), requires_grad=True)
        getattr(xp, name)(reference).sum().backward()
        np.testing.assert_allclose(x.grad, reference.grad, rtol=1e-6)
        half = package.Tensor(np.array([60000.0, 60000.0], np.float16))
        assert (
            getattr(xp, name)(half, dtype=xp.float32).dtype == np.float32
        )  # not rounded to float16, which it would overflow
        assert getattr(xp, name)(np.array([200, 2], np.uint8), dtype=np.uint8).dtype == np.uint8
        assert getattr(xp, name)(xp.asarray([1, 2]), dtype=xp.float32).dtype == np.float32
    assert (
        xp.linalg.trace(tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), dtype=xp.float32).dtype == np.float32
    )


def test_a_sum_in_another_dtype_compiles() -> None:
    run = package.compile(lambda x: (tg.sum(x, dtype=np.float64), tg.cumulative_sum(x, dtype=np.float64)))
    for scale in (1, 2):
        x = scale * np.arange(4, dtype=np.float32)
        total, sums = run(x)
        assert (total.dtype, float(total)) == (np.float64, scale * 6)
        assert (sums.dtype, sums.tolist()) == (np.float64, [0, scale, 3 * scale, 6 * scale])


def test_reshape_and_astype_may_be_told_to_copy() -> None:
    array = np.zeros((2, 2))
    assert xp.reshape(array, (4,), copy=False).base is array
    assert xp.reshape(array, (4,), copy=True).base is not array
    with pytest.raises(ValueError, match="reshape"):
        xp.reshape(array.T, (4,), copy=False)
    assert xp.astype(array, np.float64, copy=False) is array
    assert xp.astype(array, np.float64) is not array
    x: Any = leaf(1.0)
    assert xp.astype(x, xp.float32, device="cpu").requires_grad
    with pytest.raises(ValueError, match=r"[Dd]evice"):
        xp.astype(x, xp.float32, device="gpu")


@given(st.data())
def test_differences_are_numpys(data: Any) -> None:
    x = data.draw(hnp.arrays(float, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-9, 9)))
    axis, n = data.draw(st.integers(-x.ndim, x.ndim - 1)), data.draw(st.integers(0, 3))
    ends: dict[str, Any] = {}
    for word in ("prepend", "append"):
        if data.draw(st.booleans()):
            ends[word] = data.draw(st.sampled_from([7.0, np.take(x, [0], axis)]))
    t: Any = package.Tensor(x, requires_grad=True)
    y = xp.diff(t, axis=axis, n=n, **ends)
    np.testing.assert_array_equal(y.numpy(), np.diff(x, axis=axis, n=n, **ends))
    assert xp.diff(x > 0, axis=axis).dtype == bool


def test_differences_have_the_gradients_of_finite_differences() -> None:
    x, end = np.array([[1.0, 4.0, 2.0], [0.0, 1.0, 5.0]]), np.array([[2.0], [3.0]])
    for n in (1, 2):
        package.check_gradient(lambda x, end, n=n: xp.diff(x, n=n, append=end), x, end)
    package.check_gradient(lambda x: xp.diff(x, axis=0, prepend=x), x)
    for bad in (lambda: xp.diff(leaf(1.0), n=-1), lambda: xp.diff(leaf(1.0)[0])):
        with pytest.raises(ValueError, match="diff: x needs an axis") as caught:
            bad()
        assert korean(caught.value)


@given(hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=5), elements=st.sampled_from([0.0, 1.0, 2.0, np.nan])))
def test_sets_are_numpys_and_the_first_of_equals_gets_the_gradient(x: Any) -> None:
    t: Any = package.Tensor(x, requires_grad=True)
    expected = np.unique_all(x)
    for made, wanted in zip(xp.unique_all(t), expected, strict=True):
        np.testing.assert_array_equal(made.numpy(), wanted)
    for made, wanted in zip(xp.unique_counts(t), np.unique_counts(x), strict=True):
        np.testing.assert_array_equal(made.numpy(), wanted)
    alone = xp.unique_inverse(t)
    np.testing.assert_array_equal(alone.values[alone.inverse_indices].numpy(), x)
    values = xp.unique_values(t)
    values.backward(np.arange(1.0, len(values) + 1))
    first = np.zeros(x.size)
    first[expected.indices] = np.arange(1.0, len(values) + 1)
    np.testing.assert_array_equal(t.grad, first.reshape(x.shape))


def test_places_that_are_not_0() -> None:
    x = tg.Tensor([[0.0, 5.0], [7.0, 0.0]], requires_grad=True)
    rows, columns = xp.nonzero(x)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])
    with pytest.raises(ValueError, match="nonzero"):
        xp.nonzero(x[0, 0])


def test_real_numbers_have_parts_too() -> None:
    x: Any = leaf(1.0, -2.0)
    (xp.real(x) + 10 * xp.conj(x) + 100 * xp.imag(x)).sum().backward()
    assert x.grad.tolist() == [11, 11]
    assert xp.imag(x).tolist() == [0, 0]
    assert np.conj(x).requires_grad
