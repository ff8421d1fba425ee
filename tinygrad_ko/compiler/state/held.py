"""The state that is reachable from a function: the places of its Tensors, arrays, random generators and plain values.

A place is a Python expression that reads it: `model['layers'][0]`, `cell.cell_contents`. Objects are named by identity; lists, tuples and
dicts, which a function may replace by new ones, by their places. Followed are closures, defaults, and global variables of functions, and
attributes, lists, tuples and dicts; not the internals of Python, NumPy and installed packages.
"""

import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from operator import contains, delitem, setitem
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_ko.engine.graph import Handle, Leaf
from tinygrad_ko.nn.module import Module, walk
from tinygrad_ko.optim.optimizers import Optimizer
from tinygrad_ko.optim.schedules import Schedule

CONTAINERS = (list, tuple, dict, deque)
GENERATORS = (np.random.Generator, np.random.RandomState)
PLAIN = (int, float, str, bytes, complex, type(None), np.generic, np.dtype, range, slice)
_BY_CONTENTS = (set, frozenset, bytearray, array)  # compared by their contents
_NO_KEY = object()
_OURS = __name__.partition(".")[0]


@dataclass(slots=True, eq=False)
class Location:
    """A place: the expression that reads it, the beginning of the call that stores something there (`setattr, x, 'name'`; None where
    nothing can be stored), and the path to it in the user's words.
    """

    text: str
    put: str | None
    path: tuple[Any, ...]
    value: Any
    key: Any = _NO_KEY  # the key or index, if it is in a list, tuple or dict
    given_name: str = ""

    @property
    def name(self) -> str:
        """A name for a variable of the program: W1 of params["W1"], layers_0_W of model.layers[0].W."""
        inner = self.path[1:]
        keys = [*(inner if any(isinstance(key, str) for key in inner) else self.path)]
        keys = [key for key in keys if key != "params"] or keys  # the book's name of a network's dict of arrays
        if isinstance(self.value, int | float):
            keys = [key for key in keys if isinstance(key, str)][-1:]
        name = "".join(c if c.isalnum() else "_" for c in "_".join(map(str, keys))).strip("_")
        own = getattr(self.value, "_name", None)  # of a Tensor
        if self.given_name or (own and not isinstance(self.path[-1], str)):
            name = self.given_name or own or ""
        return name if name.isidentifier() else f"x_{name}"

    @property
    def shown(self) -> str:
        """How the user writes it."""
        head, *keys = self.path or ("the function",)
        return str(head) + "".join(f".{k}" if isinstance(k, str) and k.isidentifier() else f"[{k!r}]" for k in keys)


@dataclass(frozen=True, slots=True)
class _Missing:
    """A variable that has no value yet: its name, whether it has one now, and the call that takes it away."""

    name: str
    exists: Callable[[], bool]
    take_away: Callable[[], Any]


@dataclass(slots=True, eq=False)
class Holding:
    """An object that contains others, and the places in it."""

    value: Any
    place: Location
    items: list[Location] = field(default_factory=list)

    @property
    def entries(self) -> list[Location]:
        """The places in a list, tuple or dict itself, without the attributes that one of a class of the user's has."""
        return [item for item in self.items if item.key is not _NO_KEY]


class Held:
    """The state of a function, or of a tuple of functions and objects. Expressions are evaluated in `namespace`."""

    def __init__(self, f: Any) -> None:
        self.namespace: dict[str, Any] = {"setattr": setattr, "setitem": setitem, "delitem": delitem}
        self.parts: dict[int, Holding] = {}  # objects that contain others, by id, outermost first
        self.tensors: dict[int, Location] = {}
        self.arrays: dict[int, Location] = {}
        self.generators: dict[int, Location] = {}
        # Each further place of a container or an array, and the place where it was found first.
        self.aliases: list[tuple[Location, Location]] = []
        self.missing: list[_Missing] = []  # variables that have no value yet
        self.classes: dict[type, set[str]] = {}  # the user's classes, and the names of their attributes
        self._names: dict[int, str] = {}
        root = Location(self.name_of(f), None, (), f)
        waiting = [root]
        for place in waiting:
            waiting += self._visit(place)
        holders = [part.value for part in self.parts.values()]
        for module in [x for x in holders if isinstance(x, Module)]:
            self._name_tensors(module)
        for optimizer in [x for x in holders if isinstance(x, Optimizer)]:
            self._name_kept(optimizer)
        for schedule in [x for x in holders if isinstance(x, Schedule)]:
            for item in self.parts[id(vars(schedule))].items:
                item.given_name = f"schedule_{item.key}"  # an optimizer has an lr and steps too

    def _name_tensors(self, module: Module) -> None:
        """Name the Tensors of a module by their paths in it: layers_0_W."""
        for path, value, _, _ in walk(module):
            if id(value) in self.tensors and not self.tensors[id(value)].given_name:
                self.tensors[id(value)].given_name = path.replace(".", "_")

    def _name_kept(self, optimizer: Optimizer) -> None:
        """Name the moments that an optimizer keeps by their parameters: m_W1."""
        for p, each in zip(optimizer.parameters, optimizer.kept, strict=True):
            for key, kept in each.items():
                if id(p) in self.tensors and id(kept) in self.arrays:
                    self.arrays[id(kept)].given_name = f"{key}_{self.tensors[id(p)].name}"

    def usual_numbers(self) -> set[str]:
        """The places of Python numbers that are inputs from the start: learning rates, and the step counters of optimizers and
        schedules.
        """
        found = set[str]()
        for part in self.parts.values():
            if isinstance(part.value, Optimizer | Schedule):
                own = vars(part.value)
                for item in self.parts[id(own)].items:
                    if item.path[-1] in ("lr", "steps") and type(item.value) in (int, float):
                        found.add(item.text)
                if isinstance(own["steps"], list):
                    found |= {item.text for item in self.parts[id(own["steps"])].items}
        return found

    def _visit(self, place: Location) -> list[Location]:
        """Note what is at a place, and return the places in it."""
        value = place.value
        known = self.parts.get(id(value))
        if known is not None:
            if isinstance(value, CONTAINERS):
                self.aliases.append((place, known.place))
        elif isinstance(value, Handle):
            at = self.tensors.setdefault(id(value), replace(place))
            if at.text != place.text and value._node is None:
                self.aliases.append((place, at))
            if _clearer(place.path, at.path):
                at.path = place.path
        elif _is_followed_array(value):
            if (first := self.arrays.setdefault(id(value), place)) is not place:
                self.aliases.append((place, first))
        elif isinstance(value, GENERATORS):
            self.generators.setdefault(id(value), place)
        elif not isinstance(value, PLAIN):
            part = self.parts[id(value)] = Holding(value, place)
            part.items = list(self._items(value, place))
            return part.items
        return []

    def name_of(self, value: Any) -> str:
        """The name of an object in the namespace."""
        if id(value) not in self._names:
            self._names[id(value)] = name = f"o{len(self._names)}"
            self.namespace[name] = value
        return self._names[id(value)]

    def _items(self, value: Any, place: Location) -> Iterator[Location]:
        if isinstance(value, CONTAINERS):
            yield from self._entries(value, place.text, place.path)
        if isinstance(value, FunctionType):
            yield from self._variables(value)
        elif isinstance(value, MethodType):
            yield self._fixed(value.__self__, ("self",))
            yield self._fixed(value.__func__, place.path)
        elif isinstance(value, partial):
            name = self.name_of(value)
            yield Location(f"{name}.func", None, (), value.func)
            yield Location(f"{name}.args", None, (), value.args)
            yield Location(f"{name}.keywords", None, (), value.keywords)
        elif isinstance(value, ContextVar | ref):
            asked = f"{self.name_of(value)}{'.get(None)' if isinstance(value, ContextVar) else '()'}"
            yield Location(asked, None, place.path, self.read(asked))
        elif isinstance(value, type):
            yield from self._class(value) if _is_users(value.__module__) else ()
        elif isinstance(value, property | staticmethod | classmethod):
            functions = (value.fget, value.fset) if isinstance(value, property) else (value.__func__,)
            yield from (self._fixed(f, ()) for f in functions if f is not None)
        elif type(value).__module__.startswith(f"{_OURS}.compiler"):
            if hasattr(value, "programs"):  # a compiled function
                yield self._fixed(value.f, place.path)
                yield self._fixed(vars(value), place.path)
        elif is_followed(value):
            yield from self._attributes(value, place.path)

    def _fixed(self, value: Any, path: tuple[Any, ...]) -> Location:
        """The place of an object that cannot be replaced."""
        return Location(self.name_of(value), None, path, value)

    def _entries(self, container: Any, text: str, path: tuple[Any, ...]) -> Iterator[Location]:
        pairs = container.items() if isinstance(container, dict) else enumerate(container)
        at = Location(text, None, path, container)
        return (self.entry(at, key, value) for key, value in list(pairs))

    def entry(self, container: Location, key: Any, value: Any) -> Location:
        """The place under a key of a list, tuple or dict."""
        text = repr(key) if type(key) in (str, int) else self.name_of(key)
        put = None if isinstance(container.value, tuple) else f"setitem, {container.text}, {text}"
        return Location(f"{container.text}[{text}]", put, (*container.path, key), value, key)

    def reference(self, tensor: Location) -> str:
        """The expression for a Tensor: a parameter by identity, a constant, which may be replaced by another, by its place."""
        return tensor.text if _is_constant(tensor.value) else self.name_of(tensor.value)

    def new_variables(self) -> Iterator[_Missing]:
        """The variables and attributes of classes that had no value when they were looked for, and have one now."""
        yield from (variable for variable in self.missing if variable.exists())
        for kind, names in self.classes.items():
            for name in [name for name in vars(kind) if name not in names and not name.startswith("__")]:
                yield _Missing(f"{kind.__name__}.{name}", lambda: True, partial(delattr, kind, name))

    def read(self, text: str) -> Any:
        """The value of an expression."""
        return eval(text, self.namespace)

    def objects(self) -> list[Any]:
        """The objects that are named by identity."""
        held = [part.value for part in self.parts.values() if not isinstance(part.value, CONTAINERS)]
        tensors = [at.value for at in self.tensors.values() if not _is_constant(at.value)]
        return held + tensors + [at.value for at in self.generators.values()]

    def references(self) -> list[tuple[str, Any]]:
        """All objects with their expressions: those that may be replaced, by their places."""
        objects = [(self.name_of(x), x) for x in self.objects()]
        placed = [(part.place.text, part.value) for part in self.parts.values() if isinstance(part.value, CONTAINERS)]
        tensors = [(self.reference(at), at.value) for at in self.tensors.values() if _is_constant(at.value)]
        return objects + placed + tensors + [(at.text, at.value) for at in self.arrays.values()]

    def _attributes(self, value: Any, path: tuple[Any, ...]) -> Iterator[Location]:
        own = getattr(value, "__dict__", None)
        if isinstance(own, dict):
            yield self._fixed(own, path)
        for kind in type(value).__mro__:
            for name, slot in vars(kind).items() if "__slots__" in vars(kind) else ():
                if isinstance(slot, MemberDescriptorType) and not hasattr(value, name):
                    self.missing.append(_Missing(name, partial(_has, value, name), partial(delattr, value, name)))
                elif isinstance(slot, MemberDescriptorType):
                    put = f"{self.name_of(slot)}.__set__, {self.name_of(value)}"
                    yield Location(f"{self.name_of(value)}.{name}", put, (*path, name), getattr(value, name))
        if _is_users(type(value).__module__):
            yield self._fixed(type(value), (type(value).__name__,))

    def _class(self, kind: type) -> Iterator[Location]:
        yield from (self._fixed(base, (base.__name__,)) for base in kind.__mro__[1:] if _is_users(base.__module__))
        self.classes[kind] = {*vars(kind)}
        for name, value in list(vars(kind).items()):
            if isinstance(value, FunctionType | property | staticmethod | classmethod):
                yield Location(f"{self.name_of(vars(kind))}[{name!r}]", None, (kind.__name__, name), value)
            elif not name.startswith("__") and not hasattr(value, "__get__"):
                # Past what a metaclass in Python refuses; a metaclass in C needs its own.
                write = "type.__setattr__" if isinstance(type(kind).__setattr__, FunctionType) else "setattr"
                text = self.name_of(kind)
                yield Location(f"{text}.{name}", f"{write}, {text}, {name!r}", (kind.__name__, name), value)

    def _variables(self, function: FunctionType) -> Iterator[Location]:
        name = self.name_of(function)
        for attribute in ("__defaults__", "__kwdefaults__"):
            if (found := getattr(function, attribute)) is not None:
                yield Location(f"{name}.{attribute}", f"setattr, {name}, {attribute!r}", (), found)
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:
                self.missing.append(
                    _Missing(variable, partial(_has, cell, "cell_contents"), partial(delattr, cell, "cell_contents"))
                )
                continue
            text = self.name_of(cell)
            yield Location(f"{text}.cell_contents", f"setattr, {text}, 'cell_contents'", (variable,), value)
        if _is_users(function.__module__):
            yield from self._globals(function)
            yield self._fixed(vars(function), (function.__name__,))

    def _globals(self, function: FunctionType) -> Iterator[Location]:
        names, here = dict.fromkeys(_names_in(function.__code__)), function.__globals__
        text = self.name_of(here)
        for name in names:
            if name not in here:
                self.missing.append(_Missing(name, partial(contains, here, name), partial(delitem, here, name)))
                continue
            value = here[name]
            if not isinstance(value, ModuleType):
                yield Location(f"{text}[{name!r}]", f"setitem, {text}, {name!r}", (name,), value)
            elif _is_users(value.__name__):
                there = Location(self.name_of(vars(value)), None, (name,), vars(value))
                yield from (self.entry(there, x, vars(value)[x]) for x in names if x in vars(value))

    def forms(self) -> dict[str, str]:
        """The plain values and the lengths, by how the user writes where they are."""
        found = dict[str, str]()
        for part in self.parts.values():
            if isinstance(part.value, list | deque):
                found[f"len({part.place.shown})"] = str(len(part.value))
            found |= {item.shown: repr(item.value)[:20] for item in part.items if isinstance(item.value, PLAIN)}
        return found

    # ------------------------------------------------------------------ guards

    def guards(self, lifted: set[str]) -> list[str]:
        """The guards: expressions that have the same values at every call of a program. `lifted` are the places of numbers that are
        inputs.
        """
        found = list[str]()
        for part in self.parts.values():
            if isinstance(part.value, dict):
                found.append(f"*{part.place.text}")
            elif isinstance(part.value, CONTAINERS):
                found.append(f"len({part.place.text})")
            for place in part.items:
                if place.text in lifted or place.text in self.namespace or type(place.value) is np.ndarray:
                    continue
                if isinstance(place.value, CONTAINERS) or _is_constant(place.value):
                    found.append(f"type({place.text})")
                else:
                    found.append(f"repr({place.text})" if isinstance(place.value, _BY_CONTENTS) else place.text)
        # The names of the attributes of classes: a new one may hide an attribute of a base class.
        found += [f"*vars({self.name_of(kind)})" for kind in self.classes]
        found += [f"{there.text} is {here.text}" for there, here in self.aliases]
        placed = [text for text, _ in self.references() if text not in self.namespace]
        found.append(f"len({{*map(id, [{', '.join(placed)}])}})")  # all are different objects
        for place in self.tensors.values():
            node = f"{self.reference(place)}._node"
            found += [f"type({node})", *([f"{node}.grad is None"] if isinstance(place.value._node, Leaf) else [])]
        return list(dict.fromkeys(found))


def is_same(now: Any, before: Any) -> bool:
    """Whether two values of a guard are the same object, or equal plain values of one type (0.0 is not -0.0)."""
    return now is before or (type(now) is type(before) and isinstance(now, PLAIN) and repr(now) == repr(before))


def _has(value: Any, name: str) -> bool:
    try:
        getattr(value, name)
    except (AttributeError, ValueError):
        return False
    return True


def _is_constant(value: Any) -> bool:
    """Whether an object is a Tensor that requires no gradient."""
    return isinstance(value, Handle) and value._node is None


def _names_in(code: CodeType) -> Iterator[str]:
    """The names of global variables and attributes in code and the functions defined in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _is_users(module: str | None) -> bool:
    """Whether a module is the user's own code, so that its global variables are state."""
    root = (module or "").partition(".")[0]
    if root == "__main__":  # also where the program that runs it is an installed one
        return True
    if root == _OURS or root in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(module or ""), "__file__", None) or ""
    return "site-packages" not in file and "dist-packages" not in file


def _is_followed_array(value: Any) -> bool:
    """Whether it is an array of numbers of NumPy's own kind: no memmap, masked array, array of text or of objects."""
    return type(value) is np.ndarray and value.dtype.kind in "biufc"


def is_followed(value: Any) -> bool:
    """Whether the attributes of an object are state: not those of modules, nor of objects of Python's library and NumPy."""
    root = type(value).__module__.partition(".")[0]
    if isinstance(value, ModuleType) or root == "numpy":
        return False
    return root not in sys.stdlib_module_names or root in ("__main__", "argparse", "collections", "types")


def _clearer(path: tuple[Any, ...], than: tuple[Any, ...]) -> bool:
    """Whether a path reads better than another: it ends in a name, not in a number, or is shorter."""
    return isinstance(path[-1], str) and (not isinstance(than[-1], str) or len(path) < len(than))
