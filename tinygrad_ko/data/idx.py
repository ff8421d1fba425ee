"""The IDX file format, as far as MNIST needs it: arrays of unsigned bytes, gzipped or not.

    byte 0, 1       0 0
    byte 2          8, the code for unsigned bytes (the format has other types; this reader refuses them)
    byte 3          the number of axes: 1 for labels, 3 for images
    4 bytes each    the length of each axis, big-endian
    the rest        the elements, last axis fastest

The format is described at the foot of LeCun, Cortes and Burges' MNIST page, http://yann.lecun.com/exdb/mnist/.
"""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from tinygrad_ko.errors import explain

_CHUNK = 2**20  # bytes that are read at once: a header may promise more than there is memory


def read_idx(path: str | os.PathLike[str], ndim: int) -> NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes with `ndim` axes, gzipped or not. Nothing is guessed or repaired: a file that is damaged, too
    short, too long, empty, or something else, is a ValueError that names it and says what is wrong.
    """
    with Path(path).open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            return _read_content(path, cast(IO[bytes], gzip.GzipFile(fileobj=file)) if packed else file, ndim)
        except (OSError, EOFError, zlib.error) as error:
            if not packed:
                raise
            raise _refused(
                path,
                f"is a damaged gzip file: {error}",
                f"압축 파일이 손상되었거나 끊겼습니다({error}). 다시 구하십시오.",
            ) from error


def _read_content(path: str | os.PathLike[str], file: IO[bytes], ndim: int) -> NDArray[np.uint8]:
    """The array in an open file. No more is read, and unpacked, than the header promises, and one byte."""
    magic, start = bytes([0, 0, 8, ndim]), 4 + 4 * ndim
    content = file.read(start)
    if content[:4] != magic:
        raise _refused(
            path,
            f"is not an IDX file of unsigned bytes with {ndim} axes: it starts with the bytes {list(content[:4])}, not {list(magic)}",
            f"부호 없는 바이트로 된 {ndim}축 IDX 파일이 아닙니다. 이미지 파일과 레이블 파일이 뒤바뀌지 않았는지 확인하십시오. "
            f"처음 네 바이트: {list(content[:4])}, 필요한 바이트: {list(magic)}",
        )
    if len(content) < start:
        raise _refused(
            path,
            f"ends inside its header: {len(content)} of {start} bytes",
            f"파일이 헤더에서 끊겼습니다({start}바이트 중 {len(content)}바이트). 다시 구하십시오.",
        )
    shape = struct.unpack(f">{ndim}I", content[4:start])
    expected, size = math.prod(shape), "x".join(map(str, shape))
    if expected == 0:
        raise _refused(path, f"holds no data: its header says {size}", f"데이터가 없습니다. 헤더에 적힌 크기: {size}")
    data = bytearray()
    while len(data) <= expected and (chunk := file.read(min(expected + 1 - len(data), _CHUNK))):
        data += chunk
    if len(data) != expected:
        found, korean = ("more", "더 많음") if len(data) > expected else (len(data), f"{len(data)}바이트")
        raise _refused(
            path,
            f"is damaged: its header promises {size} = {expected} bytes of data, {found} follow",
            f"파일이 잘렸거나 다른 내용이 덧붙었습니다. 다시 구하십시오. 헤더에 적힌 크기: {size} = {expected}바이트, 실제: {korean}",
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def _refused(path: str | os.PathLike[str], english: str, korean: str) -> ValueError:
    return explain(ValueError(f"{path} {english}"), f"{path}: {korean}")
