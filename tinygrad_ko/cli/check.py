"""`tinygrad-ko check module:function`: hold the gradient of a function against numerical differentiation."""

import argparse
import contextlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient
from tinygrad_ko.cli.console import say
from tinygrad_ko.cli.options import at_least, sizes
from tinygrad_ko.errors import explain

DEFAULT_SHAPE = (3, 4)


def add(commands: Any) -> None:
    """Tell the parser about this command."""
    parser = commands.add_parser(
        "check",
        help="check the gradient of a function",
        description="Check the gradient of a function of Tensors at random normal inputs. Exit status 1 if it is wrong.",
    )
    parser.add_argument("target", metavar="module:function", help="or file.py:function")
    parser.add_argument(
        "--shape", action="append", type=sizes(0), metavar="3,4", help="of one input; once for each input (default 3,4)"
    )
    parser.add_argument("--order", type=int, choices=(1, 2), default=1, help="2: the gradient of the gradient too")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the random inputs (default 0)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, and print the report or what is wrong."""
    try:
        f = find(args.target)
        shapes = args.shape or default_shapes(f, args.target)
        say(
            f"{args.target} at normal inputs of shape {', '.join(map(str, shapes))}{'' if args.shape else ' (or give --shape)'}"
        )
        rng = np.random.default_rng(args.seed)
        report = check_gradient(f, *(rng.normal(size=shape) for shape in shapes), order=args.order, rng=args.seed)
    except (GradientMismatch, GradientUndecided) as failure:
        say(f"FAILED {failure}", *getattr(failure, "__notes__", []))
        return 1
    except (Exception, SystemExit) as error:
        if getattr(error, "__notes__", None) and not passed_user_code(error):
            raise
        traceback.print_exc()
        raise explain(
            ValueError(f"{args.target} raised {type(error).__name__}: {error}"),
            "확인하려는 함수나 그 모듈에서 오류가 났습니다. 위의 추적 내용을 보십시오.",
        ) from None
    say(f"ok {report}")
    return 0


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
            "검사할 함수는 모듈:함수 또는 파일.py:함수 꼴로 적어야 합니다.",
        )
    found: Any = import_file(Path(place)) if place.endswith(".py") else import_named(place)
    for name in path.split("."):
        if not hasattr(found, name):
            raise explain(ValueError(f"{place} has no {path}"), f"{place}에 {path}이(가) 없습니다.")
        found = getattr(found, name)
    if not callable(found):
        raise explain(TypeError(f"{target} is not a function"), f"{target}은(는) 함수가 아닙니다.")
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
            f"{error.name} 모듈을 현재 폴더에서도, 설치된 패키지에서도 찾지 못했습니다.",
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
        for p in inspect.signature(f).parameters.values():
            if p.kind in positional and p.default is p.empty:
                shapes.append(DEFAULT_SHAPE)
    if not shapes:
        raise explain(
            ValueError(f"how many inputs {target} takes cannot be told: give --shape once for each"),
            "입력이 몇 개인지 알 수 없습니다. --shape를 입력마다 한 번씩 적어 주십시오.",
        )
    return shapes
