import gzip
import re
import struct
import tempfile
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tinygrad_ko.data.idx import read_idx

ARRAYS = arrays(np.uint8, array_shapes(min_dims=1, max_dims=3, max_side=6))


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def read(content, ndim):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "some-idx-file")
        path.write_bytes(content)
        return read_idx(path, ndim)


def refused(content, ndim, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(content, ndim)
    assert "some-idx-file" in str(caught.value)
    (note,) = caught.value.__notes__
    numbers = re.findall(r"\d+", str(caught.value).partition("some-idx-file")[2])
    assert "some-idx-file" in note
    assert not [number for number in numbers if number not in note]  # the Korean note says as much


@given(ARRAYS, st.booleans())
def test_what_is_written_is_read(array, packed):
    content = idx_bytes(array)
    got = read(gzip.compress(content) if packed else content, array.ndim)
    np.testing.assert_array_equal(got, array)
    assert (got.dtype, got.flags.writeable) == (np.uint8, True)


@given(ARRAYS)
def test_a_file_cut_anywhere_is_refused(array):
    content = idx_bytes(array)
    packed = gzip.compress(content)
    for stop in range(len(content)):
        refused(content[:stop], array.ndim, "not an IDX file|ends inside its header|is damaged")
        refused(gzip.compress(content[:stop]), array.ndim, "not an IDX file|ends inside its header|is damaged")
    for stop in range(len(packed)):
        refused(packed[:stop], array.ndim, "not an IDX file|is a damaged gzip file")


@given(ARRAYS, st.binary(min_size=1, max_size=9), st.booleans())
def test_bytes_after_the_data_are_refused(array, extra, packed):
    content = idx_bytes(array) + extra
    refused(gzip.compress(content) if packed else content, array.ndim, f"= {array.size} bytes of data, more follow")


@given(ARRAYS, st.data())
def test_a_changed_byte_of_a_gzip_file_is_refused_or_changes_nothing(array, data):
    packed = bytearray(gzip.compress(idx_bytes(array)))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    with suppress(ValueError):  # and if it is not refused, then only a time stamp or the like has changed
        np.testing.assert_array_equal(read(bytes(packed), array.ndim), array)


@given(ARRAYS)
def test_a_wrong_checksum_of_a_gzip_file_is_refused(array):
    packed = bytearray(gzip.compress(idx_bytes(array)))
    packed[-8] ^= 1
    refused(bytes(packed), array.ndim, "is a damaged gzip file: CRC check failed")


@given(ARRAYS, st.integers(0, 3), st.integers(1, 255))
def test_a_changed_magic_number_is_refused(array, at, change):
    content = bytearray(idx_bytes(array))
    content[at] ^= change
    if content[:2] == b"\x1f\x8b":
        return
    refused(bytes(content), array.ndim, "is not an IDX file of unsigned bytes")


@given(ARRAYS, st.data())
def test_a_header_that_promises_something_else_is_refused(array, data):
    shape = list(array.shape)
    axis = data.draw(st.integers(0, array.ndim - 1))
    shape[axis] = data.draw(st.integers(1, 2**32 - 1).filter(lambda n: n != array.shape[axis]))
    content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *shape) + array.tobytes()
    refused(content, array.ndim, f"is damaged: its header promises {'x'.join(map(str, shape))} = ")


@given(st.binary(max_size=100).filter(lambda content: content[:3] != b"\0\0\x08"), st.integers(1, 3))
def test_foreign_content_is_refused(content, ndim):
    refused(content, ndim, "is not an IDX file|is a damaged gzip file")


@pytest.mark.parametrize("shape", [(0,), (0, 28, 28), (3, 0, 28), (0, 2**32 - 1, 2**32 - 1)])
def test_no_data_is_refused(shape):
    content = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    refused(content, len(shape), "holds no data: its header says " + "x".join(map(str, shape)))


def test_labels_in_place_of_images_are_refused():
    refused(idx_bytes(np.ones(5, np.uint8)), 3, r"with 3 axes: .* bytes \[0, 0, 8, 1\], not \[0, 0, 8, 3\]")


def test_other_element_types_are_refused():
    refused(bytes([0, 0, 13, 1]) + struct.pack(">If", 1, 0.5), 1, r"unsigned bytes .* \[0, 0, 13, 1\]")


def test_a_header_is_read_as_the_format_says():
    content = bytes([0, 0, 8, 3]) + bytes([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3]) + bytes([1, 2, 3, 4, 5, 6])
    assert read(content, 3).tolist() == [[[1, 2, 3]], [[4, 5, 6]]]


def test_a_missing_file_is_the_usual_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing", 1)


@pytest.mark.parametrize("packed", [True, False])
def test_no_more_is_unpacked_than_the_header_promises(packed, tmp_path):
    """A small compressed file may hold more than there is memory."""
    held = 32 * 2**20
    path = tmp_path / "some-idx-file"
    path.write_bytes(gzip.compress(idx_bytes(np.zeros(5, np.uint8)) + bytes(held)) if packed else
                     idx_bytes(np.zeros(5, np.uint8)) + bytes(held))  # fmt: skip
    tracemalloc.start()
    with pytest.raises(ValueError, match="= 5 bytes of data, more follow"):
        read_idx(path, 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < held / 16
