"""What a compiled function holds is an input: it computes what the eager step computes, to the last bit, whatever is changed between calls."""

import gc
import itertools
import random
import re
import time

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn, optim
from tinygrad_ko.compiler.compiled import Compiled
from tinygrad_ko.compiler.symbols import Symbol

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
        assert a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name]), name


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
        assert np.array_equal(v.data, w.data) and np.array_equal(v.grad, w.grad) and v.dtype == v.grad.dtype == dtype
        require_equal(other.state(), optimizer.state())


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
        model = [nn.Sequential(nn.Affine(4, 3, rng=0), nn.Tanh(), nn.Dropout(0.3, rng=5), nn.Affine(3, 2, rng=1)) for _ in range(2)]
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
        assert np.isclose(ours.compiled(X + i, T).item(), eager.step(X + i, T).item(), rtol=1e-12)
        a, b = ours.numbers(), eager.numbers()
        for name in b:
            assert np.allclose(a[name], b[name], rtol=1e-12, atol=1e-12), name


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
        assert one.steps == other.steps and type(other.steps) is int and type(ours.optimizer.lr) is float


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
        assert np.array_equal(a.W.data, b.W.data) and np.array_equal(a.b.data, b.b.data)


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
            assert np.array_equal(p.data, q.data) and np.array_equal(p.grad, q.grad)
    with pytest.raises(RuntimeError, match="NaN or infinity"):
        compiled(np.full((6, 2), np.nan))


# ---------------------------------------------------------------------- arrays


SCALE = np.array([1.0, 2.0])


def test_arrays_are_read_at_every_call():
    held, box, default_array = np.array([1.0, 2.0]), {"list": [np.array([3.0, 4.0])], "pair": (np.array([5.0, 6.0]), 2.0)}, np.ones(2)

    def f(x, d=default_array):
        return x * held + box["list"][0] * SCALE - box["pair"][0] * box["pair"][1] + d * 2

    compiled, x = Compiled(f), np.array([0.5, 0.25])
    assert np.array_equal(compiled(x), f(x))
    for array in (held, box["list"][0], box["pair"][0], default_array, SCALE):
        array += 1.5
        assert np.array_equal(compiled(x), f(x))
    assert len(programs(compiled)) == 1
    held = np.array([7.0, 8.0])
    box["list"][0] = np.array([1.0, -1.0])
    assert np.array_equal(compiled(x), f(x))
    assert len(programs(compiled)) == 1
    held = np.array([7.0, 8.0], np.float32)
    assert np.array_equal(compiled(x), f(x))
    box["pair"] = (np.zeros(2), 3.0)
    assert np.array_equal(compiled(x), f(x))
    assert len(programs(compiled)) == 3


def test_arrays_of_the_book_are_changed_in_place():
    def made():
        params = {"W1": np.ones((4, 3)), "b1": np.zeros(3)}
        seen = params["W1"]

        def step(x):
            _, grads = tg.func.value_and_grad(lambda p: tg.sum(tg.tanh(x @ p["W1"] + p["b1"])))(params)
            for key in params:
                params[key] -= 0.1 * grads[key]

        return params, seen, step

    (params, _, step), (others, seen, theirs) = made(), made()
    compiled = Compiled(theirs)
    for _ in range(3):
        step(X)
        compiled(X)
        assert np.array_equal(others["W1"], params["W1"]) and np.array_equal(others["b1"], params["b1"])
        assert others["W1"] is seen
    seen.setflags(write=False)
    others["W1"] = seen
    before = others["b1"].copy()
    with pytest.raises(ValueError, match="read-only"):
        compiled(X)
    assert np.array_equal(others["b1"], before)


def test_an_array_that_the_function_replaces():
    class Average:
        def __init__(self):
            self.mean, self.count = np.zeros(2), 0

        def __call__(self, x):
            self.count += 1
            self.mean = self.mean + (x - self.mean) / self.count
            return self.mean * 2

    eager, ours = Average(), Average()
    compiled = Compiled(ours)
    for i in range(5):
        assert np.array_equal(compiled(np.array([i, 1.0])), eager(np.array([i, 1.0])))
        assert np.array_equal(ours.mean, eager.mean) and ours.count == eager.count
        assert type(ours.mean) is np.ndarray and type(ours.count) is int
    compiled(np.zeros(2))[:] = 9.0
    assert np.array_equal(ours.mean, (eager(np.zeros(2)), eager.mean)[1])
    assert len(programs(compiled)) == 1


def test_who_was_given_the_array_of_a_parameter_sees_the_step():
    training = Training()
    given = training.model[0].W.data
    before = given.copy()
    training.compiled(X, T)
    assert given is training.model[0].W.data and not np.array_equal(given, before)


def test_two_results_are_not_one_array():
    w = tg.Tensor([1.0, 2.0], requires_grad=True)

    def f(x):
        w.grad = None
        tg.sum(w * x).backward()
        return w.grad, w.grad

    a, b = Compiled(f)(np.array([3.0, 4.0]))
    a[:] = 0
    assert w.grad.tolist() == b.tolist() == [3.0, 4.0]


# ---------------------------------------------------------------------- numbers and other plain values


FACTOR = 2.0


class Settings:
    rate = 0.5


@pytest.mark.filterwarnings("ignore:compile. f was compiled 8 times")
def test_plain_values_are_seen_to_change():
    settings, options, mode = Settings(), {"power": 2, "name": None}, "sin"

    def f(x):
        y = x * FACTOR * settings.rate + Settings.rate
        y = y ** options["power"] if options["name"] is None else y
        return np.sin(y) if mode == "sin" else np.cos(y)

    compiled, x = Compiled(f), np.array([0.5, 0.25])

    def changes():
        global FACTOR
        nonlocal mode
        yield
        FACTOR = 3.0
        yield
        settings.rate = 0.25
        yield
        Settings.rate = 0.125
        yield
        options["power"] = 3
        yield
        options["power"] = 3.0
        yield
        options["name"] = "none"
        yield
        mode = "cos"
        yield
        FACTOR = 2.0
        Settings.rate = 0.5

    for _ in changes():
        assert np.array_equal(compiled(x), f(x))


def test_minus_zero_is_another_number():
    box = [0.0]

    def f(x):
        return x * box[0]

    compiled = Compiled(f)
    assert not np.signbit(compiled(np.ones(1)))
    box[0] = -0.0
    assert np.signbit(compiled(np.ones(1)))


def test_a_count_that_a_branch_asks_about():
    class Every:
        def __init__(self):
            self.count, self.total = 0, np.zeros(2)

        def __call__(self, x):
            self.count += 1
            self.total = self.total + x
            if self.count % 3 == 0:
                self.total = self.total * 0.5
            return self.total

    eager, ours = Every(), Every()
    compiled = Compiled(ours)
    for i in range(9):
        assert np.array_equal(compiled(np.full(2, i)), eager(np.full(2, i)))
    assert len(programs(compiled)) == 2


COUNT = 0


def test_counters_in_closures_and_globals():
    n = 10

    def f(x):
        global COUNT
        nonlocal n
        COUNT += 1
        n -= 2
        return x * COUNT + n

    compiled = Compiled(f)
    for i in range(1, 4):
        assert compiled(np.ones(2)).tolist() == [i + 10 - 2 * i] * 2
        assert (i, 10 - 2 * i) == (COUNT, n)
    assert len(programs(compiled)) == 1


def test_python_numbers_stay_pythons():
    box = {"lr": 0.1, "n": 3}

    def f(x):
        box["n"] += 1
        box["lr"] = box["lr"] / (1 - 0.9 ** box["n"]) // 1e-3 * 1e-3 + -box["n"]
        return x * box["lr"] * 2

    eager = {"lr": 0.1, "n": 3}
    compiled = Compiled(f)
    for _ in range(3):
        out = compiled(np.ones(2, np.float32))
        eager["n"] += 1
        eager["lr"] = eager["lr"] / (1 - 0.9 ** eager["n"]) // 1e-3 * 1e-3 + -eager["n"]
        assert box == eager and out.dtype == np.float32
        assert np.array_equal(out, np.ones(2, np.float32) * eager["lr"] * 2)


# ---------------------------------------------------------------------- random numbers


def test_dropout_draws_what_eager_draws():
    def made(rng):
        model = nn.Sequential(nn.Affine(4, 50, rng=0), nn.Dropout(0.5, rng=rng))
        return model, lambda x: tg.sum(model(x)).item if False else tg.sum(model(x))

    for rng in (None, 3):
        (_, f), (model, g) = made(rng), made(rng)
        compiled = Compiled(g)
        np.random.seed(1)
        wanted = [f(X).item() for _ in range(3)]
        after = np.random.random()
        np.random.seed(1)
        assert [compiled(X).item() for _ in range(3)] == wanted
        assert np.random.random() == after
        model.eval()
        assert compiled(X).item() == g(X).item()


def test_a_generator_that_the_function_holds():
    def made():
        rng, data = np.random.default_rng(2), np.arange(20.0)

        def f(x):
            batch = data[rng.integers(0, 20, 4)]
            noise = rng.normal(size=4) * rng.random()
            return x + batch + noise + rng.permutation(4)

        return f

    f, compiled = made(), Compiled(made())
    for _ in range(3):
        assert np.array_equal(compiled(np.ones(4)), f(np.ones(4)))


def test_a_seed_draws_the_same_at_every_call():
    def f(x):
        return tg.dropout(x, 0.5, rng=3)

    compiled = Compiled(f)
    assert [compiled(np.ones(8)).tolist() for _ in range(2)] == [f(np.ones(8)).tolist()] * 2


def drawn_past(x):
    return x * np.random.rand()


def drawn_by_python(x):
    return x * random.random()


def of_a_fresh_generator(x):
    return x * np.random.default_rng().random(2)


def of_a_clock(x):
    return x * time.perf_counter()


ITERATOR = itertools.count(1)


def of_an_iterator(x):
    return x * next(ITERATOR)


def returned_from_a_clock(x):
    return x + 1, time.perf_counter()


@pytest.mark.parametrize("f", [drawn_past, drawn_by_python, of_a_fresh_generator, of_a_clock, of_an_iterator, returned_from_a_clock])
def test_what_is_another_at_every_call_is_refused(f):
    before = np.random.get_state(legacy=False)["state"]["pos"], random.getstate()
    with pytest.raises(TypeError, match="compile: ") as refusal:
        Compiled(f)(np.ones(2))
    assert before == (np.random.get_state(legacy=False)["state"]["pos"], random.getstate())
    if f in (of_a_clock, of_a_fresh_generator, of_an_iterator):
        assert f"test_state.py:{f.__code__.co_firstlineno + 1}" in str(refusal.value)


# ---------------------------------------------------------------------- what cannot be followed


class Recorder:
    def __init__(self):
        self.losses, self.last = [], None


def appended(x, recorder):
    recorder.losses.append(x * 2)
    return x


def kept_in_an_object(x, recorder):
    recorder.last = [Settings()]
    return x


def kept_as_a_graph(x, recorder):
    recorder.last = tg.Tensor(x, requires_grad=True) * 2
    return x


OUTSIDE = [[]]
KNOWS = {"list": lambda: OUTSIDE}


def kept_out_of_sight(x, recorder):
    KNOWS["list"]()[0].append(x * 2)
    return x


def frozen(x, recorder):
    recorder.w.requires_grad = False
    return x * recorder.w


@pytest.mark.parametrize("f", [appended, kept_in_an_object, kept_as_a_graph, kept_out_of_sight, frozen])
def test_a_change_that_cannot_be_made_is_refused_and_nothing_is_left(f):
    recorder = Recorder()
    recorder.w = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="compile: "):
        Compiled(lambda x: f(x, recorder))(np.ones(2))
    assert recorder.losses == [] and recorder.last is None and recorder.w.requires_grad and recorder.w.data.tolist() == [1.0, 2.0]
    OUTSIDE[0].clear()


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
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
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
    assert np.array_equal(w.data, before[0]) and np.array_equal(w.grad, before[1])
    require_equal(optimizer.state(), before[2])


def test_a_lazy_attribute_is_made_at_the_first_call():
    class Lazy:
        def __init__(self):
            self.scale = None

        def __call__(self, x):
            if self.scale is None:
                self.scale = np.sum(x) * 1.0
            self.out = x * self.scale
            return self.out

    eager, ours = Lazy(), Lazy()
    compiled = Compiled(ours)
    for i in range(1, 4):
        assert np.array_equal(compiled(np.full(2, i)), eager(np.full(2, i)))
        assert ours.scale == eager.scale and np.array_equal(ours.out, eager.out)


def test_names():
    training = Training(optim.Adam)
    training.compiled(X, T)
    training.compiled(X, T)
    for name in ("layers_0_W", "dlayers_0_W", "m_layers_0_W", "v_layers_2_b", "lr", "steps"):
        assert re.search(rf"\b{name}\b", training.compiled.source), name
