"""Names of the variables of a page."""

import builtins
import keyword

_RESERVED = {"np", "l", "O", "I", *keyword.kwlist}  # l, O and I look like numbers
_SPOKEN = {"pow": "power", "sum": "total", "abs": "magnitude", "max": "largest", "min": "smallest", "round": "rounded"}


class PageNames:
    """Unique names."""

    def __init__(self) -> None:
        self._given = dict.fromkeys(_RESERVED, 1)  # each name, with the last number that was appended to it

    def new(self, wanted: str) -> str:
        """The name that is wanted or, if it is taken, the name with a number: h, h2, h3. Python's functions keep theirs."""
        if hasattr(builtins, wanted):
            wanted = _SPOKEN.get(wanted, f"{wanted}_")
        name = wanted
        while name in self._given:
            self._given[wanted] += 1
            name = f"{wanted}{'_' * wanted[-1:].isdigit()}{self._given[wanted]}"
        self._given[name] = 1
        return name
