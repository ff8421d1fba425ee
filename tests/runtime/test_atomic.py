"""What changes several things at once: wherever Ctrl-C or an error falls, all are changed or none. And locks after a fork."""

import os
import subprocess
import sys
from operator import setitem
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.interrupts import all_or_nothing
from tinygrad_ko.nn import module, networks
from tinygrad_ko.optim import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    RMSprop,
    Schedule,
    clip_grad_norm,
    clip_grad_value,
    exponential_decay,
)
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.state.replay import _restoring, random_states

OPTIMIZERS = [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam, AdamW]
every = pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def test_a_call_that_fails_goes_no_further():
    a: Any = [0, 0]
    with pytest.raises(IndexError):
        at_once(setitem, [(a, 0, 1), (a, 9, 1), (a, 1, 1)])()
    assert a == [1, 0]


# ---------------------------------------------------------------- steps of optimizers


def leaves(dtype: Any = np.float64) -> list[Any]:
    """Three parameters with gradients: one whose array was given away, one without axes, one like any other."""
    found = [tg.Tensor(np.array(value, dtype), requires_grad=True) for value in ([1.0, -2.0], 0.5, [[3.0]])]
    for p in found:
        p.grad = np.full(p.shape, 0.5, dtype)
    return found


def ready(kind, **options):
    optimizer = kind(leaves(), lr=0.1, weight_decay=0.1, **options)
    optimizer.step()
    optimizer.alias = optimizer.parameters[0].data
    return optimizer


def state(optimizer):
    numbers = [p.numpy() for p in optimizer.parameters] + [optimizer.alias]
    return (*(a.tobytes() for a in numbers), *((name, a.tobytes()) for name, a in optimizer.state().items()))


@every
def test_a_step_that_is_interrupted_anywhere_is_made_or_not(kind):
    all_or_nothing(lambda: ready(kind), lambda optimizer: optimizer.step(), state)


@every
def test_a_step_that_fails_at_the_last_parameter_changes_nothing(kind, monkeypatch):
    optimizer = ready(kind)
    before, last, updated = state(optimizer), optimizer.parameters[-1], kind.updated

    def out_of_memory(self, p, *rest, **kept):
        if p.shape == (1, 1):
            raise MemoryError
        return updated(self, p, *rest, **kept)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "updated", out_of_memory)
        with pytest.raises(MemoryError):
            optimizer.step()
    assert state(optimizer) == before
    for g in (np.ones((2, 2)), np.ones(1)):  # the second would broadcast
        last.node.grad = g  # behind the back of the setter, which would refuse it
        with pytest.raises(ValueError, match=r"parameter 2 has shape .*, its gradient") as caught:
            optimizer.step()
        assert korean(caught.value)
        assert state(optimizer) == before
    last.grad, optimizer.lr = np.array([[1e308]]), 1e10
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        optimizer.step()
    assert state(optimizer) == before
    last.grad, optimizer.lr = np.ones((1, 1)), 0.1
    optimizer.step()
    assert state(optimizer) != before


@every
def test_a_warning_that_is_an_error_changes_nothing(kind):
    optimizer = ready(kind)
    optimizer.parameters[-1].grad = np.array([[1e308]])
    optimizer.lr, before = 1e10, state(optimizer)
    with pytest.raises(RuntimeWarning, match="overflow"):  # the suite turns warnings into errors
        optimizer.step()
    assert state(optimizer) == before


@every
def test_whoever_holds_the_array_of_a_parameter_sees_the_step(kind):
    p, q = leaves()[:2]
    view = p.data[1:]
    kind([p, q], lr=0.1).step()
    assert view.tolist() == p.tolist()[1:]
    assert view[0] != -2
    assert q.item() != 0.5


@every
def test_a_graph_that_is_kept_keeps_its_values(kind):
    p = leaves()[0]
    y = tg.sum(p * p)
    kind([p], lr=0.1).step()
    p.zero_grad()
    y.backward()
    assert p.grad.tolist() == [2, -4]
    assert p.tolist() != [1, -2]


@pytest.mark.parametrize(
    "second", [lambda a: a, lambda a: a.T, lambda a: a[1:]], ids=["itself", "transposed", "a part"]
)
def test_parameters_that_share_memory_are_refused(second):
    """One step would change the memory twice, the second time from numbers that the first has left."""
    a = np.ones((2, 2))
    tied = [tg.Tensor(x, requires_grad=True, copy=False) for x in (a, second(a))]
    with pytest.raises(ValueError, match="parameters 1 and 2 share memory") as caught:
        SGD([tg.Tensor(1.0, requires_grad=True), *tied])
    assert korean(caught.value)


def test_parts_of_one_array_are_parameters_like_any_others():
    a = np.ones(5)
    SGD([tg.Tensor(x, requires_grad=True, copy=False) for x in (a[:2], a[2:4], a[4:])])
    SGD([tg.Tensor(x, requires_grad=True, copy=False) for x in (a[::2], a[1::2])])


# ---------------------------------------------------------------- whatever else changes several things


def gradients(tensors):
    return tuple(None if p.grad is None else p.grad.tobytes() for p in tensors)


def values(tensors):
    return tuple(p.numpy().tobytes() for p in tensors)


def loaded(monkeypatch, room, arrays):
    monkeypatch.setattr(room, "load_arrays", lambda path, shapes: arrays)


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value], ids=lambda clip: clip.__name__)
def test_clipping(clip):
    all_or_nothing(leaves, lambda tensors: clip(tensors, 0.25), gradients)


def test_forgetting_the_gradients():
    all_or_nothing(lambda: SGD(leaves()), lambda optimizer: optimizer.zero_grad(), lambda o: gradients(o.parameters))

    def model():
        made = tg.nn.Affine(2, 2, rng=0)
        made.W.grad, made.b.grad = np.ones((2, 2)), np.ones(2)
        return made

    all_or_nothing(model, lambda made: made.zero_grad(), lambda made: gradients([made.W, made.b]))


def test_a_parameter_that_is_a_constant_by_now_has_nothing_to_forget():
    optimizer = SGD(leaves())
    optimizer.parameters[0].requires_grad = False
    optimizer.zero_grad()
    assert gradients(optimizer.parameters) == (None, None, None)


def test_the_state_of_an_optimizer():
    other = ready(Adam).state()
    all_or_nothing(lambda: Adam(leaves()), lambda o: o.load_state(other), lambda o: str(o.state()))


def test_a_schedule():
    def look(schedule):
        return schedule.lr, schedule.steps, schedule.optimizer.lr

    def begin():
        return Schedule(SGD(leaves()), exponential_decay, rate=0.5)

    all_or_nothing(begin, lambda schedule: schedule.step(), look)
    all_or_nothing(begin, lambda schedule: schedule.load_state({"lr": np.array(3.0), "steps": np.array(2)}), look)


def test_loading_a_module(monkeypatch):
    loaded(monkeypatch, module, {"W": np.full((2, 2), 7.0), "b": np.full(2, 7.0)})
    all_or_nothing(lambda: tg.nn.Affine(2, 2, rng=0), lambda made: made.load(""), lambda made: values([made.W, made.b]))


def test_loading_a_network_of_the_book(monkeypatch):
    first = tg.nn.TwoLayerNet(2, 2, 2, rng=0)
    loaded(monkeypatch, networks, {name: a + 1 for name, a in first.params.items()})
    look = lambda net: tuple(a.tobytes() for a in net.params.values())
    all_or_nothing(lambda: tg.nn.TwoLayerNet(2, 2, 2, rng=0), lambda net: net.load(""), look)


def test_running_averages():
    x = np.arange(6.0).reshape(3, 2)
    look = lambda layer: values([layer.running_mean, layer.running_var])
    all_or_nothing(lambda: tg.nn.BatchNorm(2), lambda layer: layer._update_running(x), look)


def test_gradients_that_are_deposited():
    def begin():
        tensors = leaves()[:2]
        return tensors, tg.sum(tensors[0] * tensors[1])

    all_or_nothing(begin, lambda subject: subject[1].backward(), lambda subject: gradients(subject[0]))


def test_random_streams_that_go_back_to_where_they_stood():
    def begin():
        np.random.seed(0)
        generators = [np.random.default_rng(i) for i in range(2)]
        states = random_states(generators)
        np.random.random(), [g.random() for g in generators]
        return generators, states

    all_or_nothing(begin, lambda subject: _restoring(*subject)(), lambda subject: str(random_states(subject[0])))


# ---------------------------------------------------------------- locks

FORKED = """
import os, signal, threading
import numpy as np
import tinygrad_ko as tg
from tinygrad_ko.engine import backprop
from tinygrad_ko.state import preserve
from tinygrad_ko.check.functions import function

def work():
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    tg.func.checkpoint(tg.dropout, w).sum().backward()
    tg.nn.Affine(2, 2).summary((1, 2))
    assert tg.check_gradient(tg.nn.Affine(2, 2), np.ones((1, 2))).verdict == "agrees"

work()  # so that nothing is left to be imported in the child
locks = backprop._deposit_lock, preserve.preserving, function._lock, np.random.get_bit_generator().lock
taken, enough = threading.Event(), threading.Event()
def hold():
    with locks[0], locks[1], locks[2], locks[3]:
        taken.set()
        enough.wait()
other = threading.Thread(target=hold)
other.start()
taken.wait()
child = os.fork()
if not child:
    signal.alarm(10)
    work()
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
enough.set()
other.join()
assert status == 0, "the child hung" if status == -signal.SIGALRM else status

with locks[0]:  # held by the thread that forks: the child holds it too, and gives it back
    child = os.fork()
if not child:
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_amid_the_work_of_another_thread_works():
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
