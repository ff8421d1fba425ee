"""`Tensor`: an array that records what is computed from it."""

import sys
from types import ModuleType
from typing import Any

from tinygrad_ko.errors import explain
from tinygrad_ko.tensor.tensor import Tensor, grad, restored

__all__ = ["Tensor", "grad", "restored"]


class _Room(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        raise explain(
            TypeError("tg.tensor is a module, not a function; write tg.Tensor(data)"),
            "tg.tensor는 함수가 아니라 모듈입니다. 다음과 같이 쓰십시오: tg.Tensor(data)",
        )


sys.modules[__name__].__class__ = _Room  # for those who know torch.tensor
