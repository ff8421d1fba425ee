"""What a picture says, read back from its text: the nodes, and the arrows with what stands on them."""

import html
import re
from dataclasses import dataclass
from typing import Any

NODE = re.compile(r"^\t*(n\d+|e\d+) \[label=<(.*)> (.*)\]$", re.M)
ARROW = re.compile(r"^\t*([ne]\d+)(?::\w)? -> ([ne]\d+)(?::\w)?(?: \[(.*)\])?$", re.M)
LINE = re.compile(r'<font color="(#\w+)" point-size="\d+">(.*?)</font>')


@dataclass
class Arrow:
    """From one node to another; what is said above and below it."""

    tail: str
    head: str
    above: list[str]
    below: list[str]


def lines(label: str) -> list[str]:
    """The lines of a label, as they are read."""
    texts = [text for _, text in LINE.findall(label)]
    return [html.unescape(re.sub(r"</?b>", "", text)).replace("\\\\", "\\") for text in texts]


def nodes(drawing: Any) -> dict[str, list[str]]:
    """The lines in each node, by its name in DOT."""
    return {name: lines(label) for name, label, _ in NODE.findall(drawing.source) if name.startswith("n")}


def shapes(drawing: Any) -> dict[str, str]:
    """The shape of each node, by its first line."""
    found = NODE.findall(drawing.source)
    return {lines(label)[0]: re.findall(r"shape=(\w+)", rest)[0] for name, label, rest in found if name.startswith("n")}


def arrows(drawing: Any) -> list[Arrow]:
    """Every arrow, between the first lines of its nodes."""
    names = {name: said[0] for name, said in nodes(drawing).items()}
    tables = {name: label for name, label, _ in NODE.findall(drawing.source) if name.startswith("e")}
    before = {head: tail for tail, head, _ in ARROW.findall(drawing.source) if head in tables}
    found = []
    for tail, head, attributes in ARROW.findall(drawing.source):
        if head in tables:
            continue
        if tail in tables:
            above, below = re.split(r"</td>(?:</tr><tr>)?<td", tables[tail])
            found.append(Arrow(names[before[tail]], names[head], lines(above), lines(below)))
        else:
            label = re.search(r'label=(?:"([^"]*)"|([^\s"]+))', attributes)
            said = html.unescape(label[1] or label[2] or "") if label else ""
            found.append(Arrow(names[tail], names[head], [said] if said else [], []))
    return found


def boxes(drawing: Any) -> list[str]:
    """The titles of the boxes around groups, those inside of others first."""
    return [html.unescape(title) for title in re.findall(r'label="?(.*?)"? labeljust', drawing.source)]
