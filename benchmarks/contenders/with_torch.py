"""PyTorch, eager, on the CPU."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.problems import LEARNING_RATE, Array, ConvNetwork, Lookup, Network, chain_inputs

torch: Any = import_module("torch")
torch.set_num_threads(1)


class Step:
    """A step of SGD, given `loss`."""

    parameters: list[Any]
    optimizer: Any

    def loss(self) -> Any:
        raise NotImplementedError

    def gradients(self) -> tuple[float, list[Array]]:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        return loss.item(), [p.grad.numpy().copy() for p in self.parameters]

    def __call__(self) -> float:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
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
        return torch.nn.functional.cross_entropy(torch.addmm(b, h, W), self.t)


class ConvolutionStep(Step):
    def __init__(self, network: ConvNetwork) -> None:
        self.x, self.t = (torch.tensor(array) for array in network.images_and_labels())
        self.parameters = [torch.tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = torch.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> Any:
        W1, b1, W2, b2, W3, b3 = self.parameters
        functions = torch.nn.functional
        h = torch.relu(functions.max_pool2d(functions.conv2d(self.x, W1, b1), 2))
        h = torch.relu(torch.addmm(b2, h.reshape(len(self.t), -1), W2))
        return functions.cross_entropy(torch.addmm(b3, h, W3), self.t)


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
        found = torch.nn.functional.embedding(rows, W) if W.ndim == 2 else W[rows]
        found.backward(seed)
        return [W.grad.numpy()]

    return run
