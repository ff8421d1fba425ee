"""`tinygrad-ko check module:function`: hold the gradient of a function against numerical differentiation."""

import argparse
import contextlib
import importlib
import importlib.util
import inspect
import json
import math
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.check import GradientMismatch, GradientUndecided, Report, check_gradient
from tinygrad_ko.check.domain import Domain, limits, numbers
from tinygrad_ko.check.gradient import PROJECTIONS
from tinygrad_ko.cli.console import say
from tinygrad_ko.cli.options import at_least, domain, sizes
from tinygrad_ko.errors import explain

DEFAULT_SHAPE = (3, 4)

DESCRIPTION = """Check the gradient of an op, of any function of Tensors or of a Module (a variable that holds one; its parameters
are checked too) at random inputs."""

EPILOG = """\
examples:
  tinygrad-ko check tinygrad_ko:matmul --shape 3,4 --shape 4,2
  tinygrad-ko check my_ops.py:my_log --domain positive --order 2
  tinygrad-ko check my_model.py:model --shape 5,784 --wrt layers.0.W --effort quick

exit status: 0 the gradient agrees, 1 it is wrong or cannot be decided, 2 bad input (the message is on stderr).

--json prints one object and nothing else: name, verdict (agrees, mismatch, undecided), evaluations, numbers (how many are
checked), rows (the table, an object for each argument and order), remarks (a list of texts), blame (where it is wrong: an object,
or null), and error (the message) if the verdict is not agrees. Numbers that JSON lacks are the strings "NaN", "Infinity" and
"-Infinity". What the function itself prints goes to stderr. With exit status 2 nothing is printed."""


def add(commands: Any) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser(
        "check",
        help="check the gradient of a function",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser._negative_number_matcher = re.compile(r"-(\d|\.|inf)")  # so --domain -1,1 is a value, not an option -1,1
    parser.add_argument("target", metavar="module:function", help="or file.py:function")
    parser.add_argument(
        "--shape",
        action="append",
        type=sizes(0),
        metavar="3,4",
        help="of one input, () for a number; once for each input (default 3,4)",
    )
    parser.add_argument(
        "--domain",
        action="append",
        type=domain,
        metavar="DOMAIN",
        help="where the inputs lie: real (both signs, the default), positive, nonzero, unit (-1 to 1), or an interval such as"
        " 0.1,3 (,3 has no lower limit); once for all inputs, or once for each",
    )
    parser.add_argument("--order", type=int, choices=(1, 2), default=1, help="2: the gradient of the gradient too")
    parser.add_argument(
        "--effort",
        choices=tuple(PROJECTIONS),
        default="usual",
        help="how sure to be: quick for large inputs, thorough to look eight times (default usual)",
    )
    parser.add_argument(
        "--wrt",
        action="append",
        metavar="NAME",
        help="check this argument or parameter only; may be repeated (default all)",
    )
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the random inputs and directions (default 0)")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object, for programs")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, and print the report or what is wrong."""
    try:
        with contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext():
            report = checked(args)
    except (GradientMismatch, GradientUndecided) as failure:
        if args.json:
            print(as_json(failure.report, str(failure).removesuffix("\n".join(["", *failure.report.table()]))))
        else:
            say(f"FAILED {failure}", *getattr(failure, "__notes__", []))
            if isinstance(failure, GradientUndecided):
                say(
                    "--domain, --shape and --seed choose other inputs",
                    "--domain, --shape, --seed로 다른 입력을 지정할 수 있습니다.",
                )
        return 1
    except (Exception, SystemExit) as error:
        if getattr(error, "__notes__", None) and not passed_user_code(error):
            raise
        traceback.print_exc()
        raise explain(
            ValueError(f"{args.target} raised {type(error).__name__}: {error}"),
            "확인하려는 함수나 그 모듈에서 오류가 발생했습니다. 위의 트레이스백을 확인하십시오.",
        ) from None
    print(as_json(report)) if args.json else say(f"ok {report}")
    return 0


def checked(args: argparse.Namespace) -> Report:
    """Find the function, choose its inputs and check it. Raises what check_gradient does."""
    f = find(args.target)
    shapes = args.shape or default_shapes(f, args.target)
    domains = in_each(args.domain or ["real"], len(shapes))
    if not args.json:
        within = f", domain {' and '.join(map(spelled, args.domain))}" if args.domain else ""
        more = "" if args.shape else " (or give --shape)"
        say(f"{args.target} at random inputs of shape {', '.join(map(str, shapes))}{within}{more}")
    rng = np.random.default_rng(args.seed)
    inputs = [numbers(rng, shape, *limits(d)) for shape, d in zip(shapes, domains, strict=True)]
    return check_gradient(f, *inputs, wrt=args.wrt, order=args.order, effort=args.effort, rng=rng)


def in_each(domains: list[Domain], count: int) -> list[Domain]:
    """A domain for each input. Raises ValueError if there are neither one nor as many as inputs."""
    if len(domains) not in (1, count):
        raise explain(
            ValueError(f"--domain is given {len(domains)} times for {count} inputs: give it once, or once for each"),
            f"입력은 {count}개인데 --domain을 {len(domains)}번 지정했습니다. 한 번만 지정하거나 입력마다 한 번씩 지정하십시오.",
        )
    return domains if len(domains) == count else domains * count


def spelled(d: Domain) -> str:
    """A domain as the option takes it."""
    return d if isinstance(d, str) else ",".join("" if x is None else str(x).removesuffix(".0") for x in d)


def as_json(report: Report, error: str | None = None) -> str:
    """A report as one JSON object; `error` only if there is one."""
    blame = report.blame and asdict(report.blame) | {"ratio": report.blame.ratio}
    found = {"name": report.name, "verdict": report.verdict, "evaluations": report.evaluations}
    found |= {"numbers": report.numbers, "rows": report.rows(), "remarks": report.remarks, "blame": blame}
    return json.dumps(valid(found if error is None else found | {"error": error}), indent=2, allow_nan=False)


def valid(value: Any) -> Any:
    """The same with a string in place of every number that JSON has not; Python's float and JavaScript's Number read it.

    >>> valid({"slope": math.inf, "shape": (3, 4)})
    {'slope': 'Infinity', 'shape': [3, 4]}
    """
    if isinstance(value, dict):
        return {key: valid(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return [valid(x) for x in value]
    return json.dumps(value) if isinstance(value, float) and not math.isfinite(value) else value


def passed_user_code(error: BaseException) -> bool:
    """Whether an error came through a file that is not of this package: then a traceback helps."""
    package = str(Path(__file__).resolve().parents[1])
    return any(not frame.filename.startswith((package, "<")) for frame in traceback.extract_tb(error.__traceback__))


def find(target: str) -> Callable[..., Any]:
    """Import what `module:function` or `file.py:function` names, as `python` would from the current folder."""
    place, _, path = target.rpartition(":")
    if not place or not path:
        raise explain(
            ValueError(f"{target!r} must be module:function or file.py:function"),
            "확인할 함수는 모듈:함수 또는 파일.py:함수 형식으로 지정해야 합니다.",
        )
    found: Any = import_file(Path(place)) if place.endswith(".py") else import_named(place)
    for name in path.split("."):
        if not hasattr(found, name):
            raise explain(ValueError(f"{place} has no {path}"), f"{place}에 없는 이름입니다: {path}")
        found = getattr(found, name)
    if inspect.isclass(found):
        raise explain(
            TypeError(f"{target} is a class: name a function, or a variable such as model = {found.__name__}(...)"),
            f"클래스는 확인할 수 없습니다: {target}. 함수나, model = {found.__name__}(...)처럼 인스턴스를 담은 변수를 지정하십시오.",
        )
    if not callable(found):
        raise explain(TypeError(f"{target} is not a function"), f"함수가 아닙니다: {target}")
    return found


def import_named(name: str) -> Any:
    """Import a module; the current folder comes first."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise  # the module is there, but lacks something itself
        raise explain(
            ModuleNotFoundError(
                f"no module named {error.name!r}, here or among the installed packages", name=error.name
            ),
            f"{error.name} 모듈이 현재 폴더에도, 설치된 패키지에도 없습니다.",
        ) from None


def import_file(path: Path) -> Any:
    """Import a file; its folder comes first, as for a script."""
    if not path.is_file():
        raise explain(FileNotFoundError(f"no such file: {path}"), f"파일이 없습니다: {path}")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def default_shapes(f: Callable[..., Any], target: str) -> list[tuple[int, ...]]:
    """One shape for every argument that must be given."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    shapes: list[tuple[int, ...]] = []
    with contextlib.suppress(TypeError, ValueError):  # not every callable has a signature
        for p in inspect.signature(getattr(f, "forward", f)).parameters.values():
            if p.kind in positional and p.default is p.empty:
                shapes.append(DEFAULT_SHAPE)
    if not shapes:
        raise explain(
            ValueError(f"how many inputs {target} takes cannot be told: give --shape once for each"),
            "입력이 몇 개인지 알 수 없습니다. 입력마다 --shape를 한 번씩 지정하십시오.",
        )
    return shapes
