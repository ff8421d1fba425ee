"""The script that makes a check again, and the certificate of what it found."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.check import GradientMismatch, check_grad, check_gradient, check_jvp, check_vjp
from tinygrad_ko.check.reports.record import spelled
from tinygrad_ko.testing import arrays, mutation_score

ROOT = Path(__file__).resolve().parents[2]
X = np.array([[0.5, -1.0, np.pi]])


@tg.op(x=lambda g, x: 2 * g * x)
def cube(x):
    return x**3


def square(x, k=1.0):
    return k * x * x


def wrong_vjp(g, x):
    return g * x


def failure(check, *arguments, **options):
    """The error of a check that fails."""
    with pytest.raises(GradientMismatch) as caught:
        check(*arguments, **options)
    return caught.value


def made_again(error):
    """What its script raises."""
    with pytest.raises(GradientMismatch) as caught:
        exec(error.report.script(), {})
    return caught.value


class TestScripts:
    @pytest.mark.parametrize(
        "error",
        [
            partial(failure, check_gradient, cube, X),
            partial(failure, check_gradient, cube, [1.0, 2.0], rng=7, effort="thorough", order=2),
            partial(failure, check_vjp, square, wrong_vjp, X.astype(np.float32)),
            partial(failure, check_vjp, np.exp, wrong_vjp, 1.5, wrt="x", float32=True),
            partial(failure, check_jvp, square, wrong_vjp, tg.Tensor(X).numpy()),
            partial(failure, check_grad, square, wrong_vjp, np.array([2.0]), 3.0, effort="quick"),
        ],
    )
    def test_it_fails_in_the_same_words(self, error):
        error = error()
        assert str(made_again(error)) == str(error)
        assert len(error.report.script().splitlines()) <= 9

    def test_only_what_is_not_usual_is_said(self):
        assert check_gradient(tg.tanh, X, rng=3).script().splitlines()[-1] == "tg.check_gradient(tg.tanh, x, rng=3)"
        last = check_grad(np.sum, np.ones_like, [1.0]).script().splitlines()[-1]
        assert last == "tg.check.check_grad(np.sum, np.ones_like, a)"

    def test_what_was_typed_in_the_program_itself_stands_there_with_its_source(self, tmp_path):
        program = tmp_path / "program.py"
        program.write_text(
            "import tinygrad_ko as tg\n\n\n"
            "@tg.op(x=lambda g, x: 2 * g * x)\ndef cube(x):\n    return x**3\n\n\n"
            "try:\n    tg.check_gradient(cube, [1.0, 2.0])\nexcept tg.GradientMismatch as error:\n    print(error.report.script())\n",
            encoding="utf-8",
        )
        command = [sys.executable, str(program)]
        script = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=ROOT).stdout
        assert "@tg.op(x=lambda g, x: 2 * g * x)\ndef cube(x):\n    return x**3\nx = [1.0, 2.0]\n" in script

    def test_what_cannot_be_written_is_left_open(self):
        model, t = nn.Affine(3, 2, rng=0), np.array([1])
        k = 2.0
        report = check_gradient(lambda x: k * tg.softmax_cross_entropy(model(x), t), X, parameters=model)
        script = report.script().splitlines()
        assert script[3].startswith("f = ...  # ")
        assert f"{Path(__file__).name}:" in script[3]
        assert script[5:] == ["parameters = ...  # Affine", "tg.check_gradient(f, x, parameters=parameters)"]
        report = check_gradient(tg.tanh, np.ones((20, 20)))
        assert "x = np.load('x.npy')  # shape (20, 20); np.save('x.npy', ...) where" in report.script()

    @given(
        st.recursive(
            arrays() | st.floats(),
            lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
        )
    )
    def test_a_value_is_read_back_as_it_was(self, value: Any) -> None:
        assert repr(eval(spelled(value), {"np": np})) == repr(value)


class TestCertificates:
    def test_it_is_plain_and_says_where_and_how(self):
        score = mutation_score(tg.tanh, lambda op: check_gradient(op, X, effort="quick"))
        found = check_gradient(tg.matmul, np.eye(2), np.ones((2, 300)), rng=5).certificate(score)
        assert json.loads(json.dumps(found)) == {**found, "rows": json.loads(json.dumps(found["rows"]))}
        assert (found["name"], found["verdict"], found["check"]) == ("matmul", "agrees", "check_gradient")
        assert found["options"]["rng"] == 5
        assert found["points"]["a"] == {"shape": [2, 2], "dtype": "float64", "values": [[1, 0], [0, 1]]}
        assert len(found["points"]["b"]["sha256"]) == 64
        assert found["versions"]["numpy"] == np.__version__
        assert (
            found["mutants"]["caught"] + len(found["mutants"]["survived"]) == found["mutants"]["total"] == score.total
        )
        assert all(0 < row["error"] < row["tolerance"] for row in found["rows"])

    def test_a_failure_has_one_too(self):
        found = failure(check_gradient, cube, X).report.certificate()
        assert found["verdict"] == "mismatch"
        assert found["blame"]["op"] == "cube"
        assert "mutants" not in found

    def test_two_points_have_two_certificates(self):
        x = np.ones(300)
        first, again, other = (check_gradient(tg.tanh, part).certificate() for part in (x, x.copy(), x + 1e-9))
        assert first == again
        assert first["points"] != other["points"]


def test_a_certificate_is_json_whatever_was_seen():
    rtol: Any = np.float32(1e-3)
    with pytest.raises(tg.check.GradientUndecided) as error:
        tg.check_gradient(tg.sqrt, [-1.0], rtol=rtol)
    text = json.dumps(error.value.report.certificate(), allow_nan=False)
    assert json.loads(text)["points"]["x"]["values"] == [-1.0]
