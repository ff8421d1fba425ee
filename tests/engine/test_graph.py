"""What is remembered, for how long, and what the switches do."""

import asyncio
import contextvars
import gc
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.engine import graph

LONG = 200_000


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only reference counts free memory inside the test."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# ------------------------------------------------------------------ long, wide and tangled graphs


def test_a_chain_far_longer_than_the_stack_forward_backward_and_released() -> None:
    w: Any = tg.Tensor(1.0, requires_grad=True)
    y = w
    for _ in range(LONG):
        y = y + 1.0
    y.backward()
    assert w.grad is not None
    assert w.grad == 1
    del y


def test_a_long_chain_that_is_never_walked_is_released_without_recursion(no_collector: None) -> None:
    w: Any = tg.Tensor(np.ones(1), requires_grad=True)
    y = w
    for _ in range(LONG):
        y = tg.sin(y)
    middle = weakref.ref(y)
    del y
    assert middle() is None


def test_a_long_chain_through_tg_grad() -> None:
    w: Any = tg.Tensor(1.0, requires_grad=True)
    y = w
    for _ in range(20_000):
        y = y * 1.0
    g = tg.grad(y, w, create_graph=True)
    assert g.item() == 1


def test_a_graph_with_more_paths_than_atoms() -> None:
    w: Any = tg.Tensor(1.0, requires_grad=True)
    y = w
    for _ in range(300):
        y = y * 0.5 + y * 0.5
    y.backward()
    assert w.grad == 1
    z = w
    for _ in range(300):
        z = z * 0.5 + z * 0.5
    assert tg.grad(z, w).item() == 1


def test_a_wide_graph() -> None:
    ws = [tg.Tensor(float(i), requires_grad=True) for i in range(5000)]
    y = tg.stack([w * w for w in ws]).sum()
    y.backward()
    assert [float(w.grad) for w in ws if w.grad is not None] == [2.0 * i for i in range(5000)]


def test_one_leaf_used_ten_thousand_times() -> None:
    w: Any = tg.Tensor(np.ones(3), requires_grad=True)
    y = w * 0.0
    for i in range(10_000):
        y = y + w * float(i % 3)
    y.backward(np.ones(3))
    assert w.grad.tolist() == [9999.0] * 3


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), st.booleans()), min_size=1, max_size=40))
def test_any_graph_walks_in_time_order(steps: list[tuple[int, int, bool]]) -> None:
    """A random graph of sums and products of small integers: exact, so compared exactly with forward mode."""
    a, b = tg.Tensor(1.0, requires_grad=True), tg.Tensor(-1.0, requires_grad=True)
    values: list[Any] = [(a, 1.0, np.array([1.0, 0.0])), (b, -1.0, np.array([0.0, 1.0]))]
    for i, j, product in steps:
        (x, xv, xd), (y, yv, yd) = values[i % len(values)], values[j % len(values)]
        z = (x * y, xv * yv, xd * yv + yd * xv) if product else (x - y, xv - yv, xd - yd)
        if abs(z[1]) < 2**20 and np.abs(z[2]).max() < 2**20:
            values.append(z)
    out, _, slopes = values[-1]
    found = tg.grad(out, [a, b], allow_unused=True)
    assert [g.item() for g in found] == slopes.tolist()
    out.backward()
    assert [0.0 if x.grad is None else x.grad for x in (a, b)] == slopes.tolist()


# ------------------------------------------------------------------ who dies when


def programs() -> dict[str, Callable[[tg.Tensor], Any]]:
    def network(w: tg.Tensor) -> tg.Tensor:
        return tg.softmax_cross_entropy(tg.relu(np.ones((4, 3)) @ w + w[0]), np.array([0, 1, 2, 0]))

    def second_order(w: tg.Tensor) -> tg.Tensor:
        return tg.grad((w**3).sum(), w, create_graph=True).sum()

    def indexings(w: tg.Tensor) -> tg.Tensor:
        return tg.sum(tg.stack([row * row for row in w]))

    return {"network": network, "second order": second_order, "indexings": indexings}


@pytest.mark.parametrize("name", sorted(programs()))
@pytest.mark.parametrize("ending", ["dropped", "backward", "kept", "grad", "error"])
def test_graphs_die_by_reference_count(no_collector: None, name: str, ending: str) -> None:
    w: Any = tg.Tensor(np.arange(9.0).reshape(3, 3) / 9, requires_grad=True)
    y = programs()[name](w)
    if ending == "backward":
        y.backward()
    elif ending == "kept":
        y.backward(keep_graph=True)
        y.backward(keep_graph=True)
    elif ending == "grad":
        tg.grad(y, w, create_graph=True)
    elif ending == "error":
        with pytest.raises(ValueError, match="shape"):
            y.backward(np.ones(17))
        with pytest.raises(ValueError, match=r"matmul|matrix_product"):
            w @ np.ones((5, 5))
    tensor, array = weakref.ref(y), weakref.ref(w.data)
    del y
    assert tensor() is None
    leaf_tensor = weakref.ref(w)
    del w
    assert leaf_tensor() is None
    assert array() is None


def garbage_of(action: Callable[[], Any]) -> int:
    action()  # whatever is made once and for all
    gc.collect()
    action()
    return gc.collect()


@pytest.mark.parametrize("name", sorted(programs()))
def test_no_cycle_is_left_for_the_collector(no_collector: None, name: str) -> None:
    def action() -> None:
        w: Any = tg.Tensor(np.arange(9.0).reshape(3, 3) / 9, requires_grad=True)
        programs()[name](w).backward()
        programs()[name](w).backward(keep_graph=True)
        tg.grad(programs()[name](w), w, create_graph=True)

    assert garbage_of(action) == 0


def test_watching_leaves_no_cycle_either(no_collector: None) -> None:
    def action() -> None:
        with tg.watch():
            w = leaf(1, 2)
            y = (w * w * w).sum()
            y.backward(keep_graph=True)
            (g,) = tg.grad(y, [w], create_graph=True)
            g.sum().backward()

    assert garbage_of(action) == 0


def test_gradients_do_not_hold_the_graph(no_collector: None) -> None:
    w = leaf(1, 2)
    y = (w * w).sum()
    dead = weakref.ref(y.node) if hasattr(y.node, "__weakref__") else weakref.ref(y)
    (g,) = tg.grad(y, [w])
    y.backward(keep_graph=True)
    del y
    assert dead() is None
    assert g.tolist() == w.grad.tolist() == [2, 4]


def test_backward_lets_go_of_saved_arrays() -> None:
    w: Any = tg.Tensor(np.ones(200_000), requires_grad=True)
    y = tg.exp(tg.sin(w)).sum()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        z = tg.exp(tg.sin(w)).sum()
        held = tracemalloc.get_traced_memory()[0] - before
        z.backward()
        w.zero_grad()
        after = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held >= w.data.nbytes
    assert after < 0.1 * w.data.nbytes
    y.backward()


def test_an_op_leaves_one_object_for_the_collector_to_walk(no_collector: None) -> None:
    x, w, b = leaf(0.5, 0.7), leaf(1.0, -1.0), leaf(0.0, 0.1)
    v = tg.tanh(x * w + b)  # the code of each op is written
    before = len(gc.get_objects())
    for _ in range(100):
        v = tg.tanh(v * w + b)
    assert len(gc.get_objects()) - before < 310
    assert len({id(node.shape) for node in graph.behind(v.node) if node.op}) == 1


def test_a_node_has_its_own_shape_where_its_parents_have_others() -> None:
    x, b = tg.Tensor(np.ones((3, 1)), requires_grad=True), leaf(1.0, 2.0)
    for y, shape in [(x + b, (3, 2)), (b + x, (3, 2)), (tg.concat((b, b)), (4,)), (2.0 * b, (2,)), (tg.sum(x + b), ())]:
        assert y.node.shape == y.shape == shape


# ------------------------------------------------------------------ no_grad


def test_no_grad_as_a_block_records_nothing_and_keeps_nothing() -> None:
    w = leaf(1, 2)
    with tg.no_grad():
        y = tg.exp(w)
        assert not y.requires_grad
        assert w.requires_grad
        assert y.node is None
    assert tg.exp(w).requires_grad
    assert (y * w).requires_grad
    with pytest.raises(RuntimeError):
        y.backward([1, 1])


def test_no_grad_as_a_decorator() -> None:
    @tg.no_grad()
    def predict(x: tg.Tensor, *, times: float = 2) -> tg.Tensor:
        "What it does."
        return x * times

    w = leaf(1, 2)
    assert predict.__name__ == "predict"
    assert predict.__doc__ == "What it does."
    for _ in range(2):
        assert not predict(w, times=3).requires_grad
        assert (w * 2).requires_grad


@pytest.mark.parametrize("switch", [tg.no_grad, tg.watch, lambda: tg.scope("a")])
def test_switches_survive_exceptions(switch: Callable[[], Any]) -> None:
    w = leaf(1, 2)
    for error in (ValueError, KeyboardInterrupt, GeneratorExit):
        with pytest.raises(error), switch():
            raise error
    y = w * 2
    assert y.requires_grad
    assert y.node is not None
    assert y.node.scope == ()
    assert getattr(y.node, "seen", None) is None


def test_switches_nest() -> None:
    w = leaf(1, 2)
    with tg.no_grad():
        with tg.no_grad():
            pass
        assert not (w * 2).requires_grad
        with tg.watch(), tg.scope("a"):
            assert not (w * 2).requires_grad
    with tg.watch():
        with tg.no_grad():
            pass
        y: Any = w * 2
        assert y.node.seen.output.tolist() == [2, 4]


SWITCHES: list[Callable[[], Any]] = [tg.no_grad, tg.watch, lambda: tg.scope("a"), lambda: graph.Switch(record=False)]


def recorded_now() -> tuple[bool, object, tuple[str, ...]]:
    mode = graph.current.get()
    return mode.record, mode.watch, tuple(map(str, mode.scope))


@pytest.mark.parametrize("switch", SWITCHES)
def test_ctrl_c_on_entry_leaves_no_switch_on(switch: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Python looks at signals when the call that sets the mode is done: then it is set, and the block is not entered."""
    real = graph.current

    class Interrupting:
        get = staticmethod(real.get)
        left = 1

        def set(self, mode: graph.Mode) -> None:
            real.set(mode)
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    before = real.get()
    with monkeypatch.context() as patch:
        patch.setattr(graph, "current", Interrupting())
        with pytest.raises(KeyboardInterrupt), switch():
            raise AssertionError("the block was entered")
    assert real.get() is before


def held(*switches: Callable[[], Any]) -> Any:
    with ExitStack() as stack:
        for switch in switches:
            stack.enter_context(switch())
        while True:
            yield


@given(
    opened=st.lists(st.lists(st.sampled_from(SWITCHES), max_size=3), max_size=5),
    order=st.permutations(range(5)),
)
def test_generators_that_hold_switches_are_closed_in_any_order(opened: Any, order: list[int]) -> None:
    """What holds in between is what the open ones alone would make hold, and at last nothing does."""
    generators: dict[int, Any] = {}
    for i, switches in enumerate(opened):
        generators[i] = held(*switches)
        next(generators[i])
    for i in order:
        if i not in generators:
            continue
        generators.pop(i).close()
        found = recorded_now()
        record = not any(s in (SWITCHES[0], SWITCHES[3]) for j in generators for s in opened[j])
        watch = any(s is SWITCHES[1] for j in generators for s in opened[j])
        scope = ("a",) * sum(s is SWITCHES[2] for j in generators for s in opened[j])
        assert found == (record, watch, scope)
    assert graph.current.get() is graph.USUAL


def test_a_block_that_is_still_open_keeps_its_call() -> None:
    """Pictures tell two calls of a layer apart by the identity of their names."""
    first, second = held(tg.no_grad), held(lambda: tg.scope("a"))
    next(first), next(second)
    (call,) = graph.current.get().scope
    first.close()
    assert graph.current.get().scope[0] is call
    second.close()


def test_a_switch_may_be_used_again_inside_itself_and_by_several_threads() -> None:
    switch = tg.scope("a")
    inside = threading.Event(), threading.Event()

    def other() -> None:
        with switch:
            inside[0].set()
            inside[1].wait(10)

    thread = threading.Thread(target=other)
    with switch:
        thread.start()
        inside[0].wait(10)
        with switch:
            assert recorded_now()[2] == ("a", "a")
        assert recorded_now()[2] == ("a",)
    assert graph.current.get() is graph.USUAL
    inside[1].set()
    thread.join()


def test_recording_inside_no_grad_ends_with_its_block() -> None:
    with tg.no_grad():
        with graph.Switch(record=True):
            assert recorded_now() == (True, False, ())
        assert recorded_now() == (False, False, ())
    with graph.Switch(record=True):
        assert recorded_now() == (True, False, ())
    assert graph.current.get() is graph.USUAL


def test_leaves_can_be_made_inside_no_grad() -> None:
    with tg.no_grad():
        w = leaf(1, 2)
    assert w.requires_grad
    (w * w).backward([1, 1])
    assert w.grad.tolist() == [2, 4]


def test_backward_and_second_order_work_inside_no_grad() -> None:
    x: Any = tg.Tensor(2.0, requires_grad=True)
    y = x**3
    with tg.no_grad():
        first = tg.grad(y, x, create_graph=True)
        y.backward()
    assert x.grad == 12
    assert tg.grad(first, x).item() == 12


def test_a_decorated_coroutine_or_generator_is_not_silently_recorded() -> None:
    """The body of an `async def` or a generator runs after the decorator has left: refuse it, or switch inside the body."""
    w = leaf(1, 2)

    async def coroutine() -> bool:
        return (w * 2).requires_grad

    def generator() -> Iterator[bool]:
        yield (w * 2).requires_grad

    for function, run in ((coroutine, lambda f: asyncio.run(f())), (generator, lambda f: next(f()))):
        try:
            decorated: Any = tg.no_grad()(function)
        except TypeError:
            continue
        assert run(decorated) is False


# ------------------------------------------------------------------ per thread, per task


def test_switches_hold_in_one_thread_only() -> None:
    w = leaf(1, 2)
    seen: dict[str, Any] = {}
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with tg.no_grad(), tg.scope("other"):
            inside.set()
            done.wait(10)
            seen["other"] = (w * 2).requires_grad

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(10)
    y = w * 2
    with tg.no_grad():
        done.set()
        thread.join()
        fresh = threading.Thread(target=lambda: seen.update(fresh=(w * 2).requires_grad))
        fresh.start()
        fresh.join()
    assert y.node is not None
    assert y.node.scope == ()
    assert seen["other"] is False
    assert seen["fresh"] is True or hasattr(
        sys, "_is_gil_enabled"
    )  # free-threaded Python hands the context on to new threads


def test_switches_hold_in_one_task_only() -> None:
    w = leaf(1, 2)
    scopes: dict[str, Any] = {}

    async def work(name: str, record: bool) -> None:
        with tg.scope(name):
            await asyncio.sleep(0)
            if not record:
                with tg.no_grad():
                    await asyncio.sleep(0)
                    assert not (w * 2).requires_grad
            for _ in range(3):
                await asyncio.sleep(0)
                y = w * 2
                assert y.node is not None
                scopes.setdefault(name, []).append(y.node.scope)

    async def main() -> None:
        await asyncio.gather(*(work(str(i), i % 2 == 0) for i in range(6)))

    asyncio.run(main())
    assert scopes == {str(i): [(str(i),)] * 3 for i in range(6)}


def test_switches_follow_a_copied_context() -> None:
    w = leaf(1, 2)
    with tg.no_grad():
        context = contextvars.copy_context()
    assert (w * 2).requires_grad
    assert context.run(lambda: (w * 2).requires_grad) is False


# ------------------------------------------------------------------ watch and scope


def test_watch_remembers_inputs_output_gradient_and_line() -> None:
    w = leaf(1, 2)
    with tg.watch():
        y: Any = tg.exp(w)
        line = sys._getframe().f_lineno - 1
        z = (y * [1.0, 10.0]).sum()
    z.backward()
    assert [x.tolist() for x in y.node.seen.inputs] == [[1, 2]]
    assert y.node.seen.output.tolist() == np.exp([1.0, 2.0]).tolist()
    assert y.node.seen.gradient.tolist() == [1, 10]
    assert y.node.seen.line == f"{__file__}:{line}"
    assert getattr((w * 2).node, "seen", None) is None


@pytest.mark.parametrize(
    "write",
    [
        lambda w: w + 1,
        lambda w: 1 + w,
        lambda w: w.sum(),
        lambda w: w[0],
        lambda w: np.exp(w),
        lambda w: w.T,
        lambda w: tg.scope("a")(tg.exp)(w),
    ],
)
def test_the_line_is_the_users_not_ours(write: Callable[[Any], Any]) -> None:
    with tg.watch():
        y: Any = write(leaf(1, 2))
    assert y.node.seen.line == f"{__file__}:{write.__code__.co_firstlineno}"


def test_watch_changes_no_value_and_no_gradient() -> None:
    def gradient() -> Any:
        w: Any = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
        tg.softmax_cross_entropy(w * w, [1, 2]).backward()
        return w.grad

    with tg.watch():
        watched = gradient()
    np.testing.assert_array_equal(watched, gradient())


def test_a_watched_gradient_is_not_the_memory_of_a_deposited_one() -> None:
    w = leaf(1, 2)
    with tg.watch():
        y: Any = w * 2
    y.backward([1, 1])
    w.grad[:] = 77
    assert y.node.seen.gradient.tolist() == [1, 1]


def test_watched_nodes_remember_float16_as_it_was_given() -> None:
    x, b = tg.Tensor(np.array([1, 2], np.float16), requires_grad=True), np.array([2, 3], np.float16)
    with tg.watch():
        y = x * b
    seen: Any = y.node.seen
    assert [(v.tolist(), v.dtype) for v in (*seen.inputs, seen.output)] == [
        ([1, 2], np.float16),
        ([2, 3], np.float16),
        ([2, 6], np.float16),
    ]
    assert seen.given == ((id(x), None), (id(b), None))


def test_watched_nodes_at_second_order() -> None:
    x: Any = tg.Tensor(2.0, requires_grad=True)
    with tg.watch():
        y = x**3
        first = tg.grad(y, x, create_graph=True)
        second = tg.grad(first, x, create_graph=True)
        third = tg.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (12, 12, 6)


def test_a_watched_graph_keeps_what_it_kept_and_is_spent_all_the_same() -> None:
    w = leaf(1, 2)
    with tg.watch():
        y: Any = tg.exp(w).sum()
    unwatched: Any = tg.exp(w).sum()
    for result, kept in ((y, True), (unwatched, False)):
        result.backward()
        (node,) = result.node.parents
        assert (node.saved["out"] is not None) is kept
        with pytest.raises(RuntimeError, match="an earlier backward"):
            result.backward()


def test_watch_tells_which_argument_was_passed() -> None:
    x, w = np.array([1.0, 2.0]), leaf(3, 4)
    constant = tg.Tensor([5.0, 6.0])
    with tg.watch():
        y: Any = tg.concat([w * x, constant])
    (product,) = [p for p in y.node.parents if p]
    assert product.seen.given == ((id(w), None), (id(x), None))
    assert y.node.seen.given[1] == (id(constant), None)
    x[:] = 77
    constant.data[:] = 77
    assert product.seen.inputs[1].tolist() == [1, 2]
    assert y.node.seen.inputs[1].tolist() == [5, 6]


def test_two_calls_in_equal_scopes_are_told_apart() -> None:
    nodes = []
    for _ in range(2):
        with tg.scope("block"):
            nodes += [(leaf(1) * 2).node, (leaf(1) * 2).node]
    scopes: Any = [node.scope for node in nodes if node]
    assert set(scopes) == {("block",)}
    assert scopes[0][0] is scopes[1][0]
    assert scopes[1][0] is not scopes[2][0]


def test_under_watch_a_recorded_gradient_has_a_scope() -> None:
    x = leaf(2)
    y: Any = (x**3).sum()
    with tg.watch():
        assert tg.grad(y, x, create_graph=True).node.scope == ("gradient",)
        y = tg.sin(x)
        y.name = "height"
        assert tg.grad(y, [x], [1.0], create_graph=True)[0].node.scope == ("gradient of height",)
    assert tg.grad(y, x, [1.0], create_graph=True).node.scope == ()  # at no cost where nobody looks


def test_scopes_nest_and_end() -> None:
    w = leaf(1, 2)

    @tg.scope("decorated")
    def f(x: tg.Tensor) -> tg.Tensor:
        return x * 2

    def where(y: tg.Tensor) -> Any:
        assert y.node is not None
        return y.node.scope

    with tg.scope("a"):
        y = w * 2
        with tg.scope("b"):
            z = w * 2
        assert where(f(w)) == ("a", "decorated")
    assert (where(y), where(z), where(w * 2), where(f(w))) == (("a",), ("a", "b"), (), ("decorated",))


def test_an_error_in_backward_names_op_and_scopes() -> None:
    def broken(g: Any) -> Any:
        raise ZeroDivisionError("in the formula")

    @tg.op(x=broken)
    def fragile(x: Any) -> Any:
        return x * 1

    w = leaf(1, 2)
    with tg.scope("encoder"), tg.scope("block"):
        y = fragile(w)
    with pytest.raises(ZeroDivisionError, match="in the formula") as caught:
        y.backward([1, 1])
    notes = " ".join(caught.value.__notes__)
    assert all(word in notes for word in ("fragile", "encoder", "block"))


# ------------------------------------------------------------------ the structure that pictures draw


def test_a_node_tells_the_contributions_of_its_formulas() -> None:
    a, b, g = leaf(2, 3), leaf(5, 7), np.array([1.0, 10.0])

    def told(y: Any) -> list[Any]:
        return [(argument, parent, part.tolist()) for argument, parent, part in y.node.contributions(g)]

    assert told(a * b) == [("a", a.node, [5, 70]), ("b", b.node, [2, 30])]
    assert told(a * np.array([5.0, 7.0])) == [("a", a.node, [5, 70])]
    assert told(np.array([2.0, 3.0]) * b) == [("b", b.node, [2, 30])]
    assert told(a) == []
    several = tg.concat([a[:1], np.ones(1)])
    ((argument, parent, part),) = several.node.contributions(g)
    assert (argument, parent.op.name, part.tolist()) == (several.node.op.arguments[0], "getitem", [1])


def test_a_variadic_formula_gives_as_many_parts_as_there_are_parents() -> None:
    @tg.op(xs=lambda g, xs: [g for _ in xs][1:])
    def added(*xs: Any) -> Any:
        return sum(xs)

    y = added(leaf(1), leaf(2))
    with pytest.raises(ValueError, match="shorter"):
        list(y.node.contributions(np.ones(1)))


def test_a_leaf_has_no_saved_values_and_keeps_its_name() -> None:
    w = tg.Tensor([1.0], requires_grad=True, name="W")
    assert w.node is not None
    assert dict(w.node.saved) == {}
    assert w.node.rebound((), {}) is w.node
    assert (w.node.name, w.node.op, w.node.parents) == ("W", None, ())


def test_behind_goes_through_what_it_is_told() -> None:
    x = leaf(1, 2)
    y = tg.exp(x)
    z = y * x
    assert graph.behind(z.node) == [x.node, y.node, z.node]
    assert graph.behind(z.node, through=lambda node: node is not z.node) == [z.node]
    assert graph.behind(y.node, None, through=lambda node: True) == [x.node, y.node]


def test_a_misspelt_attribute_of_a_tensor_or_a_node_is_an_error() -> None:
    w: Any = leaf(1, 2)
    for misspelt in (w, w.node, (w * w).node):
        with pytest.raises(AttributeError):
            misspelt.gard = np.ones(2)


def test_what_is_made_from_an_array_alone_is_not_copied_by_the_ops() -> None:
    w, x = leaf(1, 2), tg.Tensor([3.0, 4.0])
    y: Any = w * x.detach()
    assert np.shares_memory(y.node.saved["b"], x._array)


def test_nodes_tell_op_parents_shape_and_dtype() -> None:
    a = tg.Tensor(np.ones((2, 1), np.float32), requires_grad=True, name="a")
    b = tg.Tensor(np.ones(3), requires_grad=True)
    y = a * b
    assert y.node is not None
    assert y.node.op.name == "multiply"
    assert y.node.shape == (2, 3)
    assert y.node.dtype == np.float64
    assert list(y.node.parents) == [a.node, b.node]
    assert list((a * 2).node.parents) in ([a.node, None], [a.node])
    assert a.node is not None
    assert a.node.op is None
    assert not [p for p in a.node.parents if p is not None]
