"""Random graphs, as programs make them: operations in scopes and in loops, whose bodies repeat more or less."""

from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tinygrad_ko.drawing.vertices import Source, Vertex
from tinygrad_ko.engine.graph import Call

ARGUMENTS = ("state", "local", "old", "outer", "shared", "own", "constant", "paired", "input")
LIKELY = (4, 4, 1, 1, 2, 3, 1, 1, 1)


class Op(NamedTuple):
    name: str
    arguments: list[tuple[str, int]]  # of each the kind, and which one of that kind


class Scope(NamedTuple):
    name: str
    body: list[Any]


class Loop(NamedTuple):
    times: int
    body: list[Any]
    odd: dict[int, list[Any]]  # other bodies for some times


class Program:
    """A graph that grows operation by operation."""

    def __init__(self, random: Random) -> None:
        self.random, self.graph, self.scope = random, list[Vertex](), tuple[Call, ...]()
        self.inputs = [self.new("input", f"x{i}") for i in range(2)]
        self.leaves = [self.new("leaf", f"w{i}") for i in range(2)]
        self.loops: list[list[list[Vertex]]] = []  # of each loop that has run, of each time, the values

    def new(self, kind: Any, name: str, *sources: Vertex) -> Vertex:
        """A new vertex. Its size is its own, so that sums of sizes tell who was counted."""
        shape = (1, len(self.graph) + 1) if kind == "leaf" and name != "own" else (2,)
        vertex = Vertex(kind, name, shape=shape, scope=self.scope if kind == "op" else ())
        vertex.sources = [Source(source, "ab"[i]) for i, source in enumerate(sources)]
        self.graph.append(vertex)
        return vertex

    def body(self, depth: int) -> list[Any]:
        """Some statements."""
        r, found = self.random, list[Any]()
        for _ in range(r.randint(1 + (depth > 0), 4)):
            kind = r.choices((Op, Scope, Loop), (3, 2 * (depth > 0), 5 * (depth > 0)))[0]
            if kind is Op:
                taken = [(r.choices(ARGUMENTS, LIKELY)[0], r.randrange(3)) for _ in range(r.randint(1, 2))]
                found.append(Op(r.choice("pqrs"), taken))
            elif kind is Scope:
                found.append(Scope(r.choice("ABC"), self.body(depth - 1)))
            else:
                body, times = self.body(depth - 1), r.randint(3, 7)
                body = [Scope(r.choice("ABC"), body)] if r.random() < 0.5 else body
                found.append(Loop(times, body, {r.randrange(times): self.body(0)} if r.random() < 0.2 else {}))
        return found

    def run(self, body: list[Any], outer: list[Vertex], before: list[Vertex], time: int, times: int) -> list[Vertex]:
        """Run a body: the values that it has made. Before it were the values of the time before, around it the outer ones."""
        made: list[Vertex] = []
        for statement in body:
            if isinstance(statement, Op):
                taken = [self.taken(kind, n, outer, before, made, time, times) for kind, n in statement.arguments]
                made.append(self.new("op", statement.name, *taken))
            elif isinstance(statement, Scope):
                scope, self.scope = self.scope, (*self.scope, Call(statement.name))
                made += self.run(statement.body, [*outer, *made], before, time, times)
                self.scope = scope
            else:
                outside, each = [*outer, *made], list[list[Vertex]]()
                for i in range(statement.times):
                    inner = statement.odd.get(i, statement.body)
                    each.append(self.run(inner, outside, each[-1] if each else [], i, statement.times))
                self.loops.append(each)
                made += each[-1]
        return made

    def taken(
        self, kind: str, n: int, outer: list[Vertex], before: list[Vertex], made: list[Vertex], time: int, times: int
    ) -> Vertex:
        """The value of an argument."""
        state = (before or outer)[-1]
        if kind == "local":
            return made[-1 - n % len(made)] if made else state
        if kind == "paired":
            loops = [loop for loop in self.loops if len(loop) == times]
            return loops[-1][times - 1 - time if n else time][-1] if loops else state
        others = {"old": before or outer, "outer": outer, "shared": self.leaves, "input": self.inputs}
        if kind in others:
            return others[kind][n % len(others[kind])]
        return state if kind == "state" else self.new("leaf" if kind == "own" else kind, kind)

    def finished(self) -> list[Vertex]:
        """The graph, with a result for every value that nobody has taken."""
        taken = {source for v in self.graph for source, _ in v.sources}
        for v in [v for v in self.graph if v.kind == "op" and v not in taken]:
            self.new("result", "y", v)
        taken |= {v for v in self.graph if v.kind in ("op", "result")}
        return [v for v in self.graph if v in taken]


class Chain(Program):
    """A graph written by hand."""

    def __init__(self) -> None:
        super().__init__(Random(0))
        (self.x, self.y), (self.w, self.v) = self.inputs, self.leaves

    def op(self, name: str, *sources: Vertex) -> Vertex:
        return self.new("op", name, *sources)

    def own(self) -> Vertex:
        return self.new("leaf", "own")


class Graph(list[Vertex]):
    """A graph that a failing test can name."""

    def __init__(self, seed: int, depth: int) -> None:
        program = Program(Random(seed))
        program.run(program.body(depth), program.inputs, [], 0, 1)
        super().__init__(program.finished())
        self.name = f"Graph({seed}, {depth})"

    def __repr__(self) -> str:
        return self.name


programs = st.builds(Graph, st.integers(0, 1 << 32), st.integers(1, 2))
