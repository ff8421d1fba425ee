"""The harness of the benchmarks, with contenders whose cost is known, and the contenders that are no other's yardstick."""

import inspect
import os
import re
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from benchmarks import exam, judges, readme, report
from benchmarks import functions as functions_table
from benchmarks.__main__ import main
from benchmarks.agreement import DisagreementError, compare_all, numbered
from benchmarks.calls import CALLS
from benchmarks.comparison import compared, rows_of
from benchmarks.contenders import by_hand, compiled, engine, functions
from benchmarks.problems import CHAINS, OPTIMIZERS, ConvNetwork, Formula, Network, Recurrent, Residual, Transformer
from benchmarks.process import FailedError, Process, Turn, Work, started
from benchmarks.report import Row
from benchmarks.timing import take_turns
from docs.rules import public
from tests.check.exam import Case
from tinygrad_ko.ops import logic, queries

counts_pages = pytest.mark.skipif(sys.platform == "win32", reason="Windows counts no page faults")


def made_up(maker, *arguments):
    return Work("tests.made_up_contenders", maker, arguments)


# ------------------------------------------------------------------ a process


def test_cpu_time_is_that_of_the_work():
    with Process(made_up("burning", 0.004)) as process:
        taken = process.turn(5)
    assert 0.004 <= taken.cpu < 0.006
    assert taken.wall >= 0.004


def test_sleep_is_no_cpu_time():
    with Process(made_up("sleeping", 0.01)) as process:
        taken = process.turn(3)
    assert taken.wall >= 0.01
    assert taken.cpu < 0.003


@counts_pages
def test_page_faults_are_those_of_a_call():
    with Process(made_up("touching", 300)) as process:
        taken = process.turn(10)
    assert 300 <= taken.faults < 310


def test_a_process_is_fresh_on_one_core_and_has_the_environment_of_all(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    with started({name: made_up("telling", "OPENBLAS_CORETYPE") for name in "ab"}) as processes:
        processes["a"].call()
        told = {name: process.call() for name, process in processes.items()}
    assert [told[name][:3] for name in "ab"] == [("Haswell", 1, 2), ("Haswell", 1, 1)]
    assert len({os.getpid(), told["a"][3], told["b"][3]}) == 3


def test_another_work_in_the_same_process():
    with Process(made_up("telling", "")) as process:
        first = process.call()
        process.make(made_up("telling", ""))
        second = process.call()
    assert (first[2], second[2]) == (1, 1)
    assert first[3] == second[3]


def test_a_process_that_dies_says_so():
    with Process(made_up("dying")) as process, pytest.raises(FailedError, match="exit status 3"):
        process.call()


def test_an_error_there_is_one_here(capfd):
    with pytest.raises(FailedError, match="OSError: made up"):
        Process(made_up("failing"))
    assert "made_up_contenders.py" in capfd.readouterr().err


def test_what_a_library_does_not_have_is_not_implemented():
    with pytest.raises(NotImplementedError, match="has no nothing"):
        Process(made_up("nothing"))


# ------------------------------------------------------------------ a comparison


def test_who_cannot_is_left_out_and_who_fails_or_disagrees_is_told(capfd):
    works = {
        "tinygrad_ko": made_up("burning", 0.002, 2.0),
        "by hand": made_up("burning", 0.001, 2.0),
        "cannot": made_up("nothing"),
        "dies": made_up("dying"),
        "fails": made_up("failing"),
        "wrong": made_up("burning", 0.0, 2.1),
    }
    found = {row.contender: row for row in compared("task", works, 3, bar=1.5)}
    assert set(found) == set(works) - {"cannot"}
    assert found["dies"].figure == "FailedError: its process ended with exit status 3"
    assert found["fails"].figure == "FailedError: OSError: made up"
    assert found["wrong"].figure == "DisagreementError: gradient 0 is off by 0.1"
    assert [found[name].met for name in ("dies", "fails", "wrong", "tinygrad_ko", "by hand")] == [False] * 4 + [None]
    assert 1.5 < float(found["tinygrad_ko"].against) < 2.2
    assert found["by hand"].against == ""
    capfd.readouterr()


class Noted:
    """In the place of a process: it notes its turns."""

    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def turn(self, repeats):
        self.notes.append(self.name)
        return Turn(1.0, 1.0, 0.0, 0.0)


def test_the_order_is_reversed_every_other_round():
    notes: list[str] = []
    processes: Any = {name: Noted(name, notes) for name in "abc"}
    taken = take_turns(processes, 3)
    assert "".join(notes) == "abc" + "abc" + "cba" + "abc"  # the first is for counting
    assert [len(turns) for turns in taken.values()] == [3, 3, 3]


def turns(*seconds):
    return [Turn(s, s, s / 4, 10.0) for s in seconds]


def test_ratios_are_those_of_a_round_to_the_fastest_yardstick():
    """The machine is twice as slow in the second round: the ratio is the same."""
    taken = {
        "by hand: slow": turns(4, 8, 4),
        "by hand: fast": turns(1, 2, 1),
        "tinygrad_ko": turns(1.5, 3, 1.5),
    }
    slow, fast, ours = rows_of("task", taken, bar=1.4, count=1000)
    assert (slow.against, fast.against, ours.against, ours.spread) == ("4.00", "", "1.50", "1.50 to 1.50")
    assert (fast.figure, ours.figure, ours.best) == ("1 ms", "1.5 ms", "1.5 ms")
    assert (ours.faults, ours.in_system, ours.bar, ours.met) == ("10", "25%", "<= 1.40", False)


def test_without_a_yardstick_there_is_the_figure_alone():
    (ours,) = rows_of("task", {"tinygrad_ko": turns(2e-9)}, against="torch", bar=1.0)
    assert (ours.figure, ours.against, ours.met) == ("2 ns", "", None)


def test_answers_are_compared_by_name():
    compare_all(numbered([np.ones(2)]), {"gradient 0": np.ones(2)}, "float64")
    compare_all({"empty": np.ones(0)}, {"empty": np.ones(0)}, "float64")
    for other in ({}, numbered([np.ones(3)]), numbered([np.ones(2, np.float32)]), numbered([np.array([1, np.nan])])):
        with pytest.raises(DisagreementError):
            compare_all(other, {"gradient 0": np.ones(2)}, "float64")


# ------------------------------------------------------------------ what is measured


def test_every_function_of_the_rule_book_that_has_a_gradient_is_in_the_table():
    without = {"argsort", "searchsorted", "linalg.matrix_rank"}  # their answers are integers, as those of the queries
    without |= {"broadcast_shapes", "linalg.eig", "linalg.eigvals"}  # a shape, and what is refused
    answers = (queries.__name__, logic.__name__)
    public_names = {name.removeprefix("tg.") for f, name in public().items() if f.__module__ not in answers}
    assert set(CALLS) == public_names - without


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_the_table_fits_its_function(name):
    """It takes these arguments; that it computes what PyTorch's does is for the benchmark to say."""
    room, _, last = name.rpartition(".")
    function = getattr(getattr(tg, room) if room else tg, last)
    inspect.signature(function).bind(*CALLS[name].arguments, **CALLS[name].options)


@pytest.mark.parametrize("name", ["add", "split", "top_k", "where", "floor"])
def test_a_function_is_measured_with_all_its_gradients(name):
    f = functions.OfOurs(name)
    found = f.answers()
    assert len(found) == 1 + {"add": 2, "where": 2}.get(name, 1)
    assert (name == "floor") == (not np.any(found["gradient 0"]))
    assert all(array.dtype == np.float32 for array in found.values())


def test_what_takes_three_times_as_long_as_in_torch_has_its_reason_or_misses_the_bar():
    reason = functions_table.WHY["max: forward"]
    rows = [
        Row("max: forward", "tinygrad_ko", "1 ns", "3.01"),
        Row("max: forward", "tinygrad_ko", "1 ns", "3.00"),
        Row("max: forward", "torch", "1 ns"),
        Row("add: forward", "tinygrad_ko", "1 ns", "3.01"),
        Row("erf: forward", "tinygrad_ko", "1 ns"),
    ]
    found = list(map(functions_table.explained, rows))
    assert [row.why for row in found] == [reason, "", "", "", ""]
    assert [(row.bar, row.met) for row in found] == [("", None)] * 3 + [("<= 3.00", False), ("", None)]
    assert readme.table(found[:1]).splitlines()[-1] == f"| max: forward | **3.01** () | {reason} |"


def test_reasons_are_of_rows_of_the_table():
    assert set(functions_table.WHY) <= {
        f"{name}: {part}" for name in CALLS for part in ("forward", "forward and backward")
    }


def both(ours, other):
    compare_all(numbered(ours), numbered(other), "float64")


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("RecurrentStep", Recurrent("LSTM", 3, 4, 5, 2, "float64")),
        ("RecurrentStep", Recurrent("LSTM", 3, 4, 5, 2, "float64", step_by_step=True)),
        ("ConvolutionStep", ConvNetwork(8, 2, 3, 5, 4, 3, "float64", "before")),
        ("TrainingStep", Network((6, 4, 3), "sigmoid", 5, "float64")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_step_by_hand_is_ours(kind, network):
    ours, other = getattr(engine, kind)(network), getattr(by_hand, kind)(network)
    for _ in range(2):
        loss, gradients = other.gradients()
        assert ours.gradients()[0] == pytest.approx(loss, rel=1e-12)
        both(ours.gradients()[1], gradients)
        assert ours() == pytest.approx(other(), rel=1e-12)


@pytest.mark.parametrize(
    ("kind", "network"),
    [
        ("ConvolutionStep", ConvNetwork(8, 2, 3, 5, 4, 3, "float64", "before")),
        ("TrainingStep", Network((6, 4, 3), "sigmoid", 5, "float64")),
        ("TransformerStep", Transformer(1, 8, 2, 5, 7, 3, "float64")),
    ],
)
def test_a_compiled_step_is_ours(kind, network):
    ours, other = getattr(engine, kind)(network), getattr(compiled, kind)(network)
    assert ours.gradients()[0] == other.gradients()[0]
    both(ours.gradients()[1], other.gradients()[1])
    for _ in range(3):
        assert ours() == pytest.approx(other(), rel=1e-14)
    assert other.seconds_to_compile() > 0


def test_compiled_chains_and_the_formula_are_ours():
    for kind in CHAINS:
        both(engine.chain(kind, (4,), 9)(), compiled.chain(kind, (4,), 9)())
    problem = Formula("float64", count=50)
    both(engine.formula(problem)(), compiled.formula(problem)())


def test_of_the_recurrent_layers_the_lstm_alone_is_there_by_hand():
    with pytest.raises(NotImplementedError, match="GRU"):
        by_hand.RecurrentStep(Recurrent("GRU"))


def test_the_formula_by_hand_is_ours():
    problem = Formula("float64", count=50)
    both(engine.formula(problem)(), by_hand.formula(problem)())


def test_the_loss_of_a_residual_network_falls():
    network = Residual(8, (2, 3, 5), 4, 6, "float64")
    step = engine.ResidualStep(network)
    assert [p.shape for p in step.parameters if p.ndim > 1] == [
        *((2, 3, 3, 3), (2, 2, 3, 3), (2, 2, 3, 3)),
        *((3, 2, 1, 1), (3, 2, 3, 3), (3, 3, 3, 3)),
        *((5, 3, 1, 1), (5, 3, 3, 3), (5, 5, 3, 3)),
        (5, 4),
    ]
    losses = [step() for _ in range(30)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_by_hand_is_ours(name):
    network = Network((5, 4, 3), "relu", 2, "float64")
    ours, other = engine.OptimizerStep(name, network), by_hand.OptimizerStep(name, network)
    for _ in range(3):
        ours()
        other()
        both(ours.values(), other.values())


def test_a_gpt_sees_no_future_and_its_loss_falls():
    network = Transformer(1, 8, 2, 5, 7, 3, "float64", learning_rate=0.01)
    step = engine.TransformerStep(network)
    before = step.gradients()[1]
    step.ids[:, -1] = 0
    W = step.parameters[0]
    scores = step.attention(tg.embedding(W, step.ids), *step.parameters[4:6]).data
    step.ids[:, -1] = 1
    others = step.attention(tg.embedding(W, step.ids), *step.parameters[4:6]).data
    np.testing.assert_array_equal(scores[:, :-1], others[:, :-1])
    assert not np.array_equal(scores[:, -1], others[:, -1])
    assert len(before) == 2 + 12 + 4
    losses = [step() for _ in range(30)]
    assert losses[-1] < 0.8 * losses[0]
    length = np.sqrt(sum(np.sum(np.square(p.grad)) for p in step.parameters if p.grad is not None))
    assert length <= 1 + 1e-12


# ------------------------------------------------------------------ the exam of gradient checkers


def said(key, *texts):
    return [exam.Answer(f"{key} {n}", key, text, 0.5) for n, text in enumerate(texts)]


def test_what_a_checker_could_not_run_is_not_counted_against_it():
    given = said("wrong", "rejected", "passed", "not run: error: MemoryError") + said("right", "passed", "error: NaN")
    given += said("undecided", "undecided", "passed")
    (alone,) = {row.contender for row in exam.counts("PyTorch gradcheck", given)}
    ours = {row.task: (row.figure, row.met) for row in exam.counts("tinygrad_ko", given)}
    other = {row.task: (row.figure, row.met) for row in exam.counts(alone, given)}
    assert other["wrong ones rejected"] == ("1 of 2", None)
    assert ours["wrong ones rejected"] == ("1 of 2", False)
    assert ours["right ones rejected"] == ("1 of 2", False)
    assert ours["undecided where one can tell"] == ("0 of 4", True)
    assert (ours["nobody can tell"][0], other["nobody can tell"][0]) == ("1 of 2 undecided", "1 passed, 0 rejected")
    assert [ours[task][0] for task in ("of all by an error of another kind", "not within 60 s, or not at all")] == [
        "1",
        "1",
    ]
    assert ours["CPU time in all"][0] == "3.5 s"


def test_at_the_exam_a_checker_is_asked_about_every_case(monkeypatch):
    x = np.array([0.5, -1.0])
    cases = [
        Case("right", "right", "", np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2), (x,)),
        Case("wrong", "wrong", "", np.tanh, lambda g, x: g * (1 - np.tanh(x)), (x,)),
        Case("off", "right", "", np.tanh, lambda g, x: g * (1.0001 - np.tanh(x) ** 2), (x,), rtol=1e-3),
        Case("coarse", "undecided", "", lambda x: np.float16(x) * 1.0, lambda g, x: g, (x,)),
    ]
    monkeypatch.setattr(exam, "CASES", cases)
    answers = exam.Sitting("tinygrad_ko")()
    assert [a.says for a in answers] == ["passed", "rejected", "passed", "undecided"]
    monkeypatch.setattr(exam, "LIMIT", -1.0)
    assert {a.first_word for a in exam.Sitting("tinygrad_ko")()} == {exam.NOT_RUN}


def test_a_case_is_the_same_to_judges_of_arrays():
    x = np.array([[0.5, -1.0, 2.0]])
    case = judges.Written(np.matmul, lambda g, a, b: (g @ b.T, a.T @ g), (x, x.T), 0.0)
    assert case.forward(*case.arrays).tolist() == [[5.25]]
    assert [g.tolist() for g in case.backward(case.arrays, np.ones((1, 1)))] == [x.tolist(), x.T.tolist()]
    assert case.evaluations == 1


# ------------------------------------------------------------------ what is written


def test_a_table_has_contenders_as_columns():
    rows = [
        Row("a", "by hand", "1 ms"),
        Row("a", "tinygrad_ko", "2 ms", "2.00", "1.90 to 2.10", "", "7", "", "<= 1.10", False),
        Row("b", "tinygrad_ko", "3 ms", faults="0"),
        Row("a", "torch", "3 ms", "3.00", "2.00 to 4.00"),
    ]
    assert readme.table(rows) == (
        "|  | by hand | **tinygrad_ko** | torch | goal | page faults of ours |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| a | 1 ms | **2.00** (1.90 to 2.10) | 3.00 (2.00 to 4.00) | <= 1.10, missed | 7 |\n"
        "| b |  | **3 ms** |  |  | 0 |\n"
    )
    assert "| a | 1 ms | **2 ms** | 3 ms |" in readme.table(rows, figures=True)


def test_in_the_table_of_compiled_programs_the_goal_is_theirs():
    rows = [
        Row("step, float32", "by hand", "1 ms"),
        Row("step, float32", "tinygrad_ko", "2 ms", "2.00", "1.90 to 2.10", faults="7"),
        Row("step, float32", "compiled", "1 ms", "1.01", "1.00 to 1.02", faults="0", bar="<= 1.03", met=True),
        Row("step, float32", "autograd", "9 ms", "9.00", "8.00 to 9.50"),
        Row("step, float64", "by hand", "2 ms"),
        Row("to compile a step", "compiled", "9 ms", bar="<= 10 ms", met=True),
    ]
    assert readme.table(readme.in_short(rows)) == (
        "|  | by hand | **tinygrad_ko** | **compiled** | goal | page faults of ours |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| step, float32 | 1 ms | **2.00** (1.90 to 2.10) | **1.01** (1.00 to 1.02) | <= 1.03 | 0 |\n"
        "| to compile a step |  |  | **9 ms** | <= 10 ms |  |\n"
    )
    assert "float64" in readme.table(rows)


def test_only_what_stands_between_the_markers_is_written():
    text = "before\n<!-- speed: a -->\nold\n<!-- end of a -->\nbetween\n<!-- speed: b -->\n<!-- end of b -->\nafter"
    new = readme.filled(text, {"a": "A\n", "b": "B\n"})
    assert (
        new
        == "before\n<!-- speed: a -->\nA\n<!-- end of a -->\nbetween\n<!-- speed: b -->\nB\n<!-- end of b -->\nafter"
    )
    with pytest.raises(KeyError):
        readme.filled(text, {"a": "A\n"})


def test_both_readmes_have_the_same_tables_and_every_table_a_place():
    texts = [path.read_text(encoding="utf-8") for path in readme.FILES]
    tables = [dict(readme.MARKED.findall(text)) for text in texts]
    assert tables[0] == tables[1]
    assert {name for found in tables for name in found} == {*readme.TABLES, readme.IN_SHORT, "circumstances"}
    assert len({found["circumstances"] for found in tables}) == 1
    for text, found in zip(texts, tables, strict=True):
        assert len(re.findall("<!-- speed:", text)) == len(found)


def test_all_tables_are_written_or_none(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "steps", "--readme"])
    with pytest.raises(SystemExit):
        main()
    assert "it takes no parts" in capsys.readouterr().err


def test_the_circumstances_say_what_the_kernels_are(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE=Haswell" in report.machine()[-1]
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    assert "OPENBLAS_CORETYPE not set" in report.machine()[-1]
