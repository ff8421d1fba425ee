"""A tensor is a value: no write, to whatever the user can reach, changes the gradient of a graph recorded before.

A random program runs twice: with tinygrad_ko, and with a naive tape that copies everything it records.
"""

import array as standard_array
import copy
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.ops.views import unmarked

# ---------------------------------------------------------------------------------------------------------------- the naive tape

clock = itertools.count()


class Entry:
    """A node of the naive tape: nothing in it can be reached from outside."""

    def __init__(self, parents: list[Any], pulls: list[Callable[[Any], Any]]) -> None:
        self.when, self.parents, self.pulls = next(clock), parents, pulls
        self.live = True
        self.grad: Any = None


class Naive:
    """A tensor of the naive tape: an array, which the user may reach, and an entry, which nobody may."""

    def __init__(self, value: Any, entry: Entry | None = None) -> None:
        self.value, self.entry = value, entry


def record(value: Any, *pairs: tuple[Naive, Callable[[Any], Any]]) -> Naive:
    wanted = [(x.entry, pull) for x, pull in pairs if x.entry is not None]
    entry = Entry([e for e, _ in wanted], [p for _, p in wanted]) if wanted else None
    return Naive(np.array(value), entry)


def walk(root: Entry, seed: Any) -> dict[Entry, Any]:
    """Gradients of all entries behind the root."""
    due, done = {root: np.array(seed)}, {}
    while due:
        entry = max(due, key=lambda e: e.when)
        g = done[entry] = due.pop(entry)
        for parent, pull in zip(entry.parents, entry.pulls, strict=True):
            due[parent] = due.get(parent, 0) + pull(g)
    return done


def scattered(shape: tuple[int, ...], index: Any) -> Callable[[Any], Any]:
    def pull(g: Any) -> Any:
        total = np.zeros(shape)
        np.add.at(total, index, g)
        return total

    return pull


def times(slope: Any) -> Callable[[Any], Any]:
    return lambda g: g * slope


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# ------------------------------------------------------------------------------------------------------- the table of operations


def unary_table() -> dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]]:
    """Name: the op, its value, and its pull made from a private copy of the argument."""

    def index_pair(index: Any) -> tuple[Any, Any, Any]:
        return (lambda t: unmarked(t[index])), (lambda x: x[index]), (lambda x: scattered(x.shape, index))

    return {
        "sin": (tg.sin, np.sin, lambda x: lambda g: g * np.cos(x)),
        "tanh": (tg.tanh, np.tanh, lambda x: lambda g: g * (1 - np.tanh(x) ** 2)),
        "sigmoid": (
            tg.sigmoid,
            lambda x: 1 / (1 + np.exp(-x)),
            lambda x: lambda g: g * np.exp(-x) / (1 + np.exp(-x)) ** 2,
        ),
        "relu": (tg.relu, lambda x: np.maximum(x, 0), lambda x: lambda g: np.where(x > 0, g, 0)),
        "square": (lambda t: t**2, lambda x: x**2, lambda x: lambda g: 2 * g * x),
        "double": (lambda t: t * 2.0, lambda x: x * 2.0, lambda x: lambda g: 2 * g),
        "softmax": (
            tg.softmax,
            softmax,
            lambda x: lambda g: softmax(x) * (g - (g * softmax(x)).sum(-1, keepdims=True)),
        ),
        "T": (lambda t: unmarked(t.T), lambda x: x.T, lambda x: lambda g: g.T),
        "flatten": (lambda t: unmarked(t.reshape(-1)), lambda x: x.reshape(-1), lambda x: lambda g: g.reshape(x.shape)),
        "fold": (
            lambda t: unmarked(t.reshape(-1, 2)),
            lambda x: x.reshape(-1, 2),
            lambda x: lambda g: g.reshape(x.shape),
        ),
        "first": index_pair(0),
        "last": index_pair(-1),
        "tail": index_pair(slice(1, None)),
        "backwards": index_pair((Ellipsis, slice(None, None, -1))),
        "twice": index_pair(np.array([0, 0, 1])),
        "newaxis": index_pair(None),
        "sum": (lambda t: t.sum(), lambda x: x.sum(), lambda x: lambda g: np.full(x.shape, g)),
        "max": (lambda t: t.max(), lambda x: x.max(), lambda x: lambda g: (x == x.max()) * (g / (x == x.max()).sum())),
        "widen": (
            lambda t: tg.broadcast_to(t, (2, *t.shape)),
            lambda x: np.broadcast_to(x, (2, *x.shape)),
            lambda x: lambda g: g.sum(0),
        ),
    }


UNARY = unary_table()
BINARY: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "add": (lambda a, b: a + b, lambda a, b: a + b, lambda a, b: lambda g: g, lambda a, b: lambda g: g),
    "subtract": (lambda a, b: a - b, lambda a, b: a - b, lambda a, b: lambda g: g, lambda a, b: lambda g: -g),
    "multiply": (lambda a, b: a * b, lambda a, b: a * b, lambda a, b: lambda g: g * b, lambda a, b: lambda g: g * a),
    "maximum": (
        lambda a, b: tg.maximum(a, b),
        np.maximum,
        lambda a, b: lambda g: g * ((a > b) + 0.5 * (a == b)),
        lambda a, b: lambda g: g * ((b > a) + 0.5 * (a == b)),
    ),
    "concat": (
        lambda a, b: tg.concat([a.reshape(-1), b.reshape(-1)]),
        lambda a, b: np.concatenate([a.reshape(-1), b.reshape(-1)]),
        lambda a, b: lambda g: g[: a.size].reshape(a.shape),
        lambda a, b: lambda g: g[a.size :].reshape(b.shape),
    ),
}
NUMBERS = [0.0, 1.0, -1.0, 0.5, -0.25, 2.0, -0.75]
# Not reshape: whether it is a view depends on the order in memory, which is nobody's promise.
VIEWS: list[Callable[[Any], Any]] = [
    lambda x: x.T,
    lambda x: x[..., ::2],
    lambda x: x[0, ...],
    lambda x: x[1:],
    lambda x: x[::-1],
    lambda x: x.view(),
]


class Program:
    """What the user has: pairs of a Tensor and its double, and pairs of arrays that can be written to, the real one and its double.

    Every action gets two numbers to choose with, and a value.
    """

    def __init__(self) -> None:
        self.tensors: list[tuple[tg.Tensor, Naive]] = []
        self.held: list[tuple[Any, Any]] = []
        self.labels = [np.array([0, 1]), np.array([1, 1])]
        for i in range(3):
            self.new_array(i, i, 0.5)
            self.new_leaf(0, i, 0.0)

    def tensor(self, i: int) -> tuple[tg.Tensor, Naive]:
        return self.tensors[-1 - i % len(self.tensors)]

    def array(self, i: int) -> tuple[Any, Any]:
        return self.held[-1 - i % len(self.held)]

    def alike(self, shape: tuple[int, ...]) -> list[tuple[tg.Tensor, Naive]]:
        return [pair for pair in self.tensors if pair[1].value.shape == shape]

    def keep(self, t: tg.Tensor, naive: Naive) -> None:
        if np.abs(naive.value).max(initial=0) < 100 and naive.value.size <= 24:
            self.tensors.append((t, naive))
            del self.tensors[:-12]

    def hold(self, a: Any, double: Any) -> None:
        self.held.append((a, double))
        del self.held[:-8]

    # ------------------------------------------------------------------ making things and letting them go

    def nothing(self, i: int, j: int, value: float) -> None:
        """What a superfluous action shrinks to."""

    def new_array(self, i: int, j: int, value: float) -> None:
        shape = [(2, 2), (2, 3), (3,), (4,), ()][i % 5]
        a = np.asarray(np.sin(np.arange(int(np.prod(shape))) + j).reshape(shape) + value)
        self.hold(a, a.copy())

    def new_leaf(self, i: int, j: int, value: float) -> None:
        a, double = self.array(i)
        made = tg.Tensor(a, requires_grad=True, copy=bool(j % 2))
        self.keep(made, Naive(double.copy() if j % 2 else double, Entry([], [])))

    def new_constant(self, i: int, j: int, value: float) -> None:
        a, double = self.array(i)
        self.keep(tg.Tensor(a, copy=bool(j % 2)), Naive(double.copy() if j % 2 else double))

    def from_tensor(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        self.keep(tg.Tensor(t, requires_grad=bool(j % 2)), Naive(naive.value.copy(), Entry([], []) if j % 2 else None))

    def detach(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        self.keep(t.detach(), Naive(naive.value.copy()))

    def drop_tensor(self, i: int, j: int, value: float) -> None:
        if len(self.tensors) > 3:
            del self.tensors[i % len(self.tensors)]

    def drop_array(self, i: int, j: int, value: float) -> None:
        if len(self.held) > 1:
            del self.held[i % len(self.held)]

    # ------------------------------------------------------------------ recording

    def unary(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        op, compute, pull = UNARY[sorted(UNARY)[j % len(UNARY)]]
        private = naive.value.copy()
        try:
            expected = compute(private)
        except (ValueError, IndexError):
            return  # no such axis or index in this shape: the op's own refusal is tested elsewhere
        self.keep(op(t), record(expected, (naive, pull(private))))

    def binary(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        same = self.alike(naive.value.shape)
        u, second = same[j % len(same)]
        op, compute, left, right = BINARY[sorted(BINARY)[(i + j) % len(BINARY)]]
        a, b = naive.value.copy(), second.value.copy()
        self.keep(op(t, u), record(compute(a, b), (naive, left(a, b)), (second, right(a, b))))

    def with_bare_array(self, i: int, j: int, value: float) -> None:
        a, double = self.array(i)
        for t, naive in self.alike(double.shape)[-1:]:
            op, compute, left, right = BINARY[sorted(BINARY)[j % len(BINARY)]]
            x, y = naive.value.copy(), double.copy()
            if (i + j) % 2:
                self.keep(op(a, t), record(compute(y, x), (naive, right(y, x))))
            else:
                self.keep(op(t, a), record(compute(x, y), (naive, left(x, y))))

    def matmul(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        fits = [
            p
            for p in self.tensors
            if naive.value.ndim == 2 == p[1].value.ndim and p[1].value.shape[0] == naive.value.shape[1]
        ]
        if fits:
            u, second = fits[j % len(fits)]
            a, b = naive.value.copy(), second.value.copy()
            self.keep(t @ u, record(a @ b, (naive, lambda g: g @ b.T), (second, lambda g: a.T @ g)))

    def masked(self, i: int, j: int, value: float) -> None:
        """A boolean mask as an index and as a condition, and written afterwards."""
        t, naive = self.tensor(i)
        x = naive.value.copy()
        private = np.asarray(x > value)
        mask = private.copy()
        if j % 2:
            self.keep(t[mask], record(x[private], (naive, scattered(x.shape, private))))
        else:
            self.keep(
                tg.where(mask, t, 0.5), record(np.where(private, x, 0.5), (naive, lambda g: np.where(private, g, 0)))
            )
        mask[...] = ~mask

    def with_labels(self, i: int, j: int, value: float) -> None:
        """Integer arrays that the user holds, as an index and as labels."""
        for t, naive in [
            p for p in self.tensors if p[1].value.ndim == 2 and p[1].value.shape[0] == 2 <= p[1].value.shape[1]
        ][-1:]:
            labels = self.labels[i % 2]
            x, private, rows = naive.value.copy(), labels.copy(), np.arange(2)
            if j % 4 == 0:
                self.keep(t[labels], record(x[private], (naive, scattered(x.shape, private))))
            elif j % 4 == 1:
                self.keep(t[rows, labels], record(x[[0, 1], private], (naive, scattered(x.shape, ([0, 1], private)))))
                rows[...] = 0
            elif j % 4 == 2:
                self.keep(t[tg.Tensor(labels, copy=False)], record(x[private], (naive, scattered(x.shape, private))))
            else:
                slope = (softmax(x) - np.eye(x.shape[1])[private]) / 2
                loss = -np.log(softmax(x)[rows, private]).mean()
                self.keep(tg.softmax_cross_entropy(t, labels), record(loss, (naive, times(slope))))

    # ------------------------------------------------------------------ writing

    def take_data(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        self.hold(t.data, naive.value)

    def take_copy(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        self.hold(t.numpy(), naive.value.copy())

    def take_grad(self, i: int, j: int, value: float) -> None:
        for t, naive in self.tensors:
            if naive.entry is not None and naive.entry.grad is not None:
                self.hold(t.grad, naive.entry.grad)

    def take_view(self, i: int, j: int, value: float) -> None:
        a, double = self.array(i)
        if a.ndim and a.size:
            self.hold(VIEWS[j % len(VIEWS)](a), VIEWS[j % len(VIEWS)](double))

    def write(self, i: int, j: int, value: float) -> None:
        for x in self.array(i):
            if j % 3 == 0:
                x[...] = value
            elif j % 3 == 1:
                x += value
            elif x.size:
                x[(0,) * x.ndim] = value

    def write_labels(self, i: int, j: int, value: float) -> None:
        self.labels[i % 2][j % 2] ^= 1

    def update(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        t.data -= value
        naive.value -= value

    def assign_data(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        for a, double in [pair for pair in self.held if pair[1].shape == naive.value.shape][-1:]:
            if double is not naive.value:
                t.data = a
                naive.value = double.copy()

    def changed(self, t: tg.Tensor, naive: Naive, others: list[Naive], change: Callable[[Any], Any], new: Any) -> None:
        """Change a Tensor in place: a leaf is refused, what is recorded takes a `new` value, an array is written to."""
        if naive.entry is not None and not naive.entry.parents:
            with pytest.raises(TypeError, match="leaf"):
                change(t)
        elif [x for x in (naive, *others) if x.entry is not None]:
            change(t)
            made = new()
            naive.value, naive.entry = made.value, made.entry
        else:
            change(t)
            naive.value[...] = new().value

    def in_place(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        x = naive.value.copy()
        change, new, slope = [
            (lambda t: t.__iadd__(value), x + value, 1.0),
            (lambda t: t.__imul__(value), x * value, value),
            (lambda t: t.__setitem__(..., value), np.full(x.shape, value), 0.0),
            (lambda t: np.multiply(t, value, out=t), x * value, value),
        ][j % 4]
        self.changed(t, naive, [], change, lambda: record(new, (naive, times(slope))))

    def in_place_with(self, i: int, j: int, value: float) -> None:
        """x += y, x *= y, np.add(y, y, out=x): with another Tensor, or with itself."""
        t, naive = self.tensor(i)
        same = self.alike(naive.value.shape)
        u, second = same[j % len(same)]
        x, y = naive.value.copy(), second.value.copy()
        change, new, left, right = [
            (lambda t: t.__iadd__(u), x + y, 1.0, 1.0),
            (lambda t: t.__imul__(u), x * y, y, x),
            (lambda t: np.add(u, u, out=t), y + y, 0.0, 2.0),
        ][j % 3]
        self.changed(t, naive, [second], change, lambda: record(new, (naive, times(left)), (second, times(right))))

    def set_items(self, i: int, j: int, value: float) -> None:
        """x[index] = y, with integers, slices, repeats and masks; what stays has the gradient."""
        t, naive = self.tensor(i)
        x = naive.value.copy()
        if not x.ndim or len(x) < 2:
            return
        index: Any = [0, slice(1, None), np.array([0, 1, 0]), x > value, (Ellipsis, slice(None, None, -1))][j % 5]
        fitting = self.alike(x[index].shape)
        u, second = fitting[-1] if fitting else (value, Naive(np.array(value)))
        y = np.broadcast_to(second.value, x[index].shape).copy()
        from_ = np.full(x.shape, -1)
        from_[index] = np.arange(y.size).reshape(y.shape)
        new = np.where(from_ < 0, x, y.reshape(-1)[from_] if y.size else x)

        def to_values(g: Any) -> Any:
            total = np.zeros(y.size)
            total[from_[from_ >= 0]] = g[from_ >= 0]
            return total.reshape(second.value.shape)

        self.changed(
            t,
            naive,
            [second],
            lambda t: t.__setitem__(index, u),
            lambda: record(new, (naive, times(1.0 * (from_ < 0))), (second, to_values)),
        )

    def in_place_without_recording(self, i: int, j: int, value: float) -> None:
        pair: Any = self.tensor(i)
        t, naive = pair
        with tg.no_grad():
            if naive.entry is not None and naive.entry.parents:
                with pytest.raises(TypeError, match=r"under tg\.no_grad"):
                    t -= value
            elif j % 3 == 0:
                t -= value
                naive.value -= value
            elif j % 3 == 1:
                t[...] = value
                naive.value[...] = value
            else:
                np.multiply(t, value, out=t)
                naive.value *= value

    # ------------------------------------------------------------------ gradients

    def differentiable(self, i: int) -> tuple[tg.Tensor, Any, dict[Entry, Any]] | None:
        alive = []
        for t, naive in self.tensors:
            if naive.entry is not None:
                seed = np.cos(np.arange(naive.value.size, dtype=float)).reshape(naive.value.shape)
                found = walk(naive.entry, seed)
                if all(entry.live for entry in found):
                    alive.append((t, seed, found))
        return alive[-1 - i % len(alive)] if alive else None

    def backward(self, i: int, j: int, value: float) -> None:
        if chosen := self.differentiable(i):
            t, seed, found = chosen
            t.backward(seed, keep_graph=bool(j % 2))
            seed[...] = np.nan
            for entry, g in found.items():
                if not entry.parents:
                    entry.grad = np.array(g) if entry.grad is None else np.asarray(entry.grad + g)
                elif j % 2 == 0:
                    entry.live = False

    def grad(self, i: int, j: int, value: float) -> None:
        if chosen := self.differentiable(i):
            t, seed, found = chosen
            behind = [(u, n.entry) for u, n in self.tensors if n.entry in found]
            answers = tg.grad(t, [u for u, _ in behind], g=seed, create_graph=bool(j % 2))
            for (_, entry), g in zip(behind, answers, strict=True):
                assert entry is not None
                np.testing.assert_allclose(g.numpy(), found[entry], rtol=1e-9, atol=1e-9)
            for g in answers:
                g.data[...] = np.nan

    def zero_grad(self, i: int, j: int, value: float) -> None:
        t, naive = self.tensor(i)
        if naive.entry is not None and not naive.entry.parents:
            t.zero_grad()
            naive.entry.grad = None

    # ------------------------------------------------------------------ what must hold after every action

    def check(self) -> None:
        for t, naive in self.tensors:
            np.testing.assert_allclose(t.numpy(), naive.value, rtol=1e-9, atol=1e-12)
            expected = naive.entry.grad if naive.entry is not None and not naive.entry.parents else None
            if t.node is not None and t.node.op is not None:
                with pytest.warns(UserWarning, match="keeps no gradient"):
                    assert t.grad is None
            elif expected is None:
                assert t.grad is None
            else:
                assert t.grad is not None
                np.testing.assert_allclose(t.grad, expected, rtol=1e-9, atol=1e-9)
        for a, double in self.held:
            np.testing.assert_allclose(a, double, rtol=1e-9, atol=1e-9)
        leaves = [t for t, _ in self.tensors if t.node is not None and t.node.op is None]
        grads = {id(t.grad): t.grad for t in leaves if t.grad is not None}
        for first, second in itertools.combinations(grads.values(), 2):
            assert not np.may_share_memory(first, second)


ACTIONS = [
    name
    for name, method in vars(Program).items()
    if list(getattr(method, "__annotations__", ())) == ["i", "j", "value", "return"]
]
OFTEN = ["unary", "binary", "with_bare_array", "take_data", "write", "update", "backward", "write", "backward"]
STEP = st.tuples(st.sampled_from([*ACTIONS, *OFTEN]), st.integers(0, 11), st.integers(0, 40), st.sampled_from(NUMBERS))


@given(steps=st.lists(STEP, min_size=40, max_size=100))
def test_random_programs(steps: list[tuple[str, int, int, float]]) -> None:
    program = Program()
    for name, i, j, value in steps:
        getattr(program, name)(i, j, value)
        program.check()


def test_the_program_has_all_its_actions() -> None:
    assert ACTIONS[0] == "nothing"
    assert {*OFTEN, "in_place", "masked", "with_labels", "take_view", "zero_grad", "detach"} <= {*ACTIONS}


# ------------------------------------------------------------------------------------------------ the same promise, by example


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def test_a_normal_step_copies_nothing() -> None:
    w: Any = tg.Tensor(np.ones((20, 20)), requires_grad=True)
    x = np.ones((5, 20))
    first = id(w.data)
    for _ in range(3):
        loss = tg.sum((x @ w) * w[0])
        loss.backward()
        assert w.grad is not None
        w.data -= 0.1 * w.grad
        w.zero_grad()
        assert id(w.data) == first


def test_a_held_array_stays_the_array_of_the_tensor() -> None:
    w = leaf(1, 2)
    a = w.data
    y = w * w
    assert w.data is a
    a -= 1
    assert w.tolist() == [0, 1]
    y.backward([1, 1])
    assert w.grad.tolist() == [2, 4]
    a[:] = 7
    assert w.tolist() == [7, 7]
    assert w.data is a


def test_an_update_before_backward_does_not_reach_the_graph() -> None:
    w = leaf(1, 2)
    y = (w * w).sum()
    w.data -= 10
    y.backward()
    assert w.grad.tolist() == [2, 4]
    assert w.tolist() == [-9, -8]


def test_a_view_of_data_taken_before_recording() -> None:
    w: Any = tg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    row = w.data.T[1]
    y = w * w
    row[:] = 100
    y.backward(np.ones((2, 3)))
    assert w.grad.tolist() == [[0, 2, 4], [6, 8, 10]]
    assert w.tolist() == [[0, 100, 2], [3, 100, 5]]


@pytest.mark.parametrize(
    "grip", [memoryview, np.nditer, lambda a: a.flat, lambda a: np.lib.stride_tricks.as_strided(a)]
)
def test_other_ways_to_hold_memory_count_too(grip: Callable[[Any], Any]) -> None:
    w = leaf(1, 2)
    hold = grip(w.data)
    y = w * w
    np.asarray(
        hold.operands[0] if isinstance(hold, np.nditer) else hold.base if isinstance(hold, np.flatiter) else hold
    )[0] = 50
    y.backward([1, 1])
    assert w.grad.tolist() == [2, 4]
    assert w.tolist() == [50, 2]


@pytest.mark.parametrize("copies", [True, False])
def test_the_array_a_tensor_was_made_from(copies: bool) -> None:
    a = np.array([1.0, 2.0])
    w: Any = tg.Tensor(a, requires_grad=True, copy=copies)
    a[0] = 3
    assert w.tolist() == ([1, 2] if copies else [3, 2])
    y = w * w
    a[:] = 100
    y.backward([1, 1])
    assert w.grad.tolist() == ([2, 4] if copies else [6, 4])


def test_a_tensor_that_shares_a_view_of_the_users_array() -> None:
    a = np.arange(6.0)
    w: Any = tg.Tensor(a[1:3], requires_grad=True, copy=False)
    y = w * w
    a[:] = 100
    y.backward([1, 1])
    assert w.grad.tolist() == [2, 4]


def test_two_tensors_that_share_one_array() -> None:
    a = np.array([1.0, 2.0])
    v: Any = tg.Tensor(a, requires_grad=True, copy=False)
    w: Any = tg.Tensor(a, requires_grad=True, copy=False)
    del a
    y = v * w
    v.data[:] = 5
    w.data[:] = 6
    y.backward([1, 1])
    assert v.grad.tolist() == w.grad.tolist() == [1, 2]


def test_a_tensor_shared_from_a_tensor_in_a_graph() -> None:
    w = leaf(1, 2)
    y = w * w
    c: Any = tg.Tensor(w, copy=False)
    c += 10
    c.data[0] = 77
    y.backward([1, 1])
    assert w.grad.tolist() == [2, 4]


def test_a_tensor_shared_from_the_transpose_of_a_tensor() -> None:
    w: Any = tg.Tensor(np.arange(4.0).reshape(2, 2), requires_grad=True)
    y = w * w
    c: Any = tg.Tensor(w.T, copy=False)
    c.data[:] = 9
    y.backward(np.ones((2, 2)))
    assert w.grad.tolist() == [[0, 2], [4, 6]]


def test_a_constant_operand_updated_in_place() -> None:
    w, c = leaf(1, 2), tg.Tensor([3.0, 4.0])
    y = w * c
    c += 1
    c[0] = 9
    c.data[1] = 8
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]
    assert c.tolist() == [9, 8]


def test_a_result_whose_output_is_kept() -> None:
    w = leaf(0, 0)
    y = tg.exp(w)
    y.data[:] = 50
    y.backward([1, 1])
    assert w.grad.tolist() == [1, 1]


@pytest.mark.parametrize(
    "view", [lambda t: t.T, lambda t: t.reshape(-1), lambda t: t[0], lambda t: tg.broadcast_to(t, (3, 2, 2))]
)
def test_views_are_values(view: Callable[[Any], Any]) -> None:
    c: Any = tg.Tensor(np.arange(4.0).reshape(2, 2))
    v = view(c)
    before = v.tolist()
    c += 5
    assert v.tolist() == before
    v.data[...] = -1
    assert c.tolist() == [[5, 6], [7, 8]]


@pytest.mark.parametrize("grow", [lambda t: tg.broadcast_to(t, (3, 2)), lambda t: tg.broadcast_to(t, (1, 2))])
def test_a_broadcast_result_that_outlives_its_source_can_be_written(grow: Callable[[Any], Any]) -> None:
    v = grow(tg.Tensor([1.0, 2.0]))
    v[0, 0] = 9
    assert v.tolist() == [[9, 2], *[[1, 2]] * (v.shape[0] - 1)]
    v = grow(tg.Tensor([1.0, 2.0]))
    v.data[0, 0] = 9
    assert v.tolist() == [[9, 2], *[[1, 2]] * (v.shape[0] - 1)]


def test_plus_makes_a_value_of_its_own() -> None:
    c: Any = tg.Tensor([1.0, 2.0])
    y = +c
    y += 1
    assert c.tolist() == [1, 2]


@pytest.mark.parametrize(
    "bare",
    [
        np.array([3.0, 4.0]),
        standard_array.array("d", [3.0, 4.0]),
        memoryview(standard_array.array("d", [3.0, 4.0])),
        [3.0, 4.0],
    ],
    ids=["ndarray", "array.array", "memoryview", "list"],
)
@pytest.mark.parametrize("swap", [False, True])
def test_a_bare_operand_written_later(bare: Any, swap: bool) -> None:
    bare = bare if isinstance(bare, memoryview) else copy.deepcopy(bare)
    w = leaf(1, 2)
    bare[0] = 3.0
    y = tg.multiply(bare, w) if swap else tg.multiply(w, bare)
    bare[0] = 100.0
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]


def test_a_bare_operand_among_variadic_arguments_written_later() -> None:
    @tg.op(xs=lambda g, xs: [g * xs[1], g * xs[0]])
    def product(*xs: Any) -> Any:
        return xs[0] * xs[1]

    w, a = leaf(1, 2), np.array([3.0, 4.0])
    y = product(w, a)
    a[:] = 100
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]


def test_a_bare_zero_dimensional_operand_written_later() -> None:
    w, c = leaf(1, 2), np.array(3.0)
    y = w * c
    c += 1
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 3]


def test_conditions_limits_and_targets_written_later() -> None:
    w = leaf(1, 2)
    mask, low = np.array([True, False]), np.array([0.0, 5.0])
    y = tg.where(mask, w, 0.0) + tg.clip(w, low, None)
    mask[:], low[:] = False, 100
    y.backward([1, 1])
    assert w.grad.tolist() == [2, 0]


@pytest.mark.parametrize(
    "loss", [tg.softmax_cross_entropy, lambda y, t: tg.cross_entropy_error(tg.softmax(y), t), tg.sum_squares_error]
)
@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("kind", [np.array, tg.Tensor])
def test_targets_written_later(loss: Callable[..., Any], one_hot: bool, kind: Callable[..., Any]) -> None:
    values = np.arange(6.0).reshape(2, 3)
    expected: Any = tg.Tensor(values, requires_grad=True)
    got: Any = tg.Tensor(values, requires_grad=True)
    t = np.eye(3)[[0, 2]] if one_hot or loss is tg.sum_squares_error else np.array([0, 2])
    loss(expected, t.copy()).backward()
    t = kind(t)
    y = loss(got, t)
    t[...] = 1
    y.backward()
    assert got.grad.tolist() == expected.grad.tolist()


@pytest.mark.parametrize(
    ("index", "write"),
    [
        (np.array([0, 0]), lambda i: i.fill(1)),
        (np.array([True, False, False]), lambda i: i.fill(True)),
        ([0, 0], lambda i: i.__setitem__(0, 1)),
        (np.array(0), lambda i: i.fill(1)),
        (tg.Tensor([0, 0], dtype=int), lambda i: i.data.fill(1)),
        (tg.Tensor([0, 0], dtype=int), lambda i: i.__iadd__(1)),
    ],
    ids=["array", "mask", "list", "0-d", "tensor", "tensor in place"],
)
@pytest.mark.parametrize("wrapped", [lambda i: i, lambda i: (i, slice(None)), lambda i: (i, None)])
def test_an_index_written_later(index: Any, write: Callable[[Any], Any], wrapped: Callable[[Any], Any]) -> None:
    index = copy.deepcopy(index)
    expected: Any = tg.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    got: Any = tg.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    (expected[wrapped(copy.deepcopy(index))] ** 2).sum().backward()
    y = (got[wrapped(index)] ** 2).sum()
    write(index)
    y.backward()
    assert got.grad.tolist() == expected.grad.tolist()


@pytest.mark.parametrize("number", [lambda: np.array(0), lambda: tg.Tensor(0, dtype=int)], ids=["array", "tensor"])
def test_a_counter_that_cuts_slices_and_moves_on(number: Callable[[], Any]) -> None:
    w, start = leaf(1, 2, 3, 4), number()
    parts = []
    for _ in range(2):
        parts.append((w[start : start + 2] ** 2).sum())
        start += 2
    (parts[0] + 10 * parts[1]).backward()
    assert w.grad.tolist() == [2, 4, 60, 80]


def test_axes_and_shapes_in_lists_written_later() -> None:
    w: Any = tg.Tensor(np.arange(6.0).reshape(1, 2, 3), requires_grad=True)
    axes = [2, 0, 1]
    y = tg.permute_dims(w, axes)
    axes[:] = [0, 1, 2]
    seed = np.arange(6.0).reshape(3, 1, 2)
    y.backward(seed)
    assert w.grad.tolist() == seed.transpose(1, 2, 0).tolist()


def test_an_array_as_an_option_of_a_users_op_written_later() -> None:
    @tg.op(x=lambda g, weights: g * weights)
    def weighted(x: Any, *, weights: Any) -> Any:
        return x * weights

    w, weights = leaf(1, 2), np.array([3.0, 4.0])
    y = weighted(w, weights=weights)
    weights[:] = 100
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]


def test_an_output_that_is_the_bare_operand() -> None:
    @tg.op(x=lambda g: g, y=lambda g: 0 * g)
    def first(x: Any, y: Any) -> Any:
        return x

    w, a = leaf(1, 2), np.array([3.0, 4.0])
    y = w * first(a, tg.Tensor([0.0, 0.0]))
    a[:] = 100
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]


def test_a_kept_value_that_is_the_bare_operand() -> None:
    @tg.op(keeps="mask", x=lambda g, mask: g * mask, drop=None)
    def dropped(x: Any, drop: Any) -> Any:
        return x * drop, drop

    w, a = leaf(1, 2), np.array([3.0, 4.0])
    y = dropped(w, a)
    a[:] = 100
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]


@pytest.mark.parametrize(
    "take",
    [
        np.asarray,
        np.array,
        lambda t: np.array(t, copy=None),
        lambda t: t.__array__(),
        lambda t: t.numpy(),
        lambda t: t.__array__(copy=False),
    ],
    ids=["asarray", "array", "copy=None", "__array__", "numpy", "copy=False"],
)
def test_arrays_taken_from_a_constant(take: Callable[[Any], Any]) -> None:
    w, c = leaf(1, 2), tg.Tensor([3.0, 4.0])
    y = w * c
    try:
        a = take(c)
    except ValueError:  # what NumPy asks of an object that cannot do without a copy
        a = np.zeros(2)
    a[:] = 100
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]
    try:
        a = take(c)
    except ValueError:
        return
    y = w * c
    a[:] = 100
    w.zero_grad()
    y.backward([1, 1])
    assert w.grad.tolist() == [3, 4]


def test_the_starting_gradient_written_later() -> None:
    w = leaf(1, 2)
    y = w * 1.0
    g = np.array([1.0, 1.0])
    y.backward(g, keep_graph=True)
    g[:] = 100
    assert w.grad.tolist() == [1, 1]
    w.zero_grad()
    h = tg.Tensor([1.0, 1.0])
    y.backward(h)
    h += 5
    assert w.grad.tolist() == [1, 1]


def test_the_starting_gradient_of_a_recorded_gradient_written_later() -> None:
    x, g = leaf(1, 2), leaf(1, 1)
    a = g.data
    gx = tg.grad(x**3, x, g=g, create_graph=True)
    a[:] = 100
    gx.backward([1, 1])
    assert x.grad.tolist() == [6, 12]
    assert g.grad.tolist() == [3, 12]


def test_second_order_survives_writes_in_between() -> None:
    x, c = leaf(1, 2), np.array([3.0, 4.0])
    y = (x * x * x * c).sum()
    first = tg.grad(y, x, create_graph=True)
    x.data[:] = 50
    c[:] = 60
    first.data[:] = 70
    second = tg.grad(first, x, g=[1, 1])
    assert second.tolist() == [18, 48]


def test_gradients_that_are_returned_belong_to_the_caller() -> None:
    a, b = leaf(1, 2), leaf(3, 4)
    for create_graph in (False, True):
        ga, gb = tg.grad(a + b, [a, b], g=[1, 1], create_graph=create_graph)
        ga.data[:] = 7
        assert gb.tolist() == [1, 1]
        if not ga.requires_grad:
            ga += 1
            assert gb.tolist() == [1, 1]
        one, two = tg.grad(a * 2, [a, a], g=[1, 1], create_graph=create_graph)
        one.data[:] = 7
        assert two.tolist() == [2, 2]


def test_copies_and_pickles_are_values_of_their_own() -> None:
    w = leaf(1, 2)
    v = copy.deepcopy(w)
    v.data[:] = 9
    assert w.tolist() == [1, 2]
    u = copy.copy(w)
    u.data[:] = 9
    assert w.tolist() == [1, 2]


def test_what_watch_shows_is_what_was_computed() -> None:
    w, a = leaf(1, 2), np.array([3.0, 4.0])
    with tg.watch():
        y = w * a
    a[:] = 100
    w.data[:] = 100
    y.data[:] = 100
    seen: Any = y.node.seen
    assert [x.tolist() for x in seen.inputs] == [[1, 2], [3, 4]]
    assert seen.output.tolist() == [3, 8]


def test_iterating_gives_views() -> None:
    c: Any = tg.Tensor(np.arange(4.0).reshape(2, 2))
    for row in c:
        row += 1
    assert c.tolist() == [[1, 2], [3, 4]]


def test_in_place_with_itself() -> None:
    c: Any = tg.Tensor([1.0, 2.0, 3.0])
    c += c
    c[1:] = c[:-1]
    assert c.tolist() == [2, 2, 4]
    c -= c[::-1]
    assert c.tolist() == [-2, 0, 2]
