"""What is asked of the allocator of memory."""

from functools import cache

import numpy as np


@cache
def keep_freed_memory() -> None:
    """Once: let an array of almost 32 MiB die, untouched.

    glibc gives a large array back to the system when it dies, and the next one costs a page fault for every 4 KiB: a quarter
    of the time of a convolutional network. From then on it keeps arrays as large as the largest that it has seen to die, up
    to 32 MiB, and at most twice as much. Elsewhere this does nothing.
    """
    np.empty(2**25 - 2**13, np.uint8)
