"""Tests of ops of your own: Hypothesis strategies for their inputs, gradient checks, mutation testing.

    from tinygrad_ko.testing import check_op

    def test_softsign():
        check_op(softsign, domain=(-100, 100))

The strategies and `check_op` need Hypothesis: pip install 'tinygrad_ko[testing]'. A pytest plugin prints at the end of a run one
line for each test that failed by a gradient check, and one on all checks.
"""

from typing import TYPE_CHECKING, Any

from tinygrad_ko.errors import explain

if TYPE_CHECKING:
    from tinygrad_ko.testing.checks import OpReport as OpReport
    from tinygrad_ko.testing.checks import check_op as check_op
    from tinygrad_ko.testing.mutation import Mutant as Mutant
    from tinygrad_ko.testing.mutation import MutationScore as MutationScore
    from tinygrad_ko.testing.mutation import mutants as mutants
    from tinygrad_ko.testing.mutation import mutation_score as mutation_score
    from tinygrad_ko.testing.programs import Program as Program
    from tinygrad_ko.testing.programs import graphs as graphs
    from tinygrad_ko.testing.strategies import arrays as arrays
    from tinygrad_ko.testing.strategies import broadcasting as broadcasting
    from tinygrad_ko.testing.strategies import calls as calls
    from tinygrad_ko.testing.strategies import shapes as shapes

_FILES = {  # imported when they are first asked for: every run of pytest loads this package for its plugin
    "checks": "check_op OpReport",
    "mutation": "Mutant mutants mutation_score MutationScore",
    "programs": "graphs Program",
    "strategies": "arrays broadcasting calls shapes",
}
_HOMES = {name: file for file, names in _FILES.items() for name in names.split()}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinygrad_ko.testing' has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"tinygrad_ko.testing.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise explain(
            ImportError(f"tinygrad_ko.testing.{name} needs Hypothesis: pip install 'tinygrad_ko[testing]'", name=name),
            f"tinygrad_ko.testing.{name}에는 Hypothesis가 필요합니다. 설치: pip install 'tinygrad_ko[testing]'",
        ) from None
