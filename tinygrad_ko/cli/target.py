"""The target of a command, `module:function`: its import, random inputs for it, and the errors that it raises."""

import argparse
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from math import ceil, floor, inf
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.domain import Domain, is_whole, limits, random_array
from tinygrad_ko.check.functions.in_torch import class_of_apply, is_function_class
from tinygrad_ko.cli.options import add_command, domain, size_list
from tinygrad_ko.errors import explain, wants_integers
from tinygrad_ko.runtime.signatures import signature

_DEFAULT_SHAPE = (3, 4)


def add_target_command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], **texts: str) -> Any:
    """The parser of a command on a target: with the options for the shapes and domains of its inputs."""
    parser = add_command(commands, name, run, formatter_class=argparse.RawDescriptionHelpFormatter, **texts)
    parser._negative_number_matcher = re.compile(r"-(\d|\.|inf)")  # so --domain -1,1 is a value, not an option -1,1
    option = parser.add_argument
    option("target", metavar="module:function", help="or file.py:function")
    each = "once for all inputs, or once for each"
    shape_help = "of one input, () for a number; once for each input (default 3,4)"
    option("--shape", action="append", type=size_list(0), metavar="3,4", help=shape_help)
    domain_help = (
        "where the inputs lie: real (both signs, the default), positive, nonzero, unit (-1 to 1), an interval such as 0.1,3 (,3 has"
        f" no lower limit), symmetric, positive_definite, or simplex (adds up to 1); {each}"
    )
    option("--domain", action="append", type=domain, metavar="DOMAIN", help=domain_help)
    dtype_help = f"int: whole numbers, as ids and labels are: 0 and 1, or those of the domain; {each} (default float)"
    option("--dtype", action="append", choices=("float", "int"), help=dtype_help)
    return parser


def import_target(target: str) -> Any:
    """Import what `module:function` or `file.py:function` names, as `python` would from the current folder."""
    place, _, path = target.rpartition(":")
    if not place or not path:
        raise explain(
            ValueError(f"{target!r} must be module:function or file.py:function"),
            f"대상은 모듈:함수 또는 파일.py:함수 형식으로 지정해야 합니다. 받은 값: {target!r}",
        )
    found: Any = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    for name in path.split("."):
        if not hasattr(found, name):
            raise explain(ValueError(f"{place} has no {path}"), f"{place}에 없는 이름입니다: {path}")
        found = getattr(found, name)
    found = class_of_apply(found)
    if inspect.isclass(found) and not is_function_class(found):
        raise explain(
            TypeError(f"{target} is a class: name a function, or a variable such as model = {found.__name__}(...)"),
            f"클래스는 지정할 수 없습니다: {target}. 함수나 인스턴스를 담은 변수를 지정하십시오. 예: model = {found.__name__}(...)",
        )
    return found


def _import_module(name: str) -> Any:
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
            f"현재 폴더에도, 설치된 패키지에도 없는 모듈입니다: {error.name}",
        ) from None


def _import_file(path: Path) -> Any:
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


def random_inputs(f: Callable[..., Any], args: argparse.Namespace, rng: np.random.Generator) -> list[Array]:
    """Random numbers for every argument of f, as the options say."""
    shapes = args.shape or _default_shapes(f, args.target)
    required = _required(f) or 0
    if len(shapes) < required:
        raise explain(
            ValueError(f"{args.target} takes {required} inputs: give --shape once for each, not {len(shapes)} times"),
            f"{args.target}의 입력은 {required}개입니다. --shape를 입력마다 한 번씩 지정하십시오. 지정한 횟수: {len(shapes)}",
        )
    domains = _one_per_input("--domain", args.domain or ["real"], len(shapes))
    dtypes = _one_per_input("--dtype", args.dtype or ["float"], len(shapes))
    try:
        return [
            _random_integers(rng, shape, *limits(d)) if dtype == "int" else random_array(rng, shape, d)
            for shape, d, dtype in zip(shapes, domains, dtypes, strict=True)
        ]
    except ValueError as error:
        if "square" in str(error):
            error.add_note("on the command line: --shape 4,4")
            explain(error, "명령행에서는 --shape 4,4처럼 정사각행렬의 형상을 지정하십시오.")
        raise


def whole_domains(args: argparse.Namespace, inputs: list[Array]) -> dict[int, Domain] | None:
    """The domains that inputs have as whole arrays, by their places, for the check; None if there are none."""
    domains = _one_per_input("--domain", args.domain or ["real"], len(inputs))
    return {i: d for i, d in enumerate(domains) if is_whole(d)} or None


def _random_integers(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> Array:
    """Random whole numbers of an open interval. Where only one end has a limit, the two that are nearest to it; where none has,
    0 and 1.

    >>> _random_integers(np.random.default_rng(0), (6,), -np.inf, np.inf).tolist()
    [1, 1, 1, 0, 0, 0]
    >>> _random_integers(np.random.default_rng(0), (6,), -1, 1000).tolist()
    [850, 636, 511, 269, 307, 40]
    """
    first = floor(low) + 1 if low > -inf else 0 if high == inf else ceil(high) - 2
    end = ceil(high) if high < inf else first + 2
    if first >= end:
        raise explain(
            ValueError(f"--dtype int: there is no whole number between {low:g} and {high:g}; both limits are excluded"),
            f"--dtype int: 양 끝값을 뺀 구간 ({low:g}, {high:g}) 안에 정수가 없습니다.",
        )
    return rng.integers(first, end, shape)


def describe_inputs(args: argparse.Namespace, inputs: list[Array]) -> str:
    """The line that says at which inputs the target is called."""
    within = f", domain {' and '.join(map(_format_domain, args.domain))}" if args.domain else ""
    more = "" if args.shape else " (or give --shape)"
    shapes = ", ".join(f"{x.shape}{' int' * (x.dtype.kind == 'i')}" for x in inputs)
    return f"{args.target} at random inputs of shape {shapes}{within}{more}"


def _default_shapes(f: Any, target: str) -> list[tuple[int, ...]]:
    count = _required(f)
    if not count:
        raise explain(
            ValueError(f"how many inputs {target} takes cannot be told: give --shape once for each"),
            f"입력이 몇 개인지 알 수 없습니다: {target}. 입력마다 --shape를 한 번씩 지정하십시오.",
        )
    return [_DEFAULT_SHAPE] * count


def _required(f: Any) -> int | None:
    """The number of inputs that f requires, beside the context of an autograd.Function; None if that is unknown."""
    return (required_arguments(f.forward) or 1) - 1 if is_function_class(f) else required_arguments(f)


def required_arguments(f: Callable[..., Any]) -> int | None:
    """The number of positional arguments that f requires; None if that is unknown.

    >>> [required_arguments(f) for f in (lambda a, b, scale=2.0: a, lambda a, *more: a, lambda: 1.0, lambda *xs: xs)]
    [2, 1, 0, None]
    """
    try:
        parameters = signature(f).parameters.values()
    except (TypeError, ValueError):  # not every callable has a signature
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(p.kind in positional and p.default is p.empty for p in parameters)
    return None if not count and any(p.kind is p.VAR_POSITIONAL for p in parameters) else count


def _one_per_input(option: str, values: list[Any], count: int) -> list[Any]:
    if len(values) not in (1, count):
        raise explain(
            ValueError(f"{option} is given {len(values)} times for {count} inputs: give it once, or once for each"),
            f"{option}: 입력은 {count}개인데 {len(values)}번 지정했습니다. 한 번만 지정하거나 입력마다 한 번씩 지정하십시오.",
        )
    return values if len(values) == count else values * count


def _format_domain(d: Domain) -> str:
    return d if isinstance(d, str) else ",".join("" if x is None else str(x).removesuffix(".0") for x in d)


def target_error(error: BaseException, args: argparse.Namespace) -> BaseException:
    """What to raise for an error: one that explains itself as it is; for one of the user's code its traceback is shown first."""
    found = error
    if not getattr(error, "__notes__", None) or _passed_user_code(error):
        traceback.print_exception(error)
        target, raised = args.target, f"{type(error).__name__}: {error}"
        found = explain(
            ValueError(f"{target} raised {raised}"),
            f"지정한 함수나 그 모듈에서 오류가 발생했습니다. {target}의 오류: {raised}. 위의 트레이스백을 확인하십시오.",
        )
    if wants_integers(error) and not args.dtype:
        found.add_note("--dtype int gives whole numbers (ids, labels) in place of floats")
        explain(found, "--dtype int를 지정하면 실수 대신 정수(id, 레이블)를 입력합니다.")
    if "positive definite" in str(error).lower() and not args.domain:
        found.add_note("--domain positive_definite gives such matrices (with --shape 4,4)")
        explain(found, "--domain positive_definite와 --shape 4,4를 지정하면 양의 정부호 행렬을 입력합니다.")
    return found


def _passed_user_code(error: BaseException) -> bool:
    package = str(Path(__file__).resolve().parents[1])
    return any(not frame.filename.startswith((package, "<")) for frame in traceback.extract_tb(error.__traceback__))
