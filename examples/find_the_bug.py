"""A network that learns, with a bug that nobody would notice: found by one number. Then a NaN, found where it began.

    python examples/find_the_bug.py

The network is in the manner of the book's, with two activations of its own. In one of them a sign is wrong.
"""

import sys
from itertools import pairwise

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko.nn import ThreeLayerNet

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.


@tg.op(x=lambda g, out: g * out * (out - 1))
def logistic_with_a_wrong_sign(xp, x):
    return 1 / (1 + xp.exp(-x))


@tg.op(x=lambda g, out: g * out * (1 - out))
def logistic(xp, x):
    return 1 / (1 + xp.exp(-x))


@tg.op(x=lambda g, x: g / (1 + tg.abs(x)) ** 2)
def softsign(xp, x):
    return x / (1 + xp.abs(x))


class Net(ThreeLayerNet):
    """x * logistic(x) after the first layer ("swish"), softsign after the second."""

    def __init__(self, logistic):
        rng, sizes = np.random.default_rng(0), [64, 40, 20, 10]
        params = {}
        for i, (n, m) in enumerate(pairwise(sizes), start=1):
            params[f"W{i}"] = rng.normal(size=(n, m)) / np.sqrt(n)
            params[f"b{i}"] = np.zeros(m)
        super().__init__(params)
        self.logistic = logistic

    def scores(self, x, p):
        a1 = tg.affine(x, p["W1"], p["b1"])
        z1 = a1 * self.logistic(a1)
        z2 = softsign(tg.affine(z1, p["W2"], p["b2"]))
        return tg.affine(z2, p["W3"], p["b3"])


(x_train, t_train), (x_test, t_test) = tg.data.load_digits()


def train(net, steps=600, lr=0.1):
    """The book's loop. Returns the mean loss at the start and at the end."""
    rng, losses = np.random.default_rng(0), []
    for _ in range(steps):
        batch = rng.choice(len(x_train), 50)
        gradient = net.gradient(x_train[batch], t_train[batch])
        for name in net.params:
            net.params[name] -= lr * gradient[name]
        losses.append(net.loss(x_train[batch], t_train[batch]))
    return np.mean(losses[:50]), np.mean(losses[-50:])


def blame(f, *inputs, **options):
    """Check a gradient and print what is wrong with it."""
    try:
        tg.check_gradient(f, *inputs, **options)
    except (tg.GradientMismatch, tg.GradientUndecided) as error:
        print(error, *error.__notes__, sep="\n")


print("1. A network learns handwritten digits:")
wrong = Net(logistic_with_a_wrong_sign)
first, last = train(wrong)
print(
    f"   loss {first:.2f}, then {last:.2f}; {wrong.accuracy(x_test, t_test):.1%} of the test digits are right. Is it right?\n"
)

print("2. One projection of its gradient, on all parameters together:\n")
x, t, names = x_train[:50], t_train[:50], list(wrong.params)
blame(wrong.loss_of, wrong.params, x, t, wrt=names, effort="quick")

print("\n3. The op, its formula and the line that calls it are named, and the ratio -1 says what is wrong. Mended:\n")
right = Net(logistic)
report = tg.check_gradient(right.loss_of, right.params, x, t, wrt=names, effort="quick")
print(report)
print(
    f"\nThe loss was computed {report.evaluations} times; the book's way, two for every number, would take {2 * report.numbers:,}."
)
print("Surer, with two projections for each argument (x is one too):\n")
print(tg.check_gradient(right.loss_of, right.params, x, t))
first, last = train(right)
print(f"\nTrained again: loss {first:.2f}, then {last:.2f}; {right.accuracy(x_test, t_test):.1%} right.")

print("\n4. A NaN. This root is 0 where x is not positive, and its values are fine:\n")
points = np.array([4.0, 1.0, -1.0])


def root(x):
    return tg.where(x > 0, tg.sqrt(x), 0.0)


def root_with_a_double_where(x):
    positive = x > 0
    return tg.where(positive, tg.sqrt(tg.where(positive, x, 1.0)), 0.0)


with np.errstate(invalid="ignore"):
    print("values  ", root(points))
    leaf = tg.Tensor(points, requires_grad=True)
    root(leaf).sum().backward()
print("gradient", leaf.grad, "\n")
blame(root, points)

print("\nWith the double where the root never sees a bad number:\n")
print(tg.check_gradient(root_with_a_double_where, points))
