"""The text of a picture, in Graphviz's language DOT: the same graph gives the same text.

As in the book, time runs to the right and the gradient comes back: above an arrow the value that goes forward, below it the
gradient. Such an arrow is two arrows, with a node between them that is a table of both.
"""

import graphviz

from tinygrad_ko.drawing.clusters import Cluster, Item, around, common
from tinygrad_ko.drawing.collapse import Arrow, Collapsed
from tinygrad_ko.drawing.edges import Gradients, edge_table, forward_lines
from tinygrad_ko.drawing.escape import as_tooltip, quoted, shortened
from tinygrad_ko.drawing.labels import counted, value_lines
from tinygrad_ko.drawing.nodes import cluster_node, vertex_node
from tinygrad_ko.drawing.style import FONT, LIGHT, NAME, Line, Style
from tinygrad_ko.drawing.vertices import Vertex

_EXPLAINED = as_tooltip(
    "forward: the value\nback: its gradient\nof many numbers: mean ± standard deviation, smallest … largest"
)
_BOX = {"style": "rounded,filled", "fillcolor": LIGHT["group"], "color": LIGHT["group edge"], "margin": "8"}
_BOX |= {"labeljust": "l", "fontname": FONT, "fontsize": "11", "fontcolor": LIGHT["faint"]}


def dot_source(content: Collapsed, style: Style) -> str:
    """The text of a whole picture."""
    return _Text(content, style).text()


class _Text:
    def __init__(self, content: Collapsed, style: Style) -> None:
        self.content, self.style = content, style
        self.parts: dict[Cluster, graphviz.Digraph] = {}
        hidden = {item for item in content.drawn if _is_constant(item) and not style.shows("constants")}
        self.names = {item: f"n{i}" for i, item in enumerate(s for s in content.drawn if s not in hidden)}
        self.arrows = [arrow for arrow in content.arrows if arrow.tail not in hidden]
        self.looped = {head for _, head, _ in content.onward}  # here it is always told which argument a value is

    def text(self) -> str:
        gradients = Gradients()
        self.frame()
        for item, name in self.names.items():
            attributes = cluster_node(item, self.style) if isinstance(item, Cluster) else vertex_node(item, self.style)
            self.part(self.content.drawn[item]).node(name, **attributes)
        for i, arrow in enumerate(self.arrows):
            back = gradients.along(arrow) if self.style.shows("gradients") else None
            self.arrow(f"e{i}", arrow, [] if back is None else [(line, "gradient", 11) for line in value_lines(back)])
        for tail, head, argument in self.content.onward:
            label = ": ".join(filter(None, ["to the next", shortened(argument, NAME)]))
            ends = self.names[tail], self.names[head]
            self.around_both(tail, head).edge(*ends, label=quoted(label), style="dashed", constraint="false")
        self.join()
        return str(self.part(self.content.root).source)

    def frame(self) -> None:
        ink, faint, root = LIGHT["ink"], LIGHT["faint"], self.part(self.content.root)
        root.attr(rankdir="TB" if self.style.down else "LR", nodesep="0.22", ranksep="0.22", pad="0.2")
        root.attr(bgcolor=LIGHT["page"], fontname=FONT, fontcolor=ink, tooltip=" ")
        root.attr("node", fontname=FONT, fontsize="13", fontcolor=ink, margin="0.12,0.06", height="0.3")
        root.attr("edge", fontname=FONT, fontsize="10", fontcolor=faint, color=LIGHT["line"], arrowsize="0.6")
        if self.content.notes:  # in short lines: a long one would widen the picture
            said = "; ".join(english for english, _ in self.content.notes).replace("; ", "\n")
            root.attr(label=quoted(said), fontsize="10", fontcolor=faint)
            if self.style.down:  # above a column, whose end is not seen at once, and below a row
                root.attr(labelloc="t")

    def part(self, cluster: Cluster) -> graphviz.Digraph:
        return self.parts.setdefault(cluster, graphviz.Digraph())

    def around_both(self, tail: Item, head: Item) -> graphviz.Digraph:
        return self.part(common(self.content.drawn[tail], self.content.drawn[head]))

    def arrow(self, name: str, arrow: Arrow, back: list[Line]) -> None:
        tail, head, here = self.names[arrow.tail], self.names[arrow.head], self.around_both(arrow.tail, arrow.head)
        said = forward_lines(arrow, arrow.head in self.looped, self.style)
        if len(said) <= 1 and not back:
            here.edge(tail, head, label=quoted(said[0][0]) if said else "")
            return
        first, last = ("n", "s") if self.style.down else ("w", "e")
        size = {"margin": "0", "width": "0", "height": "0"}
        here.node(name, label=edge_table(said, back, self.style), shape="plain", **size, tooltip=_EXPLAINED)
        here.edge(tail, f"{name}:{first}", arrowhead="none")
        here.edge(f"{name}:{last}", head)

    def join(self) -> None:
        depths: dict[Cluster, int] = {}
        for cluster in list(self.parts):
            for depth, outer in enumerate(reversed(list(around(cluster)))):
                depths[outer] = depth
        for i, cluster in enumerate(sorted(depths, key=lambda cluster: -depths[cluster])):
            if cluster.parent is not None:
                inner = self.part(cluster)
                if title := _title(cluster):
                    inner.name = f"cluster{i}"
                    inner.attr(**_BOX, label=quoted(title), tooltip=as_tooltip(_title(cluster, whole=True)))
                self.part(cluster.parent).subgraph(inner)


def _title(cluster: Cluster, whole: bool = False) -> str:
    if cluster.kind not in ("call", "block"):
        return ""
    many = cluster.times > 1
    name = cluster.name if whole else shortened(cluster.name, NAME)
    title = " ".join(filter(None, [name, f"× {cluster.times:,} (drawn: the first)" * many]))
    return title + f" · {counted(cluster.parameters, 'parameter')}{' each' * many}" * (cluster.parameters > 0)


def _is_constant(item: Item) -> bool:
    return isinstance(item, Vertex) and item.kind == "constant"
