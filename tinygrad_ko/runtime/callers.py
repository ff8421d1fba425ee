"""Which line of the user's a call comes from."""

import sys
from os.path import dirname, join
from typing import Any

_INSIDE = (join(dirname(dirname(__file__)), ""), "<op ")  # where the frames are that are not the user's
_COMMAND_LINE = "tinygrad_ko.cli"  # what calls that is the script that pip wrote
_OTHERS = ("numpy", "runpy", "contextlib", "hypothesis")


def users_line() -> str:
    """`file:line` of the nearest caller outside this package; nothing if there is none."""
    frame: Any = sys._getframe(1)
    while frame and (frame.f_code.co_filename.startswith(_INSIDE) or _is_others(frame.f_globals.get("__name__", ""))):
        frame = None if frame.f_globals.get("__name__") == _COMMAND_LINE else frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


def _is_others(module: str) -> bool:
    package = module.partition(".")[0]
    return package in _OTHERS or package.startswith("hypothesis_temporary_module")


def users_level() -> int:
    """The `stacklevel` with which a warning of the function that asks points to the nearest caller outside this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_code.co_filename.startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    return level


def asked_by_user() -> bool:
    """Whether what is being computed was asked for by a line of the user's, and not by one of this package or of NumPy."""
    frame: Any = sys._getframe(2)
    if frame.f_code.co_filename.startswith(_INSIDE):  # usual
        return False
    while frame and (
        frame.f_code.co_filename == "<frozen abc>" or frame.f_code.co_name == "isscalar"
    ):  # they ask for whoever calls them
        frame = frame.f_back
    module = frame.f_globals.get("__name__", "") if frame else ""
    return bool(frame) and not frame.f_code.co_filename.startswith(_INSIDE) and not module.startswith("numpy.")
