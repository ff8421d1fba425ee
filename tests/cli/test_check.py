"""`check`: finds the function, chooses inputs, and tells by its exit status what came out."""

import json
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.check import GradientMismatch
from tinygrad_ko.check.functions.domain import DOMAINS
from tinygrad_ko.check.reports.record import as_json
from tinygrad_ko.cli import main
from tinygrad_ko.cli.options import domain
from tinygrad_ko.cli.target import _format_domain

KEYS = [
    "name",
    "verdict",
    "evaluations",
    "numbers",
    "rows",
    "remarks",
    "blame",
    "check",
    "options",
    "points",
    "versions",
]


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
            import numpy as np
            import tinygrad_ko as tg

            number = 3
            words = tg.nn.Embedding(5, 3, rng=0)

            class Room:
                @staticmethod
                def cube(x):
                    return x ** 3

            @tg.op(x=lambda g, x: 3 * g * x)
            def wrong(xp, x):
                return x * x

            @tg.op(x=lambda g, x: np.inf * g)
            def endless(xp, x):
                return x * x

            def composite(x):
                h = tg.tanh(x)
                return tg.sum(wrong(h)) * 2.0

            def logarithm(x):
                print("I was called")
                return tg.log(x)

            def inside(a, b):
                a_low, a_high, b_high = a.numpy().min(), a.numpy().max(), b.numpy().max()
                assert 1.7 < a_low and a_high < 2.9 and b_high < -0.8  # the check moves each by up to an eighth
                return a * b

            def positive(a, b):
                assert (a.numpy() > 0).all() and (b.numpy() > 0).all()
                return a * b

            def nothing():
                return tg.Tensor(1.0)

            def means(x):
                np.array([1e308, np.nan]).astype(np.float32).min() * np.float64(1e308) * np.float64(10)
                return tg.sqrt(x)

            class Net(tg.nn.Module):
                def __init__(self):
                    self.layer = tg.nn.Affine(4, 2, rng=0)

                def forward(self, x):
                    return tg.relu(self.layer(x))

            net, layer = Net(), tg.nn.Affine(4, 2, rng=0)

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


def test_a_network_that_takes_ids(mine, capsys):
    assert main(["check", "mine_of_check:words", "--shape", "2,3", "--dtype", "int"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("mine_of_check:words at random inputs of shape (2, 3) int\n")
    assert "ok Embedding: the gradient agrees" in out
    assert main(["check", "mine_of_check:words", "--shape", "2,3"]) == 2
    assert "--dtype int gives whole numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "target", ["tinygrad_ko:tanh", "mine_of_check:two", "mine_of_check.py:two", "mine_of_check:Room.cube"]
)
@pytest.mark.parametrize("order", ["1", "2"])
def test_a_right_gradient(target, order, mine, capsys):
    assert main(["check", target, "--order", order]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{target} at random inputs of shape (3, 4)")
    assert "\nok " in out
    assert ("the cotangent" in out) is (order == "2"), "it is an argument of the gradient"


def test_a_path_from_elsewhere(mine, monkeypatch, tmp_path_factory, capsys):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert main(["check", f"{mine}:two"]) == 0


def test_a_wrong_gradient(mine, capsys):
    assert main(["check", "mine_of_check:wrong"]) == 1
    out = capsys.readouterr().out
    assert "FAILED wrong: the gradient is wrong" in out
    assert "역전파로 구한 기울기가 수치 미분의 결과와 다릅니다." in out


def test_a_failure_comes_with_a_script_that_makes_it_again(mine, capsys):
    assert main(["check", "mine_of_check.py:wrong", "--shape", "2,3", "--seed", "5"]) == 1
    found, _, script = capsys.readouterr().out.partition("a script that makes this check again:")
    assert "  from mine_of_check import wrong\n" in script
    assert script.rstrip().endswith("tg.check_gradient(wrong, x, rng=5)")
    with pytest.raises(GradientMismatch) as again:
        exec(textwrap.dedent(script.partition(":\n")[2]), {})
    assert str(again.value) in found


def test_in_a_composite_function_the_op_and_the_line_are_named(mine, capsys):
    assert main(["check", "mine_of_check:composite"]) == 1
    out = capsys.readouterr().out
    lines = mine.read_text(encoding="utf-8").splitlines()
    called, formula = (next(i for i, line in enumerate(lines, 1) if x in line) for x in ("sum(wrong(h))", "3 * g * x"))
    assert "FAILED composite: the gradient is wrong" in out
    assert f"op wrong, called at {mine}:{called}" in out
    assert f"the formula of wrong for 'x', at {mine}:{formula}" in out
    assert "연산 wrong에서 인수 'x'" in out


def test_what_cannot_be_decided_is_no_success(mine, capsys):
    assert main(["check", "mine_of_check:logarithm"]) == 1
    out, err = capsys.readouterr()
    assert "FAILED logarithm: cannot decide: log gives nan at out[" in out
    assert "--domain, --shape and --seed choose other inputs" in out
    assert err == ""


@pytest.mark.parametrize("target", ["tinygrad_ko:log", "mine_of_check:means", "mine_of_check:endless"])
def test_numpy_warns_of_nothing(target, mine, capsys, recwarn):
    assert main(["check", target, "--order", "2"]) == 1
    assert capsys.readouterr().err == ""
    assert not recwarn.list


def test_the_parameters_of_a_module_are_checked_too(mine, capsys):
    assert main(["check", "mine_of_check:net"]) == 0
    out = capsys.readouterr().out
    assert "mine_of_check:net at random inputs of shape (3, 4) (or give --shape)" in out
    assert "layer.W" in out
    assert "layer.b" in out


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


def test_domains(mine, capsys):
    assert main(["check", "tinygrad_ko:log", "--domain", "positive"]) == 0
    assert "at random inputs of shape (3, 4), domain positive" in capsys.readouterr().out
    assert main(["check", "mine_of_check:inside", "--domain", "2,2.5", "--domain", ",-1"]) == 0
    assert "shape (3, 4), (3, 4), domain 2,2.5 and ,-1 (or give --shape)" in capsys.readouterr().out
    assert main(["check", "mine_of_check:positive", "--domain", "positive"]) == 0, "once for all inputs"
    capsys.readouterr()
    assert main(["check", "tinygrad_ko:multiply", "--domain", "-.5,-1e-3", "--shape", "3", "--shape", "2,3"]) == 0
    assert "shape (3,), (2, 3), domain -0.5,-0.001" in capsys.readouterr().out


LIMITS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


def ordered(pair: Any) -> bool:
    return None in pair or pair[0] < pair[1]


@given(st.one_of(st.sampled_from(sorted(DOMAINS)), st.tuples(LIMITS, LIMITS).filter(ordered)))
def test_a_domain_is_read_as_it_is_printed(some):
    assert domain(_format_domain(some)) == some


def test_effort_and_wrt(mine, capsys):
    found = {}
    for effort in ("quick", "usual", "thorough"):
        arguments = ["--effort", effort, "--wrt", "b", "--json"]
        assert main(["check", "mine_of_check:two", *arguments]) == 0
        found[effort] = json.loads(capsys.readouterr().out)
        assert [row["argument"] for row in found[effort]["rows"]] == ["b"]
    assert [report["rows"][0]["projections"] for report in found.values()] == [1, 2, 8]
    assert main(["check", "mine_of_check:two", "--wrt", "b", "--wrt", "a", "--json"]) == 0
    assert [row["argument"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["a", "b"]


class TestJson:
    def read(self, capsys, *arguments):
        """The exit status, the object that was printed, and what is on stderr."""
        status = main(["check", *arguments, "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out, parse_constant=pytest.fail), err

    def test_success(self, mine, capsys):
        status, found, err = self.read(capsys, "mine_of_check:two", "--order", "2")
        assert (status, err) == (0, "")
        assert list(found) == KEYS
        assert (found["name"], found["verdict"], found["numbers"], found["blame"]) == ("two", "agrees", 24, None)
        assert (found["check"], found["options"]["order"], found["options"]["rng"]) == ("check_gradient", 2, 0)
        assert [np.shape(found["points"][name]["values"]) for name in "ab"] == [(3, 4), (3, 4)]
        assert {"python", "numpy", "tinygrad_ko"} <= set(found["versions"])
        assert found["evaluations"] > 20
        rows = [(row["argument"], row["order"], row["shape"], row["verdict"]) for row in found["rows"]]
        assert rows[0] == ("a", 1, [3, 4], "agrees")
        assert all(0 < row["error"] < 1e-9 and "claim" not in row for row in found["rows"])
        assert rows[-1] == ("the cotangent", 2, None, "agrees")

    def test_a_wrong_gradient(self, mine, capsys):
        status, found, err = self.read(capsys, "mine_of_check:composite")
        assert (status, err) == (1, "FAILED composite: the gradient is wrong\n")
        assert list(found) == [*KEYS, "error"]
        assert found["verdict"] == found["rows"][-1]["verdict"] == "mismatch"
        assert found["blame"]["op"] == "wrong"
        assert found["blame"]["line"].startswith(f"{mine}:")
        assert found["blame"]["ratio"] == pytest.approx(1.5)
        assert 0 < found["blame"]["error"] < 1e-9
        assert found["error"].startswith("composite: the gradient is wrong\n  op wrong, called at ")
        assert "evaluations" not in found["error"], "the table stands in rows"

    def test_what_the_function_prints_goes_elsewhere(self, mine, capsys):
        status, found, err = self.read(capsys, "mine_of_check:logarithm")
        assert (status, found["verdict"], found["rows"], found["blame"]) == (1, "undecided", [], None)
        assert found["error"].startswith("logarithm: cannot decide: log gives nan")
        *others, failed = err.splitlines()
        assert set(others) == {"I was called"}
        assert failed.startswith("FAILED logarithm: cannot decide: log gives nan")
        status, found, err = self.read(capsys, "mine_of_check:logarithm", "--domain", "1,")
        assert (status, found["verdict"]) == (0, "agrees")
        assert set(err.splitlines()) == {"I was called"}

    def test_what_is_not_finite(self, mine, capsys):
        status, found, _ = self.read(capsys, "mine_of_check:endless")
        assert (status, found["verdict"]) == (1, "mismatch")
        assert found["rows"][0]["analytic"] in ("NaN", "Infinity", "-Infinity")

    @pytest.mark.parametrize("arguments", [["mine_of_check:two", "--wrt", "c"], ["mine_of_check:broken"], ["no:f"]])
    def test_bad_input_prints_nothing(self, arguments, mine, capsys):
        assert main(["check", *arguments, "--json"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "tinygrad-ko: error: " in err

    @given(st.recursive(st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
    def test_every_number_can_be_read_back(self, value):
        def same(a, b):
            if isinstance(a, dict):
                return all(same(a[k], b[k]) for k in a) and len(a) == len(b)
            if isinstance(a, list):
                return len(a) == len(b) and all(map(same, a, b))
            return str(a) == str(float(b)) if isinstance(a, float) else a == b

        assert same(value, json.loads(json.dumps(as_json(value), allow_nan=False)))


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
        (["mine_of_check:nothing"], "give --shape once for each"),
        (["mine_of_check:Net"], "is a class: name a function, or a variable such as model = Net(...)"),
        (["mine_of_check:layer", "--shape", "3,5"], "x has 5 columns, but W has 4 rows"),
        (["mine_of_check:two", "--shape", "3,-4"], "every size must be at least 0"),
        (["mine_of_check:two", "--shape", "-3,4"], "every size must be at least 0"),
        (
            ["mine_of_check:two", "--domain", "complex"],
            "must be real, positive, nonzero, unit, symmetric, positive_definite, simplex or",
        ),
        (["mine_of_check:two", "--domain", "1,1"], "not '1,1'"),
        (["mine_of_check:two", "--domain", "1"], "not '1'"),
        (["mine_of_check:two", "--domain", "0,nan"], "not '0,nan'"),
        (["mine_of_check:two", "--domain", "0,1,2"], "not '0,1,2'"),
        (["mine_of_check:two", *["--domain", "unit"] * 3], "--domain is given 3 times for 2 inputs"),
        (["mine_of_check:two", "--effort", "heroic"], "invalid choice: 'heroic'"),
        (["mine_of_check:two", "--wrt", "c"], "wrt='c' is no argument that can be checked; there are ['a', 'b']"),
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


HANDWRITTEN = """
import numpy as np

def loss(x):
    return np.sum(x ** 3)

def gradient(x):
    return 3 * x ** 2

def wrong(x):
    return 2 * x ** 2

def hessian(x):
    return np.diag(6 * x)

def product(x, p):
    return 6 * x * p

def affine(x, W):
    assert x.dtype == np.float64
    return x @ W

def back(g, x, W):
    return g @ W.T, x.T @ g

def both(x, W):
    y = affine(x, W)
    return np.sum(y * y), x.T @ (2 * y)

def ahead(x, W, dx, dW):
    return dx @ W + x @ dW
"""


class TestWrittenByHand:
    @pytest.fixture
    def by_hand(self, mine):
        mine.write_text(HANDWRITTEN, encoding="utf-8")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["loss", "--grad", "gradient"],
            ["both", "--grad", "True", "--shape", "3,4", "--shape", "4,2", "--wrt", "W"],
            ["gradient", "--hess", "hessian", "--shape", "5"],
            ["gradient", "--hessp", "product"],
            ["affine", "--vjp", "back", "--shape", "3,4", "--shape", "4,2"],
            ["affine", "--jvp", "ahead", "--shape", "3,4", "--shape", "4,2", "--wrt", "W", "--effort", "quick"],
        ],
    )
    def test_right(self, arguments, by_hand, capsys):
        assert main(["check", f"mine_of_check.py:{arguments[0]}", *arguments[1:]]) == 0
        assert f"ok {arguments[0]}: the gradient agrees" in capsys.readouterr().out

    def test_wrong(self, by_hand, capsys):
        assert main(["check", "mine_of_check:loss", "--grad", "wrong", "--json"]) == 1
        found = json.loads(capsys.readouterr().out)
        assert found["blame"]["ratio"] == pytest.approx(2 / 3)
        assert found["blame"]["formula"].endswith("mine_of_check.py:10")

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            (["loss", "--grad", "no_such"], "has no no_such"),
            (["loss", "--grad", "gradient", "--order", "2"], "--grad cannot be given with --order 2"),
            (["loss", "--hess", "gradient", "--wrt", "x"], "--hess cannot be given with --wrt"),
            (["loss", "--grad", "gradient", "--wrt", "w"], "no argument that can be checked"),
            (["loss", "--grad", "gradient", "--library", "jax"], "--grad cannot be given with --library"),
            (["loss", "--grad", "gradient", "--vjp", "back"], "not allowed with argument"),
            (["loss", "--grad", "hessian", "--shape", "3"], "must have shape (3,), not (3, 3)"),
            (["loss", "--rtol", "-1"], "must be at least 0"),
        ],
    )
    def test_bad_input(self, arguments, named, by_hand, capsys):
        assert main(["check", f"mine_of_check:{arguments[0]}", *arguments[1:]]) == 2
        assert named in capsys.readouterr().err


def test_domains_of_whole_arrays(mine, capsys):
    mine.write_text(
        "import numpy as np\n"
        "def logdet(x, p):\n"
        "    assert np.allclose(x, x.T) and abs(p.sum() - 1) < 1e-12\n"
        "    return 2 * np.log(np.diag(np.linalg.cholesky(x))).sum() - p @ np.log(p)\n"
        "def back(g, x, p): return g * np.linalg.inv(x), -g * np.log(p)\n"
        "def wrong(g, x, p): return g * np.linalg.inv(x), g * np.log(p)\n"
    )
    given = ["--shape", "3,3", "--shape", "4", "--domain", "positive_definite", "--domain", "simplex"]
    assert main(["check", "mine_of_check.py:logdet", "--vjp", "back", *given]) == 0
    out = capsys.readouterr().out
    assert "x moves inside its domain alone: positive_definite" in out
    assert "p moves inside its domain alone: simplex" in out
    assert main(["check", "mine_of_check.py:logdet", "--vjp", "wrong", *given]) == 1
    assert "domain={0: 'positive_definite', 1: 'simplex'}" in capsys.readouterr().out
    assert main(["check", "mine_of_check.py:logdet", "--vjp", "back", "--domain", "symmetric"]) == 2
    assert "the domain 'symmetric' needs square matrices, not the shape (3, 4)" in capsys.readouterr().err


def test_double_precision_only(mine, capsys):
    mine.write_text(
        "import numpy as np, tinygrad_ko as tg\n"
        "@tg.op(x=lambda g, x: g * tg.cos(x))\n"
        "def double(x):\n"
        "    assert x.dtype == np.float64\n"
        "    return np.sin(x)\n"
    )
    assert main(["check", "mine_of_check:double"]) == 0
    assert "not checked in float32: AssertionError" in capsys.readouterr().out
    assert main(["check", "mine_of_check:double", "--no-float32"]) == 0
    assert "float32" not in capsys.readouterr().out


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_other_libraries(library, mine, capsys):
    pytest.importorskip(library)
    mine.write_text(
        {
            "torch": "import torch\n"
            "class Double(torch.autograd.Function):\n"
            "    @staticmethod\n"
            "    def forward(ctx, x): return 2 * x\n"
            "    @staticmethod\n"
            "    def backward(ctx, g): return 3 * g\n"
            "plain, net, ruled = torch.sin, torch.nn.Linear(4, 2), Double\n",
            "jax": "import jax\n"
            "def plain(x): return jax.numpy.sin(x)\n"
            "net, ruled = jax.jit(plain), jax.custom_vjp(plain)\n"
            "ruled.defvjp(lambda x: (plain(x), x), lambda x, g: (g,))\n",
        }[library]
    )
    assert main(["check", "mine_of_check.py:plain", "--library", library, "--shape", "3,4"]) == 0
    assert main(["check", "mine_of_check.py:net", "--shape", "3,4"]) == 0
    assert "judged in float64" in capsys.readouterr().out
    assert main(["check", "mine_of_check.py:ruled", "--shape", "3,4"]) == 1
    assert "the formula of" in capsys.readouterr().out


def test_a_shape_or_a_domain_that_is_missing_is_named(mine, capsys):
    mine.write_text(
        "import numpy as np\n"
        "def product(a, b): return np.sum(a @ b)\n"
        "def gradient(a, b): return np.ones(a.shape) @ b.T\n"
        "def logdet(x): return 2 * np.log(np.diag(np.linalg.cholesky(x))).sum()\n"
        "def inverse(x): return np.linalg.inv(x)\n"
    )
    product = ["check", f"{mine}:product", "--grad", "gradient", "--shape", "3,4"]
    assert main(product) == 2
    assert "takes 2 inputs: give --shape once for each, not 1 times" in capsys.readouterr().err
    logdet = ["check", f"{mine}:logdet", "--grad", "inverse"]
    assert main([*logdet, "--shape", "4,4"]) == 2
    assert "--domain positive_definite gives such matrices" in capsys.readouterr().err
    assert main([*logdet, "--domain", "positive_definite"]) == 2
    assert "on the command line: --shape 4,4" in capsys.readouterr().err
    assert main([*logdet, "--domain", "positive_definite", "--shape", "4,4"]) == 0


def test_a_failure_as_json_says_so_on_stderr_in_a_line(mine, capsys):
    assert main(["check", "tinygrad_ko:log", "--json"]) == 1
    assert (
        capsys.readouterr().err
        == "FAILED log: cannot decide: log gives nan at out[0, 0]; choose inputs inside its domain\n"
    )
