"""Pictures of learning: what every function of tg.pictures draws, for networks that learn handwritten digits.

python examples/pictures_of_learning.py                   # trains for a few seconds, and says what it could draw
python examples/pictures_of_learning.py --out pictures    # writes the pictures into that folder

Needs matplotlib: pip install 'tinygrad_ko[plots]'. In a notebook each call shows its picture, in a script plt.show() does.
"""

import argparse
from pathlib import Path

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import data, nn, optim, pictures

parser = argparse.ArgumentParser(description="Draw how networks learn the digits, and how descent works.")
parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the pictures here (otherwise nowhere)")
parser.add_argument("--epochs", type=int, default=15, metavar="N", help="passes over the digits (default: 15)")
arguments = parser.parse_args()


def show(name, axes):
    """Write a picture, or say which it would be."""
    figure = np.ravel(axes)[0].figure  # Axes 하나이거나 Axes의 배열입니다.
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        figure.savefig(arguments.out / f"{name}.png", dpi=150)
    print(f"  {'wrote' if arguments.out else 'with --out FOLDER:'} {name}.png")


# Affine 계층으로 된 신경망과 합성곱으로 시작하는 신경망입니다.
(x_train, t_train), (x_test, t_test) = data.load_digits()
rng = np.random.default_rng(0)
affine = nn.Sequential(
    nn.Affine(64, 30, rng=rng), nn.Sigmoid(), nn.Affine(30, 30, rng=rng), nn.Sigmoid(), nn.Affine(30, 10, rng=rng)
)
convolution = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding="same", rng=rng),
    nn.MaxPool2d(2),
    nn.Relu(),
    nn.Flatten(),
    nn.Affine(16 * 16, 10, rng=rng),
)


def train(model, x, x_test, epochs):
    """The loss of every step, and the accuracies after every epoch."""
    optimizer = optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.05)
    losses, train_accuracies, test_accuracies = [], [], []
    for _ in range(epochs):
        for x_batch, t_batch in data.minibatches(x, t_train, 50, rng):
            loss = tg.softmax_cross_entropy(model(x_batch), t_batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with tg.no_grad():
            train_accuracies.append(np.mean(model(x).argmax(axis=1) == t_train))
            test_accuracies.append(np.mean(model(x_test).argmax(axis=1) == t_test))
    return losses, train_accuracies, test_accuracies


print("What a network has learnt:")
history = train(affine, x_train, x_test, arguments.epochs)
show("learning_curves", pictures.learning_curves(*history))
show("weights", pictures.weights(affine[0].W))
show("activation_histograms", pictures.activation_histograms(affine, x_test))
train(convolution, x_train.reshape(-1, 1, 8, 8), x_test.reshape(-1, 1, 8, 8), 2)
show("filters", pictures.filters(convolution[0].W))

guesses = affine(x_test).argmax(axis=1)
labels = [f"{t}" if t == y else f"{t}, not {y}" for t, y in zip(t_test, guesses, strict=True)]
order = np.argsort(guesses == t_test, kind="stable")[:20]  # 틀린 것부터
show("images", pictures.images(x_test[order], [labels[i] for i in order]))
print(f"  test accuracy {history[2][-1]:.4f}: {np.sum(guesses != t_test)} of {len(t_test)} digits are read wrong")

# 접선, 등고선, 내려가는 길: 미분이 무엇이며 어떻게 최솟값을 찾는지
print("What a derivative is, and how it finds the way down:")
show("tangent_line", pictures.tangent_line(lambda x: 0.01 * x**2 + 0.1 * x, 5, xlim=(0, 20)))


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def valley(x):
    return x[0] ** 2 / 20 + x[1] ** 2


def descent(optimizer, **options):
    """The points of 30 steps through the valley."""
    x = tg.Tensor([-7.0, 2.0], requires_grad=True)
    optimizer, path = optimizer([x], **options), [x.numpy()]
    for _ in range(30):
        optimizer.zero_grad()
        valley(x).backward()
        optimizer.step()
        path.append(x.numpy())
    return path


show("wireframe", pictures.wireframe(bowl))
show("gradient_field", pictures.gradient_field(bowl))
paths = {
    "SGD": descent(optim.SGD, lr=0.95),
    "Momentum": descent(optim.Momentum, lr=0.1),
    "AdaGrad": descent(optim.AdaGrad, lr=1.5),
    "Adam": descent(optim.Adam, lr=0.3),
}
show("contour", pictures.contour(valley, paths, x0=(-8, 4), x1=(-3, 3)))
for name, path in paths.items():
    print(f"  {name:8} comes from f = {valley(path[0]):.2f} to {valley(path[-1]):.4f} in {len(path) - 1} steps")
