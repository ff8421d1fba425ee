"""The nodes of a picture: what stands in them, and their shape, which tells the kinds apart where colours cannot."""

from collections import Counter

from tinygrad_ko.drawing.clusters import Cluster, Item, vertices_in
from tinygrad_ko.drawing.escape import as_tooltip, shortened
from tinygrad_ko.drawing.labels import byte_size, counted, explanation, kind_of, memory, options, value_lines
from tinygrad_ko.drawing.style import LIGHT, NAME, Line, Style, label_text
from tinygrad_ko.drawing.vertices import Kind, Vertex
from tinygrad_ko.state.saved import saved_bytes

SIGNS = {"add": "+", "subtract": "−", "negative": "−x", "multiply": "×", "divide": "÷", "reciprocal": "1/x"}
SIGNS |= {"matmul": "@", "abs": "|x|", "sqrt": "√x", "square": "x²"}
_LOOKS = {
    "constant": {"shape": "box", "style": "filled,dashed"},
    "input": {"shape": "box", "style": "filled"},
    "leaf": {"shape": "cylinder", "style": "filled"},
    "op": {"shape": "box", "style": "filled,rounded"},
    "result": {"shape": "box", "style": "filled", "peripheries": "2"},
}
_MARKED = {"penwidth": "3"}
_NOUNS: dict[Kind, str] = {"op": "operation", "input": "input", "result": "result"}


def vertex_node(vertex: Vertex, style: Style) -> dict[str, str]:
    """The attributes of a vertex. An input or leaf that is used more than once tells the whole gradient."""
    look = _LOOKS[vertex.kind]
    said: list[Line] = [(shortened(vertex.name or vertex.kind, NAME), "name" if vertex.name else "ink", 13)]
    tooltip = "\n".join(filter(None, [f"{vertex.kind} {vertex.name}".strip(), kind_of(vertex)]))
    if vertex.kind == "op":
        assert vertex.node is not None
        sign = SIGNS.get(vertex.name)
        said = [(sign, "ink", 18) if sign else (shortened(vertex.name, NAME), "ink", 13)]
        said += [(option, "faint", 10) for option in options(vertex.node)]
        if style.shows("kept") and (words := memory(vertex.node)):
            taken = byte_size(saved_bytes([vertex.node]))
            said.append((f"keeps {shortened(', '.join(words), NAME)} · {taken}", "faint", 9))
        if sign and len(said) == 1:
            look = look | {"shape": "circle", "margin": "0.02", "width": "0.35"}
        tooltip = explanation(vertex.node)
        if style.marks(vertex.node):
            return look | _attributes([*said, *_wrong(style)], vertex.kind, "wrong", tooltip) | _MARKED
    elif shows_itself(vertex):
        said = [(value_lines(vertex.value)[0], "ink", 13)]
    if vertex.gradient is not None and vertex.users > 1:
        said += [(line, "gradient", 10) for line in value_lines(vertex.gradient)]
    return look | _attributes(said, vertex.kind, f"{vertex.kind} edge", tooltip)


def shows_itself(item: Item) -> bool:
    """Whether a node is its value: a constant number."""
    return isinstance(item, Vertex) and item.kind == "constant" and item.value is not None and item.shape == ()


def cluster_node(cluster: Cluster, style: Style) -> dict[str, str]:
    """The attributes of a closed box, which may stand for several equal ones, or of a run of items."""
    inside, each = list(vertices_in(cluster.items)), " each" * (cluster.times > 1)
    kinds = Counter(v.kind for v in inside)
    counts = ", ".join(counted(kinds[kind], noun) for kind, noun in _NOUNS.items() if kinds[kind]) + each
    names = shortened(", ".join(dict.fromkeys(v.name for v in inside if v.kind == "op")), 400)
    said: list[Line] = [(counts, "ink", 13), (shortened(names, NAME), "faint", 10)]
    tooltip = names
    if cluster.kind != "run":
        title = f"{shortened(cluster.name, NAME)}{f' × {cluster.times:,}' if each else ''}"
        said = [(title, "name", 13), (counts, "faint", 10)]
        tooltip = f"{cluster.name}\n{names}"
    if cluster.parameters:
        said.insert(1, (counted(cluster.parameters, "parameter") + each, "ink", 10))
    if style.shows("kept") and (taken := saved_bytes([v.node for v in inside if v.kind == "op" and v.node])):
        said.append((f"keeps {byte_size(taken)}{each}", "faint", 9))
    if any(style.marks(v.node) for v in inside):
        return (
            {"shape": "folder", "style": "filled"}
            | _attributes([*said, *_wrong(style)], "closed", "wrong", tooltip)
            | _MARKED
        )
    return {"shape": "folder", "style": "filled"} | _attributes(said, "closed", "op edge", tooltip)


def _wrong(style: Style) -> list[Line]:
    """What a report says of an operation that is wrong."""
    blame = style.blame
    return (
        []
        if blame is None
        else [(f"wrong: {blame.entry}", "wrong", 11), (f"{blame.analytic:.6g}, not {blame.numeric:.6g}", "wrong", 10)]
    )


def _attributes(said: list[Line], fill: str, line: str, tooltip: str) -> dict[str, str]:
    label = f"<{label_text(said)}>"
    return {"label": label, "fillcolor": LIGHT[fill], "color": LIGHT[line], "tooltip": as_tooltip(tooltip)}
