"""Whose function it is that asks a Tensor for its array, if it is one of SciPy's or scikit-learn's, and what is written in its place.

Only errors ask: the function is found among the callers.
"""

import os
import sys
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from tinygrad_ko.runtime.names import room_named

_TITLES = {"scipy": "SciPy", "sklearn": "scikit-learn", "xarray": "xarray"}
_BETWEEN = ("tinygrad_ko", "numpy", "contextlib", "functools")  # they may stand between the function and the Tensor
_ROOMS = ("tg", "linalg", "special", "fft", "func")
_WAYS = {  # what takes the place of functions that have no namesake
    **dict.fromkeys(("brentq", "brenth", "ridder", "bisect", "toms748", "root_scalar", "fsolve"), "tg.func.root"),
    **dict.fromkeys(("curve_fit", "least_squares", "leastsq", "minimize_scalar", "fmin"), "tg.func.minimize"),
    **{"approx_fprime": "tg.func.jacobian", "solve_triangular": "tg.linalg.solve"},
    **{"eig": "tg.linalg.eigh", "eigvals": "tg.linalg.eigvalsh", "interp1d": "np.interp"},
}
_SWITCHES = {
    "SciPy": (
        "where SCIPY_ARRAY_API=1 is set before it is imported",
        "SciPy를 가져오기 전에 SCIPY_ARRAY_API=1을 지정하면",
    ),
    "scikit-learn": (
        "after sklearn.set_config(array_api_dispatch=True)",
        "sklearn.set_config(array_api_dispatch=True)를 부르면",
    ),
}


def asking() -> str:
    """The function of another library that is running, as its users call it, or the title of the library if it is no public one; "" if
    the user's own code has called what is running.
    """
    frame: FrameType | None = sys._getframe(1)
    library = found = ""
    while frame:
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top in _TITLES and library in ("", top):
            library, found = top, _public(frame) or found
        elif library or top not in _BETWEEN:
            break
        frame = frame.f_back
    return found or _TITLES.get(library, "")


def _public(frame: FrameType) -> str:
    """What runs in a frame, by a name that a public module has: a function, a method of an object or class, what a decorator wraps."""
    code, given = frame.f_code, frame.f_locals
    runs = [(str(frame.f_globals["__name__"]), code.co_qualname)]
    if "<locals>" in code.co_qualname:
        inside = [given.get(name) for name in code.co_freevars]
        runs = [(str(f.__module__), f.__qualname__) for f in inside if isinstance(f, FunctionType)]
    names = list(runs)
    if (of := given.get("self")) is not None:
        home = type(of).__module__
        objects = [name for name, value in vars(_room(home)).items() if value is of]
        last = [name.rpartition(".")[2] for _, name in runs]
        names[:0] = [(home, f"{name}.{method}") for name in (*objects, type(of).__name__) for method in last]
    for home, name in names:
        if name[0] != "_" and hasattr(_room(home), name.partition(".")[0]):
            return f"{_room(home).__name__}.{name.removesuffix('.__init__').removesuffix('.__call__')}"
    return ""


def _room(home: str) -> Any:
    """The innermost public module above a module, or the module itself."""
    return sys.modules.get(home.partition("._")[0], sys)


def instead(function: str) -> tuple[str, str]:
    """What can be written for what `asking` has named, in English and in Korean."""
    room, _, name = function.rpartition(".")
    if way := _WAYS.get(name):
        return f"write {way} in its place", f"대신 다음과 같이 쓰십시오: {way}."
    distribution = room.removeprefix("scipy.stats.")
    if distribution in room_named("stats").__all__ and hasattr(getattr(room_named("stats"), distribution), name):
        return f"tg.stats.{distribution}.{name} takes Tensors", f"Tensor를 받는 함수: tg.stats.{distribution}.{name}."
    if room in sys.modules and (own := _namesake(name)) and ".ndimage" not in room:
        return f"{own} takes Tensors", f"Tensor를 받는 함수: {own}."
    title = _TITLES.get(function.partition(".")[0], function)
    if title in _SWITCHES and not _is_on(title):
        english, korean = _SWITCHES[title]
        return (
            f"many functions of {title} take Tensors {english}, and those of tg always do",
            f"{korean} {title}의 많은 함수가 Tensor를 받습니다. tg의 함수는 언제나 받습니다.",
        )
    return "compute with the functions of tg", "tg의 함수로 계산하십시오."


def _namesake(name: str) -> str:
    """The function of that name that takes Tensors, here or in NumPy; "" if there is none."""
    from tinygrad_ko.tensor.numpy_protocol import has_rule

    for room in _ROOMS:
        if name in room_named(room).__all__:
            return f"tg.{name}" if room == "tg" else f"tg.{room}.{name}"
    homes: dict[str, Any] = {"np.linalg": np.linalg, "np": np}
    return next((f"{room}.{name}" for room, home in homes.items() if has_rule(getattr(home, name, None))), "")


def _is_on(title: str) -> bool:
    """Whether a library takes the arrays of others, by the array API standard."""
    if title == "SciPy":
        return bool(os.environ.get("SCIPY_ARRAY_API"))
    return bool(sys.modules["sklearn"].get_config()["array_api_dispatch"])
