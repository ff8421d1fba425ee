"""How a picture looks: what of it is shown, which way it runs, its colours and letters."""

from collections.abc import Collection
from dataclasses import dataclass, field

from tinygrad_ko.drawing.labels import escaped
from tinygrad_ko.drawing.palette import LIGHT

FONT = "Helvetica,Arial,sans-serif"
NAME = 40  # characters of a name

Line = tuple[str, str, int]  # of a label: a text, the name of its colour, its size in points


@dataclass(frozen=True)
class Style:
    """What a reader has chosen."""

    hide: Collection[str] = ()
    direction: str = "right"
    colours: dict[str, str] = field(default_factory=LIGHT.copy)

    @property
    def down(self) -> bool:
        """Whether it runs down instead of to the right."""
        return self.direction == "down"

    def shows(self, what: str) -> bool:
        """Whether something is not left out."""
        return what not in self.hide

    def text(self, lines: list[Line]) -> str:
        """Lines as part of an HTML-like label; the first of colour "name" is bold."""
        return "<br/>".join(self.line(*line) for line in lines) or " "

    def line(self, text: str, colour: str, points: int) -> str:
        """One line. A name is bold."""
        inner = f"<b>{escaped(text)}</b>" if colour == "name" else escaped(text)
        return (
            f'<font color="{self.colours["ink" if colour == "name" else colour]}" point-size="{points}">{inner}</font>'
        )
