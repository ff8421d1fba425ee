"""Functions of several outputs, with auxiliary results, and with outputs that are constant."""

import re
import warnings
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import func, nn
from tinygrad_ko.testing import arrays

X, V = np.array([0.5, -1.0]), np.array([2.0, 3.0])
Pair = namedtuple("Pair", "a b")


def several(x: Any) -> Any:
    return {"sin": tg.sin(x), "more": [Pair((x**2).sum(), tg.outer(x, x))]}


def flat(tree: Any) -> Any:
    return np.concatenate([np.ravel(part) for part in (tree["sin"], tree["more"][0].a, tree["more"][0].b)])


def row(x: Any) -> Any:
    return tg.concat([tg.sin(x), (x**2).sum().reshape(1), tg.outer(x, x).reshape(-1)])


# ------------------------------------------------------------------ several outputs


@given(arrays(shape=(2,), kinks=False), arrays(shape=(2,), kinks=False), st.integers(0, 99))
def test_products_have_the_structure_of_the_value(x: Any, v: Any, seed: int) -> None:
    """They are those of the function that returns everything in one row."""
    y, pushed = func.jvp(several, (x,), (v,))
    assert type(pushed["more"][0]) is Pair
    assert [np.shape(part) for part in (*pushed["more"][0], pushed["sin"])] == [(), (2, 2), (2,)]
    value, product = func.jvp(row, (x,), (v,))
    assert flat(y).tolist() == value.tolist()
    assert flat(pushed).tolist() == product.tolist()
    c = np.random.default_rng(seed).normal(size=7)
    same, pull = func.vjp(several, x)
    assert flat(same).tolist() == value.tolist()
    tree = {"sin": c[:2], "more": [Pair(c[2], c[3:].reshape(2, 2))]}
    assert pull(tree)[0].tolist() == func.vjp(row, x)[1](c)[0].tolist()


def test_products_with_several_outputs_differentiate_again() -> None:
    tg.check_gradient(lambda x, v: func.jvp(several, (x,), (v,))[1], X, V, order=2)
    tg.check_gradient(
        lambda x, c: func.vjp(several, x)[1]({"sin": c, "more": [Pair(c[0], tg.outer(c, c))]})[0], X, V, order=2
    )
    w: Any = tg.Tensor(V, requires_grad=True)
    y, pushed = func.jvp(lambda x: [w * x, x], (X,), (V,))
    assert [type(part) for part in (*y, pushed[0])] == [tg.Tensor, np.ndarray, tg.Tensor]
    pushed[0].sum().backward()
    assert w.grad.tolist() == V.tolist()


def test_each_output_keeps_its_dtype() -> None:
    x = X.astype(np.float32)
    y, pushed = func.jvp(lambda x: (x, x.astype(np.float64)), (x,), (x,))
    assert [part.dtype for part in (*y, *pushed)] == [np.float32, np.float64] * 2
    (g,) = func.vjp(lambda x: (x, x.astype(np.float64)), x)[1]((x, V))
    assert g.dtype == np.float32
    assert g.tolist() == (x + V).tolist()


@pytest.mark.parametrize(
    ("cotangent", "message"),
    [
        (V, r"vjp: the cotangent does not have the structure of the value of f: entries \['a', 'b'\] are needed"),
        ({"a": V}, r"vjp: the cotangent does not have the structure of the value of f"),
        ({"a": V, "b": V}, r"vjp: the cotangent\['b'\] has shape \(2,\), but the value of f has shape \(\)"),
    ],
)
def test_cotangents_that_do_not_fit(cotangent: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        func.vjp(lambda x: {"a": x, "b": x.sum()}, X)[1](cotangent)
    assert caught.value.__notes__


# ------------------------------------------------------------------ auxiliary results


def with_aux(x: Any) -> Any:
    return (x**3).sum(), {"square": x**2, "name": "cube", "shape": x.shape, "nothing": None}


def test_auxiliary_results() -> None:
    results = [
        func.grad(with_aux, has_aux=True)(X),
        func.value_and_grad(with_aux, has_aux=True)(X)[::-1],
        func.hessian(with_aux, has_aux=True)(X),
        func.jacobian(with_aux, has_aux=True)(X),
        func.vjp(with_aux, X, has_aux=True)[::2],
        func.jvp(with_aux, (X,), (V,), has_aux=True)[1:],
    ]
    value, aux = results[1][1]
    results[1] = results[1][0], aux
    assert value == (X**3).sum()
    for _, aux in results:
        assert type(aux["square"]) is np.ndarray
        assert aux["square"].tolist() == (X**2).tolist()
        assert (aux["name"], aux["shape"], aux["nothing"]) == ("cube", (2,), None)
    assert [np.round(found, 12).tolist() for found, _ in results] == [
        (3 * X**2).tolist(), (3 * X**2).tolist(), np.diag(6 * X).tolist(), (3 * X**2).tolist(),
        round((X**3).sum(), 12), round((3 * X**2 * V).sum(), 12),
    ]  # fmt: skip


def test_auxiliary_results_reach_what_f_reads() -> None:
    """Tensors among them are constants to f's own variables, and not to what is outside."""
    w: Any = tg.Tensor([2.0], requires_grad=True)
    g, aux = func.grad(lambda x: ((x**2).sum(), [w * x, x]), has_aux=True)(X)
    assert type(g) is type(aux[1]) is np.ndarray
    aux[0].sum().backward()
    assert w.grad.tolist() == [X.sum()]
    _, aux = func.grad(lambda x: ((x**2).sum(), x * 2), has_aux=True)(tg.Tensor(X, requires_grad=True))
    assert aux.requires_grad
    with tg.no_grad():
        assert type(func.grad(lambda x: ((x**2).sum(), w * x), has_aux=True)(X)[1]) is np.ndarray


def test_the_state_of_a_network_comes_out_beside_its_gradient() -> None:
    net = nn.TwoLayerNet(4, 3, 2, rng=0)
    x, t = np.ones((5, 4)), np.array([0, 1, 1, 0, 1])

    def loss(params: Any) -> Any:
        value = net.loss_of(params, x, t)
        return value, (value, t)

    (value, (again, labels)), g = func.value_and_grad(loss, has_aux=True)(net.params)
    assert value == again == net.loss(x, t)
    assert labels is t
    assert list(g) == list(net.params)


@pytest.mark.parametrize("f", [lambda x: x.sum(), lambda x: [x.sum(), 1], lambda x: (x.sum(), 1, 2)])
def test_has_aux_needs_a_pair(f: Any) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: func.grad(f, has_aux=True)(X), lambda: func.value_and_grad(f, has_aux=True)(X),
        lambda: func.hessian(f, has_aux=True)(X), lambda: func.jacobian(f, has_aux=True)(X),
        lambda: func.vjp(f, X, has_aux=True), lambda: func.jvp(f, (X,), (V,), has_aux=True),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(TypeError, match="with has_aux=True f returns a tuple of two") as caught:
            call()
        assert caught.value.__notes__


# ------------------------------------------------------------------ constant outputs


CONSTANT: list[Callable[[Any], Any]] = [
    lambda x: 3, lambda x: 1.5, lambda x: np.float32(2.0), lambda x: np.array(3.0), lambda x: x.numpy().sum(),
    lambda x: x.sum().item(), lambda x: tg.Tensor(3.0), lambda x: x.detach().sum(), lambda x: x.numpy().argmax(),
    lambda x: tg.grad((x**3).sum(), x).sum(), lambda x: tg.Tensor(3.0, requires_grad=True) * 2,
]  # fmt: skip


@pytest.mark.parametrize("f", CONSTANT)
def test_the_derivative_of_a_constant_is_zero_with_a_warning(f: Any) -> None:
    said = r"what f returned does not depend on the arguments.*\n.*[가-힣]"
    for call in (
        lambda: func.grad(f)(X), lambda: func.value_and_grad(f)(X)[1], lambda: func.jacobian(f)(X),
        lambda: func.hvp(f, X, V), lambda: func.vjp(f, X)[1](1.0)[0],
    ):  # fmt: skip
        with pytest.warns(UserWarning, match=said) as told:
            found = np.asarray(call())
        assert found.dtype == X.dtype
        assert found.tolist() == [0, 0]
        assert [warning.filename for warning in told] == [__file__]
    with pytest.warns(UserWarning, match=said):
        assert np.asarray(func.hessian(f)(X)).tolist() == [[0, 0], [0, 0]]
    with pytest.warns(UserWarning, match=said):
        y, pushed = func.jvp(f, (X,), (V,))
    assert tg.Tensor(y).item() == tg.Tensor(f(tg.Tensor(X, requires_grad=True))).item()
    assert float(pushed) == 0


def test_a_constant_among_several_outputs_is_named() -> None:
    f = lambda x: {"y": x * 2, "n": [3, x.numpy()]}
    with pytest.warns(UserWarning, match=r"what f returned at \['n'\]\[0\], \['n'\]\[1\] does not depend"):
        j = func.jacobian(f)(X)
    assert j["y"].tolist() == [[2, 0], [0, 2]]
    assert j["n"][0].tolist() == [0, 0]
    assert j["n"][1].tolist() == [[0, 0], [0, 0]]
    with pytest.warns(UserWarning, match="does not depend"):
        y, pushed = func.jvp(f, (X,), (V,))
    assert (y["n"][0], y["n"][0].dtype) == (3, np.float64)
    assert pushed["n"][1].tolist() == [0, 0]


def test_derivatives_that_are_constant_need_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert func.grad(func.grad(lambda x: 3 * x))(1.0) == 0
        assert func.hessian(lambda x: (V * x).sum())(X).tolist() == [[0, 0], [0, 0]]
        assert func.jacobian(func.jacobian(lambda x: V * x))(X).shape == (2, 2, 2)
        assert func.grad(lambda p, x: x * x)({}, tg.Tensor(2.0)) == {}
        assert func.grad(lambda x, y: (x * x).sum(), 0)(X, X).tolist() == (2 * X).tolist()


# ------------------------------------------------------------------ compiled


def test_they_compile() -> None:
    """Several outputs and auxiliary results of a compiled transform are those of the transform."""
    w = tg.Tensor(V, requires_grad=True)
    loss = lambda x: ((w * x**3).sum(), {"square": x**2, "read": w * x, "name": "cube"})
    for transform in (
        func.grad(loss, has_aux=True), func.value_and_grad(loss, has_aux=True), func.hessian(loss, has_aux=True),
        func.jacobian(several), lambda x: func.jvp(several, (x,), (V,))[1],
        lambda x: func.vjp(several, x)[1]({"sin": x, "more": [Pair(x[0], tg.outer(x, x))]})[0],
        lambda x: func.flatten(several(x))[1](func.flatten(several(x))[0] * 2),
    ):  # fmt: skip
        compiled: Any = tg.compile(transform)
        for x in (X, 2 * X):
            ours, plain = (re.sub(r"op=\w+", "", repr(f(x))) for f in (compiled, transform))
            assert ours == plain
