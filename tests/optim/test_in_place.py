"""A step in place and one in new arrays are the same to the last bit, in all that anybody can see; and who else sees an array decides
which of them is made.
"""

import copy
import pickle
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.interrupts import all_or_nothing
from tests.runtime.test_atomic import OPTIMIZERS, every, leaves, ready, state
from tinygrad_ko.optim import SGD, Adam, AdamW, Momentum, Optimizer, in_place


@cache
def fresh(kind: Any) -> type[Optimizer]:
    """The same optimizer, whose formula is called as it stands: its steps make new arrays."""
    return type(
        f"Fresh{kind.__name__}", (kind,), {"updated": lambda self, *given, **kept: kind.updated(self, *given, **kept)}
    )


def parameters(dtype: Any, seed: int = 0, shapes: Any = ((), (0, 2), (5,), (3, 7), (2, 3, 2))) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [tg.Tensor(rng.normal(size=shape).astype(dtype), requires_grad=True) for shape in shapes]


def arrays(optimizer: Any) -> list[Any]:
    return [p._array for p in optimizer.parameters] + [a for kept in optimizer.kept for a in kept.values()]


def contents(optimizer: Any) -> list[Any]:
    return [optimizer.steps, *((a.dtype, a.shape, a.tobytes()) for a in arrays(optimizer))]


@pytest.fixture(params=["as warnings", "as errors"])
def handled(request):
    """How an overflow is handled: the suite turns warnings into errors, so a step is made on trial there before it is made in place."""
    with warnings.catch_warnings():
        warnings.simplefilter("default" if request.param == "as warnings" else "error")
        yield


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("block", "options"),
    [(4, {}), (2**18, {"weight_decay": 0.1}), (4, {"lr": 1, "weight_decay": 2}), (2**18, {"lr": 1e-30})],
)
def test_the_bits_are_those_of_the_formula(kind, dtype, options, block, handled, monkeypatch):
    monkeypatch.setattr(in_place, "BLOCK", block)
    optimizers = [made(parameters(dtype), **options) for made in (kind, fresh(kind))]
    rng = np.random.default_rng(1)
    before = [id(a) for a in arrays(optimizers[0])]
    for step in range(4):
        for ps in zip(*[optimizer.parameters for optimizer in optimizers], strict=True):
            g = (rng.normal(size=ps[0].shape) * 10.0 ** rng.integers(-30, 3)).astype(dtype)
            if step != 1 or ps[0].ndim != 1:  # so not all have made as many steps
                for p in ps:
                    p.grad = g.T.copy().T if step == 2 else g
            else:
                for p in ps:
                    p.grad = None
        for optimizer in optimizers:
            optimizer.step()
        assert contents(optimizers[0]) == contents(optimizers[1])
    assert [id(a) for a in arrays(optimizers[0])] == before
    assert not {id(a) for a in arrays(optimizers[1]) if a.ndim} & set(before)


def test_formulas_need_few_arrays_to_spare():
    kinds: list[Any] = OPTIMIZERS
    traced: Any = in_place.traced
    scratch = {kind.__name__: traced(kind.updated, None, kind.memory).scratch for kind in kinds}
    assert scratch == {"SGD": 1, "Momentum": 1, "Nesterov": 2, "AdaGrad": 2, "RMSprop": 2, "Adam": 2, "AdamW": 2}


@every
def test_a_step_makes_no_array_of_the_size_of_a_parameter(kind, handled):
    p = tg.Tensor(np.ones(2**21, np.float32), requires_grad=True)
    optimizer = kind([p], weight_decay=0.1)
    p.grad = np.ones(2**21, np.float32)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**23 - 2**20  # 8 MB are one parameter; a scratch array has 1 MB


# ---------------------------------------------------------------- who else sees an array

ACTIONS = ["forward", "backward", "keep", "again", "step", "numpy", "data", "view", "buffer", "locked", "forget", "assign", "write",
           "state", "load", "kept", "one kept", "copy", "pickle", "constant"]  # fmt: skip


class Program:
    """Actions on an optimizer; what somebody holds, and has seen so far."""

    def __init__(self, kind: Any, options: dict[str, Any]) -> None:
        rng = np.random.default_rng(2)
        self.x = rng.normal(size=(4, 3))
        self.parameters = [tg.Tensor(rng.normal(size=shape), requires_grad=True, name="w") for shape in ((3, 2), (2,))]
        self.optimizer = kind(self.parameters, lr=0.1, **options)
        self.held: list[Any] = []
        self.graphs: list[Any] = []
        self.seen: list[Any] = []

    def do(self, action: str) -> None:
        w, b = self.parameters
        optimizer: Any = self.optimizer
        match action:
            case "forward":
                self.graphs.append(tg.sum(tg.tanh(self.x @ w + b) ** 2) + tg.sum(w * w) + tg.sum(b * b))
            case "backward" if self.graphs:
                self.graphs.pop().backward()
            case "keep" if self.graphs:
                self.graphs[-1].backward(keep_graph=True)
            case "again":
                for y in self.graphs:
                    self.seen += [g.numpy() for g in tg.grad(y, self.parameters)]
            case "step" if w.grad is not None:
                optimizer.step()
            case "numpy":
                self.held.append(w.numpy())
            case "data":
                self.held.append(w.data)
            case "view":
                self.held.append(w.data[1:].T)
            case "buffer":
                self.held.append(memoryview(b.data))
            case "forget":
                self.held.clear()
            case "assign":
                w.data = w.data * 0.5
            case "write":
                w.data[0] += 1
            case "state":
                self.held += optimizer.state().values()
            case "load":
                optimizer.load_state({name: a * 2 for name, a in optimizer.state().items()})
            case "kept":
                self.held.append([a for kept in optimizer.kept for a in kept.values()])
            case "one kept":
                self.held.append(optimizer.kept[0])
            case "copy":
                other = copy.copy(optimizer)
                other.parameters = [tg.Tensor(p, requires_grad=True) for p in self.parameters]
                self.held.append(other)
            case "pickle":
                self.held.append(pickle.dumps([p.numpy() for p in self.parameters]))
            case "constant":
                self.held.append(w.detach())

    def look(self, held: Any) -> Any:
        if isinstance(held, Optimizer):
            return contents(held)
        if isinstance(held, dict | list):
            return [self.look(each) for each in (held.values() if isinstance(held, dict) else held)]
        return held if isinstance(held, bytes) else np.asarray(held).tobytes()

    def all(self) -> Any:
        grads = [None if p.grad is None else p.grad.tobytes() for p in self.parameters]
        return contents(self.optimizer), grads, [self.look(each) for each in (*self.held, *self.seen)]


@every
@given(actions=st.lists(st.sampled_from(ACTIONS), min_size=4, max_size=25), decay=st.sampled_from([0.0, 0.1]))
def test_nobody_can_tell_a_step_in_place_from_one_in_new_arrays(kind, actions, decay):
    programs = [Program(made, {"weight_decay": decay} if decay else {}) for made in (kind, fresh(kind))]
    for action in ["forward", "backward", *actions, "step", "again"]:
        for program in programs:
            program.do(action)
        assert programs[0].all() == programs[1].all()


def changed_by_a_step(hold: Any, kind: Any = Momentum) -> tuple[bool, Any, Any]:
    """Whether the parameter keeps its array in a step while somebody holds something, and what that was before and is afterwards."""
    p = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    optimizer = kind([p], lr=0.1)
    p.grad = np.ones((2, 2))
    optimizer.step()
    held = hold(p, optimizer)
    arrays_before = [id(p._array), id(optimizer.kept[0]["v"])]
    look = lambda: np.array(held.numpy() if isinstance(held, tg.Tensor) else held)
    before = look()
    optimizer.step()
    return [id(p._array), id(optimizer.kept[0]["v"])] == arrays_before, before, look()


@pytest.mark.parametrize(
    "hold",
    [
        lambda p, optimizer: next(iter((p * p).node.saved.values())),
        lambda p, optimizer: p.detach(),
        lambda p, optimizer: p.numpy(),
        lambda p, optimizer: tg.Tensor(p),
        lambda p, optimizer: optimizer.kept[0]["v"],
        lambda p, optimizer: optimizer.kept[0]["v"][1:],
        lambda p, optimizer: memoryview(optimizer.kept[0]["v"]),
        lambda p, optimizer: optimizer.state()["v.0"],
    ],
)
def test_what_somebody_holds_does_not_change(hold):
    _, before, after = changed_by_a_step(hold)
    assert before.tobytes() == after.tobytes()


def test_in_place_is_the_usual_way():
    same, *_ = changed_by_a_step(lambda p, optimizer: 0.0)
    assert same
    same, *_ = changed_by_a_step(lambda p, optimizer: p.data.sum())  # given away, and given back
    assert same


@pytest.mark.parametrize("held", [lambda kept: kept, lambda kept: kept[1]], ids=["the list", "a dict"])
def test_whoever_holds_what_an_optimizer_keeps_keeps_it(held):
    optimizer = Momentum(leaves(), lr=0.1)
    optimizer.step()
    before = held(optimizer.kept)
    look = lambda: str(before)
    was, now = look(), str(optimizer.kept)
    optimizer.step()
    assert look() == was
    assert str(optimizer.kept) != now


def test_what_is_kept_goes_by_its_name():
    optimizers = [made(leaves()) for made in (Adam, fresh(Adam))]
    for optimizer in optimizers:
        optimizer.step()
        optimizer.kept = [{name: kept[name].copy() for name in ("v", "m")} for kept in optimizer.kept]
        optimizer.step()
    assert str(optimizers[0].state()) == str(optimizers[1].state())
    assert [p.tolist() for p in optimizers[0].parameters] == [p.tolist() for p in optimizers[1].parameters]


def test_an_array_is_given_for_writing_only_if_nobody_else_sees_it():
    w = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert w.sole_array() is w._array
    for hold in (lambda: w * w, lambda: w.data, lambda: w.data[0], lambda: memoryview(w.data), lambda: w.detach()):
        held = hold()
        assert w.sole_array() is None
        del held
    assert w.sole_array() is w._array
    w.data.flags.writeable = False
    assert w.sole_array() is None
    for array in (np.ones((2, 2)).T, np.ones(4)[::2], np.frombuffer(bytearray(16))):
        assert tg.Tensor(array, copy=False).sole_array() is None


def test_while_it_is_written_an_op_works_on_a_copy():
    """In another thread, say: what is written to the array does not reach the graph."""
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    array: Any = w.sole_array()
    y = tg.sum(w * w)
    array[...] = 7.0
    del array
    y.backward()
    assert w.grad.tolist() == [2, 4]
    assert w.sole_array() is not None


# ---------------------------------------------------------------- all or none


@every
def test_a_step_in_place_that_is_interrupted_anywhere_is_made_or_not(kind):
    """Without a trial: that with one is in `test_atomic`."""

    def begin() -> Any:
        optimizer = kind(leaves(), lr=0.1, weight_decay=0.1)
        optimizer.step()
        optimizer.alias = optimizer.parameters[0].numpy()
        return optimizer

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        all_or_nothing(begin, lambda optimizer: optimizer.step(), state)


def overflowing(kind: Any) -> Any:
    optimizer = kind(leaves(), lr=1e10)
    optimizer.parameters[-1].grad = np.array([[1e308]])
    return optimizer


def test_an_overflow_in_place_is_reported_where_the_step_was_called():
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pytest.warns(RuntimeWarning, match="overflow encountered in the step of SGD\n.*부동소수점") as caught:
            overflowing(SGD).step()
        assert [each.filename for each in caught] == [__file__]
        with np.errstate(over="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            optimizer = overflowing(SGD)
            optimizer.step()
            assert optimizer.parameters[-1].item() == -np.inf
            assert optimizer.parameters[0].tolist() != [1, -2]


@every
@pytest.mark.parametrize("how", ["raise", "call", "print"])
def test_an_overflow_is_handled_as_numpy_was_told(kind, how, capfd):
    met = []
    optimizer = overflowing(kind)
    before = contents(optimizer)
    with np.errstate(over=how, invalid=how, call=lambda error, flag: met.append(error)):
        if how == "raise":
            with pytest.raises(FloatingPointError, match="overflow"):
                optimizer.step()
            assert contents(optimizer) == before
        else:
            optimizer.step()
            assert contents(optimizer) != before
    assert (met == ["overflow"] * len(met) and bool(met)) == (how == "call") or "invalid value" in met
    assert ("overflow" in capfd.readouterr().err) == (how == "print")


def test_an_overflow_in_another_thread_is_not_reported_here():
    def elsewhere() -> None:
        with np.errstate(all="ignore"), ThreadPoolExecutor(1) as pool:
            pool.submit(overflowing(SGD).step).result()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the other thread reports
        warnings.filterwarnings("error", message=".*in the step of here")
        in_place.make("here", [], [(elsewhere,)])


def test_a_handler_of_the_users_that_raises_leaves_everything():
    def handler(error: str, flag: int) -> None:
        raise KeyboardInterrupt

    optimizer = overflowing(Adam)
    before = contents(optimizer)
    with np.errstate(over="call", call=handler), pytest.raises(KeyboardInterrupt):
        optimizer.step()
    assert contents(optimizer) == before


@pytest.mark.parametrize(
    ("filters", "raises"),
    [
        ([], False),
        ([("error", "", Warning)], True),
        ([("error", "", RuntimeWarning), ("default", "", Warning)], False),  # the last one given comes first
        ([("error", "", DeprecationWarning)], False),
        ([("error", "overflow", RuntimeWarning), ("ignore", "", UserWarning)], True),
        ([("error", "", Warning), ("ignore", "overflow", RuntimeWarning)], True),
    ],
)
def test_filters_of_warnings_that_may_make_an_error_of_an_overflow(filters, raises):
    with warnings.catch_warnings():
        warnings.resetwarnings()
        for action, message, category in filters:
            warnings.filterwarnings(action, message, category)
        assert in_place._warnings_raise() == raises


def test_numpy_is_told_nothing_that_lasts():
    before = np.geterr(), np.geterrcall()
    ready(SGD).step()
    assert (np.geterr(), np.geterrcall()) == before


# ---------------------------------------------------------------- formulas of one's own


def test_a_formula_of_ones_own_is_called():
    """Also one that is given to a class or to an optimizer later, or changes a part of ours."""
    wanted = lambda self, p, g, steps, **kept: (p + 1,)

    def stepped(kind: Any, change: Any = None, **options: Any) -> Any:
        p = leaves()[0]
        optimizer = kind([p], lr=0.5, **options)
        if change:
            change(optimizer)
        optimizer.step()
        return p.tolist()

    assert stepped(type("Own", (SGD,), {"updated": wanted})) == [2, -1]
    assert stepped(SGD, lambda optimizer: setattr(optimizer, "updated", wanted.__get__(optimizer))) == [2, -1]
    assert stepped(type("Own", (SGD,), {"decayed": lambda self, p, g: 2 * g}), weight_decay=0.1) == [0.5, -2.5]
    assert stepped(type("Own", (SGD,), {"lr": property(lambda self: 2.0, lambda self, lr: None)})) == [0, -3]
    with pytest.raises(TypeError, match=r"updated of Own must return the tuple \(p, v\)"):
        stepped(type("Own", (SGD,), {"memory": ("v",)}))


@pytest.mark.parametrize(
    "formula",
    [
        lambda self, p, g, steps: (p - g if self.lr else p,),
        lambda self, p, g, steps: (g * np.add.reduce(p),),
        lambda self, p, g, steps: (p + np.matmul(p, g),),
    ],
)
def test_what_cannot_be_written_down_once_and_number_by_number_is_refused(formula):
    own = type("Own", (SGD,), {"updated": in_place.elementwise(lambda *arguments: formula(*arguments))})
    before = contents(optimizer := own(leaves()[:1]))
    with pytest.raises(TypeError):
        optimizer.step()
    assert contents(optimizer) == before


def test_a_number_that_has_a_say_in_the_dtype_has_it():
    """NumPy computes float32 times np.float64 in double precision."""
    steps = []
    for kind in (SGD, fresh(SGD)):
        lr: Any = np.float64(0.1)
        optimizer = kind(parameters(np.float32), lr=lr)
        for p in optimizer.parameters:
            p.grad = p.numpy()
        optimizer.step()
        steps.append(contents(optimizer))
    assert steps[0] == steps[1]


def test_after_a_schedule_or_by_hand_the_rate_is_the_new_one():
    p, q = leaves()[0], leaves()[0]
    optimizer, other = AdamW([p]), fresh(AdamW)([q])
    for lr, following in pairwise([0.1, 0.2, 0.05, 0.4]):
        for each in (optimizer, other):
            each.lr, each.weight_decay = lr, following
            each.step()
        assert contents(optimizer) == contents(other)
