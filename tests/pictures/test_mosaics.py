"""Weights, filters and images: every number is in the pixel where it belongs, on one scale."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.data import load_digits
from tinygrad_ko.pictures import filters, images, weights
from tinygrad_ko.pictures.mosaics import _columns

SIZES = st.integers(1, 9)
few = settings(max_examples=15)  # each makes a figure or more


def there():
    """Axes that are not pyplot's."""
    return Figure().add_subplot()


def frames(ax):
    """The corners of the frame of each tile."""
    (found,) = (c for c in ax.collections if isinstance(c, PolyCollection))
    return [np.asarray(path.vertices) for path in found.get_paths()]


def tiles(ax):
    """What is in each frame of the picture, in the order of the tiles, NaN where there is nothing; outside must be nothing."""
    board = np.ma.filled(ax.images[0].get_array().astype(float), np.nan).copy()
    found = []
    for frame in frames(ax):
        (x0, y0), (x1, y1) = (frame.min(axis=0) + 0.5).astype(int), (frame.max(axis=0) + 0.5).astype(int)
        found.append(board[y0:y1, x0:x1].copy())
        assert found[-1].shape == (y1 - y0, x1 - x0)
        board[y0:y1, x0:x1] = np.nan
    assert np.isnan(board).all()
    return np.array(found)


def above(ax):
    """The text above each tile, by the tile's number."""
    corners = [tuple(frame.min(axis=0) + 0.5) for frame in frames(ax)]
    width = np.ptp(frames(ax)[0][:, 0])
    places = [(x - (width - 1) / 2, y + 0.5) for x, y in (text.get_position() for text in ax.texts)]
    return {corners.index(place): text.get_text() for place, text in zip(places, ax.texts, strict=True)}


@few
@given(SIZES, SIZES, st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_each_column_of_the_weights_is_an_image(h, w, units, seed):
    W = np.random.default_rng(seed).normal(size=(h * w, units))
    ax = weights(W, (h, w), ax=there())
    np.testing.assert_array_equal(tiles(ax), W.T.reshape(units, h, w))
    assert above(ax) == {i: str(i) for i in range(units)}
    assert ax.images[0].get_clim() == (-np.abs(W).max(), np.abs(W).max())


@few
@given(SIZES, SIZES, st.integers(1, 8), st.integers(2, 5))
def test_filters_stand_in_rows_and_their_channels_in_columns(h, w, count, channels):
    W = np.random.default_rng(0).normal(size=(count, channels, h, w))
    ax = filters(W, ax=there())
    np.testing.assert_array_equal(tiles(ax), W.reshape(-1, h, w))
    assert [label.get_text() for label in ax.get_yticklabels()] == [str(i) for i in range(count)]
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(i) for i in range(channels)]
    assert len({frame[:, 0].min() for frame in frames(ax)}) == channels


def test_filters_of_one_channel_are_numbered():
    layer = nn.Conv2d(1, 6, 3, rng=0)
    ax = filters(layer.W, ax=there())
    np.testing.assert_array_equal(tiles(ax), layer.W.numpy()[:, 0])
    assert above(ax) == {i: str(i) for i in range(6)}
    assert above(filters(layer.W, titles="abcdef", ax=there()))[5] == "f"
    with pytest.raises(ValueError, match="titles must have one for each image: 2 for 6"):
        filters(layer.W, titles=["a", "b"])


def test_many_rows_and_columns_do_not_write_over_each_other():
    ax = filters(np.ones((100, 2, 1, 1)), ax=there())
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [str(i) for i in range(0, 100, 4)]


@few
@given(SIZES.filter(lambda h: h > 1), SIZES, st.integers(1, 30))
def test_images_in_every_shape(h, w, n):
    x = np.random.default_rng(n).random((n, h, w)).astype(np.float32)
    for given_x in (x, x[:, None], tg.Tensor(x)):
        np.testing.assert_array_equal(tiles(images(given_x, ax=there())), x)
    np.testing.assert_array_equal(tiles(images(x.reshape(n, -1), shape=(h, w), ax=there())), x)
    np.testing.assert_array_equal(tiles(images(x[0], shape=(h, w), ax=there())), x[:1])
    np.testing.assert_array_equal(tiles(images(x[0].ravel(), shape=(h, w), ax=there())), x[:1])


def test_square_images_need_no_shape():
    (x, t), _ = load_digits()
    ax = images(x[:12], t[:12], ax=there())
    np.testing.assert_array_equal(tiles(ax), x[:12].reshape(12, 8, 8))
    assert above(ax) == {i: str(t[i]) for i in range(12)}
    for one in (x[0], x[:1], x[0].reshape(8, 8), x[0].reshape(1, 8, 8)):
        np.testing.assert_array_equal(tiles(images(one, 0, ax=there()))[0], x[0].reshape(8, 8))
    assert tiles(images(np.ones((30, 784)), ax=there())).shape == (30, 28, 28)
    assert tiles(images(np.ones((28, 28)), ax=there())).shape == (1, 28, 28)
    assert tiles(images(np.ones((16, 16)), shape=(16, 16), ax=there())).shape == (1, 16, 16)
    assert tiles(images(np.ones((16, 16)), shape=(4, 4), ax=there())).shape == (16, 4, 4)


@pytest.mark.parametrize("x", [np.ones((3, 4, 4)), np.ones((3, 1, 4, 4)), np.ones((3, 16)), np.ones(16)])
def test_another_shape_than_that_of_x_is_refused(x):
    with pytest.raises(ValueError, match=r"images: .*2 x 4|images: x of shape .* of shape \(2, 4\)"):
        images(x, shape=(2, 4))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([3, 1], ["3", "1"]),
        (np.array([[0, 0, 0, 1], [0, 1, 0, 0]], np.float32), ["3", "1"]),
        (np.array([[3], [1]]), ["3", "1"]),
        (["3 → 8", "1"], ["3 → 8", "1"]),
        (np.array(["cat", "dog"]), ["cat", "dog"]),
        (tg.Tensor([0.5, -1.0]), ["0.5", "-1"]),
    ],
)
def test_labels_of_every_kind(labels, said):
    assert above(images(np.ones((2, 3, 3)), labels, ax=there())) == dict(enumerate(said))


def test_the_scale_of_images_begins_at_0_and_ends_at_the_largest():
    assert images(np.array([[5.0, 7.0]]), ax=there()).images[0].get_clim() == (0, 7)
    assert images(np.array([[-5.0, 7.0]]), ax=there()).images[0].get_clim() == (-5, 7)
    assert images(np.zeros((2, 3)), ax=there()).images[0].get_clim() == (0, 0)


def test_weights_of_zero_are_the_middle_of_the_scale():
    ax = weights(np.zeros((4, 3)), ax=there())
    assert ax.images[0].get_clim() == (-1, 1)
    ax.figure.canvas.draw()


def test_what_is_not_finite_is_a_cross_at_its_place(english):
    W = np.arange(24.0).reshape(4, 6)
    W[2, 1], W[0, 5] = np.nan, np.inf
    ax = weights(W, ax=there())
    np.testing.assert_array_equal(tiles(ax), np.where(np.isfinite(W), W, np.nan).T.reshape(6, 2, 2))
    (marks,) = ax.get_lines()
    corners = [frame.min(axis=0) + 0.5 for frame in frames(ax)]
    assert marks.get_xydata().tolist() == [(corners[1] + [0, 1]).tolist(), corners[5].tolist()]
    assert ax.get_title() == "x: NaN or inf"
    assert filters(np.where(np.eye(3) > 0, np.nan, np.ones((2, 2, 3, 3))), ax=there()).get_title() == "x: NaN or inf"
    assert ax.images[0].get_clim() == (-23, 23)


@given(st.integers(1, 2000))
def test_tiles_make_a_rectangle_that_is_not_too_long(n):
    across = _columns(n)
    rows = -(-n // across)
    assert across >= rows > (rows - 1) * across / n  # no row is empty
    assert across <= 2 * np.sqrt(n) + 1
    assert n % across == 0 or not any(n % other == 0 for other in range(across, 2 * across))


def test_the_usual_numbers_of_images_fill_their_rows():
    assert [_columns(n) for n in (1, 2, 5, 6, 10, 20, 30, 50, 100)] == [1, 2, 5, 3, 5, 5, 6, 10, 10]
