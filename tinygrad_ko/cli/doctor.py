"""`tinygrad-ko doctor`: what a bug report needs to say, and each problem with its cure."""

import argparse
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.cli import blas
from tinygrad_ko.cli.console import say, speaks_korean
from tinygrad_ko.cli.options import add_command
from tinygrad_ko.data import mnist
from tinygrad_ko.data.idx import read_idx
from tinygrad_ko.drawing.rendering import render_with, renderers, ways_out
from tinygrad_ko.runtime.install import install

# Each extra: the packages that it installs, and what they are for.
EXTRAS = {
    "mnist": (("pooch", "tqdm"), "downloads MNIST"),
    "train": (("tqdm",), "shows progress bars"),
    "draw": (("pygraphviz",), "draws graphs where the program dot is not installed"),
    "plots": (("matplotlib",), "draws learning curves"),
    "special": (("scipy",), "computes the values of tg.special"),
    "testing": (("hypothesis", "pytest"), "runs the tests"),
    "doctor": (("threadpoolctl",), "tells which BLAS runs, with how many threads"),
}
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_OK, _NOTE, _PROBLEM = "ok", "note", "problem"
_Findings = Iterator[tuple[str, str]]  # how bad, and what


def add_doctor(commands: Any) -> None:
    """Add this command to the parser."""
    add_command(commands, "doctor", _run, help="report versions, extras, data and speed, with cures")


def _run(_: argparse.Namespace) -> int:
    for section in (_versions, _extras, _graphviz, _data, _threads, _kernels, _console):
        say(section.__name__.removeprefix("_"))
        try:
            for state, text in section():
                _show(state, text)
        except Exception as error:
            _show(_PROBLEM, f"could not look: {type(error).__name__}: {error}")
    return 0


def _show(state: str, text: str) -> None:
    for label, line in zip([state, *[""] * text.count("\n")], text.split("\n"), strict=True):
        say(f"  {label:8}{line}")


def _versions() -> _Findings:
    yield _OK, f"tinygrad_ko {sys.modules['tinygrad_ko'].__version__}, in {Path(__file__).parents[1]}"
    yield _OK, f"Python {platform.python_version()} ({platform.python_implementation()}), {sys.executable}"
    yield _OK, f"NumPy {np.__version__}"
    yield _OK, f"{platform.platform()}, {blas.processor()}"


def _extras() -> _Findings:
    for extra, (packages, use) in EXTRAS.items():
        missing = [name for name in packages if find_spec(name) is None]
        found = ", ".join(f"{name} {_version(name)}" for name in packages if name not in missing)
        if missing:
            yield _NOTE, f"{extra}: {', '.join(missing)} not installed; it {use}: {install(extra)}"
        else:
            yield _OK, f"{extra}: {found}; it {use}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"


def _graphviz() -> _Findings:
    if find_spec("graphviz") is None:
        yield _PROBLEM, "the Python package graphviz is missing: pip install graphviz"
    else:
        yield _OK, f"the Python package graphviz {_version('graphviz')}"
    if dot := shutil.which("dot"):
        said = subprocess.run([dot, "-V"], capture_output=True, timeout=30, check=False)
        yield _OK, f"{(said.stderr or said.stdout).decode(errors='replace').strip()}, {dot}"
    for name, command in renderers("svg"):
        _, complaint = render_with(command, "digraph { a [label=a] }", "svg")
        if not complaint:
            yield _OK, f"graphs are drawn with {name}"
            return
        yield _PROBLEM, f"{name} does not work: {complaint}"
    yield _NOTE, f"graphs cannot be drawn: {ways_out()}"


def _data() -> _Findings:
    yield _OK, "the 8x8 digits are part of the package"
    places: list[Path] = []
    if named := os.environ.get("TINYGRAD_KO_DATA"):
        base = Path(named).expanduser()
        no_folder = "" if base.is_dir() else ", which is no folder: correct it, or unset it"
        yield _PROBLEM if no_folder else _OK, f"TINYGRAD_KO_DATA is {base}{no_folder}"
        places += [base, base / "mnist"]
    else:
        yield _OK, "TINYGRAD_KO_DATA is not set; it can name a folder with MNIST"
    if find_spec("pooch"):
        import pooch

        places.append(Path(pooch.os_cache("tinygrad_ko")).expanduser() / "mnist")
    found = {place: files for place in places if (files := mnist._found_in(place))}
    for place, files in found.items():
        yield from _mnist_files(place, files)
    if not found:
        looked = f" in {', '.join(map(str, places))}" if places else ""
        yield _NOTE, f"no file of MNIST was found{looked};\nload_mnist() downloads it ({install('mnist')})"


def _mnist_files(place: Path, files: dict[str, Path]) -> _Findings:
    for name in mnist.FILES:
        if name not in files:
            yield _PROBLEM, f"{place} lacks {name}: put it there, or remove the others"
            continue
        try:
            count = len(read_idx(files[name], ndim=3 if "images" in name else 1))
        except (OSError, ValueError) as error:
            yield _PROBLEM, f"{error}; replace the file"
        else:
            yield _OK, f"{files[name]}: {count:,} {'images' if 'images' in name else 'labels'}"


def _threads() -> _Findings:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield _OK, f"{os.cpu_count()} cores, {usable} of them usable by this process"
    chosen = [f"{name}={os.environ[name]}" for name in _THREAD_VARIABLES if name in os.environ]
    yield _OK, ", ".join(chosen) or f"{', '.join(_THREAD_VARIABLES)} are not set: BLAS takes all cores"
    yield _OK, f"BLAS: {blas.blas_library()}"


def _kernels() -> _Findings:
    running = blas.openblas_kernels()
    chosen = os.environ.get("OPENBLAS_CORETYPE")
    because = f" (OPENBLAS_CORETYPE={chosen})" if chosen else ""
    if running is None:
        yield _NOTE, f"which kernels OpenBLAS runs is unknown, if it runs at all: {install('doctor')}"
    elif blas.has_avx512() and running.lower() in blas.BELOW_AVX512:
        yield (
            _PROBLEM,
            f"the processor has AVX-512, but OpenBLAS runs its {running} kernels{because}, which are slower.\n"
            "Set OPENBLAS_CORETYPE=auto (or SkylakeX) before Python starts, then OpenBLAS looks at\n"
            "what the processor can do: export OPENBLAS_CORETYPE=auto (Windows: setx OPENBLAS_CORETYPE auto)",
        )
    else:
        has = "has" if blas.has_avx512() else "does not have"
        yield _OK, f"OpenBLAS runs its {running} kernels{because}; the processor {has} AVX-512"


def _console() -> _Findings:
    encoding = getattr(sys.stdout, "encoding", None) or "none"
    if speaks_korean(sys.stdout):
        yield _OK, f"output is {encoding}, which has Hangul"
    else:
        text = "which has no Hangul: Korean lines are left out. Set PYTHONUTF8=1 to see them"
        yield _NOTE, f"output is {encoding}, {text}"
