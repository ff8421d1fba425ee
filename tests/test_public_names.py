"""The public names: where they come from, and what is said of one that is not there."""

import ast
import importlib
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import tinygrad_ko

tg: Any = tinygrad_ko  # the stub says nothing of __all__: a type checker reads the names themselves

SOURCE = Path(tg.__file__)
STUBBED = [
    "tinygrad_ko",
    *(
        f"tinygrad_ko.{room}"
        for room in ("check", "data", "fft", "func", "linalg", "nn", "nn.book", "optim", "special", "stats", "testing")
    ),
]


def stub(package):
    return Path(package.__file__).with_suffix(".pyi")


def test_every_public_name_is_there_and_once():
    assert len(tg.__all__) == len(set(tg.__all__))
    assert set(tg.__all__) <= set(dir(tg))
    for name in tg.__all__:
        assert getattr(tg, name) is not None or name == "newaxis"


@pytest.mark.parametrize("room", STUBBED)
def test_a_stub_lists_each_name_with_its_home(room):
    """What type checkers read is all that the program knows: every line of a stub is one name, imported from where it is defined."""
    package = importlib.import_module(room)
    lines = [line for line in stub(package).read_text(encoding="utf-8").splitlines() if line]
    imports = [node for node in ast.parse("\n".join(lines)).body if isinstance(node, ast.ImportFrom)]
    assert len(imports) == len([line for line in lines if not line.startswith("__")])
    read = {str(alias.asname): str(node.module) for node in imports for alias in node.names}
    assert sorted(read) == package.__all__
    for name, home in read.items():
        value = getattr(package, name)
        assert value is (
            importlib.import_module(f"{home}.{name}") if home == room else getattr(importlib.import_module(home), name)
        )
        assert home == "tinygrad_ko" or getattr(value, "__module__", home).startswith(home), name


def test_a_package_with_a_stub_has_no_other_list_of_names():
    stubs = {path.with_suffix(".py").relative_to(SOURCE.parent) for path in SOURCE.parent.rglob("*.pyi")}
    assert stubs == {Path(str(importlib.import_module(room).__file__)).relative_to(SOURCE.parent) for room in STUBBED}
    for path in stubs:
        assert "__all__ = public_names(__name__)" in (SOURCE.parent / path).read_text(encoding="utf-8")


def test_the_stubs_are_part_of_a_wheel():
    """Hatchling takes every file of the package that git does not ignore."""
    root = SOURCE.parents[1]
    built = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert built["wheel"] == {"packages": ["tinygrad_ko"]}
    assert "tinygrad_ko" in built["sdist"]["only-include"]
    assert "pyi" not in (root / ".gitignore").read_text(encoding="utf-8").replace("*.py[cod]", "")


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=SOURCE.parents[1]
    ).stdout


def test_a_star_import_brings_every_name():
    run("from tinygrad_ko import *\nimport tinygrad_ko\nassert set(tinygrad_ko.__all__) <= set(globals())")


def test_an_import_loads_what_a_tensor_needs_and_the_rest_when_it_is_asked_for():
    loaded = run(
        "import sys, tinygrad_ko as tg; tg.Tensor([1.0]) + 1; print(*(n for n in sys.modules if n.startswith('tinygrad_ko')))"
    )
    assert not {"tinygrad_ko.nn", "tinygrad_ko.check", "tinygrad_ko.ops.trigonometric", "tinygrad_ko.drawing"} & set(
        loaded.split()
    )
    assert (
        run("import sys, tinygrad_ko as tg; tg.nn.Relu; print('tinygrad_ko.nn.convolution' in sys.modules)")
        == "False\n"
    )


def test_names_stay_when_the_package_is_loaded_again():
    out = run(
        "import importlib, tinygrad_ko as tg; f = tg.sin; again = importlib.reload(tg); print(again.sin is f, again.cos(0.0))"
    )
    assert out == "True 1.0\n"


@pytest.mark.parametrize("name", ["sin", "no_grad", "Tensor", "check_gradient"])
def test_public_functions_are_pickled_by_name(name):
    assert pickle.loads(pickle.dumps(getattr(tg, name))) is getattr(tg, name)


def test_private_names_are_asked_for_in_silence():
    """Tools ask every object for names of theirs; that must be cheap, and suggests nothing."""
    for room in (tg, tg.nn, tg.linalg):
        with pytest.raises(AttributeError, match=r"has no attribute '__array_namespace__'$") as caught:
            room.__array_namespace__
        assert not hasattr(caught.value, "__notes__")


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
    assert error("nan_to_num").endswith(
        "; np.nan_to_num takes Tensors where it has a derivative here, and else x.numpy()"
    )
    assert error("float16").endswith("; it is NumPy's: np.float16")
    assert error("randn").endswith("; write tg.Tensor(rng.standard_normal(shape))")
    assert error("Parameter").endswith("; write tg.Tensor(data, requires_grad=True)")


def test_nothing_near_is_nothing_said():
    assert error("qqqqqq") == "module 'tinygrad_ko' has no attribute 'qqqqqq'"
