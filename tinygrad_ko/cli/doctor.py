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
from tinygrad_ko.cli.console import by_locale, padded, say, speaks_korean
from tinygrad_ko.cli.options import add_command
from tinygrad_ko.data import mnist
from tinygrad_ko.data.idx import read_idx
from tinygrad_ko.drawing.rendering import render_with, renderers, ways_out
from tinygrad_ko.runtime.install import install

# Each extra: the packages that it installs, and what they are for.
EXTRAS = {
    "mnist": (("pooch", "tqdm"), ("downloads MNIST", "MNIST를 내려받습니다")),
    "train": (("tqdm",), ("shows progress bars", "진행 막대를 보여 줍니다")),
    "draw": (
        ("pygraphviz",),
        ("draws graphs where the program dot is not installed", "dot 프로그램이 없는 곳에서 그래프를 그립니다"),
    ),
    "plots": (("matplotlib",), ("draws learning curves", "학습 곡선을 그립니다")),
    "special": (("scipy",), ("computes the values of tg.special", "tg.special의 값을 계산합니다")),
    "testing": (("hypothesis", "pytest"), ("runs the tests", "테스트를 실행합니다")),
    "doctor": (
        ("threadpoolctl",),
        ("tells which BLAS runs, with how many threads", "실행 중인 BLAS와 스레드의 수를 알려 줍니다"),
    ),
}
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_OK, _NOTE, _PROBLEM = "ok", "note", "problem"
_IN_KOREAN = {
    **{_OK: "정상", _NOTE: "참고", _PROBLEM: "문제"},
    **{"versions": "버전", "extras": "추가 묶음", "graphviz": "Graphviz", "data": "데이터", "threads": "스레드"},
    **{"kernels": "BLAS 커널", "console": "콘솔"},
}
_Findings = Iterator[tuple[str, str]]  # how bad, and what


def add_doctor(commands: Any) -> None:
    """Add this command to the parser."""
    add_command(commands, "doctor", _run, help="report versions, extras, data and speed, with cures")


def _run(_: argparse.Namespace) -> int:
    for section in (_versions, _extras, _graphviz, _data, _threads, _kernels, _console):
        name = section.__name__.removeprefix("_")
        say(by_locale(name, _IN_KOREAN[name]))
        try:
            for state, text in section():
                _show(state, text)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            _show(_PROBLEM, by_locale(f"could not look: {said}", f"확인하지 못했습니다: {said}"))
    return 0


def _show(state: str, text: str) -> None:
    state = by_locale(state, _IN_KOREAN[state])
    for label, line in zip([state, *[""] * text.count("\n")], text.split("\n"), strict=True):
        say(f"  {padded(label, 8)}{line}")


def _versions() -> _Findings:
    yield (
        _OK,
        f"tinygrad_ko {sys.modules['tinygrad_ko'].__version__}, {by_locale('in ', '')}{Path(__file__).parents[1]}",
    )
    yield _OK, f"Python {platform.python_version()} ({platform.python_implementation()}), {sys.executable}"
    yield _OK, f"NumPy {np.__version__}"
    yield _OK, f"{platform.platform()}, {blas.processor()}"


def _extras() -> _Findings:
    for extra, (packages, uses) in EXTRAS.items():
        use = by_locale(*uses)
        missing = [name for name in packages if find_spec(name) is None]
        found = ", ".join(f"{name} {_version(name)}" for name in packages if name not in missing)
        if missing:
            names = ", ".join(missing)
            yield (
                _NOTE,
                by_locale(
                    f"{extra}: {names} not installed; it {use}: {install(extra)}",
                    f"{extra}: 설치되지 않음({names}). {use}. 설치: {install(extra)}",
                ),
            )
        else:
            yield _OK, by_locale(f"{extra}: {found}; it {use}", f"{extra}: {found}. {use}.")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return by_locale("of unknown version", "(버전 모름)")


def _graphviz() -> _Findings:
    if find_spec("graphviz") is None:
        cure = "pip install graphviz"
        yield (
            _PROBLEM,
            by_locale(
                f"the Python package graphviz is missing: {cure}",
                f"Python 패키지 graphviz가 없습니다. 설치: {cure}",
            ),
        )
    else:
        yield _OK, f"{by_locale('the Python package', 'Python 패키지')} graphviz {_version('graphviz')}"
    if dot := shutil.which("dot"):
        said = subprocess.run([dot, "-V"], capture_output=True, timeout=30, check=False)
        yield _OK, f"{(said.stderr or said.stdout).decode(errors='replace').strip()}, {dot}"
    for name, command in renderers("svg"):
        _, complaint = render_with(command, "digraph { a [label=a] }", "svg")
        if not complaint:
            yield _OK, by_locale(f"graphs are drawn with {name}", f"그래프를 그리는 도구: {name}")
            return
        yield _PROBLEM, by_locale(f"{name} does not work: {complaint}", f"동작하지 않습니다({name}): {complaint}")
    yield _NOTE, by_locale(f"graphs cannot be drawn: {ways_out()}", f"그래프를 그릴 수 없습니다: {ways_out()}")


def _data() -> _Findings:
    yield _OK, by_locale("the 8x8 digits are part of the package", "8x8 손글씨 숫자는 패키지에 들어 있습니다.")
    places: list[Path] = []
    if named := os.environ.get("TINYGRAD_KO_DATA"):
        base = Path(named).expanduser()
        no_folder = by_locale(
            ", which is no folder: correct it, or unset it", " (폴더가 아닙니다. 고치거나 지우십시오.)"
        )
        no_folder = "" if base.is_dir() else no_folder
        said = by_locale(f"TINYGRAD_KO_DATA is {base}", f"TINYGRAD_KO_DATA: {base}")
        yield _PROBLEM if no_folder else _OK, f"{said}{no_folder}"
        places += [base, base / "mnist"]
    else:
        yield (
            _OK,
            by_locale(
                "TINYGRAD_KO_DATA is not set; it can name a folder with MNIST",
                "TINYGRAD_KO_DATA를 설정하지 않았습니다. MNIST가 있는 폴더를 지정할 수 있습니다.",
            ),
        )
    if find_spec("pooch"):
        import pooch

        places.append(Path(pooch.os_cache("tinygrad_ko")).expanduser() / "mnist")
    found = {place: files for place in places if (files := mnist._found_in(place))}
    for place, files in found.items():
        yield from _mnist_files(place, files)
    if not found:
        looked = ", ".join(map(str, places))
        yield (
            _NOTE,
            by_locale(
                f"no file of MNIST was found{f' in {looked}' if looked else ''};\n"
                f"load_mnist() downloads it ({install('mnist')})",
                f"MNIST 파일이 없습니다{f'(찾아본 곳: {looked})' if looked else ''}.\n"
                f"load_mnist()로 내려받습니다. 필요한 설치: {install('mnist')}",
            ),
        )


def _mnist_files(place: Path, files: dict[str, Path]) -> _Findings:
    for name in mnist.FILES:
        if name not in files:
            yield (
                _PROBLEM,
                by_locale(
                    f"{place} lacks {name}: put it there, or remove the others",
                    f"{place}: {name} 파일이 없습니다. 이 파일을 넣거나 나머지 파일을 지우십시오.",
                ),
            )
            continue
        try:
            count = len(read_idx(files[name], ndim=3 if "images" in name else 1))
        except (OSError, ValueError) as error:
            yield _PROBLEM, by_locale(f"{error}; replace the file", f"{error}. 파일을 바꾸십시오.")
        else:
            kind = by_locale("images", "이미지") if "images" in name else by_locale("labels", "레이블")
            yield _OK, by_locale(f"{files[name]}: {count:,} {kind}", f"{files[name]}: {kind} {count:,}개")


def _threads() -> _Findings:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield (
        _OK,
        by_locale(
            f"{os.cpu_count()} cores, {usable} of them usable by this process",
            f"코어 {os.cpu_count()}개, 이 프로세스가 쓸 수 있는 것 {usable}개",
        ),
    )
    chosen = [f"{name}={os.environ[name]}" for name in _THREAD_VARIABLES if name in os.environ]
    unset = ", ".join(_THREAD_VARIABLES)
    yield (
        _OK,
        ", ".join(chosen)
        or by_locale(
            f"{unset} are not set: BLAS takes all cores",
            f"설정하지 않음: {unset}. BLAS가 모든 코어를 씁니다.",
        ),
    )
    yield _OK, f"BLAS: {blas.blas_library()}"


def _kernels() -> _Findings:
    running = blas.openblas_kernels()
    chosen = os.environ.get("OPENBLAS_CORETYPE")
    because = f" (OPENBLAS_CORETYPE={chosen})" if chosen else ""
    if running is None:
        yield (
            _NOTE,
            by_locale(
                f"which kernels OpenBLAS runs is unknown, if it runs at all: {install('doctor')}",
                f"OpenBLAS가 어느 커널을 쓰는지 알 수 없습니다. 설치: {install('doctor')}",
            ),
        )
    elif blas.has_avx512() and running.lower() in blas.BELOW_AVX512:
        yield (
            _PROBLEM,
            by_locale(
                f"the processor has AVX-512, but OpenBLAS runs its {running} kernels{because}, which are slower.\n"
                "Set OPENBLAS_CORETYPE=auto (or SkylakeX) before Python starts, then OpenBLAS looks at\n"
                "what the processor can do: export OPENBLAS_CORETYPE=auto (Windows: setx OPENBLAS_CORETYPE auto)",
                f"프로세서에 AVX-512가 있는데 OpenBLAS는 더 느린 커널을 씁니다: {running}{because}.\n"
                "Python을 시작하기 전에 OPENBLAS_CORETYPE=auto(또는 SkylakeX)로 설정하면 OpenBLAS가 프로세서에\n"
                "맞는 커널을 고릅니다: export OPENBLAS_CORETYPE=auto (Windows: setx OPENBLAS_CORETYPE auto)",
            ),
        )
    else:
        has = blas.has_avx512()
        yield (
            _OK,
            by_locale(
                f"OpenBLAS runs its {running} kernels{because}; the processor {'has' if has else 'does not have'} AVX-512",
                f"OpenBLAS의 커널: {running}{because}. 프로세서의 AVX-512: {'있음' if has else '없음'}",
            ),
        )


def _console() -> _Findings:
    encoding = getattr(sys.stdout, "encoding", None) or "none"
    if speaks_korean(sys.stdout):
        yield (
            _OK,
            by_locale(f"output is {encoding}, which has Hangul", f"출력 인코딩: {encoding}. 한글을 쓸 수 있습니다."),
        )
    else:
        text = "which has no Hangul: Korean lines are left out. Set PYTHONUTF8=1 to see them"
        yield _NOTE, f"output is {encoding}, {text}"
