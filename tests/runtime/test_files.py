"""A file is written whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_ko.runtime import files
from tinygrad_ko.runtime.files import whole_file

ROOT = Path(__file__).resolve().parents[2]


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_takes_the_place_of_what_was_there(tmp_path):
    path = tmp_path / "그림.svg"
    for content in (b"a long first version", b"second"):
        with whole_file(path) as file:
            file.write(content)
        assert path.read_bytes() == content
    assert listing(tmp_path) == ["그림.svg"]


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()], ids=repr)
def test_what_goes_wrong_while_writing_leaves_the_old_file_and_nothing_else(error, tmp_path):
    def fail(path):
        with whole_file(path) as file:
            file.write(b"half")
            raise error

    path = tmp_path / "picture.svg"
    path.write_bytes(b"old")
    with pytest.raises(type(error)):
        fail(path)
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["picture.svg"]


def test_a_folder_that_is_not_there_is_named_before_anything_is_done(tmp_path):
    done = []

    def work(path):
        with whole_file(path):
            done.append(path)

    with pytest.raises(FileNotFoundError, match=r"no such folder: .*missing\n폴더가"):
        work(tmp_path / "missing" / "a.svg")
    assert done == []


# ---------------------------------------------------------------- what killed processes leave

KILLED = """
import os, signal, sys
from pathlib import Path
from tinygrad_ko.runtime.files import whole_file

with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def writer(path):
    """A process that has begun to write and waits."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == b"writing\n"
    return process


def write(path, content=b"whole"):
    with whole_file(path) as file:
        file.write(content)


def test_the_next_save_removes_what_a_killed_process_has_left_and_nothing_of_a_living_one(tmp_path):
    path = tmp_path / "checkpoint.npz"
    with writer(path) as killed, writer(path) as living:
        assert len(listing(tmp_path)) == 2
        killed.kill()
        killed.wait(60)
        write(path)
        left = listing(tmp_path)
        assert len(left) == 2
        assert left[0].startswith(f".checkpoint.npz.{living.pid}.")
        living.communicate(timeout=60)
    assert listing(tmp_path) == ["checkpoint.npz"]
    assert path.read_bytes() == b"half"  # of the one that lived, which came last


def test_the_number_of_a_process_tells_nothing(tmp_path):
    """It is that of this process, which lives; the file was left by another that had it before, or on another machine."""
    (tmp_path / f".a.npz.{os.getpid()}.1").touch()
    write(tmp_path / "a.npz")
    assert listing(tmp_path) == ["a.npz"]


def test_what_looks_like_a_leftover_of_another_file_stays(tmp_path):
    names = [".a.npz.1", ".a.npz.1.2.3", ".a.npz.x.1", "a.npz.1.2", ".b.npz.1.2", ".aXnpz.1.2", ".a.npz.bak"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ".a.npz.1.2").mkdir()
    write(tmp_path / "a.npz")
    assert listing(tmp_path) == sorted([*names, ".a.npz.1.2", "a.npz"])


def test_a_leftover_that_may_not_be_removed_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / ".a.npz.1.2").touch()

    def refuse(path, *_):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(files, "_remove", refuse)
    write(tmp_path / "a.npz")
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        write(tmp_path / "a.npz", b"again")
    assert listing(tmp_path) == [".a.npz.1.2", "a.npz"]


def test_a_file_that_was_taken_for_a_leftover_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    lock, taken = files._lock, list[str]()

    def slow(file, **options):
        if not taken:
            taken.append(file.name)
            os.unlink(file.name)
        lock(file, **options)

    monkeypatch.setattr(files, "_lock", slow)
    write(tmp_path / "a.npz")
    assert taken
    assert listing(tmp_path) == ["a.npz"]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open cannot be moved there")
def test_a_file_that_is_about_to_take_its_place_is_not_taken_for_a_leftover(tmp_path, monkeypatch):
    """Others save there too. They look for leftovers just before it is moved, and just after, when the next one has its name."""
    path, replace, lock = tmp_path / "w.npz", os.replace, files._lock

    def others_look_first(source, target):
        files._remove_leftovers(path)
        replace(source, target)

    monkeypatch.setattr(os, "replace", others_look_first)
    for text in (b"one", b"two"):
        with whole_file(path) as file:
            file.write(text)
        assert path.read_bytes() == text

    waiting, following = tmp_path / ".w.npz.1.1", tmp_path / "following"
    waiting.touch()
    following.touch()

    def moved_in_between(file, *, wait=True):
        lock(file, wait=wait)
        replace(waiting, path)
        replace(following, waiting)

    monkeypatch.setattr(files, "_lock", moved_in_between)
    files._remove(str(waiting))
    assert waiting.exists()


def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch):
    def none(*_, **__):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(files, "_lock", none)
    (tmp_path / ".a.npz.1.2").touch()
    write(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == b"whole"


# ---------------------------------------------------------------- what cannot be written


@pytest.mark.parametrize("when", ["fsync", "replace"])
def test_a_full_disk_names_the_file(when, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "model.npz"
    write(path, b"old")
    monkeypatch.setattr(os, when, full)
    with pytest.raises(OSError, match=r"No space left on device: '.*model\.npz'") as caught:
        write(path)
    assert caught.value.errno == 28
    assert any("model.npz" in note for note in caught.value.__notes__)
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["model.npz"]


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="needs a folder that may not be written to")
def test_a_folder_that_may_not_be_written_to_names_the_file(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=r"'.*/model\.npz'"):
        write(tmp_path / "model.npz")


def test_an_error_that_is_not_about_the_file_stays_what_it_is(tmp_path):
    def fail(path):
        with whole_file(path):
            raise FileNotFoundError(2, "No such file or directory", "dot")

    with pytest.raises(FileNotFoundError, match="'dot'"):
        fail(tmp_path / "a.svg")
