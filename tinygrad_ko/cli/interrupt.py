"""Ctrl-C that lets a step be finished."""

import signal
import threading
from typing import Self


class Interrupt:
    """Ctrl-C, for a while: pressed once it is only noted, pressed again it is a KeyboardInterrupt. Where it is ignored, as in what
    a shell starts in the background, it stays so.
    """

    requested = False

    def __enter__(self) -> Self:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
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
