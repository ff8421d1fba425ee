"""The SVG that Graphviz writes, made ready for a page: tooltips that browsers show, colours that follow the reader."""

from collections.abc import Mapping
from hashlib import sha256
from xml.etree import ElementTree

_XLINK = "{http://www.w3.org/1999/xlink}"


def readable(svg: str, light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    """The SVG for a page or a file, in light colours, or in dark ones where the reader's system is dark.

    The palettes have the same keys and hold colours such as "#1f77b4"; what has another colour keeps it. Two keys of one light
    colour must have one dark colour. Several such pictures on one page leave each other alone. What hovers over a node is its
    `tooltip`, not its name in DOT.
    """
    root = ElementTree.fromstring(svg)
    scope = f"tg-{sha256(repr((svg, light, dark)).encode()).hexdigest()[:8]}"
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    _show_tooltips(root)
    for element in root.iter():
        for what, value in element.items():
            if what == "id":
                element.set(what, f"{scope}-{value}")
            elif value.startswith("url(#"):
                element.set(what, value.replace("#", f"#{scope}-", 1))
    root.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "class": scope, "style": "max-width:100%;height:auto"}
    style = ElementTree.Element("style")
    style.text = _in_the_dark(scope, light, dark)
    root.insert(0, style)
    return ElementTree.tostring(root, encoding="unicode")


def _show_tooltips(root: ElementTree.Element) -> None:
    # Graphviz has tooltips in a link that goes nowhere, which not every browser shows, and titles every node with its name.
    for group in root.iter("g"):
        if (name := group.find("title")) is not None:
            group.remove(name)
    for link in root.iter("a"):
        link.tag = "g"
        title = ElementTree.Element("title")
        title.text = link.attrib.pop(f"{_XLINK}title", "")
        link.insert(0, title)


def _in_the_dark(scope: str, light: Mapping[str, str], dark: Mapping[str, str]) -> str:
    swaps = {colour.lower(): dark[key] for key, colour in light.items()}
    rules = "".join(
        f".{scope} [{what}='{colour}']{{{what}:{other}}}"
        for colour, other in swaps.items()
        for what in ("fill", "stroke")
    )
    # Square ends, or there are gaps where arrows meet the lines of their labels.
    return f".{scope} polyline{{stroke-linecap:square}}@media (prefers-color-scheme:dark){{{rules}}}"
