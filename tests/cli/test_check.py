"""`check`: finds the function, chooses inputs, and tells by its exit status what came out."""

import sys
import textwrap

import pytest

from tinygrad_ko.cli import main


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file `mine_of_check.py` in the current folder, by its path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine_of_check", raising=False)
    path = tmp_path / "mine_of_check.py"
    path.write_text(
        textwrap.dedent(
            """
            import tinygrad_ko as tg

            number = 3

            class Room:
                @staticmethod
                def cube(x):
                    return x ** 3

            @tg.op(x=lambda g, x: 3 * g * x)
            def wrong(xp, x):
                return x * x

            def many(*xs):
                return sum(xs)

            def two(a, b, scale=2.0):
                return scale * a * b

            def scalar(x):
                assert x.shape == ()
                return tg.exp(x)

            def broken(x):
                return x + 1 / 0

            def leaves(x):
                raise SystemExit(0)

            def array(x):
                return x.numpy()
            """
        ),
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize(
    "target", ["tinygrad_ko:tanh", "mine_of_check:two", "mine_of_check.py:two", "mine_of_check:Room.cube"]
)
@pytest.mark.parametrize("order", ["1", "2"])
def test_a_right_gradient(target, order, mine, capsys):
    assert main(["check", target, "--order", order]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{target} at normal inputs of shape (3, 4)")
    assert "\nok " in out
    assert f"order {order}" in out
    assert ("order 2" in out) is (order == "2")


def test_a_path_from_elsewhere(mine, monkeypatch, tmp_path_factory, capsys):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert main(["check", f"{mine}:two"]) == 0


def test_a_wrong_gradient(mine, capsys):
    assert main(["check", "mine_of_check:wrong"]) == 1
    out = capsys.readouterr().out
    assert "FAILED wrong: the gradient is wrong" in out
    assert "공식으로 구한 기울기가 수치 미분과 다릅니다." in out


@pytest.mark.filterwarnings("ignore:invalid value encountered in log:RuntimeWarning")
def test_what_cannot_be_decided_is_no_success(capsys):
    assert main(["check", "tinygrad_ko:log"]) == 1
    assert "FAILED log: cannot decide" in capsys.readouterr().out


def test_shapes(mine, capsys):
    assert main(["check", "tinygrad_ko:matmul", "--shape", "3,4", "--shape", "(4, 2)"]) == 0
    assert main(["check", "mine_of_check:scalar", "--shape", "()"]) == 0
    assert main(["check", "mine_of_check:many", "--shape", "5", "--shape", "5", "--shape", "5"]) == 0
    assert "(5,), (5,), (5,)" in capsys.readouterr().out


def test_the_seed_chooses_the_inputs(capsys):
    shown = []
    for seed in "112":
        assert main(["check", "tinygrad_ko:tanh", "--seed", seed]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1] != shown[2]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["tinygrad_ko"], "must be module:function"),
        (["tinygrad_ko:"], "must be module:function"),
        (["no_such_module:f"], "no module named 'no_such_module'"),
        (["no_such_file.py:f"], "no such file: no_such_file.py"),
        (["tinygrad_ko:no_such"], "tinygrad_ko has no no_such"),
        (["mine_of_check:number"], "mine_of_check:number is not a function"),
        (["mine_of_check:many"], "give --shape once for each"),
        (["mine_of_check:two", "--shape", "3,-4"], "every size must be at least 0"),
        (["mine_of_check:two", "--order", "3"], "invalid choice"),
        (["tinygrad_ko:matmul"], "float64[3, 4]"),
    ],
)
def test_bad_input(arguments, named, mine, capsys):
    assert main(["check", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("tinygrad-ko: error: ")
    assert named in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("broken", "raised ZeroDivisionError: division by zero"),
        ("leaves", "raised SystemExit: 0"),
        ("array", "returned ndarray, not a Tensor"),
    ],
)
def test_a_function_that_fails(name, named, mine, capsys):
    assert main(["check", f"mine_of_check:{name}"]) == 2
    assert named in capsys.readouterr().err


def test_an_error_in_the_users_file_is_shown_where_it_happened(mine, capsys):
    assert main(["check", "mine_of_check:broken"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "return x + 1 / 0" in err


def test_a_module_that_lacks_another(mine, capsys):
    mine.write_text("import no_such_module_at_all", encoding="utf-8")
    assert main(["check", "mine_of_check:f"]) == 2
    err = capsys.readouterr().err
    assert "mine_of_check:f raised ModuleNotFoundError: No module named 'no_such_module_at_all'" in err
