"""Batch normalisation: the same network learns from almost any first weights, and without it only from good ones.

python examples/batch_normalization.py    # a few seconds

Five layers learn the bundled digits, once for each standard deviation of the first weights. Weights that are too small let
the numbers fade from layer to layer, and their gradients with them; weights that are too large blow them up. `BatchNorm`
brings every layer back to mean 0 and variance 1.
"""

from itertools import pairwise

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko.nn import Affine, BatchNorm, Relu, Sequential, normal

WIDTHS = (64, 50, 50, 50, 50)


def network(std, normalised):
    """Affine layers with weights of a standard deviation, each followed by BatchNorm (or not) and Relu."""
    rng, layers = np.random.default_rng(0), []
    for inputs, outputs in pairwise(WIDTHS):
        layers += [Affine(inputs, outputs, init=normal(std), rng=rng)]
        layers += [BatchNorm(outputs)] * normalised
        layers += [Relu()]
    return Sequential(*layers, Affine(WIDTHS[-1], 10, init=normal(std), rng=rng))


def accuracy_after(model, epochs):
    """Train with plain gradient descent, and tell the share of the test digits that are then read right."""
    (x_train, t_train), (x_test, t_test) = tg.data.load_digits()
    optimizer, rng = tg.optim.SGD(model.parameters(), lr=0.05), np.random.default_rng(1)
    for _ in range(epochs):
        for x, t in tg.data.minibatches(x_train, t_train, 50, rng):
            optimizer.zero_grad()
            loss = tg.softmax_cross_entropy(model(x), t)
            if not np.isfinite(loss.item()):
                return 0.0
            loss.backward()
            optimizer.step()
    model.eval()  # 여기부터는 배치 대신 이동 평균을 씁니다.
    return (model(x_test).argmax(axis=1) == t_test).mean()


# 가중치 초깃값의 표준편차를 바꾸어 가며, 배치 정규화가 없을 때와 있을 때의 정확도를 비교합니다.
print("first weights   without   with BatchNorm")
for std in (1.0, 0.3, 0.1, 0.03, 0.01, 0.001):
    without, with_it = (accuracy_after(network(std, yes), epochs=10) for yes in (False, True))
    print(f"{std:13}   {without:7.2f}   {with_it:14.2f}")
