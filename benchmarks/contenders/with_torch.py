"""PyTorch, eager, on the CPU."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.problems import (
    LEARNING_RATE,
    OPTIMIZERS,
    Array,
    ConvNetwork,
    Formula,
    Lookup,
    Network,
    Recurrent,
    Residual,
    Transformer,
    chain_inputs,
)

torch: Any = import_module("torch")
F: Any = torch.nn.functional
torch.set_num_threads(1)


class Step:
    """A step of training, given `loss`."""

    parameters: list[Any]
    optimizer: Any

    def loss(self) -> Any:
        raise NotImplementedError

    def gradients(self) -> tuple[float, list[Array]]:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        return loss.item(), [p.grad.numpy().copy() for p in self.parameters]

    def update(self) -> None:
        self.optimizer.step()

    def __call__(self) -> float:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.update()
        return float(loss.item())


class TrainingStep(Step):
    def __init__(self, network: Network) -> None:
        self.x, self.t = (torch.tensor(array) for array in network.images_and_labels())
        self.layers = [
            (torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)) for W, b in network.layers()
        ]
        self.activate = getattr(torch, network.activation)
        self.parameters = [p for layer in self.layers for p in layer]
        self.optimizer = torch.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> Any:
        h = self.x
        for W, b in self.layers[:-1]:
            h = self.activate(torch.addmm(b, h, W))
        W, b = self.layers[-1]
        return F.cross_entropy(torch.addmm(b, h, W), self.t)


class ConvolutionStep(Step):
    def __init__(self, network: ConvNetwork) -> None:
        self.relu_first = network.relu == "before"
        self.x, self.t = (torch.tensor(array) for array in network.images_and_labels())
        self.parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = torch.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> Any:
        W1, b1, W2, b2, W3, b3 = self.parameters
        h = F.conv2d(self.x, W1, b1)
        h = F.max_pool2d(torch.relu(h), 2) if self.relu_first else torch.relu(F.max_pool2d(h, 2))
        h = torch.relu(torch.addmm(b2, h.reshape(len(self.t), -1), W2))
        return F.cross_entropy(torch.addmm(b3, h, W3), self.t)


class ResidualStep(Step):
    def __init__(self, network: Residual) -> None:
        self.x, self.t = (torch.tensor(array) for array in network.images_and_labels())
        self.blocks = len(network.channels)
        self.parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = torch.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> Any:
        left = iter(self.parameters)

        def normed(x: Any, stride: int = 1) -> Any:
            x = F.conv2d(x, next(left), stride=stride, padding=1)
            return F.batch_norm(x, None, None, next(left), next(left), training=True)

        x = torch.relu(normed(self.x))
        for i in range(self.blocks):
            before = F.conv2d(x, next(left), stride=2) if i else x
            x = torch.relu(normed(torch.relu(normed(x, 2 if i else 1))) + before)
        return F.cross_entropy(affine(x.mean((2, 3)), next(left), next(left)), self.t)


class RecurrentStep(Step):
    """With its own layer, whose weights are the transposes."""

    def __init__(self, network: Recurrent) -> None:
        self.x = torch.tensor(network.sequences())
        self.layer = getattr(torch.nn, network.cell)(network.inputs, network.hidden, dtype=self.x.dtype)
        self.parameters = [self.layer.weight_ih_l0, self.layer.weight_hh_l0, self.layer.bias_ih_l0]
        self.layer.bias_hh_l0.requires_grad_(False).zero_()  # the second of two that are added
        with torch.no_grad():
            for p, array in zip(self.parameters, network.parameters(), strict=True):
                p.copy_(torch.tensor(array.T))
        self.optimizer = torch.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> Any:
        return self.layer(self.x)[0].square().mean() / 2

    def gradients(self) -> tuple[float, list[Array]]:
        loss, gradients = super().gradients()
        return loss, [g.T for g in gradients]


class TransformerStep(Step):
    """With its fused attention, and the fused AdamW."""

    def __init__(self, network: Transformer) -> None:
        self.ids, self.t = (torch.tensor(array) for array in network.text())
        self.network = network
        self.parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=network.learning_rate, weight_decay=network.weight_decay, fused=True
        )

    def attention(self, x: Any, W: Any, b: Any) -> Any:
        batch, T, d = x.shape
        heads = affine(x, W, b).reshape(batch, T, 3, self.network.heads, -1)
        q, k, v = heads.permute(2, 0, 3, 1, 4).unbind()
        return F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, T, d)

    def loss(self) -> Any:
        tokens, places, *blocks = self.parameters
        gamma, beta, W, b = blocks[-4:]
        d = places.shape[1:]
        x = F.embedding(self.ids, tokens) + places
        for i in range(self.network.layers):
            g1, s1, W1, b1, W2, b2, g2, s2, W3, b3, W4, b4 = blocks[12 * i : 12 * i + 12]
            x = x + affine(self.attention(F.layer_norm(x, d, g1, s1), W1, b1), W2, b2)
            x = x + affine(F.gelu(affine(F.layer_norm(x, d, g2, s2), W3, b3)), W4, b4)
        scores = affine(F.layer_norm(x, d, gamma, beta), W, b)
        return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), self.t.reshape(-1))

    def update(self) -> None:
        torch.nn.utils.clip_grad_norm_(self.parameters, self.network.max_norm)
        self.optimizer.step()


class OptimizerStep:
    def __init__(self, name: str, network: Network, fused: bool = False) -> None:
        arrays, gradients = network.parameters_and_gradients()
        self.parameters = [torch.tensor(p, requires_grad=True) for p in arrays]
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = torch.tensor(g)
        make = getattr(torch.optim, "SGD" if name == "Momentum" else name)
        self.optimizer = make(self.parameters, fused=fused, **OPTIMIZERS[name])

    def __call__(self) -> None:
        self.optimizer.step()

    def values(self) -> list[Array]:
        return [p.detach().numpy() for p in self.parameters]


def affine(x: Any, W: Any, b: Any) -> Any:
    """x @ W + b in one call."""
    return F.linear(x, W.T, b)


def chain(kind: str, shape: tuple[int, ...], count: int) -> Callable[[], list[Array]]:
    x, w, b = (torch.tensor(array, requires_grad=True) for array in chain_inputs(shape))
    seed = torch.ones(shape, dtype=torch.float64)
    leaves = [x] if kind == "sin, exp, log" else [x, w, b]

    def run() -> list[Array]:
        for leaf in leaves:
            leaf.grad = None
        v = x
        if kind == "sin, exp, log":
            for _ in range(count // 3):
                v = torch.log(torch.exp(torch.sin(v)))
        else:
            for _ in range(count // 3):
                v = torch.tanh(v * w + b)
        v.backward(seed)
        return [leaf.grad.numpy() for leaf in leaves]

    return run


def lookup(problem: Lookup) -> Callable[[], list[Array]]:
    table, ids, g = problem.inputs()
    W, seed, rows = torch.tensor(table, requires_grad=True), torch.tensor(g), torch.tensor(ids)

    def run() -> list[Array]:
        W.grad = None
        found = F.embedding(rows, W) if W.ndim == 2 else W[rows]
        found.backward(seed)
        return [W.grad.numpy()]

    return run


def formula(problem: Formula) -> Callable[[], list[Array]]:
    x, w, b = (torch.tensor(array, requires_grad=True) for array in problem.inputs())

    def run() -> list[Array]:
        for leaf in (x, w, b):
            leaf.grad = None
        a = torch.tanh(x * w + b)
        q = torch.square(x * a) + 1
        r = torch.sqrt(q)
        torch.sum(torch.exp(-(torch.log(r) - x)) / q).backward()
        return [leaf.grad.numpy() for leaf in (x, w, b)]

    return run
