"""Suggestions: the error for an attribute or an argument that there is not, with what was probably meant.

Classes hold the names of other libraries as descriptors that raise: `__getattr__` would slow down every other attribute.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.habits import ARGUMENTS, HABITS, MODULE, OPTIMIZER, TENSOR
from tinygrad_ko.runtime.names import homes, room_named

F = TypeVar("F", bound=Callable[..., Any])


class _Foreign(str):
    """The name of an attribute that there is not, in a class: asked for, it raises AttributeError with what to write."""

    __slots__ = ()

    def __get__(self, instance: Any, kind: Any) -> Any:
        owner = next(part for part in kind.__mro__ if vars(part).get(self) is self)
        behind = kind.__mro__[kind.__mro__.index(owner) + 1 :]  # a class of the user's may stand there
        if any(self in vars(part) for part in behind):
            return getattr(super(owner, kind if instance is None else instance), self)
        if cure := kind._instead_of(str(self)):
            english, korean = f"write {cure}", f"다음과 같이 쓰십시오: {cure}"
        else:
            english, korean = "layers compute on NumPy's arrays, on the CPU", "계층은 NumPy 배열로 CPU에서 계산합니다."
        raise explain(
            AttributeError(f"{kind.__name__!r} object has no attribute {str(self)!r}; {english}", name=str(self)),
            f"{kind.__name__}에 없는 이름입니다: {self}. {korean}",
        )


class _ForeignNames:
    __slots__ = ()

    def __dir__(self) -> list[str]:
        static = {name: inspect.getattr_static(self, name) for name in object.__dir__(self)}
        return [name for name, value in static.items() if not isinstance(value, _Foreign) or hasattr(self, name)]


_NUMPYS = [
    name for name in vars(np.ndarray) if name[0] != "_" and hasattr(np.empty((1, 1)), name)
]  # NumPy 2.1 has some that raise
_HABITS = [name for name in HABITS if name.islower()]
_OPS = [name for name, home in homes("tinygrad_ko").items() if ".ops." in home]


class ForeignToTensor(_ForeignNames):
    """Base of Tensor: NumPy's methods, habits, and the functions of the rule book, where Tensor has no attribute of that name."""

    __slots__ = ()
    vars().update({name: _Foreign(name) for name in (*_NUMPYS, *_HABITS, *_OPS, *TENSOR)})

    @classmethod
    def _instead_of(cls, name: str) -> str:
        if name in TENSOR:
            return TENSOR[name]
        if name not in HABITS and name not in _OPS:
            return f"x.numpy().{name}"
        room, _, full = HABITS.get(name, f"tg.{name}").rpartition(".")
        if not isinstance(inspect.getattr_static(cls, full, _Foreign()), _Foreign):
            return f"x.{full}(...)"
        function = getattr(room_named(room), full)
        if isinstance(function, type):
            return f"tg.{full}(...)"
        parameters = inspect.signature(function).parameters.values()
        needed = [p.name for p in parameters if p.default is p.empty and p.kind < p.KEYWORD_ONLY]
        return f"{'' if room == 'tg' else 'tg.'}{room}.{full}({', '.join(needed)})"


class ForeignToModule(_ForeignNames):
    """Base of Module: the attributes of networks and layers in other libraries."""

    vars().update({name: _Foreign(name) for name in MODULE})
    _instead_of = staticmethod(MODULE.__getitem__)


class ForeignToOptimizer(_ForeignNames):
    """Base of Optimizer: the attributes of optimizers in other libraries."""

    vars().update({name: _Foreign(name) for name in OPTIMIZER})
    _instead_of = staticmethod(OPTIMIZER.__getitem__)


def explained(function: F) -> F:
    """Decorator: a call with a wrong argument, or without one that is needed, says what was probably meant."""

    @wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:  # from inside the function
                raise
            name = function.__name__
            if name == "__init__" and arguments:
                kind: Any = type(arguments[0])  # unless it is its base that is called so
                own = vars(kind).get("__init__", called) is called
                name = kind.__name__ if own else function.__qualname__.split(".")[-2]
            raise _wrong_call(function, name, str(error)) from None

    return cast(F, called)


def explain_construction(kind: Any) -> None:
    """A wrong argument of the class's own `__init__` is explained."""
    if isinstance(init := vars(kind).get("__init__"), FunctionType):
        kind.__init__ = explained(init)


def wrong_argument(function: Callable[..., Any], word: str, *others: str) -> TypeError:
    """The error for an argument that a function does not have, where it collects them itself."""
    name = function.__name__
    return _wrong_call(function, name, f"{name}() got an unexpected keyword argument {word!r}")


def _wrong_call(function: Callable[..., Any], name: str, said: str) -> TypeError:
    signature = inspect.signature(function)
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
    usage = re.sub(r"=<.*?>(?=[,)])", "=...", f"{name}{inspect.Signature(parameters)}")
    sentence = f"{name}() {said.partition('() ')[2]}"
    if word := re.search(r"unexpected keyword argument '(\w+)'", said):
        if near := _meant_argument(name, word[1], [p.name for p in parameters if p.kind > p.POSITIONAL_ONLY]):
            return explain(
                TypeError(f"{sentence.partition('. Did')[0]}; did you mean {' or '.join(near)}?"),
                f"{name}: 없는 인수입니다: {word[1]}. 비슷한 이름: {', '.join(near)}",
            )
        return explain(
            TypeError(f"{sentence}; call it as {usage}"), f"{name}: 없는 인수입니다: {word[1]}. 올바른 호출: {usage}"
        )
    missing = ", ".join(re.findall(r"'(\w+)'", said))
    korean = f"필요한 인수가 빠졌습니다: {missing}" if missing else "인수의 수나 순서가 맞지 않습니다"
    return explain(TypeError(f"{sentence}; call it as {usage}"), f"{name}: {korean}. 올바른 호출: {usage}")


def _meant_argument(name: str, word: str, known: Sequence[str]) -> list[str]:
    habit = ARGUMENTS.get(f"{name}.{word}") or ARGUMENTS.get(word, "")
    if habit and not habit.isidentifier():
        return [habit]
    from difflib import get_close_matches

    near = [habit] if habit in known else [] if habit else get_close_matches(word, known, n=2, cutoff=0.7)
    return [f"{name}=" for name in near]
