import hashlib
import re
from importlib.resources import files

import numpy as np
import pytest

from tinygrad_ko.data import load_digits, minibatches

PACKAGE = files("tinygrad_ko.data")
# Of each digit, as the UCI repository lists them for the test part of the data set.
COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


@pytest.fixture(scope="module")
def raw():
    with PACKAGE.joinpath("digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as bundle:
        return bundle["images"], bundle["labels"]


def test_the_bundled_file_is_the_documented_one(raw):
    images, labels = raw
    packed = PACKAGE.joinpath("digits.npz").read_bytes()
    assert len(packed) < 100_000
    sums = [hashlib.sha256(content).hexdigest() for content in (packed, images.tobytes() + labels.tobytes())]
    assert re.findall(r"[0-9a-f]{64}", PACKAGE.joinpath("DIGITS.md").read_text(encoding="utf-8")) == sums
    assert sums[1] == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_the_bundled_file_holds_the_published_data(raw):
    images, labels = raw
    assert (images.shape, images.dtype.name, images.min(), images.max()) == ((1797, 8, 8), "uint8", 0, 16)
    assert (labels.shape, labels.dtype.name) == ((1797,), "uint8")
    assert np.bincount(labels).tolist() == COUNTS
    # the first and the last line of optdigits.tes
    assert images[0, :2].tolist() == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]
    assert images[-1, -2:].tolist() == [[0, 8, 16, 10, 8, 16, 8, 0], [0, 1, 8, 12, 14, 12, 1, 0]]
    assert (labels[0], labels[-1]) == (0, 8)


def test_every_image_is_in_exactly_one_part_with_its_label(raw):
    images, labels = raw
    (x_train, t_train), (x_test, t_test) = load_digits(normalize=False)
    got = np.column_stack([np.concatenate([x_train, x_test]), np.concatenate([t_train, t_test])])
    expected = np.column_stack([images.reshape(-1, 64), labels])
    np.testing.assert_array_equal(got[np.lexsort(got.T)], expected[np.lexsort(expected.T)])


def test_the_split_is_the_documented_one(raw):
    images, labels = raw
    seen = [0] * 10
    expected = []
    for image, label in zip(images.reshape(-1, 64), labels, strict=True):
        if seen[label] % 5 == 0:
            expected.append(image)
        seen[label] += 1
    (_, t_train), (x_test, t_test) = load_digits(normalize=False)
    np.testing.assert_array_equal(x_test, expected)
    assert np.bincount(t_test).tolist() == [(count + 4) // 5 for count in COUNTS]
    assert len(t_train) == 1433


@pytest.mark.parametrize("one_hot_label", [False, True])
@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_the_switches(normalize, flatten, one_hot_label):
    plain = load_digits(normalize=False)
    for (x, t), (x_plain, t_plain) in zip(load_digits(normalize, flatten, one_hot_label), plain, strict=True):
        assert x.shape == ((len(x), 64) if flatten else (len(x), 1, 8, 8))
        assert x.dtype == (np.float32 if normalize else np.uint8)
        assert x.max() == (1 if normalize else 16)
        np.testing.assert_array_equal(x.reshape(-1, 64) * (16 if normalize else 1), x_plain)
        if one_hot_label:
            assert (t.shape, t.dtype.name) == ((len(x), 10), "float32")
            np.testing.assert_array_equal(t.sum(axis=1), 1)
            t = t.argmax(axis=1)
        else:
            assert t.dtype == np.int64
        np.testing.assert_array_equal(t, t_plain)


def test_the_defaults():
    (x, t), _ = load_digits()
    assert (x.shape, x.dtype.name) == ((1433, 64), "float32")
    assert (t.shape, t.dtype.name) == ((1433,), "int64")


def test_calls_agree_and_share_nothing():
    first, second, third = load_digits(), load_digits(), load_digits()
    for part in second:
        for array in part:
            array[...] = 0
    for a, b in zip(first, third, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_a_small_sigmoid_network_learns_them():
    """64-50-10, sigmoid and softmax, by hand: above 0.95 on images it has not seen."""
    (x_train, t_train), (x_test, t_test) = load_digits()
    rng = np.random.default_rng(0)
    w1, b1 = rng.standard_normal((64, 50)) / 8, np.zeros(50)
    w2, b2 = rng.standard_normal((50, 10)) / 7, np.zeros(10)
    for _ in range(40):
        for x, t in minibatches(x_train, t_train, 50, rng):
            z = 1 / (1 + np.exp(-(x @ w1 + b1)))
            y = np.exp(z @ w2 + b2)
            g = (y / y.sum(axis=1, keepdims=True) - np.eye(10)[t]) / len(x)
            gz = g @ w2.T * z * (1 - z)
            w2 -= z.T @ g
            b2 -= g.sum(axis=0)
            w1 -= x.T @ gz
            b1 -= gz.sum(axis=0)
    scores = (1 / (1 + np.exp(-(x_test @ w1 + b1)))) @ w2 + b2
    assert (scores.argmax(axis=1) == t_test).mean() > 0.95
