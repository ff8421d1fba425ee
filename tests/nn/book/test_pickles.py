"""The reader of pickled weights: it reads what NumPy writes, and runs nothing that a file asks for."""

import os
import pickle
import pickletools
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_ko.nn import TwoLayerNet
from tinygrad_ko.nn.book import read_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
ARRAYS = {"W1": np.arange(6.0).reshape(2, 3), "b1": np.array([1, -2], np.float32)}


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


@given(
    arrays=st.dictionaries(
        st.text("Wbxyz0123456789가", min_size=1),
        hnp.arrays(
            st.sampled_from(["<f8", ">f8", "<f4", "<f2", "<i8", "|u1", "|b1"]),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        ),
        max_size=3,
    ),
    protocol=st.sampled_from(PROTOCOLS),
    ordered=st.booleans(),
)
def test_what_is_pickled_is_read(arrays, protocol, ordered, tmp_path_factory):
    path = tmp_path_factory.mktemp("pickles") / "params.pkl"
    given_order = {name: np.asfortranarray(array) if len(name) % 2 else array for name, array in arrays.items()}
    path.write_bytes(pickle.dumps(OrderedDict(given_order) if ordered else given_order, protocol))
    found = read_pickle(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found[name], array)
        found[name][...] = 0  # it is the caller's own


def test_files_of_other_versions_of_numpy_and_python(tmp_path):
    path = tmp_path / "params.pkl"
    new, old = b"numpy._core.multiarray", b"numpy.core.multiarray"
    data = pickle.dumps(ARRAYS, 2)
    assert new in data or old in data
    for written in (data.replace(new, old), data.replace(old, new)):
        path.write_bytes(written)
        np.testing.assert_array_equal(read_pickle(path)["W1"], ARRAYS["W1"])
    # Python 2 wrote names and the bytes of an array as strings without an encoding.
    name, numbers = b"U\x02W1", b"U\x08" + np.array([1.5]).tobytes()
    made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01(K\x01t"
    dtype = b"cnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    path.write_bytes(b"\x80\x02}" + name + made + dtype + b"\x89" + numbers + b"tbs.")
    assert pickle.loads(path.read_bytes(), encoding="latin1")["W1"].tolist() == [1.5]
    assert read_pickle(path)["W1"].tolist() == [1.5]


class Touch:
    """Pickled, it is a call of whatever it is told."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_code_is_run(protocol, tmp_path):
    path, victim = tmp_path / "params.pkl", tmp_path / "touched"
    for bad in (
        Touch(os.mkdir, str(victim)),
        {"W": Touch(os.mkdir, str(victim))},
        {"W": ARRAYS["W1"], "b": Touch(exec, f"import os; os.mkdir({str(victim)!r})")},
        {Touch(os.mkdir, str(victim)): 1},
        Touch(getattr, "text", "upper"),
        {"W": Touch(np.load, str(victim))},
    ):
        path.write_bytes(pickle.dumps(bad, protocol))
        with pytest.raises(ValueError, match=r"nothing in it was run") as caught:
            read_pickle(path)
        assert korean(caught.value)
        assert not victim.exists()


def test_the_name_that_a_file_asks_for_is_said(tmp_path):
    path = tmp_path / "params.pkl"
    path.write_bytes(pickle.dumps({"W": Touch(os.mkdir, "a")}))
    with pytest.raises(ValueError, match=r"it asks for \w+\.mkdir"):
        read_pickle(path)
    with pytest.raises(ValueError, match=r"it asks for \w+\.mkdir"):
        TwoLayerNet(3, 2, 2).load_params(path)


OBJECTS = np.array([None, 1], object)
RECORDS = np.zeros(2, "f4,i4")


@pytest.mark.parametrize(
    "content",
    [
        None,
        [ARRAYS["W1"]],
        {1: ARRAYS["W1"]},
        {"W": [1.0, 2.0]},
        {"W": {"deep": ARRAYS["W1"]}},
        {"W": "text"},
        {"W": OBJECTS},
        {"W": RECORDS},
        {"W": np.array(["a"])},
        {"W": np.array([1j])},
        {"W": np.array(["2020-01-01"], "M8")},
        {"W": np.dtype("f8")},
        {"W": np.ndarray},
        {"W": True},
        {"W": 2**200},
        {f"W{i}": ARRAYS["W1"] for i in range(1000)},  # one array under a thousand names takes more than the file has
    ],
    ids=lambda content: str(content)[:24],
)
def test_what_is_no_dict_of_arrays_of_numbers_is_refused(content, tmp_path):
    path = tmp_path / "params.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match="is no pickle of arrays by name"):
        read_pickle(path)


def test_a_shape_below_0_is_refused(tmp_path):
    path = tmp_path / "params.pkl"
    data = pickle.dumps(ARRAYS, 2)
    assert data.count(b"K\x02K\x03") == 1
    path.write_bytes(data.replace(b"K\x02K\x03", b"J\xff\xff\xff\xffK\x03"))
    with pytest.raises(ValueError, match=r"an array of shape \(-1, 3\)"):
        read_pickle(path)


@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_as_numbers(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("pickles") / "params.pkl"
    whole = bytearray(pickle.dumps(ARRAYS, data.draw(st.sampled_from(PROTOCOLS))))
    if data.draw(st.booleans()):
        whole = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        found = read_pickle(path)
    except ValueError:
        return
    assert all(array.dtype.kind in "fiub" for array in found.values())


def test_every_instruction_of_a_dict_of_arrays_is_known(tmp_path):
    """The standard library lists the instructions: those of such files are read, and others are refused, never skipped."""
    written = {op.name for n in PROTOCOLS for op, _, _ in pickletools.genops(pickle.dumps(ARRAYS, n))}
    assert {"STACK_GLOBAL", "GLOBAL", "REDUCE", "BUILD"} <= written
    path = tmp_path / "params.pkl"
    path.write_bytes(b"\x80\x04}" + b"\x82\x01" + b".")  # EXT1: a registered class
    with pytest.raises(ValueError, match="nothing in it was run"):
        read_pickle(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file") as caught:
        read_pickle(tmp_path / "none.pkl")
    assert korean(caught.value)
