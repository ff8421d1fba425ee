"""Serialization: named arrays in one `.npz` file, never pickle, replaced whole or not at all."""

import os
import zipfile
from collections.abc import Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.files import whole_file

_LONGEST_HEADER = 2**14  # NumPy reads none that is longer than 10,000 bytes
_Header = tuple[tuple[int, ...], np.dtype[Any]]


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> Path:
    """Write arrays of numbers to an `.npz` file, whole or not at all. Returns the path written."""
    write_arrays(_npz(path), arrays)
    return _npz(path)


def write_arrays(target: Path, arrays: Mapping[str, Array]) -> None:
    """The same, to a file of any name."""
    if pickled := ", ".join(name for name, array in arrays.items() if np.asarray(array).dtype.hasobject):
        raise explain(
            TypeError(f"only arrays of numbers are saved, and these are not: {pickled}"),
            f"수로 이루어진 배열만 저장할 수 있습니다. 그렇지 않은 배열: {pickled}",
        )
    with whole_file(target) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def load_arrays(path: str | os.PathLike[str], shapes: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Array]:
    """The arrays of a file; with `shapes`, refused whole unless it holds exactly these names with these shapes."""
    source = _npz(path) if _npz(path).is_file() else Path(path)
    if not source.is_file():
        raise explain(FileNotFoundError(f"no such file: {_npz(path)}"), f"파일이 없습니다: {_npz(path)}")
    return read_arrays(source, shapes)


def read_arrays(source: Path, shapes: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Array]:
    """The same, from a file of any name that is there."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            if len(members) < len(archive.namelist()):
                raise ValueError("a name is there twice")
            # All are checked before any array is read: a small file can declare, and unpack to, more than there is memory.
            headers = {name: _header(archive, member) for name, member in members.items()}
            taken = sum(prod(shape) * dtype.itemsize for shape, dtype in headers.values())
            if shapes is None and taken > source.stat().st_size:
                raise ValueError(f"its arrays declare {taken:,} bytes, more than it has")
            fits = shapes is None or not _mismatches(headers, shapes)
            arrays = {name: _array(archive, member) for name, member in members.items()} if fits else {}
    except Exception as error:  # whatever zipfile, zlib and NumPy call it
        raise explain(
            ValueError(f"{source} is not a whole .npz file of arrays ({error})"),
            f"{source}: 온전한 .npz 배열 파일이 아닙니다({error}). 파일이 잘렸거나 다른 형식일 수 있습니다.",
        ) from error
    if shapes is not None:
        require_fitting(source, headers, shapes)
    return arrays


def require_fitting(source: Path, headers: Mapping[str, _Header], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError, with what differs and what network the file is of, unless it has exactly these names and shapes."""
    if wrong := _mismatches(headers, shapes):
        english, korean = map("; ".join, zip(*wrong, strict=True))
        its_own = "W1" in shapes and _network_of({name: shape for name, (shape, _) in headers.items()})
        of, of_korean = (f"; it is of {its_own[0]}", f". 파일의 내용: {its_own[1]}") if its_own else ("", "")
        raise explain(
            ValueError(f"{source} does not fit: {english}{of}. Nothing was loaded"),
            f"{source}: 매개변수에 맞지 않는 파일이므로 아무것도 불러오지 않았습니다: {korean}{of_korean}",
        )


def _network_of(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str] | None:
    """What network has parameters of these names and shapes, in both languages; None if it is not known."""
    layers = [shapes.get(f"W{i}", ()) for i in range(1, len(shapes) + 1)]
    weights = [shape for shape in layers if shape]
    if weights and layers[: len(weights)] == weights:
        convolutions = sum(len(shape) == 4 for shape in weights)
        affines = [shape for shape in weights if len(shape) == 2]
        if len(affines) + convolutions < len(weights) or not affines:
            return None
        sizes = "-".join(map(str, [affines[0][0], *(m for _, m in affines)]))
        if convolutions:
            english = (
                f"a convolutional network with {convolutions} convolution and {len(affines)} affine layers, {sizes}"
            )
            return english, f"합성곱 계층 {convolutions}개와 완전연결 계층 {len(affines)}개({sizes})의 합성곱 신경망"
        return (
            f"a network with {len(affines)} affine layers, {sizes}",
            f"완전연결 계층 {len(affines)}개의 신경망({sizes})",
        )
    if set(shapes) == {"W"}:
        return "a SimpleNet", "SimpleNet"
    if any("." in name for name in shapes):
        return "a Module", "모듈(Module)"
    return None


def _npz(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    return path if path.suffix == ".npz" else path.with_name(path.name + ".npz")


def _header(archive: zipfile.ZipFile, name: str) -> _Header:
    with archive.open(name) as member:
        start = BytesIO(member.read(_LONGEST_HEADER))
    npy: Any = np.lib.format
    header = npy.read_array_header_1_0 if npy.read_magic(start) == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(start)
    return shape, dtype


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _mismatches(headers: Mapping[str, _Header], shapes: Mapping[str, tuple[int, ...]]) -> list[tuple[str, str]]:
    """What is wrong with arrays that should have these names and shapes, and hold real numbers, in both languages."""
    wrong = [(f"{name} is missing", f"{name} 없음") for name in shapes if name not in headers]
    for name, (shape, dtype) in headers.items():
        if name not in shapes:
            wrong.append((f"{name} is unknown", f"알 수 없는 이름 {name}"))
        elif shape != (needed := shapes[name]):
            wrong.append((f"{name} has shape {shape}, not {needed}", f"{name}의 형상 {shape}, 필요한 형상 {needed}"))
        if dtype.kind not in "fiu":
            wrong.append((f"{name} holds {dtype}, not real numbers", f"{name}의 자료형 {dtype}, 실수가 아님"))
    return wrong
