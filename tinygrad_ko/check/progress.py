"""A progress bar for those checks that take long, where tqdm is installed and somebody is watching."""

import sys
from time import monotonic
from typing import Any

PATIENCE = 2.0  # seconds without a bar


class Progress:
    """Counts evaluations; after two seconds on a terminal it shows them."""

    def __init__(self) -> None:
        self.count, self.since = 0, monotonic()
        self.bar: Any = None

    def step(self) -> None:
        """One evaluation more."""
        self.count += 1
        if self.bar is not None:
            self.bar.update()
        elif self.count % 8 == 0 and monotonic() - self.since > PATIENCE and sys.stderr.isatty():
            self.since = float("inf")  # one try is enough
            try:
                from tqdm import tqdm
            except ModuleNotFoundError:
                return
            self.bar = tqdm(initial=self.count, desc="checking", unit=" evaluations", leave=False, dynamic_ncols=True)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
