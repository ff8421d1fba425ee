"""A compiled training step computes what the eager step computes, to the last bit, whatever is changed between calls."""

import gc
import re
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn, optim
from tinygrad_ko.compiler.tracing.symbols import Symbol

Compiled: Any = tg.compile
X = np.random.default_rng(7).normal(size=(6, 4))
T = np.random.default_rng(8).normal(size=(6, 2))


class Training:
    """A model, an optimizer and a step of it."""

    def __init__(self, kind=optim.SGD, model=None, **settings):
        self.model = model or nn.Sequential(nn.Affine(4, 3, rng=0), nn.Tanh(), nn.Affine(3, 2, rng=1))
        self.optimizer = kind(self.model.parameters(), lr=0.05, **settings)

        def step(x, t):
            self.optimizer.zero_grad()
            loss = tg.sum((self.model(x) - t) ** 2)
            loss.backward()
            self.optimizer.step()
            return loss

        self.step = step
        self.compiled = Compiled(step)

    def numbers(self):
        """Everything that a step changes."""
        tensors = self.model.named_tensors()
        found = {name: t.numpy().copy() for name, t in tensors.items()}
        found |= {f"d{name}": t.grad for name, t in tensors.items() if t.requires_grad and t.grad is not None}
        return found | self.optimizer.state() | {"lr": np.array(self.optimizer.lr)}


def require_equal(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        assert np.array_equal(a[name], b[name]), name


def programs(compiled):
    return [program for each in compiled.programs.values() for program in each]


OPTIMIZERS = [optim.SGD, optim.Momentum, optim.Nesterov, optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_step_of_every_optimizer_is_the_eager_step(kind, weight_decay):
    eager, ours = Training(kind, weight_decay=weight_decay), Training(kind, weight_decay=weight_decay)
    for i in range(6):
        step = ours.step if i == 3 else ours.compiled  # an eager step in between
        assert step(X + i, T).item() == eager.step(X + i, T).item()
        require_equal(ours.numbers(), eager.numbers())
    assert len(programs(ours.compiled)) == 2  # without gradients at first, and with them


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_narrow_dtypes(dtype):
    def made():
        w = tg.Tensor([1.0, -2.0, 3.0], requires_grad=True, dtype=dtype)
        optimizer = optim.Adam([w], lr=0.1, weight_decay=0.01)

        def step(x):
            optimizer.zero_grad()
            tg.sum(w * w * x).backward()
            optimizer.step()

        return w, optimizer, step

    (w, optimizer, step), (v, other, theirs) = made(), made()
    compiled = Compiled(theirs)
    for i in range(4):
        step(np.full(3, i, dtype))
        compiled(np.full(3, i, dtype))
        assert np.array_equal(v.data, w.data)
        assert np.array_equal(v.grad, w.grad)
        assert v.dtype == v.grad.dtype == dtype
        require_equal(other.state(), optimizer.state())


@pytest.mark.filterwarnings("ignore:compile. step was compiled 8 times")
def test_edits_between_calls_are_seen():
    eager, ours = Training(optim.Adam), Training(optim.Adam)

    def edit(training, i):
        model, optimizer = training.model, training.optimizer
        if i == 1:
            optimizer.lr = 0.5
        if i == 2:
            model[0].W.data = np.ones((4, 3))
        if i == 3:
            model[0].W.data[0] = 3.0
            optimizer.steps[1] = 30
        if i == 4:
            optimizer.load_state({name: array + (name == "steps") for name, array in optimizer.state().items()})
        if i == 5:
            model[0].b.requires_grad = False
        if i == 6:
            model[0].b.requires_grad = True
        if i == 7:
            optimizer.betas = (0.5, 0.6)
        if i == 8:
            model.layers[1] = nn.Sigmoid()
        if i == 9:
            model[2].b.grad = np.ones(2)
        if i == 10:
            optimizer.eps = 1e-3

    for i in range(12):
        edit(eager, i)
        edit(ours, i)
        assert ours.compiled(X, T).item() == eager.step(X, T).item()
        require_equal(ours.numbers(), eager.numbers())


def test_random_mixtures_of_eager_and_compiled_steps_and_edits():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        kind = OPTIMIZERS[rng.integers(len(OPTIMIZERS))]
        model = [
            nn.Sequential(nn.Affine(4, 3, rng=0), nn.BatchNorm(3), nn.Dropout(0.3, rng=5), nn.Affine(3, 2, rng=1))
            for _ in range(2)
        ]
        eager, ours = Training(kind, model[0]), Training(kind, model[1])
        schedules = [optim.Schedule(t.optimizer, optim.cosine_decay, total=9) for t in (eager, ours)]
        for _ in range(8):
            what, number = rng.integers(6), float(rng.random())
            for training, schedule in zip((eager, ours), schedules, strict=True):
                if what == 0:
                    training.optimizer.lr = number
                if what == 1:
                    schedule.step()
                if what == 2:
                    training.model.train(number > 0.5)
                if what == 3:
                    training.model[0].W.data *= number
                if what == 4:
                    training.optimizer.weight_decay = number
            step = ours.compiled if rng.random() < 0.8 else ours.step
            step(X, T)
            eager.step(X, T)
            require_equal(ours.numbers(), eager.numbers())


def test_running_statistics():
    model = [nn.Sequential(nn.Affine(4, 3, rng=0), nn.BatchNorm(3), nn.Affine(3, 2, rng=1)) for _ in range(2)]
    eager, ours = Training(optim.SGD, model[0]), Training(optim.SGD, model[1])
    for i in range(4):
        for training in (eager, ours):
            training.model.train(i != 3)
            training.optimizer.lr = 1e-3
        assert ours.compiled(X + i, T).item() == eager.step(X + i, T).item()
        require_equal(ours.numbers(), eager.numbers())


def test_a_schedule_in_the_step():
    def made():
        training = Training(optim.Momentum)
        schedule = optim.Schedule(training.optimizer, optim.cosine_decay, total=9, warmup=2)

        def step(x, t):
            loss = training.step(x, t)
            schedule.step()
            return loss

        return training, schedule, step

    (eager, one, step), (ours, other, theirs) = made(), made()
    compiled = Compiled(theirs)
    for _ in range(11):
        assert compiled(X, T).item() == step(X, T).item()
        require_equal(ours.numbers(), eager.numbers())
        assert one.steps == other.steps
        assert type(other.steps) is int
        assert type(ours.optimizer.lr) is float


def test_gradients_add_up_without_zero_grad():
    def made():
        w = tg.Tensor([1.0, 2.0], requires_grad=True)

        def step(x):
            y = tg.sum(tg.exp(w * x))
            y.backward()
            return y

        return w, step

    (w, step), (v, other) = made(), made()
    compiled = Compiled(other)
    for i in range(4):
        assert compiled(np.full(2, 0.1 * i)).item() == step(np.full(2, 0.1 * i)).item()
        assert np.array_equal(w.grad, v.grad)


def test_two_optimizers_and_tied_weights():
    def made():
        layer = nn.Affine(3, 3, rng=0)
        model = nn.Sequential(layer, nn.Tanh(), layer)
        first, second = optim.SGD([layer.W], lr=0.1), optim.Adam([layer.b], lr=0.1)

        def step(x):
            model.zero_grad()
            y = tg.sum(model(x) ** 2)
            y.backward()
            first.step()
            second.step()
            return y

        return layer, step

    (a, step), (b, other) = made(), made()
    compiled = Compiled(other)
    for _ in range(3):
        assert compiled(X[:, :3]).item() == step(X[:, :3]).item()
        assert np.array_equal(a.W.data, b.W.data)
        assert np.array_equal(a.b.data, b.b.data)


@pytest.mark.parametrize("clip", [optim.clip_grad_norm, optim.clip_grad_value])
@pytest.mark.parametrize("limit", [1e-3, 1e3])
def test_clipping(clip, limit):
    def made():
        w = tg.Tensor([[1.0, 2.0], [3.0, -4.0]], requires_grad=True)
        b = tg.Tensor([0.5, 0.5], requires_grad=True)
        optimizer = optim.SGD([w, b], lr=0.1)

        def step(x):
            optimizer.zero_grad()
            tg.sum(tg.tanh(x @ w + b)).backward()
            length = clip([w, b], limit)
            optimizer.step()
            return length

        return (w, b), step

    (ours, step), (theirs, other) = made(), made()
    compiled = Compiled(other)
    for _ in range(3):
        assert compiled(X[:, :2]) == step(X[:, :2])
        for p, q in zip(ours, theirs, strict=True):
            assert np.array_equal(p.data, q.data)
            assert np.array_equal(p.grad, q.grad)
    with pytest.raises(RuntimeError, match="NaN or infinity"):
        compiled(np.full((6, 2), np.nan))


def test_an_error_while_it_is_traced_changes_nothing():
    training = Training(optim.Adam)
    training.compiled(X, T)
    before, state = training.numbers(), training.optimizer.steps
    for wrong in (X[:, :3], X[None, None, :, :3]):
        with pytest.raises(ValueError, match="affine"):
            training.compiled(wrong, T)
    require_equal(training.numbers(), before)
    assert training.optimizer.steps == state
    gc.collect()
    assert not [x for x in gc.get_objects() if isinstance(x, Symbol)]


def test_an_error_while_it_runs_changes_nothing():
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.Momentum([w], lr=0.1)

    def step(x):
        optimizer.zero_grad()
        tg.sum(tg.log(w * x)).backward()
        optim.clip_grad_norm([w], 1.0)
        optimizer.step()

    compiled = Compiled(step)
    compiled(np.ones(2))
    before = w.numpy().copy(), w.grad, optimizer.state()
    with pytest.raises(RuntimeError, match="NaN or infinity"), np.errstate(all="ignore"):
        compiled(np.array([np.nan, 1.0]))
    assert np.array_equal(w.data, before[0])
    assert np.array_equal(w.grad, before[1])
    require_equal(optimizer.state(), before[2])


def test_names():
    training = Training(optim.Adam)
    training.compiled(X, T)
    training.compiled(X, T)
    for name in ("layers_0_W", "dlayers_0_W", "m_layers_0_W", "v_layers_2_b", "lr", "steps"):
        assert re.search(rf"\b{name}\b", training.compiled.source), name


def test_who_was_given_the_array_of_a_parameter_sees_the_step():
    training = Training()
    given = training.model[0].W.data
    before = given.copy()
    training.compiled(X, T)
    assert given is training.model[0].W.data
    assert not np.array_equal(given, before)


def test_a_number_of_numpys_between_arrays_that_change():
    """What comes of a Tensor of no axes may be a scalar of NumPy's, which has no layout to compare."""

    def trained(make):
        counted = {"w": tg.Tensor([0.5, -1.5]), "steps": tg.Tensor(0.0), "seen": tg.Tensor([0.0, 0.0])}

        def step(x):
            counted["steps"] += 1.0
            counted["w"] *= x
            counted["seen"][0] = tg.sum(counted["w"])

        call = make(step)
        for k in range(4):
            call(np.array([1.0, k + 1.0]))
        return {name: t.tolist() for name, t in counted.items()}

    assert trained(Compiled) == trained(lambda step: step)
