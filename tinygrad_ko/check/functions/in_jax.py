"""A function of JAX, as the judge takes it: its gradients are those of `jax.vjp`. It is judged in float64: x64 is on inside the check."""

import sys
from collections.abc import Sequence
from inspect import unwrap
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.function import argument_names, float64_copy, function_name, location
from tinygrad_ko.check.functions.vjp import FunctionWithVjp, Pullback
from tinygrad_ko.errors import described, explain
from tinygrad_ko.func.trees import leaves_like, mapped


class JaxFunction(FunctionWithVjp):
    """A function of JAX's arrays at given inputs: plain, jitted, or with a rule of its own."""

    cuts = "stop_gradient, a custom_vjp or custom_jvp, a callback"

    def __init__(self, f: Any, inputs: Sequence[Any], parameters: Any = None, wrt: Any = None) -> None:
        if parameters is not None:
            raise explain(
                TypeError("a function of JAX gets its parameters as arguments: leave parameters= out"),
                "JAX의 함수에는 매개변수를 인수로 넘깁니다. parameters를 쓰지 말고 인수로 넘기십시오.",
            )
        self.jax: Any = sys.modules["jax"]
        ruled = unwrap(f, stop=_has_rule)  # what is jitted wraps it
        self.written = (getattr(ruled, "bwd", None) or getattr(ruled, "jvp", None)) if _has_rule(ruled) else None
        self.whole = self.written is not None
        names = argument_names(f, len(inputs))
        self.fixed = {names[i] for i in getattr(ruled, "nondiff_argnums", ()) if i < len(names)}
        super().__init__(f, function_name(f), names, inputs, wrt)
        given = [x for value in inputs for x, _ in leaves_like(value, value, "")]
        dtypes = dict.fromkeys(described(given[i]).split("[")[0] for i in self.wrt)
        self.remarks = [f"JAX {self.jax.__version__}, judged in float64 (x64); given: {', '.join(dtypes)}"]

    def in_float64(self, x: Any, place: str) -> Any:
        if place in self.fixed:
            return x
        if isinstance(x, self.jax.Array):
            real = self.jax.numpy.issubdtype(x.dtype, self.jax.numpy.floating)
            return np.array(x, dtype=np.float64) if real else x
        return float64_copy(x)

    def formula(self, argument: str) -> tuple[str | None, str | None]:
        return (self.name, location(self.written)) if self.whole else (None, None)

    def gradient(self, rng: Any) -> "JaxFunction":
        def of(*values: Any) -> Any:
            *inputs, c = values
            y, vjp = self.jax.vjp(*self._on_leaves(inputs))
            (found,) = vjp(self._seeds(y, c))
            return dict(zip([self.labels[i] for i in self.wrt], found, strict=True))

        return self.as_gradient(of, rng)

    def evaluate(self, inputs: list[Any]) -> Any:
        with self.jax.enable_x64(True):
            return self._arrays(self.f(*(mapped(self._jaxs, x, "") for x in inputs)))

    def linearize(self, inputs: list[Any]) -> tuple[Any, Pullback]:
        with self.jax.enable_x64(True):
            y, vjp = self.jax.vjp(*self._on_leaves(inputs))

        def pull(c: Any) -> Sequence[Any]:
            with self.jax.enable_x64(True):
                (found,) = vjp(self._seeds(y, c))
            gradients = {i: np.asarray(g) for i, g in zip(self.wrt, found, strict=True)}
            return self.structured([gradients.get(i) for i in range(len(self.point))])

        return self._arrays(y), pull

    def _on_leaves(self, inputs: list[Any]) -> tuple[Any, list[Any]]:
        """f as a function of a list, the arguments that are checked; and their values."""
        flat = [self._jaxs(x, "") for value in inputs for x, _ in leaves_like(value, value, "")]

        def of(wanted: list[Any]) -> Any:
            values = dict(enumerate(flat)) | dict(zip(self.wrt, wanted, strict=True))
            return self.f(*self.structured(list(values.values())))

        return of, [flat[i] for i in self.wrt]

    def _seeds(self, y: Any, c: Any) -> Any:
        """A cotangent in the structure of the result: each part in its dtype, and what JAX wants where that has no gradient."""
        parts = zip(leaves_like(y, y, ""), leaves_like(y, c, ""), strict=True)
        seeds = iter([self._seed(out, part) for (out, _), (part, _) in parts])
        return mapped(lambda *_: next(seeds), y, "")

    def _jaxs(self, x: Any, _: str) -> Any:
        return self.jax.numpy.asarray(x) if isinstance(x, np.ndarray) else x

    def _arrays(self, y: Any) -> Any:
        return mapped(
            lambda x, _: np.asarray(x), self.jax.tree.map(lambda x: x, y), ""
        )  # dicts in the order that JAX gives them

    def _seed(self, out: Any, c: Array) -> Any:
        dtype = self.jax.numpy.result_type(out)
        if self.jax.numpy.issubdtype(dtype, self.jax.numpy.floating):
            return self.jax.numpy.asarray(c, dtype=dtype)
        return np.zeros(np.shape(out), self.jax.dtypes.float0)


def _has_rule(f: Any) -> bool:
    return type(f).__name__ in ("custom_vjp", "custom_jvp")
