"""`compile`, and the cache of programs of a compiled function."""

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
from tinygrad_ko.compiler.gradients import Invocation, replaying
from tinygrad_ko.compiler.page.comments import checked_language
from tinygrad_ko.compiler.refusals import many_programs, no_dict, no_function, not_called_yet, only_compiled
from tinygrad_ko.engine.graph import current
from tinygrad_ko.errors import called_too_late
from tinygrad_ko.runtime.inlining import inlined
from tinygrad_ko.state.preserve import preserving, preserving_state

_PROGRAMS = 16  # programs of one function that are kept; the least recently used is dropped
_MANY = 8  # compilations of one function, at which there is a warning

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")


class Compiled(Generic[P, R]):
    """A compiled function, which is called like the function itself. `programs` is the cache: for each key, programs with different
    guards. Its `__dict__` is for what a user puts there, as that of a function.
    """

    __slots__ = ("__dict__", "__weakref__", "_classes", "_last", "_made", "_of", "f", "programs")

    def __init__(self, f: Callable[P, R]) -> None:
        self.f, self.programs = f, OrderedDict[Any, list[Compilation]]()
        self._last: tuple[Any, ...] = ()  # the program, arguments and options of the last call
        self._made: list[
            tuple[dict[str, str], dict[str, str]]
        ] = []  # of the first compilations the arguments, and what was held
        self._of: tuple[type, str] | None = None  # the class and name of a method
        self._classes = WeakKeyDictionary[type, "Compiled[Any, Any]"]()  # of a classmethod, for each class
        self.__name__ = self.__qualname__ = getattr(f, "__name__", type(f).__name__)
        update_wrapper(self, f, updated=())

    def __call__(self, /, *arguments: P.args, **options: P.kwargs) -> R:
        mode = current.get()
        if mode.watch or inlined.get():
            return self.f(*arguments, **options)
        leaves, tensors, key = leaves_and_key(arguments, options, mode.record)
        with preserving:  # a lock: while another function is traced, Symbols stand in places that this one may read
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
        with preserving_state(*program.holders), replaying(program.streams, call.states[0]):
            self.f(*arguments, **options)  # raises the eager engine's error, which names op and line
        raise only_compiled(failed, self.__name__)

    def _program(self, key: Any, leaves: list[Any], arguments: Any, options: Any) -> tuple[Compilation, list[Any]]:
        """The program for these arguments and the present state of the function, and the arrays of the state that it reads."""
        if (programs := self.programs.get(key)) is not None:
            self.programs.move_to_end(key)
            for i, program in enumerate(programs):
                if (held := program.held_now(leaves)) is not None:
                    if i > 0:
                        programs.insert(0, programs.pop(i))
                    return program, held
        program = Compilation(self.f, arguments, options)
        self.programs[key] = [program, *(programs or ())]
        if sum(map(len, self.programs.values())) > _PROGRAMS:
            oldest, programs = next(iter(self.programs.items()))
            programs.pop()
            if not programs:
                del self.programs[oldest]
        self._note(arguments, options, program.forms)
        return program, program.held_now(leaves) or []

    def _note(self, arguments: tuple[Any, ...], options: dict[str, Any], held: dict[str, str]) -> None:
        """Warn at the eighth compilation, naming the arguments that change or, if none does, what changes in what the function holds."""
        if len(self._made) == _MANY:
            return
        names = [*parameter_names(self.f, len(arguments)), *options]
        self._made.append((dict(zip(names, map(in_words, (*arguments, *options.values())), strict=True)), held))
        if len(self._made) == _MANY:
            given, kept = (_changes([*made]) for made in zip(*self._made, strict=True))
            warnings.warn(many_programs(self.__name__, _MANY, given, kept), stacklevel=4)

    @property
    def source(self) -> str:
        """The NumPy source that the last call ran. Raises RuntimeError before the first call."""
        return self.page()

    def page(self, language: str = "en") -> str:
        """The NumPy source that the last call ran, with comments in English ("en") or Korean ("ko"). Raises RuntimeError before the first
        call.
        """
        return self._ran(".page").writer.text(checked_language(language))

    def export(self, path: str | os.PathLike[str], *arguments: Any, language: str = "en", **options: Any) -> Path:
        """Write a Python file that computes the same and imports NumPy alone (and SciPy where a function of
        `tg.special` is computed); returns its path.

        The file has one function. Its arguments are the arrays and floats of the last call (or of these arguments), then what the function
        holds, by name: parameters, what an optimizer keeps, random generators. It returns the results, then what it changes of that;
        its docstring tells in which order. It refuses arrays of other shapes and dtypes. It is run in a process of its own
        and compared with the engine, bit for bit, before anything is written, and says so in its head. Comments and docstrings are
        in English ("en") or Korean ("ko").

        Raises RuntimeError before the first call, and if the file does not give what the engine gives, TypeError if it would need a
        function that cannot be copied or an array that is too large.
        """
        from tinygrad_ko.compiler.export import export

        if of_last_call := not arguments and not options:
            self._ran(".export")
            arguments, options = self._last[1:]
        leaves, _, key = leaves_and_key(arguments, options, current.get().record)
        with preserving:  # the state may have changed since the last call
            program, held = self._program(key, leaves, arguments, options)
            return export(program, path, [*leaves, *held], arguments, options, of_last_call, language)

    def _ran(self, what: str) -> Compilation:
        """The program of the last call."""
        if not self._last:
            raise not_called_yet(self.__name__, what)
        program: Compilation = self._last[0]
        return program

    def __getattr__(self, name: str) -> Any:
        """What the model itself has, if it is one: its parameters, layers and modes."""
        if name in self.__slots__ or name.startswith("__") or not _is_model(self.f):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return getattr(self.f, name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of the model, if it is one."""
        is_own = name in self.__slots__ or name.startswith("__") or not _is_model(self.f)
        object.__setattr__(self if is_own else self.f, name, value)

    @overload
    def __get__(self, instance: None, owner: Any = None) -> "Compiled[P, R]": ...
    @overload
    def __get__(self: "Compiled[Concatenate[S, Q], R]", instance: S, owner: Any = None) -> "Compiled[Q, R]": ...
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: each object has a compiled function of its own, in its `__dict__`."""
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
            raise no_dict(kind.__qualname__, name)
        if key not in vars(instance):
            vars(instance)[key] = made = Compiled(bound)
            made._of = kind, name
        return vars(instance)[key]

    def _place(self, kind: type) -> tuple[type, str]:
        """The class that defines it as a method, and its name there."""
        found = ((owner, name) for owner in kind.__mro__ for name, value in vars(owner).items() if value is self)
        return next(found, (kind, self.__name__))

    def __repr__(self) -> str:
        count = sum(map(len, self.programs.values()))
        programs = f"{count} program{'s' * (count != 1)}"
        return f"<compiled {self.__name__}({', '.join(str(p.replace(annotation=p.empty)) for p in parameters_of(self.f))}): {programs}>"

    def __reduce__(self) -> Any:
        """Pickled and copied by name, like functions, if it is found under its name; a method with its object; otherwise compiled anew."""
        found: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            found = getattr(found, name, None)
        if found is self:
            return self.__qualname__
        if self._of is not None:
            return _method, (*self._of, getattr(self.f, "__self__", None))
        return Compiled, (self.f,)


def _is_model(f: Any) -> bool:
    return hasattr(f, "named_parameters")


def _changes(made: list[dict[str, str]]) -> dict[str, list[str]]:
    """The first forms of what has several."""
    forms = {name: list(dict.fromkeys(each[name] for each in made if name in each)) for name in made[-1]}
    return {name: several[:3] for name, several in forms.items() if len(several) > 1}


def _method(kind: type, name: str, instance: Any) -> Any:
    return vars(kind)[name].__get__(instance, type(instance))


def compile(f: Callable[P, R]) -> Compiled[P, R]:
    """A function that computes what f computes by a program of NumPy calls, which is made when it is first called.

    f is traced: called (twice, to see that it does the same) with symbolic arrays, which record the operations. The trace is simplified
    and written as a page of NumPy, `.source`, which every call runs from then on: without a Tensor or a graph, and to the last bit what f
    gives (but for sums over large arrays, which are taken in blocks). `.page(language="ko")` has its comments in Korean, and
    `.export("step.py")` writes a file that computes the same with NumPy alone. f is any function of arrays, Tensors, numbers, and dicts,
    lists and tuples of them: also one that `tg.func.grad` gives, a model, or a whole training step. It may be used as a decorator, of
    methods too.

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
