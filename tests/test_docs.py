"""What the README and the guide show is run, and both languages show the same code."""

import doctest
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_ko as tg
from docs import differentiable, drawings, pages, rules
from examples.see_the_graph import PICTURES
from tinygrad_ko.drawing import rendering

ROOT = Path(__file__).resolve().parents[1]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def python_blocks(name):
    return re.findall(r"```python\n(.*?)```", read(name), re.S)


def test_the_readme_trains_a_network_and_checks_an_op(capsys):
    room: dict[str, Any] = {"np": np}
    for block in python_blocks("README.md"):
        exec(compile(block, "README.md", "exec"), room)
    assert room["accuracy"] >= 0.97
    assert "the gradient agrees" in capsys.readouterr().out


def test_the_first_example_has_15_lines():
    lines = [line for line in python_blocks("README.md")[0].splitlines() if line.strip()]
    assert len(lines) <= 15


def without_comments(code):
    return re.sub(r"  # .*", "", code)


def test_both_languages_show_the_same_code():
    """But for comments, which each has in its own language."""
    english, korean = (
        [without_comments(block) for block in python_blocks(name)] for name in ("README.md", "README.ko.md")
    )
    assert english == korean
    assert all(
        re.search("[가-힣]", comment)
        for comment in re.findall(r"# .*[a-z]{3}.*", "".join(python_blocks("README.ko.md")))
    )


@pytest.mark.parametrize("name", pages.PAGES)
def test_the_compiled_step_is_the_page_of_the_example(name):
    text = read(name)
    assert text.count("```py\nimport numpy as np\n") == 1
    assert text == pages.with_page(text, pages.PAGES[name]), "run: python -m docs.pages"


@pytest.mark.parametrize(("name", "examples"), [("guide", 50), ("oracle", 10)])
def test_the_guide_runs(name, examples):
    page, flags = str(ROOT / "docs" / f"{name}.md"), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testfile(page, module_relative=False, encoding="utf-8", optionflags=flags)
    assert result.attempted > examples
    assert result.failed == 0


@pytest.mark.parametrize(("library", "where"), [("torch", "op Cube, called at"), ("jax", "off by 2.0e-07 of its size")])
def test_what_the_guide_shows_of_another_library_is_found_wrong(library, where):
    pytest.importorskip(library)
    (block,) = re.findall(rf"```py\n(import {library}\n.*?)```", read("docs/guide.md"), re.S)
    with pytest.raises(tg.GradientMismatch, match=where):
        exec(compile(block, "guide.md", "exec"), {"tg": tg})


def test_the_table_of_the_rule_book_is_that_of_the_rule_book():
    assert rules.TARGET.read_text(encoding="utf-8") == rules.text(), "run: python -m docs.rules"


def test_the_page_of_what_differentiates_is_that_of_numpy():
    pytest.importorskip("scipy", reason="np.i0 needs it here")
    page = differentiable.TARGET.read_text(encoding="utf-8")
    if f"numpy {np.__version__.rpartition('.')[0]}." not in page:
        pytest.skip("the page is of another version of NumPy, which has other functions")
    assert differentiable.of_numpy() in page, "run: python -m docs.differentiable"


def test_the_number_of_mutants_is_that_of_the_rule_book():
    [(made, right)] = re.findall(r"([\d,]+) mistakes were put .* all but (\d+) that", read("docs/rules.md"), re.DOTALL)
    caught = f"{int(made.replace(',', '')) - int(right):,}"
    assert (
        f"{made} mutants of all formulas every one makes a test fail that names the op, but for {right} that"
        in read("README.md")
    )
    assert f"{made}가지 가운데, 바꾸어도 맞는 {right}가지를" in read("README.ko.md")
    assert f"{made} mutants" in read("docs/oracle.md")
    assert f"{caught} are caught, {right} are right too" in read("docs/oracle.md")


def test_the_number_of_functions_is_that_of_the_rule_book():
    assert f"**{len(rules.public())} functions**" in read("README.md")
    assert f"**함수 {len(rules.public())}개.**" in read("README.ko.md")


@pytest.mark.skipif(not list(rendering.renderers("svg")), reason="no Graphviz")
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.__name__)
def test_the_pictures_say_what_the_program_draws(picture):
    """Where things stand is Graphviz's affair, and differs from version to version."""
    kept = (drawings.FOLDER / f"{picture.__name__}.svg").read_text(encoding="utf-8")
    assert texts(kept) == texts(picture().svg()), "run: python -m docs.drawings"


def texts(svg):
    """What can be read in a picture, tooltips too."""
    elements = [e for e in ElementTree.fromstring(svg).iter() if e.tag.endswith(("}text", "}title"))]
    return sorted(re.sub(r"called at .*", "", e.text or "") for e in elements)
