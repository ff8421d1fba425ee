"""What the page shows, as data: vertices, steps, and each array once. Users' text is data here, and nowhere markup."""

from base64 import b64encode
from pathlib import PurePath
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.drawing.assigned import code_of
from tinygrad_ko.drawing.clusters import around, cluster_tree, clusters_in, common, vertices_in
from tinygrad_ko.drawing.contributions import Contribution, plain_formula, worked_element
from tinygrad_ko.drawing.escape import shortened
from tinygrad_ko.drawing.labels import brief_option, byte_size, memory, options
from tinygrad_ko.drawing.nodes import SIGNS
from tinygrad_ko.drawing.steps import Backward, Forward, Steps, Update, norm
from tinygrad_ko.drawing.trace import first_nan, mark_of, said_of, said_of_nan
from tinygrad_ko.drawing.vertices import Vertex, as_numpy

_WHOLE = 1000  # an array of more numbers is shown as a map
_EXACT = 64  # up to so many numbers have all their digits
_SIDE = 64  # of a map, at most
_LEVELS = 127  # of a map on either side of 0
_CODE = 200  # characters of a line of Python


class Arrays:
    """Each array once, as the page reads it."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self._known: dict[Any, int] = {}

    def add(self, value: Any) -> int | None:
        """The number of an array, or of a number; None if it was not seen or is neither."""
        x = None if value is None else as_numpy(value)
        if x is None or x.dtype.kind not in "biuf":
            return None
        key = x.dtype.str, x.shape, x.tobytes()
        if key not in self._known:
            self._known[key] = len(self.found)
            self.found.append(_described(x))
        return self._known[key]


def _described(x: Array) -> dict[str, Any]:
    told: dict[str, Any] = {"shape": list(x.shape), "dtype": str(x.dtype)}
    if x.size <= _WHOLE:
        return told | {"numbers": [_number(n, x.size <= _EXACT) for n in x.ravel().tolist()]}
    return told | _map(x)


def _number(n: float, exact: bool) -> Any:
    """A number as JSON has it; what JSON has no number for is text."""
    if isinstance(n, bool):
        return int(n)
    if not np.isfinite(n) or (isinstance(n, int) and abs(n) > 2**53):
        return str(n)
    return n if exact or isinstance(n, int) else float(f"{n:.6g}")


def _flat(x: Array) -> Array:
    """An array as a matrix: the images of a batch side by side, their channels one below the other."""
    if x.ndim == 4:
        n, channels, height, width = x.shape
        return x.transpose(1, 2, 0, 3).reshape(channels * height, n * width)
    return x.reshape(-1, x.shape[-1]) if x.ndim > 1 else x.reshape(1, -1)


def _map(x: Array) -> dict[str, Any]:
    """An array of many numbers: the means of at most 64 x 64 blocks, each in a byte from 1 to 255 (0 where one is not finite),
    and statistics of the finite numbers.
    """
    wide = x.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    matrix = _flat(wide)
    with np.errstate(all="ignore"):
        for axis in (0, 1):
            edges = np.linspace(0, matrix.shape[axis], min(_SIDE, matrix.shape[axis]) + 1).astype(int)
            sums = np.add.reduceat(matrix, edges[:-1], axis)
            matrix = sums / np.expand_dims(np.diff(edges), 1 - axis)
        limit = float(np.max(np.abs(matrix[np.isfinite(matrix)]), initial=0.0))
        levels = np.where(np.isfinite(matrix), np.rint(matrix / (limit or 1.0) * _LEVELS) + 128, 0)
        statistics = [float(f(finite)) for f in (np.mean, np.std, np.min, np.max)] if finite.size else [0.0] * 4
    return {
        "map": b64encode(levels.astype(np.uint8).tobytes()).decode("ascii"),
        "rows": matrix.shape[0],
        "columns": matrix.shape[1],
        "limit": limit,
        "statistics": [_number(s, exact=False) for s in statistics],
        "zeros": int(np.count_nonzero(x == 0)),
        "nan": int(np.count_nonzero(np.isnan(wide))),
        "infinite": int(np.count_nonzero(np.isinf(wide))),
    }


def content(steps: Steps, notes: Any) -> dict[str, Any]:
    """Everything that the page shows of some steps."""
    return _Content(steps).told(notes)


class _Content:
    def __init__(self, steps: Steps) -> None:
        self.steps, self.arrays = steps, Arrays()
        self.place = {v: i for i, v in enumerate(steps.vertices)}
        self.root = cluster_tree(steps.operations)
        self.groups = [cluster for cluster in clusters_in(self.root) if cluster is not self.root]

    def told(self, notes: Any) -> dict[str, Any]:
        steps = self.steps
        names = [v.name for v in steps.vertices if v.kind == "result"]
        homes = self.homes()
        vertices = [self.vertex(v, homes[v]) for v in steps.vertices]
        told = [self.step(step) for step in steps]
        wrong = [self.backward(step, explained=False) for step in steps.in_the_wrong_order()]
        seen = {id(c): i for i, (_, c) in enumerate(self.contributions())}
        toward = [way and seen[id(way[1])] for way in map(steps.toward_the_result, steps.vertices)]
        return {
            "name": ", ".join(names),
            "lr": steps.lr,
            "notes": [list(note) for note in notes],
            "obstacle": steps.obstacle,
            "nan": said_of_nan(nan) if (nan := first_nan(steps)) else None,
            "groups": [self.group(cluster) for cluster in self.groups],
            "vertices": vertices,
            "steps": told,
            "wrong": wrong,
            "wrongWaits": steps.waits,
            "twice": self.twice(),
            "toward": toward,
            "arrays": self.arrays.found,
        }

    def contributions(self) -> list[tuple[Vertex, Contribution]]:
        return [(s.vertex, c) for s in self.steps if isinstance(s, Backward) for c in s.contributions]

    def homes(self) -> dict[Vertex, int | None]:
        """The group of each vertex: an operation's own; a parameter's or a constant's the innermost around all its users."""
        home = {v: cluster for cluster in clusters_in(self.root) for v in cluster.items if isinstance(v, Vertex)}
        for user in self.steps.operations:
            for source, _ in user.sources:
                if source.kind in ("leaf", "constant"):
                    home[source] = common(home[source], home[user]) if source in home else home[user]
        number = {cluster: i for i, cluster in enumerate(self.groups)}
        return {v: number.get(home.get(v, self.root)) for v in self.steps.vertices}

    def group(self, cluster: Any) -> dict[str, Any]:
        inside = [v for v in vertices_in(cluster.items) if v.kind == "op"]
        outer = next(i for i in [*around(cluster)][1:])
        return {
            "name": str(cluster.name),
            "parent": self.groups.index(outer) if outer is not self.root else None,
            "operations": len(inside),
        }

    def vertex(self, v: Vertex, home: int | None) -> dict[str, Any]:
        steps = self.steps
        told: dict[str, Any] = {
            "kind": v.kind,
            "title": steps.titles[v],
            "shape": v.shape,
            "dtype": str(v.dtype) if v.dtype is not None else "",
            "value": self.arrays.add(steps.values.get(v)),
            "group": home,
            "sources": [[self.place[source], argument] for source, argument in v.sources],
        }
        if v.cut:
            told["cut"] = {"name": v.cut.name, "line": PurePath(v.cut.line).name}
        if v in steps.gradients and v.kind != "result":
            told["gradient"] = self.arrays.add(steps.gradients[v])
        if v.kind == "op" and v.node is not None:
            line = v.node.seen.line if v.node.seen else ""
            told |= {
                "op": v.name,
                "sign": SIGNS.get(v.name, ""),
                "options": options(v.node),
                "saves": [[word, byte_size(count)] for word, count in memory(v.node).items()],
                "line": PurePath(line).name,
                "code": shortened(code_of(v.node), _CODE),
                "formulas": [
                    [a, plain_formula(f)] for a, f in v.node.op.formulas.items() if f and a in v.node.op.arguments
                ],
            }
        return told

    def step(self, step: Any) -> dict[str, Any]:
        match step:
            case Forward(vertex=v, inputs=inputs):
                values = [[argument, self.place[source], self.arrays.add(value)] for argument, source, value in inputs]
                return {"kind": "forward", "vertex": self.place[v], "inputs": values}
            case Backward(vertex=v, contributions=[]) if v is self.steps.root:
                return {"kind": "seed", "vertex": self.place[v], "gradient": self.arrays.add(step.gradient)}
            case Update(leaves=leaves):
                return {"kind": "update", "leaves": [self.change(*leaf) for leaf in leaves]}
        return self.backward(step)

    def twice(self) -> list[list[Any]]:
        """Of each parameter, or else of each input, the gradient after one backward and after two."""
        ends = [v for v in self.steps.vertices if v in self.steps.gradients and v.kind in ("leaf", "input")]
        ends = [v for v in ends if v.kind == "leaf"] or ends
        with np.errstate(all="ignore"):
            return [
                [self.place[v], self.arrays.add(g), self.arrays.add(g + g)]
                for v in ends
                for g in [self.steps.gradients[v]]
            ]

    def change(self, v: Vertex, value: Any, g: Any, new: Any) -> list[Any]:
        with np.errstate(all="ignore"):
            twice = value - self.steps.lr * (g + g)
        return [self.place[v], *map(self.arrays.add, (value, g, new, g + g, twice))]

    def backward(self, step: Backward, explained: bool = True) -> dict[str, Any]:
        given = [
            self.contribution(step.vertex, c, explained) | {"worked": worked_element(c, step.gradient)}
            for c in step.contributions
        ]
        told = {"kind": "backward", "vertex": self.place[step.vertex], "gradient": self.arrays.add(step.gradient)}
        return told | {"given": given, "missing": step.missing}

    def contribution(self, v: Vertex, c: Contribution, explained: bool) -> dict[str, Any]:
        add = self.arrays.add
        told = {
            "user": self.place[v],
            "argument": c.argument,
            "vertex": self.place[c.source],
            "formula": c.formula,
            "given": add(c.given),
            "part": add(c.part) if c.summed else None,
            "total": add(c.total),
            "arrived": c.arrived,
            "expected": c.expected,
        }
        if explained:
            mark = mark_of(self.steps, v, c)
            told |= {
                "local": add(c.local) if c.local is not None else None,
                "words": [self.word(v, word, value) for word, value in c.words.items()],
                "norm": f"{norm(c.given):.4g}",
                "mark": [*said_of(mark), mark.gravity] if mark else None,
            }
        return told

    def word(self, v: Vertex, word: str, value: Any) -> list[Any]:
        """A value that a formula names: its word, where it comes from, its array, or else its text."""
        sources = {argument: source for source, argument in v.sources} | {"out": v}
        place = self.place.get(sources[word]) if word in sources else None
        number = self.arrays.add(value) if not isinstance(value, tuple | list | bool) else None
        return [word, place, number, brief_option(value) if number is None else ""]
