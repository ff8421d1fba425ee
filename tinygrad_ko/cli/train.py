"""`tinygrad-ko train`: train a network on handwritten digits, and keep all of it in a folder."""

import argparse
import json
import sys
import time
from contextlib import closing
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tinygrad_ko.cli.console import Bar, progress_bar, resuming, say, say_above
from tinygrad_ko.cli.interrupt import Interrupt
from tinygrad_ko.cli.options import at_least, number, sizes
from tinygrad_ko.cli.plot import learning_curve
from tinygrad_ko.cli.training import (
    ACTIVATIONS,
    CHECKPOINT,
    CLASSES,
    FILTERS,
    INITIALIZERS,
    OPTIMIZERS,
    Settings,
    Training,
    longer,
    resumed,
    saved_settings,
)
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.files import whole_file

USUAL: dict[str, dict[str, Any]] = {  # what a network is trained with unless something else is asked for
    "affine": {"hidden": (50,), "activation": "sigmoid", "optimizer": "sgd", "epochs": 30},
    "conv": {"hidden": (100,), "activation": "relu", "optimizer": "adam", "epochs": 20},
}
LR = {"sgd": 0.5, "momentum": 0.1, "adagrad": 0.03, "rmsprop": 0.003, "adam": 0.003}
INIT = {name: "xavier" if name in ("sigmoid", "tanh") else "he" for name in ACTIVATIONS}
SAVE_EVERY = 10.0  # seconds

EPILOG = f"""The network conv has two convolutions with {FILTERS[0]} and {FILTERS[1]} kernels of 3 x 3, a pooling of 2 x 2, and then
the hidden layers. The folder gets parameters.npz, history.json, settings.json, learning.png and {CHECKPOINT}, which --resume reads.
Ctrl-C finishes the step, saves and says how to go on; pressed again it stops at once."""


def add(commands: Any) -> None:
    """Tell the parser about this command. Options that were not given are absent, so that a resumed run can tell."""
    parser = commands.add_parser("train", help="train a network", epilog=EPILOG, argument_default=argparse.SUPPRESS)
    option = parser.add_argument
    option("--data", choices=("digits", "mnist"), help="8x8 digits that come with the package (default), or MNIST")
    option("--data-folder", metavar="FOLDER", help="where the four files of MNIST are")
    option("--network", choices=tuple(USUAL), help="affine layers alone (default), or a small convolutional network")
    option(
        "--hidden",
        type=sizes(1),
        metavar="50",
        help="units of the hidden layers: 50 (default, for conv 100), or 256,128, or '' for none",
    )
    option("--activation", choices=tuple(ACTIVATIONS), help="default sigmoid, for conv relu")
    option("--init", choices=tuple(INITIALIZERS), help="first weights (default xavier for sigmoid and tanh, else he)")
    option("--dtype", choices=("float32", "float64"), help="default float32")
    option("--optimizer", choices=tuple(OPTIMIZERS), help="default sgd, for conv adam")
    option(
        "--lr", type=number(), help=f"learning rate (default {', '.join(f'{name} {lr:g}' for name, lr in LR.items())})"
    )
    option("--weight-decay", type=number(zero=True), metavar="DECAY", help="default 0")
    option("--batch-size", type=at_least(1), metavar="N", help="default 100")
    option("--seed", type=at_least(0), metavar="N", help="of the first weights and of the order of batches (default 0)")
    total = parser.add_mutually_exclusive_group()
    total.add_argument(
        "--epochs", type=at_least(1), metavar="N", help="passes over the data in all (default 30, for conv 20)"
    )
    total.add_argument("--iterations", type=at_least(1), metavar="N", help="or steps in all")
    option("--out", type=Path, metavar="FOLDER", help="default runs/DATA-DATE-TIME")
    option("--resume", type=Path, metavar="FOLDER", help="go on with the run in this folder, perhaps to a new total")
    option("--no-plot", action="store_true", default=False, help="no learning.png")
    option("--quiet", action="store_true", default=False, help="only the result")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train a new network, or go on with one; save; say what came out."""
    given = vars(args)
    folder, training = go_on(given) if "resume" in given else begin(given)
    again = resuming(folder)
    if not args.quiet:
        introduce(training)
    started_at = training.iteration
    try:
        save(training, folder)
        stopped = loop(training, folder, args.quiet)
        if not args.no_plot:
            learning_curve(training.losses, training.epochs, folder / "learning.png")
    except KeyboardInterrupt:  # amid a step or a save: the last save is whole
        if training.saved is None:
            raise
        say(
            f"stopped at once; go on from the last save with: {again}",
            "즉시 중단했습니다. 위 명령을 실행하면 마지막으로 저장한 곳부터 이어서 학습합니다.",
            file=sys.stderr,
        )
        return 130
    except OSError as error:  # such as a full disk: the last save is whole
        if training.saved is not None:
            error.add_note(f"iteration {training.saved:,} is saved; go on from there with: {again}")
            error.add_note(f"{training.saved:,}번 반복한 곳까지 저장되어 있습니다. 이어서 학습하는 명령: {again}")
        raise

    if started_at == training.total:
        say(
            f"nothing left to do: the run has its {training.total} iterations. A larger --epochs or --iterations goes on."
        )
    result = training.accuracies()
    say(
        f"after {training.iteration:,} iterations: train accuracy {result['train_accuracy']:.4f}, "
        f"test accuracy {result['test_accuracy']:.4f}"
    )
    say(f"saved in {folder}")
    if stopped:
        say(
            f"stopped before the end; go on with: {again}",
            "학습을 멈추었습니다. 위 명령을 실행하면 멈춘 곳부터 이어서 학습합니다.",
        )
        return 130
    return 0


def begin(given: dict[str, Any]) -> tuple[Path, Training]:
    """A new run in a new folder."""
    network = given.get("network", "affine")
    chosen = {"data": "digits", **USUAL[network], **given}
    if chosen["data"] == "digits" and "data_folder" in given:
        raise explain(
            ValueError("--data-folder is for --data mnist: the digits come with the package"),
            "--data-folder는 --data mnist와 함께 씁니다. digits 데이터는 패키지에 들어 있습니다.",
        )
    iterations = given.get("iterations")
    settings = Settings(
        data=chosen["data"],
        data_folder=absolute(given.get("data_folder")),
        network=network,
        hidden=chosen["hidden"],
        activation=chosen["activation"],
        init=given.get("init", INIT[chosen["activation"]]),
        dtype=given.get("dtype", "float32"),
        optimizer=chosen["optimizer"],
        lr=given.get("lr", LR[chosen["optimizer"]]),
        weight_decay=given.get("weight_decay", 0.0),
        batch_size=given.get("batch_size", 100),
        seed=given.get("seed", 0),
        epochs=chosen["epochs"] if iterations is None else None,
        iterations=iterations,
    )
    training = Training(settings)
    folder: Path = given.get("out") or Path("runs", f"{settings.data}-{datetime.now():%Y%m%d-%H%M%S}")
    if (folder / CHECKPOINT).exists():
        raise explain(
            ValueError(
                f"{folder} already holds a run: name another folder with --out, or go on with: {resuming(folder)}"
            ),
            f"{folder}에는 이미 학습 기록이 있습니다. --out으로 다른 폴더를 쓰거나 다음 명령으로 이어서 학습합니다: {resuming(folder)}",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder, training


def go_on(given: dict[str, Any]) -> tuple[Path, Training]:
    """The run in a folder. Only how long it is, and where the data are, may be said anew."""
    folder: Path = given["resume"]
    was = saved_settings(folder)
    conflicts = [
        f"--{name.replace('_', '-')} {text(given[name])} (the run has {text(value)})"
        for name, value in asdict(was).items()
        if name in given and name not in ("epochs", "iterations", "data_folder") and given[name] != value
    ]
    if "out" in given and given["out"].resolve() != folder.resolve():
        conflicts.append(f"--out {given['out']} (the run is in {folder})")
    if was.data == "digits" and "data_folder" in given:
        conflicts.append(f"--data-folder {given['data_folder']} (the digits come with the package)")
    if conflicts:
        raise explain(
            ValueError(
                f"a resumed run keeps its settings: {'; '.join(conflicts)}. Only --epochs or --iterations may change"
            ),
            "이어서 학습할 때는 전체 길이(--epochs, --iterations)만 바꿀 수 있습니다. 다른 설정은 처음 그대로여야 합니다.",
        )
    settings = longer(was, given.get("epochs"), given.get("iterations"))
    if "data_folder" in given:
        settings = replace(settings, data_folder=absolute(given["data_folder"]))
    training = resumed(folder, settings)
    if training.total < training.iteration:
        raise explain(
            ValueError(
                f"the run in {folder} already has {training.iteration} iterations, more than the {training.total} asked for"
            ),
            f"이미 {training.iteration}번 반복한 학습입니다. 전체 길이를 그보다 크게 주어야 합니다.",
        )
    return folder, training


def introduce(training: Training) -> None:
    """What is trained on what."""
    s = training.settings
    n, *image = training.x.shape[1:]
    windows = f"{n} x {' x '.join(map(str, image))}, {', '.join(f'conv {k}' for k in FILTERS)}, pool, " if image else ""
    widths = (*s.hidden, CLASSES) if image else (n, *s.hidden, CLASSES)
    count = sum(p.size for p in training.model.parameters())
    decay = f", weight decay {s.weight_decay:g}" if s.weight_decay else ""
    say(f"{s.data}: {len(training.x):,} images to train on, {len(training.x_test):,} to test on")
    say(f"{windows}{'-'.join(map(str, widths))}, {s.activation}, {s.init}, {s.dtype}: {count:,} parameters")
    say(f"{s.optimizer}, lr {s.lr:g}{decay}, batches of {s.batch_size}, seed {s.seed}")
    if training.iteration:
        say(f"resumed at iteration {training.iteration:,} of {training.total:,}")


def loop(training: Training, folder: Path, quiet: bool) -> bool:
    """Take the steps that are left; save now and then, and at the end. Returns whether Ctrl-C ended it early."""
    saved = time.monotonic()
    bar: Bar
    with (
        Interrupt() as interrupt,
        closing(progress_bar(training.total, done=training.iteration, wanted=not quiet)) as bar,
    ):
        for _ in training.steps():
            bar.update()
            if training.iteration % training.epoch_length == 0 and not quiet:
                say_above(bar, epoch_line(training.epochs[-1]))
            if interrupt.requested:
                break
            if time.monotonic() - saved > SAVE_EVERY:
                save(training, folder)
                saved = time.monotonic()
        save(training, folder)
    return training.iteration < training.total


def epoch_line(row: dict[str, float]) -> str:
    """One row of the history."""
    return (
        f"epoch {row['epoch']:4}   loss {row['loss']:.4f}   "
        f"train {row['train_accuracy']:.4f}   test {row['test_accuracy']:.4f}"
    )


def save(training: Training, folder: Path) -> None:
    """Write everything but the picture."""
    training.save(folder)
    training.model.save(folder / "parameters.npz")
    history = {"iterations": training.iteration, "epochs": training.epochs, "loss": training.losses}
    with whole_file(folder / "history.json") as file:
        file.write(json.dumps(history).encode())
    with whole_file(folder / "settings.json") as file:
        file.write((json.dumps(asdict(training.settings), indent=2, ensure_ascii=False) + "\n").encode())


def absolute(folder: str | None) -> str | None:
    """A path that holds wherever the run is resumed."""
    return None if folder is None else str(Path(folder).expanduser().resolve())


def text(value: Any) -> str:
    """A setting as it is written on the command line."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
