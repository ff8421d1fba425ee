"""Writes docs/differentiable.md, which functions of other libraries differentiate, by calling them: `python -m docs.differentiable`.

NumPy's are those that tests/test_numpy_gradients.py finds in its rooms, with the arguments of its menu; the others' are the calls of
tests/clients.py, which need `pip install --group clients`. The verdicts are those of these tests.
"""

import re
import warnings
from collections.abc import Callable
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_ko as tg
from tests.clients import both_modes, library_of
from tests.test_numpy_gradients import MENU, ROOMS, SKIPPED, called, judged, leaves_of, moves

TARGET = Path(__file__).with_name("differentiable.md")
LIBRARIES = {
    "scipy": "SciPy",
    "sklearn": "scikit-learn",
    "einops": "einops",
    "opt_einsum": "opt_einsum",
    "xarray": "xarray",
}
HEAD = """# Which functions of other libraries differentiate

Written by `python -m docs.differentiable`, which calls them; tests hold it to that. Each function is called with arrays and with Tensors
that require a gradient. It *differentiates* if the values are the same and the gradient of a random projection of them is its central
difference. Otherwise it is *refused*, by an error with these words; no gradient is lost or wrong. `x.numpy()` and `x.item()` give values
alone, without a gradient.

"""
OF_NUMPY = """## NumPy

With at least one of the arguments that are tried, {right} functions differentiate and {refused} are refused. Left out are functions whose
results are no floats that depend on the arguments (`np.argsort`, `np.zeros_like`), which work on Tensors and give constants, and the
transforms of `np.fft` with complex results, a `tg.fft.Spectrum`, which differentiate by its parts.

"""
OF_SCIPY = """SciPy's functions that follow the array API standard take Tensors if the environment variable `SCIPY_ARRAY_API=1` is set
before it is imported. All arrays of a call must be Tensors then, constants as `tg.Tensor(a)`: SciPy refuses an array of NumPy's beside
a Tensor ("Multiple namespaces for array inputs"). Ufuncs of `scipy.special` that `tg.special` has need no switch. `(param)` stands for a
Tensor that is read by the function which is handed over.

In `tg.func` the same differentiates of {wrappers}.

An error reads "np.asarray(x) in scipy.linalg.inv would lose the gradient of this Tensor; tg.linalg.inv takes Tensors; write x.numpy()
if its value alone is wanted". (SciPy's root finders in C go on after that, and may end with an error of theirs.)

"""
OF_SCIKIT = """Functions of scikit-learn that follow the array API standard take Tensors after
`sklearn.set_config(array_api_dispatch=True)`, which needs `SCIPY_ARRAY_API=1` as well. A model is fitted to Tensors then. Metrics give
Python's floats, which have no gradient.

"""
EINOPS = "After `tg.func.register_einops()`.\n\n"


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def table(*head: str) -> str:
    return f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"


# ------------------------------------------------------------------ NumPy


def words(f: Callable[..., Any], arguments: tuple[Any, ...], place: str) -> str:
    """What a function says to a Tensor, without the ways out that all of them name."""
    try:
        called(f, arguments, place, lambda a: tg.Tensor(a, requires_grad=True))
    except Exception as error:
        said = re.sub(r"; (compute with the functions of tinygrad_ko|write x\.).*", "", str(error))
        return re.sub(rf"^(np\.{f.__name__}|numpy\.polynomial\.\w+\.\w+)(?= )", "...", said)
    return ""


def verdict(full: str, f: Callable[..., Any]) -> str:
    """ "right", or the words by which a function refuses; "" if it is no function of floats."""
    refusal = ""
    for arguments in MENU:
        for place in dict.fromkeys(a for a in leaves_of(list(arguments)) if isinstance(a, str)):
            if full.startswith("np.fft.") and place == "number":  # the one that is no Spectrum
                continue
            if judged(full, f, arguments, place):
                return "right"
            if not refusal and moves(f, arguments, place):
                refusal = words(f, arguments, place)
    return refusal


def of_numpy() -> str:
    found: dict[str, dict[str, str]] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for room, home in ROOMS.items():
            functions = {f: name for name, f in vars(home).items() if callable(f) and not isinstance(f, type)}
            tried = {name: f for f, name in functions.items() if not name.startswith("_") and name not in SKIPPED}
            verdicts = {name: verdict(f"{room}.{name}", f) for name, f in tried.items()}
            found[room if "np" in room else f"np.polynomial.{room}"] = {k: v for k, v in verdicts.items() if v}
    everything = [said for room in found.values() for said in room.values()]
    right = everything.count("right")
    lines = [OF_NUMPY.format(right=right, refused=len(everything) - right), table("room", "differentiate")]
    for room, verdicts in found.items():
        names = sorted(name for name, said in verdicts.items() if said == "right")
        if names:
            lines.append(f"| `{room}` | {', '.join(names)} |\n")
    refused = [(said, room, name) for room in found for name, said in found[room].items() if said != "right"]
    lines += ["\n", table("refused", "by these words")]
    for (said, room), group in groupby(sorted(refused), key=lambda row: row[:2]):
        lines.append(f"| `{room}`: {', '.join(name for *_, name in group)} | {cell(said)} |\n")
    return "".join(lines)


# ------------------------------------------------------------------ the others


def of_library(library: str, found: list[dict[str, str]]) -> str:
    """The part of a library. `found` are the verdicts with its switch and without."""
    switched, plain = ({k: v for k, v in mode.items() if library_of(k) == library} for mode in found)
    wrappers = [name for name in plain if name.startswith("func.")]
    names = [name for name in plain if name not in wrappers]
    right = [name for name in names if "right" in (switched[name], plain[name])]
    notes = {"scipy": OF_SCIPY, "sklearn": OF_SCIKIT, "einops": EINOPS}.get(library, "")
    shown = ", ".join(f"`{name[5:]}`" for name in wrappers if plain[name] == switched[name] == "right")
    lines = [f"## {LIBRARIES[library]}\n\n", notes.format(wrappers=shown)]
    lines.append(f"Of {len(names)} calls {len(right)} differentiate.\n\n")
    if library in ("scipy", "sklearn"):
        lines.append(table("room", "differentiate", "with the switch", "without it"))
        for room, group in groupby(sorted(right, key=room_of), key=room_of):
            modes: dict[tuple[bool, bool], list[str]] = {}
            for name in group:
                modes.setdefault((switched[name] == "right", plain[name] == "right"), []).append(short(name))
            cells = [", ".join(modes.get(mode, [])) for mode in ((True, True), (True, False), (False, True))]
            lines.append(f"| `{room}` | {' | '.join(cells)} |\n")
    else:
        lines.append(f"{', '.join(f'`{name}`' for name in right)}\n")
    if refused := [name for name in names if name not in right]:
        lines += ["\n", table("refused", "asks for", "what takes its place")]
        for name in refused:
            asks, way = said(switched[name], plain[name])
            lines.append(f"| `{shown_name(name)}` | `{asks}` | {cell(way)} |\n")
    return "".join(lines)


def said(switched: str, plain: str) -> tuple[str, str]:
    """What a function asks of the Tensor, and what it is told to do, by the error where it is ours."""
    for text in (switched, plain):
        if found := re.match(
            r"refused: (\S+) in \S+ would lose the gradient of this Tensor; (.*); write .* alone is wanted$", text
        ):
            return found[1], found[2]
    return (
        "float(x)",
        "write tg.func.root in its place",
    )  # SciPy's root finders go on, and may say something else in the end


def shown_name(name: str) -> str:
    return name.removeprefix("sk.")


def room_of(name: str) -> str:
    full = shown_name(name)
    return full.partition(".")[0] if "." in full else "preprocessing"


def short(name: str) -> str:
    full = shown_name(name)
    return full.partition(".")[2] or full


def versions(*packages: str) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)


def text() -> str:
    """The whole page."""
    found = both_modes()
    run = f"The versions are {versions('numpy', 'scipy', 'scikit-learn', 'einops', 'opt_einsum', 'xarray')}.\n\n"
    return "\n".join([HEAD + run + of_numpy(), *(of_library(library, found) for library in LIBRARIES)])


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
