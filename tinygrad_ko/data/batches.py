"""Mini-batches: an epoch in random order, or one batch drawn as the book draws it."""

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_ko.data.preprocessing import Pair
from tinygrad_ko.errors import explain
from tinygrad_ko.state.randomness import generator


def minibatches(
    x: ArrayLike,
    t: ArrayLike,
    batch_size: int,
    rng: int | np.random.Generator | None = None,
    *,
    drop_last: bool = False,
) -> Iterator[Pair]:
    """One epoch: batches `(x, t)` in random order, every example exactly once, x and t kept together.

    The last batch is smaller where batch_size does not divide the number of examples; `drop_last=True` leaves
    it out. The order is drawn at the call. `rng` is None (obeys `np.random.seed`), a seed, or a Generator. A
    seed gives the same order every time, so for many epochs make one Generator and pass it to each.

    x, t: arrays of any shape and dtype with the same length; a batch is a copy.
    Errors: ValueError for lengths that differ, no examples, batch_size below 1, or drop_last that leaves
    nothing; TypeError for a batch_size that is not an int, or a wrong rng.

    >>> import numpy as np
    >>> x = np.arange(10).reshape(5, 2)
    >>> for x_batch, t_batch in minibatches(x, np.arange(5), 2, rng=3):
    ...     print(x_batch.tolist(), t_batch.tolist())
    [[8, 9], [4, 5]] [4, 2]
    [[2, 3], [6, 7]] [1, 3]
    [[0, 1]] [0]
    """
    xs, ts, size = _checked(x, t, batch_size)
    stop = len(xs) - len(xs) % size if drop_last else len(xs)
    if stop == 0:
        raise explain(
            ValueError(f"drop_last leaves nothing: batch_size {size} exceeds the {len(xs)} examples"),
            f"drop_last=True이면 남는 배치가 없습니다. batch_size: {size}, 데이터 수: {len(xs)}",
        )
    order = generator(rng).permutation(len(xs))
    return ((xs[pick], ts[pick]) for pick in (order[i : i + size] for i in range(0, stop, size)))


def sample_minibatch(x: ArrayLike, t: ArrayLike, batch_size: int, rng: int | np.random.Generator | None = None) -> Pair:
    """One batch `(x, t)` drawn with replacement: the book's `np.random.choice(len(x), batch_size)`.

    With `rng=None` it picks, and consumes, exactly what that call would. Arguments and errors as in
    `minibatches`; batch_size may exceed the number of examples.

    >>> import numpy as np
    >>> x, t = np.arange(60000), np.arange(60000)
    >>> np.random.seed(1)
    >>> x_batch, t_batch = sample_minibatch(x, t, 100)
    >>> np.random.seed(1)
    >>> bool(np.all(x_batch == np.random.choice(60000, 100)))
    True
    """
    xs, ts, size = _checked(x, t, batch_size)
    pick = generator(rng).choice(len(xs), size)
    return xs[pick], ts[pick]


def _checked(x: ArrayLike, t: ArrayLike, batch_size: int) -> tuple[NDArray[Any], NDArray[Any], int]:
    xs, ts = np.asarray(x), np.asarray(t)
    if xs.ndim == 0 or ts.ndim == 0:
        raise explain(
            ValueError("x and t must have an axis of examples, got a single number"),
            "x와 t는 첫 번째 축이 데이터의 번호인 배열이어야 합니다. 수 하나만 받았습니다.",
        )
    if len(xs) != len(ts):
        raise explain(
            ValueError(f"x and t must have the same length, got {len(xs)} and {len(ts)}"),
            f"x와 t의 데이터 수가 같아야 합니다. 받은 데이터 수: {len(xs)}, {len(ts)}",
        )
    if len(xs) == 0:
        raise explain(
            ValueError("x and t are empty: there is nothing to draw from"), "x와 t가 비어 있어 뽑을 데이터가 없습니다."
        )
    try:
        if isinstance(batch_size, bool):
            raise TypeError
        size = operator.index(batch_size)
    except TypeError:
        raise explain(
            TypeError(f"batch_size must be an int, got {type(batch_size).__name__}"),
            f"batch_size: 정수여야 합니다. 받은 값의 종류: {type(batch_size).__name__}",
        ) from None
    if size < 1:
        raise explain(
            ValueError(f"batch_size must be at least 1, got {size}"),
            f"batch_size: 1 이상이어야 합니다. 받은 값: {size}",
        )
    return xs, ts, size
