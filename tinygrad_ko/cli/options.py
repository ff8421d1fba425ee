"""Commands and the values of their options: each type parses a text, or says what would be right."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from math import isfinite
from typing import Any

from tinygrad_ko.check.functions.domain import DOMAINS, Domain, limits


def add_command(commands: Any, name: str, run: Callable[[Namespace], int], **texts: Any) -> ArgumentParser:
    """The parser of a command that `run` executes."""
    parser: ArgumentParser = commands.add_parser(name, **texts)
    parser.set_defaults(run=run)
    return parser


def _parsed(kind: type, text: str, wanted: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ArgumentTypeError(f"must be {wanted}, not {text!r}") from None


def at_least(least: int) -> Callable[[str], int]:
    """A whole number that is not below `least`."""

    def read(text: str) -> int:
        value: int = _parsed(int, text, "a whole number")
        if value < least:
            raise ArgumentTypeError(f"must be at least {least}, not {value}")
        return value

    return read


def real_option(*, zero: bool = False) -> Callable[[str], float]:
    """A finite number above 0, or with `zero` also 0."""

    def read(text: str) -> float:
        value: float = _parsed(float, text, "a number")
        if not isfinite(value) or value < 0 or (value == 0 and not zero):
            raise ArgumentTypeError(f"must be {'at least' if zero else 'above'} 0 and finite, not {text}")
        return value

    return read


def size_list(least: int) -> Callable[[str], tuple[int, ...]]:
    """Whole numbers with commas between them, none below `least`: `256,128`. Brackets may stand around them.

    >>> size_list(1)("256,128"), size_list(0)("()")
    ((256, 128), ())
    """

    def read(text: str) -> tuple[int, ...]:
        inner = text.strip().removeprefix("(").removesuffix(")").strip().removesuffix(",")
        try:
            return tuple(at_least(least)(part) for part in inner.split(",")) if inner else ()
        except ArgumentTypeError as error:
            raise ArgumentTypeError(f"{text!r}: every size {error}") from None

    return read


def domain(text: str) -> Domain:
    """The name of a domain, or an open interval with a comma between its limits. Brackets may stand around it.

    >>> domain("positive"), domain("0.1,3"), domain(",0"), domain("(-1, 1)")
    ('positive', (0.1, 3.0), (None, 0.0), (-1.0, 1.0))
    """
    name = text.strip()
    if name in DOMAINS:
        return name
    try:
        low, high = (float(part) if part.strip() else None for part in name.strip("()").split(","))
        limits((low, high))
    except ValueError:
        raise ArgumentTypeError(
            f"must be {', '.join(DOMAINS)} or low,high with low below high, such as 0.1,3 or ,0 or 1, - not {text!r}"
        ) from None
    return low, high
