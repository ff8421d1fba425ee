"""The command line: `tinygrad-ko demo`, `train`, `check`, `draw` and `doctor`.

Exit status: 0 for success, 1 for a gradient that failed its check, 2 for bad input, 130 after Ctrl-C.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from tinygrad_ko.cli.check import add_check
from tinygrad_ko.cli.console import replace_unknown_characters, say
from tinygrad_ko.cli.demo import add_demo
from tinygrad_ko.cli.doctor import add_doctor
from tinygrad_ko.cli.draw import add_draw
from tinygrad_ko.cli.train import add_train
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.interrupts import started


class _Parser(argparse.ArgumentParser):
    """A parser that raises what is wrong with the arguments, so that all errors are reported in one place."""

    def error(self, message: str) -> NoReturn:
        raise explain(
            ValueError(f"{message} (see {self.prog} --help)"),
            f"명령행 인수가 올바르지 않습니다. 원인: {message}. {self.prog} --help로 사용법을 볼 수 있습니다.",
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, by default that of `sys.argv`, and return the exit status.

    An error that explains itself (it carries a Korean note) or comes from the operating system is printed without a
    traceback; any other is a defect of this package and keeps it.
    """
    replace_unknown_characters()
    about = "Automatic differentiation on NumPy that proves its own gradients."
    parser = _Parser(prog="tinygrad-ko", description=about)
    parser.add_argument("--version", action="version", version=f"tinygrad_ko {sys.modules['tinygrad_ko'].__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add_command in (add_demo, add_train, add_check, add_draw, add_doctor):
        add_command(commands)
    try:
        try:
            started()
            args = parser.parse_args(argv)
        except SystemExit as done:  # --help, --version
            return int(done.code or 0)
        status: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        say("tinygrad-ko: interrupted", "실행을 중단했습니다.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        notes = getattr(error, "__notes__", [])
        if not notes and not isinstance(error, OSError):
            raise
        say(f"tinygrad-ko: error: {error}", *notes, file=sys.stderr)
        return 2
    return status
