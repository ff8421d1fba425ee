"""NumPy's own names on Tensors: recorded, or refused by name; never an object array, never a gradient lost in silence."""

import inspect
import math
import struct
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


FRESH = {"zeros_like", "ones_like", "empty_like"}  # new Tensors, whose values do not depend on the Tensor
PAIRED = {
    "broadcast_arrays",
    "meshgrid",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
}  # a result for each argument: that of an array is an array


def lawful(name: str, result: Any, expected: Any) -> None:
    """The same value as on the array, and no gradient lost: a Tensor that requires it, or something that has none."""
    if isinstance(result, tg.Tensor):
        assert result.dtype == np.asarray(expected).dtype, name
        assert result.requires_grad == (result.dtype.kind == "f" and name not in FRESH), name
        if name != "empty_like":
            np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-15, err_msg=name)
    elif isinstance(result, tg.fft.Spectrum):
        assert result.real.requires_grad, name
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-14, err_msg=name)
    elif isinstance(result, tuple | list) and not (result and isinstance(result[0], int)):
        assert len(result) == len(expected)
        for one, other in zip(result, expected, strict=True):
            lawful(name, one, other)
    elif isinstance(result, str | types.NoneType | np.dtype | type):
        pass
    else:
        kind = np.asarray(result).dtype.kind
        assert kind in "biu" or (name in PAIRED and kind == "f"), f"np.{name} gave a plain result of kind {kind!r}"
        np.testing.assert_array_equal(result, expected)


# ------------------------------------------------------------------ all ufuncs

ALL_UFUNCS = sorted({f.__name__: f for f in vars(np).values() if isinstance(f, np.ufunc)}.items())


@pytest.mark.parametrize(("name", "ufunc"), ALL_UFUNCS)
def test_every_ufunc_is_recorded_or_refused_by_name(name: str, ufunc: Any) -> None:
    values = [np.array([0.25, 0.5]), np.array([0.75, 0.5])][: ufunc.nin]
    if ufunc.nin > 2 or ufunc.signature not in (None, "(n),(n)->()", "(n?,k),(k,m?)->(n?,m?)"):
        values = [np.ones((2, 2)), np.ones(2)][: ufunc.nin]
    if name == "vecmat":
        values = values[::-1]
    if name == "arccosh":
        values = [1 + v for v in values]
    mixes = [[i] for i in range(ufunc.nin)] + [list(range(ufunc.nin))]
    for wrapped in mixes:
        arguments = [tg.Tensor(v, True) if i in wrapped else v for i, v in enumerate(values)]
        if len(arguments) < ufunc.nin:
            arguments += [arguments[0]] * (ufunc.nin - len(arguments))
        try:
            result = ufunc(*arguments)
        except TypeError as error:
            message, explained = str(error), korean(error)
        else:
            lawful(name, result, ufunc(*[a.numpy() if isinstance(a, tg.Tensor) else a for a in arguments]))
            continue
        assert name in message
        assert explained


BOOK = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "negative",
    "power",
    "absolute",
    "sign",
    "exp",
    "log",
    "sqrt",
    "square",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arctan2",
    "tanh",
    "log1p",
    "cbrt",
    "floor",
    "rint",
    "maximum",
    "minimum",
    "matmul",
]


@pytest.mark.parametrize("name", BOOK)
def test_what_the_book_spells_is_recorded(name: str) -> None:
    ufunc = getattr(np, name)
    w = leaf(0.25, 0.5)
    y = ufunc(*([w] * ufunc.nin))
    assert isinstance(y, tg.Tensor)
    y.sum().backward()
    assert np.isfinite(w.grad).all()


UNRECORDED = [
    *((f, "at") for f in (np.add, np.multiply, np.maximum, np.equal, np.less)),
    *((f, "reduceat") for f in (np.subtract, np.equal, np.less)),
    *((f, method) for f in (np.equal, np.less) for method in ("reduce", "accumulate")),
    *((f, "reduce") for f in (np.subtract, np.divide, np.power)),
    (np.fmax, "accumulate"),
]


@pytest.mark.parametrize(("ufunc", "method"), UNRECORDED)
def test_ufunc_methods_are_refused_by_name(ufunc: Any, method: str) -> None:
    w = leaf(1, 2)
    cases: dict[str, list[Any]] = {"at": [[0], 1.0], "reduceat": [[0]]}
    arguments = cases.get(method, [])
    with pytest.raises(TypeError, match=rf"{ufunc.__name__}\.{method}") as caught:
        getattr(ufunc, method)(w, *arguments)
    assert korean(caught.value)
    if method == "at":
        with pytest.raises(TypeError, match=r"\.at"):
            ufunc.at(np.ones(2), [0, 1], w)


@pytest.mark.parametrize(
    "options", [{"out": np.zeros(2)}, {"where": np.array([True, False])}, {"dtype": np.float32}, {"casting": "no"}]
)
def test_options_of_ufuncs_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(options))):
        np.add(leaf(1, 2), np.ones(2), **options)


def test_an_array_or_a_leaf_takes_no_recorded_value_by_out() -> None:
    w, a = leaf(1, 2), np.ones(2)
    with pytest.raises(TypeError, match=r"np\.exp\(\.\.\., out=x\) would change a leaf"):
        np.exp(np.ones(2), out=w)
    for call in (lambda: np.add(a, w, out=a), lambda: np.cumsum(w, axis=0, out=a), lambda: np.copyto(a, w)):
        with pytest.raises(TypeError, match=r"np\.\w+ with these arguments"):
            call()
    with pytest.raises(TypeError):
        a += w
    with pytest.raises(TypeError):
        np.add(np.ones(2), 1.0, where=w)
    assert a.tolist() == [1, 1]


# ------------------------------------------------------------------ all functions that NumPy dispatches


def dispatched() -> dict[str, Callable[..., Any]]:
    found = {}
    for module, prefix in ((np, ""), (np.linalg, "linalg."), (np.fft, "fft."), (np.char, "char.")):
        for name, f in vars(module).items():
            if hasattr(f, "_implementation") and not name.startswith("_"):
                found[prefix + name] = f
    return found


UNREAD = {
    ("trapezoid", "(a, a, t)"),
    ("real_if_close", "(a, t)"),
    ("full_like", "(a, a, t)"),
    *(("full_like", f"(t, {value})") for value in ("a", "0", "1.5", "0.1, 0.9", "0, 1", "(0, 1)", "indices")),
    ("setdiff1d", "(a, t)"),
    ("linalg.lstsq", "(a, t)"),
    ("linalg.lstsq", "(mask, t)"),
}  # NumPy does not read that argument there
SKIPPED = {
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "copyto",
    "put",
    "place",
    "putmask",
    "put_along_axis",
    "fill_diagonal",
}
CALLS: list[tuple[str, Callable[[Any, Any], tuple[tuple[Any, ...], dict[str, Any]]]]] = [
    ("(t)", lambda t, a: ((t,), {})),
    ("(t, t)", lambda t, a: ((t, t), {})),
    ("(t, a)", lambda t, a: ((t, a), {})),
    ("(a, t)", lambda t, a: ((a, t), {})),
    ("([t, a])", lambda t, a: (([t, a],), {})),
    ("((t, t))", lambda t, a: (((t, t),), {})),
    ("(t, 0)", lambda t, a: ((t, 0), {})),
    ("(t, 1.5)", lambda t, a: ((t, 1.5), {})),
    ("(t, axis=1)", lambda t, a: ((t,), {"axis": 1})),
    ("(t, axis=-1, keepdims=True)", lambda t, a: ((t,), {"axis": -1, "keepdims": True})),
    ("(t, (0, 1))", lambda t, a: ((t, (0, 1)), {})),
    ("(t, t, t)", lambda t, a: ((t, t, t), {})),
    ("(mask, t, a)", lambda t, a: ((np.eye(2) > 0, t, a), {})),
    ("(a, a, t)", lambda t, a: ((a, a, t), {})),
    ("(a, t, a)", lambda t, a: ((a, t, a), {})),
    ("(t, 0.1, 0.9)", lambda t, a: ((t, 0.1, 0.9), {})),
    ("(t, 0, 1)", lambda t, a: ((t, 0, 1), {})),
    ("('ij,jk', t, a)", lambda t, a: (("ij,jk", t, a), {})),
    ("(mask, t)", lambda t, a: ((np.eye(2) > 0, t), {})),
    ("(t, indices)", lambda t, a: ((t, np.array([0, 1])), {})),
    ("(t, dtype)", lambda t, a: ((t,), {"dtype": np.float32})),
    ("(a, out=t)", lambda t, a: ((a,), {"out": t})),
]


def plain(x: Any) -> Any:
    if isinstance(x, tg.Tensor):
        return x.numpy()
    return type(x)(map(plain, x)) if isinstance(x, list | tuple) else x


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(set(dispatched()) - SKIPPED))
def test_every_function_is_recorded_or_refused_by_name(name: str) -> None:
    function = dispatched()[name]
    short = name.rpartition(".")[2]
    for spelling, build in CALLS:
        a, t = np.array([[0.25, 0.5], [0.75, 0.125]]), tg.Tensor([[0.5, 0.25], [0.125, 1.5]], requires_grad=True)
        arguments, options = build(t, a)
        try:
            expected = function(*plain(arguments), **{k: plain(v) for k, v in options.items()})
        except Exception:
            expected = None
        try:
            result = function(*arguments, **options)
        except TypeError as error:
            message = str(error)
            named = (short, function.__name__, "gradient", "numbers")
            assert expected is None or any(word in message for word in named), f"{name}{spelling}: {message}"
            continue
        except (ValueError, IndexError, AttributeError, RuntimeError):
            filled = (name, spelling) == ("nanmedian", "(a, out=t)")  # by NumPy, whatever the shape of out
            assert expected is None or filled, f"{name}{spelling}"
            continue
        if {(short, spelling), (name, spelling)} & UNREAD or short in ("may_share_memory", "shares_memory"):
            continue
        if expected is not None:
            lawful(short, result, expected)
        elif not isinstance(result, tg.Tensor):
            assert short in FRESH or np.asarray(result).dtype.kind != "f", f"{name}{spelling} lost the gradient"


WRITERS: dict[str, Callable[[Any, Any], Any]] = {
    "copyto": lambda a, t: np.copyto(a, t),
    "put": lambda a, t: np.put(a, [0], t),
    "place": lambda a, t: np.place(a, a > -1, t),
    "putmask": lambda a, t: np.putmask(a, a > -1, t),
    "put_along_axis": lambda a, t: np.put_along_axis(a, np.array([0]), t, 0),
    "fill_diagonal": lambda a, t: np.fill_diagonal(a.reshape(1, 2), t),
    "setitem": lambda a, t: a.__setitem__(slice(None), t),
    "one item": lambda a, t: a.__setitem__(0, t[0]),
    "items": lambda a, t: a.__setitem__([0, 1], [t[0], t[1]]),
    "fill": lambda a, t: a.fill(t[0]),
    "itemset by flat": lambda a, t: a.flat.__setitem__(0, t[0]),
    "iadd": lambda a, t: a.__iadd__(t),
}


@pytest.mark.parametrize("name", WRITERS)
def test_writing_a_tensor_into_an_array_is_refused(name: str) -> None:
    a = np.zeros(2)
    with pytest.raises((TypeError, ValueError)):  # NumPy makes a ValueError of ours where it expects one number
        WRITERS[name](a, leaf(1, 2))
    assert a.tolist() == [0, 0]


LEAVING: dict[str, Callable[[Any], Any]] = {
    "asarray": np.asarray,
    "array": np.array,
    "array of a list": lambda t: np.array([t, t]),
    "array of a mixed list": lambda t: np.array([t[0], 1.0]),
    "array as object": lambda t: np.array([t[0], t[1]], dtype=object),
    "asanyarray": np.asanyarray,
    "ascontiguousarray": np.ascontiguousarray,
    "asfortranarray": np.asfortranarray,
    "asarray_chkfinite": np.asarray_chkfinite,
    "require": lambda t: np.require(t),
    "float64": np.float64,
    "float32": np.float32,
    "full": lambda t: np.full(2, t),
    "fromiter": lambda t: np.fromiter(t, float),
    "arange": lambda t: np.arange(t[0]),
    "r_": lambda t: np.r_[t, t],
    "c_": lambda t: np.c_[t, t],
    "vectorize": lambda t: np.vectorize(lambda x: x)(t),
    "frompyfunc": lambda t: np.frompyfunc(lambda x: x, 1, 1)(t),
    "broadcast": lambda t: np.broadcast(t, np.ones(2)),
    "nditer": lambda t: np.nditer(t),
    "ndenumerate": lambda t: list(np.ndenumerate(t)),
    "ma.getdata": lambda t: np.ma.getdata(t),
    "masked array": lambda t: np.ma.array(t),
    "random": lambda t: np.random.default_rng(0).normal(t),
    "float": lambda t: float(t[0]),
    "int": lambda t: int(t[0]),
    "complex": lambda t: complex(t[0]),
    "math.sin": lambda t: math.sin(t[0]),
    "math.floor": lambda t: math.floor(t[0]),
    "math.fsum": lambda t: math.fsum(t),
    "math.isclose": lambda t: math.isclose(t[0], 1.0),
    "round": lambda t: round(t[0]),
    "struct": lambda t: struct.pack("d", t[0]),
    "memoryview": lambda t: memoryview(t),
    "bytes": lambda t: bytes(t),
    "index": lambda t: [1, 2, 3][t[0]],
    "range": lambda t: range(t[0]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LEAVING)
def test_leaving_the_graph_is_refused_where_a_gradient_is_wanted(name: str) -> None:
    with pytest.raises((TypeError, ValueError, struct.error)):  # some callers put their own error around ours
        LEAVING[name](leaf(1, 2))


@pytest.mark.parametrize(
    ("call", "cure"), [(np.asarray, "numpy()"), (lambda t: float(t[0]), "item()"), (lambda t: math.sin(t[0]), "item()")]
)
def test_the_refusal_names_the_cure(call: Callable[[Any], Any], cure: str) -> None:
    with pytest.raises(TypeError, match="gradient") as caught:
        call(leaf(1, 2))
    assert cure in str(caught.value)
    assert korean(caught.value)


def whole(error: BaseException) -> list[str]:
    """The English and the Korean text of an error."""
    return [str(error), *getattr(error, "__notes__", [])]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.array([x, x]),
        lambda x: np.array([x[0], x[1]]),
        lambda x: np.mean([x, x]),
        lambda x: np.linalg.norm([x[0], x[1]]),
        lambda x: np.zeros(2).__setitem__(slice(None), x),
        lambda x: float(x[0]),
        lambda x: int(x[0]),
    ],
)
def test_a_list_of_tensors_and_a_plot_name_both_ways_out(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError) as caught:
        call(leaf(1, 2))
    assert korean(caught.value)
    for text in whole(caught.value):
        assert "tg.stack([x, y])" in text
        assert ".numpy()" in text or ".item()" in text


@pytest.mark.parametrize("index", [0, slice(0, 1)])
def test_an_element_of_an_array_set_to_a_tensor_keeps_numpys_sentence_and_the_cause_names_the_way_out(
    index: Any,
) -> None:
    a = np.zeros(2)
    for value in (leaf(1, 2)[0], leaf(1, 2)):
        with pytest.raises((ValueError, TypeError)) as caught:
            a[index] = value
        error = caught.value
        if isinstance(error, ValueError):
            assert "setting an array element with a sequence" in str(error)
            assert isinstance(error.__cause__, TypeError)
            error = error.__cause__
        assert all("tg.stack([x, y])" in text for text in whole(error))


def test_a_truth_value_of_many_elements_names_the_ways_out() -> None:
    for ask in (bool, lambda x: not x, lambda x: x and 1):
        with pytest.raises(ValueError, match="ambiguous") as caught:
            ask(leaf(1, 2))
        assert korean(caught.value)
        assert all("tg.where(x > 0, a, b)" in text and "(2,)" in text for text in whole(caught.value))
    assert not leaf(0.0)
    assert not tg.Tensor(np.zeros((1, 1)))


@pytest.mark.parametrize("x", [tg.Tensor(1.0), tg.Tensor([1, 2], dtype=int), leaf(1, 2)])
def test_an_index_that_is_no_integer_names_the_way_out(x: Any) -> None:
    for use in (range, lambda i: [1, 2][i], lambda i: [1, 2][:i]):
        with pytest.raises(TypeError, match="one integer") as caught:
            use(x)
        assert all("int(x.item())" in text and str(x.dtype) in text for text in whole(caught.value))


def test_a_tensor_plots_as_numbers_or_says_how() -> None:
    pyplot = pytest.importorskip("matplotlib.figure")
    axes = pyplot.Figure().subplots()
    row = lambda x: axes.bar([1, 2], x)
    for draw in (axes.plot, axes.imshow, axes.hist, row, lambda x: axes.scatter(x, x), lambda x: axes.plot([x[0]])):
        with pytest.raises(TypeError) as caught:
            draw(leaf(1, 2) * 1)
        assert all("x.numpy()" in text for text in whole(caught.value))
        draw(tg.Tensor([[1.0, 2.0]])) if draw == axes.imshow else draw(tg.Tensor([1.0, 2.0]))


@pytest.mark.parametrize(
    ("call", "name", "options"),
    [
        (lambda x: np.roots(x), "np.roots", ""),
        (lambda x: np.linalg.eig(x), "np.linalg.eig", ""),
        (lambda x: np.linalg.eigvals(x), "np.linalg.eigvals", ""),
        (lambda x: np.subtract.reduceat(x, [0]), "np.subtract.reduceat", ""),
        (lambda x: np.exp(x, where=True), "np.exp", "(where)"),
        (lambda x: np.sum(x, out=np.zeros(())), "np.sum", "(out)"),
        (lambda x: np.reshape(x, (2,), order="A"), "np.reshape", "(order)"),
    ],
)
def test_a_refusal_names_the_function_what_it_was_given_and_the_ways_out(
    call: Callable[[Any], Any], name: str, options: str
) -> None:
    with pytest.raises(TypeError, match="is not supported on a Tensor") as caught:
        call(leaf(1, 2))
    assert korean(caught.value)
    for text in whole(caught.value):
        assert name in text
        assert options in text
        assert "x.numpy()" in text


def test_every_ufunc_that_an_op_is_named_after_is_that_op() -> None:
    """The table follows from the names of the standard, which NumPy has too."""
    from tinygrad_ko.tensor.numpy_protocol import _UFUNCS

    public = [getattr(tg, name) for name in dir(tg)]
    assert all(op in public for op in _UFUNCS.values())
    assert {np.arccos: tg.acos, np.power: tg.pow, np.absolute: tg.abs, np.rint: tg.round}.items() <= _UFUNCS.items()
    assert len(_UFUNCS) == 68


def test_leaving_is_allowed_where_no_gradient_is_wanted() -> None:
    c: Any = tg.Tensor([1.0, 2.0])
    assert type(np.asarray(c)) is np.ndarray
    assert np.asarray(c, dtype=np.float32).dtype == np.float32
    assert np.array([c, c]).tolist() == [[1, 2], [1, 2]]
    assert float(c[0]) == 1.0
    assert int(c[1]) == 2
    assert math.sin(c[0]) == math.sin(1)
    assert np.float64(c[0]) == 1
    a = np.zeros(2)
    a[:] = c
    assert a.tolist() == [1, 2]
    assert [10, 20, 30][tg.Tensor(1, dtype=int)] == 20


# ------------------------------------------------------------------ NumPy on the left

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize(
    "left",
    [
        np.array([2.0, 3.0]),
        np.float64(2),
        np.float32(2),
        np.int64(2),
        np.array(2.0),
        np.array([2, 3]),
        np.array([[2.0, 3.0]]),
        np.bool_(True),
    ],
)
def test_arrays_and_numpy_numbers_on_the_left(sign: str, left: Any) -> None:
    w = leaf(0.5, 1.5)
    if sign == "@" and np.ndim(left) == 0:
        with pytest.raises((TypeError, ValueError)):
            left @ w
        return
    y = OPERATORS[sign](left, w)
    assert isinstance(y, tg.Tensor)
    assert y.requires_grad
    expected = OPERATORS[sign](left, w.numpy())
    np.testing.assert_allclose(y.numpy(), expected)
    assert y.dtype == expected.dtype
    y.sum().backward()
    assert w.grad.shape == (2,)


@pytest.mark.parametrize("sign", ["<<", "&", "|", "^"])
@pytest.mark.parametrize("swap", [False, True])
def test_operators_without_a_derivative_are_refused(sign: str, swap: bool) -> None:
    signs: dict[str, Callable[[Any, Any], Any]] = {
        "<<": lambda a, b: a << b,
        "&": lambda a, b: a & b,
        "|": lambda a, b: a | b,
        "^": lambda a, b: a ^ b,
    }
    for other in (2, np.array([1, 2]), np.array([1.0, 2.0])):
        pair = (other, leaf(1, 2)) if swap else (leaf(1, 2), other)
        with pytest.raises(TypeError):
            signs[sign](*pair)


ODD: dict[str, Any] = {
    "object array": np.array([1.0, 2.0], dtype=object),
    "array of None": np.array([None, None]),
    "complex array": np.array([1j, 2.0]),
    "complex number": 1j,
    "NumPy complex": np.complex128(1j),
    "strings": np.array(["1", "2"]),
    "string": "12",
    "None": None,
    "dates": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    "durations": np.array([1, 2], dtype="timedelta64[D]"),
    "records": np.zeros(2, dtype=[("a", float)]),
    "dict": {"a": 1},
    "set": {1.0, 2.0},
    "ragged": [[1.0], [1.0, 2.0]],
    "list of None": [None, 1.0],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("sign", ["+", "*", "**", "/"])
def test_operands_that_are_not_real_numbers(name: str, sign: str) -> None:
    for pair in ((leaf(1, 2), ODD[name]), (ODD[name], leaf(1, 2))):
        with pytest.raises((TypeError, ValueError)):
            OPERATORS[sign](*pair)


def test_a_container_that_holds_a_tensor_comes_first() -> None:
    class Labelled:
        """As a DataArray of xarray."""

        def __init__(self, data: Any) -> None:
            self.data = data

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.asarray(self.data, dtype)

        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
            return Labelled(
                getattr(ufunc, method)(*(x.data if isinstance(x, Labelled) else x for x in inputs), **options)
            )

        def __mul__(self, other: Any) -> Any:
            return np.multiply(self, other)

    x = leaf(3.0)
    assert (x * Labelled(np.array([1.0, 2.0]))).tolist() == [3, 6]
    held = Labelled(np.array([1.0, 2.0])) * x
    assert (held * x).data.tolist() == [9, 18]
    for call in (lambda: x * held, lambda: tg.multiply(x, held)):
        with pytest.raises(TypeError, match=r"a Labelled that holds a Tensor comes first, as in d \* x") as caught:
            call()
        assert korean(caught.value)


def test_matrices_multiply_element_by_element_or_are_refused() -> None:
    m, w = np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix), tg.Tensor(np.eye(2), requires_grad=True)
    for f in (lambda: w * m, lambda: m * w):
        try:
            y = f()
        except TypeError:
            continue
        assert isinstance(y, tg.Tensor)
        assert y.tolist() == [[1, 0], [0, 4]]
        assert type(y.data) is np.ndarray


def test_masked_arrays_do_not_lose_their_mask_in_silence() -> None:
    m, w = np.ma.array([1.0, 2.0], mask=[True, False]), leaf(3, 4)
    for f in (lambda: w * m, lambda: m * w):
        try:
            y = f()
        except TypeError:
            continue
        assert isinstance(y, tg.Tensor)
        assert isinstance(y.data, np.ma.MaskedArray)


# ------------------------------------------------------------------ the functions of the book, with their parameters


def test_functions_with_their_parameters() -> None:
    x = np.arange(1.0, 7.0).reshape(2, 3)
    calls: list[Callable[[Any], Any]] = [
        lambda t: np.sum(t),
        lambda t: np.sum(t, axis=0),
        lambda t: np.sum(t, 1, keepdims=True),
        lambda t: np.sum(t, axis=(0, 1)),
        lambda t: np.mean(t, axis=-1),
        lambda t: np.max(t, axis=1),
        lambda t: np.min(t, axis=0, keepdims=True),
        lambda t: np.dot(t, np.ones(3)),
        lambda t: np.dot(np.ones((4, 2)), t),
        lambda t: np.dot(2.0, t),
        lambda t: np.dot(t, 2.0),
        lambda t: np.dot(t.reshape(6), np.arange(6.0)),
        lambda t: np.dot(t, [1.0, 2.0, 3.0]),
        lambda t: np.where(x > 2, t, 0.0),
        lambda t: np.clip(t, 2, 4),
        lambda t: np.clip(t, None, 4),
        lambda t: np.clip(t, a_min=2, a_max=None),
        lambda t: np.reshape(t, (3, 2)),
        lambda t: np.reshape(t, -1),
        lambda t: np.transpose(t),
        lambda t: np.transpose(t, (1, 0)),
        lambda t: np.concatenate([t, x]),
        lambda t: np.concatenate((x, t), axis=1),
        lambda t: np.stack([t, t], axis=1),
        lambda t: np.expand_dims(t, 1),
        lambda t: np.squeeze(t[None], 0),
        lambda t: np.broadcast_to(t, (2, 2, 3)),
        lambda t: np.ravel(t),
        lambda t: np.moveaxis(t, 0, -1),
        lambda t: np.swapaxes(t, 0, 1),
        lambda t: np.flip(t),
        lambda t: np.flip(t, axis=1),
        lambda t: np.flipud(t),
        lambda t: np.fliplr(t),
        lambda t: np.roll(t, 2),
        lambda t: np.roll(t, (1, -1), axis=(0, 1)),
        lambda t: np.split(t, 3, axis=1)[1],
        lambda t: np.array_split(t, 2, axis=1)[0],
        lambda t: np.unstack(t, axis=1)[2],
        lambda t: np.vstack([t, [7.0, 8.0, 9.0]]),
        lambda t: np.hstack([t, x]),
        lambda t: np.hstack([t[0], 7.0, [8.0, 9.0]]),
        lambda t: np.column_stack([t, [7.0, 8.0]]),
        lambda t: np.repeat(t, 2),
        lambda t: np.repeat(t, [2, 0, 1], axis=1),
        lambda t: np.tile(t, (2, 1, 2)),
        lambda t: np.broadcast_arrays(t, np.zeros((2, 2, 3)))[0],
        lambda t: np.meshgrid(t[0], [1.0, 2.0])[0],
        lambda t: np.meshgrid(t[0], [1.0, 2.0], indexing="ij")[0],
        lambda t: np.pad(t, 1),
        lambda t: np.pad(t, ((0, 1), (2, 0)), "constant", constant_values=3),
        lambda t: np.pad(t, 1, mode="reflect"),
        lambda t: np.tril(t),
        lambda t: np.triu(t, k=1),
        lambda t: np.diag(t, 1),
        lambda t: np.diag(t[0]),
        lambda t: np.diagonal(t, offset=-1),
        lambda t: np.trace(t, offset=1),
        lambda t: np.linalg.diagonal(t, offset=1),
        lambda t: np.linalg.trace(t),
        lambda t: t.swapaxes(0, 1),
        lambda t: t.repeat([1, 2], axis=0),
        lambda t: t.repeat(2),
        lambda t: t.diagonal(1),
        lambda t: t.trace(),
        lambda t: np.prod(t),
        lambda t: np.prod(t, axis=0, keepdims=True),
        lambda t: np.var(t, 1, ddof=1),
        lambda t: np.std(t, correction=1),
        lambda t: np.average(t, 0),
        lambda t: np.average(t, axis=1, weights=[1.0, 2.0, 3.0], keepdims=True),
        lambda t: np.cumsum(t),
        lambda t: np.cumprod(t, axis=1),
        lambda t: np.cumulative_sum(t, axis=0, include_initial=True),
        lambda t: np.cumulative_prod(t, axis=1),
        lambda t: np.linalg.norm(t),
        lambda t: np.linalg.norm(t, 3, axis=1, keepdims=True),
        lambda t: np.linalg.vector_norm(t, axis=(0, 1), ord=1),
        lambda t: np.tensordot(t, x, ((0, 1), (0, 1))),
        lambda t: np.tensordot(x, t, 0),
        lambda t: np.linalg.tensordot(t, x.T, axes=1),
        lambda t: np.einsum("ij,kj->ik", x, t),
        lambda t: np.outer(t, x),
        lambda t: np.linalg.outer(t[0], x[1]),
        lambda t: np.vdot(t, x),
        lambda t: np.vecdot(t, x),
        lambda t: np.linalg.vecdot(x, t),
        lambda t: np.linalg.cross(t, x),
        lambda t: t.prod(1, keepdims=True),
        lambda t: t.var(),
        lambda t: t.std(0, ddof=1),
        lambda t: t.cumsum(),
        lambda t: t.cumprod(1),
    ]
    for call in calls:
        t: Any = tg.Tensor(x, requires_grad=True)
        y = call(t)
        source = inspect.getsource(call)
        assert isinstance(y, tg.Tensor), source
        assert y.requires_grad, source
        np.testing.assert_array_equal(y.numpy(), call(x), err_msg=source)
        y.sum().backward()
        assert t.grad.shape == x.shape


def test_results_without_a_gradient_are_constants() -> None:
    t: Any = tg.Tensor([[1.0, 3.0], [2.0, 0.0]], requires_grad=True)
    assert np.argmax(t) == 1
    assert np.argmax(t, axis=1).tolist() == [1, 0]
    assert np.shape(t) == (2, 2)
    assert (np.ndim(t), np.size(t)) == (2, 4)
    assert np.allclose(t, t.numpy())
    assert np.array_equal(t, t)
    assert np.isnan(t).tolist() == [[False] * 2] * 2
    for found in (np.argmax(t, axis=1), np.argmax(t, axis=1) == np.array([1, 0]), np.zeros_like(t), *np.nonzero(t)):
        assert type(found) is tg.Tensor
        assert not found.requires_grad


@pytest.mark.parametrize(
    "call",
    [
        lambda w: np.sum([w, w]),
        lambda w: np.exp([w, w]),
        lambda w: np.maximum([w, w], 0),
        lambda w: np.mean([w[0], w[1]]),
    ],
)
def test_lists_of_tensors_given_to_numpy(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(leaf(1, 2))


def test_the_training_step_as_the_book_writes_it() -> None:
    """np.dot, a bare array on the left, np.sum and so on: the book's own spelling, recorded."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(5, 4)), np.eye(3)[[0, 1, 2, 0, 1]]
    weight: Any = tg.Tensor(rng.normal(size=(4, 3)), True)
    bias: Any = tg.Tensor(np.zeros(3), True)
    a = np.dot(x, weight) + bias
    a = a - np.max(a, axis=-1, keepdims=True)
    y = np.exp(a) / np.sum(np.exp(a), axis=-1, keepdims=True)
    loss = -np.sum(t * np.log(y + 1e-7)) / 5
    loss.backward()
    p = y.numpy()
    np.testing.assert_allclose(weight.grad, x.T @ (p - t) / 5, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(bias.grad, (p - t).sum(0) / 5, rtol=1e-5, atol=1e-8)


def test_the_names_in_the_refusal_are_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"np\.histogramdd.*nearest: np\.histogram\b"):
        np.histogramdd(leaf(1, 2))


# ------------------------------------------------------------------ masks and indices, of which NumPy computes what has no rule here

OF_MASKS: dict[str, Callable[[Any, Any], Any]] = {
    "bincount": lambda places, mask: np.bincount(places),
    "flatnonzero": lambda places, mask: np.flatnonzero(mask),
    "where of a mask alone": lambda places, mask: np.where(mask),
    "unique": lambda places, mask: np.unique(places, return_counts=True),
    "logical_and": lambda places, mask: np.logical_and(mask, ~mask[:, ::-1]),
    "reduce": lambda places, mask: np.logical_or.reduce(mask, axis=1),
    "accumulate": lambda places, mask: np.add.accumulate(places),
    "sum(dtype=)": lambda places, mask: np.sum(mask, dtype=float),
    "setdiff1d": lambda places, mask: np.setdiff1d(places, [0]),
    "histogram": lambda places, mask: np.histogram(places, bins=3),
    "choose": lambda places, mask: np.choose(places, [[1, 2], [3, 4], [5, 6]]),
    "packbits": lambda places, mask: np.packbits(mask, axis=1),
    "lexsort": lambda places, mask: np.lexsort((places, places)),
    "mean of a list": lambda places, mask: np.mean([mask.mean(), (places == 1).mean()]),
    "an index of two": lambda places, mask: np.arange(6).reshape(2, 3)[np.arange(2), places],
    "a slice": lambda places, mask: np.arange(6)[: places[0]],
    "round": lambda places, mask: round(mask.mean(), 2),
    "percent": lambda places, mask: "%d %.2f" % (mask.sum(), mask.mean()),  # noqa: UP031  # what users write
}


@pytest.mark.parametrize("name", OF_MASKS)
def test_numpy_computes_of_masks_and_indices_what_has_no_rule(name: str) -> None:
    x: Any = tg.Tensor([[-1.0, 5.0, 0.5], [2.0, -3.0, 1.0]], requires_grad=True)
    places, mask = x.argmax(axis=1), x > 0
    found, expected = OF_MASKS[name](places, mask), OF_MASKS[name](plain(places), plain(mask))
    for one, other in zip(*[v if isinstance(v, tuple) else (v,) for v in (found, expected)], strict=True):
        np.testing.assert_equal(plain(one), other)
        assert not getattr(one, "requires_grad", False)


def test_masks_and_indices_are_written_into_arrays() -> None:
    x: Any = tg.Tensor([[-1.0, 5.0, 0.5], [2.0, -3.0, 1.0]], requires_grad=True)
    counts = wanted = np.zeros(3, int)
    counts += (x > 0).sum(axis=0)
    assert counts is wanted
    assert counts.tolist() == [1, 1, 2]
    np.add.at(counts, x.argmax(axis=1), 10)
    assert counts.tolist() == [11, 11, 2]
    np.put(counts, x.argmax(axis=1), -1)
    assert counts.tolist() == [-1, -1, 2]
    seen = np.zeros(2, bool)
    seen |= (x > 1).any(axis=1)
    assert seen.tolist() == [True, True]


@pytest.mark.parametrize(
    "call",
    [
        lambda places, mask, x: np.histogramdd(x),
        lambda places, mask, x: np.histogramdd(x.detach()),
        lambda places, mask, x: np.intersect1d(places, x),
    ],
)
def test_what_would_lose_a_gradient_is_still_refused(call: Callable[[Any, Any, Any], Any]) -> None:
    x: Any = tg.Tensor([[-1.0, 5.0, 0.5], [2.0, -3.0, 1.0]], requires_grad=True)
    places, mask = x.argmax(axis=1), x > 0
    before = places.tolist(), mask.tolist()
    with pytest.raises(TypeError, match="not supported on a Tensor") as caught:
        call(places, mask, x)
    assert korean(caught.value)
    assert (places.tolist(), mask.tolist()) == before
