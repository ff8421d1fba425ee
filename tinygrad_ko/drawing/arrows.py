"""The arrows of a picture: what flows along them, forward and back."""

from typing import Any

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.drawing.folding import Arrow
from tinygrad_ko.drawing.labels import shortened
from tinygrad_ko.drawing.nodes import says_itself
from tinygrad_ko.drawing.reading import Vertex, parts, passed
from tinygrad_ko.drawing.style import NAME, Line, Style
from tinygrad_ko.drawing.words import kind_of, lines
from tinygrad_ko.engine.graph import Node

INDIFFERENT = {"add", "hypot", "logaddexp", "maximum", "minimum", "multiply"}  # to the order of their arguments
HEIGHT, WIDTH = 13, 0.62  # of a line in points, of a character in parts of its height


class Gradients:
    """What comes back along arrows."""

    def __init__(self) -> None:
        self.paid: dict[Node, dict[str, Array]] = {}

    def along(self, arrow: Arrow) -> Any:
        """What the users of a value pay for it in all; None where no backward was seen, or several values flow."""
        if len(arrow.values) > 1:
            return None
        paid = [self.by(use.user, use.argument) for use in arrow.uses if use.user is use.head]
        return None if any(part is None for part in paid) else sum(paid[1:], paid[0])

    def by(self, user: Vertex, argument: str) -> Any:
        """The gradient that a user pays for one of its arguments; None where no backward was seen."""
        node = user.node
        if node is None or not node.seen:
            return None
        if user.kind == "result":
            return node.seen.gradient
        if node not in self.paid:
            self.paid[node] = parts(node)
        return self.paid[node].get(argument)


def above(arrow: Arrow, looped: bool, style: Style) -> list[Line]:
    """What is said of the value that flows: which argument it is, its shape and dtype, its numbers."""
    use, values = arrow.uses[0], arrow.values
    named, itself = shortened(argument(arrow, looped), NAME), says_itself(arrow.tail)
    kind = kind_of(values[0]) if style.shows("shapes") and not itself else ""
    if len(values) > 1:
        kind = f"{len(values):,} × {kind}"
    elif arrow.giver:
        kind = f"{kind} of {arrow.giver}".strip()
    said: list[Line] = [(": ".join(filter(None, [named, kind])), "faint", 9)] if named or kind else []
    if style.shows("values") and len(values) == 1 and not itself:
        seen = passed(use.user, use.argument)
        said += [(line, "value", 11) for line in lines(seen)] if seen is not None else []
    return said


def argument(arrow: Arrow, looped: bool) -> str:
    """Which argument of an operation a value is, where that is not clear: always, where the next block's value is one too."""
    user, name = arrow.uses[0].user, arrow.uses[0].argument
    clear = user is not arrow.head or len(user.sources) < 2 or (user.name in INDIFFERENT and not looped)
    return "" if clear or (arrow.tail.name == name and not looped) else name


def table(over: list[Line], under: list[Line], style: Style) -> str:
    """The label of an arrow, with a line in the middle that continues it: two rows, or two columns if the picture runs down.
    Both are as large, so that the line is where the arrow is.
    """
    if style.down:
        width = 6 + max(WIDTH * len(text) * points for text, _, points in [*over, *under])
        first, second, between = f'width="{width:.0f}" sides="r"', f'width="{width:.0f}"', ""
    else:
        height = HEIGHT * max(len(over), len(under))
        first, second, between = (
            f'height="{height}" valign="bottom" sides="b"',
            f'height="{height}" valign="top"',
            "</tr><tr>",
        )
    cells = f'<td border="1" {first}>{style.text(over)}</td>{between}<td {second}>{style.text(under)}</td>'
    frame = f'border="0" cellborder="0" cellspacing="0" cellpadding="2" color="{style.colours["line"]}"'
    return f"<<table {frame}><tr>{cells}</tr></table>>"
