"""Gradient checkers of several libraries behind one signature, each as its users call it, with its defaults.

A judge is given a case (a function, its inputs and what is said to be its gradient) and a seed, and answers "passed", "rejected" or, if it
cannot tell, "undecided". Whatever else it raises is an "error". Each of them is told the function and its gradient in the way in which its
library defines a new operation; nothing is tuned.
"""

import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from math import inf
from time import perf_counter
from typing import Any, Literal

import numpy as np

import tinygrad_ko as tg
from benchmarks.problems import Array
from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient, check_vjp, numerical_gradient

Effort = Literal["quick", "usual"]


class Case:
    """A function of Tensors at some float64 arrays, with the gradient that tinygrad_ko's formulas give."""

    def __init__(self, function: Callable[..., Any], arrays: Sequence[Array]) -> None:
        self.function, self.arrays = function, [np.array(x, dtype=float) for x in arrays]
        self.evaluations = 0

    def on_tensors(self, *xs: Any) -> Any:
        self.evaluations += 1
        return self.function(*xs)

    def forward(self, *arrays: Array) -> Array:
        """A new array, from arrays."""
        return np.array(self.on_tensors(*(np.asarray(x) for x in arrays)), dtype=float)

    def backward(self, arrays: Sequence[Array], cotangent: Array) -> list[Array]:
        """The gradient at these arrays: new arrays, from arrays. Its own forward is not counted."""
        leaves = [tg.Tensor(np.array(x, dtype=float), requires_grad=True) for x in arrays]
        y = self.function(*leaves)
        gradients = tg.grad(y, leaves, np.array(cotangent, dtype=float), allow_unused=True)
        return [np.array(g.numpy(), dtype=float) for g in gradients]


class TooLongError(RuntimeError):
    """The time that a checker has for a case is over."""


class Written(Case):
    """A function of NumPy arrays with a vjp(g, *inputs) written by hand; neither is called any more when it is later than `until`."""

    def __init__(self, f: Callable[..., Any], vjp: Callable[..., Any], inputs: Sequence[Array], rtol: float) -> None:
        super().__init__(f, inputs)
        self.vjp, self.inputs, self.rtol = vjp, inputs, rtol
        self.until, self.late = inf, False

    def in_time(self) -> None:
        if perf_counter() > self.until:
            self.late = True
            raise TooLongError

    def call(self, *arrays: Array) -> Any:
        self.in_time()
        self.evaluations += 1
        return self.function(*arrays)

    def pull(self, cotangent: Array, *arrays: Array) -> Any:
        self.in_time()
        return self.vjp(cotangent, *arrays)

    def forward(self, *arrays: Array) -> Array:
        return np.array(self.call(*arrays), dtype=float)

    def backward(self, arrays: Sequence[Array], cotangent: Array) -> list[Array]:
        found = self.pull(cotangent, *arrays)
        return [np.array(g, dtype=float) for g in (found if isinstance(found, list | tuple) else [found])]


Judge = Callable[[Any, int], str]


def verdict(check: Callable[[], object], rejection: type[Exception] = AssertionError) -> str:
    """What a checker says that raises in order to reject."""
    try:
        check()
    except rejection:
        return "rejected"
    return "passed"


def ours(effort: Effort) -> Judge:
    def judge(case: Case, seed: int) -> str:
        try:
            return verdict(
                lambda: check_gradient(case.on_tensors, *case.arrays, effort=effort, rng=seed), GradientMismatch
            )
        except GradientUndecided:
            return "undecided"

    return judge


def ours_written() -> Judge:
    def judge(case: Written, seed: int) -> str:
        copies = [np.array(x) for x in case.inputs]
        try:
            return verdict(lambda: check_vjp(case.call, case.pull, *copies, rtol=case.rtol, rng=seed), GradientMismatch)
        except GradientUndecided:
            return "undecided"

    return judge


def book() -> Judge:
    """loss = sum(y), and the mean absolute difference to the numerical gradient of each argument."""

    def judge(case: Case, seed: int) -> str:
        found = case.backward(case.arrays, np.ones_like(case.forward(*case.arrays)))
        slopes = [numerical_gradient(lambda _: case.forward(*case.arrays).sum(), x) for x in case.arrays]
        close = [np.mean(np.abs(a - b)) < 1e-5 for a, b in zip(found, slopes, strict=True)]
        return "passed" if all(close) else "rejected"

    return judge


def torch(fast: bool) -> Judge:
    torch: Any = import_module("torch")
    gradcheck: Any = import_module("torch.autograd.gradcheck")

    class Operation(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(context: Any, case: Case, *xs: Any) -> Any:
            context.case = case
            context.save_for_backward(*xs)
            return torch.from_numpy(case.forward(*(x.numpy() for x in xs)))

        @staticmethod
        def backward(context: Any, g: Any) -> Any:
            found = context.case.backward([x.numpy() for x in context.saved_tensors], g.numpy())
            return None, *map(torch.from_numpy, found)

    def judge(case: Case, seed: int) -> str:
        torch.manual_seed(seed)
        xs = [torch.tensor(x, requires_grad=True) for x in case.arrays]
        return verdict(
            lambda: gradcheck.gradcheck(lambda *xs: Operation.apply(case, *xs), xs, fast_mode=fast),
            gradcheck.GradcheckError,
        )

    return judge


def jax() -> Judge:
    jax: Any = import_module("jax")
    check_grads: Any = import_module("jax.test_util").check_grads
    jax.config.update("jax_enable_x64", True)

    def judge(case: Case, seed: int) -> str:
        """Reverse mode at first order; its random numbers are the same each time."""
        arrays = [jax.numpy.asarray(x) for x in case.arrays]
        out, *gradients = [jax.ShapeDtypeStruct(x.shape, "float64") for x in (case.forward(*case.arrays), *arrays)]

        def forward(*xs: Any) -> Any:
            return case.forward(*map(np.asarray, xs))

        def backward(g: Any, *xs: Any) -> Any:
            return tuple(case.backward([*map(np.asarray, xs)], np.asarray(g)))

        operation = jax.custom_vjp(lambda *xs: jax.pure_callback(forward, out, *xs))
        pulled = lambda xs, g: jax.pure_callback(backward, tuple(gradients), g, *xs)
        operation.defvjp(lambda *xs: (operation(*xs), xs), pulled)
        return verdict(lambda: check_grads(operation, tuple(arrays), order=1, modes=("rev",)))

    return judge


def scipy() -> Judge:
    check_grad: Any = import_module("scipy.optimize").check_grad

    def judge(case: Case, seed: int) -> str:
        """It takes a function of one vector that returns a number, and returns the length of the error of the gradient, which passes if it
        is a millionth of that of the gradient or less.
        """
        shapes = [x.shape for x in case.arrays]
        places = np.cumsum([x.size for x in case.arrays])[:-1]
        c = np.asarray(np.random.default_rng(seed).normal(size=case.forward(*case.arrays).shape))

        def parts(row: Array) -> list[Array]:
            return [part.reshape(shape) for part, shape in zip(np.split(row, places), shapes, strict=True)]

        def f(row: Array) -> Any:
            return np.sum(c * case.forward(*parts(row)))

        def gradient(row: Array) -> Array:
            return np.concatenate([np.ravel(g) for g in case.backward(parts(row), c.copy())])

        row = np.concatenate([np.ravel(x) for x in case.arrays])
        error = check_grad(f, gradient, row)
        return "passed" if error <= 1e-6 * np.linalg.norm(gradient(row)) else "rejected"

    return judge


def autograd() -> Judge:
    extend: Any = import_module("autograd.extend")
    check_grads: Any = import_module("autograd.test_util").check_grads

    @extend.primitive  # type: ignore[untyped-decorator]
    def operation(case: Case, *xs: Array) -> Array:
        return case.forward(*xs)

    def vjp(wanted: Sequence[int], out: Array, arguments: Sequence[Any], options: object) -> Any:
        case, *xs = arguments
        return lambda g: [case.backward(xs, g)[i - 1] for i in wanted]

    extend.defvjp_argnums(operation, vjp)

    def judge(case: Case, seed: int) -> str:
        """Reverse mode at first order: there is no forward rule and no second derivative to hold to it."""
        every = tuple(range(len(case.arrays)))
        check = check_grads(lambda *xs: operation(case, *xs), every, modes=["rev"], order=1)
        return verdict(lambda: check(*case.arrays))

    return judge


def chainer() -> Judge:
    # Its last release asks NumPy for one table, when it is imported, that NumPy 2 no longer has.
    table = {kind: [np.dtype(f"{kind}{bits}").type for bits in (16, 32, 64)] for kind in ("int", "uint", "float")}
    vars(np)["sctypes"] = table
    try:
        chainer: Any = import_module("chainer")
        check_backward: Any = import_module("chainer.gradient_check").check_backward
    finally:
        del vars(np)["sctypes"]

    class Operation(chainer.FunctionNode):  # type: ignore[misc]
        def __init__(self, case: Case) -> None:
            super().__init__()
            self.case = case

        def forward(self, xs: Sequence[Array]) -> tuple[Array]:
            self.retain_inputs(tuple(range(len(xs))))
            return (self.case.forward(*xs),)

        def backward(self, wanted: Sequence[int], gs: Sequence[Any]) -> Any:
            found = self.case.backward([x.array for x in self.get_retained_inputs()], gs[0].array)
            return tuple(chainer.as_variable(found[i]) for i in wanted)

    def judge(case: Case, seed: int) -> str:
        g = np.array(np.random.default_rng(seed).normal(size=case.forward(*case.arrays).shape))
        f = lambda *xs: Operation(case).apply(xs)[0]
        return verdict(lambda: check_backward(f, tuple(case.arrays), (g,)))

    return judge


JUDGES: dict[str, tuple[str, Callable[[], Judge]]] = {  # each with its package, and how it is set up
    "tinygrad_ko, quick": ("tinygrad_ko", lambda: ours("quick")),
    "tinygrad_ko, usual": ("tinygrad_ko", lambda: ours("usual")),
    "PyTorch gradcheck": ("torch", lambda: torch(fast=False)),
    "PyTorch gradcheck, fast": ("torch", lambda: torch(fast=True)),
    "JAX check_grads": ("jax", jax),
    "autograd check_grads": ("autograd", autograd),
    "Chainer check_backward": ("chainer", chainer),
    "the book": ("tinygrad_ko", book),
}


OF_WRITTEN: dict[str, tuple[str, Callable[[], Judge]]] = {  # those that are asked about gradients written by hand
    "tinygrad_ko": ("tinygrad_ko", ours_written),
    "PyTorch gradcheck": JUDGES["PyTorch gradcheck"],
    "PyTorch gradcheck, fast": JUDGES["PyTorch gradcheck, fast"],
    "JAX check_grads": JUDGES["JAX check_grads"],
    "SciPy check_grad": ("scipy", scipy),
}


def called(package: str) -> str:
    """A package and its version.

    >>> called("numpy").startswith("numpy 2")
    True
    """
    return f"{package} {tg.__version__ if package == 'tinygrad_ko' else version(package)}"


def available() -> tuple[dict[str, Judge], dict[str, str]]:
    """The judges that can be asked, and for the others why not."""
    found: dict[str, Judge] = {}
    missing = {}
    for name, (package, load) in JUDGES.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name] = load()
        except ModuleNotFoundError as error:
            missing[name] = "not installed" if error.name == package else f"does not run: {error}"
        except Exception as error:
            missing[name] = f"does not run: {type(error).__name__}: {error}"
    return found, missing


def ask(judge: Judge, case: Case, seed: int) -> tuple[str, int, float]:
    """The answer, how often the function was evaluated for it, and how long that took in seconds."""
    np.random.seed(seed)  # autograd and Chainer draw their directions from it
    kept = [x.copy() for x in case.arrays]
    case.evaluations, start = 0, perf_counter()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            answer = judge(case, seed)
    except Exception as error:
        answer = f"error: {type(error).__name__}: {str(error).strip().partition(chr(10))[0][:90]}"
    taken = perf_counter() - start
    if not all(np.array_equal(a, b) for a, b in zip(kept, case.arrays, strict=True)):
        raise RuntimeError("a checker has changed its inputs: the next one would see others")
    return answer, case.evaluations, taken
