"""A contender in a process of its own, on a core of its own: made there, called there, timed there.

In one process for all, the first contender to free a large array warms the allocator for the next, and the figures are not those
that a user sees: glibc's page faults alone can double the time of a training step.

`python -m benchmarks.process` is the other end: it reads a `Work`, makes it, and then answers one request after another.
"""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from traceback import print_exc
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Work:
    """What is timed: the function that `maker(*arguments)` returns, a maker of the module."""

    module: str
    maker: str
    arguments: tuple[Any, ...] = ()

    def made(self) -> Any:
        module = import_module(self.module)
        if not hasattr(module, self.maker):
            raise NotImplementedError(f"{self.module} has no {self.maker}")
        return getattr(module, self.maker)(*self.arguments)


@dataclass(frozen=True)
class Turn:
    """What one call took, on the average of a turn: seconds and pages."""

    cpu: float  # of the process, in user and in system mode
    wall: float
    system: float
    faults: float  # pages that the system had to map


def used() -> tuple[float, float, float, float]:
    """What this process has taken so far."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ModuleNotFoundError:  # Windows counts neither
        return time.process_time(), time.perf_counter(), 0.0, 0.0
    usage = getrusage(RUSAGE_SELF)
    return time.process_time(), time.perf_counter(), usage.ru_stime, usage.ru_minflt


def turn(work: Callable[[], object], repeats: int) -> Turn:
    """Some calls, after one that is not counted and warms the caches. The garbage collector stays on, as users have it."""
    work()
    before = used()
    for _ in range(repeats):
        work()
    return Turn(*[(after - start) / repeats for start, after in zip(before, used(), strict=True)])


class FailedError(RuntimeError):
    """A contender raised an error of its own, or its process ended."""


class Process:
    """The near end."""

    def __init__(self, work: Work) -> None:
        command = [sys.executable, "-m", "benchmarks.process"]
        self.process: Any = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.make(work)
        except BaseException:
            self.end()
            raise

    def ask(self, request: Any) -> Any:
        """The answer to a request; what it raised there is raised here. Raises FailedError if there is none."""
        try:
            pickle.dump(request, self.process.stdin)
            self.process.stdin.flush()
            answer = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            self.end()
            raise FailedError(f"its process ended with exit status {self.process.returncode}") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def make(self, work: Work) -> None:
        """Another work in the place of the one before."""
        self.ask(work)

    def call(self, method: str = "__call__") -> Any:
        """What the work returns, or one of its methods."""
        return self.ask(method)

    def turn(self, repeats: int) -> Turn:
        """What a call takes."""
        answer: Turn = self.ask(repeats)
        return answer

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """No more requests: it stops when it has read the last."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@contextmanager
def started(works: Mapping[str, Work]) -> Iterator[dict[str, Process]]:
    """A process for each of them that can do it, all gone at the end."""
    processes: dict[str, Process] = {}
    with ExitStack() as stack:
        for name, work in works.items():
            with suppress(NotImplementedError):
                processes[name] = stack.enter_context(Process(work))
        yield processes


def serve() -> None:
    """Answer requests until there are none: a `Work` is made, a name is called, a number of repeats is a turn."""
    if hasattr(os, "sched_setaffinity"):  # one thread, so one core; the same for all contenders, for they take turns
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    work: Any = None
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer: Any = None
        try:
            match request:
                case Work():
                    work = request.made()
                case str():
                    answer = getattr(work, request)()
                case int():
                    answer = turn(work, request)
        except (NotImplementedError, RecursionError) as error:
            answer = type(error)(str(error))
        except Exception as error:  # of any class, which the other end may not have
            print_exc()
            answer = FailedError(f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    from benchmarks import process  # not this file's twin `__main__`: pickle knows classes by their module

    process.serve()
