"""What a value holds is found wherever it is, and each thing once. More ways are tried in test_preserve and test_checkpointing."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.state.reachable import reachable

PIECES = st.recursive(
    st.builds(object),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.integers(), inner, max_size=3),
        inner.map(lambda x: partial(print, x, key=x)),
        inner.map(lambda x: lambda: x),
        inner.map(lambda x: SimpleNamespace(forward=x)),
    ),
)


def objects(value: Any) -> list[int]:
    """Those objects that were put in, by another walk."""
    if type(value) is object:
        return [id(value)]
    if isinstance(value, partial):
        return objects(value.args[0])
    inside = (
        value.values()
        if isinstance(value, dict)
        else value
        if isinstance(value, list | tuple)
        else [value.forward if isinstance(value, SimpleNamespace) else value.__closure__[0].cell_contents]
    )
    return [found for item in inside for found in objects(item)]


@given(value=PIECES)
def test_everything_is_found_once(value: Any) -> None:
    found = [id(part) for part in reachable(value)]
    assert len(found) == len(set(found))
    assert set(objects(value)) == {id(part) for part in reachable(value) if type(part) is object}


def test_what_holds_itself_is_walked_once() -> None:
    value: list[Any] = []
    value += [value, {"again": value}]
    assert len(list(reachable(value))) == 2


def test_a_thousand_deep() -> None:
    value: Any = np.random.default_rng()
    rng = value
    for _ in range(1000):
        value = SimpleNamespace(forward=[value])
    assert rng in list(reachable(value))


class Slots:
    __slots__ = ("forward",)


@pytest.mark.parametrize("value", [Slots, Slots(), np, print, np.exp, 1, None, "text", np.ones(2), type("A", (), {})()])
def test_what_holds_nothing_known_is_no_obstacle(value: Any) -> None:
    assert next(reachable(value)) is value
    assert not any(isinstance(part, np.random.Generator) for part in reachable([value]))


def test_a_list_that_computes_is_searched_both_ways() -> None:
    class Chain(list[Any]):
        def forward(self, x: Any) -> Any:
            return x

    inside, beside = object(), object()
    chain = Chain([inside])
    chain.__dict__["beside"] = beside
    found = list(reachable(chain))
    assert inside in found
    assert beside in found


far = {"rng": np.random.default_rng(0)}


def near(x: Any) -> Any:
    return far["rng"].random() * x


def test_globals_that_a_function_names_are_followed() -> None:
    assert far["rng"] in list(reachable(lambda x: near(x)))
    assert far["rng"] in list(reachable(lambda xs: [near(x) for x in xs]))
    assert far["rng"] not in list(reachable(lambda x: np.sum(x)))
