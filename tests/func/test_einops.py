"""einops on Tensors: the values of NumPy's arrays, and gradients that the oracle accepts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import func

einops: Any = pytest.importorskip("einops")
func.register_einops()
X = np.random.default_rng(0).normal(size=(2, 3, 4))

CALLS: dict[str, Callable[[Any], Any]] = {
    "rearrange": lambda x: einops.rearrange(x, "a b (c d) -> (c b) a d", c=2),
    "rearrange a list": lambda x: einops.rearrange([x[0], x[1]], "n b c -> c (n b)"),
    "rearrange with one": lambda x: einops.rearrange(x, "a b c -> a 1 b c 1"),
    "repeat": lambda x: einops.repeat(x, "a b c -> (a r) b c s", r=2, s=3),
    "reduce mean": lambda x: einops.reduce(x, "a b c -> c", "mean"),
    "reduce max": lambda x: einops.reduce(x, "a b (c d) -> b c", "max", d=2),
    "reduce min": lambda x: einops.reduce(x, "a b c -> 1 b 1", "min"),
    "reduce sum": lambda x: einops.reduce(x, "... c -> ...", "sum"),
    "reduce prod": lambda x: einops.reduce(x, "a b c -> a c", "prod"),
    "reduce by a function": lambda x: einops.reduce(x, "a b c -> b", lambda x, axes: (x**2).sum(axis=tuple(axes))),
    "einsum": lambda x: einops.einsum(x, x[0], "a b c, b d -> a c d"),
    "pack": lambda x: einops.pack([x, x[:, 0]], "a * c")[0],
    "unpack": lambda x: einops.unpack(x, [(2,), ()], "a * c")[1],
}


@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name: str) -> None:
    call = CALLS[name]
    np.testing.assert_allclose(call(tg.Tensor(X)).numpy(), call(X), rtol=1e-14)
    assert tg.check_gradient(call, X, order=2, effort="quick").verdict == "agrees"


def test_it_compiles() -> None:
    x = tg.Tensor(X, requires_grad=True)
    for call in (CALLS["rearrange"], CALLS["repeat"], CALLS["einsum"]):
        assert np.array_equal(tg.compile(call)(x).numpy(), call(x).numpy())


def test_arrays_and_integers_are_what_they_were() -> None:
    func.register_einops()  # again
    assert type(einops.rearrange(X, "a b c -> c b a")) is np.ndarray
    assert einops.asnumpy(tg.Tensor(X)).tolist() == X.tolist()
    assert einops.parse_shape(tg.Tensor(X), "a _ c") == {"a": 2, "c": 4}
    with pytest.raises(einops.EinopsError, match="Wrong shape"):
        einops.rearrange(tg.Tensor(X), "a b -> b a")
