"""The memory allocator's setting: memory that large arrays leave is kept for the next ones."""

import os
import sys
from functools import cache
from typing import Any

LARGE = 2**17  # bytes: from here on glibc takes an array's memory from the system, and returns it
_ARRAYS = 2**25  # bytes: the largest arrays whose memory can be kept
_FREE = 2**30  # bytes of freed memory at the end of the heap: what is more goes back to the system
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # of glibc's malloc.h


@cache
def keep_freed_memory() -> bool:
    """Once: let glibc keep the memory of freed arrays up to 32 MiB, 1 GiB of it at most. Whether it does.

    By default it returns the memory of a large array to the system, and the next array costs a page fault for every 4 KiB: half
    of the time of a training step on arrays of 1 MiB. Nothing changes where `MALLOC_...` or `GLIBC_TUNABLES` in the environment
    says how memory is to be kept, and without glibc (macOS, Windows, musl).

    Source: mallopt(3) of the Linux manual.
    """
    if sys.platform != "linux" or any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return False
    try:
        import ctypes

        library: Any = ctypes.CDLL(None)
    except (ImportError, OSError):
        return False
    is_glibc = hasattr(library, "gnu_get_libc_version")
    return is_glibc and bool(library.mallopt(_MMAP_THRESHOLD, _ARRAYS) and library.mallopt(_TRIM_THRESHOLD, _FREE))
