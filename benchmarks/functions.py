"""Every function of the rule book, forward and backward, per element: ours and PyTorch's where it has one.

Each library has a process of its own, in which it goes through the table of calls. Two functions are compared where they have the same
values and gradients, so far as those are determined.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.agreement import DisagreementError, compare_all
from benchmarks.calls import CALLS
from benchmarks.comparison import rows_of
from benchmarks.contenders import available
from benchmarks.process import Process, Work, started
from benchmarks.report import Row
from benchmarks.timing import take_turns

NOT_JUDGED = {  # why two that do the same may differ
    "dropout": "it is random",
    "linalg.eigh": "signs are not determined",
    "linalg.qr": "signs are not determined",
    "linalg.svd": "signs are not determined",
    "sinc": "near 0 PyTorch's slope has lost its digits",
}


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    libraries = [name for name in available(peers) if name in ("tinygrad_ko", "torch")]
    first = {name: Work("benchmarks.contenders.functions", "function", (name, "add")) for name in libraries}
    with started(first) as processes:
        for name in CALLS:
            yield from of_one(name, processes, max(3, rounds // 5))


def of_one(name: str, processes: dict[str, Process], rounds: int) -> Iterator[Row]:
    """Forward alone, and with backward."""
    able, found = {}, {}
    for library, process in processes.items():
        try:
            process.make(Work("benchmarks.contenders.functions", "function", (library, name)))
        except NotImplementedError:
            continue
        able[library], found[library] = process, process.call("answers")
    try:
        if "torch" in found and name not in NOT_JUDGED:
            compare_all(found["torch"], found["tinygrad_ko"], "float32")
    except DisagreementError as error:
        del able["torch"]
        yield Row(f"{name}: forward and backward", "torch", f"{type(error).__name__}: {error}", met=False)
    elements = max(np.size(array) for array in found["tinygrad_ko"].values())  # of the result or a gradient
    both = take_turns(able, rounds)
    for library, process in able.items():
        process.make(Work("benchmarks.contenders.functions", "forward", (library, name)))
    yield from rows_of(f"{name}: forward", take_turns(able, rounds), against="torch", count=elements)
    yield from rows_of(f"{name}: forward and backward", both, against="torch", count=elements)
