"""PyTorch's functions in our graph, and ours in PyTorch's: judged on both sides."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import func, nn

torch: Any = pytest.importorskip("torch")
rng = np.random.default_rng(0)
X, W = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
AT = np.array([0, 1, 1])


def leaf(x: Any) -> Any:
    return torch.tensor(x, requires_grad=True)


# ------------------------------------------------------------------ PyTorch's functions here


def several(x: Any, p: Any, n: int, *, k: float) -> Any:
    return {"a": torch.special.i0e(x @ p["W"]) * n, "b": [x.sum() * k, torch.sin(x)[p["i"]]]}


def test_the_judge_on_pytorchs_functions() -> None:
    assert tg.check_gradient(func.from_torch(torch.special.i0e), [0.5, 2.0, -3.3], order=2).verdict == "agrees"
    f = func.from_torch(several)
    loss = lambda x, W: f(x, {"W": W, "i": AT}, 2, k=3.0)
    assert tg.check_gradient(loss, X, W, order=2, effort="quick").verdict == "agrees"


def test_values_and_structure() -> None:
    p = {"W": W, "i": AT}
    ours = func.from_torch(several)(X, p, 2, k=3.0)
    theirs = several(torch.tensor(X), {"W": torch.tensor(W), "i": torch.tensor(AT)}, 2, k=3.0)
    assert ours["a"].tolist() == theirs["a"].tolist()
    assert [b.tolist() for b in ours["b"]] == [b.tolist() for b in theirs["b"]]
    assert type(ours["a"]) is np.ndarray
    assert type(func.from_torch(several)(tg.Tensor(X), p, 2, k=3.0)["b"][0]) is tg.Tensor
    assert func.from_torch(lambda x, i: x[i])(X[0], tg.Tensor(AT)).tolist() == X[0][AT].tolist()
    single = func.from_torch(torch.sin)(np.ones(2, np.float32))
    assert (single.dtype, func.from_torch(torch.sin).__name__) == (np.float32, "sin")


def test_every_order_and_between_our_operations() -> None:
    f = func.from_torch(torch.sin)
    for _ in range(3):
        f = func.grad(f)
    assert f(0.3) == pytest.approx(-np.cos(0.3), rel=1e-14)
    tg.check_gradient(lambda x: tg.tanh(func.from_torch(torch.cosh)(x * x)) @ W, X, order=2, effort="quick")
    w: Any = tg.Tensor(X, requires_grad=True)
    with torch.no_grad():  # PyTorch's switch is its own affair
        func.from_torch(torch.sin)(w).sum().backward()
    np.testing.assert_allclose(w.grad, np.cos(X))


def test_a_module_is_frozen_or_gets_its_parameters_as_arguments() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    with pytest.raises(
        RuntimeError, match="from_torch: Sequential reads a tensor of PyTorch's that requires"
    ) as caught:
        func.from_torch(module)(X)
    assert len(caught.value.__notes__) > 1
    weight = torch.ones(2, requires_grad=True, dtype=torch.float64)
    for f in (lambda x: weight, lambda x: x[0, :2] * weight, lambda x, w: x[0, :2] * w):
        with pytest.raises(RuntimeError, match="from_torch: <lambda> reads a tensor of PyTorch's that requires"):
            func.from_torch(f)(X, *[weight] * (f.__code__.co_argcount - 1))
    assert func.from_torch(lambda x: x)(X).tolist() == X.tolist()
    functional = func.from_torch(lambda p, x: torch.func.functional_call(module, p, (x,)))
    params = {name: p.detach().numpy() for name, p in module.named_parameters()}
    g = func.grad(lambda p: (functional(p, X) ** 2).sum())(params)
    (module(torch.tensor(X)) ** 2).sum().backward()
    for name, p in module.named_parameters():
        np.testing.assert_allclose(g[name], p.grad.numpy(), rtol=1e-12)
    module.requires_grad_(False)
    tg.check_gradient(func.from_torch(module), X, effort="quick")


def test_nothing_is_shared() -> None:
    x = X.copy()
    f = func.from_torch(lambda t, i: t * i.add_(1))
    n = np.array([1, 2, 3])
    y = f(x, n)
    y[:] = 0
    assert np.array_equal(x, X)
    assert n.tolist() == [1, 2, 3]


def test_what_pytorch_cannot_differentiate() -> None:
    x = tg.Tensor(X, requires_grad=True)
    y = func.from_torch(lambda x: x.detach() * 2)(x).sum()
    with pytest.raises(RuntimeError, match="from_torch: <lambda> detaches what it returns") as caught:
        y.backward()
    assert len(caught.value.__notes__) > 1
    with pytest.raises(TypeError, match=r"from_torch: <lambda> returned float at \['y'\], not a torch\.Tensor"):
        func.from_torch(lambda x: {"y": 1.0})(x)
    drop = func.from_torch(lambda x: torch.nn.functional.dropout(x * x, 0.5))
    drop(x).sum().backward()  # its own graph has the numbers that were drawn
    with pytest.raises(RuntimeError, match="from_torch: <lambda> returned another value when it was called again"):
        func.hvp(lambda x: drop(x).sum(), np.ones(50), np.ones(50))
    with pytest.raises(TypeError, match="compile: from_torch cannot be compiled"):
        tg.compile(func.from_torch(torch.sin))(x)


def test_blame_reaches_around_it() -> None:
    @tg.op(x=lambda g, out: g * out * (out - 1))
    def wrong(xp: Any, x: Any) -> Any:
        return 1 / (1 + xp.exp(-x))

    with pytest.raises(tg.GradientMismatch, match="op wrong, called at"):
        tg.check_gradient(lambda x: wrong(func.from_torch(torch.sin)(x)), X)


def test_outputs_keep_their_dtypes_and_those_that_are_no_floats_are_constants() -> None:
    several = lambda a: ((a**2).sum(), a.argmax(), a > 0, torch.tensor(2**53 + 1), a.float())
    x: Any = tg.Tensor(X[0], requires_grad=True)
    for given in (x, X[0]):
        found = func.from_torch(several)(given)
        assert [str(y.dtype) for y in found] == ["float64", "int64", "bool", "int64", "float32"]
        assert [y.tolist() for y in found[1:4]] == [X[0].argmax(), (X[0] > 0).tolist(), 2**53 + 1]
        assert {type(y) for y in found} == ({tg.Tensor} if given is x else {np.ndarray})
    assert [y.requires_grad for y in func.from_torch(several)(x)] == [True, False, False, False, True]
    total = lambda x: (y := func.from_torch(several)(x))[0] + y[4].sum()
    np.testing.assert_allclose(tg.grad(total(x), x).numpy(), 2 * X[0] + 1)
    assert func.hessian(total)(X[0]).tolist() == (2 * np.eye(3)).tolist()
    assert not func.from_torch(lambda a: a > 0)(x).requires_grad


# ------------------------------------------------------------------ ours in PyTorch


def test_pytorchs_judge_on_our_functions() -> None:
    f = func.to_torch(lambda x, W: tg.tanh(x @ W) ** 2)
    assert torch.autograd.gradcheck(f, (leaf(X), leaf(W)))
    assert torch.autograd.gradgradcheck(f, (leaf(X), leaf(W)))
    many = func.to_torch(lambda x, p, n: {"y": tg.sin(x) * n, "z": (p["W"].sum(), tg.exp(x[p["i"]]))})

    def in_a_tuple(x: Any, W: Any) -> Any:
        out = many(x, {"W": W, "i": torch.tensor(AT)}, 2)
        return out["y"], *out["z"]

    assert torch.autograd.gradcheck(in_a_tuple, (leaf(X), leaf(W)))
    assert torch.autograd.gradgradcheck(in_a_tuple, (leaf(X), leaf(W)))


def test_in_the_middle_of_pytorchs_graph() -> None:
    f = func.to_torch(tg.sin)
    y = s = leaf(np.array(0.3))
    y = f(y * 1)
    for _ in range(3):
        (y,) = torch.autograd.grad(y, s, create_graph=True)
    assert y.item() == pytest.approx(-np.cos(0.3), rel=1e-14)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    func.to_torch(lambda x: x**2)(x * 2).sum().backward()
    assert (x.grad.dtype, x.grad.tolist()) == (torch.float32, [8, 16])
    with torch.no_grad():
        assert not f(x).requires_grad
    assert not f(x.detach()).requires_grad
    with tg.no_grad():
        assert f(x).requires_grad
    half = func.to_torch(lambda x, n: x[:n])(x, 1)
    assert half.tolist() == [1]


def test_a_module_of_ours_is_frozen_or_gets_its_parameters_as_arguments() -> None:
    layer = nn.Affine(3, 2, rng=0)
    with pytest.raises(RuntimeError, match="to_torch: Affine reads a Tensor that requires a gradient") as caught:
        func.to_torch(layer)(leaf(X))
    assert caught.value.__notes__
    for p in layer.parameters():
        p.requires_grad = False
    assert torch.autograd.gradcheck(func.to_torch(layer), (leaf(X),))
    net = nn.TwoLayerNet(3, 4, 2, rng=0)
    loss = func.to_torch(net.loss_of)
    params = {name: leaf(p) for name, p in net.params.items()}
    loss(params, X, np.array([0, 1])).backward()
    for name, g in net.gradient(X, np.array([0, 1])).items():
        np.testing.assert_allclose(params[name].grad.numpy(), g, rtol=1e-12)


def test_what_changes_between_calls_is_noticed() -> None:
    factor = tg.Tensor(2.0)
    f = func.to_torch(lambda x: factor * x**2)
    x = leaf(X)
    y = f(x).sum()
    factor.data[...] = 3.0
    assert torch.autograd.grad(y, x, retain_graph=True)[0].tolist() == (4 * X).tolist()
    with pytest.raises(RuntimeError, match="to_torch: <lambda> returned another value when it was called again"):
        torch.autograd.grad(y, x, create_graph=True)


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="from_torch: expected real numbers"):
        func.from_torch(torch.fft.fft)(tg.Tensor(X, requires_grad=True))
    size = func.from_torch(lambda x: torch.abs(torch.fft.fft(x)))
    assert tg.check_gradient(size, X, effort="quick").verdict == "agrees"
    assert func.from_torch(torch.argmax)(X).dtype == np.int64


def test_there_and_back() -> None:
    f = func.from_torch(func.to_torch(func.from_torch(torch.tanh)))
    assert tg.check_gradient(f, X, order=2, effort="quick").verdict == "agrees"


def test_what_we_return_keeps_its_dtype_there() -> None:
    def several(a: Any) -> Any:
        whole = tg.Tensor(np.array([2**53 + 1]))
        return {"s": (a**2).sum(), "n": whole, "b": a.numpy() > 0, "f": a.astype(np.float32), "i": np.int64(3)}

    x = leaf(X[0])
    y = func.to_torch(several)(x)
    assert [str(y[k].dtype)[6:] for k in "snbfi"] == ["float64", "int64", "bool", "float32", "int64"]
    assert [y[k].tolist() for k in "nbi"] == [[2**53 + 1], (X[0] > 0).tolist(), 3]
    assert [y[k].requires_grad for k in "snbfi"] == [True, False, False, True, False]
    (g,) = torch.autograd.grad(y["s"] + y["f"].sum(), x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), 2 * X[0] + 1)
    assert torch.autograd.grad(g.sum(), x)[0].tolist() == [2, 2, 2]
    assert func.to_torch(lambda a: a.numpy() > 0)(x).dtype == torch.bool


def test_transforms_of_functions_are_refused() -> None:
    f = func.to_torch(tg.sin)
    for call in (torch.func.grad(lambda x: f(x).sum()), torch.vmap(f), torch.func.jacrev(f)):
        with pytest.raises(RuntimeError, match=r"to_torch: torch\.func's transforms .* do not take sin") as caught:
            call(torch.tensor(X))
        assert caught.value.__notes__
