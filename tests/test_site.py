"""The pieces of the site that Sphinx is given: search terms, formulas, the reference. `make docs` builds it, and a warning is an error."""

import inspect
import re
import shutil
import subprocess
from importlib import import_module
from xml.etree import ElementTree

import pytest

import tinygrad_ko as tg
from docs.site.__main__ import ENGLISH, outside, run
from docs.site.chapters import COURSE
from docs.site.particles import STEMMER, stem
from docs.site.reference import ROOMS, pages

PARTICLES = ["", "를", "의", "에서", "에서는", "입니다", "라고", "와", "로", "만", "까지", "하고"]


@pytest.mark.parametrize("noun", ["역전파", "기울기", "정확도", "손실", "편향", "계산그래프", "tensor"])
def test_a_noun_is_one_search_term_with_every_particle(noun):
    assert len({stem(noun + particle) for particle in PARTICLES}) == 1


def test_different_words_are_different_terms():
    nouns = [
        "기울기",
        "가중치",
        "편향",
        "손실",
        "학습",
        "학습률",
        "순전파",
        "역전파",
        "미분",
        "수치",
        "함수",
        "계층",
        "신경망",
        "정확도",
    ]
    assert len({stem(noun) for noun in nouns}) == len(nouns)


@pytest.mark.skipif(not shutil.which("node"), reason="needs node, to run what a browser runs")
def test_a_browser_makes_the_same_terms():
    text = "".join(path.read_text(encoding="utf-8") for path in COURSE.glob("*.md"))
    words = sorted(set(re.findall(r"[가-힣a-zA-Z0-9_]+", text)))
    script = STEMMER + (
        "const s = new Stemmer(); require('fs').readFileSync(0, 'utf8').split('\\n')"
        ".forEach((word) => console.log(s.stemWord(word)));"
    )
    said = subprocess.run(
        ["node", "-e", script], input="\n".join(words), capture_output=True, encoding="utf-8", check=True
    )
    assert said.stdout.split() == [stem(word) for word in words]


def test_a_formula_is_a_picture_of_the_colour_of_the_text():
    pytest.importorskip("matplotlib")
    from docs.site.formulas import picture

    svg = picture(r"\frac{a}{b} < c")
    root = ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns:xlink="x" ', 1) if "xmlns:xlink" not in svg else svg)
    assert root.get("aria-label") == r"\frac{a}{b} < c"
    assert "currentColor" in svg
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", svg)
    assert set(re.findall(r'href="#([^"]+)"', svg)) <= set(re.findall(r'id="([^"]+)"', svg))


def test_every_public_name_has_an_entry_with_its_docstring():
    made = dict(pages())
    assert {f"tg.{name}" for name in vars(tg)["__all__"] if inspect.ismodule(getattr(tg, name))} <= ROOMS.keys()
    for room in ROOMS:
        module = import_module(room.replace("tg", "tinygrad_ko", 1))
        for name in module.__all__:
            value = getattr(module, name)
            if callable(value) and not inspect.ismodule(value):
                assert f"## `{room}.{name}`\n" in made[room]
    assert "The mean over the batch of -log(softmax(scores)) at the right class" in made["tg"]
    assert "### `tg.Tensor.backward`" in made["tg"]
    assert not re.search(r" at 0x[0-9a-f]", "".join(made.values()))


def test_what_looks_like_markup_in_a_docstring_is_text():
    from docs.site.reference import _markdown

    assert _markdown("a * b < c, `x * y`") == r"a \* b \< c, `x * y`"
    assert _markdown("Text.\n\n>>> 1 * 2\n2") == "Text\\.\n\n```pycon\n>>> 1 * 2\n2\n```".replace("\\.", ".")


def test_every_english_page_is_in_the_site():
    index = (COURSE.parent / "site" / "index.md").read_text(encoding="utf-8")
    for path in COURSE.parent.glob("*.md"):
        assert path.stem in ENGLISH
        assert f"]({path.name})" in index
        assert f"\n{path.stem}\n" in index


def test_a_page_to_step_through_is_in_a_frame_of_its_chapter(monkeypatch, tmp_path):
    monkeypatch.setattr("docs.site.__main__.SOURCE", tmp_path)
    (tmp_path / "course" / "pages").mkdir(parents=True)
    text = run(
        "x",
        "```python\nimport tinygrad_ko as tg\n\ntg.draw(lambda a: a * a, 3.0).page()\n```\n\n<!-- 그림: 제곱 <a> -->\n",
    )
    assert '<iframe src="pages/x-1-0.html" title="제곱 &lt;a&gt;" loading="lazy"></iframe>' in text
    assert '<a href="pages/x-1-0.html">' in text
    written = (tmp_path / "course" / "pages" / "x-1-0.html").read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    assert not re.search(r"""(src|href)=["']?http""", written)


def test_links_out_of_the_site_become_names():
    assert outside(
        "see [`findings/`](../findings/README.md), [speed](speed.md) and [the course](../course/index.md)"
    ) == ("see `findings/`, [speed](speed.md) and [the course](../course/index.md)")
