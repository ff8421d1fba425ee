"""The public names: where they come from, and what is said of one that is not there."""

import ast
import subprocess
import sys
from pathlib import Path

import array_api_strict
import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.runtime.suggestions import HABITS

SOURCE = Path(tg.__file__)


def test_every_public_name_is_there_and_once():
    assert len(tg.__all__) == len(set(tg.__all__))
    assert set(tg.__all__) <= set(dir(tg))
    for name in tg.__all__:
        assert getattr(tg, name) is not None


def test_what_type_checkers_read_is_what_is_imported_later():
    """`if TYPE_CHECKING` names the same names from the same modules as the table that the program uses."""
    block = next(node for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    read = {alias.name: node.module for node in imports for alias in node.names}
    assert read == {name: f"tinygrad_ko.{home}" for name, home in tg.HOMES.items()}


def test_a_name_of_the_table_is_defined_where_the_table_says():
    for name, home in tg.HOMES.items():
        assert getattr(tg, name).__module__.startswith(f"tinygrad_ko.{home}"), name


def test_a_star_import_brings_every_name():
    code = "from tinygrad_ko import *\nimport tinygrad_ko\nassert set(tinygrad_ko.__all__) <= set(globals())"
    subprocess.run([sys.executable, "-c", code], check=True)


def error(name):
    with pytest.raises(AttributeError) as caught:
        getattr(tg, name)
    assert caught.value.__notes__
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("power", "pow"),
        ("arctan2", "atan2"),
        ("concatenate", "concat"),
        ("transpose", "permute_dims"),
        ("cumsum", "cumulative_sum"),
        ("det", "linalg.det"),
        ("Adam", "optim.Adam"),
        ("sofmax", "softmax"),
        ("einsim", "einsum"),
    ],
)
def test_the_nearest_spelling_is_named(name, meant):
    assert f"did you mean {meant}" in error(name)


def test_where_numpy_has_the_name_it_is_named():
    assert error("isnan").endswith("; np.isnan is for arrays, and for x.numpy() where no gradient is wanted")


def test_every_name_of_the_standard_is_there_or_has_a_nearest_spelling():
    standard = [n for n in array_api_strict.__all__ if hasattr(np, n) and n not in ("linalg", "fft")]
    assert len(standard) > 150
    for name in standard:
        assert hasattr(tg, name) or "did you mean" in error(name) or f"np.{name}" in error(name)


def test_nothing_near_is_nothing_said():
    assert error("qqqqqq") == "module 'tinygrad_ko' has no attribute 'qqqqqq'"


@pytest.mark.parametrize("habit", HABITS)
def test_every_habit_leads_somewhere(habit):
    place = tg
    for part in HABITS[habit].split("."):
        place = getattr(place, part)
    assert f"did you mean {HABITS[habit]}?" in error(habit) or hasattr(tg, habit)
