"""`checkpoint`: the same gradients, for less memory, or an error."""

import gc
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.domains import sample
from tests.ops.table import ROWS
from tests.ops.test_rules import bound
from tinygrad_ko import nn
from tinygrad_ko.func import checkpoint
from tinygrad_ko.func.checkpointing import _fingerprint
from tinygrad_ko.testing import graphs

ROW = {f.__name__: (f, row) for f, row in ROWS.items()}


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def same(first: Any, second: Any) -> bool:
    """Whether lists of Tensors or arrays are the same to the last bit."""
    bits = [
        [(a.shape, a.dtype, (a.numpy() if isinstance(a, tg.Tensor) else a).tobytes()) for a in x]
        for x in (first, second)
    ]
    return bits[0] == bits[1]


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def all_gradients(y: Any, leaves: list[Any]) -> list[Any]:
    """What backward, keep_graph, tg.grad and create_graph give, and last the gradients of the gradients."""
    g = np.cos(np.arange(y.size)).reshape(y.shape)
    found = tg.grad(y, leaves, g, allow_unused=True)
    recorded = tg.grad(y, leaves, g, create_graph=True, allow_unused=True)
    squares = [(r * r).sum() for r in recorded if r.requires_grad]
    second = tg.grad(sum(squares[1:], squares[0]), leaves, allow_unused=True) if squares else []
    deposits = []
    for keep in (True, False):
        for x in leaves:
            x.zero_grad()
        y.backward(g, keep_graph=keep)
        deposits += [np.zeros(x.shape) if x.grad is None else x.grad for x in leaves]
    return [found, recorded, deposits, second]


def agree(plain: list[Any], checkpointed: list[Any]) -> None:
    for p, c in zip(plain[:3], checkpointed[:3], strict=True):
        assert same(p, c)
    for p, c in zip(plain[3], checkpointed[3], strict=True):
        np.testing.assert_allclose(
            c.numpy(), p.numpy(), rtol=1e-9, atol=1e-12 * max(1.0, np.max(np.abs(p.numpy()), initial=0))
        )


# ------------------------------------------------------------------ the same gradients


@given(graphs(), st.lists(st.booleans(), min_size=3, max_size=3), st.integers(1, 3))
def test_any_function_any_closure_nested(program: Any, closed: list[bool], depth: int) -> None:
    """Some inputs are passed, others are read from outside; all are used before, inside and after."""
    leaves = [tg.Tensor(x, requires_grad=True) for x in program.inputs]

    def gradients(call: Callable[..., Any]) -> list[Any]:
        xs = [x * 1.5 if i % 2 else x for i, x in enumerate(leaves)]
        passed = [x for x, c in zip(xs, closed, strict=False) if not c]

        def f(*given: Any) -> Any:
            rest = iter(given)
            return program(*(x if c else next(rest) for x, c in zip(xs, closed, strict=False)))

        y = call(f, *passed)
        return all_gradients(y * tg.sin(y) + xs[0].sum(), leaves)

    def nested(f: Any, *xs: Any) -> Any:
        for _ in range(depth):
            f = partial(checkpoint, f)
        return f(*xs)

    agree(gradients(lambda f, *xs: f(*xs)), gradients(nested))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # at odd inputs
@pytest.mark.parametrize("name", ROW)
def test_every_op(name: str) -> None:
    """Whatever a formula keeps is compared without a false alarm."""
    function, row = ROW[name]

    def gradients(arguments: Any, options: Any, call: Callable[..., Any]) -> list[Any]:
        floats = [isinstance(a, np.ndarray) and a.dtype == np.float64 for a in arguments]
        given = [tg.Tensor(a, requires_grad=True) if able else a for a, able in zip(arguments, floats, strict=True)]
        inner = [x * 1.0 if able else x for x, able in zip(given, floats, strict=True)]
        y = call(bound(function, options), *inner)
        leaves = [x for x, able in zip(given, floats, strict=True) if able]
        return all_gradients(y, leaves) if getattr(y, "requires_grad", False) else [[], [], [], []]

    for arguments, options in sample(row, 3):
        agree(gradients(arguments, options, lambda f, *xs: f(*xs)), gradients(arguments, options, checkpoint))


def network(*widths: int) -> nn.Sequential:
    layers: list[Any] = []
    for i, (n, m) in enumerate(pairwise(widths)):
        layers += [nn.Affine(n, m, rng=i, init=nn.he), nn.Relu()]
    return nn.Sequential(*layers)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_parameters_of_a_module(dtype: Any) -> None:
    x = tg.Tensor(np.random.default_rng(0).normal(size=(7, 5)).astype(dtype), requires_grad=True)
    net = network(5, 6, 6, 6, 4)
    for p in net.parameters():
        assert p.grad is None

    def by_pairs(x: Any) -> Any:
        for i in range(0, 8, 2):
            x = checkpoint(nn.Sequential(*net.layers[i : i + 2]), x)
        return x

    tied = net[2].W  # also used by another segment, and outside

    def twice(x: Any) -> Any:
        return checkpoint(lambda x: x @ tied + net[2](x), by_pairs(checkpoint(net[0], x) @ tied[:, :5]) @ tied[:4])

    def twice_plain(x: Any) -> Any:
        x = net(net[0](x) @ tied[:, :5]) @ tied[:4]
        return x @ tied + net[2](x)

    leaves = [x, *net.parameters()]
    for plain, other in ((net, by_pairs), (net, partial(checkpoint, net)), (twice_plain, twice)):
        agree(all_gradients(plain(x), leaves), all_gradients(other(x), leaves))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (2, 3)])
def test_every_shape(shape: tuple[int, ...]) -> None:
    w = tg.Tensor(np.full(shape, 0.5), requires_grad=True)
    agree(all_gradients(tg.exp(w * w), [w]), all_gradients(checkpoint(lambda v: tg.exp(v * w), w), [w]))


CORNERS: dict[str, Callable[[Any, Any], Any]] = {
    "its input": lambda v, w: checkpoint(lambda x: x, v) * w,
    "a view of its input": lambda v, w: checkpoint(lambda x: x[::-1], v) * w,
    "what it reads": lambda v, w: checkpoint(lambda x: w, v) * v,
    "an input twice": lambda v, w: checkpoint(lambda a, b: a * b + w, v, v),
    "an unused input": lambda v, w: checkpoint(lambda a, b: tg.sin(b), v, w),
    "no input": lambda v, w: checkpoint(lambda: v * w),
    "a constant input": lambda v, w: checkpoint(lambda c, x: (c * x).sum() + c.sum(), tg.Tensor([2.0, 3.0]), v) * w,
    "an array": lambda v, w: checkpoint(lambda c, x: c * x * w, np.array([2.0, 3.0]), v),
    "numbers and options": lambda v, w: checkpoint(
        lambda x, n, *, axis, by: tg.sum(x**n, axis=axis) * by, v, 3, axis=0, by=w
    ),
    "a dict": lambda v, w: checkpoint(lambda p, x: p["w"] * x + p["b"][0], {"w": w, "b": [v]}, v),
    "something computed outside": lambda v, w: (lambda h: checkpoint(lambda x: x * h * w, v) + h)(tg.exp(w)),
    "a gradient inside": lambda v, w: checkpoint(lambda x: tg.func.grad(lambda z: (z**3 * w).sum())(x), v),
    "a part without a gradient": lambda v, w: checkpoint(lambda x: x * w.detach() + tg.no_grad()(lambda: w * x)(), v),
}


@pytest.mark.parametrize("name", CORNERS)
def test_corners(name: str, monkeypatch: Any) -> None:
    def gradients() -> list[Any]:
        v, w = leaf(0.5, -1.5), leaf(2.0, 0.25)
        return all_gradients(CORNERS[name](v, w), [v, w])

    checkpointed = gradients()
    monkeypatch.setitem(globals(), "checkpoint", lambda f, *inputs, **options: f(*inputs, **options))
    agree(gradients(), checkpointed)


def test_on_arrays_of_the_standard() -> None:
    x: Any = tg.Tensor(array_api_strict.asarray([0.5, 1.5]), requires_grad=True)
    w: Any = tg.Tensor(array_api_strict.asarray([2.0, 3.0]), requires_grad=True)
    y = checkpoint(lambda x: tg.cos(w) * x, x)
    y.backward(keep_graph=True, g=array_api_strict.asarray([1.0, 1.0]))
    assert type(w.grad) is type(array_api_strict.asarray(1.0))
    np.testing.assert_allclose(np.asarray(w.grad), -np.sin([2.0, 3.0]) * [0.5, 1.5])
    w.data = array_api_strict.asarray([-2.0, -3.0])
    with pytest.raises(RuntimeError, match="other values"):
        y.backward(array_api_strict.asarray([1.0, 1.0]))


def test_intermediate_results_and_starting_gradients() -> None:
    x, g = leaf(1, 2), leaf(3, 4)
    h = x * x
    y = checkpoint(lambda a: tg.exp(a) * x, h)
    assert same(
        tg.grad(y, [h, y, x], [1, 1]),
        [*tg.grad(tg.exp(h) * x, [h], [1, 1]), tg.Tensor([1.0, 1.0]), *tg.grad(tg.exp(h) * x, [x], [1, 1])],
    )
    pulled = tg.grad(checkpoint(tg.square, x), x, g=g, create_graph=True)
    pulled.backward([1, 10])
    assert (g.grad.tolist(), x.grad.tolist()) == ([2, 40], [6, 80])


def test_a_long_chain_of_checkpoints_needs_no_recursion() -> None:
    w: Any = tg.Tensor(1.0, requires_grad=True)
    y = w
    for _ in range(3000):
        y = checkpoint(lambda x: x + 1.0, y)
    assert tg.grad(y, w).item() == 1
    y.backward()
    assert w.grad == 1


def halves(f: list[Any], x: Any) -> Any:
    """A chain, cut in two again and again."""
    if len(f) == 1:
        return f[0](x)
    middle = len(f) // 2
    return halves(f[middle:], checkpoint(partial(halves, f[:middle]), x))


def test_recursive_bisection() -> None:
    w = leaf(0.5, -0.25)
    steps = [lambda x, k=k: tg.sin(x * w) + 0.1 * k for k in range(16)]
    plain = w
    for step in steps:
        plain = step(plain)
    agree(all_gradients(plain, [w]), all_gradients(halves(steps, w), [w]))


def test_how_often_it_is_called() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return tg.exp(x)

    w = leaf(1, 2)
    y = checkpoint(f, w).sum()
    assert len(calls) == 1
    y.backward(keep_graph=True)
    assert len(calls) == 2
    tg.grad(y, w, create_graph=True)
    assert len(calls) == 3
    y.backward()
    assert len(calls) == 4


def test_gradients_that_nobody_asks_for_are_not_computed() -> None:
    asked: list[str] = []

    def note(word: str, g: Any) -> Any:
        asked.append(word)
        return g

    @tg.op(broadcasts=True, a=lambda g, b: note("a", g * b), b=lambda g, a: note("b", g * a))
    def times(a: Any, b: Any) -> Any:
        return a * b

    v, w = leaf(1, 2), leaf(3, 4)
    y = checkpoint(lambda x: times(x, w), v).sum()
    tg.grad(y, v)
    assert asked == ["a"]
    tg.grad(y, w)
    assert asked == ["a", "b"]
    tg.grad((y + v.sum()), v, create_graph=True)
    assert asked == ["a", "b", "a"]


def test_in_other_threads() -> None:
    w = leaf(0.5, 1.5)
    y = checkpoint(lambda x: tg.sin(x * w) * np.random.standard_normal(2).shape[0], w).sum()
    expected, found = tg.grad(y, w).tolist(), list[Any]()
    threads = [threading.Thread(target=lambda: found.append(tg.grad(y, w).tolist())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


# ------------------------------------------------------------------ memory


def traced_memory(work: Callable[[], Any]) -> tuple[int, int, Any]:
    """What is held afterwards and the peak, in bytes, and the result."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = work()
        now, peak = tracemalloc.get_traced_memory()
        return now - before, peak - before, result
    finally:
        tracemalloc.stop()


def test_what_is_inside_is_not_held() -> None:
    x = tg.Tensor(np.full(100_000, 0.5), requires_grad=True)
    n = x.data.nbytes

    def inside(x: Any) -> Any:
        for _ in range(10):
            x = tg.sin(x)
        return x

    def chain(x: Any) -> Any:
        for _ in range(5):
            x = checkpoint(inside, x)
        return x.sum()

    held, _, y = traced_memory(lambda: chain(x))
    assert 4 * n <= held < 6.5 * n  # without: 50
    _, peak, _ = traced_memory(y.backward)
    assert peak < 16 * n
    held, peak, _ = traced_memory(lambda: chain(x).backward())
    assert peak < 22 * n
    assert held < 1.1 * n  # the gradient


def test_it_dies_by_reference_count() -> None:
    def used() -> list[Any]:
        w = leaf(1, 2)
        y = checkpoint(lambda x, v=w: tg.exp(x * v), w)
        g = tg.grad(y, w, [1, 1], create_graph=True)
        y.backward([1, 1], keep_graph=True)
        return [weakref.ref(t) for t in (w, y, g)]

    used()  # what is loaded and written on first use leaves cycles of its own
    gc.collect()
    gc.disable()
    try:
        assert [d() for d in used()] == [None] * 3
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_backward_lets_go_of_the_inputs() -> None:
    w = tg.Tensor(np.ones(100_000), requires_grad=True)

    def work() -> Any:
        y = checkpoint(tg.exp, w * 2).sum()
        y.backward()
        w.zero_grad()
        return y

    work()  # so that no code is generated while memory is measured
    held, _, y = traced_memory(work)
    assert held < 0.1 * w.data.nbytes
    with pytest.raises(RuntimeError, match="keep_graph=True"):
        y.backward()


def test_a_second_backward_through_it_names_the_cure() -> None:
    w = leaf(1, 2)
    y = checkpoint(tg.exp, w)
    y.backward([1, 1])
    with pytest.raises(RuntimeError, match=r"checkpoint: .*keep_graph=True") as caught:
        y.backward([1, 1])
    assert korean(caught.value)


# ------------------------------------------------------------------ random numbers


def dropout(x: Any, rng: Any = np.random) -> Any:
    return x * (rng.random(x.shape) < 0.5)


def drawing(seed: int, f: Callable[..., Any], *inputs: Any, **options: Any) -> tuple[list[Any], Any]:
    """Gradients, and what is drawn from the global stream after the backwards."""
    np.random.seed(seed)
    w = tg.Tensor(np.arange(1.0, 41.0), requires_grad=True)
    y = f(w, *inputs, **options)
    found = all_gradients(y, [w])
    return found, np.random.random(3).tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_global_stream_is_replayed_and_goes_on(seed: int) -> None:
    def f(w: Any) -> Any:
        return tg.sin(dropout(w) * np.random.standard_normal()) * dropout(w)  # an odd number: one is kept for later

    def g(w: Any) -> Any:
        return checkpoint(f, w)

    def nested(w: Any) -> Any:
        return checkpoint(lambda w: checkpoint(f, w), w)

    plain, after = drawing(seed, f)
    for other in (g, nested):
        checkpointed, after_too = drawing(seed, other)
        agree(plain, checkpointed)
        assert after == after_too


def test_draws_between_forward_and_backward_change_nothing() -> None:
    w: Any = tg.Tensor(np.ones(40), requires_grad=True)
    np.random.seed(1)
    y = checkpoint(dropout, w)
    np.random.random(7)
    y.backward(np.ones(40))
    assert np.array_equal(w.grad, y.numpy())


@pytest.mark.parametrize("as_option", [False, True])
def test_generators_among_the_inputs_are_replayed_and_go_on(as_option: bool) -> None:
    def gradients(call: Callable[..., Any]) -> tuple[list[Any], Any]:
        rng, w = np.random.default_rng(3), tg.Tensor(np.arange(1.0, 41.0), requires_grad=True)
        h = call(dropout, w, rng=rng) if as_option else call(dropout, w, rng)
        y = call(dropout, h, rng) * w
        return all_gradients(y, [w]), rng.random(3).tolist()

    plain, after = gradients(lambda f, *inputs, **options: f(*inputs, **options))
    checkpointed, after_too = gradients(checkpoint)
    agree(plain, checkpointed)
    assert after == after_too


def drawing_ways() -> dict[str, Callable[[Any], Callable[[Any], Any]]]:
    def closed(rng: Any) -> Callable[[Any], Any]:
        layers = [lambda x: dropout(x, rng)]
        return lambda x: layers[0](x)

    def with_default(rng: Any) -> Callable[[Any], Any]:
        def f(x: Any, r: Any = rng) -> Any:
            return dropout(x, r)

        return f

    def with_default_by_name(rng: Any) -> Callable[[Any], Any]:
        def f(x: Any, *, r: Any = rng) -> Any:
            return dropout(x, r)

        return f

    class Layer(nn.Module):
        def __init__(self, rng: Any) -> None:
            self.parts = {"a": [nn.Dropout(0.5, rng=rng)]}
            self.again = self  # round and round

        def forward(self, x: Any) -> Any:
            return self.parts["a"][0](x)

    def a_global(rng: Any) -> Callable[[Any], Any]:
        room: dict[str, Any] = {"rng": rng, "layer": nn.Dropout(0.4, rng=rng), "Layer": Layer}
        return eval("lambda x: layer(x) * (rng.random(x.shape) < 0.5) * (Layer is not None)", room)

    def behind_two_functions(rng: Any) -> Callable[[Any], Any]:
        room: dict[str, Any] = {"layers": [nn.Dropout(0.4, rng=rng)]}
        room["inner"] = eval("lambda x: layers[0](x)", room)
        return eval("lambda x: (lambda: inner(x))()", room)

    return {
        "a global": a_global,
        "a closure": closed,
        "a list behind two functions": behind_two_functions,
        "a layer": lambda rng: nn.Dropout(0.5, rng=rng),
        "layers": lambda rng: nn.Sequential(nn.Sequential(nn.Dropout(0.5, rng=rng)), nn.Dropout(0.3)),
        "a module": Layer,
        "a method": lambda rng: Layer(rng).forward,
        "a partial": lambda rng: partial(dropout, rng=rng),
        "a default": with_default,
        "a default by name": with_default_by_name,
        "a checkpoint inside": lambda rng: lambda x: checkpoint(dropout, x, rng),
    }


@pytest.mark.parametrize("way", drawing_ways())
def test_generators_that_the_function_holds_are_replayed_and_go_on(way: str) -> None:
    def gradients(call: Callable[..., Any]) -> tuple[list[Any], Any]:
        np.random.seed(1)
        rng, w = np.random.default_rng(3), tg.Tensor(np.arange(1.0, 41.0), requires_grad=True)
        f = drawing_ways()[way](rng)
        y = call(f, call(f, w)) * w
        return all_gradients(y, [w]), rng.random(3).tolist()

    plain, after = gradients(lambda f, x: f(x))
    checkpointed, after_too = gradients(checkpoint)
    agree(plain, checkpointed)
    assert after == after_too


class Somewhere:
    rng = np.random.default_rng(0)  # a class is not searched


def from_somewhere(x: Any) -> Any:
    return dropout(x, Somewhere.rng)


def test_a_generator_that_cannot_be_found_is_an_error_even_if_the_value_is_the_same() -> None:
    w = tg.Tensor(np.ones(40), requires_grad=True)
    zeros = tg.Tensor(np.zeros(40), requires_grad=True)
    for f in (lambda x: from_somewhere(x), lambda x: from_somewhere(x) * zeros):
        y = checkpoint(f, w)
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"draws random numbers .*pass the Generator") as caught:
                y.backward(np.ones(40))
            assert korean(caught.value)
    assert w.grad is None
    assert zeros.grad is None


def test_a_variable_without_a_value_is_no_obstacle() -> None:
    def f(x: Any) -> Any:
        return x * 2 if x is not None else later

    y = checkpoint(f, leaf(1, 2))
    later = y
    later.backward([1, 1])


def test_what_drew_nothing_leaves_the_global_stream_alone() -> None:
    """Another thread may draw from it during backward: what it draws must not come again."""
    w, drawn = leaf(1, 2), list[float]()

    def f(x: Any) -> Any:
        if drawn:
            drawn.append(np.random.random())
        return tg.exp(x)

    y = checkpoint(f, w)
    drawn.append(0.0)
    y.backward([1, 1])
    assert np.random.random() != drawn[1]


# ------------------------------------------------------------------ what changes in between


def test_inputs_are_values() -> None:
    w, array, labels = leaf(0.5, 1.5), np.array([2.0, 3.0]), [0, 1]
    shared = tg.Tensor(array, copy=False)

    def f(x: Any, a: Any, s: Any, picked: Any) -> Any:
        return tg.sin(x * a)[picked] * s

    y = checkpoint(f, w, array, shared, labels)
    expected = tg.grad(f(w, array.copy(), np.array([2.0, 3.0]), [0, 1]), w, [1, 1]).tolist()
    array[:] = 99
    w.data[:] = 77
    shared.data = np.array([5.0, 5.0])
    labels[0] = 1
    assert tg.grad(y, w, [1, 1]).tolist() == expected
    y.backward([1, 1])
    assert w.grad.tolist() == expected


def test_a_function_that_writes_to_its_inputs_writes_to_copies() -> None:
    array, w = np.array([2.0, 3.0]), leaf(0.5, 1.5)

    def f(a: Any, x: Any, *, b: Any) -> Any:
        a += 1
        b += 1
        y = x * a * b
        x.data[:] = 9
        return y

    y = checkpoint(f, array, w, b=array)
    y.backward([1, 1], keep_graph=True)
    y.backward([1, 1])
    assert array.tolist() == [2, 3]
    assert w.data.tolist() == [0.5, 1.5]
    assert w.grad.tolist() == [18, 32]


def swapped(v: Any, w: Any) -> None:
    v.data, w.data = w.numpy(), v.numpy()


@pytest.mark.parametrize(
    ("f", "change"),
    [
        (lambda x, v, w: x * w, lambda v, w: w.data.fill(3)),
        (lambda x, v, w: tg.cos(w) * x, lambda v, w: w.data.__imul__(-1)),  # the value stays, the gradient would not
        (lambda x, v, w: v * w * x, swapped),
        (lambda x, v, w: checkpoint(lambda x: tg.cos(w) * x, x), lambda v, w: w.data.__imul__(-1)),
        (lambda x, v, w: tg.exp(x + w), lambda v, w: w.data.__iadd__(1e-15)),
        (lambda x, v, w: tg.relu(x - w) * v, lambda v, w: w.data.fill(10)),
        (lambda x, v, w: x * w, lambda v, w: setattr(w, "requires_grad", False)),
    ],
)
def test_a_parameter_that_was_changed_is_an_error(f: Any, change: Any) -> None:
    x, v, w = leaf(0.5, 1.5), leaf(1.0, 2.0), leaf(0.25, 0.75)
    y = checkpoint(lambda x: f(x, v, w), x)
    change(v, w)
    with pytest.raises(RuntimeError, match="other values in backward") as caught:
        y.backward([1, 1])
    assert korean(caught.value)
    assert "in the backward of checkpoint" in str(caught.value.__notes__)
    assert x.grad is v.grad is None


def test_a_change_that_no_gradient_depends_on_is_none() -> None:
    x, b = leaf(0.5, 1.5), leaf(1.0, 2.0)
    y = checkpoint(lambda x: x * 3 + b, x)
    b.data += 1
    y.backward([1, 1])
    assert (x.grad.tolist(), b.grad.tolist()) == ([3, 3], [1, 1])


def test_training_in_place_copies_nothing_and_is_right() -> None:
    def train(call: Callable[..., Any]) -> list[Any]:
        w, x = leaf(0.5, -0.5), tg.Tensor([1.0, 2.0])
        array = w.data
        for _ in range(5):
            w.zero_grad()
            (call(lambda x: tg.tanh(x * w), x) ** 2).sum().backward()
            w.data -= 0.1 * w.grad
            assert w.data is array
        return [w]

    assert same(train(checkpoint), train(lambda f, x: f(x)))


def test_a_leaf_that_is_made_anew_in_each_call_is_an_error() -> None:
    y = checkpoint(lambda x: x * tg.Tensor(2.0, requires_grad=True), leaf(1, 2))
    with pytest.raises(RuntimeError, match="other values"):
        y.backward([1, 1])


def test_a_leaf_that_is_made_in_the_first_call_is_found() -> None:
    made: list[Any] = []

    def lazy(x: Any) -> Any:
        if not made:
            made.append(leaf(3, 4))
        return x * made[0]

    w = leaf(1, 2)
    checkpoint(lazy, w).backward([1, 1])
    assert (w.grad.tolist(), made[0].grad.tolist()) == ([3, 4], [1, 2])


def test_another_path_is_an_error() -> None:
    x, calls = leaf(1, 2), list[int]()

    def f(x: Any) -> Any:
        calls.append(1)
        return x * 2 if len(calls) == 1 else x * 2 if len(calls) == 2 else x + x if len(calls) == 3 else x.detach()

    y = checkpoint(f, x)
    assert tg.grad(y, x, [1, 1]).tolist() == [2, 2]
    for _ in range(2):
        with pytest.raises(RuntimeError, match="f computes with other values"):
            tg.grad(y, x, [1, 1])

    w = leaf(3, 4)
    paths: list[Any] = [  # what the ops keep is the same: nothing
        iter([lambda: (x + w) + x, lambda: (x + w) + w]),
        iter([lambda: x + w, lambda: x - w]),
        iter([lambda: x + np.zeros((3, 1)), lambda: x + 0.0]),
    ]
    for path in paths:
        y = checkpoint(lambda path=path: next(path)())
        with pytest.raises(RuntimeError, match="other values"):
            y.backward(np.ones(y.shape))


# ------------------------------------------------------------------ switches, errors


def test_under_no_grad_and_on_arrays_it_is_a_call() -> None:
    w = leaf(1, 2)
    with tg.no_grad():
        y = checkpoint(tg.exp, w)
        assert checkpoint(lambda x: x, w) is w
    assert not y.requires_grad
    assert y.tolist() == np.exp([1.0, 2.0]).tolist()
    out = checkpoint(tg.exp, np.array([1.0, 2.0]))
    assert type(out) is np.ndarray
    assert checkpoint(lambda x: x.shape[0], w) == 2
    assert not checkpoint(tg.exp, w.detach()).requires_grad


def test_watch_remembers_what_is_inside() -> None:
    w = leaf(1, 2)
    with tg.watch():
        y = checkpoint(lambda x: tg.exp(x * 2), w)
    assert y.node.op.name == "exp"
    assert y.node.seen.output.tolist() == y.tolist()


def test_the_node_and_its_scope() -> None:
    w = leaf(1, 2)
    inner: list[Any] = []

    def f(x: Any) -> Any:
        y = tg.exp(x)
        inner.append(y.node.scope)
        return y

    with tg.scope("encoder"):
        y = checkpoint(f, w)
    assert (y.node.op.name, y.node.scope, y.node.parents) == ("checkpoint", ("encoder",), (w.node,))
    assert "op=checkpoint" in repr(y)
    with tg.scope("elsewhere"), tg.no_grad():
        y.backward([1, 1])
    assert inner == [("encoder",), ("encoder",)]


def test_an_error_in_backward_names_the_op_inside() -> None:
    def broken(g: Any) -> Any:
        raise ZeroDivisionError("in the formula")

    @tg.op(x=broken)
    def fragile(x: Any) -> Any:
        return x * 1

    w = leaf(1, 2)
    with tg.scope("block"):
        y = checkpoint(lambda x: fragile(x) * 2, w)
    with pytest.raises(ZeroDivisionError) as caught:
        y.backward([1, 1])
    assert "in the backward of fragile, in block" in caught.value.__notes__
    assert w.grad is None


def test_an_error_in_the_second_call_leaves_everything_as_it_was() -> None:
    fails: list[bool] = []

    def f(x: Any) -> Any:
        y = dropout(x)
        if fails:
            raise ArithmeticError
        return y

    w: Any = tg.Tensor(np.ones(20), requires_grad=True)
    y = checkpoint(f, w)
    state = _fingerprint(np.random.get_state())
    fails.append(True)
    with tg.no_grad():
        with pytest.raises(ArithmeticError):
            y.backward(np.ones(20))
        assert not (w * 2).requires_grad
    assert (w * 2).requires_grad
    assert _fingerprint(np.random.get_state()) == state
    fails.clear()
    y.backward(np.ones(20))
    assert np.array_equal(w.grad, y.numpy())


def test_an_error_in_the_first_call_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        checkpoint(lambda x: 1 / 0, leaf(1))
    assert (leaf(1) * 2).requires_grad


def test_several_results_in_their_structure() -> None:
    """Values and gradients are those without a checkpoint; what is no Tensor is named by its place."""
    w = tg.Tensor([0.5, -1.0], requires_grad=True)

    def f(x: Any) -> Any:
        return {"sin": tg.sin(w * x), "more": [(w * x).sum(), (x.astype(np.float32), w)]}

    def loss(y: Any) -> Any:
        return (y["sin"] ** 2).sum() * y["more"][0] + (y["more"][1][0] * y["more"][1][1]).sum()

    x = tg.Tensor([1.0, 2.0], requires_grad=True)
    plain, kept = f(x), tg.func.checkpoint(f, x)
    assert repr([plain["sin"].numpy(), plain["more"][0].item()]) == repr([kept["sin"].numpy(), kept["more"][0].item()])
    assert kept["more"][1][0].dtype == np.float32
    for g, expected in zip(tg.grad(loss(kept), [w, x]), tg.grad(loss(plain), [w, x]), strict=True):
        np.testing.assert_allclose(g.numpy(), expected.numpy(), rtol=1e-15)
    tg.check_gradient(lambda x: loss(tg.func.checkpoint(f, x)), [1.0, 2.0], parameters=w, order=2, effort="quick")
    with tg.no_grad():
        assert type(tg.func.checkpoint(f, x)) is dict
    with pytest.raises(TypeError, match=r"checkpoint: f returned str at \[1\], not a Tensor") as caught:
        tg.func.checkpoint(lambda x: (x * 2, "two"), x)
    assert caught.value.__notes__


# ------------------------------------------------------------------ held by the judge


def test_the_judge_at_both_orders() -> None:
    net = network(3, 4, 2)
    x = np.random.default_rng(0).normal(size=(5, 3))
    layered = lambda x: checkpoint(nn.Sequential(*net.layers[2:]), checkpoint(nn.Sequential(*net.layers[:2]), x))
    report = tg.check_gradient(layered, x, parameters=net, order=2)
    assert report.verdict == "agrees"
    assert {p.argument for p in report.projections} == {"x", *net.named_parameters(), "the cotangent"}
    assert tg.check_gradient(partial(checkpoint, tg.logsumexp), [[1.0, 2.0, 0.5]], order=2).verdict == "agrees"


@settings(max_examples=10)
@given(graphs(max_steps=4))
def test_the_judge_on_any_graph(program: Any) -> None:
    with suppress(tg.GradientUndecided):  # sin(a) ** 2 + cos(a) ** 2
        tg.check_gradient(lambda *xs: checkpoint(program, *xs) ** 2, *program.inputs, order=2)


def test_blame_reaches_inside() -> None:
    @tg.op(x=lambda g, out: g * out * (out - 1))
    def logistic(xp: Any, x: Any) -> Any:
        return 1 / (1 + xp.exp(-x))

    W = leaf(0.5, -1.0, 2.0)

    def f(x: Any) -> Any:
        return checkpoint(lambda x: checkpoint(lambda x: logistic(x * W), x) ** 2, x)

    for parameters, wrt in ((None, None), ([W], 1)):
        with pytest.raises(tg.GradientMismatch, match=r"op logistic, called at .*test_checkpointing\.py") as caught:
            tg.check_gradient(f, [1.0, 2.0, 3.0], parameters=parameters, wrt=wrt)
        blame = caught.value.report.blame
        assert blame is not None
        assert blame.op == "logistic"


def test_tg_grad_lets_go_of_what_each_checkpoint_recorded_again() -> None:
    x = tg.Tensor(np.linspace(-1.0, 1.0, 50_000), requires_grad=True)
    y: Any = x
    for _ in range(8):
        y = checkpoint(lambda y: sum((tg.tanh(y * 1.5) for _ in range(8)), y * 0.0), y)
    loss = y.sum()
    peaks = []
    for wanted in (lambda: tg.grad(loss, x), lambda: loss.backward()):
        gc.collect()
        tracemalloc.start()
        wanted()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 1.5 * peaks[1]
