"""Contenders whose cost is known, for tests/test_benchmarks.py: a process of their own makes and calls them. They import nothing else."""

import mmap
import os
import time


def burning(seconds, answer=0.0):
    """Uses so much of the processor, and gives an answer."""

    def run():
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return [answer]

    return run


def sleeping(seconds):
    return lambda: time.sleep(seconds)


def touching(pages):
    """Writes to so many pages that were not there before."""

    def run():
        with mmap.mmap(-1, pages * mmap.PAGESIZE) as memory:
            for i in range(pages):
                memory[i * mmap.PAGESIZE] = 1

    return run


def telling(variable):
    """What it sees: an environment variable, how many cores it may use, and a number that counts its calls."""
    calls = 0

    def run():
        nonlocal calls
        calls += 1
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        print("what a library prints is no answer")
        return os.environ.get(variable), cores, calls, os.getpid()

    return run


def dying():
    return lambda: os._exit(3)


def failing():
    raise OSError("made up")
