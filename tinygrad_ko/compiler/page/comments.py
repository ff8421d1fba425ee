"""Comments: the user's line that statements belong to and, in the backward pass, the formula of each gradient; in English or Korean."""

import linecache
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from tinygrad_ko.compiler.page.globals import number_text
from tinygrad_ko.compiler.program.values import Origin, Value
from tinygrad_ko.errors import explain

_FORWARD = {"en": "forward: ", "ko": "순전파: "}
_BACKWARD = {"en": "backward: ", "ko": "역전파: "}
_RULE = {"en": "rule of {}: ", "ko": "{}의 미분 규칙: "}
_SUMMED = {"en": " (summed to the shape {})", "ko": " (형상 {}에 맞추어 합산)"}
_BLOCKS = {"en": "# in blocks that stay in the processor's cache", "ko": "# 프로세서의 캐시에 머무는 블록 단위로 계산"}
_MADE = {
    "en": "Made by tinygrad_ko from {}.{}",
    "ko": "tinygrad_ko가 {}에서 만든 함수입니다.{}",
}
_GRADIENTS = {"en": " d{0} is the gradient with respect to {0}.", "ko": " d{0}: {0}에 대한 기울기."}

# Parts of formulas: a variable (not an attribute, not a keyword of a call), a conditional expression of numbers, the gradient of the loss
# with respect to itself, double parentheses, and a matrix product in the memory order of its first argument.
_VARIABLE = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\b(?!=[^=])")
_CHOICE = re.compile(r"(?P<this>.+) if (?P<a>[\d.]+) (?P<sign>[!=]=) (?P<b>[\d.]+) else (?P<that>.+)")
_ONE = re.compile(r"(?<![\w.])1\.0 \* ")
_PARENTHESES = re.compile(r"\(\(([^()]*)\)\)")
_PRODUCT = re.compile(r"\bmatmul_as\(\w+, ([\w.]+), ([\w.]+)\)")


def checked_language(language: str) -> str:
    """The language, if pages can be written in it. Raises ValueError otherwise."""
    if language not in _FORWARD:
        raise explain(
            ValueError(f"language must be 'en' or 'ko', not {language!r}"),
            f"language에는 'en' 또는 'ko'를 쓰십시오. 받은 값: {language!r}",
        )
    return language


class Comments:
    """The comments above the statements of a page. `name` gives the variable of a value, if it has one."""

    def __init__(self, language: str, name: Callable[[Value], str | None], values: Iterable[Value]) -> None:
        self.language, self._name, self._section, self._group = language, name, "", ""
        self._has_backward = False
        self._is_past = False  # whether backward has begun: the statements of an optimizer after it are not forward
        # A gradient is a sum of contributions. For each: the value of the sum up to it, and that of the sum before it.
        self._gradients, self._before = dict[Any, Value](), dict[Any, Value]()
        for value in values:
            self._has_backward |= bool(value.origin.argument)
            if (of := value.origin.of) is not None:
                part = _part(value.origin)
                self._gradients[part] = value
                for x in value.values:
                    if x.origin.of is of and _part(x.origin) != part:
                        self._before[part] = x

    def above(self, value: Value, line: str) -> list[str]:
        """The comments above a statement, where they differ from the last ones. A formula that is the statement itself is left out."""
        section, group = self._section_of(value), self._group_of(value.origin)
        comments = [f"# {section}"] if section and section != self._section else []
        if group and not group.endswith(f": {line}") and (comments or group != self._group):
            comments.append(f"# {group}")
        self._section, self._group = section, group
        return comments

    def _section_of(self, value: Value) -> str:
        origin = value.origin
        text = _line_text(origin.line) or origin.op
        if not self._has_backward or not text:
            return text
        if origin.argument:
            self._is_past = True
            return _BACKWARD[self.language] + text
        return _FORWARD[self.language] * (not self._is_past) + text

    def _group_of(self, origin: Origin) -> str:
        """The formula of a gradient, with the variables of the page in place of those of the op."""
        if not origin.argument:
            return ""
        formula = _VARIABLE.sub(lambda found: self._variable(found[1], origin), origin.formula)
        if (choice := _CHOICE.fullmatch(formula)) is not None:
            holds = (float(choice["a"]) == float(choice["b"])) == (choice["sign"] == "==")
            formula = choice["this" if holds else "that"]
        formula = _PARENTHESES.sub(r"(\1)", _ONE.sub("", _PRODUCT.sub(r"\1 @ \2", formula)))
        if all(len(x.shape) <= 2 for x in origin.letters.values() if isinstance(x, Value)):
            formula = formula.replace(".mT", ".T")
        if origin.of is None:
            return _RULE[self.language].format(origin.op) + f"{origin.argument}: {formula}"
        if origin.formula in ("g", "-g") and origin.call is not None and origin.call.shape != origin.of.shape:
            formula += _SUMMED[self.language].format(origin.of.shape)
        part = _part(origin)
        gradient = self._name(self._gradients[part]) or ""
        if not gradient.startswith(("d", "new_d")):  # the page has only an intermediate result of it
            return _RULE[self.language].format(origin.op) + formula
        before = self._name(self._before[part]) if part in self._before else None
        equals = "=" if before is None else "+=" if before == gradient else f"= {before} +"
        return _RULE[self.language].format(origin.op) + f"{gradient} {equals} {formula}"

    def _variable(self, letter: str, origin: Origin) -> str:
        """The text for a variable of a formula: the variable of the page, or a number."""
        meant = origin.letters.get(letter)
        if isinstance(meant, Value):
            name = self._name(meant)
            if name is None and meant.simplified is not None:
                meant = meant.simplified
                name = number_text(meant.settings[0].item()) if meant.operation == "full" else self._name(meant)
            return name or letter
        plain = isinstance(meant, int | float) and not isinstance(meant, bool | np.generic) and meant >= 0
        return repr(meant) if plain else letter

    @property
    def blocks(self) -> str:
        """The comment above a loop."""
        return _BLOCKS[self.language]

    def docstring(self, name: str, inputs: list[Value]) -> list[str]:
        """The docstring of the function, with the shapes and dtypes of its arguments."""
        by_dtype = dict[Any, list[str]]()
        for value in inputs:
            by_dtype.setdefault(value.dtype, []).append(f"{self._name(value)} {value.shape}")
        shapes = "; ".join(f"{dtype}: {', '.join(names)}" for dtype, names in by_dtype.items())
        floats = [self._name(value) for value in inputs if value.dtype.kind == "f" and value.shape]
        gradients = _GRADIENTS[self.language].format(floats[-1]) if floats and self._has_backward else ""
        made = _MADE[self.language].format(f"`{name}`", gradients)
        return [f'"""{made}', *wrapped(shapes, '"""')] if shapes else [f'"""{made}"""']


def _part(origin: Origin) -> Any:
    """A key of a contribution to a gradient: the call that it comes through, the gradient of its output, and the argument."""
    call, g = [getattr(x, "rank", id(x)) for x in (origin.call, origin.letters.get("g"))]
    return origin.op, call, g, origin.argument, origin.of.rank


@cache
def _line_text(line: str) -> str:
    """The source text of a line, file:number, without a comment."""
    file, _, number = line.rpartition(":")
    text = linecache.getline(file, int(number)).strip() if number.isdigit() else ""
    return text.partition("  #")[0]


def wrapped(text: str, end: str, width: int = 100) -> list[str]:
    """A text in lines of at most `width` characters, broken after commas outside of brackets."""
    lines = [""]
    for part in re.split(r"(?<=[,;] )(?![^(\[]*[)\]])", text):
        if len(lines[-1]) + len(part) > width and lines[-1]:
            lines.append("")
        lines[-1] += part
    return [*(line.rstrip() for line in lines[:-1]), lines[-1] + end]
