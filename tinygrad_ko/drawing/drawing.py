"""`tg.draw`: the picture of a computational graph."""

import os
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating, namespace
from tinygrad_ko.check.functions.function import function_name
from tinygrad_ko.check.functions.parameters import named_parameters
from tinygrad_ko.check.reports.report import Report
from tinygrad_ko.drawing.collapse import Words, collapse
from tinygrad_ko.drawing.dot import dot_source
from tinygrad_ko.drawing.fonts import warn_of_boxes
from tinygrad_ko.drawing.page.content import content
from tinygrad_ko.drawing.page.page import Language, Page, page_of
from tinygrad_ko.drawing.rendering import rendered, saved
from tinygrad_ko.drawing.steps import Steps
from tinygrad_ko.drawing.style import DARK, LIGHT, Style
from tinygrad_ko.drawing.svg import readable
from tinygrad_ko.drawing.tracing import call_watched, no_graph
from tinygrad_ko.drawing.vertices import Names, Vertex, read_graph
from tinygrad_ko.engine.backprop import gradients
from tinygrad_ko.engine.graph import Handle, Switch
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.atomic import at_once

_PARTS = ("shapes", "values", "gradients", "kept", "constants")  # what can be left out
_LONG = 9  # so many arrows in a row fit a screen


class Drawing:
    """A picture of a graph, as `tg.draw` makes it. A notebook shows it; `source` is its text in DOT, `note` says what was
    folded because there was too much of it, and what cannot be shown. `page` steps through backpropagation in a browser, `steps` as text.
    """

    def __init__(self, source: str, notes: Collection[Words] = (), vertices: list[Vertex] | None = None) -> None:
        self.source, self.notes = source, tuple(notes)
        self._vertices = vertices or []

    @property
    def note(self) -> str:
        """What is not in the picture, and how to see it; `notes` has the same in English and in Korean."""
        return "; ".join(english for english, _ in self.notes)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file that ends in `.svg`, `.png` or `.pdf`, or in `.dot` or `.gv` for its text. Returns the path
        written.

        An SVG has tooltips and follows the reader's light or dark colours. In a PNG or PDF Korean needs a font that has it: where
        there is none, a warning says so, once.

        Raises ValueError for another ending, FileNotFoundError for a folder that is not there, RuntimeError where no Graphviz is
        found (but `.dot` needs none), TimeoutError where the layout takes more than five minutes.
        """
        written = saved(self.source, path)
        if written.suffix.lower() in (".png", ".pdf"):
            warn_of_boxes(self.source, stacklevel=2)
        return written

    def steps(self, lr: float = 0.1) -> Steps:
        """The steps of backpropagation: each operation forward, each backward with "upstream × local = this", and the update of the
        parameters by gradient descent with the learning rate `lr`. `print` shows them as text.

        Values need `tg.watch()`, gradients a result that is one number; otherwise these steps are left out. Raises ValueError for an `lr`
        that is no finite number.

        >>> import tinygrad_ko as tg
        >>> def price(apple, count, tax):
        ...     return apple * count * tax
        >>> print(tg.draw(price, 100.0, 2.0, 1.1).steps())  # doctest: +ELLIPSIS
        forward (순전파)
           1  multiply 1 = apple × count = 100 × 2 = 200    (...)
           2  multiply 2 = multiply 1 × tax = 200 × 1.1 = 220    (...)
        backward (역전파): upstream × local = downstream (상류에서 흘러온 값 × 국소적 미분 = 하류로 보내는 값)
           3  ∂L/∂multiply 2 = 1    L = price
           4  multiply 2: upstream (상류) ∂L/∂multiply 2 = 1    (...)
                ∂L/∂multiply 1 = 1 × 1.1 = 1.1    g * b
                ∂L/∂tax = 1 × 200 = 200    g * a
           5  multiply 1: upstream (상류) ∂L/∂multiply 1 = 1.1    (...)
                ∂L/∂apple = 1.1 × 2 = 2.2 = 1 × 1.1 × 2    g * b
                ∂L/∂count = 1.1 × 100 = 110 = 1 × 1.1 × 100    g * a
        """
        if isinstance(lr, bool) or not isinstance(lr, int | float | np.number) or not np.isfinite(lr):
            raise explain(
                ValueError(f"steps: the learning rate lr must be a finite number, not {lr!r}"),
                f"steps: 학습률 lr에는 유한한 수를 넘겨야 합니다. 받은 값: {lr!r}",
            )
        return Steps(self._vertices, float(lr))

    def page(
        self, path: str | os.PathLike[str] | None = None, *, lr: float = 0.1, language: Language | None = None
    ) -> Page:
        """A page that steps through backpropagation, forward through the values and back through the gradients, in Korean and English.

        It is one HTML file that loads nothing: written to `path` (which ends in `.html`) if one is given, and shown by a notebook in
        the cell. At each operation it says "upstream × local = this" with its formula and its numbers, at the end how gradient descent
        with the learning rate `lr` updates the parameters. It opens in `language`, "ko" or "en", else in that of the browser.

        Raises ValueError for another ending or language or an `lr` that is no finite number, FileNotFoundError for a folder that is
        not there.

        >>> import tinygrad_ko as tg
        >>> page = tg.draw(lambda a, b: a * b, 100.0, 2.0).page()
        >>> page
        a page that steps through backpropagation: show it in a notebook, or .page('backprop.html')
        """
        return page_of(content(self.steps(lr), self.notes), path, language)

    def svg(self) -> str:
        """The picture as text in SVG. Raises RuntimeError where no Graphviz is found."""
        return readable(rendered(self.source, "svg").decode("utf-8"), LIGHT, DARK)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """SVG, and PNG of the same size for a notebook that is not trusted, where no SVG is shown."""
        bundle, kinds = {"text/plain": repr(self)}, {"image/svg+xml": self.svg, "image/png": self._png}
        wanted = [kind for kind in kinds if (not include or kind in include) and kind not in (exclude or ())]
        try:
            for kind in wanted:
                bundle[kind] = kinds[kind]()
        except (RuntimeError, TimeoutError) as error:
            if kind == wanted[0]:  # a notebook shows what is missing in the place of the picture
                bundle["text/plain"] = "\n".join([str(error), *getattr(error, "__notes__", [])])
        return bundle

    def _png(self) -> str:
        picture = b64encode(rendered(self.source, "png", dots=96)).decode("ascii")
        with suppress(UserWarning):  # where warnings are errors, there is a picture all the same
            warn_of_boxes(self.source, stacklevel=3)
        return picture

    def __repr__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"a drawing of a graph{note}: show it in a notebook, or .save('graph.svg')"


def draw(
    what: Any,
    /,
    *inputs: Any,
    parameters: Any = None,
    hide: str | Collection[str] = (),
    depth: int | None = None,
    unroll: bool = False,
    direction: str | None = None,
) -> Drawing:
    """Draw the computational graph behind a Tensor (or those in lists and dicts), or that of a function at some inputs.

    Given a function, `draw` calls it once under `tg.watch()`, and leaves no trace of that: parameters, gradients, random numbers
    and running averages stay as they are. If the result is one number, it also runs a backward. So the picture shows values
    and gradients as the computational graphs of "Deep Learning from Scratch" do: above an arrow the value that goes forward,
    below it the gradient that comes back. A number, a list with floats or a floating point array among the inputs becomes a leaf, so that
    its gradient is seen; a Tensor, an array of labels or anything else stays what it is; in a dict (`net.params`) every entry
    is a parameter. Given a Tensor, the picture shows values, and gradients of a single number, if it was computed under
    `tg.watch()`; otherwise it says what is missing. Results in lists and dicts, nested too, have the names of their places.

    Of a network of the book `draw(net, x)` draws the scores, and `draw(net, x, t)` the loss.

    Given the report of a gradient check (`error.report` of one that failed), it draws the function that was checked, and marks the
    operation that is blamed.

    Inputs are boxes, parameters (leaves) cylinders, constants dashed boxes, operations rounded boxes or circles, results
    double boxes. On an arrow stand shape and dtype, and for a large array mean ± standard deviation and smallest … largest
    number. An operation says which values it keeps until backward, and how many bytes; its formulas are in its tooltip.

    What a Module, a `tg.scope` or a function decorated with one made is in a box. Boxes deeper than `depth` are closed to one node with
    their parameter count (`depth=0` closes all); of four equal blocks in a row or more the first is drawn, with `× 4`,
    unless the graph is small or `unroll=True`. Where there is too much to lay out, boxes are closed without being asked, and
    the picture and `note` say so.

    `hide` leaves out "shapes", "values", "gradients", "kept" or "constants": a name or a list of names. `direction` is
    "right" or "down"; without it a long graph runs down, and values stand to the left of an arrow. `parameters` (a Module, or a
    list or dict of Tensors) gives names to leaves, as those of a Module that is drawn have.

    Raises TypeError for what is neither, RuntimeError for a result that does not depend on anything that requires a gradient,
    ValueError for an unknown name in `hide` or `direction` or a `depth` below 0, and what the function raises.

    >>> import tinygrad_ko as tg
    >>> def price(apple, count, tax):
    ...     return apple * count * tax
    >>> picture = tg.draw(price, 100.0, 2.0, 1.1)
    >>> picture
    a drawing of a graph: show it in a notebook, or .save('graph.svg')
    >>> [number in picture.source for number in (">220<", ">2.2<", ">110<", ">200<")]
    [True, True, True, True]
    """
    hidden = _hidden(hide)
    _check_options(depth, direction)
    names, blame = Names(), None
    # Of a network of the book the loss is drawn or, without targets, the scores.
    if hasattr(what, "loss_of") and inputs and not callable(what):
        what, inputs = (what.loss_of, (what.params, *inputs)) if inputs[1:] else (what.scores, (*inputs, what.params))
    if isinstance(what, Report):
        blame, (what, inputs, parameters) = what.blame, _checked(what)
    if callable(what) and not isinstance(what, Handle):
        title = function_name(what)
        results = _named_results(call_watched(what, inputs, parameters, names), title, title)
    elif inputs and not hasattr(what, "loss_of"):
        raise explain(
            TypeError(
                f"draw: inputs are for a function, and {type(what).__name__} is none; draw(y) needs only the result"
            ),
            "draw: 함수가 아닌 값에는 입력을 함께 넘길 수 없습니다. 결과만 넘겨 draw(y)로 호출하십시오. "
            f"받은 값의 종류: {type(what).__name__}",
        )
    else:
        results = _named_results(what, "result", "draw")
        names.leaves.update({p._node: label for label, p in named_parameters(None, parameters).items()})
    vertices = read_graph(results, names)
    with _untouched(vertices):
        content = collapse(vertices, depth, unroll)
        content.notes += _unseen([y for _, y in results], vertices, hidden)
        if direction is None:
            direction = "down" if max(content.path_lengths().values()) > _LONG else "right"
        return Drawing(dot_source(content, Style(hidden, direction == "down", blame)), content.notes, vertices)


def _checked(report: Report) -> tuple[Any, tuple[Any, ...], Any]:
    """The function that a report is on, its inputs and its parameters."""
    call = report.call
    if call is None or not report.has_graph:
        raise explain(
            TypeError(f"draw: there is no graph of {report.name}: its gradient is not that of Tensors"),
            f"draw: {report.name}: Tensor로 계산한 함수가 아니므로 그릴 계산 그래프가 없습니다.",
        )
    return call.functions[0], call.inputs, call.wanted.get("parameters")


def _hidden(hide: str | Collection[str]) -> frozenset[str]:
    hidden = [hide] if isinstance(hide, str) else list(hide) if isinstance(hide, Collection) else [hide]
    if unknown := [name for name in hidden if name not in _PARTS]:
        raise explain(
            ValueError(f"draw: hide has {unknown}; it may have {list(_PARTS)}"),
            f"draw: hide에 쓸 수 없는 이름이 있습니다: {unknown}. 쓸 수 있는 이름: {list(_PARTS)}",
        )
    return frozenset(hidden)


def _check_options(depth: int | None, direction: str | None) -> None:
    if direction not in (None, "right", "down"):
        raise explain(
            ValueError(f"draw: direction must be 'right' or 'down', not {direction!r}"),
            f"draw: direction에는 'right'나 'down'을 넘겨야 합니다. 받은 값: {direction!r}",
        )
    if depth is not None and (not isinstance(depth, int | np.integer) or isinstance(depth, bool) or depth < 0):
        raise explain(
            ValueError(f"draw: depth must be None or a whole number from 0 on, not {depth!r}"),
            f"draw: depth에는 None이나 0 이상의 정수를 넘겨야 합니다. 받은 값: {depth!r}",
        )


def _named_results(value: Any, name: str, who: str) -> list[tuple[str, Handle]]:
    if hasattr(value, "loss_of"):
        raise no_graph(type(value).__name__)
    if isinstance(value, Handle):
        name = str(getattr(value, "_name", None) or name)
    found = list(_placed(value, name))
    strangers = [(place, y) for place, y in found if not isinstance(y, Handle)]
    if strangers or not found:
        wrong = f"empty {type(value).__name__}"
        for place, y in strangers[:1]:
            wrong = type(y).__name__ + (f" (in {place})" if y is not value else "")
        if who == "draw":
            raise explain(
                TypeError(
                    "draw takes a Tensor, or a function and its inputs, or a list or dict of Tensors, not "
                    f"{wrong}; write draw(f, x), not draw(f(x)), if x is an array"
                ),
                f"draw: 그릴 수 있는 것은 Tensor, 함수와 그 입력, Tensor의 list나 dict입니다. 받은 값의 종류: {wrong}. "
                "x가 배열이면 draw(f(x)) 대신 draw(f, x)로 호출하십시오.",
            )
        raise explain(
            TypeError(
                f"draw: {who} must return a Tensor or a list or dict of Tensors, not {wrong}; an array or list of whole numbers "
                "stays a constant: give it floats"
            ),
            f"draw: 그릴 수 있는 것은 Tensor나 Tensor의 list 또는 dict를 반환하는 함수입니다. 함수: {who}, 반환한 값의 종류: {wrong}. "
            "정수의 배열이나 list는 상수로 남으므로 실수를 넘기십시오.",
        )
    if not any(y._node is not None for _, y in found):
        places = ", ".join(place for place, _ in found)
        raise explain(
            RuntimeError(
                f"draw: nothing was recorded for {places}: no Tensor behind it requires a gradient; make the leaves with "
                "requires_grad=True, outside no_grad(), or give the function arrays in place of Tensors"
            ),
            f"draw: 그릴 계산 그래프가 없습니다({places}). 기울기를 구할 Tensor 없이 계산했기 때문입니다. Tensor를 "
            "requires_grad=True로 만들어 no_grad() 밖에서 계산하거나, 함수의 입력을 Tensor 대신 실수 배열로 넘기십시오.",
        )
    return found


def _placed(value: Any, name: str, place: str = "") -> Iterator[tuple[str, Any]]:
    """What stands in lists, tuples and dicts, with the name of its place: `scores`, `heads.a[0]`, `name[0].loss`."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            word = key if isinstance(key, str) else repr(key)
            yield from _placed(part, name, f"{place}.{word}" if place else word)
    elif isinstance(value, tuple | list):
        for i, part in enumerate(value):
            yield from _placed(part, name, f"{place or name}[{i}]")
    else:
        yield place or name, value


def _unseen(results: list[Handle], vertices: list[Vertex], hidden: Collection[str]) -> Iterator[Words]:
    """Run a backward, where the result is one number and a part of the graph was watched. Yields what the picture cannot show."""
    y, nodes = results[0], [v.node for v in vertices if v.kind == "op" and v.node is not None]
    single = len(results) == 1 and y._array.size == 1 and is_floating(y._array.dtype) and y._node is not None
    gradients = single and "gradients" not in hidden
    if not any(node.seen for node in nodes):
        missing = ["values"] * ("values" not in hidden) + ["gradients"] * gradients
        if nodes and missing:
            yield (
                f"no {' or '.join(missing)}: not computed under tg.watch(); "
                "use 'with tg.watch():', or draw the function, tg.draw(f, x)",
                "tg.watch() 밖에서 계산한 결과에는 값과 기울기를 표시할 수 없습니다. with tg.watch(): 블록 안에서 계산하거나, "
                "tg.draw(f, x)로 함수를 그리십시오.",
            )
    elif gradients and not all(node.seen or node.live for node in nodes):
        yield (
            "no gradients: an earlier backward() has let go of a part of the graph that was not watched",
            "tg.watch() 밖에서 계산한 부분의 저장된 값을 이전 backward()에서 지웠으므로 기울기를 표시할 수 없습니다.",
        )
    elif gradients:
        _backward(y, vertices)


def _backward(y: Handle, vertices: list[Vertex]) -> None:
    """Let the watched operations behind a number record their gradients, with 1 at the number. Nothing is deposited."""
    assert y._node is not None
    for v in vertices:  # the saved values of a watched node are there also after a backward
        if v.kind == "op" and v.node is not None:
            v.node.live = True
    seed = y._array.dtype.type(1) if isinstance(y._array, np.generic) else namespace(y._array).ones_like(y._array)
    ends = {v.node: v for v in vertices if v.node is not None and v.kind in ("leaf", "input")}
    try:
        with Switch(record=False):
            found = gradients(y._node, seed, wanted=ends.keys())
    except Exception as error:
        error.add_note("draw: hide='gradients' draws the graph without gradients")
        raise explain(error, "draw: hide='gradients'를 넘기면 기울기를 뺀 그래프를 그릴 수 있습니다.") from None
    for node, v in ends.items():
        v.gradient = found.get(node)


@contextmanager
def _untouched(vertices: list[Vertex]) -> Iterator[None]:
    """Inside the block a backward may go through the graph; afterwards its nodes are as they were."""
    watched = [(v.node, v.node.seen) for v in vertices if v.node is not None and v.node.seen]
    before: list[Any] = [(node, "live", node.live) for node, _ in watched]
    before += [(seen, "gradient", seen.gradient) for _, seen in watched]
    begin, end = at_once(setattr, [(seen, "gradient", None) for _, seen in watched]), at_once(setattr, before)
    try:
        begin()
        yield
    finally:
        end()
