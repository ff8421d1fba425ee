"""The nodes of a picture: what stands in them, and their shape, which tells the kinds apart where colours cannot."""

from collections import Counter

from tinygrad_ko.drawing.grouping import Group, vertices_in
from tinygrad_ko.drawing.labels import as_tooltip, shortened
from tinygrad_ko.drawing.reading import Kind, Vertex
from tinygrad_ko.drawing.style import NAME, Line, Style
from tinygrad_ko.drawing.words import counted, explanation, kind_of, lines, memory, options, size
from tinygrad_ko.state.saved import saved_bytes

SIGNS = {
    "abs": "|x|",
    "add": "+",
    "divide": "÷",
    "matmul": "@",
    "multiply": "×",
    "negative": "−x",
    "reciprocal": "1/x",
    "sqrt": "√x",
    "square": "x²",
    "subtract": "−",
}
LOOKS = {
    "constant": {"shape": "box", "style": "filled,dashed"},
    "input": {"shape": "box", "style": "filled"},
    "leaf": {"shape": "cylinder", "style": "filled"},
    "op": {"shape": "box", "style": "filled,rounded"},
    "result": {"shape": "box", "style": "filled", "peripheries": "2"},
}
NOUNS: dict[Kind, str] = {"op": "operation", "input": "input", "result": "result"}


def of_vertex(vertex: Vertex, style: Style) -> dict[str, str]:
    """The attributes of a vertex. An input or leaf that is used more than once tells the whole gradient."""
    look = LOOKS[vertex.kind]
    said: list[Line] = [(shortened(vertex.name or vertex.kind, NAME), "name" if vertex.name else "ink", 13)]
    tooltip = "\n".join(filter(None, [f"{vertex.kind} {vertex.name}".strip(), kind_of(vertex)]))
    if vertex.kind == "op":
        assert vertex.node is not None
        sign = SIGNS.get(vertex.name)
        said = [(sign, "ink", 18) if sign else (shortened(vertex.name, NAME), "ink", 13)]
        said += [(option, "faint", 10) for option in options(vertex.node)]
        if style.shows("kept") and (words := memory(vertex.node)):
            said.append((f"keeps {shortened(', '.join(words), NAME)} · {size(saved_bytes([vertex.node]))}", "faint", 9))
        if sign and len(said) == 1:
            look = look | {"shape": "circle", "margin": "0.02", "width": "0.35"}
        tooltip = explanation(vertex.node)
    elif says_itself(vertex):
        said = [(lines(vertex.value)[0], "ink", 13)]
    if vertex.gradient is not None and vertex.users > 1:
        said += [(line, "gradient", 10) for line in lines(vertex.gradient)]
    return look | {
        "label": f"<{style.text(said)}>",
        "fillcolor": style.colours[vertex.kind],
        "color": style.colours[f"{vertex.kind} edge"],
        "tooltip": as_tooltip(tooltip),
    }


def says_itself(stand: Vertex | Group) -> bool:
    """Whether a node is its value: a constant number."""
    return isinstance(stand, Vertex) and stand.kind == "constant" and stand.value is not None and stand.shape == ()


def of_group(group: Group, style: Style) -> dict[str, str]:
    """The attributes of a closed box, which may stand for several equal ones, or of a run of items."""
    inside, each = list(vertices_in(group.items)), " each" * (group.times > 1)
    kinds = Counter(v.kind for v in inside)
    counts = ", ".join(counted(kinds[kind], noun) for kind, noun in NOUNS.items() if kinds[kind]) + each
    names = shortened(", ".join(dict.fromkeys(v.name for v in inside if v.kind == "op")), 400)
    said: list[Line] = [(counts, "ink", 13), (shortened(names, NAME), "faint", 10)]
    tooltip = names
    if group.kind != "run":
        title = f"{shortened(group.name, NAME)}{f' × {group.times:,}' if each else ''}"
        said = [(title, "name", 13), (counts, "faint", 10)]
        tooltip = f"{group.name}\n{names}"
    if group.parameters:
        said.insert(1, (counted(group.parameters, "parameter") + each, "ink", 10))
    if style.shows("kept") and (bytes_ := saved_bytes([v.node for v in inside if v.kind == "op" and v.node])):
        said.append((f"keeps {size(bytes_)}{each}", "faint", 9))
    return {
        "label": f"<{style.text(said)}>",
        "shape": "folder",
        "style": "filled",
        "fillcolor": style.colours["closed"],
        "color": style.colours["op edge"],
        "tooltip": as_tooltip(tooltip),
    }
