"""Rows of equal blocks, of which the first is drawn."""

from itertools import takewhile
from typing import NamedTuple

from tinygrad_ko.drawing.grouping import Group
from tinygrad_ko.drawing.reading import Vertex


class Place(NamedTuple):
    """A block in a row of equal ones."""

    row: Group
    number: int  # from 1 on


class Rows:
    """The rows of equal blocks in a graph. `mirror` has for what is in all but the first block what is drawn for it: the same
    in the first. `places` has for what is in blocks these blocks, the outermost first.
    """

    def __init__(self) -> None:
        self.mirror: dict[Vertex, Vertex] = {}
        self.places: dict[Vertex, list[Place]] = {}

    def drawn(self, vertex: Vertex) -> Vertex:
        """What is drawn for a vertex."""
        while vertex in self.mirror:
            vertex = self.mirror[vertex]
        return vertex

    def between(self, source: Vertex, user: Vertex) -> tuple[list[Place], list[Place]]:
        """The blocks that a value leaves on its way to a user, and those that it enters, the outermost first."""
        giving, taking = self.places.get(source), self.places.get(user)
        if not giving or not taking:
            return giving or [], taking or []
        both = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(giving, taking, strict=False)))
        return giving[both:], taking[both:]
