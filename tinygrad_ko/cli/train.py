"""`tinygrad-ko train`: train a network on handwritten digits, and save the run in a folder."""

import argparse
import json
import sys
import time
from contextlib import closing
from dataclasses import asdict, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tinygrad_ko.cli.console import progress_bar, resume_command, say
from tinygrad_ko.cli.interrupt import Interrupt
from tinygrad_ko.cli.options import add_command, at_least, real_option, size_list
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
    resumed,
    saved_settings,
)
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.files import whole_file

_USUAL = {"data": "digits", "dtype": "float32", "weight_decay": 0.0, "batch_size": 100, "seed": 0, "iterations": None}
_NETWORKS: dict[str, dict[str, Any]] = {
    "affine": {"network": "affine", "hidden": (50,), "activation": "sigmoid", "optimizer": "sgd", "epochs": 30},
    "conv": {"network": "conv", "hidden": (100,), "activation": "relu", "optimizer": "adam", "epochs": 20},
}
_LR = {"sgd": 0.5, "momentum": 0.1, "adagrad": 0.03, "rmsprop": 0.003, "adam": 0.003}
_INIT = {name: "xavier" if name in ("sigmoid", "tanh") else "he" for name in ACTIVATIONS}
_CHANGEABLE = ("epochs", "iterations", "data_folder")  # when a run is resumed
_SAVE_EVERY = 10.0  # seconds

_EPILOG = f"""The network conv has two convolutions with {FILTERS[0]} and {FILTERS[1]} kernels of 3 x 3, a pooling of 2 x 2, and then
the hidden layers. The folder gets parameters.npz, history.json, settings.json, learning.png and {CHECKPOINT}, which --resume reads.
Ctrl-C finishes the step, saves and says how to go on; pressed again it stops at once."""


def add_train(commands: Any) -> None:
    """Add this command to the parser. Options that were not given are absent, which a resumed run relies on."""
    absent = argparse.SUPPRESS
    parser = add_command(commands, "train", _run, help="train a network", epilog=_EPILOG, argument_default=absent)
    option = parser.add_argument
    option("--data", choices=("digits", "mnist"), help="8x8 digits that come with the package (default), or MNIST")
    option("--data-folder", metavar="FOLDER", help="where the four files of MNIST are")
    network_help = "affine layers alone (default), or a small convolutional network"
    option("--network", choices=tuple(_NETWORKS), help=network_help)
    hidden_help = "units of the hidden layers: 50 (default, for conv 100), or 256,128, or '' for none"
    option("--hidden", type=size_list(1), metavar="50", help=hidden_help)
    option("--activation", choices=tuple(ACTIVATIONS), help="default sigmoid, for conv relu")
    option("--init", choices=tuple(INITIALIZERS), help="first weights (default xavier for sigmoid and tanh, else he)")
    option("--dtype", choices=("float32", "float64"), help="default float32")
    option("--optimizer", choices=tuple(OPTIMIZERS), help="default sgd, for conv adam")
    rates = ", ".join(f"{name} {lr:g}" for name, lr in _LR.items())
    option("--lr", type=real_option(), help=f"learning rate (default {rates})")
    option("--weight-decay", type=real_option(zero=True), metavar="DECAY", help="default 0")
    option("--batch-size", type=at_least(1), metavar="N", help="default 100")
    option("--seed", type=at_least(0), metavar="N", help="of the first weights and of the order of batches (default 0)")
    total = parser.add_mutually_exclusive_group()
    epochs_help = "passes over the data in all (default 30, for conv 20)"
    total.add_argument("--epochs", type=at_least(1), metavar="N", help=epochs_help)
    total.add_argument("--iterations", type=at_least(1), metavar="N", help="or steps in all")
    option("--out", type=Path, metavar="FOLDER", help="default runs/DATA-DATE-TIME")
    option("--resume", type=Path, metavar="FOLDER", help="go on with the run in this folder, perhaps to a new total")
    option("--no-plot", action="store_true", default=False, help="no learning.png")
    option("--quiet", action="store_true", default=False, help="only the result")


def _run(args: argparse.Namespace) -> int:
    given = vars(args)
    if "epochs" in given or "iterations" in given:  # one replaces the other
        given = {"epochs": None, "iterations": None, **given}
    folder, training = _resume(given) if "resume" in given else _begin(given)
    again = resume_command(folder)
    if not args.quiet:
        _print_settings(training)
    started_at = training.iteration
    try:
        _save_run(training, folder)
        stopped = _loop(training, folder, args.quiet)
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
        total = training.total
        say(f"nothing left to do: the run has its {total} iterations. A larger --epochs or --iterations goes on.")
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


def _begin(given: dict[str, Any]) -> tuple[Path, Training]:
    chosen = {**_USUAL, **_NETWORKS[given.get("network", "affine")], **given}
    if chosen["data"] == "digits" and "data_folder" in given:
        raise explain(
            ValueError("--data-folder is for --data mnist: the digits come with the package"),
            "--data-folder는 --data mnist와 함께 씁니다. digits 데이터는 패키지에 들어 있습니다.",
        )
    chosen = {"init": _INIT[chosen["activation"]], "lr": _LR[chosen["optimizer"]], **chosen}
    chosen |= {"data_folder": _absolute(given.get("data_folder"))}
    settings = Settings(**{field.name: chosen[field.name] for field in fields(Settings)})
    training = Training(settings)
    folder: Path = given.get("out") or Path("runs", f"{settings.data}-{datetime.now():%Y%m%d-%H%M%S}")
    if (folder / CHECKPOINT).exists():
        again = resume_command(folder)
        raise explain(
            ValueError(f"{folder} already holds a run: name another folder with --out, or go on with: {again}"),
            f"{folder}에는 이미 학습 기록이 있습니다. --out으로 다른 폴더를 지정하거나, 다음 명령으로 이어서 학습하십시오: {again}",
        )
    folder.mkdir(parents=True, exist_ok=True)
    return folder, training


def _resume(given: dict[str, Any]) -> tuple[Path, Training]:
    folder: Path = given["resume"]
    was = saved_settings(folder)
    conflicts = [
        (f"--{name.replace('_', '-')} {_option_text(given[name])}", f"the run has {was_text}", f"처음 값: {was_text}")
        for name, was_text in ((name, _option_text(value)) for name, value in asdict(was).items())
        if name in given and name not in _CHANGEABLE and given[name] != getattr(was, name)
    ]
    if "out" in given and given["out"].resolve() != folder.resolve():
        conflicts.append((f"--out {given['out']}", f"the run is in {folder}", f"학습 폴더: {folder}"))
    if was.data == "digits" and "data_folder" in given:
        folder_text = f"--data-folder {given['data_folder']}"
        conflicts.append((folder_text, "the digits come with the package", "digits 데이터는 패키지에 들어 있습니다"))
    if conflicts:
        english = "; ".join(f"{option} ({why})" for option, why, _ in conflicts)
        korean = "; ".join(f"{option}({why})" for option, _, why in conflicts)
        raise explain(
            ValueError(f"a resumed run keeps its settings: {english}. Only --epochs or --iterations may change"),
            f"이어서 학습할 때는 전체 길이(--epochs, --iterations)만 바꿀 수 있습니다. 처음과 다른 설정: {korean}",
        )
    changes = {name: given[name] for name in _CHANGEABLE if name in given}
    if "data_folder" in changes:
        changes["data_folder"] = _absolute(changes["data_folder"])
    training = resumed(folder, replace(was, **changes))
    if training.total < training.iteration:
        done, total = training.iteration, training.total
        raise explain(
            ValueError(f"the run in {folder} already has {done} iterations, more than the {total} asked for"),
            f"{folder}의 학습은 이미 {done}번 반복했으므로 {total}번으로 줄일 수 없습니다. 전체 길이를 더 크게 지정하십시오.",
        )
    return folder, training


def _print_settings(training: Training) -> None:
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


def _loop(training: Training, folder: Path, quiet: bool) -> bool:
    """Take the steps that are left; save now and then, and at the end. Returns whether Ctrl-C ended it early."""
    saved = time.monotonic()
    bar = progress_bar(training.total, done=training.iteration, wanted=not quiet)
    with Interrupt() as interrupt, closing(bar):
        for _ in training.steps():
            bar.update()
            if training.iteration % training.epoch_length == 0 and not quiet:
                bar.write(_epoch_line(training.epochs[-1]))
            if interrupt.requested:
                break
            if time.monotonic() - saved > _SAVE_EVERY:
                _save_run(training, folder)
                saved = time.monotonic()
        _save_run(training, folder)
    return training.iteration < training.total


def _epoch_line(row: dict[str, float]) -> str:
    accuracies = f"train {row['train_accuracy']:.4f}   test {row['test_accuracy']:.4f}"
    return f"epoch {row['epoch']:4}   loss {row['loss']:.4f}   {accuracies}"


def _save_run(training: Training, folder: Path) -> None:
    training.save(folder)
    training.model.save(folder / "parameters.npz")
    history = {"iterations": training.iteration, "epochs": training.epochs, "loss": training.losses}
    with whole_file(folder / "history.json") as file:
        file.write(json.dumps(history).encode())
    with whole_file(folder / "settings.json") as file:
        file.write((json.dumps(asdict(training.settings), indent=2, ensure_ascii=False) + "\n").encode())


def _absolute(folder: str | None) -> str | None:
    return None if folder is None else str(Path(folder).expanduser().resolve())


def _option_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
