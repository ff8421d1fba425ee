"""The text of a picture, in Graphviz's language DOT: the same graph gives the same text.

As in the book, time runs to the right and the gradient comes back: above an arrow the value that goes forward, below it the
gradient. Such an arrow is two arrows, with a node between them that is a table of both.
"""

import graphviz

from tinygrad_ko.drawing.arrows import Gradients, above, table
from tinygrad_ko.drawing.folding import Arrow, Folded, Stand
from tinygrad_ko.drawing.grouping import Group
from tinygrad_ko.drawing.labels import as_tooltip, quoted, shortened
from tinygrad_ko.drawing.nodes import of_group, of_vertex
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.style import FONT, NAME, Line, Style
from tinygrad_ko.drawing.words import counted, lines

EXPLAINED = as_tooltip(
    "forward: the value\nback: its gradient\nof many numbers: mean ± standard deviation, smallest … largest"
)


def dot(content: Folded, style: Style) -> str:
    """The text of a whole picture."""
    return Text(content, style).text()


class Text:
    """The text of one picture, written group by group."""

    def __init__(self, content: Folded, style: Style) -> None:
        self.content, self.style = content, style
        self.parts: dict[Group, graphviz.Digraph] = {}
        hidden = {stand for stand in content.drawn if is_constant(stand) and not style.shows("constants")}
        self.names = {stand: f"n{i}" for i, stand in enumerate(s for s in content.drawn if s not in hidden)}
        self.arrows = [arrow for arrow in content.arrows if arrow.tail not in hidden]
        self.looped = {head for _, head, _ in content.onward}  # here it is always told which argument a value is

    def text(self) -> str:
        """All of it."""
        gradients = Gradients()
        self.frame()
        for stand, name in self.names.items():
            here = self.part(self.content.drawn[stand])
            if isinstance(stand, Group):
                here.node(name, **of_group(stand, self.style))
            else:
                here.node(name, **of_vertex(stand, self.style))
        for i, arrow in enumerate(self.arrows):
            back = gradients.along(arrow) if self.style.shows("gradients") else None
            self.arrow(f"e{i}", arrow, [] if back is None else [(line, "gradient", 11) for line in lines(back)])
        for tail, head, argument in self.content.onward:
            here = self.part(common(self.content.drawn[tail], self.content.drawn[head]))
            label = ": ".join(filter(None, ["to the next", shortened(argument, NAME)]))
            here.edge(self.names[tail], self.names[head], label=quoted(label), style="dashed", constraint="false")
        self.join()
        return str(self.part(self.content.root).source)

    def frame(self) -> None:
        """What holds for the whole picture."""
        colours, root = self.style.colours, self.part(self.content.root)
        root.attr(rankdir="TB" if self.style.down else "LR", nodesep="0.22", ranksep="0.22", pad="0.2")
        root.attr(bgcolor=colours["page"], fontname=FONT, fontcolor=colours["ink"], tooltip=" ")
        root.attr("node", fontname=FONT, fontsize="13", fontcolor=colours["ink"], margin="0.12,0.06", height="0.3")
        root.attr(
            "edge", fontname=FONT, fontsize="10", fontcolor=colours["faint"], color=colours["line"], arrowsize="0.6"
        )
        if self.content.notes:  # in short lines: a long one would widen the picture
            said = "; ".join(english for english, _ in self.content.notes).replace("; ", "\n")
            root.attr(label=quoted(said), fontsize="10", fontcolor=colours["faint"])
            if self.style.down:  # above a column, whose end is not seen at once, and below a row
                root.attr(labelloc="t")

    def part(self, group: Group) -> graphviz.Digraph:
        """The text of a group."""
        if group not in self.parts:
            self.parts[group] = graphviz.Digraph()
        return self.parts[group]

    def arrow(self, name: str, arrow: Arrow, back: list[Line]) -> None:
        """One arrow, with what is said of it."""
        tail, head, said = (
            self.names[arrow.tail],
            self.names[arrow.head],
            above(arrow, arrow.head in self.looped, self.style),
        )
        here = self.part(common(self.content.drawn[arrow.tail], self.content.drawn[arrow.head]))
        if len(said) <= 1 and not back:
            here.edge(tail, head, label=quoted(said[0][0]) if said else "")
            return
        first, last = ("n", "s") if self.style.down else ("w", "e")
        here.node(
            name,
            label=table(said, back, self.style),
            shape="plain",
            margin="0",
            width="0",
            height="0",
            tooltip=EXPLAINED,
        )
        here.edge(tail, f"{name}:{first}", arrowhead="none")
        here.edge(f"{name}:{last}", head)

    def join(self) -> None:
        """Put the text of every group into that of the group around it, the innermost first."""
        depths: dict[Group, int] = {}
        for group in list(self.parts):
            for depth, outer in enumerate(reversed(around(group))):
                depths[outer] = depth
        for i, group in enumerate(sorted(depths, key=lambda group: -depths[group])):
            if group.parent is not None:
                inner = self.part(group)
                if title := self.title(group):
                    inner.name = f"cluster{i}"
                    inner.attr(**self.box(title), tooltip=as_tooltip(self.title(group, whole=True)))
                self.part(group.parent).subgraph(inner)

    def box(self, title: str) -> dict[str, str]:
        """The attributes of the box around a group."""
        colours = self.style.colours
        look = {"style": "rounded,filled", "fillcolor": colours["group"], "color": colours["group edge"], "margin": "8"}
        letters = {"labeljust": "l", "fontname": FONT, "fontsize": "11", "fontcolor": colours["faint"]}
        return look | letters | {"label": quoted(title)}

    def title(self, group: Group, whole: bool = False) -> str:
        """What stands on the box around a group, perhaps with the whole of a long name; nothing if there is no box."""
        if group.kind not in ("call", "block"):
            return ""
        many = group.times > 1
        name = group.name if whole else shortened(group.name, NAME)
        title = " ".join(filter(None, [name, f"× {group.times:,} (drawn: the first)" * many]))
        return title + f" · {counted(group.parameters, 'parameter')}{' each' * many}" * (group.parameters > 0)


def is_constant(stand: Stand) -> bool:
    """Whether no gradient comes to it."""
    return isinstance(stand, Vertex) and stand.kind == "constant"


def around(group: Group) -> list[Group]:
    """The group, the one around it, and so on to the outermost."""
    found = [group]
    while found[-1].parent is not None:
        found.append(found[-1].parent)
    return found


def common(a: Group, b: Group) -> Group:
    """The smallest group that has both inside."""
    outer = set(around(a))
    return next(group for group in around(b) if group in outer)
