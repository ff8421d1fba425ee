"""Whatever a user's text holds, Graphviz draws it, and the text that is read back from the picture is the same."""

from xml.etree import ElementTree

import graphviz
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinygrad_ko.drawing.escape import _showable, as_tooltip, escaped, quoted, shortened
from tinygrad_ko.drawing.rendering import render_with, renderers
from tinygrad_ko.drawing.svg import readable

SPECIAL = [
    "\\", r"\N", r"\G", r"\E", r"\T", r"\H", r"\L", r"\l", r"\r", r"\n", r"\\", r"\\N", '"', r"\"", "'", "<", ">", "&", "&amp;", "&lt;",
    "&#65;", "&#x41;", "&nbsp;", "]]>", "-->", "<!--", "<b>", "</TD>", "<>", "%", "%s", "{", "|", "}", "[", "]", ";", "#", "//", "/*",
    "graph", "node", 'charset="latin-1"', "한글", "\u1100\u1161", "🎉", "e\u0301", "∂", "x₁", "\u202e",
]  # fmt: skip
BLANK = [
    "", " ", "  ", "\u00a0", "\t", "\n", "\r\n", "\r", "\u2028", "\u0085", "\0", "\x1b", "\x7f", "\ufffe", "\ud800", "\ufeff",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(SPECIAL + BLANK) | st.text(st.characters(), max_size=3), max_size=4).map("".join)


def drawn(texts):
    """A graph with each text in every place: label and tooltip of a node, an edge and a box."""
    graph = graphviz.Digraph()
    for i, text in enumerate(texts):
        label = f'<<TABLE BORDER="0"><TR><TD><B>{escaped(text)}</B></TD></TR></TABLE>>'
        with graph.subgraph(name=f"cluster{i}") as box:
            box.attr(id=f"box{i}", label=label, tooltip=as_tooltip(text))
            box.node(f"n{i}", id=f"node{i}", label=label, tooltip=as_tooltip(text))
        graph.node(f"m{i}", id=f"plain{i}", label=quoted(text), tooltip=as_tooltip(text))
        graph.edge("first", f"n{i}", id=f"edge{i}", label=label, tooltip=as_tooltip(text))
    return graph.source


def read(svg):
    """The lines and the tooltip of everything that has an id."""
    groups = {
        g.get("id", "").partition("-")[2].partition("-")[2]: g
        for g in ElementTree.fromstring(svg).iter()
        if "class" in g.attrib
    }
    return {
        name: (
            [t.text for t in g.iter() if t.tag.endswith("text")],
            [t.text for t in g.iter() if t.tag.endswith("title")],
        )
        for name, g in groups.items()
    }


def spaces(text):
    """Graphviz keeps spaces apart with spaces that do not break."""
    return text.replace("\u00a0", " ")


WAYS = [
    pytest.param(name, marks=pytest.mark.skipif(name not in dict(renderers("svg")), reason=f"needs {name}"))
    for name in ("dot", "pygraphviz")
]


@pytest.mark.parametrize("name", WAYS)
@settings(max_examples=15)
@given(st.lists(TEXTS, min_size=4, max_size=20))
@example([*SPECIAL, *BLANK])
def test_any_text_is_drawn_and_comes_back(name, texts):
    svg, complaint = render_with(dict(renderers("svg"))[name], drawn(texts), "svg")
    assert complaint == ""
    found = read(readable(svg.decode(), {}, {}))
    for i, text in enumerate(map(_showable, texts)):
        lines = [spaces(line) or " " for line in text.split("\n")]
        for place in ("node", "edge", "box", "plain"):
            label, tooltip = found[f"{place}{i}"]
            assert [spaces(line) for line in label] == lines
            assert [spaces(each) for each in tooltip] == [spaces(text)] * bool(text)


@given(st.text(st.characters()))
def test_what_is_shown_is_xml_and_only_what_must_be_is_replaced(text):
    shown = _showable(text)
    element = ElementTree.Element("text")
    element.text = f"({shown})"
    assert ElementTree.fromstring(ElementTree.tostring(element, encoding="utf-8")).text == f"({shown})"
    if text.isprintable():
        assert shown == text
    assert _showable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\0b", "a␀b"),
        ("\x1b[31m", "␛[31m"),
        ("\ud800", "�"),
        ("\uffff", "�"),
        ("\x7f\x9f", "��"),
        ("a\tb\r\nc\rd", "a    b\nc\nd"),
    ],
)
def test_what_cannot_be_shown_has_a_sign(text, shown):
    assert _showable(text) == shown


@given(st.text(), st.integers(1, 10))
def test_shortened(text, length):
    short = shortened(text, length)
    assert len(short) <= length
    assert short == text or (len(text) > length and short[-1] == "…" and text.startswith(short[:-1]))
