"""Saving and loading: whole or not at all, whatever happens to the file or to the process."""

import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_ko.nn import TwoLayerNet
from tinygrad_ko.nn.serialization import load_arrays, save_arrays

ROOT = Path(__file__).resolve().parents[2]
ARRAYS: dict[str, Any] = {"W": np.arange(6.0).reshape(2, 3), "b": np.array([1.5, -2.5], np.float32)}
SHAPES = {"W": (2, 3), "b": (2,)}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/\\:"), min_size=1, max_size=8)
DTYPES = st.sampled_from(["<f8", "<f4", "<f2", "<i8", "|u1"])


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def same(found, expected):
    return list(found) == list(expected) and all(
        (found[n].dtype, found[n].shape, found[n].tobytes()) == (a.dtype, a.shape, a.tobytes())
        for n, a in expected.items()
    )


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- there and back


@given(
    arrays=st.dictionaries(
        NAMES, hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)), max_size=4
    )
)
def test_what_is_saved_is_loaded_bit_for_bit(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("storage")
    path = save_arrays(folder / "model", arrays)
    assert same(load_arrays(path), arrays)
    assert same(load_arrays(path, {name: a.shape for name, a in arrays.items()}), arrays)
    assert listing(folder) == ["model.npz"]


@pytest.mark.parametrize(
    "name", ["file", "allow_pickle", "args", "kwds", "arr_0", "layers.0.W", "a/b", "가중치", "W.npy", " ", ""]
)
def test_any_name_will_do(name, tmp_path):
    assert same(load_arrays(save_arrays(tmp_path / "model", {name: np.ones(2)})), {name: np.ones(2)})


def test_only_the_arrays_are_in_the_file(tmp_path):
    """Whatever version of NumPy wrote it."""
    with np.load(save_arrays(tmp_path / "model", ARRAYS), allow_pickle=False) as file:
        assert sorted(file.files) == ["W", "b"]


def test_views_fortran_and_big_endian_arrays(tmp_path):
    arrays = {"T": ARRAYS["W"].T, "gaps": np.arange(10.0)[::3], "big": np.array([1.0, 2.0], ">f8")}
    found = load_arrays(save_arrays(tmp_path / "model", arrays))
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("model", "model.npz"),
        ("model.npz", "model.npz"),
        ("model.v2", "model.v2.npz"),
        ("model.npy", "model.npy.npz"),
        ("모델", "모델.npz"),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_the_ending_is_added_where_it_is_missing(given, written, kind, tmp_path):
    path = kind(tmp_path / given)
    assert save_arrays(path, ARRAYS) == tmp_path / written
    assert listing(tmp_path) == [written]
    assert same(load_arrays(path), ARRAYS)


def test_what_was_saved_under_a_name_is_loaded_under_it_whatever_lies_beside(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes").write_text("a file without an ending", encoding="utf-8")
    for name in ("folder", "notes"):
        save_arrays(tmp_path / name, ARRAYS)
        assert same(load_arrays(tmp_path / name), ARRAYS)


def test_saving_replaces_what_was_there(tmp_path):
    save_arrays(tmp_path / "model", {"old": np.zeros(1000)})
    assert same(load_arrays(save_arrays(tmp_path / "model", ARRAYS)), ARRAYS)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits to keep")
def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    """Not those of a temporary file, which nobody else may read."""
    (tmp_path / "any").touch()
    expected = stat.S_IMODE((tmp_path / "any").stat().st_mode)
    assert stat.S_IMODE(save_arrays(tmp_path / "model", ARRAYS).stat().st_mode) == expected


# ---------------------------------------------------------------- what cannot be saved


@pytest.mark.parametrize("bad", [np.array([object()]), np.array([{}, None])], ids=["object", "dict"])
def test_objects_are_refused_and_the_old_file_stays(bad, tmp_path):
    path = save_arrays(tmp_path / "model", ARRAYS)
    with pytest.raises((ValueError, TypeError)):
        save_arrays(path, {"W": bad})
    assert same(load_arrays(path), ARRAYS)
    assert listing(tmp_path) == ["model.npz"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing") as caught:
        save_arrays(tmp_path / "missing" / "model", ARRAYS)
    assert korean(caught.value)
    assert ".model" not in str(caught.value)  # the folder is the trouble, not some temporary file


# ---------------------------------------------------------------- what cannot be loaded


@pytest.mark.parametrize("name", ["model", "model.npz", "no/model"])
def test_a_missing_file_is_named(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.npz") as caught:
        load_arrays(tmp_path / name)
    assert korean(caught.value)


def refused(path, shapes=SHAPES):
    with pytest.raises(ValueError, match=r"not a whole|does not fit") as caught:
        load_arrays(path, shapes)
    assert korean(caught.value)
    assert path.name in str(caught.value)


@pytest.mark.parametrize(("name", "array", "reason", "in_korean"), [
    ("W", np.zeros((3, 2)), "W has shape (3, 2), not (2, 3)", "W의 형상 (3, 2), 필요한 형상 (2, 3)"),
    ("W", np.zeros(6), "W has shape (6,), not (2, 3)", "W의 형상 (6,), 필요한 형상 (2, 3)"),
    ("W", np.zeros((2, 3), complex), "W holds complex128", "W의 자료형 complex128, 실수가 아님"),
    ("W", np.zeros((2, 3), "U1"), "W holds <U1", "W의 자료형 <U1, 실수가 아님"),
    ("w", np.zeros((2, 3)), "w is unknown", "알 수 없는 이름 w"),
])  # fmt: skip
def test_what_does_not_fit_is_named(name, array, reason, in_korean, tmp_path):
    np.savez(tmp_path / "model.npz", **{**ARRAYS, name: array})
    with pytest.raises(ValueError, match="does not fit") as caught:
        load_arrays(tmp_path / "model.npz", SHAPES)
    assert reason in str(caught.value)
    assert in_korean in caught.value.__notes__[0]


def test_a_missing_name_is_named(tmp_path):
    np.savez(tmp_path / "model.npz", W=ARRAYS["W"])
    with pytest.raises(ValueError, match="b is missing") as caught:
        load_arrays(tmp_path / "model.npz", SHAPES)
    assert caught.value.__notes__[0].endswith(": b 없음")


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    whole = save_arrays(tmp_path / "whole", ARRAYS).read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refused(path)


@pytest.mark.parametrize("compressed", [False, True], ids=["as saved", "compressed"])
def test_a_file_damaged_anywhere_is_refused_or_unharmed(compressed, tmp_path):
    """Every byte spoiled in three ways: either ValueError, or (in a date, say) the same arrays."""
    path = save_arrays(tmp_path / "model", ARRAYS)
    if compressed:
        np.savez_compressed(path, **ARRAYS)
    whole = path.read_bytes()
    outcomes = set()
    for i in range(len(whole)):
        for flipped in (0x01, 0x80, 0xFF):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ flipped]) + whole[i + 1 :])
            try:
                found = load_arrays(path, SHAPES)
            except ValueError:
                outcomes.add("refused")
            else:
                assert all(np.array_equal(found[name], array) for name, array in ARRAYS.items()), i
                outcomes.add("unharmed")
    assert outcomes == {"refused", "unharmed"}


@given(
    content=st.binary(max_size=200),
    head=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY", b"\x80\x04"]),
)
def test_foreign_bytes_are_refused(content, head, tmp_path_factory):
    path = tmp_path_factory.mktemp("foreign") / "model.npz"
    path.write_bytes(head + content)
    refused(path)


class Trap:
    """Something whose unpickling would be noticed."""

    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


def foreign_files(folder):
    """Files that learners do have, by what they are."""
    (folder / "empty").touch()
    (folder / "text").write_text("W = 1", encoding="utf-8")
    (folder / "pickle").write_bytes(pickle.dumps({"W": Trap()}))
    np.save(folder / "array", ARRAYS["W"])
    os.replace(folder / "array.npy", folder / "array")
    with zipfile.ZipFile(folder / "zip", "w") as file:
        file.writestr("W", "not an array")
        file.writestr("b", "neither")
    with zipfile.ZipFile(folder / "zip of text", "w") as file:
        file.writestr("W.npy", "not an array")
        file.writestr("b.npy", "neither")
    with zipfile.ZipFile(folder / "zip of pickle", "w") as file:
        file.writestr("W.npy", pickle.dumps(Trap()))
        file.writestr("b.npy", pickle.dumps(Trap()))
    with (folder / "npz of objects").open("wb") as file:
        np.savez(file, W=np.array([Trap()], dtype=object), b=ARRAYS["b"])
    return sorted(folder.iterdir())


def test_foreign_files_are_refused_and_never_unpickled(tmp_path, monkeypatch):
    trap = tmp_path / "sprung"
    monkeypatch.setenv("TRAP", str(trap))
    (tmp_path / "files").mkdir()
    wrong = {}
    for path in foreign_files(tmp_path / "files"):
        try:
            refused(path)
        except BaseException as error:
            wrong[path.name] = repr(error)
    assert not trap.exists()
    assert wrong == {}


def test_foreign_files_are_refused_without_shapes_too(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    (tmp_path / "files").mkdir()
    wrong = {}
    for path in foreign_files(tmp_path / "files"):
        try:
            refused(path, None)
        except BaseException as error:
            wrong[path.name] = repr(error)
    assert not (tmp_path / "sprung").exists()
    assert wrong == {}


CLAIM = 8 * 2**20  # bytes of zeros, which a few kB of a compressed file unpack to


@contextmanager
def little_memory():
    """Inside the block nothing near the size of the claims is unpacked."""
    tracemalloc.start()
    yield
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < CLAIM / 8


@pytest.mark.parametrize("shapes", [SHAPES, None], ids=["for a model", "for anybody"])
def test_a_small_file_that_claims_much_is_refused_before_it_is_unpacked(shapes, tmp_path):
    np.savez_compressed(tmp_path / "model.npz", **{**ARRAYS, "W": np.zeros(CLAIM // 8)})
    assert (tmp_path / "model.npz").stat().st_size < CLAIM / 100
    with little_memory():
        refused(tmp_path / "model.npz", shapes)


@pytest.mark.parametrize("shapes", [SHAPES, None], ids=["for a model", "for anybody"])
def test_a_header_that_claims_to_be_long_is_not_read(shapes, tmp_path):
    header = b"\x93NUMPY\x02\x00" + struct.pack("<I", CLAIM) + b" " * CLAIM
    with zipfile.ZipFile(tmp_path / "model.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("W.npy", header)
        file.writestr("b.npy", header)
    del header
    with little_memory():
        refused(tmp_path / "model.npz", shapes)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_name_that_is_there_twice_is_refused(tmp_path):
    save_arrays(tmp_path / "model", ARRAYS)
    with zipfile.ZipFile(tmp_path / "model.npz", "a") as file:
        file.writestr("W.npy", file.read("W.npy"))
    refused(tmp_path / "model.npz")


def test_a_compressed_file_of_the_right_shapes_is_loaded(tmp_path):
    np.savez_compressed(tmp_path / "model.npz", **ARRAYS)
    assert same(load_arrays(tmp_path / "model.npz", SHAPES), ARRAYS)


def test_a_refused_file_changes_nothing_in_a_network(tmp_path):
    net = TwoLayerNet(2, 2, 2, rng=0)
    params, kept = net.params, {name: p.copy() for name, p in net.params.items()}
    whole = TwoLayerNet(2, 2, 2, rng=1).save(tmp_path / "net").read_bytes()
    for content in (whole[: len(whole) // 2], b"", whole[:-1], whole.replace(b"W1", b"V1")):
        (tmp_path / "net.npz").write_bytes(content)
        with pytest.raises(ValueError, match=r"not a whole|does not fit"):
            net.load(tmp_path / "net")
        assert net.params is params
        for name, p in kept.items():
            np.testing.assert_array_equal(net.params[name], p)


# ---------------------------------------------------------------- interrupted


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()], ids=repr
)
@pytest.mark.parametrize("before", [True, False], ids=["over an old file", "where none was"])
@pytest.mark.parametrize("when", ["writing", "syncing", "replacing"])
def test_what_goes_wrong_while_saving_loses_nothing_and_leaves_nothing(when, before, error, tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    if before:
        save_arrays(path, ARRAYS)
    old = path.read_bytes() if before else None

    def fails(*args, **options):
        raise error

    def breaks_off(file):
        if file.fp is not None:
            file.fp = None  # the arrays are written, the directory behind them is not
            raise error

    if when == "writing":
        monkeypatch.setattr(zipfile.ZipFile, "close", breaks_off)
    else:
        monkeypatch.setattr(os, {"syncing": "fsync", "replacing": "replace"}[when], fails)
    with pytest.raises(type(error)):
        save_arrays(path, {"W": np.ones((50, 50)), "b": np.zeros(2)})
    monkeypatch.undo()
    assert listing(tmp_path) == (["model.npz"] if before else [])
    if before:
        assert path.read_bytes() == old


KILLED_WHILE_WRITING = """
import os, signal, sys, zipfile
import numpy as np
from tinygrad_ko.nn.serialization import save_arrays

write = zipfile._ZipWriteFile.write
def write_half_and_die(self, data):
    write(self, bytes(data)[: len(bytes(data)) // 2])
    self._fileobj.flush()
    os.kill(os.getpid(), signal.SIGKILL)
zipfile._ZipWriteFile.write = write_half_and_die
save_arrays(sys.argv[1], {"W": np.ones((200, 200)), "b": np.zeros(2)})
"""

KILLED_AT_ANY_TIME = """
import sys
import numpy as np
from tinygrad_ko.nn.serialization import save_arrays

print("ready", flush=True)
for n in range(10**9):
    save_arrays(sys.argv[1], {"W": np.full((2, 3), n, float), "b": np.full(2, n, np.float32)})
"""

needs_sigkill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")


def start(code, path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, cwd=ROOT, env=environment)


@needs_sigkill
def test_killed_in_the_middle_of_writing_the_old_file_is_still_there(tmp_path):
    path = save_arrays(tmp_path / "model", ARRAYS)
    with start(KILLED_WHILE_WRITING, path) as process:
        assert process.wait(60) == -signal.SIGKILL
    assert same(load_arrays(path, SHAPES), ARRAYS)


@needs_sigkill
@pytest.mark.parametrize("delay", [0.0, 0.01, 0.03])
def test_killed_at_any_time_the_file_is_whole(delay, tmp_path):
    path = save_arrays(tmp_path / "model", ARRAYS)
    with start(KILLED_AT_ANY_TIME, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        process.kill()
        process.wait(60)
    found = load_arrays(path, SHAPES)
    assert (
        same(found, ARRAYS) or (found["W"] == found["b"][0]).all()
    )  # the old one or one of the new ones, not a mixture
