"""Chapter 8: an engine, piece by piece. Each exercise looks at its own piece of the class."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_ko.course.answers import answered, at_line, having, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_derivative, require_values


@exercise("8-1")
def _recorded(Value: Any) -> None:
    for p, q in ((2.0, 5.0), (-3.0, 0.5)):
        a, b = result_of(Value, p), result_of(Value, q)
        product = having(a, "__mul__").__mul__
        y = result_of(product, b)
        if type(y) is not type(a):
            raise Wrong(
                f"a * b의 결과도 {type(a).__name__} 객체여야 합니다. 결과의 종류: {type(y).__name__}{at_line(product)}"
            )
        having(y, "data", "parents")
        if real_numbers(y.data, product, shape=()) != p * q:
            raise Wrong(f"{p:g} * {q:g}의 값이 {y.data}입니다.{at_line(product)}")
        if [id(parent) for parent in y.parents] != [id(a), id(b)]:
            raise Wrong(
                "곱의 결과는 두 인수를 parents에 차례로 담아야 합니다. 그래야 거꾸로 돌아갈 수 있습니다."
                f"{at_line(product)}"
            )


@exercise("8-2")
def _rule_of_multiplication(rule: Any) -> None:
    """rule(g, a, b) of a * b alone: neither the order nor the sums of an engine are needed."""
    require_derivative(lambda a, b: a * b, rule, [2.0, -3.0], [5.0, 0.5])


@exercise("8-3")
def _order(topological_order: Any) -> None:
    """Every node before its parents, each once."""

    class Node:
        def __init__(self, name: str, *parents: Any) -> None:
            self.name, self.parents = name, parents

        def __repr__(self) -> str:
            return self.name

    a = Node("a")
    b = Node("b", a)
    c = Node("c", a, b)
    d = Node("d", c, b)
    _require_order(topological_order, d, {a, b, c, d})
    _require_order(topological_order, Node("e", a, c), {a, b, c})  # not every parent comes a step later
    chain = Node("끝")
    for i in range(3000):
        chain = Node(str(i), chain)
    try:
        long = len([*result_of(topological_order, chain)])
    except RecursionError:
        raise Wrong(
            "노드가 3,000개 이어진 그래프에서 RecursionError가 납니다. 재귀 대신 스택(리스트)을 쓰십시오."
            f"{at_line(topological_order)}"
        ) from None
    if long != 3001:
        raise Wrong(f"노드가 3,001개인 그래프에서 {long}개만 방문했습니다.{at_line(topological_order)}")


def _require_order(topological_order: Any, output: Any, behind: set[Any]) -> None:
    order = result_of(topological_order, output)
    if not isinstance(order, Iterable):
        raise Wrong(f"노드를 차례로 담은 리스트를 반환해야 합니다. 답: {order}{at_line(topological_order)}")
    order = [*order]
    if len(order) != len(set(order)):
        raise Wrong(
            f"같은 노드를 두 번 방문했습니다: {order}. 이미 방문한 노드를 기억해야 합니다.{at_line(topological_order)}"
        )
    if set(order) != {output, *behind}:
        names = ", ".join(sorted(map(str, {output, *behind})))
        raise Wrong(f"{output}에서 부모를 따라 닿는 노드: {names}. 답: {order}{at_line(topological_order)}")
    for node in order:
        for parent in node.parents:
            if order.index(parent) < order.index(node):
                raise Wrong(
                    f"순서 {order}에서는 {parent}가 {node}보다 앞에 있습니다. "
                    f"{node}에서 오는 기울기를 받기 전에 {parent}의 역전파를 시작하게 됩니다.{at_line(topological_order)}"
                )


@exercise("8-4")
def _sums(unbroadcast: Any) -> None:
    """The gradient of what was stretched is summed over the stretched axes."""
    g = np.arange(12.0).reshape(3, 4)

    def reference(g: Any, shape: Any) -> Any:
        lead = g.ndim - len(shape)
        g = g.sum(axis=tuple(range(lead)))
        return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] > 1), keepdims=True)

    require_values(unbroadcast, reference, (g, (3, 4)), (g, (4,)), (g, (3, 1)), (g, (1, 4)), (g, ()), (g[None], (3, 1)))


@exercise("8-5")
def _whole(Value: Any) -> str:
    """The engine as a whole, at functions in which a value is used twice and shapes differ."""

    def shared(a: Any, b: Any) -> Any:
        c = a * b
        return c * c + c

    backward = having(result_of(Value, np.array(2.0)), "__add__", "__mul__", "backward").backward
    programs: dict[str, Any] = {
        "a * b + a": lambda a, b: a * b + a,
        "(a + b) * (a + b)": lambda a, b: (a + b) * (a + b),
        "a * a * a": lambda a, b: a * a * a + b * 0.0,
        "c = a * b; c * c + c": shared,
    }
    for shapes in (((), ()), ((3, 2), (3, 2)), ((3, 2), (2,))):
        for text, program in programs.items():
            rng = np.random.default_rng(2)
            a, b = (rng.normal(size=shape) for shape in shapes)

            def vjp(dout: Any, a: Any, b: Any, program: Any = program) -> Any:
                given = Value(a), Value(b)
                (program(*given) * Value(dout)).backward()
                return [answered(having(x, "grad").grad, backward, "grad") for x in given]

            try:
                require_derivative(program, vjp, a, b, written=backward)
            except Wrong as wrong:
                raise Wrong(f"{text}, 형상 {shapes}: {wrong}") from None
    return "값이 두 번 쓰이는 식과 브로드캐스트를 포함하여 모두 맞습니다."
