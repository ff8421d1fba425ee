"""Tests of ops of your own: Hypothesis strategies for their inputs, gradient checks, mutation testing.

    from tinygrad_ko.testing import check_op

    def test_softsign():
        check_op(softsign, domain=(-100, 100))

The strategies and `check_op` need Hypothesis: pip install 'tinygrad_ko[testing]'. A pytest plugin prints at the end of a run one
line for each test that failed by a gradient check, and one on all checks.
"""

from typing import Any

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.install import install
from tinygrad_ko.runtime.names import public_names

_find, __dir__, __all__ = public_names(__name__)


def __getattr__(name: str) -> Any:
    try:
        return _find(name)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise explain(
            ImportError(f"tinygrad_ko.testing.{name} needs Hypothesis: {install('testing')}", name=name),
            f"tinygrad_ko.testing.{name}에는 Hypothesis가 필요합니다. 다음 명령으로 설치하십시오: {install('testing')}",
        ) from None
