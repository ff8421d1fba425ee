"""Preprocessing of images and labels: the three switches of the book's `load_mnist`, for every data set."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Pair: TypeAlias = tuple[NDArray[Any], NDArray[Any]]


def preprocess(
    images: Bytes, labels: Bytes, *, brightest: int, normalize: bool, flatten: bool, one_hot_label: bool
) -> Pair:
    """Images (n, height, width) and labels (n,), both uint8, as the caller asked for them; `normalize` maps `brightest` to 1."""
    n, height, width = images.shape
    x: NDArray[Any] = images.astype(np.float32 if normalize else np.uint8)
    if normalize:
        x /= brightest
    x = x.reshape(n, height * width) if flatten else x.reshape(n, 1, height, width)
    t: NDArray[Any] = np.eye(10, dtype=np.float32)[labels] if one_hot_label else labels.astype(np.int64)
    return x, t
