"""Training: what it writes, that it can be stopped anywhere and goes on exactly there, and what it refuses."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_ko import optim
from tinygrad_ko.cli import main, train
from tinygrad_ko.cli.console import _for_a_shell, program
from tinygrad_ko.cli.training import ACTIVATIONS, CHECKPOINT, Settings, Training, resumed
from tinygrad_ko.data import load_digits, minibatches
from tinygrad_ko.nn import Affine, Conv2d, Flatten, MaxPool2d, Relu, Sequential, Sigmoid
from tinygrad_ko.ops.networks.losses import softmax_cross_entropy
from tinygrad_ko.runtime.install import from_here, install

ROOT = Path(__file__).resolve().parents[2]
FAST = ["--no-plot", "--quiet", "--hidden", "5"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def history(folder):
    return json.loads(Path(folder, "history.json").read_text(encoding="utf-8"))


def same_run(a, b):
    """Whether two runs have the same parameters, bit for bit, and the same history."""
    with np.load(Path(a, "parameters.npz")) as first, np.load(Path(b, "parameters.npz")) as second:
        assert first.files == second.files
        equal = [first[name].tobytes() == second[name].tobytes() for name in first.files]
    return all(equal) and history(a) == history(b)


def test_a_run_leaves_all_of_it_in_a_folder(here, capsys):
    assert main(["train", "--epochs", "2"]) == 0
    (folder,) = Path("runs").iterdir()
    assert re.fullmatch(r"digits-\d{8}-\d{6}", folder.name)
    names = {"checkpoint.npz", "history.json", "learning.png", "parameters.npz", "settings.json"}
    assert {path.name for path in folder.iterdir()} == names
    assert Path(folder, "learning.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path(folder, "settings.json").read_text(encoding="utf-8")) == {
        **{
            "data": "digits",
            "data_folder": None,
            "network": "affine",
            "hidden": [50],
            "activation": "sigmoid",
            "init": "xavier",
        },
        **{"dtype": "float32", "optimizer": "sgd", "lr": 0.5, "weight_decay": 0.0, "batch_size": 100, "seed": 0},
        **{"epochs": 2, "iterations": None},
    }
    kept = history(folder)
    assert kept["iterations"] == len(kept["loss"]) == 30
    assert [row["epoch"] for row in kept["epochs"]] == [1, 2]
    assert kept["epochs"][1]["loss"] == pytest.approx(np.mean(kept["loss"][15:]))
    shown = capsys.readouterr().out
    assert "64-50-10, sigmoid, xavier, float32: 3,760 parameters" in shown
    for row in kept["epochs"]:
        assert f"train {row['train_accuracy']:.4f}   test {row['test_accuracy']:.4f}" in shown


def test_the_parameters_are_those_of_a_network_that_anyone_can_load(here, capsys):
    assert main(["train", "--epochs", "1", "--out", "a", "--no-plot"]) == 0
    model = Sequential(Affine(64, 50, dtype=np.float32), Sigmoid(), Affine(50, 10, dtype=np.float32))
    model.load("a/parameters.npz")
    (row,) = history("a")["epochs"]
    _, (x, t) = load_digits()
    assert np.mean(model(x).argmax(axis=1) == t) == row["test_accuracy"]


def test_training_learns(here, capsys):
    assert (
        main(["train", "--optimizer", "adam", "--activation", "relu", "--hidden", "40,20", "--out", "a", "--no-plot"])
        == 0
    )
    assert history("a")["epochs"][-1]["test_accuracy"] > 0.95


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_learns(here, capsys, activation):
    command = ["train", "--activation", activation, "--hidden", "30", "--epochs", "8", "--out", "a"]
    assert main([*command, "--no-plot", "--quiet"]) == 0
    assert history("a")["epochs"][-1]["test_accuracy"] > 0.85


def test_a_run_is_the_plain_loop(here, capsys):
    """Written out without checkpoints: one generator draws the weights, then an order for every epoch anew."""
    assert main(["train", *FAST, "--epochs", "3", "--seed", "4", "--optimizer", "momentum", "--out", "a"]) == 0
    (x, t), _ = load_digits()
    rng = np.random.default_rng(4)
    first = Affine(64, 5, dtype=np.float32, rng=rng)
    model = Sequential(first, Sigmoid(), Affine(5, 10, dtype=np.float32, rng=rng))
    optimizer = optim.Momentum(model.parameters(), 0.1)
    losses = []
    for _ in range(3):
        for x_batch, t_batch in minibatches(x, t, 100, rng):
            loss = softmax_cross_entropy(model(x_batch), t_batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert history("a")["loss"] == losses
    with np.load("a/parameters.npz") as saved:
        for name, p in model.named_parameters().items():
            np.testing.assert_array_equal(saved[name], p.numpy())


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop", "adam"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_epochs_and_three_are_five(optimizer, dtype, here, capsys):
    options = [*FAST, "--optimizer", optimizer, "--dtype", dtype, "--weight-decay", "0.001"]
    assert main(["train", *options, "--epochs", "5", "--out", "whole"]) == 0
    assert main(["train", *options, "--epochs", "2", "--out", "parts"]) == 0
    assert not same_run("whole", "parts")
    assert main(["train", "--no-plot", "--quiet", "--resume", "parts", "--epochs", "5"]) == 0
    assert same_run("whole", "parts")


@given(cuts=st.lists(st.integers(1, 70), max_size=4, unique=True), batch_size=st.sampled_from([64, 100, 1433, 5000]))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_may_be_cut_anywhere(cuts, batch_size, tmp_path_factory):
    whole = tmp_path_factory.mktemp("whole")
    parts = tmp_path_factory.mktemp("parts")

    def some(iterations):
        return Settings(
            "digits", None, "affine", (5,), "relu", "he", "float32", "adam", 0.01, 0.0, batch_size, 3, None, iterations
        )

    def finish(training, folder):
        for _ in training.steps():
            pass
        train._save_run(training, folder)

    finish(Training(some(70)), whole)
    first, *later = [*sorted(cuts), 70]
    finish(Training(some(first)), parts)
    for iterations in later:
        finish(resumed(parts, some(iterations)), parts)
    assert same_run(whole, parts)


def test_a_network_without_hidden_layers(here, capsys):
    assert main(["train", "--hidden", "", "--epochs", "1", "--out", "a", "--no-plot"]) == 0
    assert "64-10, sigmoid, xavier, float32: 650 parameters" in capsys.readouterr().out


@pytest.mark.slow
def test_the_convolutional_network_reads_the_digits(here, capsys):
    assert main(["train", "--network", "conv", "--out", "a", "--no-plot"]) == 0
    shown = capsys.readouterr().out
    assert "1 x 8 x 8, conv 16, conv 32, pool, 100-10, relu, he, float32: 57,110 parameters" in shown
    assert "adam, lr 0.003" in shown
    saved = json.loads(Path("a/settings.json").read_text(encoding="utf-8"))
    assert (saved["network"], saved["hidden"], saved["epochs"]) == ("conv", [100], 20)
    row = history("a")["epochs"][-1]
    assert row["test_accuracy"] >= 0.98
    made: dict = {"dtype": np.float32}
    model = Sequential(
        *(
            Conv2d(1, 16, 3, padding="same", **made),
            Relu(),
            Conv2d(16, 32, 3, padding="same", **made),
            MaxPool2d(2),
            Relu(),
        ),
        *(Flatten(), Affine(512, 100, **made), Relu(), Affine(100, 10, **made)),
    )
    model.load("a/parameters.npz")
    _, (x, t) = load_digits(flatten=False)
    assert np.mean(model(x).argmax(axis=1) == t) == row["test_accuracy"]


def test_a_convolutional_run_may_be_cut_too(here, capsys):
    options = [
        "--network",
        "conv",
        "--hidden",
        "6",
        "--activation",
        "tanh",
        "--optimizer",
        "momentum",
        "--dtype",
        "float64",
    ]
    assert main(["train", *options, "--no-plot", "--quiet", "--iterations", "20", "--out", "whole"]) == 0
    assert main(["train", *options, "--no-plot", "--quiet", "--iterations", "8", "--out", "parts"]) == 0
    for iterations in ("17", "20"):
        assert main(["train", "--no-plot", "--quiet", "--resume", "parts", "--iterations", iterations]) == 0
    assert same_run("whole", "parts")
    assert main(["train", "--resume", "parts", "--network", "affine"]) == 2
    assert "--network affine (the run has conv)" in capsys.readouterr().err


def test_iterations_may_end_within_an_epoch(here, capsys):
    assert main(["train", *FAST, "--iterations", "20", "--out", "a"]) == 0
    kept = history("a")
    assert (kept["iterations"], len(kept["epochs"])) == (20, 1)
    assert "after 20 iterations: train accuracy" in capsys.readouterr().out


def test_the_seed_decides(here, capsys):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert main(["train", *FAST, "--iterations", "3", "--seed", seed, "--out", name]) == 0
    assert same_run("a", "b")
    assert not same_run("a", "c")


def interrupt_at(monkeypatch, steps, times=1):
    """Press Ctrl-C `times` times in the middle of one step."""
    original, calls = optim.SGD.step, iter(range(1, 10**6))

    def step(self):
        if next(calls) == steps:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        original(self)

    monkeypatch.setattr(optim.SGD, "step", step)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_finishes_the_step_and_the_run_goes_on_from_there(here, monkeypatch, capsys):
    assert main(["train", *FAST, "--epochs", "3", "--out", "whole"]) == 0
    handler = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 20)
        assert main(["train", *FAST, "--epochs", "3", "--out", "parts"]) == 130
    assert signal.getsignal(signal.SIGINT) is handler
    assert history("parts")["iterations"] == 20
    assert f"go on with: {program()} train --resume parts" in capsys.readouterr().out
    assert main(["train", "--no-plot", "--quiet", "--resume", "parts"]) == 0
    assert same_run("whole", "parts")


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_twice_stops_at_once_and_the_last_save_holds(here, monkeypatch, capsys):
    assert main(["train", *FAST, "--epochs", "3", "--out", "whole"]) == 0
    with monkeypatch.context() as patch:
        interrupt_at(patch, 20, times=2)
        assert main(["train", *FAST, "--epochs", "3", "--out", "parts"]) == 130
    assert "go on from the last save with" in capsys.readouterr().err
    assert history("parts")["iterations"] == 0
    assert main(["train", "--no-plot", "--quiet", "--resume", "parts"]) == 0
    assert same_run("whole", "parts")


def test_a_keyboard_interrupt_within_an_update_saves_nothing_of_it(here, monkeypatch, capsys):
    assert main(["train", *FAST, "--epochs", "2", "--out", "whole"]) == 0

    def torn(self):
        self.parameters[0].data[...] = 7
        raise KeyboardInterrupt

    assert main(["train", *FAST, "--epochs", "1", "--out", "parts"]) == 0
    with monkeypatch.context() as patch:
        patch.setattr(optim.SGD, "step", torn)
        assert main(["train", "--no-plot", "--quiet", "--resume", "parts", "--epochs", "2"]) == 130
    assert main(["train", "--no-plot", "--quiet", "--resume", "parts", "--epochs", "2"]) == 0
    assert same_run("whole", "parts")


def test_what_was_saved_now_and_then_can_be_resumed(here, monkeypatch, capsys):
    """A process that is killed leaves its last save."""
    assert main(["train", *FAST, "--epochs", "2", "--out", "whole"]) == 0

    class KilledError(Exception):
        pass

    original, calls = optim.SGD.step, iter(range(10**6))

    def step(self):
        if next(calls) == 20:
            raise KilledError
        original(self)

    with monkeypatch.context() as patch:
        patch.setattr(train, "_SAVE_EVERY", 0.0)
        patch.setattr(optim.SGD, "step", step)
        with pytest.raises(KilledError):
            main(["train", *FAST, "--epochs", "2", "--out", "parts"])
    assert history("parts")["iterations"] == 20
    assert main(["train", "--no-plot", "--quiet", "--resume", "parts"]) == 0
    assert same_run("whole", "parts")


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_from_outside(here):
    command = [sys.executable, "-m", "tinygrad_ko", "train", *FAST, "--epochs", "1000000", "--out", "a"]
    with subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        deadline = time.monotonic() + 60
        while not Path("a", "settings.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert f"go on with: {_for_a_shell(from_here(sys.executable))} -m tinygrad_ko train --resume a" in out
    done = history("a")["iterations"]
    assert done > 0
    assert main(["train", "--no-plot", "--quiet", "--resume", "a", "--iterations", str(done + 1)]) == 0
    assert history("a")["iterations"] == done + 1


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone there")
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("command", ["module", "script"])
def test_ctrl_c_during_the_imports_prints_no_traceback(command, here):
    Path("numpy").mkdir()  # in place of the real one: it takes its time
    Path("numpy", "__init__.py").write_text("print('importing', flush=True)\nimport time\ntime.sleep(60)")
    Path("tinygrad-ko").write_text("import sys\nfrom tinygrad_ko.cli import main\nsys.exit(main())")
    arguments = ["-m", "tinygrad_ko"] if command == "module" else ["tinygrad-ko"]
    environment = {**os.environ, "PYTHONPATH": f"{here}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [sys.executable, *arguments, "doctor"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"importing\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (-signal.SIGINT, b"")


@pytest.mark.usefixtures("ctrl_c")
def test_where_ctrl_c_is_ignored_it_stays_ignored(here, monkeypatch, capsys):
    """A shell starts a command so in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupt_at(monkeypatch, 2, times=2)
    assert main(["train", *FAST, "--iterations", "3", "--out", "a"]) == 0
    assert history("a")["iterations"] == 3
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.skipif(os.name == "nt", reason="the shells there quote in another way, and allow fewer names")
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("name", ["a", "a b", '$HOME `x` "q"', "it's", "-a", "공책", "a;b"])
def test_the_hint_to_resume_is_what_a_shell_needs(name, here, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        assert main(["train", *FAST, "--iterations", "3", f"--out={name}"]) == 130
    (hint,) = re.findall("go on with: (.*)", capsys.readouterr().out)
    prints = f"{shlex.quote(sys.executable)} -c 'import json, sys; print(json.dumps(sys.argv[1:]))'"
    done = subprocess.run(
        ["sh", "-c", prints + hint.removeprefix(program())], capture_output=True, text=True, check=True
    )
    assert main([*json.loads(done.stdout), "--no-plot", "--quiet"]) == 0
    assert history(name)["iterations"] == 3


def test_a_full_disk_names_the_file_and_what_can_be_resumed(here, monkeypatch, capsys):
    sync, calls = os.fsync, iter(range(10**6))

    def full(file):
        if next(calls) >= 4:  # a save writes four files
            raise OSError(28, "No space left on device")
        sync(file)

    assert main(["train", *FAST, "--iterations", "5", "--out", "whole"]) == 0
    assert main(["train", *FAST, "--iterations", "2", "--out", "a b"]) == 0
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert main(["train", "--resume", "a b", "--iterations", "5", "--quiet", "--no-plot"]) == 2
    err = capsys.readouterr().err
    assert f"No space left on device: {str(Path('a b', CHECKPOINT))!r}" in err
    assert "iteration 2 is saved; go on from there with: " in err
    assert "2번 반복한 곳까지 저장되어 있습니다" in err
    assert main(["train", "--resume", "a b", "--iterations", "5", "--quiet", "--no-plot"]) == 0
    assert same_run("whole", "a b")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: full(file))
        assert main(["train", *FAST, "--iterations", "5", "--out", "new"]) == 2
    assert "is saved" not in capsys.readouterr().err


def test_a_save_that_was_killed_leaves_nothing_for_long(here, capsys):
    assert main(["train", *FAST, "--iterations", "2", "--out", "a"]) == 0
    names = {path.name for path in Path("a").iterdir()}
    for name in names:
        Path("a", f".{name}.{os.getpid()}.1").touch()
    assert main(["train", "--resume", "a", "--quiet", "--no-plot"]) == 0
    assert {path.name for path in Path("a").iterdir()} == names


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--optimizer", "newton"], "'newton'"),
        (["--network", "recurrent"], "'recurrent'"),
        (["--data", "cifar"], "'cifar'"),
        (["--lr", "-1"], "--lr: must be above 0"),
        (["--lr", "nan"], "--lr: must be above 0"),
        (["--lr", "fast"], "--lr: must be a number, not 'fast'"),
        (["--weight-decay", "-0.1"], "--weight-decay: must be at least 0"),
        (["--batch-size", "0"], "--batch-size: must be at least 1"),
        (["--epochs", "0"], "--epochs: must be at least 1"),
        (["--epochs", "1", "--iterations", "1"], "not allowed with"),
        (["--hidden", "0"], "'0': every size must be at least 1"),
        (["--hidden", "50,x"], "'50,x': every size must be a whole number"),
        (["--dtype", "float16"], "'float16'"),
        (["--data-folder", "x"], "--data-folder is for --data mnist"),
        (["--data", "mnist", "--data-folder", "nowhere"], "no MNIST file is in nowhere"),
        (["--resume", "nowhere"], "there is no run to resume in nowhere"),
    ],
)
def test_bad_options(options, named, here, capsys):
    assert main(["train", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tinygrad-ko: error: ")
    assert named in err.replace(str(here) + os.sep, "")
    assert re.search("[가-힣]", err)
    assert list(here.iterdir()) == []


def test_a_folder_with_a_run_is_not_written_over(here, capsys):
    assert main(["train", *FAST, "--iterations", "2", "--out", "a"]) == 0
    before = Path("a", CHECKPOINT).read_bytes()
    assert main(["train", *FAST, "--iterations", "2", "--out", "a"]) == 2
    assert "a already holds a run" in capsys.readouterr().err
    assert Path("a", CHECKPOINT).read_bytes() == before


def test_a_resumed_run_keeps_its_settings(here, capsys):
    assert main(["train", *FAST, "--iterations", "4", "--out", "a"]) == 0
    assert main(["train", "--resume", "a", "--lr", "0.25", "--hidden", "6,7", "--seed", "0", "--out", "b"]) == 2
    err = capsys.readouterr().err
    assert "--lr 0.25 (the run has 0.5)" in err
    assert "--hidden 6,7 (the run has 5)" in err
    assert "--out b (the run is in a)" in err
    assert "--seed" not in err
    assert main(["train", "--resume", "a", "--data-folder", "x"]) == 2
    assert "--data-folder x (the digits come with the package)" in capsys.readouterr().err
    assert main(["train", "--resume", "a", "--iterations", "3"]) == 2
    assert "already has 4 iterations, more than the 3 asked for" in capsys.readouterr().err
    assert history("a")["iterations"] == 4
    assert main(["train", "--resume", "a", "--hidden", "5", "--out", "a", "--no-plot"]) == 0
    assert "nothing left to do" in capsys.readouterr().out


def test_a_run_that_diverges_says_so(here, capsys):
    assert main(["train", "--lr", "1e30", "--activation", "relu", "--out", "a", "--no-plot", "--quiet"]) == 2
    assert "loss is not finite after 1 iterations: try an --lr below 1e+30" in capsys.readouterr().err
    assert history("a")["iterations"] == 0


def test_parameters_that_are_not_finite_are_never_saved(here, capsys):
    options = ["--lr", "1e30", "--weight-decay", "1e30", "--iterations", "1", "--out", "a", "--no-plot", "--quiet"]
    assert main(["train", *options]) == 2
    assert "is not finite after 1 iterations" in capsys.readouterr().err
    with np.load("a/parameters.npz") as saved:
        assert all(np.isfinite(saved[name]).all() for name in saved.files)


# np.load leaves a damaged archive open, for the garbage collector to close.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_checkpoint_is_refused(here, capsys):
    assert main(["train", *FAST, "--iterations", "2", "--out", "a"]) == 0
    path = Path("a", CHECKPOINT)
    whole = path.read_bytes()
    for content, named in ((whole[: len(whole) // 2], "not a whole .npz file"), (b"", "not a whole .npz file")):
        path.write_bytes(content)
        assert main(["train", "--resume", "a", "--iterations", "3"]) == 2
        assert named in capsys.readouterr().err
        assert path.read_bytes() == content


def test_a_checkpoint_of_another_version_is_refused(here, capsys):
    assert main(["train", *FAST, "--iterations", "2", "--out", "a"]) == 0
    with np.load(f"a/{CHECKPOINT}") as file:
        good = dict(file)
    about = json.loads(good["about"].tobytes())

    def told(**changes):
        return np.frombuffer(json.dumps({**about, **changes}).encode(), np.uint8)

    for bad in (
        {**good, "about": np.zeros(3, np.uint8)},
        {**good, "about": told(more=1)},
        {**good, "about": told(settings={**about["settings"], "depth": 3})},
        {**good, "more": np.zeros(3)},
        {name: array for name, array in good.items() if name != "about"},
        {name: array for name, array in good.items() if name != "losses"},
    ):
        np.savez(f"a/{CHECKPOINT}", **bad)
        assert main(["train", "--resume", "a", "--iterations", "3"]) == 2
        assert "is not a checkpoint of this version" in capsys.readouterr().err
    np.savez(f"a/{CHECKPOINT}", **{**good, "about": told(data=1)})
    assert main(["train", "--resume", "a", "--iterations", "3"]) == 2
    assert "the training data are not those" in capsys.readouterr().err


def test_without_matplotlib_it_says_so_once_and_goes_on(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["train", "--hidden", "5", "--epochs", "2", "--out", "a"]) == 0
    out, err = capsys.readouterr()
    assert out.count(f"no learning.png: {install('plots')}") == 1
    assert err == ""
    assert not Path("a", "learning.png").exists()
    assert Path("a", "parameters.npz").exists()


def test_quiet_tells_the_result_only(here, capsys):
    assert main(["train", *FAST, "--epochs", "2", "--out", "a"]) == 0
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err) == (2, "")


def write_mnist(folder):
    """Twenty images of noise for each part, in the format of MNIST."""
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images = rng.integers(256, size=20 * 28 * 28, dtype=np.uint8).tobytes()
        Path(folder, f"{part}-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 28, 0, 0, 0, 28]) + images
        )
        Path(folder, f"{part}-labels-idx1-ubyte").write_bytes(
            bytes([0, 0, 8, 1, 0, 0, 0, 20]) + bytes(list(range(10)) * 2)
        )


def test_mnist_from_a_folder_that_may_move(here, capsys):
    Path("one").mkdir()
    write_mnist("one")
    assert main(["train", "--data", "mnist", "--data-folder", "one", *FAST, "--iterations", "2", "--out", "a"]) == 0
    assert json.loads(Path("a", "settings.json").read_text(encoding="utf-8"))["data_folder"] == str(here / "one")
    Path("one").rename("two")
    assert main(["train", "--resume", "a", "--iterations", "3"]) == 2
    assert main(["train", "--resume", "a", "--iterations", "3", "--data-folder", "two", "--no-plot"]) == 0
    assert history("a")["iterations"] == 3


def test_nothing_temporary_is_left(here, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    assert main(["train", *FAST, "--iterations", "2", "--out", "a"]) == 0
    before = {path.name: path.read_bytes() for path in Path("a").iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        assert main(["train", "--resume", "a", "--iterations", "3", "--quiet", "--no-plot"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in Path("a").iterdir()} == before
