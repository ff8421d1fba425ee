"""The arrows of a picture: what flows along them, forward and back."""

from typing import Any

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.drawing.collapse import Arrow
from tinygrad_ko.drawing.escape import shortened
from tinygrad_ko.drawing.labels import kind_of, value_lines
from tinygrad_ko.drawing.nodes import shows_itself
from tinygrad_ko.drawing.style import LIGHT, NAME, Line, Style, label_text
from tinygrad_ko.drawing.vertices import Vertex, gradient_parts, passed
from tinygrad_ko.engine.graph import Node

_COMMUTATIVE = {"add", "hypot", "logaddexp", "maximum", "minimum", "multiply"}
_HEIGHT, _WIDTH = 13, 0.62  # of a line in points, of a character in parts of its height


class Gradients:
    """The gradients that come back along arrows. The formulas of each operation are evaluated once."""

    def __init__(self) -> None:
        self._parts: dict[Node, dict[str, Array]] = {}

    def along(self, arrow: Arrow) -> Any:
        """The sum over the users of a value; None where no backward was seen, or several values flow."""
        if len(arrow.values) > 1:
            return None
        found = [self._into(use.user, use.argument) for use in arrow.uses if use.user is use.head]
        return None if any(part is None for part in found) else sum(found[1:], found[0])

    def _into(self, user: Vertex, argument: str) -> Any:
        node = user.node
        if node is None or not node.seen:
            return None
        if user.kind == "result":
            return node.seen.gradient
        if node not in self._parts:
            self._parts[node] = gradient_parts(node)
        return self._parts[node].get(argument)


def forward_lines(arrow: Arrow, looped: bool, style: Style) -> list[Line]:
    """What is said of the value that flows: which argument it is, its shape and dtype, its numbers."""
    use, values = arrow.uses[0], arrow.values
    named, itself = shortened(_argument(arrow, looped), NAME), shows_itself(arrow.tail)
    kind = kind_of(values[0]) if style.shows("shapes") and not itself else ""
    if len(values) > 1:
        kind = f"{len(values):,} × {kind}"
    elif arrow.giver:
        kind = f"{kind} of {arrow.giver}".strip()
    said: list[Line] = [(": ".join(filter(None, [named, kind])), "faint", 9)] if named or kind else []
    if style.shows("values") and len(values) == 1 and not itself:
        seen = passed(use.user, use.argument)
        said += [(line, "value", 11) for line in value_lines(seen)] if seen is not None else []
    return said


def _argument(arrow: Arrow, looped: bool) -> str:
    """Which argument of an operation a value is, where that is not clear: always, where the next block's value is one too."""
    user, name = arrow.uses[0].user, arrow.uses[0].argument
    clear = user is not arrow.head or len(user.sources) < 2 or (user.name in _COMMUTATIVE and not looped)
    return "" if clear or (arrow.tail.name == name and not looped) else name


def edge_table(over: list[Line], under: list[Line], style: Style) -> str:
    """The label of an arrow, with a line in the middle that continues it: two rows, or two columns if the picture runs down."""
    # Both are as large, so that the line is where the arrow is.
    if style.down:
        size = f'width="{6 + max(_WIDTH * len(text) * points for text, _, points in [*over, *under]):.0f}"'
        first, second, between = f'{size} sides="r"', size, ""
    else:
        size = f'height="{_HEIGHT * max(len(over), len(under))}"'
        first, second, between = f'{size} valign="bottom" sides="b"', f'{size} valign="top"', "</tr><tr>"
    cells = f'<td border="1" {first}>{label_text(over)}</td>{between}<td {second}>{label_text(under)}</td>'
    frame = f'border="0" cellborder="0" cellspacing="0" cellpadding="2" color="{LIGHT["line"]}"'
    return f"<<table {frame}><tr>{cells}</tr></table>>"
