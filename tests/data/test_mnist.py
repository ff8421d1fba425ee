import gzip
import hashlib
import http.server
import os
import re
import struct
import sys
import threading
from contextlib import contextmanager
from functools import partial

import numpy as np
import pooch
import pytest

from tinygrad_ko.data import load_mnist, mnist
from tinygrad_ko.runtime.install import install

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = list(mnist.FILES)
REAL = os.environ.get("TINYGRAD_KO_DATA")


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def make_set(mark=0, train=4, test=3, size=(2, 3)):
    """Four arrays under the names of the files; `mark` is the first label, to tell sets apart."""
    rng = np.random.default_rng(mark)
    arrays = {}
    for part, n in (("train", train), ("t10k", test)):
        arrays[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (n, *size), np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = rng.integers(0, 10, n, np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"][0] = mark
    return arrays


def write(folder, arrays, packed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        content = idx_bytes(array)
        (folder / (name + ".gz" * packed)).write_bytes(
            gzip.compress(content, mtime=0) if packed else content
        )  # no clock


def mark_of(loaded):
    (_, t_train), (_, t_test) = loaded
    assert t_train[0] == t_test[0]
    return t_train[0]


def no_network(*args, **kwargs):
    raise AssertionError("this test must not download")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A place of its own for each test: no variable set, an empty cache, no network."""
    monkeypatch.delenv("TINYGRAD_KO_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(pooch, "retrieve", no_network)
    return tmp_path / "cache" / "tinygrad_ko" / "mnist"


# Reading


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("one_hot_label", [False, True])
@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_the_switches(tmp_path, normalize, flatten, one_hot_label, packed):
    arrays = make_set()
    write(tmp_path, arrays, packed)
    loaded = load_mnist(normalize, flatten, one_hot_label, folder=tmp_path)
    for (x, t), part in zip(loaded, ("train", "t10k"), strict=True):
        images, labels = arrays[f"{part}-images-idx3-ubyte"], arrays[f"{part}-labels-idx1-ubyte"]
        assert x.shape == ((len(images), 6) if flatten else (len(images), 1, 2, 3))
        expected = images.astype(np.float32) / 255 if normalize else images
        assert x.dtype == expected.dtype
        np.testing.assert_array_equal(x.reshape(images.shape), expected)
        assert t.dtype == (np.float32 if one_hot_label else np.int64)
        np.testing.assert_array_equal(t, np.eye(10)[labels] if one_hot_label else labels)
        assert t.shape == ((len(images), 10) if one_hot_label else (len(images),))
        x[...] = 0  # writable
        t[...] = 0


def test_each_file_may_be_packed_or_not_and_the_content_decides(tmp_path):
    arrays = make_set(5)
    write(tmp_path, dict(list(arrays.items())[:2]), packed=True)
    write(tmp_path, dict(list(arrays.items())[2:]), packed=False)
    (tmp_path / (TRAIN_LABELS + ".gz")).write_bytes(idx_bytes(arrays[TRAIN_LABELS]))  # unpacked by a browser
    assert mark_of(load_mnist(folder=tmp_path)) == 5


def test_a_packed_file_is_preferred(tmp_path):
    write(tmp_path, make_set(1), packed=False)
    write(tmp_path, make_set(2), packed=True)
    assert mark_of(load_mnist(folder=tmp_path)) == 2


def test_the_header_decides_how_many_and_how_large(tmp_path):
    write(tmp_path, make_set(train=7, test=1, size=(5, 4)))
    (x_train, _), (x_test, _) = load_mnist(flatten=False, folder=tmp_path)
    assert (x_train.shape, x_test.shape) == ((7, 1, 5, 4), (1, 1, 5, 4))


def refused(folder, *words):
    with pytest.raises(ValueError, match=re.escape(str(folder))) as caught:
        load_mnist(folder=folder)
    assert [word for word in words if word not in str(caught.value)] == []
    (note,) = caught.value.__notes__
    numbers = re.findall(r"(?<![\w-])\d+", str(caught.value).replace(str(folder), ""))
    assert str(folder) in note
    assert [number for number in numbers if number not in note] == []  # the Korean note says as much


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("packed", [True, False])
def test_a_damaged_file_is_named(tmp_path, name, packed):
    write(tmp_path, make_set(), packed)
    path = tmp_path / (name + ".gz" * packed)
    whole = path.read_bytes()
    for content in whole[:-1], whole + b"\1", b"", b"<!DOCTYPE html>":
        path.write_bytes(content)
        refused(tmp_path, str(path))


@pytest.mark.parametrize(("images", "labels"), [(TRAIN_IMAGES, TRAIN_LABELS), (TEST_IMAGES, TEST_LABELS)])
def test_images_and_labels_that_differ_in_number_are_refused(tmp_path, images, labels):
    arrays = make_set()
    n = len(arrays[labels])
    write(tmp_path, arrays | {labels: arrays[labels][:-1]})
    refused(tmp_path, f"{images}.gz holds {n} images but", f"{labels}.gz holds {n - 1} labels")


@pytest.mark.parametrize("labels", [TRAIN_LABELS, TEST_LABELS])
@pytest.mark.parametrize("label", [10, 255])
def test_labels_above_nine_are_refused(tmp_path, labels, label):
    arrays = make_set()
    arrays[labels][1:] = label
    write(tmp_path, arrays)
    refused(tmp_path, f"{labels}.gz holds the label {label} at position 1;")


def test_images_and_labels_swapped_are_refused(tmp_path):
    arrays = make_set()
    write(tmp_path, arrays | {TEST_IMAGES: arrays[TEST_LABELS], TEST_LABELS: arrays[TEST_IMAGES]})
    refused(tmp_path, f"{TEST_IMAGES}.gz is not an IDX file of unsigned bytes with 3 axes")


def test_parts_with_images_of_different_size_are_refused(tmp_path):
    small, large = make_set(size=(2, 3)), make_set(size=(3, 2))
    write(tmp_path, small | {TEST_IMAGES: large[TEST_IMAGES]})
    refused(tmp_path, "training images are 2x3 but test images are 3x2")


# The order of places


def test_the_order_of_places(tmp_path, monkeypatch, cache):
    """Folder, its mnist, the variable's folder, its mnist, the cache: each hides those after it."""
    named, variable = tmp_path / "named", tmp_path / "variable"
    monkeypatch.setenv("TINYGRAD_KO_DATA", str(variable))
    write(cache, make_set(5))
    assert mark_of(load_mnist()) == 5
    write(variable / "mnist", make_set(4))
    assert mark_of(load_mnist()) == 4
    write(variable, make_set(3))
    assert mark_of(load_mnist()) == 3
    write(named / "mnist", make_set(2))
    assert mark_of(load_mnist(folder=named)) == 2
    write(named, make_set(1))
    assert mark_of(load_mnist(folder=str(named))) == 1
    assert mark_of(load_mnist()) == 3


def test_an_empty_variable_is_no_variable(tmp_path, monkeypatch, cache):
    write(tmp_path / "here", make_set(1))
    write(cache, make_set(2))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TINYGRAD_KO_DATA", "")
    assert mark_of(load_mnist()) == 2
    assert mark_of(load_mnist(folder="")) == 1  # a folder that is given is meant


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write(tmp_path / "a", make_set(1))
    write(tmp_path / "b" / "mnist", make_set(2))
    monkeypatch.setenv("TINYGRAD_KO_DATA", "~/b")
    assert mark_of(load_mnist(folder="~/a")) == 1
    assert mark_of(load_mnist()) == 2


def test_a_given_folder_without_files_is_an_error_not_a_detour(tmp_path, monkeypatch, cache):
    write(cache, make_set())
    write(tmp_path / "variable", make_set())
    monkeypatch.setenv("TINYGRAD_KO_DATA", str(tmp_path / "variable"))
    for folder in tmp_path / "nowhere", tmp_path:
        with pytest.raises(FileNotFoundError, match="no MNIST file is in") as caught:
            load_mnist(folder=folder)
        assert all(word in str(caught.value) for word in [str(folder), *NAMES])
        assert "folder" in caught.value.__notes__[0]


@pytest.mark.parametrize("missing", NAMES)
def test_a_part_of_the_files_is_never_completed_from_elsewhere(tmp_path, monkeypatch, cache, missing):
    arrays = make_set()
    some = {name: array for name, array in arrays.items() if name != missing}
    write(tmp_path, some)
    write(tmp_path / "mnist", arrays)
    write(cache, arrays)
    monkeypatch.setenv("TINYGRAD_KO_DATA", str(tmp_path))
    for load in (partial(load_mnist, folder=tmp_path), load_mnist):
        with pytest.raises(FileNotFoundError, match="only part of MNIST") as caught:
            load()
        assert str(tmp_path) in str(caught.value)
        assert [name for name in NAMES if name in str(caught.value)] == [missing]


def test_without_download_the_message_says_what_to_put_where(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("TINYGRAD_KO_DATA", str(tmp_path / "variable"))
    with pytest.raises(FileNotFoundError, match="MNIST was not found in") as caught:
        load_mnist(download=False)
    expected = [
        *NAMES,
        str(tmp_path / "variable"),
        str(cache),
        "folder=",
        "TINYGRAD_KO_DATA",
        "download=True",
    ]
    assert [word for word in expected if word not in str(caught.value)] == []
    assert "TINYGRAD_KO_DATA" in caught.value.__notes__[0]


def test_without_download_a_part_in_the_cache_stays_a_part(cache):
    arrays = make_set()
    del arrays[TEST_LABELS]
    write(cache, arrays)
    with pytest.raises(FileNotFoundError, match=f"only part of MNIST: {TEST_LABELS}"):
        load_mnist(download=False)


# Downloading


@contextmanager
def serving(folder):
    """A web server for the files of a folder: its address, and the paths that were asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


REAL_RETRIEVE = pooch.retrieve  # as it was when this file was imported, before the fixture above


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A set that stands for the published one: its checksums are the known ones; pooch may download."""
    folder = tmp_path / "published"
    write(folder, make_set(9))
    sums = {name: hashlib.md5((folder / f"{name}.gz").read_bytes()).hexdigest() for name in NAMES}
    monkeypatch.setattr(mnist, "FILES", sums)
    monkeypatch.setattr(pooch, "retrieve", REAL_RETRIEVE)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


def test_a_download_fills_the_cache_once(monkeypatch, cache, published):
    with serving(published) as (address, asked):
        monkeypatch.setattr(mnist, "MIRRORS", (address,))
        assert mark_of(load_mnist()) == 9
        assert mark_of(load_mnist()) == 9
    assert asked == [f"/{name}.gz" for name in NAMES]
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    assert mark_of(load_mnist()) == 9  # the server is gone


def test_the_next_mirror_takes_over(tmp_path, monkeypatch, cache, published):
    wrong = tmp_path / "wrong"
    write(wrong, make_set(9) | {TRAIN_LABELS: make_set(8)[TRAIN_LABELS]})  # a good file, then one with a wrong checksum
    (tmp_path / "empty").mkdir()
    with (
        serving(tmp_path / "empty") as (empty, _),
        serving(wrong) as (bad, _),
        serving(published) as (good, asked),
    ):
        monkeypatch.setattr(mnist, "MIRRORS", (empty, bad, good))
        assert mark_of(load_mnist()) == 9
    assert asked == [f"/{name}.gz" for name in NAMES[1:]]  # what has come is not fetched again


def test_a_download_that_broke_off_goes_on(monkeypatch, cache, published):
    cache.mkdir(parents=True)
    (cache / f"{TEST_IMAGES}.gz").write_bytes((published / f"{TEST_IMAGES}.gz").read_bytes())
    with serving(published) as (address, asked):
        monkeypatch.setattr(mnist, "MIRRORS", (address,))
        assert mark_of(load_mnist()) == 9
    assert asked == [f"/{name}.gz" for name in NAMES if name != TEST_IMAGES]


@pytest.mark.parametrize("packed", [True, False])
def test_a_foreign_file_in_the_cache_is_neither_mixed_nor_overwritten(cache, published, monkeypatch, packed):
    monkeypatch.setattr(pooch, "retrieve", no_network)
    write(cache, {TEST_LABELS: make_set(1)[TEST_LABELS]}, packed)
    path = cache / (TEST_LABELS + ".gz" * packed)
    before = path.read_bytes()
    with pytest.raises(FileNotFoundError, match=rf"{path.name} is not the published file: move it away"):
        load_mnist()
    assert [path] == list(cache.iterdir())
    assert path.read_bytes() == before


def test_a_complete_foreign_set_in_the_cache_is_read(cache):
    write(cache, make_set(7))
    assert mark_of(load_mnist()) == 7


def test_when_every_mirror_fails_one_message_says_what_to_put_where(tmp_path, monkeypatch, cache, published):
    (tmp_path / "empty").mkdir()
    with serving(tmp_path / "empty") as (empty, _):
        gone = empty
    monkeypatch.setattr(mnist, "MIRRORS", (gone, gone + "second/"))  # nobody listens there any more
    with pytest.raises(FileNotFoundError, match="MNIST could not be downloaded") as caught:
        load_mnist()
    words = [*NAMES, str(cache), "TINYGRAD_KO_DATA", gone, gone + "second/"]
    assert [word for word in words if word not in str(caught.value)] == []
    assert "TINYGRAD_KO_DATA" in caught.value.__notes__[0]


def test_what_pooch_is_asked_for(monkeypatch, cache):
    calls = []

    def retrieve(url, **options):
        calls.append((url, options))
        raise OSError("no network")

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(FileNotFoundError, match="no network"):
        load_mnist()
    assert [url for url, _ in calls] == [mirror + "train-images-idx3-ubyte.gz" for mirror in mnist.MIRRORS]
    assert calls[0][1] == {
        "known_hash": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "fname": "train-images-idx3-ubyte.gz",
        "path": cache,
        "progressbar": True,
    }


def test_without_tqdm_there_is_no_bar(monkeypatch, cache):
    asked = []
    monkeypatch.setattr(mnist, "find_spec", lambda name: asked.append(name))
    monkeypatch.setattr(pooch, "retrieve", lambda url, progressbar, **options: asked.append(progressbar))
    mnist._download(cache)
    assert asked == ["tqdm", False] * 4


def test_without_pooch_files_are_read_and_a_download_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    write(tmp_path, make_set(1))
    assert mark_of(load_mnist(folder=tmp_path)) == 1
    with pytest.raises(ModuleNotFoundError, match=re.escape(install("mnist"))) as caught:
        load_mnist()
    assert all(name in str(caught.value) for name in NAMES)
    assert install("mnist") in caught.value.__notes__[0]
    with pytest.raises(FileNotFoundError, match=r"MNIST was not found\. Put the four files"):
        load_mnist(download=False)


# The real files


@pytest.mark.skipif(not REAL, reason="the environment variable TINYGRAD_KO_DATA names no folder with MNIST")
def test_the_real_files(monkeypatch):
    assert REAL
    monkeypatch.setenv("TINYGRAD_KO_DATA", REAL)
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=False, download=False)
    assert len(x_train) == len(t_train) in (10_000, 60_000)  # the header decides: a part of the set, or all of it
    assert x_test.shape == (10_000, 784)
    # how often each digit is in the published test set
    assert np.bincount(t_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert t_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    for x, t in ((x_train, t_train), (x_test, t_test)):
        assert (x.dtype.name, x.min(), x.max(), t.dtype.name) == ("uint8", 0, 255, "int64")
        assert set(t.tolist()) == set(range(10))
    for (x, t), plain in zip(load_mnist(one_hot_label=True), ((x_train, t_train), (x_test, t_test)), strict=True):
        assert (x.dtype.name, x.min(), x.max()) == ("float32", 0, 1)
        np.testing.assert_array_equal(x[::100], plain[0][::100].astype(np.float32) / 255)
        np.testing.assert_array_equal(t.argmax(axis=1), plain[1])
