"""The course: every cell of every chapter is run and its output compared, and what its pages promise of each other is there."""

import json
import re

import pytest

from docs.site.chapters import COURSE, Kernel, Result, cells, chapters, notebook
from docs.site.glossary import linked, terms
from tests import test_book_figures
from tinygrad_ko.check.reports.report import without_listeners
from tinygrad_ko.course import exercise_numbers
from tinygrad_ko.drawing.rendering import renderers

plt = pytest.importorskip("matplotlib.pyplot")
NAMES = [path.stem for path in chapters()]


@pytest.fixture(autouse=True)
def quiet():
    """The gradient checks of a page are not counted as checks of the tests."""
    with without_listeners():
        yield


def skip_without_graphviz(text):
    if "tg.draw(" in text and not list(renderers("svg")):
        pytest.skip("no Graphviz")


def page(name):
    return (COURSE / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_gives_the_output_that_the_page_has(name):
    """The solutions are cells as well: what they give is 맞았습니다, so every exercise can be done."""
    skip_without_graphviz(page(name))
    kernel = Kernel(name)
    for number, cell in enumerate(cells(page(name)), start=1):
        result = kernel.run(cell.code)
        assert result.agrees(cell), (
            f"cell {number}:\n{cell.code}\nthe page has:\n{cell.output}\nit gives:\n{result.text}"
        )


def test_an_output_that_is_not_that_of_the_cell_is_seen():
    (cell,) = cells("```python\nprint(0.5)\n```\n\n```text\n0.6\n```\n")
    assert not Kernel("x").run(cell.code).agrees(cell)
    (silent,) = cells("```python\nx = 1\n```\n\n```text\n1\n```\n")
    assert not Kernel("x").run(silent.code).agrees(silent)
    (unshown,) = cells("```python\n1\n```\n")
    assert not Kernel("x").run(unshown.code).agrees(unshown)
    (pictured,) = cells("```python\nx = 1\n```\n\n<!-- 그림: 무엇 -->\n")
    assert not Kernel("x").run(pictured.code).agrees(pictured)
    assert not Result("", [("svg", b"")]).agrees(silent)


def test_a_figure_that_was_left_open_before_is_not_of_the_page():
    plt.figure()
    assert Kernel("x").run("a = 2").pictures == []


def test_a_cell_shows_its_last_value_as_a_notebook_does():
    kernel = Kernel("x")
    assert kernel.run("a = 2\nprint('b')\na + 1").text == "b\n3\n"
    assert kernel.run("None").text == ""


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_says_what_it_answers_and_ends_with_exercises(name):
    text = page(name)
    chapter = int(name[:2])
    assert text.startswith(f"# {chapter}장 ")
    assert "이 장에서는 다음 질문에 답합니다." in text
    exercises = re.findall(r"^\*\*(\d+-\d+)\.\*\*", text, re.M)
    assert exercises == [f"{chapter}-{i}" for i in range(1, len(exercises) + 1)]
    assert 3 <= len(exercises) <= 6
    assert set(exercises) == set(re.findall(r'course\.check\("(\d+-\d+)"', text))


def test_every_exercise_is_in_a_chapter():
    asked = {number for name in NAMES for number in re.findall(r'course\.check\("(\d+-\d+)"', page(name))}
    assert asked == set(exercise_numbers())


@pytest.mark.parametrize("name", NAMES)
def test_a_solution_is_right_and_not_in_the_notebook(name):
    text = page(name)
    for cell in cells(text):
        if cell.folded and "course.check" in cell.code:
            assert ": 맞았습니다." in cell.output
    made = json.loads(notebook(text))
    written = "".join(line for part in made["cells"] for line in part["source"])
    assert "<summary>" not in written
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    code = ["".join(part["source"]) for part in made["cells"] if part["cell_type"] == "code"]
    assert code == [cell.code.rstrip("\n") for cell in cells(text) if not cell.folded]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_before_anything_is_answered(name):
    """All of it but for cells that use what an exercise asks for, which stand among the exercises. Where no solution stands before these,
    its cells are the first ones of the page, which are run above.
    """
    body = page(name).partition("## 연습문제")[0]
    code = ["".join(part["source"]) for part in json.loads(notebook(body))["cells"] if part["cell_type"] == "code"]
    if code != [cell.code.rstrip("\n") for cell in cells(page(name))[: len(code)]]:
        skip_without_graphviz(page(name))
        kernel = Kernel(name)
        for source in code:
            kernel.run(source)


def test_links_lead_to_pages():
    for path in COURSE.glob("*.md"):
        for target in re.findall(r"\]\(((?!http)[^)#]+\.md)", path.read_text(encoding="utf-8")):
            assert (COURSE / target).is_file(), (path.name, target)


def test_the_glossary_has_80_terms_that_the_chapters_use():
    glossary = page("glossary")
    known = terms(glossary)
    assert len(known) == len(set(known)) >= 80
    for term, chapter in re.findall(r"^### (.+)\n\n.*?\]\((\S+?)\.md\)$", glossary, re.M):
        assert term in page(chapter), (term, chapter)
    assert [line for line in glossary.splitlines() if line.startswith("### ")] == [
        f"### {term}" for term in sorted(known)
    ]


def test_a_term_is_a_link_where_it_first_stands_with_whatever_particle():
    text = "# 역전파\n\n역전파를 `기울기`로. 기울기의 역전파. 경사하강. 수치 미분은.\n\n```python\n기울기\n```\n"
    assert linked(text, ["수치 미분", "역전파", "기울기", "경사"]) == (
        "# 역전파\n\n[역전파](glossary.md#역전파)를 `기울기`로. [기울기](glossary.md#기울기)의 역전파. 경사하강. "
        "[수치 미분](glossary.md#수치-미분)은.\n\n```python\n기울기\n```\n"
    )


def test_every_figure_of_the_texts_has_a_page_and_a_test():
    rows = re.findall(r"^\| (\d+) \| 글 .*\[\d+장\]\((\S+?)\.md\) \| `(\w+)` \|$", page("figures"), re.M)
    assert [int(number) for number, _, _ in rows] == list(range(1, 43))
    for _, chapter, test in rows:
        assert chapter in NAMES
        assert callable(getattr(test_book_figures, test))


@pytest.mark.parametrize("name", [*NAMES, "index", "glossary", "figures"])
def test_korean_is_written_as_koreans_write_it(name):
    prose = re.sub(r"```.*?```|<!--.*?-->", "", page(name), flags=re.S)
    assert not re.search(r"[은는이가을를과와]\([은는이가을를과와]\)", prose)
    assert not re.search(r"라벨|그라디언트|백프로파게이션|웨이트|바이어스", prose)
    assert not re.search(r"(?<![했있없였았었겠])다\.(?=\s)", re.sub(r"니다\.", "", prose)), "합니다체"
