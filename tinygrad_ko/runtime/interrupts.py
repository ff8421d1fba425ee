"""Ctrl-C while the command is still being imported: it ends at once, without a traceback, as it does once it runs."""

import os
import sys


def _is_command() -> bool:
    name = os.path.basename(sys.argv[0]) if getattr(sys, "argv", None) else ""
    by_module = name == "-m" and any(word in ("tinygrad_ko", "-mtinygrad_ko") for word in sys.orig_argv)
    return by_module or name in ("tinygrad-ko", "tinygrad-ko.exe")


def may_end() -> None:
    """From now on Ctrl-C ends the process, if this is the command and nobody has said otherwise."""
    if _is_command():
        import signal  # which takes half a millisecond, and nobody else needs it

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def started() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt again."""
    if _is_command():
        import signal

        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
