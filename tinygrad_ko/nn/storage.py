"""Named arrays on disk: one `.npz` file, never pickle, replaced whole or not at all."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tinygrad_ko.arrays import Array
from tinygrad_ko.errors import explain
from tinygrad_ko.files import whole_file


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

    Raises FileNotFoundError, or ValueError that says what is wrong with the file.
    """
    source = npz(path) if npz(path).is_file() else Path(path)
    if not source.is_file():
        raise explain(FileNotFoundError(f"no such file: {npz(path)}"), f"파일이 없습니다: {npz(path)}")
    try:
        arrays = {}
        with zipfile.ZipFile(source) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
    except Exception as error:  # whatever zipfile, zlib and NumPy call it
        raise explain(
            ValueError(f"{source} is not a whole .npz file of arrays ({error})"),
            f"{source}은(는) 온전한 .npz 파일이 아닙니다. 파일이 잘렸거나 다른 형식일 수 있습니다.",
        ) from error
    if shapes is None:
        return arrays
    wrong = [
        *(f"{name} is missing" for name in shapes if name not in arrays),
        *(f"{name} is unknown" for name in arrays if name not in shapes),
        *(
            f"{name} has shape {arrays[name].shape}, not {shape}"
            for name, shape in shapes.items()
            if name in arrays and arrays[name].shape != shape
        ),
        *(
            f"{name} holds {array.dtype}, not real numbers"
            for name, array in arrays.items()
            if array.dtype.kind not in "fiu"
        ),
    ]
    if wrong:
        raise explain(
            ValueError(f"{source} does not fit: {'; '.join(wrong)}. Nothing was loaded"),
            f"{source}의 매개변수가 맞지 않아 아무것도 불러오지 않았습니다: {'; '.join(wrong)}",
        )
    return arrays
