"""The bundled data set: 1,797 real handwritten digits of 8x8 pixels. Source, authors and licence: DIGITS.md beside this file."""

from functools import partial
from importlib.resources import files

import numpy as np

from tinygrad_ko.data.preprocessing import Pair, preprocess


def load_digits(normalize: bool = True, flatten: bool = True, one_hot_label: bool = False) -> tuple[Pair, Pair]:
    """Load the bundled 8x8 digits: `(x_train, t_train), (x_test, t_test)`. No network, no other package.

    1,433 images to train on and 364 to test on, always the same: of each digit, in the order of the file, the 1st, 6th, 11th, ... image is
    a test image. So the same people wrote both parts, and test accuracy answers "a new image by a known hand". Unknown hands are harder:
    the file goes writer by writer, and a 64-50-10 sigmoid network that gets 0.97 here gets 0.91 when it learns the first 1,437 images and
    is tested on the last 360.

    normalize: True gives float32 from 0 to 1 (divided by 16), False the uint8 values 0 to 16 of the file.
    flatten: True gives images of shape (n, 64), False (n, 1, 8, 8).
    one_hot_label: True gives float32 rows of shape (n, 10), False int64 labels of shape (n,).

    The arrays are fresh at every call: change them as you like.

    >>> (x_train, t_train), (x_test, t_test) = load_digits()
    >>> x_train.shape, t_train.shape, x_test.shape, t_test.shape
    ((1433, 64), (1433,), (364, 64), (364,))
    >>> x_train.dtype, x_train.max(), t_train[:5]
    (dtype('float32'), np.float32(1.0), array([0, 1, 2, 3, 4]))
    """
    with (
        files("tinygrad_ko.data").joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as bundle,
    ):
        images, labels = bundle["images"], bundle["labels"]
    test = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        test[np.flatnonzero(labels == digit)[::5]] = True
    prepared = partial(preprocess, brightest=16, normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)
    return prepared(images[~test], labels[~test]), prepared(images[test], labels[test])
