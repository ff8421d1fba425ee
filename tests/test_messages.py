"""Both languages of an error say the same: what stands in the English message stands in the Korean note."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "tinygrad_ko"


def both_languages() -> Iterator[tuple[str, ast.expr, ast.expr]]:
    """Where an error is explained, its English message and its Korean note."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="explain"), args=[ast.Call(args=[english, *_]), korean]):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", english, korean
                case ast.Call(func=ast.Name(id="refuse"), args=[english, korean, *_]):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", english, korean


def values(message: ast.expr) -> set[str]:
    """What is filled in where a message has braces, but for texts that are constants."""
    filled = {ast.unparse(part.value) for part in ast.walk(message) if isinstance(part, ast.FormattedValue)}
    return {value for value in filled if not value.isupper()}


def words(message: ast.expr) -> str:
    """The text of a message, with {} for what is filled in."""
    match message:
        case ast.JoinedStr(values=parts):
            return "".join(words(part) for part in parts)
        case ast.Constant(value=str(text)):
            return text
    return "{}"


MESSAGES = [pytest.param(english, korean, id=place) for place, english, korean in both_languages()]


@pytest.mark.parametrize(("english", "korean"), MESSAGES)
def test_the_korean_note_says_what_the_english_message_says(english: ast.expr, korean: ast.expr) -> None:
    """A value of the one that the other lacks is a phrase that each language has of its own."""
    only_english, only_korean = values(english) - values(korean), values(korean) - values(english)
    assert len(only_english) <= len(only_korean), only_english


@pytest.mark.parametrize(("english", "korean"), MESSAGES)
def test_korean_is_written_as_koreans_write_it(english: ast.expr, korean: ast.expr) -> None:
    text = words(korean)
    assert not re.search(
        r"[은는이가을를과와]\([은는이가을를과와]\)|\{\}['\"]?(은|는|을|를|이|가|과|와)(?![가-힣])", text
    ), text
    assert not re.search(r"라벨|부르십|불러야|부를 때", text), text


def test_there_are_messages() -> None:
    assert len(MESSAGES) > 200
