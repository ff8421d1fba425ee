"""Names of the variables of a page."""

import builtins
import keyword

_RESERVED = {"np", "l", "O", "I", *keyword.kwlist}  # three that look like numbers
_SPOKEN = {"pow": "power", "sum": "total", "abs": "magnitude", "max": "largest", "min": "smallest", "round": "rounded"}


class PageNames:
    """Names, each of which is given once."""

    def __init__(self) -> None:
        self._given = dict.fromkeys(_RESERVED, 1)  # and how often it was wanted

    def new(self, wanted: str) -> str:
        """The name that is wanted or, if it is taken, that name with a number. Functions of Python's keep theirs."""
        if hasattr(builtins, wanted):
            wanted = _SPOKEN.get(wanted, f"{wanted}_")
        name = wanted
        while name in self._given:
            self._given[wanted] += 1
            name = f"{wanted}{'_' * wanted[-1:].isdigit()}{self._given[wanted]}"
        self._given[name] = 1
        return name
