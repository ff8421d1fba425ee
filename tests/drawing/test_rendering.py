"""Both ways to a picture, and what is said and done where one of them fails, hangs or is not there."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tinygrad_ko.drawing import rendering
from tinygrad_ko.drawing.rendering import rendered, renderers, saved
from tinygrad_ko.drawing.style import DARK, LIGHT
from tinygrad_ko.drawing.svg import readable
from tinygrad_ko.runtime.install import install

ROOT = Path(__file__).resolve().parents[2]
SOURCE = (
    'digraph { a [label="사과 🍎"]; b [label=b]; a -> b [lhead=nowhere]; compound=true }'  # which Graphviz warns about
)
MISSING = {"dot": shutil.which("dot") is None, "pygraphviz": find_spec("pygraphviz") is None}
needs_pygraphviz = pytest.mark.skipif(MISSING["pygraphviz"], reason="needs pygraphviz")
needs_scripts = pytest.mark.skipif(os.name == "nt", reason="a program that is a script cannot be started so on Windows")


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def no_pygraphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.fixture(params=["dot", "pygraphviz"])
def way(request):
    """One way to render, and that it is the only one."""
    if MISSING[request.param]:
        pytest.skip(f"needs {request.param}")
    request.getfixturevalue("no_pygraphviz" if request.param == "dot" else "no_dot")
    assert [name for name, _ in renderers("svg")] == [request.param]
    return request.param


@pytest.fixture
def fake_dot(no_dot, tmp_path):
    """Makes a program `dot` of some Python code."""

    def make(code):
        program = tmp_path / "bin" / "dot"
        program.write_text(f"#!{sys.executable}\nimport os, sys, time\nsys.stdin.read()\n{code}\n", encoding="utf-8")
        program.chmod(0o755)

    return make


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def test_a_picture_is_what_it_is_called_and_nothing_is_printed(way, capfd):
    pictures = {kind: rendered(SOURCE, kind) for kind in ("svg", "png", "pdf")}
    assert capfd.readouterr() == ("", "")
    root = ElementTree.fromstring(pictures["svg"])
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == ["사과 🍎", "b"]
    assert pictures["pdf"].startswith(b"%PDF")
    assert pictures["png"].startswith(b"\x89PNG")
    points, dots = float(root.get("width", "").removesuffix("pt")), int.from_bytes(pictures["png"][16:20], "big")
    assert dots == pytest.approx(points * 192 / 72, rel=0.05)  # as sharp as a screen of 192 dots per inch


def test_a_graph_that_cannot_be_read(way, capfd):
    with pytest.raises(
        RuntimeError, match=rf"(?s)could not draw.*{way}: exit status.*syntax error in line 1 near"
    ) as caught:
        rendered("digraph { a -> }", "svg")
    assert korean(caught.value)
    assert install("draw") in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_label_that_would_be_left_out_is_an_error(way):
    with pytest.raises(RuntimeError, match="in label of node a"):
        rendered("digraph { a [label=<<B></B>>] }", "svg")


def test_many_threads_render_at_once(way):
    sources = [f"digraph {{ n{i} }}" for i in range(6)]
    with ThreadPoolExecutor(6) as pool:
        for i, svg in enumerate(pool.map(lambda source: rendered(source, "svg"), sources)):
            assert f">n{i}</text>".encode() in svg


@needs_pygraphviz
def test_files_that_lie_around_are_not_taken_for_modules(no_dot, monkeypatch, tmp_path):
    for name in ("pygraphviz", "re", "subprocess"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert b"<svg" in rendered(SOURCE, "svg")


def test_without_any_graphviz_both_ways_out_are_named(no_dot, no_pygraphviz):
    with pytest.raises(RuntimeError, match="no Graphviz was found") as caught:
        rendered(SOURCE, "svg")
    for text in (str(caught.value), *caught.value.__notes__):
        for way_out in (
            "apt install graphviz",
            "brew install",
            "winget install",
            "conda install",
            install("draw"),
        ):
            assert way_out in text
    assert korean(caught.value)


@needs_scripts
def test_a_dot_that_works_is_preferred(fake_dot):
    fake_dot("print('<svg></svg>')")
    assert rendered(SOURCE, "svg") == b"<svg></svg>\n"


BROKEN = {
    "fails": ("sys.exit('Format: pdf not recognized')", "exit status 1\nFormat: pdf not recognized"),
    "crashes": ("os.kill(os.getpid(), 11)", "exit status -11"),
    "crashes at last": ("print('%PDF', flush=True); os.kill(os.getpid(), 11)", "exit status -11"),
    "gives nothing": ("", "exit status 0"),
    "is another program": ("print('Polka dot 1.0')", "exit status 0"),
    "draws with an error": (
        "print('%PDF'); sys.exit(print('Error: no room', file=sys.stderr))",
        "exit status 0\nError: no room",
    ),
    "says no UTF-8": ("os.write(2, b'\\xff\\xfe bad'); sys.exit(2)", "exit status 2\n�� bad"),
    "says too much": ("sys.exit('x' * 5000)", "exit status 1\n" + "x" * 1000 + "\n"),
}


@needs_scripts
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_dot_is_told_of(how, fake_dot, no_pygraphviz):
    code, said = BROKEN[how]
    fake_dot(code)
    with pytest.raises(RuntimeError, match="Graphviz could not draw the graph as pdf") as caught:
        rendered(SOURCE, "pdf")
    assert f"dot: {said}" in str(caught.value)
    assert korean(caught.value)


@needs_scripts
@needs_pygraphviz
def test_for_a_broken_dot_stands_in_pygraphviz(fake_dot):
    fake_dot("sys.exit('broken')")
    assert b"<svg" in rendered(SOURCE, "svg")


@needs_scripts
def test_a_dot_that_does_not_start_is_told_of(no_dot, no_pygraphviz, tmp_path):
    program = tmp_path / "bin" / "dot"
    program.write_bytes(b"\x7fELF of another machine")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match=r"dot: .*(format|Errno)"):
        rendered(SOURCE, "svg")


@needs_scripts
def test_a_dot_that_hangs_is_given_up(fake_dot, monkeypatch, tmp_path):
    fake_dot(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(9); print('<svg>')")
    monkeypatch.setattr(rendering, "_PATIENCE", 1.0)
    with pytest.raises(TimeoutError, match="did not finish in 1 seconds") as caught:
        rendered(SOURCE, "svg")
    assert korean(caught.value)
    if (tmp_path / "pid").exists():  # on a slow machine it may not have come so far
        assert not running(int((tmp_path / "pid").read_text()))


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@needs_scripts
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stops_both(fake_dot, tmp_path):
    fake_dot(f"open({str(tmp_path / 'half')!r}, 'w').write(str(os.getpid()))\n"
             f"os.rename({str(tmp_path / 'half')!r}, {str(tmp_path / 'pid')!r})\ntime.sleep(600)")  # fmt: skip
    code = f"from tinygrad_ko.drawing.rendering import rendered; rendered({SOURCE!r}, 'svg')"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "pid").exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert not running(int((tmp_path / "pid").read_text()))


# ------------------------------------------------------------------ in a file: the ending says what kind, and no half of one is left

COLOURED = f'digraph {{\n\ta [label="한글" color="{LIGHT["line"]}"]\n}}\n'
needs_graphviz = pytest.mark.skipif(not list(renderers("svg")), reason="needs Graphviz")


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


@needs_graphviz
def test_the_ending_says_what_kind(tmp_path):
    found = {ending: saved(COLOURED, tmp_path / f"그림.{ending}").read_bytes() for ending in ("svg", "PNG", "pdf")}
    assert found["PNG"].startswith(b"\x89PNG")
    assert found["pdf"].startswith(b"%PDF")
    assert found["svg"].decode() == readable(rendered(COLOURED, "svg").decode(), LIGHT, DARK)
    assert ElementTree.fromstring(found["svg"]).tag.endswith("svg")
    assert listing(tmp_path) == sorted(["그림.svg", "그림.PNG", "그림.pdf"])


@pytest.mark.parametrize("name", ["graph.dot", "graph.gv", "graph.v2.DOT"])
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_the_source_is_written_as_it_is_without_graphviz(name, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "rendered", None)
    assert saved(COLOURED, kind(tmp_path / name)) == tmp_path / name
    assert (tmp_path / name).read_bytes() == COLOURED.encode()
    assert listing(tmp_path) == [name]


@pytest.mark.parametrize("name", ["graph", "graph.", "graph.gif", ".svg", "svg", "graph.svg.txt"])
def test_another_ending_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf, \.dot or \.gv") as caught:
        saved(COLOURED, tmp_path / name)
    assert repr(name) in str(caught.value)
    assert repr(name) in caught.value.__notes__[0]
    assert listing(tmp_path) == []


@pytest.mark.parametrize("ending", ["svg", "dot"])
def test_a_folder_that_is_not_there_is_named_before_anything_is_drawn(ending, tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "rendered", None)
    with pytest.raises(FileNotFoundError, match=r"no such folder: .*missing\n"):
        saved(COLOURED, tmp_path / "missing" / f"a.{ending}")


@needs_graphviz
def test_a_graph_that_cannot_be_drawn_leaves_the_old_file(tmp_path):
    path = saved(COLOURED, tmp_path / "a.svg")
    old = path.read_bytes()
    with pytest.raises(RuntimeError, match="syntax error"):
        saved("digraph {", path)
    assert path.read_bytes() == old
    assert listing(tmp_path) == ["a.svg"]
