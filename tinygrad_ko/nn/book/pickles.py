"""A reader of the book's pickled weights that runs no code.

A pickle is a program: it may name any function and call it. Here the names of NumPy that an array is made of stand for three records, any
other name is refused, and nothing is imported or called. The instructions are those of `pickletools`.
"""

import os
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.errors import explain

_HOMES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
_NAMES = ("_reconstruct", "ndarray", "dtype", "scalar", "_frombuffer")
_KNOWN = {
    **{f"{home} {name}": name for home in _HOMES for name in _NAMES},
    "_codecs encode": "encode",
    "__builtin__ bytes": "bytes",
    "collections OrderedDict": "OrderedDict",
}
_VALUES = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_LITERALS = (int, float, str, bytes, bytearray)


class _Name(str):
    """A name in the file that this reader knows."""


class _Record:
    """An array or a dtype in the making: what it is made of, and the state that it is given."""

    def __init__(self, kind: str, made_of: tuple[Any, ...]) -> None:
        self.kind, self.made_of, self.state = kind, made_of, ()


def read_pickle(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays by name in a pickle file such as the book's `sample_weight.pkl`: a dict of NumPy arrays of numbers, pickled by any
    version of Python and NumPy. No code in the file is run: whatever else it holds is refused.

    Raises FileNotFoundError if there is no such file, ValueError, with the name that the file asks for, if it holds anything else.

    >>> import pickle, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "params.pkl")
    ...     _ = path.write_bytes(pickle.dumps({"W1": np.ones((2, 3), np.float32)}))
    ...     read_pickle(path)
    {'W1': array([[1., 1., 1.],
           [1., 1., 1.]], dtype=float32)}
    """
    path = Path(path)
    if not path.is_file():
        raise explain(FileNotFoundError(f"no such file: {path}"), f"파일이 없습니다: {path}")
    try:
        content = _Machine().run(data := path.read_bytes())
        if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
            raise ValueError(f"it holds {type(content).__name__}, not a dict of arrays by name")
        arrays = {str(name): _array(value) for name, value in content.items()}
        if (taken := sum(array.nbytes for array in arrays.values())) > len(data):
            raise ValueError(f"its arrays take {taken:,} bytes, more than it has")
    except Exception as error:  # whatever a damaged file leads to
        raise explain(
            ValueError(f"{path} is no pickle of arrays by name ({error}); nothing in it was run"),
            f"{path}: 이름별 배열을 담은 pickle 파일이 아닙니다({error}). 파일에 든 코드는 실행하지 않았습니다.",
        ) from error
    return {name: array.astype(array.dtype.newbyteorder("=")) for name, array in arrays.items()}  # copies of their own


class _Machine:
    """The stack machine of the pickle format, with the instructions that dicts of arrays need."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []  # how high the stack was at each mark that is open
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        """What the program leaves on the stack."""
        for opcode, argument, _ in pickletools.genops(data):
            self._step(opcode.name, argument)
        (result,) = self.stack
        return result

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "MARK":
                self.marks.append(len(stack))
            case "POP":
                stack.pop()
            case "POP_MARK":
                self._to_mark()
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append(_VALUES[name])
            case "EMPTY_DICT" | "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append(_EMPTY[name]())
            case "DICT":
                items = self._to_mark()
                stack.append(dict(zip(items[::2], items[1::2], strict=True)))
            case "LIST" | "TUPLE":
                items = self._to_mark()
                stack.append(items if name == "LIST" else tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack[-int(name[-1]) :] = [tuple(stack[-int(name[-1]) :])]
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                stack[-1][_text(key)] = value
            case "SETITEMS":
                items = self._to_mark()
                stack[-1].update(zip(map(_text, items[::2]), items[1::2], strict=True))
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL":
                stack.append(_known(argument))
            case "STACK_GLOBAL":
                attribute, module = stack.pop(), stack.pop()
                stack.append(_known(f"{module} {attribute}"))
            case "REDUCE":
                made_of, kind = stack.pop(), stack.pop()
                stack.append(_made(kind, made_of))
            case "BUILD":
                state = stack.pop()
                if not isinstance(stack[-1], _Record):
                    raise ValueError("it gives a state to what is no array")
                stack[-1].state = state
            case _:
                if not isinstance(argument, _LITERALS):
                    raise ValueError(f"it has the instruction {name}")
                stack.append(argument)

    def _to_mark(self) -> list[Any]:
        """What stands on the stack above the last mark, taken off it."""
        at = self.marks.pop()
        items = self.stack[at:]
        del self.stack[at:]
        return items


def _text(key: Any) -> Any:
    """A key of a dict: Python 2 wrote names as bytes."""
    return key.decode("ascii") if isinstance(key, bytes) else key


def _known(name: str) -> _Name:
    if name not in _KNOWN:
        raise ValueError(f"it asks for {name.replace(' ', '.')}")
    return _Name(_KNOWN[name])


def _made(kind: Any, made_of: Any) -> Any:
    """What a call of one of the known names stands for."""
    if not isinstance(kind, _Name) or not isinstance(made_of, tuple):
        raise ValueError("it calls what is no name")
    if kind == "encode":  # how protocols up to 2 write bytes
        text, encoding = made_of
        return text.encode({"latin1": "latin1", "utf-8": "utf-8"}[encoding])
    if not made_of and kind in ("OrderedDict", "bytes"):
        return {} if kind == "OrderedDict" else b""
    return _Record(str(kind), made_of)


def _array(value: Any) -> Array:
    """The array that a record stands for."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return np.asarray(value, np.int64 if isinstance(value, int) else np.float64)
    if not isinstance(value, _Record):
        raise ValueError(f"it holds {type(value).__name__} where an array should be")
    order: Any = "C"
    match value.kind, value.made_of, value.state:
        case "_reconstruct", _, (_, tuple(shape), _Record() as dtype, bool(fortran), data):
            order = "F" if fortran else "C"
        case "_frombuffer", (data, _Record() as dtype, tuple(shape), order), _:
            pass
        case "scalar", (_Record() as dtype, data), _:
            shape = ()
        case _:
            raise ValueError("it holds what is no array")
    if isinstance(data, str):  # Python 2 wrote bytes as text
        data = data.encode("latin1")
    if min(shape, default=0) < 0:
        raise ValueError(f"it holds an array of shape {shape}")
    return np.frombuffer(data, _dtype(dtype)).reshape(shape, order=order)


def _dtype(record: _Record) -> np.dtype[Any]:
    code, *_ = record.made_of
    dtype = np.dtype(_text(code)) if record.kind == "dtype" and _text(code)[:1] in ("f", "i", "u", "b") else None
    if dtype is None or dtype.kind not in "fiub":
        raise ValueError(f"it holds an array of {code}, not of numbers")
    _, byte_order, *_ = record.state or (3, "=")
    order = _text(byte_order)
    return dtype.newbyteorder("<" if order == "<" else ">" if order == ">" else "=")
