"""Random models, losses, optimizers, schedules and clippings: five compiled steps change every number as the five eager ones do."""

import os
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn, optim

COUNT = int(os.environ.get("RANDOM_PROGRAMS", "200")) // 16
OPTIMIZERS: Any = [optim.SGD, optim.Momentum, optim.Nesterov, optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW]
ACTIVATIONS: Any = [nn.Relu, nn.Sigmoid, nn.Tanh, nn.Gelu, nn.Silu, nn.Softplus, nn.Elu, nn.LeakyRelu]
FACTORS: Any = [
    (optim.linear_warmup, {"warmup": 3}),
    (optim.step_decay, {"every": 2}),
    (optim.exponential_decay, {"rate": 0.9}),
]


class Recurrent(nn.Module):
    """An LSTM or a GRU: the states of all steps."""

    def __init__(self, kind: str, width: int, dtype: Any, rng: Any) -> None:
        gates = {"lstm": 4, "gru": 3}[kind]
        self.kind = kind
        self.Wx, self.Wh, self.b = [
            tg.Tensor(rng.normal(size=shape).astype(dtype) * 0.3, requires_grad=True)
            for shape in ((width, gates * width), (width, gates * width), (gates * width,))
        ]

    def forward(self, x: Any) -> Any:
        states = tg.lstm(x, self.Wx, self.Wh, self.b) if self.kind == "lstm" else tg.gru(x, self.Wx, self.Wh, self.b)
        return states[0] if isinstance(states, tuple) else states


class Attention(nn.Module):
    """One head, with what it attends to added to its input."""

    def __init__(self, width: int, dtype: Any, rng: Any) -> None:
        self.q, self.k, self.v = [nn.Affine(width, width, dtype=dtype, rng=rng) for _ in range(3)]

    def forward(self, x: Any) -> Any:
        return x + tg.attention(self.q(x), self.k(x), self.v(x))


class Training:
    """The k-th random model with all that trains it."""

    def __init__(self, k: int) -> None:
        rng = self.rng = np.random.default_rng([41, k])
        self.dtype: Any = (np.float32, float)[rng.integers(2)]
        self.width, self.classes = int(rng.integers(2, 5)), int(rng.integers(2, 4))
        self.batch = int(rng.integers(1, 5)) + 1
        self.kind = rng.choice(["flat", "images", "signals", "words"])
        self.model = nn.Sequential(*self.layers())
        self.loss = rng.choice(["cross entropy", "squares", "huber"])
        settings = {"weight_decay": 0.01} if rng.random() < 0.5 else {}
        self.optimizer = OPTIMIZERS[rng.integers(len(OPTIMIZERS))](self.model.parameters(), lr=0.05, **settings)
        self.schedule = None
        if rng.random() < 0.5:
            factor, options = FACTORS[rng.integers(len(FACTORS))]
            self.schedule = optim.Schedule(self.optimizer, factor, **options)
        self.clipping = rng.choice(["norm", "value", "no"])
        self.after = rng.random() < 0.5  # the gradients stay until the next step

        def step(x: Any, t: Any) -> Any:
            self.optimizer.zero_grad()
            scores = self.model(x)
            if self.loss == "cross entropy":
                loss = tg.softmax_cross_entropy(scores, t)
            else:
                away = scores - tg.one_hot(t, self.classes) if hasattr(tg, "one_hot") else scores - t[:, None]
                loss = (
                    tg.mean(away * away) if self.loss == "squares" else tg.huber_loss(scores, scores.detach() * 0 + 1)
                )
            loss.backward()
            measured = 0.0
            if self.clipping == "norm":
                measured = optim.clip_grad_norm(self.model.parameters(), 0.5)
            elif self.clipping == "value":
                optim.clip_grad_value(self.model.parameters(), 0.1)
            self.optimizer.step()
            if self.schedule is not None:
                self.schedule.step()
            return loss, measured, scores

        self.step = step

    def layers(self) -> Any:
        """Layers from the inputs to the scores."""
        rng, width, dtype = self.rng, self.width, self.dtype

        def some(*kinds: Any) -> list[Any]:
            return [kinds[i]() for i in rng.permutation(len(kinds))[: rng.integers(len(kinds) + 1)]]

        def activation() -> Any:
            return ACTIVATIONS[rng.integers(len(ACTIVATIONS))]()

        def dropout() -> Any:
            return nn.Dropout(0.4, rng=int(rng.integers(9)) if rng.random() < 0.7 else None)

        flat = [lambda: nn.Affine(width, width, dtype=dtype, rng=rng), activation, dropout]
        flat += [lambda: nn.BatchNorm(width, dtype=dtype), lambda: nn.LayerNorm(width, dtype=dtype), activation]
        found: list[Any] = []
        features = width
        if self.kind == "images":
            found = [nn.Conv2d(1, width, 3, padding=int(rng.integers(2)), dtype=dtype, rng=rng)]
            found += some(lambda: nn.BatchNorm(width, dtype=dtype), activation, dropout)
            found += [nn.MaxPool2d(2) if rng.random() < 0.5 else nn.AvgPool2d(2)]
        elif self.kind == "signals":
            found = [
                nn.Conv1d(
                    1, width, 3, padding=int(rng.integers(2)), stride=int(rng.integers(1, 3)), dtype=dtype, rng=rng
                )
            ]
            found += some(lambda: nn.BatchNorm(width, dtype=dtype), activation)
            found += [nn.MaxPool1d(2) if rng.random() < 0.5 else nn.AvgPool1d(2)]
        elif self.kind == "words":
            found = [nn.Embedding(5, width, dtype=dtype, rng=rng)]
            found += some(
                lambda: Recurrent("lstm", width, dtype, rng),
                lambda: Recurrent("gru", width, dtype, rng),
                lambda: Attention(width, dtype, rng),
                lambda: nn.LayerNorm(width, dtype=dtype),
                dropout,
            )
        x = self.inputs()[0]
        if self.kind != "flat":
            found.append(nn.Flatten())
            features = nn.Sequential(*found)(x).shape[1]
            found.append(nn.Affine(features, width, dtype=dtype, rng=rng))
        return [*found, *some(*flat), nn.Affine(width, self.classes, dtype=dtype, rng=rng)]

    def inputs(self) -> tuple[Any, Any]:
        """A batch of numbers of its own, and labels."""
        rng, shapes = self.rng, {"flat": (self.width,), "images": (1, 6, 6), "signals": (1, 8)}
        if self.kind == "words":
            x = rng.integers(5, size=(self.batch, 3))
        else:
            x = rng.normal(size=(self.batch, *shapes[str(self.kind)])).astype(self.dtype)
        return x, rng.integers(self.classes, size=self.batch)

    def numbers(self) -> dict[str, Any]:
        """Everything that a step changes."""
        tensors = self.model.named_tensors()
        found = {name: t.numpy().copy() for name, t in tensors.items()}
        found |= {f"d{name}": t.grad for name, t in tensors.items() if t.requires_grad and t.grad is not None}
        found |= {f"optimizer {name}": x for name, x in self.optimizer.state().items()}
        if self.schedule is not None:
            found |= {f"schedule {name}": x for name, x in self.schedule.state().items()}
        return found | {"lr": np.array(self.optimizer.lr)}

    def __repr__(self) -> str:
        layers = [type(layer).__name__ for layer in self.model.layers]
        return f"{layers}, {self.loss}, {type(self.optimizer).__name__}, {self.clipping}, {self.dtype.__name__}"


def five_steps(k: int, change: Any) -> Any:
    """What five steps return and leave behind."""
    np.random.seed(k)
    training = Training(k)
    step, found = change(training.step), []
    for i in range(5):
        if i == 3:
            training.model.eval()
        if i == 4:
            training.model.train()
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            loss, measured, scores = step(*training.inputs())
        found.append(
            {"loss": loss.numpy(), "measured": np.array(measured), "scores": scores.numpy(), **training.numbers()}
        )
    return training, [*found, {"stream": np.random.random(3)}]


@pytest.mark.parametrize("k", range(COUNT))
def test_five_compiled_steps_are_the_eager_ones(k):
    training, eager = five_steps(k, lambda step: step)
    _, compiled = five_steps(k, tg.compile)
    for i, (a, b) in enumerate(zip(eager, compiled, strict=True)):
        assert a.keys() == b.keys()
        for name in a:
            assert a[name].dtype == b[name].dtype
            assert np.array_equal(a[name], b[name], equal_nan=True), (i, name, training)
