"""The book's Trainer, and what its programs prepare data and draw curves with."""

from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.data.batches import sample_minibatch
from tinygrad_ko.errors import explain
from tinygrad_ko.nn.book import optimizers
from tinygrad_ko.nn.initializers import require_sizes
from tinygrad_ko.ops.inputs import require_above_0
from tinygrad_ko.state.randomness import generator

_OPTIMIZERS = {
    "sgd": optimizers.SGD,
    "momentum": optimizers.Momentum,
    "nesterov": optimizers.Nesterov,
    "adagrad": optimizers.AdaGrad,
    "rmsprop": optimizers.RMSprop,
    "rmsprpo": optimizers.RMSprop,  # as the book's code has it
    "adam": optimizers.Adam,
}
_WINDOW = 11


class Trainer:
    """Training with mini-batches: `train()` makes `epochs` times as many steps as fill an epoch, and after each epoch the accuracies are
    added to `train_acc_list` and `test_acc_list`, as the loss of each batch to `train_loss_list`.

    `network` has `params`, `gradient(x, t)`, `loss(x, t)` and `accuracy(x, t)`. `optimizer` is "sgd", "momentum", "nesterov", "adagrad",
    "rmsprop" or "adam", and `optimizer_param` what it is made with. `evaluate_sample_num_per_epoch` limits the samples that the
    accuracies of an epoch are computed from. `verbose` prints each loss and accuracy. Batches obey np.random.seed.

    Raises ValueError for another optimizer, or sizes below 1.

    >>> import tinygrad_ko as tg
    >>> (x_train, t_train), (x_test, t_test) = tg.data.load_digits()
    >>> np.random.seed(0)
    >>> net = tg.nn.book.MultiLayerNet(64, [30], 10)
    >>> trainer = Trainer(net, x_train, t_train, x_test, t_test, epochs=3, optimizer="adam", optimizer_param={"lr": 0.01}, verbose=False)
    >>> trainer.train()
    >>> len(trainer.train_loss_list), len(trainer.test_acc_list), trainer.test_acc_list[-1] > 0.7
    (42, 3, True)
    """

    def __init__(
        self,
        network: Any,
        x_train: Array,
        t_train: Array,
        x_test: Array,
        t_test: Array,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: str = "SGD",
        optimizer_param: dict[str, Any] | None = None,
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
    ) -> None:
        if not isinstance(optimizer, str) or optimizer.lower() not in _OPTIMIZERS:
            known = sorted(_OPTIMIZERS.keys() - {"rmsprpo"})
            raise explain(
                ValueError(f"Trainer: optimizer must be one of {known}, not {optimizer!r}"),
                f"Trainer: 알 수 없는 optimizer입니다: {optimizer!r}. 쓸 수 있는 이름: {known}",
            )
        require_above_0(epochs=epochs)
        require_sizes("Trainer", mini_batch_size=mini_batch_size)
        if evaluate_sample_num_per_epoch is not None:
            require_sizes("Trainer", evaluate_sample_num_per_epoch=evaluate_sample_num_per_epoch)
        self.network, self.epochs, self.batch_size, self.verbose = network, epochs, mini_batch_size, verbose
        self.x_train, self.t_train, self.x_test, self.t_test = x_train, t_train, x_test, t_test
        self.evaluate_sample_num_per_epoch = evaluate_sample_num_per_epoch
        settings = {"lr": 0.01} if optimizer_param is None else optimizer_param
        self.optimizer = _OPTIMIZERS[optimizer.lower()](**settings)
        self.train_size = len(x_train)
        self.iter_per_epoch = max(self.train_size // mini_batch_size, 1)
        self.max_iter, self.current_iter, self.current_epoch = int(epochs * self.iter_per_epoch), 0, 0
        self.train_loss_list: list[float] = []
        self.train_acc_list: list[float] = []
        self.test_acc_list: list[float] = []

    def train_step(self) -> None:
        """One step with one mini-batch; with the first step of an epoch come the accuracies."""
        x, t = sample_minibatch(self.x_train, self.t_train, self.batch_size)
        self.optimizer.update(self.network.params, self.network.gradient(x, t))
        self.train_loss_list.append(self.network.loss(x, t))
        self._say(f"train loss:{self.train_loss_list[-1]}")
        if self.current_iter % self.iter_per_epoch == 0:
            self.current_epoch += 1
            some = slice(self.evaluate_sample_num_per_epoch)
            self.train_acc_list.append(self.network.accuracy(self.x_train[some], self.t_train[some]))
            self.test_acc_list.append(self.network.accuracy(self.x_test[some], self.t_test[some]))
            accuracies = f"train acc:{self.train_acc_list[-1]}, test acc:{self.test_acc_list[-1]}"
            self._say(f"=== epoch:{self.current_epoch}, {accuracies} ===")
        self.current_iter += 1

    def train(self) -> None:
        """All steps."""
        for _ in range(self.max_iter):
            self.train_step()
        if self.verbose:
            self._say(f"test acc:{self.network.accuracy(self.x_test, self.t_test)}")

    def _say(self, line: str) -> None:
        if self.verbose:
            print(line)


def smooth_curve(x: Any) -> Array:
    """A curve of losses made smooth for a plot: each number becomes a weighted mean of the eleven around it (a Kaiser window), at the
    ends of the curve and its mirror image. Raises ValueError for fewer than eleven numbers.

    >>> smooth_curve([1.0] * 10 + [2.0] * 10).round(2)[7:13]
    array([1.22, 1.32, 1.44, 1.56, 1.68, 1.78])
    """
    curve = np.asarray(x, float)
    if curve.ndim != 1 or len(curve) < _WINDOW:
        raise explain(
            ValueError(f"smooth_curve needs a row of {_WINDOW} numbers or more, not shape {curve.shape}"),
            f"smooth_curve에는 원소가 {_WINDOW}개 이상인 1차원 배열이 필요합니다. 받은 형상: {curve.shape}",
        )
    weights, beside = np.kaiser(_WINDOW, 2), _WINDOW // 2
    mirrored = np.concatenate([curve[beside:0:-1], curve, curve[: -beside - 1 : -1]])
    return np.convolve(mirrored, weights / weights.sum(), "valid")


def shuffle_dataset(x: Array, t: Array) -> tuple[Array, Array]:
    """x and t in one random order, which obeys np.random.seed. Raises ValueError if their lengths differ.

    >>> np.random.seed(0)
    >>> shuffle_dataset(np.array([[1.0], [2.0], [3.0]]), np.array([1, 2, 3]))[1]
    array([3, 2, 1])
    """
    x, t = np.asarray(x), np.asarray(t)
    if len(x) != len(t):
        raise explain(
            ValueError(f"shuffle_dataset: x has {len(x)} samples, but t has {len(t)}"),
            f"shuffle_dataset: x의 데이터는 {len(x)}개인데 t는 {len(t)}개입니다.",
        )
    order = generator(None).permutation(len(x))
    return x[order], t[order]
