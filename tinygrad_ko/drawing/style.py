"""How a picture looks: what of it is shown, which way it runs, its colours and letters."""

from collections.abc import Collection
from dataclasses import dataclass

from tinygrad_ko.check.reports.report import Blame
from tinygrad_ko.drawing.escape import escaped
from tinygrad_ko.engine.graph import Node

FONT = "Helvetica,Arial,sans-serif"
NAME = 40  # characters of a name
# Pale fills and dark lines that stay apart for every kind of colour vision and in print, after the set of Okabe and Ito ("Color
# universal design", 2008): on a light page and on a dark one.
_COLOURS = {
    "page": ("#ffffff", "#16191f"),
    "ink": ("#1f2430", "#e8eaee"),
    "faint": ("#5c6470", "#a3abb8"),
    "line": ("#7a828e", "#8a93a1"),
    "value": ("#00598f", "#7cc4f5"),
    "gradient": ("#a8430a", "#ffa56b"),
    "op": ("#e9f1fa", "#1f3247"),
    "op edge": ("#4a7fb0", "#6aa5db"),
    "leaf": ("#ffe8c2", "#4a3711"),
    "leaf edge": ("#b07000", "#e0a840"),
    "input": ("#d9f0e5", "#123d31"),
    "input edge": ("#00795c", "#3fc29d"),
    "constant": ("#f1f2f4", "#2a2f37"),
    "constant edge": ("#8b929c", "#79818d"),
    "result": ("#f5e1ee", "#472238"),
    "result edge": ("#a04080", "#d883b8"),
    "closed": ("#d6e4f2", "#2a4460"),
    "wrong": ("#b3261e", "#ff8a80"),
    "group": ("#f8fafc", "#1c2027"),
    "group edge": ("#b9c1cb", "#454d59"),
}
LIGHT = {name: light for name, (light, _) in _COLOURS.items()}
DARK = {name: dark for name, (_, dark) in _COLOURS.items()}

Line = tuple[str, str, int]  # of a label: a text, the name of its colour, its size in points


@dataclass(frozen=True)
class Style:
    """What a reader has chosen."""

    hide: Collection[str] = ()
    down: bool = False  # whether it runs down instead of to the right
    blame: Blame | None = None  # of a report that is drawn: the operation that is wrong

    def shows(self, what: str) -> bool:
        return what not in self.hide

    def marks(self, node: Node | None) -> bool:
        """Whether a node is an operation that the report blames."""
        if node is None or node.op is None or self.blame is None or node.op.name != self.blame.op:
            return False
        return self.blame.line is None or (node.seen is not None and node.seen.line == self.blame.line)


def label_text(lines: list[Line]) -> str:
    """Lines as part of an HTML-like label. A line of colour "name" is bold."""
    return "<br/>".join(_line(*line) for line in lines) or " "


def _line(text: str, colour: str, points: int) -> str:
    inner = f"<b>{escaped(text)}</b>" if colour == "name" else escaped(text)
    return f'<font color="{LIGHT["ink" if colour == "name" else colour]}" point-size="{points}">{inner}</font>'
