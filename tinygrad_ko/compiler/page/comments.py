"""Comments: the user's line that statements belong to and, in the backward pass, the formula of each gradient; in English or Korean."""

import linecache
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from keyword import iskeyword
from typing import Any

import numpy as np

from tinygrad_ko.compiler.page.expressions import Expressions
from tinygrad_ko.compiler.page.globals import PageGlobals, number_text
from tinygrad_ko.compiler.page.names import PageNames
from tinygrad_ko.compiler.program.values import Origin, Value
from tinygrad_ko.errors import explain

_FORWARD = {"en": "forward: ", "ko": "순전파: "}
_BACKWARD = {"en": "backward: ", "ko": "역전파: "}
_RULE = {"en": "rule of {}", "ko": "{}의 미분 규칙"}
_FOR = {"en": " for {}", "ko": "({})"}
_SUMMED = {"en": " (summed to the shape {})", "ko": " (형상 {}에 맞추어 합산)"}
_BLOCKS = {"en": "# in blocks that stay in the processor's cache", "ko": "# 프로세서의 캐시에 머무는 블록 단위로 계산"}
_BITS = {
    "en": "# np.where(c, x, 0) by bits: c is 1 or 0, and takes the bits of x as an integer; faster, for it has no branch",
    "ko": "# np.where(c, x, 0)을 비트로 계산: x의 비트를 정수로 보고 1 또는 0인 c를 곱함. 분기가 없어 더 빠름",
}
_MADE = {
    "en": "Made by tinygrad_ko from {}.{}",
    "ko": "tinygrad_ko가 {}에서 만든 함수입니다.{}",
}
_GRADIENTS = {"en": "d{0} is the gradient with respect to {0}.", "ko": "d{0}: {0}에 대한 기울기."}

# Parts of formulas: a variable (not an attribute, not a keyword of a call), a conditional expression of numbers, the gradient of the loss
# with respect to itself, double parentheses, and a matrix product in the memory order of its first argument.
_VARIABLE = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\b(?!=[^=])")
_CHOICE = re.compile(r"(?P<this>.+) if (?P<a>[\d.]+) (?P<sign>[!=]=) (?P<b>[\d.]+) else (?P<that>.+)")
_ONE = re.compile(r"(?<![\w.])1\.0 \* ")
_PARENTHESES = re.compile(r"\(\(([^()]*)\)\)")
_PRODUCT = re.compile(r"\bmatmul_as\(\w+, ([\w.]+), ([\w.]+)\)")
# No variable of the page for one of a formula's; a formula in which a number may stand for an array of it; a choice by bits.
_UNKNOWN = "\0"
_ELEMENTWISE = re.compile(r"-?\w+( [*/] -?\w+)*")
_BY_BITS = re.compile(r"\.astype\(np\.int\d+\) \* .*\.view\(np\.int\d+\)\)\.view\(")


def checked_language(language: str) -> str:
    """The language, if pages can be written in it. Raises ValueError otherwise."""
    if language not in _FORWARD:
        raise explain(
            ValueError(f"language must be 'en' or 'ko', not {language!r}"),
            f"language에는 'en' 또는 'ko'를 쓰십시오. 받은 값: {language!r}",
        )
    return language


class Comments:
    """The comments above the statements of a page. `names` has the variables of values, by their ranks."""

    def __init__(self, language: str, names: Mapping[int, str], values: Iterable[Value]) -> None:
        self.language, self._names = language, names
        self._section, self._group = "", ""  # what was said last
        self._call, self._of = None, None  # and of which call of a layer, and of which formula
        self._gone = set[int]()  # the ranks of values that have been written over
        self._has_bits = False  # whether it has been said what is done by bits
        calls = dict[str, set[int]]()  # of layers, on each of the user's lines
        self._has_backward = False
        self._is_past = False  # whether backward has begun: the statements of an optimizer after it are not forward
        # A gradient is a sum of contributions. For each: the value of the sum up to it, and that of the sum before it.
        self._gradients, self._before = dict[Any, Value](), dict[Any, Value]()
        ordered = [*values]
        # Checks are made beside the ops that they are for.
        self._ops = {
            value.rank: after.origin.op
            for value, after in pairwise(ordered)
            if value.is_effect and not value.origin.op and value.origin.line == after.origin.line
        }
        for value in ordered:
            self._has_backward |= bool(value.origin.argument)
            if value.origin.layers:
                calls.setdefault(value.origin.line, set()).add(id(value.origin.layers[-1]))
            if (of := value.origin.of) is not None:
                part = _part(value.origin)
                self._gradients[part] = value
                self._before.pop(part, None)
                for x in value.values if value.settings == ("add",) else ():
                    if x.origin.of is of and self._gradients.get(_part(x.origin)) is x and _part(x.origin) != part:
                        self._before[part] = x
        self._layered = {line for line, several in calls.items() if len(several) > 1}

    def above(self, value: Value, line: str) -> list[str]:
        """The comments above a statement, where they differ from the last ones. A formula that is the statement itself is left out."""
        section, layer, call = self._section_of(value), *self._layer_of(value)
        comments = [f"# {section}"] if section and section != self._section else []
        of = _formula_key(value.origin)
        group = self._group if of == self._of and not comments else self._group_of(value.origin)
        if layer and (comments or call != self._call) and not (layer == value.origin.op and group):
            comments.append(f"# {layer}")
        if group and (comments or group != self._group) and not group.endswith(f": {line}"):
            comments.append(f"# {group}")
        self._section, self._call, self._group, self._of = section, call, group, of
        if not self._has_bits and _BY_BITS.search(line):
            self._has_bits = True
            comments.append(_BITS[self.language])
        return comments

    def written(self, value: Value, over: Value | None) -> None:
        """A line has been written, maybe over another value: from here on the name of that means something else."""
        if over is not None:
            self._gone.add(over.rank)
        self._gone.discard(value.rank)

    def _layer_of(self, value: Value) -> tuple[str, Any]:
        """The layer of a model, where a line of the user's calls several, or the op, and what tells this call from others of it."""
        origin = value.origin
        if origin.line not in self._layered:
            return "", None
        op = self._ops.get(value.rank, origin.op)
        inside = origin.layers[1:]  # of the outermost, in which all are
        return (" > ".join(inside), id(inside[-1])) if inside else (op, op)

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
        rule = _RULE[self.language].format(origin.op)
        final = None if origin.of is None else self._gradients[_part(origin)]
        gradient = "" if final is None else self._names.get(final.rank, "")
        gradient = gradient if gradient.startswith(("d", "new_d")) else ""  # else only a step to it is on the page
        formula = self._formula(origin)
        before = None if final is None else self._before.get(_part(origin))
        is_sum = final is not None and final.settings in (("add",), ("subtract",))  # no formula is one: it is of parts
        name = "" if before is None else self._named(before)
        is_unclear = name not in ("", gradient) and _is_summed(origin)  # of what is the sum?
        if formula is None or name is None or is_unclear or (is_sum and before is None):
            return rule + (_FOR[self.language].format(gradient) if gradient else "")
        if not gradient:
            return f"{rule}: {formula}"
        if _is_summed(origin):
            formula += _SUMMED[self.language].format(origin.of.shape)
        if not name:
            return f"{rule}: {gradient} = {formula}"
        return f"{rule}: {gradient} " + (f"+= {formula}" if name == gradient else f"= {name} + {formula}")

    def _formula(self, origin: Origin) -> str | None:
        """The formula, if each of its letters is a number, or has a name on the page that still means the same there."""
        formula = _PRODUCT.sub(r"\1 @ \2", origin.formula)
        formula = _VARIABLE.sub(lambda letter: self._variable(letter, origin) or _UNKNOWN, formula)
        if (choice := _CHOICE.fullmatch(formula)) is not None:
            formula = choice[
                "this" if (float(choice["a"]) == float(choice["b"])) == (choice["sign"] == "==") else "that"
            ]
        if _UNKNOWN in formula:
            return None
        if all(len(x.shape) <= 2 for x in origin.letters.values() if isinstance(x, Value)):
            formula = formula.replace(".mT", ".T")
        return _PARENTHESES.sub(r"(\1)", _ONE.sub("", formula))

    def _variable(self, letter: re.Match[str], origin: Origin) -> str | None:
        """What a name in a formula stands for, if that can be said with the names of the page."""
        name, end = letter[1], letter.end()
        if letter.string[end : end + 1] == "(":  # a function of the rule book's
            name = name.strip("_")
            return None if name in self._names.values() else name
        if iskeyword(name):
            return name
        meant = origin.letters.get(name)
        if isinstance(meant, Value):
            found = self._named(meant)
            if (
                found is None
                or not _is_number(found)
                or not (meant.shape or letter.string[end : end + 1] in (".", "["))
            ):
                return found
            # A number that stands for an array of it.
            return found if _ELEMENTWISE.fullmatch(origin.formula) and not _is_summed(origin) else None
        plain = isinstance(meant, int | float) and not isinstance(meant, bool | np.generic) and meant >= 0
        return repr(meant) if plain else None

    def _name(self, value: Value) -> str:
        return self._names[value.rank]

    def _named(self, value: Value) -> str | None:
        """What a value is called, or a view by what it is a view of, unless that has been written over."""
        if value.rank in self._gone:
            return None
        if (name := self._names.get(value.rank)) is not None:
            return name
        if value.operation == "full":
            return number_text(np.asarray(value.settings[0]).item())
        if value.simplified not in (None, value):
            return self._named(value.simplified)
        if value.operation == "view" and (name := self._named(value.inputs[0])) is not None and not _is_number(name):
            return Expressions({value.inputs[0]: name}, PageGlobals(PageNames())).of(value)[0]
        return None

    @property
    def blocks(self) -> str:
        """The comment above a loop."""
        return _BLOCKS[self.language]

    def gradients(self, inputs: list[Value]) -> str:
        """What a d before a name means, by an example that is on the page; nothing if there is none."""
        names = [*map(self._name, inputs)]
        found = [name for name in names if f"d{name}" in self._names.values() and f"d{name}" not in names]
        return _GRADIENTS[self.language].format(found[-1]) if found and self._has_backward else ""

    def docstring(self, name: str, inputs: list[Value]) -> list[str]:
        """The docstring of the function, with the shapes and dtypes of its arguments."""
        by_dtype = dict[Any, list[str]]()
        for value in inputs:
            kind = python_type(value) if value.is_number else value.dtype
            by_dtype.setdefault(kind, []).append(self._name(value) + f" {value.shape}" * (not value.is_number))
        shapes = "; ".join(f"{dtype}: {', '.join(names)}" for dtype, names in by_dtype.items())
        gradients = self.gradients(inputs)
        made = _MADE[self.language].format(f"`{name}`", gradients and f" {gradients}")
        return [f'"""{made}', *wrapped(shapes, '"""')] if shapes else [f'"""{made}"""']


def python_type(number: Value) -> str:
    """The type of a Python number."""
    return {"f": "float", "b": "bool"}.get(number.dtype.kind, "int")


def _is_summed(origin: Origin) -> bool:
    """Whether a gradient is summed over the axes along which the op has stretched its argument."""
    if origin.of is None or origin.call is None or not origin.broadcasts:
        return False
    last = -2 if "@" in origin.formula or "matmul" in origin.formula else None  # axes of matrices are not stretched
    return bool(origin.of.shape[:last] != origin.call.shape[:last])


def _is_number(text: str) -> bool:
    return text[0] in "-0123456789"


def _part(origin: Origin) -> Any:
    """A key of a contribution to a gradient: the call that it comes through, the gradient of its output, and the argument."""
    call, g = [getattr(x, "rank", id(x)) for x in (origin.call, origin.letters.get("g"))]
    return origin.op, call, g, origin.argument, origin.of.rank


def _formula_key(origin: Origin) -> Any:
    """What tells the lines of one formula from those of others."""
    return origin.of and (_part(origin), origin.line)


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
