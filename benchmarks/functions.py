"""Every function of the rule book, forward and backward, per element: ours and PyTorch's where it has one.

Each library has a process of its own, in which it goes through the table of calls. Two functions are compared where they have the same
values and gradients, so far as those are determined.
"""

from collections.abc import Iterator

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
    libraries = [name for name in ("tinygrad_ko", "torch") if name in available(peers)]
    with started({name: Work("contenders.functions", "function", (name, "add")) for name in libraries}) as processes:
        for name in CALLS:
            yield from of_one(name, processes, max(3, rounds // 5))


def of_one(name: str, processes: dict[str, Process], rounds: int) -> Iterator[Row]:
    """Forward alone, and with backward. Raises DisagreementError if PyTorch's is another function."""
    able, found = {}, {}
    for library, process in processes.items():
        try:
            process.make(Work("contenders.functions", "function", (library, name)))
        except NotImplementedError:
            continue
        able[library], found[library] = process, process.call("answers")
    if len(able) > 1 and name not in NOT_JUDGED:
        try:
            compare_all(found["tinygrad_ko"], found["torch"], "float32")
        except DisagreementError as error:
            raise DisagreementError(f"{name}: {error}") from None
    elements = CALLS[name].elements
    both = take_turns(able, rounds)
    for library, process in able.items():
        process.make(Work("contenders.functions", "forward", (library, name)))
    yield from rows_of(f"{name}, an element", take_turns(able, rounds), against="torch", count=elements)
    yield from rows_of(f"{name} and its gradient", both, against="torch", count=elements)
