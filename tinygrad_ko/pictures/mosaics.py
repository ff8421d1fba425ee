"""Many small images in one picture, on one scale: weights, filters, and the images of the data."""

from collections.abc import Sequence
from math import ceil, isqrt, sqrt
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ko.errors import explain
from tinygrad_ko.pictures.canvas import GREY, Floats, axes, check_axes, floats, label, mark_gaps, some_finite
from tinygrad_ko.pictures.hangul import drawable, lettered, numbered, words

Shape = tuple[int, int]
_Two = tuple[float, float]
_DIVERGING = "RdBu_r"  # blue below 0, white at 0, red above


def weights(W: Any, shape: Shape | None = None, *, titles: Sequence[object] | None = None, ax: Any = None) -> Any:
    """Draw each column of a weight matrix as an image: what a unit looks for in its input.

    W is an array or Tensor of shape (inputs, units); `shape` is (height, width), by default that of a square: 8 x 8 for 64
    inputs, 28 x 28 for 784. Red is above 0 and blue below, white is 0, on one scale for all units. NaN and infinity are crosses.
    Above each image stands the number of its unit, or the one of `titles`. Returns the Axes; `ax` says where to draw.

    Raises ValueError for a W that is not a matrix, of which all is NaN, or does not fit the shape; ModuleNotFoundError
    without matplotlib.

    >>> import tinygrad_ko as tg
    >>> net = tg.nn.TwoLayerNet(64, 20, 10, rng=0)
    >>> ax = weights(net.params["W1"])
    """
    name = "weights"
    check_axes(name, ax)
    matrix = floats(W, name, "W")
    if matrix.ndim != 2:
        raise explain(
            ValueError(
                f"{name}: W must have the shape (inputs, units), not {matrix.shape}; for kernels there is filters"
            ),
            f"{name}: W의 형상은 (입력 수, 유닛 수)여야 합니다. 받은 형상: {matrix.shape}. 합성곱의 필터는 filters로 그립니다.",
        )
    tiles = matrix.T.reshape(-1, *_pixels(matrix.shape[0], shape, name))
    above = _one_each(titles, len(tiles), name, "titles")
    return _signed(tiles, above, name, ax)


def filters(W: Any, *, titles: Sequence[object] | None = None, ax: Any = None) -> Any:
    """Draw the kernels of a convolution as images.

    W is an array or Tensor of shape (filters, channels, height, width). With one channel there is an image for each
    filter, with its number or one of `titles` above it; with more a row for each filter, a column for each channel.
    Red is above 0 and blue below, white is 0, on one scale for all. NaN and infinity are crosses. Returns the Axes; `ax` says where
    to draw.

    Raises ValueError for a W of other axes, or of which all is NaN; ModuleNotFoundError without matplotlib.

    >>> import tinygrad_ko as tg
    >>> ax = filters(tg.nn.Conv2d(1, 8, 3, rng=0).W)
    """
    name = "filters"
    check_axes(name, ax)
    kernels = floats(W, name, "W")
    if kernels.ndim != 4:
        raise explain(
            ValueError(
                f"{name}: W must have the shape (filters, channels, height, width), not {kernels.shape}; kernels of one axis are "
                "W[:, :, None, :]"
            ),
            f"{name}: W의 형상은 (필터 수, 채널 수, 높이, 너비)여야 합니다. 받은 형상: {kernels.shape}. 1차원 합성곱이라면 "
            "W[:, :, None, :]을 넘기십시오.",
        )
    count, channels, *size = kernels.shape
    tiles = kernels.reshape(-1, *size)
    beside = _one_each(titles, count, name, "titles")
    if channels == 1:
        return _signed(tiles, beside, name, ax)
    ax = _signed(tiles, None, name, ax, channels)
    _ticks(ax.xaxis, [str(i) for i in range(channels)], size[1])
    _ticks(ax.yaxis, beside, size[0])
    label(ax, ("channel", "채널"), ("filter", "필터"))
    return ax


def images(x: Any, labels: Any = None, *, shape: Shape | None = None, ax: Any = None) -> Any:
    """Draw images of the data, one or many, with their labels above them: MNIST, the digits, or others in grey.

    x is one image (height, width), many (n, height, width) or (n, 1, height, width), or flattened (n, pixels) or
    (pixels,); `shape` says (height, width) where flattened images are not square, or where it is not clear what x is.
    `labels` has one for each image: numbers, words or one-hot rows. The largest number is black, on one scale for all; NaN
    and infinity are crosses. Returns the Axes; `ax` says where to draw.

    Raises ValueError for shapes that do not fit or could be read in two ways, or if all is NaN; ModuleNotFoundError without
    matplotlib.

    >>> import tinygrad_ko as tg
    >>> (x_train, t_train), _ = tg.data.load_digits()
    >>> ax = images(x_train[:20], t_train[:20])
    """
    name = "images"
    check_axes(name, ax)
    array = floats(x, name, "x")
    tiles = some_finite(array.reshape(-1, *_image_shape(array.shape, shape, name)), name, "x")
    finite = tiles[np.isfinite(tiles)]
    limits = (min(0.0, float(finite.min())), max(float(finite.max()), 0.0))
    above = None if labels is None else _one_each(_label_texts(labels, name), len(tiles), name, "labels")
    return _mosaic(tiles, _columns(len(tiles)), above, "gray_r", limits, ax, (0.2, 0.2))[0]


def _signed(tiles: Floats, above: list[str] | None, name: str, ax: Any, across: int = 0) -> Any:
    """Draw a mosaic of weights with a colour bar, on a scale symmetric about 0. With `across` tiles in a row, there is room for ticks."""
    finite = np.abs(tiles[np.isfinite(some_finite(tiles, name, "W"))])
    limit = float(finite.max()) or 1.0
    room = (1.4, 0.6) if across else (1.0, 0.2)
    ax, image = _mosaic(tiles, across or _columns(len(tiles)), above, _DIVERGING, (-limit, limit), ax, room)
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02)
    numbered(bar.ax)
    bar.set_label(words("weight", "가중치"))
    lettered(bar.ax.yaxis.label)
    return ax


def _mosaic(tiles: Floats, across: int, above: list[str] | None, cmap: str, limits: _Two, ax: Any, room: _Two) -> Any:
    """The Axes and the image of the tiles (n, height, width), texts above them, and in a new figure inches of `room` beside them.

    They are one array of pixels, so that a thousand tiles are drawn as quickly as one. Between them it is NaN.
    """
    from matplotlib.collections import PolyCollection

    n, h, w = tiles.shape
    top = max(1, round(0.3 * max(h, w))) if above else 0  # pixels for the text above a tile
    high, wide = h + (top or _gap(h)), w + _gap(w)  # from one tile to the next
    row, column = np.divmod(np.arange(n), across)
    y, x = row * high + top, column * wide  # the upper left pixel of each tile
    pixels = np.full((y[-1] + h, (across - 1) * wide + w), np.nan)
    for tile, i, j in zip(tiles, y, x, strict=True):
        pixels[i : i + h, j : j + w] = tile
    inch = min((2.4 if n == 1 else 0.9) / max(h, w), 8.0 / pixels.shape[1], 8.0 / pixels.shape[0])
    if ax is not None:
        box = ax.get_window_extent()
        inch = min(box.width / pixels.shape[1], box.height / pixels.shape[0]) / ax.figure.dpi
    ax = axes(ax, (max(pixels.shape[1] * inch + room[0], 2.0), max(pixels.shape[0] * inch + room[1], 1.2)))
    image = ax.imshow(np.ma.masked_invalid(pixels), cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]]) - 0.5
    outlines = corners + np.stack([x, y], axis=1)[:, None]
    frames = PolyCollection(outlines, facecolor="none", edgecolor=GREY, linewidth=0.4, clip_on=False)
    ax.add_collection(frames, autolim=False)
    longest = max(sum(2 if letter >= "\N{HANGUL CHOSEONG KIYEOK}" else 1 for letter in text) for text in above or "1")
    size = 72 * inch * min(0.75 * top, 1.5 * wide / max(longest, 1))
    place = {"ha": "center", "va": "bottom", "fontsize": min(max(size, 4.0), 10.0)}
    for i, text in enumerate(above or []):
        lettered(ax.text(x[i] + (w - 1) / 2, y[i] - 0.5, text, **place))
    bad, rows, columns = np.nonzero(~np.isfinite(tiles))
    if len(bad):
        mark_gaps(ax, x[bad] + columns, y[bad] + rows, color="black")
        lettered(ax.set_title(words("x: NaN or inf", "x: NaN 또는 inf"), fontsize="small"))
    return ax, image


def _ticks(axis: Any, names: list[str], size: int) -> None:
    every, step = ceil(len(names) / 32), size + _gap(size)
    axis.set_ticks([i * step + (size - 1) / 2 for i in range(0, len(names), every)], names[::every])
    axis.set_tick_params(length=0, labelsize="small")
    lettered(*axis.get_ticklabels())


def _gap(size: int) -> int:
    return max(1, size // 8)


def _columns(n: int) -> int:
    """How many tiles stand in a row: the smallest divisor of n from its square root up to twice that, so that all rows are full; if there
    is none, the square root.
    """
    least = ceil(sqrt(n))
    return next((across for across in range(least, 2 * least) if n % across == 0), least)


def _one_each(titles: Sequence[object] | None, count: int, name: str, what: str) -> list[str]:
    texts = [str(i) for i in range(count)] if titles is None else drawable(titles, name, stacklevel=4)
    if len(texts) != count:
        raise explain(
            ValueError(f"{name}: {what} must have one for each image: {len(texts)} for {count}"),
            f"{name}: {what}의 개수가 이미지의 개수와 같아야 합니다. {what}: {len(texts)}개, 이미지: {count}개.",
        )
    return texts


def _label_texts(labels: Any, name: str) -> list[object]:
    """Labels as they are written: words as they are, numbers without needless digits, of one-hot rows where the 1 is."""
    items = [labels] if isinstance(labels, str) or np.ndim(labels) == 0 else list(labels)
    if any(isinstance(item, str) for item in items):
        return items
    array: NDArray[Any] = floats(labels, name, "labels")
    if array.ndim > 1 and array.shape[1] > 1:
        array = array.argmax(axis=1)
    return [f"{number:g}" for number in array.ravel()]


def _pixels(count: int, shape: Shape | None, name: str) -> Shape:
    """The (height, width) of an image that is flattened to `count` numbers: `shape`, or that of a square."""
    side = isqrt(count)
    height, width = (side, side) if shape is None else _pair(shape, name)
    if height * width != count:
        cure, korean = "pass shape=(height, width)", "shape=(높이, 너비)를 넘기십시오"
        if shape is not None:
            cure, korean = f"it has {height * width}", f"필요한 픽셀: {height * width}개"
        raise explain(
            ValueError(f"{name}: {count} numbers make no image of {height} x {width}: {cure}"),
            f"{name}: 픽셀 {count}개로는 {height} x {width} 이미지를 만들 수 없습니다. {korean}.",
        )
    return height, width


def _image_shape(got: tuple[int, ...], shape: Shape | None, name: str) -> Shape:
    """The (height, width) of the images in an array of shape `got`: that of its last two axes or, if its last axis holds flattened
    images, `shape`, by default that of a square. Raises ValueError if it can be neither or, without a shape, one square image or several.
    """
    told = None if shape is None else _pair(shape, name)
    whole = got[2:] if len(got) == 4 and got[1] == 1 else got[1:] if len(got) == 3 else got if len(got) == 2 else ()
    side = isqrt(got[-1]) if len(got) in (1, 2) else 0
    square = side**2 == got[-1] > 1 if side else False  # whether the last axis can be a flattened square
    if told is not None:
        if whole == told or len(got) in (1, 2):
            return told if whole == told else _pixels(got[-1], told, name)
    elif square and (len(got) == 1 or got[0] != got[1]):
        return side, side
    elif square:
        raise explain(
            ValueError(
                f"{name}: x of shape {got} may be one image or {got[0]} flattened ones: pass shape={got} or shape={(side, side)}"
            ),
            f"{name}: 형상이 {got}인 x는 이미지 하나일 수도 있고, 펼친 이미지 {got[0]}개일 수도 있습니다. shape={got} 또는 "
            f"shape={(side, side)} 가운데 하나를 넘겨 구별하십시오.",
        )
    elif whole:
        return whole[0], whole[1]
    raise explain(
        ValueError(
            f"{name}: x of shape {got} holds no grey images{f' of shape {told}' if told else ''}; it must be (height, width), "
            "(n, height, width), (n, 1, height, width), (n, pixels) or (pixels,)"
        ),
        f"{name}: 형상이 {got}인 x는 {f'{told} ' if told else ''}회색조 이미지로 볼 수 없습니다. "
        "(높이, 너비), (n, 높이, 너비), (n, 1, 높이, 너비), (n, 픽셀 수), (픽셀 수,) 가운데 하나여야 합니다.",
    )


def _pair(shape: Any, name: str) -> Shape:
    try:
        height, width = map(index, shape)
    except (TypeError, ValueError):
        height = width = 0
    if min(height, width) < 1:
        raise explain(
            ValueError(f"{name}: shape must be (height, width), two whole numbers above 0, not {shape!r}"),
            f"{name}: shape에는 0보다 큰 정수 두 개, (높이, 너비)를 넘겨야 합니다. 받은 값: {shape!r}",
        )
    return height, width
