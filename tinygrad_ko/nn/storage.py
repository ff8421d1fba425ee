"""Named arrays on disk: one `.npz` file, never pickle, replaced whole or not at all."""

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

LONGEST_HEADER = 2**14  # NumPy reads none that is longer than 10,000 bytes
Claim = tuple[tuple[int, ...], np.dtype[Any]]


def npz(path: str | os.PathLike[str]) -> Path:
    """The path, with the ending `.npz` if it has none."""
    path = Path(path)
    return path if path.suffix == ".npz" else path.with_name(path.name + ".npz")


def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> Path:
    """Write arrays of numbers to an `.npz` file, whole or not at all. Returns the path written.

    Raises TypeError for anything that NumPy could only pickle.
    """
    target = npz(path)
    if pickled := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise explain(
            TypeError(f"only arrays of numbers are saved, and these are not: {', '.join(pickled)}"),
            f"수로 이루어진 배열만 저장할 수 있습니다: {', '.join(pickled)}",
        )
    with whole_file(target) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
    return target


def load_arrays(path: str | os.PathLike[str], shapes: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Array]:
    """The arrays of a file; with `shapes`, refused whole unless it holds exactly these names with these shapes.

    What the arrays are said to be is read and judged before any of them: a small file can claim, and unpack to, more than there
    is memory. Without `shapes` they may take no more bytes than the file has, as those do that `save_arrays` writes.

    Raises FileNotFoundError, or ValueError that says what is wrong with the file.
    """
    source = npz(path) if npz(path).is_file() else Path(path)
    if not source.is_file():
        raise explain(FileNotFoundError(f"no such file: {npz(path)}"), f"파일이 없습니다: {npz(path)}")
    wrong: list[str] = []
    try:
        with zipfile.ZipFile(source) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            if len(members) < len(archive.namelist()):
                raise ValueError("a name is there twice")
            claims = {name: claim(archive, member) for name, member in members.items()}
            if shapes is not None:
                wrong = unfitting(claims, shapes)
            elif (
                taken := sum(prod(shape) * dtype.itemsize for shape, dtype in claims.values())
            ) > source.stat().st_size:
                raise ValueError(f"its arrays claim {taken:,} bytes, more than it has")
            arrays = {} if wrong else {name: read(archive, member) for name, member in members.items()}
    except Exception as error:  # whatever zipfile, zlib and NumPy call it
        raise explain(
            ValueError(f"{source} is not a whole .npz file of arrays ({error})"),
            f"{source}: 온전한 .npz 파일이 아닙니다. 파일이 잘렸거나 다른 형식일 수 있습니다.",
        ) from error
    if wrong:
        raise explain(
            ValueError(f"{source} does not fit: {'; '.join(wrong)}. Nothing was loaded"),
            f"{source}의 매개변수가 맞지 않아 아무것도 불러오지 않았습니다: {'; '.join(wrong)}",
        )
    return arrays


def claim(archive: zipfile.ZipFile, name: str) -> Claim:
    """The shape and dtype of an array in an archive, as its header says."""
    with archive.open(name) as member:
        start = BytesIO(member.read(LONGEST_HEADER))
    npy: Any = np.lib.format
    header = npy.read_array_header_1_0 if npy.read_magic(start) == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(start)
    return shape, dtype


def read(archive: zipfile.ZipFile, name: str) -> Array:
    """An array in an archive."""
    with archive.open(name) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def unfitting(claims: Mapping[str, Claim], shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """What is wrong with arrays that should have these names and shapes, and hold real numbers."""
    return [
        *(f"{name} is missing" for name in shapes if name not in claims),
        *(f"{name} is unknown" for name in claims if name not in shapes),
        *(
            f"{name} has shape {claims[name][0]}, not {shape}"
            for name, shape in shapes.items()
            if name in claims and claims[name][0] != shape
        ),
        *(f"{name} holds {dtype}, not real numbers" for name, (_, dtype) in claims.items() if dtype.kind not in "fiu"),
    ]
