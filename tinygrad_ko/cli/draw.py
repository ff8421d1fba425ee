"""`tinygrad-ko draw module:function`: the picture of a computational graph, in a file."""

import argparse
import contextlib
import io
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.cli.console import say
from tinygrad_ko.cli.options import at_least
from tinygrad_ko.cli.target import (
    add_target_command,
    describe_inputs,
    import_target,
    random_inputs,
    required_arguments,
    target_error,
)
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor.tensor import Tensor

_DESCRIPTION = """Draw the computational graph of a function of Tensors, of an op, of a Module (a variable that holds one) or behind a
Tensor, and write it to a file."""

_EPILOG = """\
examples:
  tinygrad-ko draw my_model.py:model --shape 5,784 --out model.svg
  tinygrad-ko draw my_model.py:loss --direction down --hide kept
  tinygrad-ko draw my_model.py:words --shape 2,3 --dtype int
  tinygrad-ko draw tinygrad_ko:tanh --shape "()" --out tanh.png
  tinygrad-ko draw my_model.py:loss --out - | dot -Tpdf > loss.pdf

What can be drawn:
  a function of Tensors   It is called once at random inputs, which are leaves, so that their gradients are seen.
  a Module                Its inputs are constants, as in training: so "keeps" tells what training keeps.
  a function that needs no arguments and returns a Tensor, or Tensors in lists and dicts: a loss at your own data.
  a Tensor                or Tensors in lists and dicts. Values are seen if it was computed under tg.watch().

Gradients are seen where the result is one number.

exit status: 0 the graph is written, 2 bad input (the message is on stderr)."""


def add_draw(commands: Any) -> None:
    """Add this command to the parser. The parts to hide and the directions are known to `tg.draw`."""
    about = "draw the graph of a function"
    parser = add_target_command(commands, "draw", _run, help=about, description=_DESCRIPTION, epilog=_EPILOG)
    option = parser.add_argument
    option("--seed", type=at_least(0), default=0, help="of the random inputs (default 0)")
    out_help = (
        "ends in .svg, .png or .pdf, or in .dot or .gv for its text in DOT, which needs no Graphviz; replaced if it is there;"
        " - writes DOT to standard output (default graph.svg)"
    )
    option("--out", default="graph.svg", metavar="FILE", help=out_help)
    hide_help = "leave out shapes, values, gradients, kept (what is kept until backward) or constants; may be repeated"
    option("--hide", action="append", default=[], metavar="PART", help=hide_help)
    option("--depth", type=at_least(0), metavar="N", help="close boxes (Modules, scopes) deeper than N; 0 closes all")
    option("--unroll", action="store_true", help="draw every one of equal blocks, not only the first")
    option("--direction", metavar="WAY", help="right, or down (default: down for a long graph)")


def _run(args: argparse.Namespace) -> int:
    from tinygrad_ko.drawing.drawing import draw  # here, so that the other commands run where graphviz is missing

    to_stdout = args.out == "-"
    with contextlib.redirect_stdout(sys.stderr) if to_stdout else contextlib.nullcontext():
        try:
            target, inputs = _target_and_inputs(args)
            options = {name: getattr(args, name) for name in ("hide", "depth", "unroll", "direction")}
            picture = draw(target, *inputs, **options)
        except (Exception, SystemExit) as error:
            raise target_error(error, args) from None
        if not to_stdout:
            path = _save(picture, args.out)
            say(f"written to {path}", f"계산 그래프를 저장했습니다: {path}")
        for note in picture.notes:
            say(*note)
    if to_stdout:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # as Graphviz reads it, whatever the console speaks
        print(picture.source, end="")
    return 0


def _target_and_inputs(args: argparse.Namespace) -> tuple[Any, list[Any]]:
    target = import_target(args.target)
    if callable(target) and not isinstance(target, Tensor) and (args.shape or required_arguments(target) != 0):
        inputs = random_inputs(target, args, np.random.default_rng(args.seed))
        say(describe_inputs(args, inputs))
        trained = hasattr(target, "named_parameters") and target.named_parameters()
        return target, [Tensor(x) for x in inputs] if trained else inputs  # a Tensor stays a constant
    if args.shape or args.domain or args.dtype:
        raise explain(
            ValueError(f"{args.target} needs no inputs: leave out --shape, --domain and --dtype"),
            f"{args.target}에는 입력이 필요하지 않습니다. --shape, --domain, --dtype을 빼십시오.",
        )
    return target, []


def _save(picture: Any, out: str) -> Path:
    try:
        with warnings.catch_warnings(record=True, action="always") as caught:
            path: Path = picture.save(out)
        for warning in caught:
            say(*str(warning.message).split("\n"), file=sys.stderr)
        return path
    except RuntimeError as error:
        text, korean = Path(out).with_suffix(".dot"), "\n".join(getattr(error, "__notes__", []))
        raise explain(
            RuntimeError(f"{error}; --out {text} needs no Graphviz"),
            f"{korean}\nGraphviz 없이 DOT 텍스트로 저장하려면 --out {text} 옵션을 쓰십시오.",
        ) from None
