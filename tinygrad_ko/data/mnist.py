"""MNIST: 28x28 handwritten digits, from four IDX files wherever the user keeps them, or downloaded once."""

import hashlib
import os
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tinygrad_ko.data.idx import read_idx
from tinygrad_ko.data.preprocessing import Bytes, Pair, preprocess
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.install import install

# The four files, and the MD5 sums of their published .gz forms: these judge downloads and nothing else.
FILES = {
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
_PUT_THEM = f"Put the four files {', '.join(FILES)} (or the same with .gz) into one folder"
_PUT_AND_NAME_THEM = f"{_PUT_THEM} named by folder= or the environment variable TINYGRAD_KO_DATA"
_KOREAN_PUT_THEM = (
    f"네 파일 {', '.join(FILES)}(.gz로 압축된 그대로도 됩니다)을 한 폴더에 넣고 load_mnist(folder=그_폴더)로 호출하거나, "
    "환경 변수 TINYGRAD_KO_DATA에 그 폴더를 적으십시오."
)


def load_mnist(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    folder: str | os.PathLike[str] | None = None,
    download: bool = True,
) -> tuple[Pair, Pair]:
    """Load MNIST: `(x_train, t_train), (x_test, t_test)`, with the book's three switches.

    normalize: True gives float32 from 0 to 1 (divided by 255), False uint8 from 0 to 255.
    flatten: True gives images of shape (n, 784), False (n, 1, 28, 28).
    one_hot_label: True gives float32 rows of shape (n, 10), False int64 labels of shape (n,).

    The files are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each as it is or with
    .gz (preferred where both are there). All four come from one place, the first of these that has any:

    1. `folder`, then its subfolder `mnist`. If `folder` is given, no other place is tried and nothing is
       downloaded.
    2. The folder named by the environment variable TINYGRAD_KO_DATA, then its subfolder `mnist`.
    3. The subfolder `mnist` of the user's cache, `pooch.os_cache("tinygrad_ko")`; on Linux that is
       ~/.cache/tinygrad_ko/mnist.
    4. The network, into that cache: 11 MB, once, judged by the published checksums. This needs
       `pip install 'tinygrad_ko[mnist]'`; `download=False` forbids it.

    A place with only some of the four is an error: what is missing is never taken from elsewhere. (A download that broke off goes on,
    though.) Files that are there are judged by their content, not by checksum: the headers say how many images there are and how large.

    Errors: FileNotFoundError where files are missing and cannot be downloaded; ValueError where a file is damaged or foreign, a label is
    not 0 to 9, or files do not fit together; ModuleNotFoundError where a download is needed but pooch is not installed.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:  # two black images in each part, to show the format
    ...     for part in "train", "t10k":
    ...         header = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28])
    ...         _ = Path(folder, f"{part}-images-idx3-ubyte").write_bytes(header + bytes(2 * 28 * 28))
    ...         labels = bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 0])
    ...         _ = Path(folder, f"{part}-labels-idx1-ubyte").write_bytes(labels)
    ...     (x_train, t_train), (x_test, t_test) = load_mnist(folder=folder)
    >>> x_train.shape, x_train.dtype, t_train
    ((2, 784), dtype('float32'), array([5, 0]))
    """
    found = _four_files(folder, download)
    train, test = (
        _read_pair(found[f"{p}-images-idx3-ubyte"], found[f"{p}-labels-idx1-ubyte"]) for p in ("train", "t10k")
    )
    sizes = [f"{height}x{width}" for _, height, width in (train[0].shape, test[0].shape)]
    if sizes[0] != sizes[1]:
        place = found["t10k-images-idx3-ubyte"].parent
        raise explain(
            ValueError(f"training images are {sizes[0]} but test images are {sizes[1]} in {place}"),
            f"{place}: 훈련 이미지({sizes[0]})와 시험 이미지({sizes[1]})의 크기가 다릅니다. 다른 데이터의 파일이 섞였는지 확인하십시오.",
        )
    prepared = partial(preprocess, brightest=255, normalize=normalize, flatten=flatten, one_hot_label=one_hot_label)
    return prepared(*train), prepared(*test)


def _read_pair(images_path: Path, labels_path: Path) -> tuple[Bytes, Bytes]:
    """Images (n, height, width) and their labels (n,), checked against each other."""
    images, labels = read_idx(images_path, ndim=3), read_idx(labels_path, ndim=1)
    if len(images) != len(labels):
        raise explain(
            ValueError(f"{images_path} holds {len(images)} images but {labels_path} holds {len(labels)} labels"),
            "이미지의 수와 레이블의 수가 다릅니다. 서로 짝이 아닌 파일입니다. "
            f"{images_path}: 이미지 {len(images)}개, {labels_path}: 레이블 {len(labels)}개",
        )
    if (wrong := np.flatnonzero(labels > 9)).size:
        first, label = wrong[0], labels[wrong[0]]
        raise explain(
            ValueError(f"{labels_path} holds the label {label} at position {first}; labels must be 0 to 9"),
            f"{labels_path}: {first}번 레이블이 {label}입니다. 레이블은 0부터 9까지여야 합니다. MNIST가 아니거나 손상된 파일입니다.",
        )
    return images, labels


def _four_files(folder: str | os.PathLike[str] | None, download: bool) -> dict[str, Path]:
    base = folder if folder is not None else os.environ.get("TINYGRAD_KO_DATA") or None
    places = [Path(base, sub).expanduser() for sub in ("", "mnist")] if base is not None else []
    for place in places:
        if found := _found_in(place):
            return _complete(found, place)
    if folder is not None:
        raise explain(
            FileNotFoundError(f"no MNIST file is in {places[0]} or {places[1]}. {_PUT_THEM}, or leave folder out"),
            f"MNIST 파일이 하나도 없는 폴더입니다: {places[0]}, {places[1]}. {_KOREAN_PUT_THEM} folder를 빼면 내려받습니다.",
        )
    try:
        import pooch
    except ModuleNotFoundError:  # then nothing was ever downloaded, and nothing can be
        if download:
            raise explain(
                ModuleNotFoundError(
                    f"downloading MNIST needs pooch: {install('mnist')}. Without it: {_PUT_AND_NAME_THEM}",
                    name="pooch",
                ),
                f"MNIST를 내려받으려면 pooch를 설치해야 합니다: {install('mnist')}. 직접 구했다면 {_KOREAN_PUT_THEM}",
            ) from None
    else:
        cache = Path(pooch.os_cache("tinygrad_ko")).expanduser() / "mnist"
        if download and len(_found_in(cache)) < len(FILES):
            _download(cache)
        if found := _found_in(cache):
            return _complete(found, cache)
        places.append(cache)
    looked = f" in {', '.join(map(str, places))}" if places else ""
    raise explain(
        FileNotFoundError(f"MNIST was not found{looked}. {_PUT_AND_NAME_THEM}, or allow download=True"),
        f"MNIST 파일을 찾지 못했습니다(찾은 곳: {', '.join(map(str, places)) or '없음'}). {_KOREAN_PUT_THEM} download=True로 내려받을 수도 "
        "있습니다.",
    )


def _found_in(folder: Path) -> dict[str, Path]:
    """Those of the four files that lie in a folder. A .gz is preferred: it has a checksum inside."""
    candidates = ((name, folder / (name + ending)) for ending in ("", ".gz") for name in FILES)
    return {name: path for name, path in candidates if path.is_file()}


def _complete(found: dict[str, Path], folder: Path) -> dict[str, Path]:
    if missing := ", ".join(name for name in FILES if name not in found):
        raise explain(
            FileNotFoundError(f"{folder} has only part of MNIST: {missing} (or the same with .gz) is missing"),
            f"{folder}에 MNIST 파일 일부가 없습니다: {missing}(.gz 포함). 서로 다른 곳의 파일을 섞어 읽지 않습니다. 빠진 파일을 같은 "
            "폴더에 넣으십시오.",
        )
    return found


def _download(folder: Path) -> None:
    """Fetch what the folder lacks of the published files, from the first mirror that delivers."""
    import pooch

    for name, path in _found_in(folder).items():
        if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != FILES[name]:
            raise explain(
                FileNotFoundError(
                    f"{folder} has only part of MNIST and {path.name} is not the published file: move it away"
                ),
                f"{folder}에 네 파일이 다 있지 않고, {path.name} 파일이 공개된 것과 다릅니다. 섞거나 덮어쓰지 않고 멈춥니다. 그 파일을 "
                "다른 곳으로 옮기면 내려받습니다.",
            )
    problems = []
    for mirror in MIRRORS:
        try:
            for name, md5 in FILES.items():
                pooch.retrieve(
                    mirror + name + ".gz",
                    known_hash="md5:" + md5,
                    fname=name + ".gz",
                    path=folder,
                    progressbar=find_spec("tqdm") is not None,
                )
            return
        except (OSError, ValueError) as error:  # no network, not there, or (ValueError) a wrong checksum
            problems.append(f"{mirror}: {error}")
    reasons = "; ".join(problems)
    raise explain(
        FileNotFoundError(f"MNIST could not be downloaded. {_PUT_AND_NAME_THEM}, or into {folder}. ({reasons})"),
        f"MNIST를 내려받지 못했습니다({reasons}). 네트워크를 확인하십시오. 직접 구했다면 {folder}에 넣어도 됩니다. {_KOREAN_PUT_THEM}",
    )
