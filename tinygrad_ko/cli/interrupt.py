"""Ctrl-C that lets a step be finished."""

import signal
import threading
from typing import Self


class Interrupt:
    """Ctrl-C, for a while: pressed once it is only noted, pressed again it is a KeyboardInterrupt."""

    requested = False

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self.note)
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "before"):
            signal.signal(signal.SIGINT, self.before or signal.SIG_DFL)

    def note(self, *_: object) -> None:
        """Take note, or raise."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
