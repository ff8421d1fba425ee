"""The fuzzer itself: every public function is in its programs, what it prints runs, each judge finds what is planted, and only that."""

import warnings
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.fuzz import judges, programs
from tests.fuzz.__main__ import Fuzzer, main
from tests.fuzz.judges import JUDGES
from tests.fuzz.programs import PUBLIC, Name, drawn, written
from tests.ops import table
from tests.ops.domains import Row, elementwise_call, real
from tinygrad_ko.ops import logic, sets


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def some_programs(monkeypatch):
    """Programs of every sixth function."""
    few = dict(list(table.ROWS.items())[::6])
    monkeypatch.setattr(programs, "ROWS", few)
    return lambda: [drawn(np.random.default_rng([0, k]), list(few), 0) for k in range(25)]


def test_every_public_function_that_has_a_gradient_is_in_programs():
    """In a row of its own, called by the function of a row that makes one result of several, or made of an op that has a row."""
    wrappers = [f for f in table.ROWS if f.__module__.startswith("tests")]
    called = {name for f in wrappers for name in f.__code__.co_names}
    public = {f for f in PUBLIC if isinstance(f, FunctionType) and f.__module__.startswith("tinygrad_ko.ops")}
    public -= {
        f for f in public if f.__module__ in (logic.__name__, sets.__name__)
    }  # answers; and results of any length
    assert len(public) > 120
    missing = {f.__name__ for f in public if f not in table.ROWS and f.__name__ not in called}
    assert {"lstm_states", "gru_states"} <= {f.__name__ for f in table.ROWS}
    assert missing - {"lstm", "gru"} == {
        "all",
        "any",
        "argmax",
        "argmin",
        "argsort",
        "broadcast_shapes",
        "count_nonzero",
        "eig",
        "eigvals",
        "isin",
        "matrix_rank",
        "nonzero",
        "searchsorted",
    }


def test_a_program_is_what_is_written(some_programs):
    for program in some_programs():
        room: dict[str, Any] = {}
        exec(written(program), room)
        again = room["program"](*(room[name] for name in program.inputs))
        assert np.array_equal(again, program(*program.inputs.values()))


def test_programs_use_values_twice_and_many_functions(some_programs):
    every = some_programs()
    names = [[a for step in p.steps for a in step.arguments if isinstance(a, Name)] for p in every]
    assert sum(len(set(some)) < len(some) for some in names) > 3
    assert len({op for p in every for op in p.ops}) > 20
    assert any(x.size == 0 for p in every for x in p.inputs.values())
    assert any(x.ndim == 0 for p in every for x in p.inputs.values())
    assert any(0.0 in x for p in every for x in p.inputs.values())


def test_the_same_seed_draws_the_same_programs(some_programs):
    assert [*map(written, some_programs())] == [*map(written, some_programs())]


# ---------------------------------------------------------------------- what is planted


@tg.op(x=lambda g, x: g * (x > 0) * 1.001)
def wrong_relu(x):
    return x * (x > 0)


@tg.op(x=lambda g: g * 1)
def not_its_own(x):
    return x


@tg.op(x=lambda g: g * 1)
def warns(xp, x):
    return xp.where(x == 99, xp.log(x * 0), x)


@tg.op(x=lambda g: g * 1)
def writes(x):
    x *= 1 + 1e-9
    return x * 1


@tg.op(x=lambda g: g * 1)
def there_and_back(x):
    return x + 1e6 - 1e6  # float32 has no digits left for x


def unexplained(x):
    if np.ndim(x) > 1:
        raise KeyError("axes")
    return tg.exp(x)


def plain_sine(x):
    return tg.sin(x)


PLANTED = [
    ("ladder", wrong_relu),
    ("invariants", not_its_own),
    ("invariants", warns),
    ("invariants", writes),
    ("precision", there_and_back),
    ("refusals", unexplained),
    ("spelling", plain_sine),
    ("torch", wrong_relu),
]


@pytest.mark.parametrize(("judge", "function"), PLANTED, ids=[f"{judge}-{f.__name__}" for judge, f in PLANTED])
def test_what_is_planted_is_found_cut_down_and_told_once(judge, function, monkeypatch, capsys):
    if judge not in JUDGES:
        pytest.skip("without PyTorch there is no such judge")
    if judge == "torch":
        namesakes = import_module("tests.fuzz.namesakes")
        monkeypatch.setitem(namesakes.NAMESAKES, function.__name__, namesakes.torch.relu)
    others = [tg.add, tg.multiply, tg.tanh, tg.reshape, tg.take, tg.matmul]
    planted = {f: table.ROWS[f] for f in others} | {function: Row(elementwise_call(real), np.cos)}
    monkeypatch.setattr(programs, "ROWS", planted)
    monkeypatch.setattr(judges, "ROWS", planted)
    monkeypatch.setattr(judges, "PUBLIC", [function])
    fuzzer = Fuzzer(0, [function], [judge])
    for k in range(40):
        fuzzer.judge(k)
        if fuzzer.found:
            break
    fuzzer.judge(k)
    assert fuzzer.found == {(judge, function.__name__): 2}
    told = capsys.readouterr().out
    assert told.count("# ----") == 1
    assert f"python -m tests.fuzz --seed 0 --program {k}" in told
    assert f"y0 = {function.__name__}(x0)" in told


@pytest.mark.parametrize("judge", JUDGES)
def test_what_is_right_is_not_accused(judge, monkeypatch):
    right = [tg.add, tg.multiply, tg.tanh, tg.exp, tg.softmax, tg.matmul, tg.sum, tg.where]
    monkeypatch.setattr(programs, "ROWS", {f: table.ROWS[f] for f in [*right, tg.reshape, tg.take]})
    fuzzer = Fuzzer(0, right, [judge])
    for k in range(15):
        fuzzer.judge(k)
    assert fuzzer.found == {}
    assert fuzzer.verdicts[judge, "agrees"] >= 12


def test_one_program_can_be_replayed_and_the_exit_status_tells(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fuzz", "--seed", "3", "--program", "5", "--op", "tanh", "--judge", "ladder"])
    assert main() == 0
    assert "1 programs" in capsys.readouterr().out
    monkeypatch.setitem(JUDGES, "ladder", lambda program, rng: 1 / 0)
    assert main() == 1
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_an_op_that_is_not_there_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["fuzz", "--op", "sofmax"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "no op of that name: sofmax" in capsys.readouterr().err
