"""Comments: the line of the user's that lines of a page belong to, in backward with the formula, in the words of either language."""

import linecache
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from tinygrad_ko.compiler.origin import Origin
from tinygrad_ko.compiler.program import Value
from tinygrad_ko.errors import explain

_FORWARD = {"en": "forward: ", "ko": "순전파: "}
_BACKWARD = {"en": "backward: ", "ko": "역전파: "}
_THROUGH = {"en": "through {}: ", "ko": "{}의 기울기: "}
_SUMMED = {"en": ", summed to the shape {}", "ko": ", 형상 {}에 맞추어 합한 것"}
_MADE = {
    "en": "Made by tinygrad_ko from {}.{}",
    "ko": "tinygrad_ko가 {}에서 만든 함수입니다.{}",
}
_GRADIENTS = {"en": " dx is the gradient with respect to x.", "ko": " dx는 x에 대한 기울기입니다."}

_LETTER = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\b(?!=[^=])")  # a name that is no attribute and no keyword of a call
_PRODUCT = re.compile(r"\bmatmul_as\(\w+, ([\w.]+), ([\w.]+)\)")  # a product with a hint where its memory is


def checked_language(language: str) -> str:
    """A language that pages are written in. Raises ValueError for another."""
    if language not in _FORWARD:
        raise explain(
            ValueError(f"language must be 'en' or 'ko', not {language!r}"),
            f"language에는 'en' 또는 'ko'를 쓰십시오. 받은 값: {language!r}",
        )
    return language


class Comments:
    """What stands above the lines of a page. `name` gives the name that a value has there, if it has one."""

    def __init__(self, language: str, name: Callable[[Value], str | None], values: Iterable[Value]) -> None:
        self.language, self._name, self._section, self._group = language, name, "", ""
        self._has_backward = False
        self._gradients = dict[
            int, Value
        ]()  # of each value whose gradient is on the page: by its number, the last of it
        self._later = set[int]()  # what is computed from gradients
        self._met = set[tuple[int, int]]()  # gradients, and the calls through which a part of them has been written
        for value in values:
            if (of := value.origin.of) is not None:
                self._gradients[of.rank] = value
            self._has_backward |= bool(value.origin.argument)
            if value.origin.argument or any(x.rank in self._later for x in value.values):
                self._later.add(value.rank)

    def above(self, value: Value) -> list[str]:
        """The comments that the lines of a value need, after those that have been given."""
        section, group = self._section_of(value), self._group_of(value.origin)
        comments = [f"# {section}"] if section and section != self._section else []
        if group and (comments or group != self._group):
            comments.append(f"# {group}")
        self._section, self._group = section, group
        return comments

    def _section_of(self, value: Value) -> str:
        origin = value.origin
        text = line_text(origin.line) or origin.op
        if not self._has_backward or not text:
            return text
        if origin.argument:
            return _BACKWARD[self.language] + text
        return _FORWARD[self.language] * (value.rank not in self._later) + text

    def _group_of(self, origin: Origin) -> str:
        """The formula of a gradient, with the names of the page in place of the letters of the op."""
        if not origin.argument:
            return ""
        formula = _LETTER.sub(lambda letter: self._letter(letter[1], origin), origin.formula)
        formula = _PRODUCT.sub(r"\1 @ \2", formula)
        if all(len(x.shape) <= 2 for x in origin.letters.values() if isinstance(x, Value)):
            formula = formula.replace(".mT", ".T")
        if origin.of is None:
            return _THROUGH[self.language].format(origin.op) + f"{origin.argument}: {formula}"
        gradient = self._name(self._gradients[origin.of.rank]) or f"d{self._name(origin.of) or origin.argument}"
        if origin.formula in ("g", "-g") and origin.call is not None and origin.call.shape != origin.of.shape:
            formula += _SUMMED[self.language].format(origin.of.shape)
        return _THROUGH[self.language].format(origin.op) + f"{gradient} = {formula}"

    def _letter(self, letter: str, origin: Origin) -> str:
        """What a letter of a formula stands for."""
        meant = origin.letters.get(letter)
        if isinstance(meant, Value):
            name = self._name(meant)
            if name is None and letter == "g" and origin.call is not None and self._name(origin.call):
                return f"d{self._name(origin.call)}"
            return name or letter
        plain = isinstance(meant, int | float) and not isinstance(meant, bool | np.generic)
        return repr(meant) if plain and meant >= 0 else letter

    def docstring(self, name: str, inputs: list[Value]) -> list[str]:
        """What the function is, and the shapes and dtypes of its arguments."""
        by_dtype = dict[Any, list[str]]()
        for value in inputs:
            by_dtype.setdefault(value.dtype, []).append(f"{self._name(value)} {value.shape}")
        shapes = "; ".join(f"{dtype}: {', '.join(names)}" for dtype, names in by_dtype.items())
        made = _MADE[self.language].format(f"`{name}`", _GRADIENTS[self.language] * self._has_backward)
        return [f'"""{made}', *wrapped(shapes, '"""')] if shapes else [f'"""{made}"""']


@cache
def line_text(line: str) -> str:
    """The text of a line, file:number."""
    file, _, number = line.rpartition(":")
    return linecache.getline(file, int(number)).strip() if number.isdigit() else ""


def wrapped(text: str, end: str, width: int = 100) -> list[str]:
    """A text in lines of at most so many characters, broken after commas."""
    lines = [""]
    for part in re.split(r"(?<=[,;] )(?![^(]*\))", text):
        if len(lines[-1]) + len(part) > width and lines[-1]:
            lines.append("")
        lines[-1] += part
    return [*(line.rstrip() for line in lines[:-1]), lines[-1] + end]
