"""Every example runs, as a reader would run it, and says what it promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(name, *arguments, folder, **environment):
    """What an example prints; warnings are errors, as in the other tests."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), *arguments]
    one_thread = {
        "OPENBLAS_NUM_THREADS": "1"
    }  # matrices this small gain nothing from more, and lose much on a busy machine
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | one_thread | environment
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_runs_and_leaves_nothing_behind(path, tmp_path):
    assert run(path.name, folder=tmp_path).strip()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_says_how_to_run_it(path):
    assert f"python examples/{path.name}" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_prints_where_only_ascii_can_be_printed(path, tmp_path):
    run(path.name, folder=tmp_path, PYTHONIOENCODING="ascii")


def test_gradient_descent_prints_the_books_figures(tmp_path):
    out = run("gradient_descent.py", folder=tmp_path)
    for figure in (
        "[-6.11110793e-10  8.14814391e-10]",
        "[-2.99999994  3.99999992]",
        "[-2.58983747e+13 -1.29524862e+12]",
        "after step 10",
        "x + h == x is True and the numerical gradient is [0. 0.]",
        "[-2.25154873e+128  3.00206497e+128]",
    ):
        assert figure in out


def test_the_two_gradients_agree_and_one_is_faster(tmp_path):
    out = run("numerical_against_backprop.py", folder=tmp_path)
    differences = [float(value) for value in re.findall(r"(?:W|b)\d: (\S+)", out)]
    assert len(differences) == 4
    assert max(differences) < 1e-8
    assert "760 parameters, 1520 evaluations" in out
    assert int(re.findall(r"(\d+) times as fast", out)[0]) > 10


def test_training_reaches_95_percent_on_the_digits(tmp_path):
    lines = run("train_two_layer_net.py", folder=tmp_path).splitlines()
    assert lines[0].startswith("step     1 ")
    assert lines[-1].startswith("step  2000 ")
    assert float(lines[-1].split()[-1]) >= 0.95
    losses = [float(line.split()[3]) for line in lines]
    assert losses[-1] < 0.1 < 2 < losses[0]


def test_training_is_the_same_for_the_same_seed_only(tmp_path):
    first, again, other = (run("train_two_layer_net.py", "--iters", "30", "--seed", s, folder=tmp_path) for s in "112")
    assert first == again != other


def mnist_is_there():
    base = os.environ.get("TINYGRAD_KO_DATA")
    return base is not None and any(any(Path(base, sub).glob("train-images-idx3-ubyte*")) for sub in ("", "mnist"))


@pytest.mark.skipif(not mnist_is_there(), reason="the environment variable TINYGRAD_KO_DATA names no folder with MNIST")
def test_training_on_mnist(tmp_path):
    lines = run("train_two_layer_net.py", "--mnist", "--iters", "600", folder=tmp_path).splitlines()
    assert float(lines[-1].split()[-1]) > 0.6
