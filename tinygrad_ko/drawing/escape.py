"""Escaping: names and formulas are shown as they are inside DOT, whatever they hold.

In HTML-like labels, plain labels and tooltips alike Graphviz reads entities (`&lt;`) and replaces what follows a backslash
(`\\N` is the name of the node); and XML, which SVG is, forbids some characters. A text of more than 16,384 bytes it does not
read at all, so what is longer than anybody reads is cut.
"""

import html

_LABEL, _TOOLTIP = 400, 2000  # characters of a text; one of them may take six bytes
# Control characters have pictures of their own (U+2400 and on); for what else XML forbids or nothing shows, stands U+FFFD.
_SHOWN = {
    **{control: chr(0x2400 + control) for control in range(32)},
    **dict.fromkeys([*range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\ufffd"),
    ord("\t"): "    ",
    ord("\n"): "\n",
}


def _showable(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_SHOWN)


def escaped(text: str) -> str:
    """A text to stand inside an HTML-like label; in an empty line stands a space, for Graphviz fails at an empty tag.

    >>> escaped("a < b\\n\\\\N")
    'a &lt; b<BR/>\\\\\\\\N'
    """
    text = html.escape(_showable(shortened(text, _LABEL)))
    text = text.replace("\\", "\\\\").replace("]", "&#93;")  # it fails at a `]` alone too
    return "<BR/>".join(line or " " for line in text.split("\n"))


def quoted(text: str) -> str:
    """A text to be a plain label, for DOT to put in quotes; in an empty line stands a space, for Graphviz 14 may crash there.

    >>> quoted('x <- "y"')
    'x &lt;- &quot;y&quot;'
    """
    text = html.escape(_showable(shortened(text, _LABEL))).replace("\\", "\\\\")
    return "\\n".join(line or " " for line in text.split("\n"))


def as_tooltip(text: str) -> str:
    """A text to be the value of `tooltip` or of another attribute that ends so: there Graphviz reads backslashes twice."""
    return html.escape(_showable(shortened(text, _TOOLTIP))).replace("\\", "\\" * 4).replace("\n", "\\n")


def shortened(text: str, length: int) -> str:
    """A text of at most `length` characters; where some are left out, the last of them is `…`."""
    return text if len(text) <= length else text[: length - 1] + "…"
