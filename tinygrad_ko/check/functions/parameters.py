"""The parameters that a function under check reads beside its inputs, by name."""

from typing import Any

from tinygrad_ko.engine.graph import Leaf
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor.tensor import Tensor


def named_parameters(f: Any, parameters: Any) -> dict[str, Tensor]:
    """The parameters that f reads beside its inputs: its own if it is a Module, and those that were given."""
    found: dict[Tensor, str] = {}
    for source in (f, parameters):
        if hasattr(source, "named_parameters"):
            named = source.named_parameters()
        elif source is f or source is None:
            continue
        elif isinstance(source, dict):
            named = source
        elif isinstance(source, Tensor | list | tuple):
            named = dict(enumerate([source] if isinstance(source, Tensor) else source))
        else:
            kind = type(source).__name__
            raise explain(
                TypeError(f"parameters must be a Module, a Tensor, or a list or a dict of Tensors, not {kind}"),
                f"parameters에는 Module, Tensor, Tensor의 list나 dict를 넘겨야 합니다. 받은 값의 자료형: {kind}",
            )
        for name, p in named.items():
            if not isinstance(p, Tensor) or not isinstance(p.node, Leaf):
                raise explain(
                    TypeError(f"parameters must be Tensors made with requires_grad=True, but {name!r} is not"),
                    f"parameters에는 requires_grad=True로 만든 Tensor만 넣을 수 있습니다. 확인할 항목: {name!r}",
                )
            label = name if isinstance(name, str) else p.name or f"parameter {name}"
            found.setdefault(p, f"{label} ({len(found)})" if label in found.values() else label)
    return {label: p for p, label in found.items()}
