"""Every function of the rule book, forward and backward, per element: ours and PyTorch's where it has one.

Each library has a process of its own, in which it goes through the table of calls. Two functions are compared where they have the same
values and gradients, so far as those are determined. What takes more than three times PyTorch's time has its reason beside it.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.agreement import DisagreementError, compare_all
from benchmarks.calls import CALLS
from benchmarks.comparison import OURS, rows_of
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

LIMIT = 3.0  # times PyTorch's time
WHY = {  # what NumPy alone takes for an element, on the machine of the table, or where else the time goes
    "gelu: forward": "all digits left of 0, where PyTorch's has none from -5 on; NumPy's exp and 40 passes take 4.3 ns",
    "huber_loss: forward": "a difference, five operations and a mean, each over the whole array, take NumPy 0.8 ns",
    "hypot: forward": "computed in float64; np.hypot takes 3.9 ns",
    "identity_function: forward": "the time to record an op: no number is read, in PyTorch neither",
    "linalg.matrix_norm: forward": "NumPy's square, sum and root take 0.36 ns",
    "logaddexp: forward": "computed in float64, rounded once; np.logaddexp takes 20 ns",
    "max: forward": "NumPy's own maximum of rows takes 0.54 ns",
    "mean: forward": "NumPy's own mean of rows takes 0.31 ns",
    "min: forward": "NumPy's own minimum of rows takes 0.54 ns",
    "moveaxis: forward": "a view, in PyTorch too: only the call is timed",
    "negative_log_likelihood: forward": "it reads 1,024 of the numbers: calls are timed, of NumPy alone 0.10 ns",
    "prod: forward": "NumPy's own product of rows takes 1.0 ns: each step waits for the one before",
    "scatter_add: forward": "np.add.at, which NumPy needs where rows repeat, takes 1.1 ns, on pairs of numbers",
    "sign: forward": "np.sign takes 0.38 ns",
    "sum: forward": "NumPy's own sum of rows takes 0.29 ns",
    "vector_norm: forward": "NumPy's square, sum and root take 0.38 ns",
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
    for part, taken in (("forward", take_turns(able, rounds)), ("forward and backward", both)):
        yield from map(explained, rows_of(f"{name}: {part}", taken, against="torch", count=elements))


def explained(row: Row) -> Row:
    """A row of ours that is beyond the limit, with its reason; without one it misses the bar."""
    if row.contender != OURS or not row.against or float(row.against) <= LIMIT:
        return row
    if row.task not in WHY:
        return replace(row, bar=f"<= {LIMIT:.2f}", met=False)
    return replace(row, why=WHY[row.task])
