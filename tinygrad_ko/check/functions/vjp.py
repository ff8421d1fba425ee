"""Functions whose gradient comes from elsewhere: a derivative written by hand, PyTorch, JAX.

To the judge each is two things: a function of arrays, and its vector-Jacobian product. The arrays may stand in dicts, lists and tuples,
among the inputs and in the result; the judge sees each of them by itself, and its place is its name.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import is_dataclass
from itertools import count
from math import prod
from typing import Any, Self

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.domain import last_bit, projected
from tinygrad_ko.check.functions.function import Arrays, Primal, Vjp, element, float64_copy, selected
from tinygrad_ko.check.functions.meaning import in_check
from tinygrad_ko.check.functions.progress import Progress
from tinygrad_ko.check.slopes.slope import precision
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import described, explain
from tinygrad_ko.func.trees import is_tree, leaves_like, mapped

# From a cotangent, in the structure of the result, to one gradient for each input.
Pullback = Callable[[Any], Sequence[Any]]
COTANGENT = "its cotangent g", "g(출력 쪽에서 온 기울기)"


class FunctionWithVjp(Primal):
    """A function of arrays with a vector-Jacobian product of its own, at given inputs.

    Whoever derives from it says what f gives, in `evaluate`, and what its gradients are, in `linearize`.
    """

    whole = True
    result = "out"  # what the result is called
    cuts = ""  # what takes a part of f out of the graph of its library

    def __init__(self, f: Any, name: str, names: Sequence[str], inputs: Sequence[Any], wrt: Any = None) -> None:
        self.primal, self.f, self.name, self.progress = self, f, name, Progress()
        self.names, self.inputs = names, inputs
        places = [place for label, x in zip(names, inputs, strict=True) for place in leaves_like(x, x, label)]
        self.labels = [label for _, label in places]
        for x, label in places:
            self._require_real_and_dense(x, label)
        self.point = [self.in_float64(x, label) for x, label in places]
        self.last_bits = [last_bit(x) for x, _ in places]
        self.floating = [i for i, x in enumerate(self.point) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
        self.half = any(str(getattr(x, "dtype", "")).rpartition(".")[2] == "float16" for x, _ in places)
        self.wrt = selected(wrt, self.floating, self.labels)
        if not self.wrt:
            raise explain(
                ValueError(f"{name}: nothing to check: pass floating point numbers or arrays of them"),
                f"{name}: 확인할 실수 입력이 없습니다. 3.0과 같은 실수나 실수의 배열을 넘기십시오.",
            )

    def _require_real_and_dense(self, x: Any, label: str) -> None:
        if is_dataclass(x):
            kind = type(x).__name__
            raise explain(
                TypeError(
                    f"{self.name}: {label!r} is a dataclass ({kind}): pass its fields, or a dict: dataclasses.asdict(x)"
                ),
                f"{self.name}: {label!r}의 종류는 dataclass({kind})입니다. 필드를 따로 넘기거나 dataclasses.asdict(x)를 넘기십시오.",
            )
        is_complex = isinstance(x, complex) or "complex" in str(getattr(x, "dtype", ""))
        if is_complex or hasattr(x, "toarray") or "sparse" in str(getattr(x, "layout", "")):
            what, korean = ("complex", "복소수") if is_complex else ("sparse", "희소 배열")
            raise explain(
                TypeError(f"{self.name}: {label!r} is {what}; only real, dense arrays can be checked"),
                f"{self.name}: {label!r}의 종류는 {korean}입니다. 희소하지 않은 실수 배열만 확인할 수 있습니다.",
            )

    def in_float64(self, x: Any, place: str) -> Any:
        """An input as the judge moves it: a copy of it in float64; one that is not checked stays as it is."""
        return float64_copy(x)

    def parts(self) -> Iterator[tuple[str, "FunctionWithVjp"]]:
        """The operations with rules of their own that f is made of, each with the line that called it, as far as they can be seen."""
        return iter(())

    def evaluate(self, inputs: list[Any]) -> Any:
        """The result of f: an array, or several in a structure."""
        raise NotImplementedError

    def linearize(self, inputs: list[Any]) -> tuple[Any, Pullback]:
        """The result of f, and the function from a cotangent to the gradients of the inputs."""
        raise NotImplementedError

    def as_gradient(self, of: Any, rng: Any) -> Self:
        """The second order as a function in its turn: `of(*inputs, c)` are the gradients, in a dict by label, for a cotangent c."""
        row = rng.standard_normal(self.y.shape)
        made, c = copy(self), self.structured_as(self._result)(row)
        parts = list(leaves_like(c, c, "the cotangent"))
        more = range(len(self.point), len(self.point) + len(parts))
        made.f, made.names, made.inputs = of, [*self.names, "the cotangent"], [*self.inputs, c]
        made.labels, made.point = [*self.labels, *(label for _, label in parts)], [*self.point, *(x for x, _ in parts)]
        made.floating, made.wrt = [*self.floating, *more], [*self.wrt, *more]
        made.order, made.result, made._at_point = 2, "gradient", None
        return made

    def entry(self, k: tuple[int, ...]) -> str:
        at = k[0] if k else 0
        for place, shape in self._places if is_tree(self._result) else ():
            if at < prod(shape):
                return element(place, np.unravel_index(at, shape))
            at -= prod(shape)
        return element(self.result, k)

    def inside(self, arrays: Arrays) -> Arrays:
        """The arrays, each in its domain."""
        return [projected(x, self.domains[i]) if i in self.domains else x for i, x in enumerate(arrays)]

    def value(self, arrays: Arrays) -> Array:
        self.progress.step()
        with in_check():
            y = self.in_one_row(self.evaluate(self.structured(self.inside(arrays))))
        self.eps = precision(y)
        return y.astype(np.float64, copy=False)

    def vjp(self, arrays: Arrays) -> tuple[Array, Vjp]:
        arrays = self.inside(arrays)
        copies = [x.copy() if isinstance(x, np.ndarray) else x for x in arrays]
        inputs = self.structured(copies)
        with in_check():
            result, pull = self.linearize(inputs)
        y, cotangent = self.in_one_row(result), self.structured_as(result)
        self._require_unchanged(copies, arrays)
        last: tuple[Array | None, Arrays] = None, []

        def vjp(c: Array) -> Arrays:
            nonlocal last
            if last[0] is not c:
                with in_check():
                    gradients = pull(cotangent(c))
                for label, seen, x in zip(self.labels, copies, arrays, strict=True):
                    if was_changed(seen, x):
                        raise backward_writes(self.name, f"its argument {label!r}", f"인수 {label!r}")
                last = c, self._gradients(gradients)
            return last[1]

        return y, vjp

    def linear(self, c: Array) -> Callable[[float], dict[int, Array]]:
        calls = count()

        def gradients(factor: float) -> dict[int, Array]:
            if next(calls) == 1:  # what is kept from the last call of f is now from elsewhere
                others = [
                    np.flip(x).copy() if i in self.wrt else x for i, x in enumerate(self.point)
                ]  # in its domain, most likely
                with suppress(Exception):
                    self.evaluate(self.structured(others))
            return self.gradients(c if factor == 1 else factor * c)

        return gradients

    def structured(self, arrays: Arrays) -> list[Any]:
        """The inputs in the structure they were given in, with these arrays."""
        values = iter(arrays)
        return [mapped(lambda *_: next(values), x, "") for x in self.inputs]

    def structured_as(self, result: Any) -> Callable[[Array], Any]:
        """The function from one row to arrays in the structure of a result."""
        shapes = [shape for _, shape in self._places]

        def split(row: Array) -> Any:
            parts = np.split(row.reshape(-1), np.cumsum([prod(shape) for shape in shapes])[:-1])
            arrays = iter([part.reshape(shape).copy() for part, shape in zip(parts, shapes, strict=True)])
            return mapped(lambda *_: next(arrays), result, "")

        return split

    def in_one_row(self, result: Any) -> Array:
        """What f returned: an array as it is, several in one row."""
        leaves = list(leaves_like(result, result, self.result))
        arrays = [self.real(x, place) for x, place in leaves]
        self._result, self._places = result, [(at, x.shape) for x, (_, at) in zip(arrays, leaves, strict=True)]
        return _joined(arrays) if is_tree(result) else arrays[0]

    def in_one_row_like_it(self, tangent: Any) -> Array:
        """What has the structure and the shapes of the last result, in the same way."""
        leaves = list(leaves_like(self._result, tangent, "the tangent of the result"))
        arrays = [self.real(x, place) for x, place in leaves]
        for array, (_, place), (_, shape) in zip(arrays, leaves, self._places, strict=True):
            if array.shape != shape:
                raise explain(
                    ValueError(f"{self.name}: {place} has shape {array.shape}, but the result has shape {shape}"),
                    f"{self.name}: 반환값의 형상은 {shape}인데 접선 벡터({place})의 형상은 {array.shape}입니다. 서로 같아야 합니다.",
                )
        return _joined(arrays) if is_tree(self._result) else arrays[0]

    def real(self, x: Any, what: str) -> Array:
        """A copy of an array of real numbers: a function may return the same memory at every call."""
        array = np.array(x.stable_array() if isinstance(x, Handle) else x)
        if array.dtype.kind not in "fiub":
            raise explain(
                TypeError(f"{self.name}: {what} is {described(x)}; only real numbers can be checked"),
                f"{self.name}: 실수만 확인할 수 있습니다. {what}의 종류: {described(x)}",
            )
        return array

    def _gradients(self, parts: Sequence[Any]) -> Arrays:
        """The gradients of the checked arguments."""
        trees = [leaves_like(x, part, name) for name, x, part in zip(self.names, self.inputs, parts, strict=True)]
        every = [g for tree in trees for g, _ in tree]
        gradients = []
        for i in self.wrt:
            label, shape = self.labels[i], self.point[i].shape
            if every[i] is None:
                raise explain(
                    ValueError(f"{self.name}: no gradient of {label!r} is given: leave it out, with wrt="),
                    f"{self.name}: {label!r}의 기울기가 없습니다(None). 확인하지 않을 인수라면 wrt로 나머지만 지정하십시오.",
                )
            g = self.real(every[i], f"the gradient of {label!r}")
            if g.shape != shape:
                raise explain(
                    ValueError(
                        f"{self.name}: the gradient of {label!r} has shape {g.shape}, but {label!r} has shape {shape}"
                    ),
                    f"{self.name}: {label!r}의 형상은 {shape}인데 그 기울기의 형상은 {g.shape}입니다. 두 형상이 같아야 합니다.",
                )
            gradients.append(projected(g, self.domains[i], 0.0) if i in self.domains else g)
        return gradients

    def _require_unchanged(self, copies: Arrays, arrays: Arrays) -> None:
        for label, seen, x in zip(self.labels, copies, arrays, strict=True):
            if was_changed(seen, x):
                raise explain(
                    ValueError(f"{self.name} writes to its argument {label!r}; work on a copy inside it"),
                    f"{self.name}: 함수 안에서 인수 {label!r}의 값이 바뀌었습니다. 사본을 만들어 계산하십시오.",
                )


def was_changed(x: Any, y: Any) -> bool:
    """Whether an array was changed; `y` is what it is now."""
    return isinstance(x, np.ndarray) and not np.array_equal(x, y, equal_nan=x.dtype.kind == "f")


def backward_writes(name: str, where: str, korean: str, rule: str = "vjp") -> ValueError:
    """The error of a vjp or jvp that changes an array it is given, which others may hold; the judge makes a mismatch of it."""
    error = explain(
        ValueError(f"the {rule} of {name} writes to {where}; work on a copy inside it"),
        f"{name}: {rule} 안에서 {korean}의 값이 바뀌었습니다. 사본을 만들어 계산하십시오.",
    )
    error.add_note(f"in the backward of {name}")
    return error


def _joined(arrays: list[Array]) -> Array:
    """Arrays in one row, in the precision of those of floating point numbers."""
    floats = [x.dtype for x in arrays if x.dtype.kind == "f"]
    return np.concatenate([x.ravel().astype(np.result_type(*floats or [np.float64]), copy=False) for x in arrays])
