"""A graph in a file: the ending says what kind, and what goes wrong leaves no half of one."""

from xml.etree import ElementTree

import pytest

from tinygrad_ko.drawing import saving
from tinygrad_ko.drawing.rendering import rendered, renderers
from tinygrad_ko.drawing.saving import saved
from tinygrad_ko.drawing.svg import readable

SOURCE = 'digraph {\n\ta [label="한글" color="#aabbcc"]\n}\n'
LIGHT, DARK = {"line": "#aabbcc"}, {"line": "#ccbbaa"}
needs_graphviz = pytest.mark.skipif(not list(renderers("svg")), reason="needs Graphviz")


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


@needs_graphviz
def test_the_ending_says_what_kind(tmp_path):
    found = {
        ending: saved(SOURCE, tmp_path / f"그림.{ending}", LIGHT, DARK).read_bytes() for ending in ("svg", "PNG", "pdf")
    }
    assert found["PNG"].startswith(b"\x89PNG")
    assert found["pdf"].startswith(b"%PDF")
    assert found["svg"].decode() == readable(rendered(SOURCE, "svg").decode(), LIGHT, DARK)
    assert ElementTree.fromstring(found["svg"]).tag.endswith("svg")
    assert listing(tmp_path) == sorted(["그림.svg", "그림.PNG", "그림.pdf"])


@pytest.mark.parametrize("name", ["graph.dot", "graph.gv", "graph.v2.DOT"])
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_the_source_is_written_as_it_is_without_graphviz(name, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "rendered", None)
    assert saved(SOURCE, kind(tmp_path / name), LIGHT, DARK) == tmp_path / name
    assert (tmp_path / name).read_bytes() == SOURCE.encode()
    assert listing(tmp_path) == [name]


@pytest.mark.parametrize("name", ["graph", "graph.", "graph.gif", ".svg", "svg", "graph.svg.txt"])
def test_another_ending_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf, \.dot or \.gv") as caught:
        saved(SOURCE, tmp_path / name, LIGHT, DARK)
    assert repr(name) in str(caught.value)
    assert repr(name) in caught.value.__notes__[0]
    assert listing(tmp_path) == []


@pytest.mark.parametrize("ending", ["svg", "dot"])
def test_a_folder_that_is_not_there_is_named_before_anything_is_drawn(ending, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "rendered", None)
    with pytest.raises(FileNotFoundError, match=r"no such folder: .*missing\n"):
        saved(SOURCE, tmp_path / "missing" / f"a.{ending}", LIGHT, DARK)


@needs_graphviz
def test_a_graph_that_cannot_be_drawn_leaves_the_old_file(tmp_path):
    path = saved(SOURCE, tmp_path / "a.svg", LIGHT, DARK)
    old = path.read_bytes()
    with pytest.raises(RuntimeError, match="syntax error"):
        saved("digraph {", path, LIGHT, DARK)
    assert path.read_bytes() == old
    assert listing(tmp_path) == ["a.svg"]
