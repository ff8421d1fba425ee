"""Inference on MNIST with weights that somebody else has trained: the book's 784-50-100-10 network, 0.9352 of 10,000 test images right.

    TINYGRAD_KO_DATA=folder python examples/mnist_inference.py

The folder, or `mnist` in it, holds the four files of MNIST and the book's sample_weight.pkl (or the same arrays as sample_weight.npz). The
pickle is read without running any code in it. Where a file is missing the example says so.
"""

import os
import sys
from pathlib import Path

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko.nn import ThreeLayerNet
from tinygrad_ko.nn.book import read_pickle


def pretrained():
    """The weights, as a dict of arrays; None if they are not there."""
    base = Path(os.environ.get("TINYGRAD_KO_DATA", "."))
    for folder in (base, base / "mnist"):
        if (folder / "sample_weight.npz").is_file():
            return dict(np.load(folder / "sample_weight.npz", allow_pickle=False))
        if (folder / "sample_weight.pkl").is_file():
            return read_pickle(folder / "sample_weight.pkl")
    return None


def image(pixels):
    """An image of 28 x 28 pixels as text: the brighter, the more ink."""
    ink = np.array(list(" .:*#"))
    return "\n".join("".join(ink[row]).rstrip() for row in (pixels.reshape(28, 28)[::2] * 4.99).astype(int))


params = pretrained()
try:
    _, (x_test, t_test) = tg.data.load_mnist(download=False)
    _, (raw, _) = tg.data.load_mnist(normalize=False, download=False)
except (FileNotFoundError, ModuleNotFoundError) as error:
    sys.exit(print(f"skipped: {str(error).splitlines()[0]}"))
if params is None:
    sys.exit(print("skipped: no sample_weight.npz or sample_weight.pkl in the folder that TINYGRAD_KO_DATA names"))

# 추론에는 순전파만 필요합니다. 출력층의 소프트맥스는 점수의 순서를 바꾸지 않습니다.
network = ThreeLayerNet(params, output=tg.softmax)
print("network   ", "-".join(map(str, [params["W1"].shape[0], *(params[f"b{i}"].size for i in (1, 2, 3))])))
print(f"0..1      {network.accuracy(x_test, t_test):.4f} of {len(t_test):,} images right")

# 학습할 때와 달리 정규화하지 않은 픽셀(0~255)을 넣으면 정확도가 떨어집니다.
print(f"0..255    {network.accuracy(raw, t_test):.4f} with raw pixels: the network has learned pixels from 0 to 1")

# 틀린 이미지 가운데 틀린 답의 확률이 가장 높은 것
y = network.predict(x_test)
wrong = np.flatnonzero(y.argmax(axis=1) != t_test)
worst = wrong[np.argmax(y[wrong].max(axis=1))]
print(
    f"\nthe surest mistake, image {worst}: it is a {t_test[worst]}, read as a {y[worst].argmax()} ({y[worst].max():.1%})"
)
print(image(x_test[worst]))
