"""Peak memory, each figure from a fresh process: how far its resident memory grew (the bars are about this).

Beside it stands what Python and NumPy asked for (tracemalloc), which is exact but knows nothing of other
libraries. Run as `python -m benchmarks.memory PROBLEM CONTENDER METHOD` this file measures one figure and
prints a number of bytes.
"""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import contenders
from benchmarks.problems import CHAINS, DEEP, WIDE
from benchmarks.process import started
from benchmarks.report import Row
from benchmarks.small_ops import LONG, SHORT
from benchmarks.timing import take_turns

STEP_BAR = 0.95  # times the hand-written step
OP_BAR = 160  # bytes per recorded operation
TRACED = 99_999  # operations under tracemalloc, which is slow
STATUS = Path("/proc/self/status")


def resident(field: str) -> int:
    """Bytes of resident memory, now (VmRSS) or at most so far (VmHWM)."""
    if STATUS.exists():
        line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def give_back() -> None:
    """Return what the allocator keeps of freed memory to the system: work that used it would seem to take none."""
    with suppress(ImportError, OSError, AttributeError, TypeError):  # without glibc there is nothing to return
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)


def grown(work: Callable[[], object], method: str) -> int:
    """By how many bytes the process grew, at most, while it worked."""
    give_back()
    if method == "traced":
        tracemalloc.start()
        work()
        return tracemalloc.get_traced_memory()[1]
    if STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak of the imports
    before = resident("VmRSS")
    work()
    return resident("VmHWM") - before


def measure_step(contender: str, method: str) -> int:
    """Three steps, so that what one leaves behind counts. Data, parameters, BLAS's memory exist before."""
    step = contenders.work(contender, "TrainingStep", DEEP).made()
    warm = np.ones((DEEP.batch, DEEP.sizes[0]), DEEP.dtype)
    (warm @ np.ones((DEEP.sizes[0], DEEP.sizes[0]), DEEP.dtype)).sum()
    return grown(lambda: [step() for _ in range(3)], method)


def measure_ops(contender: str, method: str) -> int:
    """A long chain, forward and backward, after a short one."""
    contenders.work(contender, "chain", CHAINS[0], (4,), SHORT).made()()
    chain = contenders.work(contender, "chain", CHAINS[0], (4,), LONG if method == "resident" else TRACED)
    return grown(chain.made(), method)


def measure_keeping(contender: str, method: str) -> int:
    """Three steps of a step class of ours."""
    step = contenders.work("tinygrad_ko", contender, WIDE).made()
    return grown(lambda: [step() for _ in range(3)], method)


MEASURES = {"step": measure_step, "ops": measure_ops, "keeping": measure_keeping}


def ask(problem: str, contender: str, method: str, times: int = 1) -> float:
    """The median over fresh processes, in bytes."""
    command = [sys.executable, "-m", "benchmarks.memory", problem, contender, method]
    root = Path(__file__).parents[1]
    answers = [int(subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=root).stdout) for _ in range(times)]
    return float(median(answers))


def rows(peers: bool) -> Iterator[Row]:
    if sys.platform == "win32":
        print("memory is left out: Windows has another way to count it", file=sys.stderr)
        return
    names = list(contenders.available(peers))
    task = f"peak of a step, 20 layers of 1,024 relu, batch {DEEP.batch}, {DEEP.dtype}"
    by_hand = 0.0
    for name in names:
        bytes_ = ask("step", name, "resident", times=3)
        traced = ask("step", name, "traced")
        by_hand = by_hand or bytes_
        ratio = bytes_ / by_hand
        ours = name == "tinygrad_ko"
        yield Row(
            task,
            name,
            f"{bytes_ / 1e6:.1f} MB resident, {traced / 1e6:.1f} MB traced",
            f"{ratio:.3f} x",
            bar=f"<= {STEP_BAR:.2f} x" if ours else "",
            met=ratio <= STEP_BAR if ours else None,
        )
    for name in ("by hand", "tinygrad_ko"):
        if name in names:
            each, traced = ask("ops", name, "resident") / LONG, ask("ops", name, "traced") / TRACED
            ours = name == "tinygrad_ko"
            yield Row(
                f"peak of {LONG:,} ops: {CHAINS[0]}, shape (4,)",
                name,
                f"{each:.0f} bytes per op resident, {traced:.0f} traced ({TRACED:,} ops)",
                bar=f"<= {OP_BAR} bytes" if ours else "",
                met=each <= OP_BAR if ours else None,
            )
    steps = {"TrainingStep": "tinygrad_ko", "CheckpointedStep": "with checkpoint"}
    with started({name: contenders.work("tinygrad_ko", name, WIDE) for name in steps}) as processes:
        taken = take_turns(processes, 5)
    by_keeping = ask("keeping", "TrainingStep", "resident")
    for name, shown in steps.items():
        bytes_, traced = ask("keeping", name, "resident"), ask("keeping", name, "traced")
        ratio = median(a.cpu / b.cpu for a, b in zip(taken[name], taken["TrainingStep"], strict=True))
        yield Row(
            f"peak of a step, 20 layers of 256 relu, batch {WIDE.batch:,}, {WIDE.dtype}",
            shown,
            f"{bytes_ / 1e6:.1f} MB resident, {traced / 1e6:.1f} MB traced",
            f"{bytes_ / by_keeping:.3f} x, in {ratio:.2f} x the time (of keeping all)",
        )


if __name__ == "__main__":
    problem, contender, method = sys.argv[1:]
    print(MEASURES[problem](contender, method))
