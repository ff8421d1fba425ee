"""The demo itself, that its figures follow from what was measured, and the picture that it leaves."""

import re
import sys
import unicodedata
from functools import partial
from pathlib import Path
from timeit import timeit

import numpy as np
import pytest

from tinygrad_ko.cli import demo, main
from tinygrad_ko.cli.console import program
from tinygrad_ko.drawing.rendering import renderers
from tinygrad_ko.nn import TwoLayerNet
from tinygrad_ko.runtime.install import install

needs_graphviz = pytest.mark.skipif(not list(renderers("svg")), reason="needs Graphviz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def printed(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, file=None: lines.append(" ".join(map(str, words))))
        assert main(["demo"]) == 0
    return "\n".join(lines)


def test_it_learns(printed):
    accuracy = re.search(r"Test accuracy: ([\d.]+)", printed)
    assert accuracy is not None
    assert float(accuracy[1]) >= 0.95


def test_it_counts(printed):
    assert re.search(r"parameters +3,760 +79,510\n", printed)
    assert re.search(r"how many of them +7,520 +159,020\n", printed)
    assert "7,951,000" in printed


def test_both_ways_agree(printed):
    figures = re.search(r"random gradients +(\S+) +(\S+)\n.*both ways +(\S+) +(\S+)\n", printed)
    assert figures is not None
    largest, largest_book, difference, difference_book = map(float, figures.groups())
    assert difference < 1e-6 * largest
    assert difference_book < 1e-6 * largest_book


def too_wide(text):
    """The lines that a console of 80 columns would break; how this program is called is as long as the path to it."""
    text = text.replace(program(), "tinygrad-ko")

    def columns(line):
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)

    return [line for line in text.splitlines() if columns(line) > 80]


def test_it_fits_a_console_of_80_columns(printed):
    assert too_wide(printed) == []


def test_in_a_korean_locale_it_speaks_korean_alone(quick, monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert too_wide(out) == []
    assert "다음에는 이렇게 해 보십시오." in out
    prose = [line for line in out.splitlines() if re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", line)]
    assert prose == []


def test_it_ends_with_three_things_to_do(printed):
    end = printed[printed.index("What next") :]
    assert [word in end for word in (" train ", " check ", "README.md")] == [True] * 3


def test_the_command_that_it_suggests_works(capsys):
    assert main(["check", "tinygrad_ko:sigmoid", "--order", "2"]) == 0


class Clock:
    """Time that passes only where a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


def test_what_other_programs_take_is_no_part_of_the_price(monkeypatch):
    """A call of the loss takes 1 and of the gradient 4, but most calls have to wait for 500."""
    clock, calls = Clock(), iter(range(10**6))

    def slow(work, seconds):
        def call(*batch):
            clock.now += seconds + (500 if next(calls) % 5 else 0)
            return work(*batch)

        return call

    net = TwoLayerNet(4, 3, 2, rng=0)
    monkeypatch.setattr(demo, "timeit", partial(timeit, timer=clock))
    monkeypatch.setattr(net, "loss", slow(net.loss, 1))
    monkeypatch.setattr(net, "gradient", slow(net.gradient, 4))
    cost = demo._measure(net, (np.ones((5, 4)), np.zeros(5, int)), np.random.default_rng(0))
    assert (cost.parameters, cost.evaluations, cost.evaluation, cost.backprop) == (23, 46, 1, 4)
    assert (cost.numerical, cost.times_faster) == (46, "12")  # 46 / 4, to two digits


def test_measuring_leaves_the_network_as_it_was():
    net = TwoLayerNet(4, 3, 2, rng=0)
    before = {name: array.copy() for name, array in net.params.items()}
    demo._measure(net, (np.ones((5, 4)), np.zeros(5, int)), np.random.default_rng(0))
    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """A demo of few steps, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "_ITERATIONS", 5)
    monkeypatch.setattr(demo, "_REPEATS", 1)


@needs_graphviz
def test_it_leaves_the_graph_of_the_loss(printed, folder):
    told = [line for line in printed.splitlines() if line.endswith(f": {Path('runs/demo/network.svg')}")]
    assert len(told) == 2, "in both languages"
    words = re.findall(r"<text[^>]*>([^<]+)</text>", (folder / "runs/demo/network.svg").read_text(encoding="utf-8"))
    for word in ("W1", "b1", "W2", "b2", "x", "t", "sigmoid", "softmax_cross_entropy", "loss"):
        assert words.count(word) == 1, word
    assert words.count("affine") == 2


def test_it_leaves_the_page_that_steps_through_backpropagation(printed, folder):
    path = Path("runs/demo/network.html")
    assert len([line for line in printed.splitlines() if line.endswith(f": {path}")]) == 2, "in both languages"
    page = (folder / path).read_text(encoding="utf-8")
    assert "softmax_cross_entropy" in page
    assert '"shape":[5,64]' in page, "so few images that each can be looked at"


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def test_without_graphviz_it_leaves_text_and_goes_on(quick, no_graphviz, tmp_path, capsys):
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert f"with values and gradients: {Path('runs/demo/network.dot')}\n" in out
    assert f"install Graphviz, or type this, and run it again:\n  {install('draw')}\n" in out
    assert f"Graphviz를 설치하거나 다음 명령을 실행하십시오.\n  {install('draw')}\n" in out
    assert "What next" in out
    assert too_wide(out.replace(install("draw"), "")) == []  # as long as the path to this clone
    assert {path.name for path in (tmp_path / "runs" / "demo").iterdir()} == {"network.dot", "network.html"}


def test_a_folder_that_cannot_be_written_is_told(quick, tmp_path, capsys):
    (tmp_path / "runs").write_text("not a folder", encoding="utf-8")
    assert main(["demo"]) == 0
    out = capsys.readouterr().out
    assert "The graph of its loss is not written: " in out
    assert "손실의 계산 그래프를 저장하지 못했습니다." in out
    assert "What next" in out


def test_the_graph_has_the_values_and_gradients_of_the_network_and_changes_nothing(no_graphviz, tmp_path):
    net = TwoLayerNet(4, 3, 2, weight_init_std=1.0, rng=0)
    batch = np.random.default_rng(0).random((5, 4)), np.array([0, 1, 1, 0, 1])
    before = {name: array.copy() for name, array in net.params.items()}
    demo._save_pictures(net, net, batch, tmp_path / "new" / "network.svg")
    text = (tmp_path / "new" / "network.dot").read_text(encoding="utf-8")
    gradient = net.gradient(*batch)
    for number in (net.loss(*batch), *net.params["W2"].flat, *gradient["W2"].flat, *gradient["b1"]):
        assert f"{number:.4g}" in text
    assert "keeps x · 160 B" in text, "a gradient of x would need W1 too"
    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)


def test_the_seed_is_obeyed(quick, capsys):
    shown = []
    for seed in ("1", "1", "2"):
        assert main(["demo", "--seed", seed]) == 0
        shown.append(re.findall(r"^ +\d+ +\d\.\d{4} .*$", capsys.readouterr().out, re.M))
    assert len(shown[0]) == 6
    assert shown[0] == shown[1] != shown[2]
