"""For those who write ops of their own: inputs that find mistakes, and checks that look for them.

    from tinygrad_ko.testing import check_op

    def test_softsign():
        check_op(softsign, domain=(-100, 100))

The strategies and `check_op` need Hypothesis: pip install 'tinygrad_ko[testing]'. With pytest comes a plugin: at the end of
a run one line for each test that a gradient check has failed, and one on all checks.
"""

from typing import TYPE_CHECKING, Any

from tinygrad_ko.errors import explain

if TYPE_CHECKING:
    from tinygrad_ko.testing.checks import OpReport, check_op
    from tinygrad_ko.testing.mutation import Mutant, MutationScore, mutants, mutation_score
    from tinygrad_ko.testing.programs import Program, graphs
    from tinygrad_ko.testing.strategies import arrays, broadcasting, calls, shapes

HOMES = {
    "check_op": "checks",
    "OpReport": "checks",
    "arrays": "strategies",
    "broadcasting": "strategies",
    "calls": "strategies",
    "graphs": "programs",
    "Mutant": "mutation",
    "mutants": "mutation",
    "mutation_score": "mutation",
    "MutationScore": "mutation",
    "Program": "programs",
    "shapes": "strategies",
}

__all__ = [
    "arrays",
    "broadcasting",
    "calls",
    "check_op",
    "graphs",
    "Mutant",
    "mutants",
    "mutation_score",
    "MutationScore",
    "OpReport",
    "Program",
    "shapes",
]


def __getattr__(name: str) -> Any:
    """All names are imported when they are first asked for: every run of pytest loads this package for its plugin."""
    if name not in HOMES:
        raise AttributeError(f"module 'tinygrad_ko.testing' has no attribute {name!r}")
    from importlib import import_module

    from tinygrad_ko.runtime.install import install

    try:
        return getattr(import_module(f"tinygrad_ko.testing.{HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise explain(
            ImportError(f"tinygrad_ko.testing.{name} needs Hypothesis: {install('testing')}", name=name),
            f"tinygrad_ko.testing.{name}에는 Hypothesis가 필요합니다. 다음 명령으로 설치하십시오: {install('testing')}",
        ) from None
