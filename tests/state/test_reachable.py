"""What a value holds is found wherever it is, and each thing once. More ways are tried in test_preserve and test_checkpointing."""

from functools import partial
from textwrap import dedent
from types import MethodType, SimpleNamespace
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


def found_in(value: Any, part: Any) -> bool:
    """Whether it is found, by identity."""
    return any(other is part for other in reachable(value))


class Owner:
    """Not an object that computes: only its methods lead to it."""

    def __init__(self) -> None:
        self.held = object()

    def work(self, x: Any) -> Any:
        return far["rng"].random() * x


def test_a_method_leads_to_its_owner_and_to_what_its_function_reads() -> None:
    owner = Owner()
    for part in (owner, owner.held, Owner.work, far["rng"]):
        assert found_in(owner.work, part)


def test_an_object_that_does_not_compute_is_not_searched() -> None:
    owner = Owner()
    assert found_in([owner], owner)
    assert not found_in([owner], owner.held)
    assert not found_in([owner], far["rng"])


def test_a_module_is_not_searched_even_where_a_function_is_bound_to_it() -> None:
    assert found_in(MethodType(near, np), np)
    assert not found_in(MethodType(near, np), np.sum)


class Doubled:
    def forward(self, x: Any) -> Any:
        return 2 * x


def test_globals_of_other_kinds_are_not_followed() -> None:
    assert found_in(lambda x: near(x), near)
    for f, named in (
        (lambda x: dedent(x), dedent),  # a function of another file
        (lambda x: Doubled().forward(x), Doubled),  # a class, if one of layers
        (lambda x: np.sum(x), np),
    ):
        assert not found_in(f, named)
