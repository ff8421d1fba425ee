"""A block that preserves state leaves nothing behind, whatever happens in it."""

from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.engine.graph import Leaf
from tinygrad_ko.state.preserve import preserving_state

X = np.arange(12.0).reshape(4, 3)


class Book:
    """A layer in the manner of the book, whose running average is a plain array."""

    def __init__(self) -> None:
        self.running: Any = np.zeros(3)
        self.calls: list[Any] = []

    def forward(self, x: Any) -> Any:
        self.running = 0.9 * self.running + 0.1 * np.mean(x.numpy(), axis=0)
        self.calls.append(x.shape)
        self.mask = x.numpy() > 0
        return x

    __call__ = forward


class Net(nn.Module):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)
        self.norm, self.dropout, self.book = nn.BatchNorm(3), nn.Dropout(0.5, rng=self.rng), Book()
        self.parts = {"layers": [nn.Affine(3, 2, rng=1), nn.Dropout(0.5)]}

    def forward(self, x: Any) -> Any:
        x = self.dropout(self.book(self.norm(x)))
        for layer in self.parts["layers"]:
            x = layer(x)
        return x


WRITES: dict[str, Callable[[tg.Tensor], Any]] = {
    "in place": lambda t: t.data.__iadd__(1),
    "through a view": lambda t: t.data[..., :1].fill(7),
    "a new array": lambda t: setattr(t, "data", t.numpy() + 1),
    "after an op": lambda t: ((t * 2).sum(), t.data.fill(3)),
    "no leaf": lambda t: setattr(t, "requires_grad", False) if isinstance(t.node, Leaf) else None,
    "a leaf": lambda t: setattr(t, "requires_grad", True),
    "backward": lambda t: (t * t).sum().backward() if t.requires_grad else None,
    "gradient in place": lambda t: t.grad.fill(5) if t.grad is not None else None,
    "no gradient": lambda t: t.zero_grad(),
}
HOLDINGS: dict[str, Callable[[tg.Tensor], Any]] = {
    "nobody": lambda t: None,
    "its data": lambda t: t.data,
    "a view": lambda t: t.data[:1],
    "a graph": lambda t: (t * 2).sum(),
    "a detached one": lambda t: t.detach(),
}


@given(
    writes=st.lists(st.sampled_from(sorted(WRITES)), max_size=5),
    holding=st.sampled_from(sorted(HOLDINGS)),
    shared=st.booleans(),
    trained=st.booleans(),
    slope=st.booleans(),
    fails=st.booleans(),
)
def test_a_tensor_is_what_it_was(
    writes: list[str], holding: str, shared: bool, trained: bool, slope: bool, fails: bool
) -> None:
    mine = np.arange(1.0, 5.0)
    t = tg.Tensor(mine, requires_grad=trained, copy=not shared)
    if trained and slope:
        t.grad = np.full(4, 2.0)
    held = HOLDINGS[holding](t)
    array, node, gradient, values = t._array, t.node, t.grad, t.numpy()

    def f() -> None:
        for write in writes:
            WRITES[write](t)
        if fails:
            raise ZeroDivisionError

    def call_inside() -> None:
        with preserving_state(f):
            f()

    if fails:
        with pytest.raises(ZeroDivisionError):
            call_inside()
    else:
        call_inside()
    assert t._array is array
    assert t.node is node
    assert t.grad is gradient
    assert np.array_equal(t.numpy(), values)
    if gradient is not None:
        assert gradient.tolist() == [2.0] * 4
    del array
    if shared and holding != "a graph":  # a write to what was shared is still seen, as it was before
        mine[0] = 100
        assert t.numpy()[0] == 100
    if holding == "its data":
        held[1] = 50
        assert t.numpy()[1] == 50


@given(
    writes=st.lists(st.sampled_from(["in place", "through a view", "a new array"]), max_size=3), shared=st.booleans()
)
def test_a_graph_that_survives_keeps_its_values(writes: list[str], shared: bool) -> None:
    """What was computed inside the block and kept is not changed by what is written to the Tensors later."""
    mine = np.array([1.0, 2.0])
    t = tg.Tensor(mine, requires_grad=True, copy=not shared)
    with preserving_state(t):
        for write in writes:
            WRITES[write](t)
        inside = t.numpy()
        y = (t * t).sum()
    t.data += 10
    mine += 10
    assert tg.grad(y, t).tolist() == (2 * inside).tolist()


def holders(net: Any) -> dict[str, Any]:
    room: dict[str, Any] = {"net": net, "layers": [net]}
    room["inner"] = eval("lambda x: net(x)", room)

    class Called:
        def __call__(self, x: Any) -> Any:
            return net(x)

    class Caller:
        def __init__(self) -> None:
            self.net = net

        def work(self, x: Any) -> Any:
            return self.net(x)

    return {
        "itself": net,
        "a method": net.forward,
        "a closure": lambda x: net(x),
        "a default": lambda x, net=net: net(x),
        "a partial": partial(lambda net, x: net(x), net),
        "a global": eval("lambda x: net(x)", room),
        "a global list": eval("lambda x: layers[0](x)", room),
        "behind a function": eval("lambda x: inner(x)", room),
        "inside a function": eval("lambda x: (lambda: net(x))()", room),
        "a list": [[net]],
        "a dict": {"net": net},
        "another's method": Caller().work,
        "one that can be called": Called(),
        "a sequence": nn.Sequential(net, lambda x: x),
    }


@pytest.mark.parametrize("way", holders(Net()))
def test_a_model_is_found_wherever_it_is(way: str) -> None:
    net = Net()
    np.random.seed(5)
    tensors = [(t, t._array) for t in net.named_tensors().values()]
    names, running = list(vars(net.book)), net.book.running
    with preserving_state(holders(net)[way]):
        net(tg.Tensor(X)).sum().backward()
        net.book.mask = None
        net.parts["layers"].append(nn.Relu())
        net.parts["more"] = []
    assert all(t._array is array and t.grad is None for t, array in tensors)
    assert net.book.running is running
    assert list(vars(net.book)) == names
    assert net.book.calls == []
    assert list(net.parts) == ["layers"]
    assert len(net.parts["layers"]) == 2
    assert net.rng.random() == np.random.default_rng(3).random()
    here = np.random.random()
    np.random.seed(5)
    assert here == np.random.random()


@given(steps=st.integers(0, 3), train=st.booleans())
def test_training_goes_on_as_if_nothing_had_been(steps: int, train: bool) -> None:
    def trained(inside: bool) -> list[Any]:
        np.random.seed(0)
        net = Net().train(train)
        optimizer = tg.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            net.zero_grad()
            (net(tg.Tensor(X)) ** 2).sum().backward()
            for _ in range(steps if inside else 0):
                with preserving_state(net):
                    (net(tg.Tensor(X)) ** 2).sum().backward()
                    optimizer.step()
            optimizer.step()
        return [t.tolist() for t in net.named_tensors().values()]

    assert trained(True) == trained(False)


def test_nothing_is_copied_but_what_an_op_would_copy() -> None:
    mine = np.ones(3)
    net, lent = nn.Affine(3, 3), tg.Tensor(mine, copy=False)
    array = net.W._array
    with preserving_state(net, lent):
        assert net.W._array is array
        assert lent._array is not mine
        net.W.data.fill(0)
    assert net.W._array is array
    assert lent.data is mine
    before = net.W.data
    net.W.data[0] = 7
    assert net.W.data is before  # not copied either, now that the block is left


def test_a_block_inside_a_block() -> None:
    net = Net()
    with preserving_state(net):
        net(tg.Tensor(X))
        mean = net.norm.running_mean.tolist()
        with preserving_state(net.forward):
            net(tg.Tensor(X))
        assert net.norm.running_mean.tolist() == mean
        assert len(net.book.calls) == 1
    assert net.norm.running_mean.tolist() == [0, 0, 0]


def test_threads_take_turns() -> None:
    net = Net()

    def call_inside() -> None:
        for _ in range(20):
            with preserving_state(net):
                net(tg.Tensor(X)).sum().backward()

    threads = [Thread(target=call_inside) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert net.norm.running_mean.tolist() == [0, 0, 0]
    assert net.book.calls == []
    assert net.parameters()[0].grad is None


@pytest.mark.parametrize("change", [lambda d: d.update(c=d.pop("b")), lambda d: d.update(a=d.pop("a")), dict.clear])
def test_keys_and_their_order_are_put_back(change: Callable[[dict[str, Any]], Any]) -> None:
    net: Any = Net()
    net.parts = {"a": net.norm, "b": net.dropout}
    with preserving_state(net):
        change(net.parts)
    assert list(net.parts.items()) == [("a", net.norm), ("b", net.dropout)]


def test_the_book_s_networks_have_their_parameters_back() -> None:
    net = nn.TwoLayerNet(3, 4, 2)
    params, W1 = net.params, net.params["W1"]
    with preserving_state(net.loss):
        net.params["W1"] = W1 + 1
        del net.params["b1"]
    assert net.params is params
    assert list(params) == ["W1", "b1", "W2", "b2"]
    assert params["W1"] is W1


def test_a_model_nested_a_thousand_deep() -> None:
    norm = nn.BatchNorm(3)
    model: Any = norm
    for _ in range(1000):
        model = nn.Sequential(model)
    with preserving_state(model):
        norm(tg.Tensor(X))
    assert norm.running_mean.tolist() == [0, 0, 0]


def test_a_gradient_is_there_inside_and_what_is_written_to_it_is_undone() -> None:
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    w.grad = np.array([3.0, 4.0])
    gradient = w.grad
    with preserving_state(w):
        assert w.grad.tolist() == [3, 4]
        w.grad.fill(5)
        (w * w).sum().backward()
        assert w.grad.tolist() == [7, 9]
    assert w.grad is gradient
    assert gradient.tolist() == [3, 4]


class Counter:
    """No layer and no model; a method leads to it."""

    def __init__(self) -> None:
        self.count, self.calls, self.names = 0, [0], {"a": 1, "b": 2}

    def work(self) -> None:
        self.count += 1
        self.calls[0] += 1


def test_the_attributes_of_the_owner_of_a_method_are_restored() -> None:
    counter = Counter()
    calls = counter.calls
    with preserving_state(counter.work):
        counter.work()
        counter.calls = []
    assert counter.count == 0
    assert counter.calls is calls
    assert calls == [0]


def test_what_holds_itself_is_restored_once() -> None:
    book = Book()
    book.calls.append(book.calls)
    with preserving_state(book):
        book(tg.Tensor(X))
        assert len(book.calls) == 2
    assert len(book.calls) == 1
    assert book.calls[0] is book.calls


CHANGES: dict[str, Callable[[Counter], Any]] = {
    "an item of a list": lambda c: c.calls.__setitem__(0, 5),
    "a longer list": lambda c: c.calls.append(5),
    "a shorter list": lambda c: c.calls.clear(),
    "an item of a dict": lambda c: c.names.update(a=5),
    "a new key": lambda c: c.names.update(c=3),
    "a key gone": lambda c: c.names.pop("b"),
    "a key for another": lambda c: (c.names.pop("b"), c.names.update(c=2)),
    "the order of keys": lambda c: c.names.update(a=c.names.pop("a")),
    "an attribute gone": lambda c: delattr(c, "names"),
    "nothing": lambda c: None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_lists_and_dicts_have_their_very_contents_again(change: str) -> None:
    counter = Counter()
    calls, names = counter.calls, counter.names
    with preserving_state(counter.work):
        CHANGES[change](counter)
    assert counter.calls is calls
    assert counter.names is names
    assert calls == [0]
    assert list(names.items()) == [("a", 1), ("b", 2)]


def test_a_dict_or_list_that_is_as_it_was_is_not_written_to() -> None:
    """So another thread that walks through it is not disturbed."""

    class Watched(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.calls, self.names = Told([0]), Names(a=1)

    class Told(list[Any]):
        def __setitem__(self, key: Any, value: Any) -> None:
            raise AssertionError("written to")

        def copy(self) -> Any:
            return list(self)

    class Names(dict[str, Any]):
        def clear(self) -> None:
            raise AssertionError("written to")

        update = clear  # type: ignore[assignment]

    watched = Watched()
    with preserving_state(watched.work):
        pass
    assert watched.count == 0
