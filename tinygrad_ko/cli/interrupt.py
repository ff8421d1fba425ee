"""Ctrl-C that lets a training step be finished."""

import signal
import threading
from typing import Self


class Interrupt:
    """Inside this block Ctrl-C sets `requested`; pressed again it raises KeyboardInterrupt. Where it is ignored, as in what a shell
    starts in the background, it stays so.
    """

    requested = False

    def __enter__(self) -> Self:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            self.before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "before"):
            signal.signal(signal.SIGINT, self.before or signal.SIG_DFL)

    def _note(self, *_: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
