"""`tinygrad-ko draw module:function`: the picture of a computational graph, in a file."""

import argparse
import contextlib
import io
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.check.function import argument_names
from tinygrad_ko.cli.console import say
from tinygrad_ko.cli.options import at_least
from tinygrad_ko.cli.target import add_target, find, introduced, needed, random_inputs, told
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor.tensor import Tensor

DESCRIPTION = """Draw the computational graph of a function of Tensors, of an op, of a Module (a variable that holds one) or behind a
Tensor, and write it to a file."""

EPILOG = """\
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


def add(commands: Any) -> None:
    """Tell the parser about this command. What may be hidden, and which directions there are, `tg.draw` knows."""
    parser = commands.add_parser(
        "draw",
        help="draw the graph of a function",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_target(parser)
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the random inputs (default 0)")
    parser.add_argument(
        "--out",
        default="graph.svg",
        metavar="FILE",
        help="ends in .svg, .png or .pdf, or in .dot or .gv for its text in DOT, which needs no Graphviz; replaced if it is there;"
        " - writes DOT to standard output (default graph.svg)",
    )
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        metavar="PART",
        help="leave out shapes, values, gradients, kept (what is kept until backward) or constants; may be repeated",
    )
    parser.add_argument(
        "--depth", type=at_least(0), metavar="N", help="close boxes (Modules, scopes) deeper than N; 0 closes all"
    )
    parser.add_argument("--unroll", action="store_true", help="draw every one of equal blocks, not only the first")
    parser.add_argument("--direction", metavar="WAY", help="right, or down (default: down for a long graph)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw and write."""
    from tinygrad_ko.drawing.drawing import draw  # here, so that the other commands run where graphviz is missing

    to_stdout = args.out == "-"
    with contextlib.redirect_stdout(sys.stderr) if to_stdout else contextlib.nullcontext():
        try:
            what, inputs = chosen(args)
            picture = draw(
                what, *inputs, hide=args.hide, depth=args.depth, unroll=args.unroll, direction=args.direction
            )
        except (Exception, SystemExit) as error:
            raise told(error, args) from None
        if not to_stdout:
            path = save(picture, args.out)
            say(f"written to {path}", f"계산 그래프를 저장했습니다: {path}")
        for note in picture.notes:
            say(*note)
    if to_stdout:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8")  # as Graphviz reads it, whatever the console speaks
        print(picture.source, end="")
    return 0


def chosen(args: argparse.Namespace) -> tuple[Any, list[Any]]:
    """What is drawn, and its inputs if it takes any."""
    what = find(args.target)
    if callable(what) and not isinstance(what, Tensor) and (args.shape or needed(what) != 0):
        inputs = random_inputs(what, args, np.random.default_rng(args.seed))
        say(introduced(args, inputs))
        return what, constants_wrapped(what, inputs)
    if args.shape or args.domain or args.dtype:
        raise explain(
            ValueError(f"{args.target} needs no inputs: leave out --shape, --domain and --dtype"),
            f"{args.target}에는 입력이 필요하지 않습니다. --shape, --domain, --dtype을 빼십시오.",
        )
    return what, []


def constants_wrapped(f: Callable[..., Any], inputs: list[Any]) -> list[Any]:
    """The inputs with a Tensor, which `tg.draw` takes as it is, in place of every array that is to be a constant: all of a
    Module with parameters, and those that an op has no formula for.
    """
    if hasattr(f, "named_parameters") and f.named_parameters():
        return [Tensor(x) for x in inputs]
    op = getattr(getattr(f, "func", f), "op", None)
    constants = set(op.arguments) - set(op.differentiable) if op else set()
    return [
        Tensor(x) if name in constants else x for name, x in zip(argument_names(f, len(inputs)), inputs, strict=True)
    ]


def save(picture: Any, out: str) -> Path:
    """Write the picture. Where Graphviz is missing or fails, the error says that text needs none."""
    try:
        with warnings.catch_warnings(record=True, action="always") as caught:
            path: Path = picture.save(out)
        for warning in caught:
            say(*str(warning.message).split("\n"), file=sys.stderr)
        return path
    except RuntimeError as error:
        text = Path(out).with_suffix(".dot")
        raise explain(
            RuntimeError(f"{error}; --out {text} needs no Graphviz"),
            "\n".join(
                [*getattr(error, "__notes__", []), f"--out {text}으로 지정하면 Graphviz 없이 DOT 텍스트로 저장합니다."]
            ),
        ) from None
