"""`compile`: a function of arrays as a program of NumPy calls, made when it is first called with arrays of these shapes and dtypes."""

import inspect
import os
import sys
import warnings
from collections import OrderedDict
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload
from weakref import WeakKeyDictionary

from tinygrad_ko.compiler.arguments import in_words, leaves_and_key, parameter_names, parameters_of
from tinygrad_ko.compiler.compilation import Compilation
from tinygrad_ko.compiler.gradients import Invocation, drawn_again
from tinygrad_ko.compiler.page.comments import checked_language
from tinygrad_ko.compiler.refusals import many_programs, no_function, no_room, not_called_yet, only_compiled
from tinygrad_ko.engine.graph import current
from tinygrad_ko.errors import called_too_late
from tinygrad_ko.runtime.inlining import inlined
from tinygrad_ko.state.preserve import preserving, preserving_state

_PROGRAMS = 16  # of one function; the least recently used is dropped
_MANY = 8  # so many, and there is a warning

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")


class Compiled(Generic[P, R]):
    """A compiled function: called as the function itself is. Its `__dict__` is for what a user puts there, as that of a function."""

    __slots__ = ("__dict__", "__weakref__", "_classes", "_last", "_made", "_of", "f", "programs")

    def __init__(self, f: Callable[P, R]) -> None:
        self.f, self.programs = f, OrderedDict[Any, list[Compilation]]()
        self._last: tuple[Any, ...] = ()  # program, arguments and options of the last call
        self._made: list[dict[str, str]] = []  # for each of the first programs, what the arguments were
        self._of: tuple[type, str] | None = None  # of a method: its class, and its name there
        self._classes: WeakKeyDictionary[type, Compiled[Any, Any]] = (
            WeakKeyDictionary()
        )  # of a classmethod, for each class
        self.__name__ = self.__qualname__ = getattr(f, "__name__", type(f).__name__)
        update_wrapper(self, f, updated=())

    def __call__(self, /, *arguments: P.args, **options: P.kwargs) -> R:
        mode = current.get()
        if mode.watch or inlined.get():
            return self.f(*arguments, **options)
        leaves, tensors, key = leaves_and_key(arguments, options, mode.record)
        with preserving:  # while another function is traced, Symbols lie where this one may look
            program, held = self._program(key, leaves, arguments, options)
        self._last = program, arguments, options
        call = Invocation(program, leaves, tensors, held, arguments, options)
        try:
            results = call.run()
        except Exception as error:
            failed = error
        else:
            program.change(results)
            made: R = call.returned(results)
            return made
        with preserving_state(*program.things), drawn_again(program.streams, call.states[0]):
            self.f(*arguments, **options)  # the eager engine says what is wrong, and where
        raise only_compiled(failed, self.__name__)

    def _program(self, key: Any, leaves: list[Any], arguments: Any, options: Any) -> tuple[Compilation, list[Any]]:
        """The program for these arguments and for what the function holds now, and the arrays that it holds."""
        if (programs := self.programs.get(key)) is not None:
            self.programs.move_to_end(key)
            for i, program in enumerate(programs):  # each is for other things that the function holds
                if (held := program.held_now(leaves)) is not None:
                    if i > 0:
                        programs.insert(0, programs.pop(i))
                    return program, held
        program = Compilation(self.f, arguments, options)
        self.programs[key] = [program, *(programs or ())]
        if sum(map(len, self.programs.values())) > _PROGRAMS:
            oldest, those = next(iter(self.programs.items()))
            those.pop()
            if not those:
                del self.programs[oldest]
        self._note(arguments, options)
        return program, program.held_now(leaves) or []

    def _note(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Warn if one program after another is made."""
        if len(self._made) == _MANY:
            return
        names = [*parameter_names(self.f, len(arguments)), *options]
        self._made.append(dict(zip(names, map(in_words, (*arguments, *options.values())), strict=True)))
        if len(self._made) == _MANY:
            forms = {name: list(dict.fromkeys(made[name] for made in self._made if name in made)) for name in names}
            changes = {name: several[:3] for name, several in forms.items() if len(several) > 1}
            warnings.warn(many_programs(self.__name__, _MANY, changes), stacklevel=4)

    @property
    def source(self) -> str:
        """The page of NumPy that the last call ran. Raises RuntimeError before the first call."""
        return self.page()

    def page(self, language: str = "en") -> str:
        """The page that the last call ran, with comments in English ("en") or Korean ("ko"). Raises RuntimeError before the first call."""
        return self._ran(".page").writer.text(checked_language(language))

    def export(self, path: str | os.PathLike[str], *arguments: Any, language: str = "en", **options: Any) -> Path:
        """Write a Python file that computes the same and imports NumPy alone; returns its path.

        The file has one function. Its arguments are the arrays and floats of the last call (or of these arguments), then what the function
        holds, by name: parameters, what an optimizer keeps, random generators. It returns the results, then what it changes of that;
        its docstring tells in which order. It refuses arrays of other shapes and dtypes. It is run in a process of its own
        and compared with the engine, bit for bit, before anything is written, and says so in its head. Comments and docstrings are
        in English ("en") or Korean ("ko").

        Raises RuntimeError before the first call, and if the file does not give what the engine gives, TypeError if it would need a
        function that cannot be copied or an array that is too large.
        """
        from tinygrad_ko.compiler.export import export

        if not arguments and not options:
            self._ran(".export")
            arguments, options = self._last[1:]
        leaves, _, key = leaves_and_key(arguments, options, current.get().record)
        with preserving:  # the program for what the function holds now, which may not be that of the last call
            program, held = self._program(key, leaves, arguments, options)
            return export(program, path, [*leaves, *held], arguments, options, language)

    def _ran(self, what: str) -> Compilation:
        """The program of the last call."""
        if not self._last:
            raise not_called_yet(self.__name__, what)
        program: Compilation = self._last[0]
        return program

    @overload
    def __get__(self, instance: None, owner: Any = None) -> "Compiled[P, R]": ...
    @overload
    def __get__(self: "Compiled[Concatenate[S, Q], R]", instance: S, owner: Any = None) -> "Compiled[Q, R]": ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: a compiled function of its own for each object, which keeps it."""
        bound = self.f.__get__(instance, owner) if hasattr(self.f, "__get__") else self.f
        if instance is None or getattr(bound, "__self__", None) is not instance:
            return self
        if inlined.get():
            return bound
        if isinstance(instance, type):  # of a classmethod: kept here for each class
            return self._classes.setdefault(instance, Compiled(bound))
        kind, name = self._place(type(instance))
        key = name if getattr(type(instance), name) is self else f"{kind.__qualname__}.{name}"  # what super() finds
        if not hasattr(instance, "__dict__"):
            raise no_room(kind.__qualname__, name)
        if key not in vars(instance):
            vars(instance)[key] = made = Compiled(bound)
            made._of = kind, name
        return vars(instance)[key]

    def _place(self, kind: type) -> tuple[type, str]:
        """The class whose method it is, and under which name."""
        found = ((owner, name) for owner in kind.__mro__ for name, value in vars(owner).items() if value is self)
        return next(found, (kind, self.__name__))

    def __repr__(self) -> str:
        count = sum(map(len, self.programs.values()))
        programs = f"{count} program{'s' * (count != 1)}"
        return f"<compiled {self.__name__}({', '.join(str(p.replace(annotation=p.empty)) for p in parameters_of(self.f))}): {programs}>"

    def __reduce__(self) -> Any:
        """A function that its name finds is pickled and copied by its name, as functions are; a method with its object; any other anew."""
        found: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is self:
            return self.__qualname__
        if self._of is not None:
            return _method, (*self._of, getattr(self.f, "__self__", None))
        return Compiled, (self.f,)


def _method(kind: type, name: str, instance: Any) -> Any:
    return vars(kind)[name].__get__(instance, type(instance))


def compile(f: Callable[P, R]) -> Compiled[P, R]:
    """A function that computes what f computes by a program of NumPy calls, which is made when it is first called.

    f is called (twice, to see that it does the same) with arrays that record what is done with them. That is simplified and written as a
    page of NumPy, `.source`, which every call runs from then on: without a Tensor or a graph, and to the last bit what f gives (but for
    sums over large arrays, which are taken in blocks). `.page(language="ko")` has its comments in Korean, and `.export("step.py")` writes
    a file that computes the same with NumPy alone. f is any function of arrays, Tensors, numbers, and dicts, lists and tuples of them:
    also one that `tg.func.grad` gives, a model, or a whole training step. It may be used as a decorator, of methods too.

    The results have the types, shapes and dtypes that f would give, and belong to the caller. Python floats are arguments like arrays;
    ints, strings, lists of numbers and objects such as a model are not: another one makes another program, as do other shapes, dtypes and
    strides, and another mode or setting in what f holds. 16 programs are kept, and there is a warning at the eighth. Gradients of any
    order pass through Tensors that are given or held (the parameters of a model); they are those of the values at the call.

    Under `tg.watch()`, and inside another compiled function, f itself is called. Many threads may call a compiled function; while one of
    them traces it, others that compute with the same model get a RuntimeError, so make the first call before they start.

    Raises TypeError where f looks at numbers to decide what it does (`if x > 0`, `float(x)`, `x.item()`), with the line; where it changes
    its arguments; and for arguments that are neither arrays of NumPy's nor plain values. Whatever f raises comes as from f, and then
    nothing is changed.

    >>> import numpy as np, tinygrad_ko as tg
    >>> @tg.compile
    ... def loss(w, x):
    ...     return tg.sum((tg.tanh(x @ w) - 1) ** 2)
    >>> w, x = tg.Tensor([0.5, -1.0], requires_grad=True), np.eye(2)
    >>> y = loss(w, x)
    >>> y.backward()
    >>> y, w.grad
    (Tensor(3.392..., shape=(), dtype=float64, op=loss), array([-0.846..., -1.479...]))
    >>> loss
    <compiled loss(w, x): 1 program>
    >>> print(loss.source)
    import numpy as np
    def loss(w, x):
        ...
    """
    if isinstance(f, Compiled):
        return f
    if not callable(f) or isinstance(f, type):
        raise no_function(f)
    if inspect.iscoroutinefunction(f) or inspect.isgeneratorfunction(f) or inspect.isasyncgenfunction(f):
        raise called_too_late(f.__name__)
    return Compiled(f)
