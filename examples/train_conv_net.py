"""A convolutional network reads handwritten digits: it looks at neighbouring pixels together, wherever they are.

python examples/train_conv_net.py            # the bundled 8x8 digits, a few seconds
python examples/train_conv_net.py --mnist    # MNIST: 28x28, ten seconds or more for each epoch
"""

import argparse

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import data, nn, optim

parser = argparse.ArgumentParser(description="Train a small convolutional network on handwritten digits.")
parser.add_argument("--mnist", action="store_true", help="learn MNIST instead of the small bundled digits")
parser.add_argument("--epochs", type=int, metavar="N", help="passes over the images (default: 12, with --mnist 3)")
parser.add_argument(
    "--seed", type=int, default=0, help="of the first weights and of the order of the images (default: 0)"
)
arguments = parser.parse_args()

load = data.load_mnist if arguments.mnist else data.load_digits
(x_train, t_train), (x_test, t_test) = load(flatten=False)  # 이미지의 형상은 (n, 1, 높이, 너비)
side = x_train.shape[2]

rng = np.random.default_rng(arguments.seed)
model = nn.Sequential(
    nn.Conv2d(1, 30, 3, padding="same", dtype="float32", rng=rng),  # 3 x 3 커널 30개
    nn.MaxPool2d(2),  # relu보다 먼저 하면 결과는 같고 relu의 계산은 4분의 1이 됩니다.
    nn.Relu(),
    nn.Flatten(),
    nn.Affine(30 * (side // 2) ** 2, 100, init=nn.he, dtype="float32", rng=rng),
    nn.Relu(),
    nn.Affine(100, 10, init=nn.he, dtype="float32", rng=rng),
)
optimizer = optim.Adam(model.parameters(), lr=0.003)


def accuracy(x, t):
    with tg.no_grad():
        scores = [model(x[i : i + 200]).numpy() for i in range(0, len(x), 200)]
    return np.mean(np.concatenate(scores).argmax(axis=1) == t)


for epoch in range(1, (arguments.epochs or (3 if arguments.mnist else 12)) + 1):
    losses = []
    for x, t in data.minibatches(x_train, t_train, 50, rng):
        loss = tg.softmax_cross_entropy(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch:2}  loss {np.mean(losses):.4f}  test accuracy {accuracy(x_test, t_test):.4f}")

kernels = model[0].W.numpy()[:, 0]
print("\nThe kernel that counts most:")
print(np.round(kernels[np.abs(kernels).sum(axis=(1, 2)).argmax()], 2))
