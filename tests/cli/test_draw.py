"""`draw`: the picture that `tg.draw` makes of what is named, in a file of the kind that its ending says."""

import os
import re
import subprocess
import sys
import textwrap
from math import inf
from pathlib import Path

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.check.functions.domain import random_numbers
from tinygrad_ko.cli import main
from tinygrad_ko.drawing import fonts, rendering
from tinygrad_ko.drawing.rendering import renderers
from tinygrad_ko.runtime.install import install

ROOT = Path(__file__).resolve().parents[2]
needs_graphviz = pytest.mark.skipif(not list(renderers("svg")), reason="needs Graphviz")


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file `mine_of_draw.py` in the current folder, by its path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.delitem(sys.modules, "mine_of_draw", raising=False)
    path = tmp_path / "mine_of_draw.py"
    path.write_text(
        textwrap.dedent(
            """
            import functools

            import tinygrad_ko as tg

            number = 3
            numbers = {"a": 1.0}

            def price(apple, count, tax=1.1):
                return tg.sum(apple * count * tax)

            def wave(x=1.0):
                return tg.sin(x)

            def many(*xs):
                return sum(xs)

            def long(x):
                for i in range(2000):
                    x = tg.sin(x) if i % 3 else x * 2.0
                return x

            class Net(tg.nn.Module):
                def __init__(self):
                    self.layers = [tg.nn.Affine(4, 4, rng=i) for i in range(20)]

                def forward(self, x):
                    for layer in self.layers:
                        x = layer(x)
                    return tg.mean(x)

            words = tg.nn.Sequential(tg.nn.Embedding(5, 3, rng=0), tg.nn.Affine(3, 2, rng=0))

            def scaled(x, ids):
                return tg.sum(words(ids)) * x

            net, dense, relu = Net(), tg.nn.Affine(4, 4, rng=0), tg.nn.Relu()
            capped = functools.partial(tg.where, y=0.0)

            def loss(power=2):
                print("I was called")
                return net(tg.Tensor([[1.0, 2.0, 3.0, 4.0]])) ** power

            def both():
                return [loss(), loss()]

            w = tg.Tensor([1.0, 2.0], requires_grad=True, name="w")
            with tg.watch():
                watched = tg.sum(w * w)
            unwatched = tg.sum(w * w)
            korean = {"손실": unwatched}
            heads = {"square": tg.square(w), "root": tg.sqrt(w)}

            def broken(x):
                return x + 1 / 0

            def leaves(x):
                raise SystemExit(0)

            def array(x):
                return x.numpy()

            def nothing():
                return tg.Tensor(1.0)
            """
        ),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def drawn(mine, capsys):
    """What `draw` makes of a name in that file: its module, and the text of the picture."""

    def draw(name, *options):
        assert main(["draw", f"mine_of_draw:{name}", *options, "--out", "-"]) == 0
        return sys.modules["mine_of_draw"], capsys.readouterr().out

    return draw


def inputs(*shapes, seed=0, low=-inf, high=inf):
    rng = np.random.default_rng(seed)
    return [random_numbers(rng, shape, low, high) for shape in shapes]


def source_of(drawing):
    """Without the lines of this file; those of `mine_of_draw.py` stay."""
    return re.sub(r"\\ncalled at test_draw\.py:\d+", "", drawing.source)


class TestWhatIsDrawn:
    def test_of_a_function_the_inputs_are_leaves(self, drawn):
        room, text = drawn("price")
        assert text == source_of(tg.draw(room.price, *inputs((3, 4), (3, 4))))
        assert text.count("#a8430a") > 3, "gradients"

    def test_of_a_module_they_are_constants_as_in_training(self, drawn):
        room, text = drawn("net")
        (x,) = inputs((3, 4))
        assert text == source_of(tg.draw(room.net, tg.Tensor(x)))
        assert text != source_of(tg.draw(room.net, x))

    def test_of_a_module_without_parameters_they_are_leaves(self, drawn):
        room, text = drawn("relu")
        assert text == source_of(tg.draw(room.relu, *inputs((3, 4))))

    def test_the_line_that_called_an_op_is_one_of_the_users(self, mine, drawn, capsys):
        _, text = drawn("price")
        line = 1 + mine.read_text(encoding="utf-8").splitlines().index("    return tg.sum(apple * count * tax)")
        assert set(re.findall(r"called at ([^\"]*)", text)) == {f"mine_of_draw.py:{line}"}
        assert main(["draw", "tinygrad_ko:tanh", "--out", "-"]) == 0
        assert "called at" not in capsys.readouterr().out, "the command line is no user's code"

    def test_of_an_op_those_are_constants_that_it_has_no_gradient_for(self, drawn, capsys):
        condition, x, y = inputs((3, 4), (3, 4), (3, 4))
        assert main(["draw", "tinygrad_ko:where", "--out", "-"]) == 0
        assert capsys.readouterr().out == source_of(tg.draw(tg.where, tg.Tensor(condition), x, y))
        room, text = drawn("capped")
        assert text == source_of(tg.draw(room.capped, tg.Tensor(condition), x))

    @pytest.mark.parametrize("name", ["loss", "both"])
    def test_a_function_that_needs_no_arguments_is_called_without(self, name, drawn):
        room, text = drawn(name)
        assert text == source_of(tg.draw(getattr(room, name)))

    def test_but_its_inputs_are_random_where_they_have_a_shape(self, drawn):
        room, text = drawn("wave", "--shape", "2")
        assert text == source_of(tg.draw(room.wave, *inputs((2,))))

    @pytest.mark.parametrize("name", ["watched", "unwatched", "heads"])
    def test_a_variable(self, name, drawn):
        room, text = drawn(name)
        assert text == source_of(tg.draw(getattr(room, name)))

    def test_a_file_and_a_name_in_a_name(self, mine, drawn, capsys):
        room, text = drawn("net.forward")
        assert main(["draw", f"{mine}:net.forward", "--out", "-"]) == 0
        assert capsys.readouterr().out == text == source_of(tg.draw(room.net.forward, *inputs((3, 4))))

    def test_shapes_domains_and_the_seed(self, drawn):
        room, text = drawn("price", "--shape", "()", "--shape", "(2,)", "--domain", "1,2", "--seed", "3")
        assert text == source_of(tg.draw(room.price, *inputs((), (2,), seed=3, low=1, high=2)))
        room, text = drawn("many", "--shape", "5", "--shape", "5")
        assert text == source_of(tg.draw(room.many, *inputs((5,), (5,))))
        room, text = drawn("price", *["--shape", "()"] * 3)
        assert text == source_of(tg.draw(room.price, *inputs((), (), ()))), "what has a default may be given too"

    def test_whole_numbers(self, drawn):
        room, text = drawn("words", "--shape", "2,3", "--dtype", "int")
        ids = np.random.default_rng(0).integers(0, 2, (2, 3))
        assert text == source_of(tg.draw(room.words, tg.Tensor(ids)))
        options = ["--shape", "()", "--shape", "2,3", "--dtype", "float", "--dtype", "int", "--domain", "-1,5"]
        room, text = drawn("scaled", *options)
        rng = np.random.default_rng(0)
        x = random_numbers(rng, (), -1, 5)
        assert text == source_of(tg.draw(room.scaled, x, rng.integers(0, 5, (2, 3))))

    @pytest.mark.parametrize(
        ("options", "meant"),
        [
            (["--hide", "values"], {"hide": "values"}),
            (["--hide", "kept", "--hide", "gradients"], {"hide": ["gradients", "kept"]}),
            (["--depth", "1"], {"depth": 1}),
            (["--depth", "0"], {"depth": 0}),
            (["--unroll"], {"unroll": True}),
            (["--direction", "down"], {"direction": "down"}),
        ],
    )
    def test_the_options_of_the_drawing(self, options, meant, drawn):
        room, text = drawn("net", *options)
        x = tg.Tensor(*inputs((3, 4)))
        assert text == source_of(tg.draw(room.net, x, **meant)) != source_of(tg.draw(room.net, x))


class TestWhereItGoes:
    @needs_graphviz
    def test_by_default_to_graph_svg(self, mine, capsys):
        Path("graph.svg").write_text("an old picture", encoding="utf-8")
        assert main(["draw", "mine_of_draw:price"]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "mine_of_draw:price at random inputs of shape (3, 4), (3, 4) (or give --shape)",
            "written to graph.svg",
            "계산 그래프를 저장했습니다: graph.svg",
        ]
        assert ">price</text>" in Path("graph.svg").read_text(encoding="utf-8")

    def test_where_korean_would_be_boxes_that_is_said(self, mine, monkeypatch, capsys):
        monkeypatch.setattr(fonts, "_warned", False)
        monkeypatch.setattr(fonts, "_no_korean_font", lambda: True)
        monkeypatch.setattr(rendering, "rendered", lambda source, kind: b"a picture")
        assert main(["draw", "mine_of_draw:korean", "--out", "graph.png"]) == 0
        english, korean = capsys.readouterr().err.splitlines()
        assert english.startswith("no font here has Hangul")
        assert korean.startswith("한글 글꼴이 없어")

    def test_the_ending_says_the_kind(self, mine, drawn, capsys):
        _, text = drawn("watched")
        assert main(["draw", "mine_of_draw:watched", "--out", "그림.dot"]) == 0
        assert capsys.readouterr().out.splitlines()[0] == "written to 그림.dot"
        assert Path("그림.dot").read_text(encoding="utf-8") == text

    def test_what_was_folded_is_said(self, mine, capsys):
        assert main(["draw", "mine_of_draw:long", "--unroll", "--out", "long.dot"]) == 0
        out = capsys.readouterr().out.splitlines()
        assert out[-2].startswith("2,000 operations, folded to ")
        assert out[-2].endswith("draw a part of it to see more")
        assert out[-1].startswith("연산이 많아 접어서 그렸습니다.")

    def test_on_standard_output_there_is_nothing_but_the_text(self, mine, capsys):
        assert main(["draw", "mine_of_draw:loss", "--out", "-"]) == 0
        out, err = capsys.readouterr()
        assert out.startswith("digraph {\n")
        assert out.endswith("}\n")
        assert err == "I was called\n"
        assert main(["draw", "mine_of_draw:long", "--unroll", "--out", "-"]) == 0
        out, err = capsys.readouterr()
        assert out.endswith("}\n")
        assert [line.partition(" ")[0] for line in err.splitlines()] == ["mine_of_draw:long", "2,000", "연산이"]

    def test_it_is_utf_8_whatever_the_console_speaks(self):
        arguments = ["-m", "tinygrad_ko", "draw", "tinygrad_ko:sum", "--shape", "5,5", "--out", "-"]
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
            capture_output=True,
            timeout=120,
            check=True,
        )
        assert " ± " in done.stdout.decode("utf-8")

    def test_without_graphviz_the_ways_out_are_named(self, mine, monkeypatch, capsys):
        monkeypatch.setenv("PATH", "")
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
        assert main(["draw", "mine_of_draw:watched", "--out", "my.png"]) == 2
        err = capsys.readouterr().err
        assert err.startswith(
            "tinygrad-ko: error: no Graphviz was found to draw the graph: install Graphviz (apt install"
        )
        assert err.count(install("draw")) == 2  # once in each language
        assert "; --out my.dot needs no Graphviz\n" in err
        assert "--out my.dot 옵션을 쓰십시오." in err
        assert [path.name for path in mine.parent.glob("*my.*")] == []
        assert main(["draw", "mine_of_draw:watched", "--out", "my.dot"]) == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["mine_of_draw"], "must be module:function"),
        (["no_such_module:f"], "no module named 'no_such_module'"),
        (["no_such_file.py:f"], "no such file: no_such_file.py"),
        (["mine_of_draw:no_such"], "mine_of_draw has no no_such"),
        (["mine_of_draw:Net"], "is a class: name a function, or a variable such as model = Net(...)"),
        (
            ["mine_of_draw:number"],
            "draw takes a Tensor, or a function and its inputs, or a list or dict of Tensors, not int",
        ),
        (["mine_of_draw:numbers"], "not float"),
        (["mine_of_draw:w.data"], "not ndarray"),
        (["mine_of_draw:array"], "draw: array must return a Tensor or a list or dict of Tensors, not ndarray"),
        (["mine_of_draw:nothing"], "draw: nothing was recorded for nothing"),
        (["mine_of_draw:many"], "how many inputs mine_of_draw:many takes cannot be told: give --shape once for each"),
        (
            ["mine_of_draw:watched", "--shape", "3"],
            "mine_of_draw:watched needs no inputs: leave out --shape, --domain and --dtype",
        ),
        (
            ["mine_of_draw:loss", "--domain", "unit"],
            "mine_of_draw:loss needs no inputs: leave out --shape, --domain and --dtype",
        ),
        (["mine_of_draw:price", *["--domain", "unit"] * 3], "--domain is given 3 times for 2 inputs"),
        (["mine_of_draw:price", *["--dtype", "int"] * 3], "--dtype is given 3 times for 2 inputs"),
        (["mine_of_draw:words", "--dtype", "int", "--domain", "0,1"], "there is no whole number between 0 and 1"),
        (["mine_of_draw:watched", "--dtype", "int"], "needs no inputs: leave out --shape, --domain and --dtype"),
        (["mine_of_draw:dense", "--shape", "3,5"], "x has 5 columns, but W has 4 rows"),
        (["mine_of_draw:net", "--hide", "all"], "draw: hide has ['all']; it may have ['shapes', "),
        (["mine_of_draw:net", "--direction", "up"], "draw: direction must be 'right' or 'down', not 'up'"),
        (["mine_of_draw:net", "--depth", "-1"], "--depth: must be at least 0, not -1"),
        (["mine_of_draw:net", "--out", "graph.gif"], "'graph.gif' must end in .svg, .png, .pdf, .dot or .gv"),
        (["mine_of_draw:net", "--out", "no/graph.dot"], "no such folder: no"),
    ],
)
def test_bad_input(arguments, named, mine, capsys):
    assert main(["draw", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.removeprefix("I was called\n").startswith("tinygrad-ko: error: ")
    assert named in err
    assert "Traceback" not in err
    assert [path.name for path in mine.parent.iterdir() if path.suffix] == ["mine_of_draw.py"]


@pytest.mark.parametrize("target", ["words", "scaled"])
def test_where_ids_are_needed_the_option_is_named(target, mine, capsys):
    assert main(["draw", f"mine_of_draw:{target}"]) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-2] == "--dtype int gives whole numbers (ids, labels) in place of floats"
    assert err[-1].startswith("--dtype int를 지정하면")
    assert main(["draw", "mine_of_draw:broken"]) == 2
    assert "--dtype" not in capsys.readouterr().err


def test_an_error_in_the_users_file_is_shown_where_it_happened(mine, capsys):
    assert main(["draw", "mine_of_draw:broken"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "return x + 1 / 0" in err
    assert "tinygrad-ko: error: mine_of_draw:broken raised ZeroDivisionError: division by zero" in err
    assert main(["draw", "mine_of_draw:leaves"]) == 2
    assert "mine_of_draw:leaves raised SystemExit: 0" in capsys.readouterr().err
