"""DOT becomes a picture, in a file if asked: with the program `dot` where there is one, else with the Graphviz inside
`pygraphviz`.

Both run as a process of their own. So what they print stays off the user's screen, a crash or a layout that never ends
takes nothing with it, Ctrl-C works, and threads need no lock (Graphviz is not made for threads).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tinygrad_ko.drawing.style import DARK, LIGHT
from tinygrad_ko.drawing.svg import readable
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.files import whole_file
from tinygrad_ko.runtime.install import install

_KINDS = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}  # of each kind of picture what its bytes contain
_PATIENCE = 300.0  # seconds
_INSTALL = "apt install graphviz; brew install graphviz; winget install graphviz; conda install graphviz"

_PYGRAPHVIZ = """
import sys
sys.tracebacklimit = 0
import pygraphviz

kind, *told = sys.argv[1:]
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
sys.stdout.buffer.write(graph.draw(format=kind, prog="dot", args=" ".join(told)))
"""


def ways_out() -> str:
    """What to install where no graph can be drawn."""
    return f"install Graphviz ({_INSTALL}), or {install('draw')}"


def renderers(kind: str) -> Iterator[tuple[str, list[str]]]:
    """What can render here, the best first: its name, and the command that reads DOT and writes a picture."""
    if dot := shutil.which("dot"):
        yield "dot", [dot, f"-T{kind}"]
    if sys.executable and find_spec("pygraphviz"):
        yield "pygraphviz", [sys.executable, "-P", "-c", _PYGRAPHVIZ, kind]


def rendered(source: str, kind: str, dots: int = 192) -> bytes:
    """The picture of a graph in DOT, as "svg", "png" or "pdf". Its nodes have labels: only the program `dot` would make them up.
    A PNG has so many dots per inch (192 are sharp on any screen).

    Raises RuntimeError where no Graphviz is found, or where every one that is there fails, with what each said; and
    TimeoutError where the layout takes more than five minutes.
    """
    complaints = []
    for name, command in renderers(kind):
        picture, complaint = render_with([*command, f"-Gdpi={dots}"] if kind == "png" else command, source, kind)
        if not complaint:
            return picture
        complaints.append(f"{name}: {complaint}")
    if not complaints:
        raise explain(
            RuntimeError(f"no Graphviz was found to draw the graph: {ways_out()}"),
            f"그래프를 그릴 Graphviz가 없습니다. Graphviz를 설치하거나({_INSTALL}) 다음 명령을 실행하십시오: {install('draw')}",
        )
    said = "\n".join(complaints)
    raise explain(
        RuntimeError(
            f"Graphviz could not draw the graph as {kind}:\n{said}\nIf its installation is broken, {ways_out()}"
        ),
        f"Graphviz가 그래프를 {kind} 형식으로 그리지 못했습니다:\n{said}\n설치가 잘못되었다면 Graphviz를 다시 설치하거나"
        f"({_INSTALL}) 다음 명령을 실행하십시오: {install('draw')}",
    )


def render_with(command: list[str], source: str, kind: str) -> tuple[bytes, str]:
    """What a command makes of a graph, and what is wrong with that ("" if nothing is). An error that Graphviz prints counts even
    where it goes on: then a label, say, is not in the picture.
    """
    quiet: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows a program would open a console
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=_PATIENCE, check=False, creationflags=quiet
        )
    except subprocess.TimeoutExpired:
        raise explain(
            TimeoutError(f"Graphviz did not finish in {_PATIENCE:.0f} seconds; draw less of the graph at once"),
            f"Graphviz가 {_PATIENCE:.0f}초 안에 그래프를 그리지 못했습니다. 그래프를 더 접거나 일부만 그리십시오.",
        ) from None
    except OSError as error:
        return b"", str(error)
    said = done.stderr.decode("utf-8", errors="replace").strip()
    if done.returncode or re.search(r"^Error", said, re.MULTILINE) or _KINDS[kind] not in done.stdout:
        return b"", f"exit status {done.returncode}\n{said[-1000:]}".strip()
    return done.stdout, ""


def saved(source: str, path: str | os.PathLike[str]) -> Path:
    """Write a graph in DOT to a file of the kind that the ending says, whole or not at all; see `Drawing.save`."""
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in (*_KINDS, "dot", "gv"):
        raise explain(
            ValueError(f"save: {target.name!r} must end in .svg, .png, .pdf, .dot or .gv"),
            f"save: 파일 이름은 .svg, .png, .pdf, .dot, .gv 중 하나로 끝나야 합니다. 받은 값: {target.name!r}",
        )
    with whole_file(target) as file:
        content = rendered(source, kind) if kind in _KINDS else source.encode("utf-8")
        file.write(readable(content.decode("utf-8"), LIGHT, DARK).encode("utf-8") if kind == "svg" else content)
    return target
