"""A training run: its settings, network, optimizer and history, and the checkpoint from which it resumes.

A run that was stopped and resumed takes exactly the steps that it would have taken: the checkpoint holds the state of
the one random generator from before the order of the present epoch was drawn, and how many steps are done.
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice, pairwise
from math import prod
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np

from tinygrad_ko.cli import fields
from tinygrad_ko.cli.fields import LARGEST, Fields, optional, unfit, whole_number
from tinygrad_ko.data import load_digits, load_mnist, minibatches
from tinygrad_ko.engine.graph import no_grad
from tinygrad_ko.errors import explain
from tinygrad_ko.nn import Affine, Conv2d, Flatten, MaxPool2d, Sequential, activations, he, normal, xavier
from tinygrad_ko.nn.serialization import load_arrays, save_arrays
from tinygrad_ko.ops.networks.losses import softmax_cross_entropy
from tinygrad_ko.optim import SGD, AdaGrad, Adam, Momentum, RMSprop

CHECKPOINT = "checkpoint.npz"
CLASSES = 10
ACTIVATIONS: dict[str, Any] = {
    "sigmoid": activations.Sigmoid,
    "tanh": activations.Tanh,
    "relu": activations.Relu,
    "leaky-relu": activations.LeakyRelu,
    "elu": activations.Elu,
    "softplus": activations.Softplus,
    "gelu": activations.Gelu,
    "silu": activations.Silu,
}
INITIALIZERS = {"normal": normal(0.01), "xavier": xavier, "he": he}
OPTIMIZERS: dict[str, Any] = {kind.__name__.lower(): kind for kind in (SGD, Momentum, AdaGrad, RMSprop, Adam)}
FILTERS = (16, 32)  # of the convolutional network: the kernels of its two convolutions
_CHUNK = 250  # examples that are evaluated at once


_MANY = 2**40  # more steps than anybody takes


@dataclass(frozen=True)
class Settings:
    """The settings of a run, each with what it must be: the same give the same parameters, bit for bit, on the same machine."""

    data: Annotated[str, fields.one_of(("digits", "mnist"))]
    data_folder: Annotated[str | None, optional(fields.Field("a path", "경로", lambda x: isinstance(x, str)))]
    network: Annotated[str, fields.one_of(("affine", "conv"))]
    hidden: Annotated[tuple[int, ...], fields.list_field(whole_number(1))]
    activation: Annotated[str, fields.one_of(ACTIVATIONS)]
    init: Annotated[str, fields.one_of(INITIALIZERS)]
    dtype: Annotated[str, fields.one_of(("float32", "float64"))]
    optimizer: Annotated[str, fields.one_of(OPTIMIZERS)]
    lr: Annotated[float, fields.real_number(zero=False)]
    weight_decay: Annotated[float, fields.real_number()]
    batch_size: Annotated[int, whole_number(1, _MANY)]
    seed: Annotated[int, whole_number(0)]
    epochs: Annotated[int | None, optional(whole_number(1, _MANY))]  # the length in all: either epochs
    iterations: Annotated[int | None, optional(whole_number(1, _MANY))]  # or iterations


_SETTINGS: Fields = {name: get_args(hint)[1] for name, hint in Settings.__annotations__.items()}
_ABOUT: Fields = {
    "settings": _SETTINGS,
    "data": whole_number(0, 2**32),
    "generator": fields.GENERATOR,
    "epochs": fields.rows_of(fields.EPOCH),
}
_SQUARES = {"adagrad": "h", "rmsprop": "mean", "adam": "v"}  # the state of an optimizer that is never below 0


class Training:
    """A network, its optimizer, the data, and the history so far."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        rows = settings.network == "affine"  # or images
        load = load_digits if settings.data == "digits" else partial(load_mnist, folder=settings.data_folder)
        (x, self.t), (x_test, self.t_test) = load(flatten=rows)
        self.fingerprint = zlib.crc32(self.t.tobytes(), zlib.crc32(x.tobytes()))
        self.x, self.x_test = x.astype(settings.dtype), x_test.astype(settings.dtype)
        self.rng = np.random.default_rng(settings.seed)
        self.model = self.network()
        make = OPTIMIZERS[settings.optimizer]
        self.optimizer = make(self.model.parameters(), settings.lr, weight_decay=settings.weight_decay)
        self.losses: list[float] = []  # one for each iteration
        self.epochs: list[dict[str, float]] = []  # one row for each whole epoch
        self.before_epoch = self.rng.bit_generator.state
        self.saved: int | None = None  # how many steps the checkpoint has

    def network(self) -> Sequential:
        """Affine layers with the activation between them; in the convolutional network, after two convolutions and a pooling."""
        s = self.settings
        activation = ACTIVATIONS[s.activation]
        made: dict[str, Any] = {"init": INITIALIZERS[s.init], "dtype": s.dtype, "rng": self.rng}
        layers: list[Any] = []
        inputs = prod(self.x.shape[1:])
        if s.network == "conv":
            (channels, height, width), (first, second) = self.x.shape[1:], FILTERS
            layers += [Conv2d(channels, first, 3, padding="same", **made), activation()]
            layers += [Conv2d(first, second, 3, padding="same", **made), MaxPool2d(2), activation(), Flatten()]
            inputs = second * (height // 2) * (width // 2)
        for ins, outs in pairwise((inputs, *s.hidden, CLASSES)):
            layers += [activation()] if layers and isinstance(layers[-1], Affine) else []
            layers += [Affine(ins, outs, **made)]
        return Sequential(*layers)

    @property
    def iteration(self) -> int:
        return len(self.losses)

    @property
    def epoch_length(self) -> int:
        return -(-len(self.x) // self.settings.batch_size)

    @property
    def total(self) -> int:
        s = self.settings
        return s.iterations if s.iterations is not None else (s.epochs or 0) * self.epoch_length

    def steps(self) -> Iterator[None]:
        """Take all steps that are left, one at a time; between two of them the run may be saved."""
        while self.iteration < self.total:
            self.rng.bit_generator.state = self.before_epoch
            position = self.iteration % self.epoch_length
            batches = minibatches(self.x, self.t, self.settings.batch_size, self.rng)
            for x, t in islice(batches, position, position + self.total - self.iteration):
                self.step(x, t)
                if self.iteration % self.epoch_length == 0:
                    self.before_epoch = self.rng.bit_generator.state
                    self.epochs.append(self.epoch_row())
                yield

    def step(self, x: Any, t: Any) -> None:
        """Forward, backward, update. Raises ValueError, before the update, if the loss is not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            loss = softmax_cross_entropy(self.model(x), t)
            self.require_finite("loss", loss.item())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.losses.append(loss.item())

    def require_finite(self, what: str, values: Any) -> None:
        if not np.all(np.isfinite(values)):
            n, lr = self.iteration, f"{self.settings.lr:g}"
            raise explain(
                ValueError(f"the {what} is not finite after {n} iterations: try an --lr below {lr}"),
                f"{n}번 반복한 뒤 유한하지 않은 값이 나왔습니다. 확인할 값: {what}. 학습률을 --lr {lr}보다 작게 해 보십시오.",
            )

    def epoch_row(self) -> dict[str, float]:
        return {
            "epoch": self.iteration // self.epoch_length,
            "iteration": self.iteration,
            "loss": float(np.mean(self.losses[-self.epoch_length :])),
            **self.accuracies(),
        }

    def accuracies(self) -> dict[str, float]:
        train, test = _accuracy(self.model, self.x, self.t), _accuracy(self.model, self.x_test, self.t_test)
        return {"train_accuracy": train, "test_accuracy": test}

    def save(self, folder: Path) -> None:
        for name, p in self.model.named_parameters().items():
            self.require_finite(f"parameter {name}", p.numpy())
        about = {"settings": asdict(self.settings), "data": self.fingerprint}
        about |= {"generator": self.before_epoch, "epochs": self.epochs}
        arrays = {f"parameters/{name}": p.numpy() for name, p in self.model.named_parameters().items()}
        arrays |= {f"optimizer/{name}": array for name, array in self.optimizer.state().items()}
        arrays["losses"] = np.array(self.losses, dtype=np.float64)
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        save_arrays(folder / CHECKPOINT, arrays)
        self.saved = self.iteration


def _accuracy(model: Sequential, x: Any, t: Any) -> float:
    chunks = (slice(i, i + _CHUNK) for i in range(0, len(x), _CHUNK))
    with no_grad():
        return sum(int(np.sum(model(x[chunk]).argmax(axis=1) == t[chunk])) for chunk in chunks) / len(x)


def saved_settings(folder: Path) -> Settings:
    """The settings of the run in a folder. Raises FileNotFoundError or ValueError if there is none."""
    values = _read_checkpoint(folder)[1]["settings"]
    return Settings(**{**values, "hidden": tuple(values["hidden"])})


def resumed(folder: Path, settings: Settings) -> Training:
    """The run in a folder, from its checkpoint, with new `settings` of its length and of the data folder."""
    arrays, about = _read_checkpoint(folder)
    training = Training(settings)
    if about["data"] != training.fingerprint:
        raise explain(
            ValueError(f"the training data are not those that the run in {folder} began with"),
            f"{folder}에서 학습을 시작할 때와 훈련 데이터가 다릅니다. 같은 데이터로만 이어서 학습할 수 있습니다.",
        )
    training.losses, training.epochs = np.ravel(arrays["losses"]).tolist(), about["epochs"]
    fields.require_fields(folder / CHECKPOINT, arrays, _array_fields(training))
    rows = [(n, n * training.epoch_length) for n in range(1, training.iteration // training.epoch_length + 1)]
    if [(row["epoch"], row["iteration"]) for row in training.epochs] != rows:
        text = f"epochs must be the {len(rows)} that the {training.iteration} losses make"
        raise unfit(folder / CHECKPOINT, text, f"epochs(손실 {training.iteration}개에 맞는 {len(rows)}개여야 함)")
    for name, p in training.model.named_parameters().items():
        p.data = arrays[f"parameters/{name}"]
    prefix = "optimizer/"
    training.optimizer.load_state({k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)})
    training.before_epoch, training.saved = about["generator"], training.iteration
    return training


def _array_fields(training: Training) -> Fields:
    array = fields.array_of
    found: dict[str, Any] = {"losses": array((None,), np.float64, -LARGEST, LARGEST)}
    for name, p in training.model.named_parameters().items():
        most = float(np.finfo(p.dtype).max)
        found[f"parameters/{name}"] = array(p.shape, p.dtype, -most, most)
    state = training.optimizer.state()
    for name, saved in state.items():
        square = name.partition(".")[0] == _SQUARES.get(training.settings.optimizer)
        found[f"optimizer/{name}"] = array(saved.shape, saved.dtype, 0 if square else -np.inf, np.inf)
    steps = state["steps"]
    return found | {"optimizer/steps": array(steps.shape, steps.dtype, training.iteration, training.iteration)}


def _read_checkpoint(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a checkpoint, and what it says about the run; validated as far as it can be without the data."""
    path = folder / CHECKPOINT
    if not path.is_file():
        raise explain(
            FileNotFoundError(f"there is no run to resume in {folder}: it has no {CHECKPOINT}"),
            f"{folder}에는 이어서 학습할 {CHECKPOINT} 파일이 없습니다.",
        )
    arrays: dict[str, Any] = dict(load_arrays(path))
    if missing := [name for name in ("about", "losses") if name not in arrays]:
        raise unfit(path, f"{missing[0]} is missing", f"{missing[0]}(빠져 있음)")
    try:
        about = json.loads(arrays.pop("about").tobytes())
    except (ValueError, RecursionError) as error:
        raise unfit(path, f"about is no JSON: {error}", f"about(JSON이 아님: {error})") from error
    fields.require_fields(path, about, _ABOUT)
    settings = about["settings"]
    if (settings["epochs"] is None) == (settings["iterations"] is None):
        text = "settings.epochs or settings.iterations must be null, and not both"
        raise unfit(path, text, "settings.epochs, settings.iterations(둘 중 하나만 null이어야 함)")
    widths = {a.shape[0] for name, a in arrays.items() if name.startswith("parameters/") and a.ndim == 1}
    if not widths.issuperset(settings["hidden"]) or len(settings["hidden"]) > len(arrays):
        text = f"settings.hidden must be widths of layers that are in it, not {settings['hidden']}"
        raise unfit(path, text, f"settings.hidden(저장된 계층의 너비여야 함, 저장된 값: {settings['hidden']})")
    return arrays, about
