"""The functions of NumPy on Tensors, also those that NumPy does not dispatch: right, in value and in gradient, or an error.

What it does not dispatch is Python on whatever it is given (`numpy.polynomial`, `numpy.emath`), and nobody is asked whether
that fits a Tensor.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg

FAMILIES = ("polynomial", "chebyshev", "legendre", "hermite", "hermite_e", "laguerre")
ROOMS = {"np": np, "np.linalg": np.linalg, "np.fft": np.fft, "np.emath": np.emath}
ROOMS |= {family: getattr(np.polynomial, family) for family in FAMILIES}
SKIPPED = {
    "save",
    "savez",
    "savez_compressed",
    "savetxt",
    "load",
    "info",
    "show_config",
    "show_runtime",
    "test",
    "frompyfunc",
    "memmap",
}
SKIPPED |= {"empty", "empty_like", "seterr", "seterrcall", "setbufsize", "set_printoptions", "getbufsize", "bmat"}

VALUES = {
    "number": np.array(0.413),
    "vector": np.array([0.317, 0.731, 0.223]),
    "other": np.array([0.641, 0.137, 0.877]),
    "pair": np.array([0.613, 0.271]),
    "mate": np.array([0.457, 0.819]),
    "third": np.array([0.351, 0.943]),
    "above": np.array([1.413, 2.731]),
    "matrix": np.array([[1.313, 0.217, 0.432], [0.127, 1.737, 0.331], [0.519, 0.643, 2.117]]),
    "square": np.array([[0.713, 0.117, 0.239], [0.347, 0.871, 0.153], [0.259, 0.463, 0.683]]),
    "cube": np.array([[[0.11, 0.27], [0.39, 0.53]], [[0.61, 0.77], [0.83, 0.97]]]),
}
MENU: list[tuple[Any, ...]] = [
    *((name,) for name in VALUES),
    *itertools.permutations(("number", "vector", "matrix"), 2),
    *((name, n) for name in ("vector", "matrix") for n in (0, 1, 2)),
    *((0, name) for name in ("vector", "matrix")),
    ("vector", "other"),
    ("matrix", "square"),
    ("vector", np.array([2, 0, 1])),
    (np.array([True, False, True]), "vector", "other"),
    ("vector", "other", "number"),
    ("vector", "other", 1),
    ("pair", "mate", "matrix"),
    ("pair", "mate", "third", "cube"),
    (["vector", "other"],),
    (["matrix", "square"],),
    ("vector", [1, 2]),
    ("matrix", (1, 0)),
    (np.array([True, False, True]), "vector"),
    (np.array([2, 0, 1]), "vector"),
    (np.array([0, 1, 1]), ["vector", "other"]),
    ([np.array([True, False, True]), np.array([False, True, True])], ["vector", "other"]),
    ("square", "vector"),
    ("pair", "mate"),
    ("number", "pair", 4),
    ("vector", 0.3),
    ("vector", 1, "number"),
    ("vector", 3),
]


def leaves_of(result: Any) -> Iterator[Any]:
    """What stands in a result, one by one."""
    if isinstance(result, tuple | list):
        for part in result:
            yield from leaves_of(part)
    else:
        yield result


def called(
    f: Callable[..., Any], arguments: tuple[Any, ...], place: str | None, change: Callable[[Any], Any]
) -> list[Any]:
    """f of copies of the values, one of them changed. The results share no memory with what was given."""

    def built(a: Any) -> Any:
        if isinstance(a, list):
            return [built(each) for each in a]
        return a if not isinstance(a, str) else change(VALUES[a].copy()) if a == place else VALUES[a].copy()

    return list(leaves_of(f(*map(built, arguments))))


def floats(results: list[Any]) -> list[Any]:
    """Those of some plain results that a gradient could belong to."""
    arrays = [np.asarray(r) for r in results if isinstance(r, np.ndarray | np.generic | float)]
    return [a for a in arrays if a.dtype.kind in "fc"]


def judged(name: str, f: Callable[..., Any], arguments: tuple[Any, ...], place: str) -> bool:
    """Whether a function was right; False if it cannot be called so, or refuses the Tensor."""
    cell: list[Any] = []

    def leaf(a: Any) -> Any:
        cell.append(tg.Tensor(a, requires_grad=True))
        return cell[-1]

    rng, call = np.random.default_rng(0), f"{name}{arguments} in {place}"
    d = rng.normal(size=VALUES[place].shape)
    moved = lambda h: called(f, arguments, place, lambda a: a + h * d)
    try:
        expected = called(f, arguments, None, leaf)
        results = called(f, arguments, place, leaf)
    except Exception:
        return False
    # A constant is judged as an array is.
    results = [r.numpy() if isinstance(r, tg.Tensor) and not r.requires_grad else r for r in results]
    ours = [(e, r) for e, r in zip(expected, results, strict=True) if isinstance(r, tg.Tensor)]
    if len(floats(results)) + len(ours) > 0 and not all(isinstance(r, tg.Tensor) for r in results):
        theirs = floats([r for r in results if not isinstance(r, tg.Tensor)])
        there = floats([e for e, r in zip(moved(1e-3), results, strict=True) if not isinstance(r, tg.Tensor)])
        assert all(map(np.array_equal, theirs, there)), f"{call} gave an array that depends on the Tensor"
    for e, r in ours:
        np.testing.assert_allclose(r.numpy(), e, rtol=1e-9, atol=1e-12, err_msg=call)
    if not ours or not all(np.isfinite(e).all() for e, _ in ours):
        return False
    weights = [rng.normal(size=r.shape) for _, r in ours]
    try:
        g = tg.grad(tg.sum(tg.stack([tg.sum(r * c) for c, (_, r) in zip(weights, ours, strict=True)])), cell[0]).numpy()
    except np.linalg.LinAlgError:  # of a matrix without full rank
        return False

    def total(h: float) -> float:
        there = [e for e, r in zip(moved(h), results, strict=True) if isinstance(r, tg.Tensor)]
        return sum(float(np.sum(e * c)) for e, c in zip(there, weights, strict=True))

    slope = (total(1e-6) - total(-1e-6)) / 2e-6
    np.testing.assert_allclose(np.sum(g * d), slope, rtol=1e-5, atol=1e-6, err_msg=call)
    return True


def moves(f: Callable[..., Any], arguments: tuple[Any, ...], place: str) -> bool:
    """Whether NumPy's function gives real floats there that depend on the value."""
    try:
        here, there = called(f, arguments, None, np.copy), called(f, arguments, place, lambda a: 1.01 * a)
    except Exception:
        return False
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in zip(here, there, strict=False)]
    return any(x.dtype.kind == "f" and not np.array_equal(x, y, equal_nan=True) for x, y in pairs)


# Of the functions that give floats: those that are refused, by their names or by that of what they ask of a Tensor.
REFUSED = {
    "np": {
        *("array", "asanyarray", "asarray", "asarray_chkfinite", "ascontiguousarray", "asfortranarray", "asmatrix", "require"),
        *("from_dlpack", "frombuffer", "fromstring", "full", "full_like", "kaiser", "hamming", "arange", "spacing", "roots"),
        *("histogram2d", "histogramdd", "intersect1d", "unique_values"),
    },
    "np.linalg": {"eig", "eigvals"},
    "np.fft": {"fftn", "ifftn"},
    "np.emath": set(),
}  # fmt: skip

# How many functions of each room are right at least. (NumPy 2.4 has 206 in the first, older ones a few less.)
RIGHT = {"np": 200, "np.linalg": 28, "np.fft": 6, "np.emath": 9, "polynomial": 1} | dict.fromkeys(FAMILIES[1:], 3)
assert sum(RIGHT.values()) >= 250


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("room", ROOMS)
def test_every_function_is_right_or_refuses(room: str) -> None:
    """On a Tensor in each place in turn, that of the value that is given under one name."""
    right: set[str] = set()
    refused: set[str] = set()
    functions = {f: name for name, f in vars(ROOMS[room]).items() if callable(f) and not isinstance(f, type)}
    for f, name in functions.items():
        if name.startswith("_") or name in SKIPPED:
            continue
        for arguments in MENU:
            for place in dict.fromkeys(a for a in leaves_of(list(arguments)) if isinstance(a, str)):
                if judged(f"{room}.{name}", f, arguments, place):
                    right.add(name)
                elif room in REFUSED and name not in right | refused and moves(f, arguments, place):
                    refused.add(name)
    refused -= right
    print(f"{room}: {len(right)} functions are right, {len(refused)} refused: {sorted(refused)}")
    assert refused <= REFUSED.get(room, set())
    assert len(right) >= RIGHT[room], sorted(right)


NAMES = {
    "polynomial": "poly",
    "chebyshev": "cheb",
    "legendre": "leg",
    "hermite": "herm",
    "hermite_e": "herme",
    "laguerre": "lag",
}


@pytest.mark.parametrize("family", NAMES)
def test_coefficients_of_several_polynomials_meet_the_wrong_axes(family: str) -> None:
    """NumPy gives an ndarray of points axes of its own beside those of the coefficients, and takes a Tensor for a number."""
    evaluate = getattr(getattr(np.polynomial, family), f"{NAMES[family]}val")
    x, coefficients = VALUES["vector"], VALUES["matrix"]
    t: Any = tg.Tensor(x, requires_grad=True)
    assert evaluate(x, coefficients).shape == (3, 3)
    for many in (coefficients, coefficients[:1], coefficients[:, :1]):
        with pytest.raises(TypeError, match=rf"numpy\.polynomial\.{family}\.{NAMES[family]}val") as caught:
            evaluate(t, many)
        assert "1차원" in caught.value.__notes__[0]
    one = evaluate(t, coefficients[:, 0])
    np.testing.assert_allclose(one.numpy(), evaluate(x, coefficients[:, 0]), rtol=1e-12)
    tg.check_gradient(lambda t: evaluate(t, coefficients[:, 0]), x)


def test_a_polynomial_by_its_roots_is_refused_with_the_cure() -> None:
    x, roots = VALUES["vector"], VALUES["other"]
    t: Any = tg.Tensor(x, requires_grad=True)
    with pytest.raises(TypeError, match=r"polyvalfromroots .* tg\.prod\(x\[\.\.\., None\] - roots, axis=-1\)"):
        np.polynomial.polynomial.polyvalfromroots(t, roots)
    cure = tg.prod(t[..., None] - roots, axis=-1)
    np.testing.assert_allclose(cure.numpy(), np.polynomial.polynomial.polyvalfromroots(x, roots), rtol=1e-12)
