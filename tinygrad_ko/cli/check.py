"""`tinygrad-ko check module:function`: compare the gradient of a function with numerical differentiation."""

import argparse
import contextlib
import json
import sys
import textwrap
from typing import Any

import numpy as np

from tinygrad_ko.check import (
    GradientMismatch,
    GradientUndecided,
    Report,
    check_grad,
    check_gradient,
    check_hess,
    check_hessp,
    check_jvp,
    check_vjp,
)
from tinygrad_ko.check.functions.libraries import as_given_to
from tinygrad_ko.check.verdicts.verdict import PROJECTIONS
from tinygrad_ko.cli.console import say
from tinygrad_ko.cli.options import at_least, real_option
from tinygrad_ko.cli.target import (
    add_target_command,
    describe_inputs,
    import_target,
    random_inputs,
    target_error,
    whole_domains,
)
from tinygrad_ko.errors import explain

_DESCRIPTION = """Check the gradient of an op, of any function of Tensors or of a Module (a variable that holds one; its parameters
are checked too) at random inputs; of an autograd.Function, a Module or a function of PyTorch or JAX; or a derivative written by hand
for a function of NumPy arrays."""

_EPILOG = """\
examples:
  tinygrad-ko check tinygrad_ko:matmul --shape 3,4 --shape 4,2
  tinygrad-ko check my_ops.py:my_log --domain positive --order 2
  tinygrad-ko check my_model.py:words --shape 2,3 --dtype int
  tinygrad-ko check my_model.py:model --shape 5,784 --wrt layers.0.W --effort quick
  tinygrad-ko check my_torch_op.py:MyFunction --shape 3,4
  tinygrad-ko check my_jax.py:loss --library jax
  tinygrad-ko check my_objective.py:loss --grad gradient --shape 5
  tinygrad-ko check step.py:loss_and_gradient --grad True --wrt W --shape 20,4 --shape 4,3

exit status: 0 the gradient agrees, 1 it is wrong or cannot be decided, 2 bad input (the message is on stderr).

--json prints one object and nothing else, the certificate of the check: name, verdict (agrees, mismatch, undecided), evaluations,
numbers (how many are checked), rows (the table, an object for each argument and order), remarks (a list of texts), blame (where it is
wrong: an object, or null), check and options (how it was called), points (the inputs: their numbers, or of many of them a hash), versions,
and error (the message) if the verdict is not agrees. In rows and in blame, error is the error estimate of the numerical derivative.
Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity".
What the function itself prints goes to stderr, and the first line of the error. With exit status 2 nothing is printed."""


_RULES: dict[str, tuple[Any, str]] = {  # derivatives written by hand
    "grad": (check_grad, "its gradient or Jacobian, grad(x); True if the target returns both, in a pair"),
    "vjp": (check_vjp, "its vector-Jacobian product, vjp(g, *inputs)"),
    "jvp": (check_jvp, "its Jacobian-vector product, jvp(*inputs, *tangents)"),
    "hess": (check_hess, "the Jacobian of this gradient, hess(x)"),
    "hessp": (check_hessp, "its product with a vector, hessp(x, p)"),
}


def add_check(commands: Any) -> None:
    """Add this command to the parser."""
    about = "check the gradient of a function"
    parser = add_target_command(commands, "check", _run, help=about, description=_DESCRIPTION, epilog=_EPILOG)
    option = parser.add_argument
    option("--order", type=int, choices=(1, 2), default=1, help="2: the gradient of the gradient too")
    effort_help = "how sure to be: quick for large inputs, thorough to look eight times (default usual)"
    option("--effort", choices=tuple(PROJECTIONS), default="usual", help=effort_help)
    wrt_help = "check this argument or parameter only; may be repeated (default all)"
    option("--wrt", action="append", metavar="NAME", help=wrt_help)
    option("--rtol", type=real_option(zero=True), default=0.0, help="how exactly the function is computed (default 0)")
    float32_help = "never call it with float32: for code that knows only double precision"
    option("--no-float32", dest="float32", action="store_false", help=float32_help)
    library_help = "whose arrays the inputs are (default: what the target shows, else NumPy)"
    option("--library", choices=("torch", "jax"), help=library_help)
    rule = parser.add_mutually_exclusive_group()
    for name, (_, text) in _RULES.items():
        rule.add_argument(f"--{name}", metavar="NAME", help=f"{text}, written by hand, in the same place")
    option("--seed", type=at_least(0), default=0, help="of the random inputs and directions (default 0)")
    option("--json", action="store_true", help="print the report as one JSON object, for programs")


def _run(args: argparse.Namespace) -> int:
    try:
        with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():
            report = _check_target(args)
    except (GradientMismatch, GradientUndecided) as failure:
        if args.json:
            say(f"FAILED {str(failure).partition(chr(10))[0]}", file=sys.stderr)
            print(_as_json(failure.report, str(failure).removesuffix("\n".join(["", *failure.report.table()]))))
            return 1
        say(f"FAILED {failure}", *getattr(failure, "__notes__", []))
        say("a script that makes this check again:", "이 확인을 다시 실행하는 스크립트:")
        say(textwrap.indent(failure.report.script(), "  "))
        if isinstance(failure, GradientUndecided):
            korean = "--domain, --shape, --seed로 다른 입력을 지정할 수 있습니다."
            say("--domain, --shape and --seed choose other inputs", korean)
        return 1
    except (Exception, SystemExit) as error:
        raise target_error(error, args) from None
    print(_as_json(report)) if args.json else say(f"ok {report}")
    return 0


def _check_target(args: argparse.Namespace) -> Report:
    f = import_target(args.target)
    if not callable(f):
        raise explain(TypeError(f"{args.target} is not a function"), f"함수가 아닙니다: {args.target}")
    inputs = random_inputs(f, args, np.random.default_rng([args.seed, 1]))  # not the numbers that the check draws
    if not args.json:
        say(describe_inputs(args, inputs))
    options = {"effort": args.effort, "rtol": args.rtol, "domain": whole_domains(args, inputs), "rng": args.seed}
    for name, (check, _) in _RULES.items():
        if written := getattr(args, name):
            given = {
                "--order 2": args.order == 2,
                "--library": args.library,
                "--wrt": args.wrt and name in ("hess", "hessp"),
            }
            for other in [option for option, is_given in given.items() if is_given]:
                raise explain(
                    ValueError(f"--{name} cannot be given with {other}"),
                    f"함께 쓸 수 없는 옵션입니다: --{name}, {other}",
                )
            pairs = name == "grad" and written == "True"
            derivative = pairs or import_target(f"{args.target.rpartition(':')[0]}:{written}")
            wrt = {"wrt": args.wrt} if args.wrt else {}
            return check(f, derivative, *inputs, **wrt, **options)
    inputs = as_given_to(f, inputs, args.library)
    return check_gradient(f, *inputs, wrt=args.wrt, order=args.order, float32=args.float32, **options)


def _as_json(report: Report, error: str | None = None) -> str:
    found = report.certificate()
    return json.dumps(found if error is None else found | {"error": error}, indent=2, allow_nan=False)
