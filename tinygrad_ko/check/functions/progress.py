"""A progress bar for checks that take long, where tqdm is installed and stderr is a terminal."""

import sys
from time import monotonic
from typing import Any

_PATIENCE = 2.0  # seconds until a bar is shown


class Progress:
    """Counts evaluations, and those in which f raised; after two seconds on a terminal it shows them."""

    def __init__(self) -> None:
        self.count, self.since = 0, monotonic()
        self.bar: Any = None
        self.outside, self.raised = 0, ""  # at how many points f raised, and what it raised last

    def step(self) -> None:
        self.count += 1
        if self.bar is not None:
            self.bar.update()
        elif self.count % 8 == 0 and monotonic() - self.since > _PATIENCE and sys.stderr.isatty():
            self.since = float("inf")  # one try is enough
            try:
                from tqdm import tqdm
            except ModuleNotFoundError:
                return
            self.bar = tqdm(initial=self.count, desc="checking", unit=" evaluations", leave=False, dynamic_ncols=True)

    def note(self, error: Exception) -> None:
        self.outside, self.raised = self.outside + 1, f"{type(error).__name__}: {error}"

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
