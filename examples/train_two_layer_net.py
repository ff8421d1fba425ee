"""The book's training loop: a network of two layers learns handwritten digits with stochastic gradient descent.

python examples/train_two_layer_net.py            # the bundled 8x8 digits, a second or two
python examples/train_two_layer_net.py --mnist    # MNIST: 28x28, 10,000 steps
"""

import argparse

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko.nn import TwoLayerNet

parser = argparse.ArgumentParser(description="Train the book's two-layer network on handwritten digits.")
parser.add_argument("--mnist", action="store_true", help="learn MNIST instead of the small bundled digits")
parser.add_argument("--iters", type=int, metavar="N", help="how many steps (default: 2000, with --mnist 10000)")
parser.add_argument("--seed", type=int, default=0, help="for np.random.seed (default: 0)")
arguments = parser.parse_args()

load = tg.data.load_mnist if arguments.mnist else tg.data.load_digits
(x_train, t_train), (x_test, t_test) = load(normalize=True, one_hot_label=True)

np.random.seed(arguments.seed)
network = TwoLayerNet(input_size=x_train.shape[1], hidden_size=50, output_size=10)

iters_num = arguments.iters or (10_000 if arguments.mnist else 2_000)
train_size = x_train.shape[0]
batch_size = 100 if arguments.mnist else 50
learning_rate = 0.1 if arguments.mnist else 0.5
# 몫만 남기는 //를 씁니다. 정수가 아니면 i % iter_per_epoch가 0이 되는 일이 거의 없습니다.
iter_per_epoch = max(train_size // batch_size, 1)

train_loss_list = []
for i in range(iters_num):
    batch_mask = np.random.choice(train_size, batch_size)
    x_batch = x_train[batch_mask]
    t_batch = t_train[batch_mask]

    grad = network.gradient(x_batch, t_batch)  # numerical_gradient로도 같은 값을 얻지만 수천 배 느립니다.
    for key in ("W1", "b1", "W2", "b2"):
        network.params[key] -= learning_rate * grad[key]

    train_loss_list.append(network.loss(x_batch, t_batch))
    if i % iter_per_epoch == 0 or i == iters_num - 1:
        train_acc = network.accuracy(x_train, t_train)
        test_acc = network.accuracy(x_test, t_test)
        recent = np.mean(train_loss_list[-iter_per_epoch:])
        print(f"step {i + 1:5}  loss {recent:.4f}  train acc {train_acc:.4f}  test acc {test_acc:.4f}")
