"""The chain rule: from the gradient of a result to the gradients of the leaves behind it, newest node first."""

from collections import deque
from collections.abc import Collection
from heapq import heappop
from math import prod
from typing import Any, TypeVar

import numpy as np

from tinygrad_ko.arrays import Array, operand, shared
from tinygrad_ko.errors import explain
from tinygrad_ko.graph import Handle, Leaf, Node, switched
from tinygrad_ko.primitive import Sum

H = TypeVar("H", bound=Handle)


def gradients(root: Node, seed: Any, *, free: bool = False, wanted: Collection[Node] | None = None) -> dict[Node, Any]:
    """The gradient of every leaf behind `root`, or of the `wanted` nodes, given the gradient `seed` of `root`.

    A node waits until it is the newest of those that wait: what depends on it is newer still, so its gradient is then complete. No recursion,
    and the order of time is the only order. If the seed is a Tensor, the formulas work on Tensors: what they compute is recorded, and can
    be differentiated again.
    """
    due: dict[Node, Any] = {root: seed}
    waiting = [(root.order, root)]
    found: dict[Node, Any] = {}
    useful = leading_to(wanted, root) if wanted is not None else ()
    node = root
    try:
        while waiting:
            node = heappop(waiting)[1]
            g = due.pop(node)
            if type(g) is Sum:
                g = g.total
            if node.op is None if wanted is None else node in wanted:
                found[node] = g
            if node.op is None:
                continue
            if wanted is not None:
                node = twin(node, useful, type(g) if isinstance(g, Handle) else None)
            node.back(g, due, waiting, free)
    except Exception as error:
        if node.op is not None:
            error.add_note(f"in the backward of {node.op.name}" + "".join(f", in {name}" for name in reversed(node.scope)))
        raise
    return found


def leading_to(wanted: Collection[Node], root: Node) -> set[Node]:
    """The wanted nodes and all between them and `root`: the only nodes worth a gradient."""
    oldest = max((node.order for node in wanted), default=0)
    seen, unread = {root}, [root]
    while unread:
        for parent in unread.pop().parents:
            if parent is not None and parent not in seen and parent.order <= oldest:
                seen.add(parent)
                unread.append(parent)
    useful: set[Node] = set()
    for node in sorted(seen, key=lambda node: -node.order):  # oldest first: a parent is settled before its children ask
        if node in wanted or any(parent in useful for parent in node.parents):
            useful.add(node)
    return useful


def twin(node: Node, useful: Collection[Node], kind: type[Handle] | None) -> Node:
    """The same node for one walk: without the parents that lead nowhere and, given a kind of Tensor, with Tensors for what it keeps."""
    op = node.op
    same: Any = object.__new__(type(node))
    for cls in type(node).__mro__[:-1]:
        for slot in cls.__slots__:
            setattr(same, slot, getattr(node, slot))
    for a in op.differentiable:
        parent = getattr(node, f"from_{a}")
        pruned = tuple(p if p in useful else None for p in parent) if op.variadic else parent if parent in useful else None
        setattr(same, f"from_{a}", pruned)
    if kind is None:
        return same

    def tensor(value: Any, parent: Node | None) -> Any:
        return value if parent is None else handle(kind, value, parent)

    kept = {word: getattr(node, f"kept_{word}") for word in op.kept}
    for word, value in kept.items():
        if value is None:
            continue
        if word == "out":
            kept[word] = tensor(value, node)
        elif word in op.differentiable:
            parent = getattr(node, f"from_{word}")
            kept[word] = tuple(map(tensor, value, parent)) if op.variadic else tensor(value, parent)
    for word, value in kept.items():
        if value is not None and (derivation := op.derivations.get(word)):
            value = derivation(**{w: kept[w] for w in op.words[word]})
        setattr(same, f"kept_{word}", value)
    return same


def handle(kind: type[H], value: Array, node: Node | None = None) -> H:
    """A handle on an array that nobody writes to."""
    made = object.__new__(kind)
    made._data, made._node, made._lent = value, node, False
    return made


def start(y: Handle, g: Any) -> tuple[Node, Array]:
    """Where to begin: the node of y, and the gradient to begin with.

    Raises RuntimeError if nothing behind y wants a gradient, ValueError if g is missing or does not have the shape of y.
    """
    if y._node is None:
        raise explain(
            RuntimeError("nothing behind this Tensor requires a gradient; make the leaves with requires_grad=True, outside no_grad()"),
            "이 Tensor의 계산에는 기울기가 필요한 Tensor가 없습니다. 매개변수를 requires_grad=True로 만드십시오.",
        )
    shape, dtype = y._node.shape, y._node.dtype
    if g is None:
        if prod(shape) != 1:
            raise explain(
                ValueError(f"the gradient of a Tensor of shape {shape} needs a starting gradient: pass g, or reduce it, as in y.sum()"),
                f"형상이 {shape}인 Tensor에서 시작하려면 같은 형상의 g를 넘기거나, y.sum()처럼 스칼라로 줄여야 합니다.",
            )
        return y._node, np.ones(shape, dtype)
    seed = g._data if isinstance(g, Handle) else np.asarray(operand(g))
    if seed.shape != shape:
        raise explain(
            ValueError(f"the starting gradient g has shape {seed.shape}, but the Tensor has shape {shape}"),
            f"g의 형상 {seed.shape}이(가) Tensor의 형상 {shape}와(과) 다릅니다.",
        )
    return y._node, seed.astype(dtype, copy=not isinstance(g, Handle))


def grad(
    y: Handle, xs: Any, g: Any = None, *, create_graph: bool = False, allow_unused: bool = False
) -> Any:
    """The gradient of y with respect to one tensor, or a list of gradients for a list of tensors: returned, not deposited.

    `xs` may be leaves or results on the way to y; `g` is as for `backward`. The graph keeps what it kept, so it can be called again. With
    `create_graph=True` the gradients are themselves in a graph, and can be differentiated to any order.

    Raises TypeError for a function in place of a Tensor, RuntimeError if y does not depend on one of the xs (with `allow_unused=True` its
    gradient is zeros), and what `backward` raises.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor(2.0, requires_grad=True)
    >>> first = tg.grad(x**3, x, create_graph=True)
    >>> first.item(), tg.grad(first, x).item()
    (12.0, 12.0)
    """
    if not isinstance(y, Handle):
        hint = "call it first: y = f(x), then tg.grad(y, x)" if callable(y) else "y must be a Tensor"
        raise explain(
            TypeError(f"tg.grad differentiates a Tensor, not {type(y).__name__}; {hint}"),
            "tg.grad에는 함수가 아니라 계산한 결과를 넘겨야 합니다: y = f(x)를 먼저 계산하고 tg.grad(y, x)를 부르십시오.",
        )
    tensors = [xs] if isinstance(xs, Handle) else list(xs)
    for i, x in enumerate(tensors):
        if not isinstance(x, Handle) or x._node is None:
            raise explain(
                TypeError(f"x number {i} does not require a gradient; make it with requires_grad=True"),
                f"{i}번째 x에는 기울기가 필요 없다고 되어 있습니다. requires_grad=True로 만드십시오.",
            )
    root, seed = start(y, g)
    kind = type(y)
    nodes = [x._node for x in tensors]
    with switched(record=create_graph):
        start_with = handle(kind, seed, g._node if isinstance(g, Handle) else None) if create_graph else seed
        found = gradients(root, start_with, wanted={node for node in nodes if node is not None})
    answers = []
    for i, (x, node) in enumerate(zip(tensors, nodes, strict=True)):
        if node not in found and not allow_unused:
            raise explain(
                RuntimeError(f"y does not depend on x number {i}{named(x)}; pass allow_unused=True for a gradient of zeros"),
                f"y는 {i}번째 x{named(x)}에 의존하지 않습니다. 0으로 된 기울기를 원하면 allow_unused=True를 넘기십시오.",
            )
        answer = found.get(node) if node else None
        if answer is None:
            answer = np.zeros(x._data.shape, x._data.dtype)
        answers.append(answer if isinstance(answer, Handle) else handle(kind, np.array(answer)))
    return answers[0] if isinstance(xs, Handle) else answers


def named(x: Handle) -> str:
    name = getattr(x, "_name", None)
    return f" ({name!r})" if name else ""


def deposit(found: dict[Any, Array]) -> None:
    """Add to each leaf a gradient that nobody else holds: to all leaves or, if anything goes wrong, to none."""
    leaves = list(found)
    grads = []
    for leaf in leaves:
        holder = Handle()
        holder._data = np.asarray(found.pop(leaf))
        if leaf.grad is not None:
            grads.append(leaf.grad + holder._data)
        elif holder._data.base is not None or shared(holder):
            grads.append(holder._data.copy())
        else:
            grads.append(holder._data)
    deque(map(Leaf.grad.__set__, leaves, grads), maxlen=0)  # type: ignore[attr-defined]  # in C: Ctrl-C cannot fall between two leaves
