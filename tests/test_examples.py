"""Every example runs, as a reader would run it, and says what it promises."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from tokenize import COMMENT, generate_tokens

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(name, *arguments, folder, **environment):
    """What an example prints; warnings are errors, as in the other tests."""
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), *arguments]
    one_thread = {
        "OPENBLAS_NUM_THREADS": "1"
    }  # matrices this small gain nothing from more, and lose much on a busy machine
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"} | one_thread | environment
    environment["HYPOTHESIS_STORAGE_DIRECTORY"] = str(
        folder.parent / "hypothesis"
    )  # its cache, else a folder where it runs
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@cache
def shown(name):
    """What an example prints that is run as it is, which leaves nothing behind where it runs."""
    with TemporaryDirectory() as around:
        folder = Path(around, "here")
        folder.mkdir()
        out = run(name, folder=folder)
        assert list(folder.iterdir()) == []
    return out


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_runs_and_leaves_nothing_behind(path):
    assert shown(path.name).strip()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_says_how_to_run_it(path):
    assert f"python examples/{path.name}" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_prints_where_only_ascii_can_be_printed(path, tmp_path):
    assert shown(path.name).isascii() or run(path.name, folder=tmp_path, PYTHONIOENCODING="ascii")


def test_gradient_descent_prints_the_books_figures():
    out = shown("gradient_descent.py")
    for figure in (
        "[-6.11110793e-10  8.14814391e-10]",
        "[-2.99999994  3.99999992]",
        "[-2.58983747e+13 -1.29524862e+12]",
        "after step 10",
        "x + h == x is True and the numerical gradient is [0. 0.]",
        "[-2.25154873e+128  3.00206497e+128]",
    ):
        assert figure in out


def test_the_two_gradients_agree_and_one_is_faster():
    out = shown("numerical_against_backprop.py")
    differences = [float(value) for value in re.findall(r"(?:W|b)\d: (\S+)", out)]
    assert len(differences) == 4
    assert max(differences) < 1e-8
    assert "760 parameters, 1520 evaluations" in out
    assert int(re.findall(r"(\d+) times as fast", out)[0]) > 10


def test_an_op_is_wrong_blamed_and_mended():
    out = shown("check_your_own_op.py")
    first, second, mended, all_inputs = re.split(r"^\d\. ", out, flags=re.M)[1:]
    for part, op, message in (
        (first, "scatter_without_the_mean", "is a sum over that axis missing?"),
        (second, "scatter_with_a_sum", "the ratio is 5: a sum where a mean is meant (5 elements of the"),
    ):
        assert f"{op}: the gradient is wrong" in part
        assert message in part
        (line,) = re.findall(rf"the formula of {op} for 'x', at .*check_your_own_op.py:(\d+)", part)
        source = (ROOT / "examples" / "check_your_own_op.py").read_text(encoding="utf-8").splitlines()
        assert source[int(line) - 1].startswith("@tg.op(x=")
        assert source[int(line)].startswith(f"def {op}(")
        assert "미분 공식이 틀렸습니다" in part
    assert mended.count("scatter: the gradient agrees") == 1
    assert len(re.findall(r"^  x .* 2  .* agrees$", mended, re.M)) == 2  # at both orders, two projections each
    caught = [tuple(map(int, pair)) for pair in re.findall(r"scatter: (\d+) of (\d+) mutants caught", mended)]
    assert len(caught) == 3
    assert len({total for _, total in caught}) == 1
    weak, matrix, stack = caught
    assert weak[0] < matrix[0] < stack[0] == stack[1]
    assert "scatter: 50 calls, 50 agree at orders 1 and 2, 0 undecided" in all_inputs


def test_where_hypothesis_is_missing_an_op_is_checked_without_it(tmp_path):
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "hypothesis.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'hypothesis'\", name='hypothesis')\n"
    )
    path = os.pathsep.join([str(stub), str(ROOT)])
    out = run("check_your_own_op.py", folder=tmp_path, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
    assert "scatter: the gradient agrees" in out
    assert "mutants caught" in out
    assert "tinygrad_ko.testing.check_op needs Hypothesis: " in out.splitlines()[-2]
    assert out.splitlines()[-2].endswith("[testing]'")
    assert "설치하십시오" in out.splitlines()[-1]


def test_newtons_method_doubles_its_digits():
    newton, descent = shown("newton.py").split("\n\n")
    lengths = [float(number) for number in re.findall(r"  (\d\.\de[-+]\d+)", newton)]
    assert len(lengths) == 8
    assert lengths[-1] < 1e-9 < 1e-3 < lengths[3]
    assert float(re.findall(r"([\d.]+)% of the test digits", newton)[0]) > 94
    assert float(re.findall(r"(\S+e\S+)$", descent, re.M)[1]) > 1e-5
    assert newton.splitlines()[-2].split()[2] == descent.splitlines()[-1].split()[2]  # the same loss in the end


def test_a_bug_in_a_network_is_found():
    out = shown("find_the_bug.py")
    seems, found, mended, nan = re.split(r"^\d\. ", out, flags=re.M)[1:]
    before, after = (float(re.findall(r"([\d.]+)%", part)[-1]) for part in (seems, mended))
    assert 90 < before < after
    source = (ROOT / "examples" / "find_the_bug.py").read_text(encoding="utf-8").splitlines()
    (call,) = re.findall(r"op logistic_with_a_wrong_sign, called at .*find_the_bug.py:(\d+)", found)
    assert source[int(call) - 1].strip() == "z1 = a1 * self.logistic(a1)"
    (formula,) = re.findall(r"the formula of logistic_with_a_wrong_sign for 'x', at .*find_the_bug.py:(\d+)", found)
    assert "out * (out - 1)" in source[int(formula) - 1]
    assert "the ratio is -1: a sign" in found
    assert "부호가 반대인 것 같습니다" in found
    (once, one_by_one) = re.findall(r"computed (\d+) times; .* would take ([\d,]+)\.", mended)[0]
    assert int(once) < 20
    assert one_by_one == "7,260"
    assert mended.count("the gradient agrees") == 2
    (line,) = re.findall(r"sqrt gives nan at out\[2\], called at .*find_the_bug.py:(\d+)", nan)
    assert "tg.sqrt(x)" in source[int(line) - 1]
    assert "where를 안팎으로 두 번" in nan
    assert "root_with_a_double_where: the gradient agrees" in nan


def test_pictures_of_learning_are_written_where_that_is_asked_for(tmp_path):
    out = run("pictures_of_learning.py", "--out", "a/b", folder=tmp_path)
    pictures = list((tmp_path / "a" / "b").iterdir())
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    names = {picture.name for picture in pictures}
    assert names == set(re.findall(r"wrote (\S+)", out))
    assert names >= {"learning_curves.png", "weights.png", "filters.png", "images.png", "contour.png", "wireframe.png"}
    assert float(re.findall(r"test accuracy ([\d.]+)", out)[0]) > 0.95


def test_logistic_regression_parts_two_clouds():
    lines = shown("logistic_regression.py").splitlines()
    losses = [float(line.split()[3]) for line in lines if line.startswith("step")]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == 0.6931  # of a probability of one half everywhere
    assert float(re.findall(r"right ([\d.]+)%", lines[4])[0]) > 94
    drawn = lines[5:]
    assert sum("*" in line for line in drawn) > 15
    for line in drawn:  # the ones lie to the right of the boundary, the zeros to the left of it, but for a few
        if "*" in line:
            left, right = line.split("*", maxsplit=1)
            assert left.count("1") + right.count("0") <= 3


def test_a_spiral_is_parted_where_a_line_cannot():
    out = shown("spiral.py")
    right = [float(number) for number in re.findall(r"([\d.]+)% of the points", out)]
    assert right[0] < 65 < 95 < right[-1]
    first, last = (part.splitlines()[1:28] for part in re.split(r"answers .*", out)[1:])
    assert {len(line) for line in first + last} == {67}
    assert set("".join(last)) == set(".o-ABC")


def test_optimizers_race_down_a_ravine():
    out = shown("optimizers_on_a_ravine.py")
    rows = re.findall(r"^(\w+) +(\S+e\S+) +(\S+e\S+) +(\S+e\S+) +(\d+)$", out, re.M)
    assert [row[0] for row in rows] == ["SGD", "Momentum", "AdaGrad", "Adam"]
    turns = {name: int(number) for name, *_, number in rows}
    assert turns["SGD"] == 30  # from side to side at every step
    assert turns["AdaGrad"] == 0
    assert all(float(row[3]) < float(row[1]) for row in rows)
    assert out.count("+\n") + out.count("+ ") >= 3


def test_polynomials_overfit_unless_they_are_held_back():
    out = shown("polynomial_regression.py")
    rows = re.findall(r"^ +(\d) +(\S+) +(\S+) +(\S+) +(\S+)$", out, re.M)
    training, test = ([float(row[i]) for row in rows] for i in (2, 3))
    assert [(row[0], row[1]) for row in rows] == [("1", "0"), ("3", "0"), ("9", "0"), ("9", "0.001")]
    assert training[2] == min(training)
    assert test[3] < test[2] / 2
    assert test[1] < test[0]


def test_an_autoencoder_maps_digits():
    out = shown("autoencoder.py")
    errors = [float(number) for number in re.findall(r"of test images ([\d.]+)", out)]
    assert errors == sorted(errors, reverse=True)
    (linear,) = re.findall(r"which are linear: ([\d.]+)", out)
    assert errors[-1] < 0.85 * float(linear)
    assert int(re.findall(r"same digit: (\d+)%", out)[0]) > 55


def test_an_op_of_ones_own():
    right, wrong, work = re.split(r"^\d\. ", shown("own_op.py"), flags=re.M)[1:]
    assert "log_cosh: the gradient agrees" in right
    assert "the ratio is 1/2: a constant factor" in wrong
    assert "비율이 1/2입니다" in wrong
    squares, robust = (float(number) for number in re.findall(r"(\d\.\d{3})$", work, re.M))
    assert squares == 4.8
    assert robust < 1.5


def test_inference_without_the_files_says_what_is_missing(tmp_path):
    out = run("mnist_inference.py", folder=tmp_path, TINYGRAD_KO_DATA=str(tmp_path / "nothing"))
    assert out.startswith("skipped: MNIST was not found")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_docstrings_are_english_and_comments_korean(path):
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    for node in (tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef))):
        assert not re.search("[가-힣]", ast.get_docstring(node) or "")
    assert ast.get_docstring(tree)
    comments = [word.string for word in generate_tokens(StringIO(source).readline) if word.type == COMMENT]
    assert comments
    assert all(re.search("[가-힣]", comment) for comment in comments)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_both_readmes_name_every_example(path, readme):
    assert f"examples/{path.name}" in (ROOT / readme).read_text(encoding="utf-8")


def test_training_reaches_95_percent_on_the_digits():
    lines = shown("train_two_layer_net.py").splitlines()
    assert lines[0].startswith("step     1 ")
    assert lines[-1].startswith("step  2000 ")
    assert float(lines[-1].split()[-1]) >= 0.95
    losses = [float(line.split()[3]) for line in lines]
    assert losses[-1] < 0.1 < 2 < losses[0]


def test_training_is_the_same_for_the_same_seed_only(tmp_path):
    first, again, other = (run("train_two_layer_net.py", "--iters", "30", "--seed", s, folder=tmp_path) for s in "112")
    assert first == again != other


def test_a_convolutional_network_reads_the_digits(tmp_path):
    lines = shown("train_conv_net.py").splitlines()
    epochs = [line.split() for line in lines if line.startswith("epoch")]
    assert len(epochs) == 12
    assert float(epochs[-1][-1]) >= 0.96
    losses = [float(words[3]) for words in epochs]
    assert losses[-1] < 0.05 < 0.5 < losses[0]
    assert lines[-4] == "The kernel that counts most:"
    first, again, other = (run("train_conv_net.py", "--epochs", "1", "--seed", s, folder=tmp_path) for s in "112")
    assert first == again != other


def mnist_is_there():
    base = os.environ.get("TINYGRAD_KO_DATA")
    return base is not None and any(any(Path(base, sub).glob("train-images-idx3-ubyte*")) for sub in ("", "mnist"))


@pytest.mark.skipif(not mnist_is_there(), reason="the environment variable TINYGRAD_KO_DATA names no folder with MNIST")
def test_training_on_mnist(tmp_path):
    lines = run("train_two_layer_net.py", "--mnist", "--iters", "600", folder=tmp_path).splitlines()
    assert float(lines[-1].split()[-1]) > 0.6


def weights_are_there():
    base = os.environ.get("TINYGRAD_KO_DATA")
    return base is not None and any(any(Path(base, sub).glob("sample_weight.*")) for sub in ("", "mnist"))


@pytest.mark.skipif(
    not (mnist_is_there() and weights_are_there()),
    reason="the environment variable TINYGRAD_KO_DATA names no folder with MNIST and the book's sample_weight",
)
def test_inference_with_the_books_weights():
    out = shown("mnist_inference.py")
    assert "784-50-100-10" in out
    assert "0.9352 of 10,000 images right" in out
    assert "0.9207 with raw pixels" in out


def test_an_objective_is_checked_before_it_is_minimised():
    wrong, right, _ = re.split(r"^\d\. ", shown("check_an_objective.py"), flags=re.M)[1:]
    assert "loss: the gradient is wrong" in wrong
    assert "    tg.check.check_grad(loss, without_penalty, w, X, t)" in wrong
    assert right.count("the gradient agrees") == 3


def test_an_edited_file_is_judged():
    written, wrong, right = re.split(r"^\d\. ", shown("edit_and_judge.py"), flags=re.M)[1:]
    assert "the gradient agrees" in written
    assert "the derivative given for 'b1'" in wrong
    assert re.search(r"d out / d b1\[\d\]: .*\n.*\(ratio 0\.05\)", wrong)
    assert "the gradient agrees" in right


@pytest.mark.skipif(sys.platform == "win32" or not shutil.which("cc"), reason="no C compiler")
def test_a_kernel_in_c_gets_doubles_only():
    wrong, right = re.split(r"^\d\. ", shown("check_a_c_kernel.py"), flags=re.M)[1:]
    assert "d out[0] / d x[1]: the derivative given is 0\n    the function has the slope 0.25 " in wrong
    assert "the gradient agrees" in right
    assert "float32" not in right


@pytest.mark.parametrize(
    ("library", "name", "wrong", "right"),
    [("torch", "check_a_torch_function.py", 2, 1), ("jax", "check_a_jax_rule.py", 1, 1)],
)
def test_other_libraries(library, name, wrong, right):
    out = shown(name)
    if importlib.util.find_spec(library) is None:
        assert out.endswith(f"python -m pip install {library}\n")
        return
    assert (out.count("the gradient is wrong"), out.count("the gradient agrees")) == (wrong, right)
    if library == "torch":
        assert "gradcheck, fast mode: True" in out


def test_with_batch_normalisation_small_first_weights_do_no_harm():
    out = shown("batch_normalization.py")
    rows = {
        float(std): (float(a), float(b)) for std, a, b in re.findall(r"^ *([\d.]+) +([\d.]+) +([\d.]+)$", out, re.M)
    }
    without, with_it = rows[0.01]
    assert without < 0.2 < 0.95 < with_it
    assert rows[0.3][0] > 0.85  # good first weights need no help
