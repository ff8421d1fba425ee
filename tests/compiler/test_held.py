"""What a compiled function holds, arrays, numbers and other values, is read at every call, and what it puts there is put there."""

import ctypes
import dataclasses
import enum
import sys
import types
from array import array
from collections import deque
from functools import partial
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import optim


def programs(compiled):
    return [program for each in compiled.programs.values() for program in each]


Compiled: Any = tg.compile
X = np.random.default_rng(7).normal(size=(6, 4))
SCALE = np.array([1.0, 2.0])


def test_arrays_are_read_at_every_call():
    held, default_array = np.array([1.0, 2.0]), np.ones(2)
    box: Any = {"list": [np.array([3.0, 4.0])], "pair": (np.array([5.0, 6.0]), 2.0)}

    def f(x, d=default_array):
        return x * held + box["list"][0] * SCALE - box["pair"][0] * box["pair"][1] + d * 2

    compiled, x = Compiled(f), np.array([0.5, 0.25])
    assert np.array_equal(compiled(x), f(x))
    for each in (held, box["list"][0], box["pair"][0], default_array, SCALE):
        each += 1.5
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
        assert np.array_equal(others["W1"], params["W1"])
        assert np.array_equal(others["b1"], params["b1"])
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
        assert np.array_equal(ours.mean, eager.mean)
        assert ours.count == eager.count
        assert type(ours.mean) is np.ndarray
        assert type(ours.count) is int
    compiled(np.zeros(2))[:] = 9.0
    assert np.array_equal(ours.mean, (eager(np.zeros(2)), eager.mean)[1])
    assert len(programs(compiled)) == 1


def test_two_results_are_not_one_array():
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)

    def f(x):
        w.grad = None
        tg.sum(w * x).backward()
        return w.grad, w.grad

    a, b = Compiled(f)(np.array([3.0, 4.0]))
    a[:] = 0
    assert w.grad.tolist() == b.tolist() == [3.0, 4.0]


def test_an_array_that_is_written_to_is_no_other_input():
    params: Any = {"W": np.ones(4), "view": None}

    def f(x):
        params["W"] += x
        return params["view"] if params["view"] is None else params["view"] * 2

    compiled = Compiled(f)
    compiled(np.ones(4))
    for wrong in (params["W"], params["W"][::-1]):
        with pytest.raises(ValueError, match="shares memory"):
            compiled(wrong)
    params["view"] = params["W"][1:]
    with pytest.raises(ValueError, match="shares memory"):
        compiled(np.ones(4))
    assert params["W"].tolist() == [2.0] * 4


OUTSIDE: Any = types.ModuleType("json.outside")  # no code of the user's
OUTSIDE.lists = {}


def test_aliases_stay_aliases_and_new_ones_are_seen():
    class Pair:
        def __init__(self):
            self.a, self.b, self.old = np.zeros(2), np.ones(2), None

        def __call__(self, x):
            self.old = self.a
            self.a = self.b = self.b * 2 + x

    eager, ours = Pair(), Pair()
    compiled = Compiled(ours)
    for i in range(5):
        if i == 3:
            eager.b, ours.b = np.full(2, 3.0), np.full(2, 3.0)
        before = ours.a
        eager(np.ones(2))
        compiled(np.ones(2))
        assert ours.old is before
        assert ours.a is ours.b
        assert np.array_equal(ours.a, eager.a)

    box: Any = {"a": np.zeros(2), "b": np.zeros(2)}

    def f(x):
        box["a"][:] = x
        return box["b"] * 2

    compiled = Compiled(f)
    assert compiled(np.ones(2)).tolist() == [0, 0]
    box["b"] = box["a"]
    assert compiled(np.full(2, 3.0)).tolist() == [6, 6]


def test_an_array_of_which_only_the_shape_is_asked():
    box: Any = {"mask": np.ones(3), "t": tg.Tensor(np.ones(2))}

    def f(x):
        return x * (1 if box["mask"] is None else box["mask"].shape[0]) + box["t"].shape[0]

    compiled = Compiled(f)
    for mask in (np.ones(3), np.ones(5), None, np.ones((2, 2))):
        box["mask"] = mask
        assert np.array_equal(compiled(np.ones(2)), f(np.ones(2)))
    box["t"] = tg.Tensor(np.ones(7))
    assert np.array_equal(compiled(np.ones(2)), f(np.ones(2)))


def test_an_array_out_of_sight_is_refused():
    OUTSIDE.lists["array"] = np.ones(2)
    with pytest.raises(TypeError, match="does not look"):
        Compiled(lambda x: x * OUTSIDE.lists["array"])(np.ones(2))


def test_arrays_in_a_deque():
    history = deque([np.ones(2), np.zeros(2)], maxlen=2)

    def f(x):
        return x + history[0] * 2 + history[1]

    compiled = Compiled(f)
    for i in range(3):
        assert np.array_equal(compiled(np.ones(2)), f(np.ones(2)))
        history.append(np.full(2, float(i)))


# ---------------------------------------------------------------------- numbers and other plain values


FACTOR = 2.0


class Settings:
    rate = 0.5


@pytest.mark.filterwarnings("ignore:compile. f was compiled 8 times")
def test_plain_values_are_seen_to_change():
    options: Any
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
        assert box == eager
        assert out.dtype == np.float32
        assert np.array_equal(out, np.ones(2, np.float32) * eager["lr"] * 2)


def test_the_size_of_a_python_number():
    def f(x, lr):
        return x * abs(lr - 1), x - abs(-lr) * 2, abs(lr)

    x, compiled = np.ones(2, np.float32), Compiled(f)
    for lr in (0.25, 3.5):
        assert repr(compiled(x, lr)) == repr(f(x, lr))


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
        assert ours.scale == eager.scale
        assert np.array_equal(ours.out, eager.out)


# ---------------------------------------------------------------------- objects


@dataclasses.dataclass(slots=True)
class Slotted:
    a: float
    array: object


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: float


class Kind(enum.Enum):
    TWO = 2.0
    THREE = 3.0


@pytest.mark.parametrize(
    "change",
    [
        "slotted.a = 4.0",
        "slotted.array = np.full(2, 5.0)",
        "slotted.array *= 2",
        "space.k = 7.0",
        "space.array = np.zeros(2)",
        "box[0] = Frozen(9.0)",
        "kinds[0] = Kind.THREE",
        "nested[1][0] = 8.0",
        "nested[1] = [5.0, 5.0]",
        "members.add(9)",
        "floats[1] = 7.0",
        "mapping['b'] = mapping.pop('a')",
    ],
)
def test_objects_of_all_kinds(change):
    slotted, space, box, kinds = (
        Slotted(2.0, np.ones(2)),
        types.SimpleNamespace(k=3.0, array=np.ones(2)),
        [Frozen(2.0)],
        [Kind.TWO],
    )
    nested, members, floats, mapping = [[1.0, 2.0], [3.0, 4.0]], {1, 2}, array("d", [1.0, 2.0]), {"a": 1.0, "b": 2.0}

    def f(x):
        y = x * slotted.a * space.k * box[0].a * kinds[0].value + slotted.array - space.array * nested[1][0]
        return y + len(members) * floats[1] * next(iter(mapping.values()))

    compiled, x = Compiled(f), np.array([0.1, 0.2])
    assert np.array_equal(compiled(x), f(x))
    exec(change)
    assert np.array_equal(compiled(x), f(x))


def doubled(x):
    return x * 2


CHOSEN = doubled


class Steps:
    total = 0

    def __init__(self):
        self.w = np.ones(2)

    def scaled(self, x):
        return x * 2

    def step(self, x):
        Steps.total += 1
        self.w = self.w + self.scaled(x) * Steps.total
        return self.w


def test_functions_and_methods_that_are_replaced(monkeypatch):
    compiled = Compiled(lambda x: CHOSEN(x))
    assert compiled(np.ones(1)) == 2
    monkeypatch.setitem(globals(), "CHOSEN", lambda x: x * 3)
    assert compiled(np.ones(1)) == 3
    steps: Any = Steps()
    x = np.ones(2)
    compiled = Compiled(steps.step)
    assert [compiled(x)[0] for _ in range(2)] == [3, 7]
    monkeypatch.setattr(Steps, "scaled", lambda self, x: x * 100)
    assert compiled(x)[0] == 307
    steps.scaled = lambda x: x
    assert compiled(x)[0] == 311
    assert Steps.total == 4


def test_arrays_in_a_partial():
    w = np.ones(2)
    inner = partial(lambda a, x, k: a * x * k, w, k=np.full(2, 2.0))
    box, x = [inner], np.ones(2)
    direct, within = Compiled(inner), Compiled(lambda x: box[0](x))
    for _ in range(3):
        assert np.array_equal(direct(x), w * 2)
        assert np.array_equal(within(x), w * 2)
        w += 1
    assert len(programs(direct)) == len(programs(within)) == 1


def test_a_state_of_tensors_that_are_replaced():
    class Recurrent:
        def __init__(self):
            self.h, self.W = tg.Tensor(np.zeros(2)), tg.Tensor(np.eye(2), requires_grad=True)

        def __call__(self, x):
            h = tg.tanh(self.h @ self.W + x)
            self.h = h.detach()
            return tg.sum(h).detach()

    eager, ours = Recurrent(), Recurrent()
    compiled = Compiled(ours)
    for i in range(5):
        assert compiled(np.full(2, 0.1 * i)).item() == eager(np.full(2, 0.1 * i)).item()
        assert type(ours.h) is tg.Tensor
        assert np.array_equal(ours.h.data, eager.h.data)
    assert len(programs(compiled)) == 1


def test_an_optimizer_of_ones_own_that_asks_for_the_step():
    class Lazy(optim.Optimizer):
        memory = ("s",)

        def updated(self, p, g, steps, **kept):
            s = kept["s"] + g
            return (p - self.lr * s, s * 0) if steps % 3 == 0 else (p, s)

    def made():
        w = tg.Tensor([1.0, 2.0], requires_grad=True)
        optimizer = Lazy([w], lr=0.1)

        def step(x):
            optimizer.zero_grad()
            tg.sum(w * w * x).backward()
            optimizer.step()

        return w, optimizer, step

    (w, optimizer, step), (v, other, theirs) = made(), made()
    compiled = Compiled(theirs)
    for i in range(7):
        step(np.full(2, i + 1.0))
        compiled(np.full(2, i + 1.0))
        assert np.array_equal(w.data, v.data)
        assert optimizer.steps == other.steps


def test_text_of_a_number_is_refused():
    box = {"n": 0}

    def f(x):
        box["n"] += 1
        return x * len(f"{box['n']}")

    with pytest.raises(TypeError, match="format"):
        Compiled(f)(np.ones(2))
    assert box == {"n": 0}


NEVER: int  # it is not there


def names_a_new_variable(x):
    global NEVER  # which is not there
    NEVER = 3
    return x


def test_a_new_global_variable_is_refused():
    with pytest.raises(TypeError, match="NEVER"):
        Compiled(names_a_new_variable)(np.ones(2))
    assert "NEVER" not in globals()


def test_what_an_installed_program_runs_is_the_users_code(monkeypatch):
    """As a test runner runs doctests: the functions are of __main__, whose file is that of the program."""
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", "/usr/lib/python3/site-packages/runner/__main__.py", raising=False)
    room: dict[str, Any] = {"__name__": "__main__", "w": np.zeros(2)}
    exec("def f(x):\n    global w\n    w = w + x\n    return w * 2", room)
    compiled, x = tg.compile(room["f"]), np.array([1.0, 2.0])
    assert compiled(x).tolist() == [2, 4]
    assert compiled(x).tolist() == [4, 8]
    assert room["w"].tolist() == [2, 4]


def test_attributes_of_a_class_whose_metaclass_is_written_in_c():
    class Settings(ctypes.Structure):
        scale = 2.0

    f = tg.compile(lambda w: w * Settings.scale)
    assert f(np.ones(2)).tolist() == [2, 2]
    Settings.scale = 3.0
    assert f(np.ones(2)).tolist() == [3, 3]
