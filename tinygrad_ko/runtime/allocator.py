"""The memory allocator's setting."""

from functools import cache

import numpy as np


@cache
def keep_freed_memory() -> None:
    """Once: free an untouched array of almost 32 MiB.

    glibc returns a large array to the system when it is freed, and the next one costs a page fault for every 4 KiB: a quarter of the
    time of a convolutional network. From then on it keeps arrays as large as the largest one freed so far, up to 32 MiB, and at
    most twice as much. Elsewhere this does nothing.
    """
    np.empty(2**25 - 2**13, np.uint8)
