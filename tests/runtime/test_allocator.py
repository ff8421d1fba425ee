"""Memory that large arrays leave is kept for the next ones, unless the environment says otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_ko.runtime import allocator

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import resource, sys
import numpy as np
import tinygrad_ko as tg
from tinygrad_ko.runtime import allocator

def is_set():
    return allocator.keep_freed_memory.cache_info().currsize == 1

def faults(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

{}
"""


def printed(program, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-c", PROGRAM.format(program)]
    environment = kept | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()


def has_glibc():
    return sys.platform == "linux" and bool(os.confstr("CS_GNU_LIBC_VERSION"))


with_glibc = pytest.mark.skipif(not has_glibc(), reason="the setting is one of glibc")

FAULTS = """
x = tg.Tensor(np.ones(SIZE), requires_grad=True)

def step():
    y = x
    for _ in range(3):
        y = tg.tanh(y * y + x) * 0.5
    y.sum().backward()
    x.grad = None

step(), step()
print(faults(lambda: [step() for _ in range(5)]))
"""


@with_glibc
@pytest.mark.parametrize("size", [100_000, 1_500_000])  # below and above what glibc would keep by itself
def test_large_arrays_come_and_go_without_page_faults(size):
    program = FAULTS.replace("SIZE", str(size))
    kept, returned = (int(*printed(program, **e)) for e in ({}, {"MALLOC_TRIM_THRESHOLD_": "131072"}))
    assert kept < 100
    assert returned > 20 * 100


@with_glibc
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_ARENA_MAX", "2"),
        ("MALLOC_TRIM_THRESHOLD_", "131072"),
        ("MALLOC_PERTURB_", "0"),
        ("GLIBC_TUNABLES", "glibc.malloc.arena_max=2"),
    ],
)
def test_nothing_is_set_where_the_environment_says_how_memory_is_kept(name, value):
    assert printed("print(allocator.keep_freed_memory())", **{name: value}) == ["False"]


@with_glibc
def test_it_is_set_with_the_first_large_tensor_or_the_first_backward_not_at_import():
    program = (
        "print(is_set()); tg.Tensor(np.ones(16_384)); print(is_set()); tg.Tensor(np.ones(16_385)); print(is_set())"
    )
    assert printed(program) == ["False", "False", "True"]
    assert printed("print(allocator.keep_freed_memory())") == ["True"]
    for last in ("y.backward()", "tg.grad(y, x)", "tg.func.grad(lambda x: x * x)(2.0)"):
        program = f"x = tg.Tensor(2.0, requires_grad=True); y = x * x; print(is_set()); {last}; print(is_set())"
        assert printed(program) == ["False", "True"], last


class Musl:
    """A C library without glibc's functions."""


@pytest.mark.parametrize("system", ["darwin", "win32", "linux"])
def test_nothing_is_set_without_glibc(system, monkeypatch):
    for name in os.environ:
        if name.startswith(("MALLOC_", "GLIBC_TUNABLES")):
            monkeypatch.delenv(name)
    monkeypatch.setattr("ctypes.CDLL", lambda name: Musl())
    monkeypatch.setattr(sys, "platform", system)
    assert allocator.keep_freed_memory.__wrapped__() is False
