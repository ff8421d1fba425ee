"""A file is written whole or not at all."""

import pytest

from tinygrad_ko.files import whole_file


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
