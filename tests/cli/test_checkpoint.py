"""What a checkpoint must hold: spoiled in any field it is refused by name, or can be gone on with."""

import json
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_ko.cli.training import CHECKPOINT, Settings, Training, resumed, saved_settings
from tinygrad_ko.nn.serialization import load_arrays, save_arrays

REFUSED = "is not a checkpoint of this version"
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 2**63, 2**128, 10**400, 0.5, -0.5, 1e308, float("nan"), float("inf")),
    *("", "x", "1", "sgd", [], [0], [-1], ["x"], [[1]], [1, 2], [10**9], {}, {"x": 1}),
]
ARRAYS: list[Any] = [
    *(np.array(3.0), np.zeros((2, 2)), np.zeros(0), np.array([np.nan]), np.array(["x", "y"]), np.array([1j])),
    *(
        np.array(-1),
        np.array([True]),
        np.zeros((0, 3), np.float32),
        np.array(["2020-01-01"], "M8[D]"),
        np.zeros(1, "i4,f4"),
    ),
]


@cache
def good(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a checkpoint in the middle of its second epoch, and what it says about itself."""
    some = Settings("digits", None, "affine", (3, 4), "relu", "he", "float32", "adam", 0.01, 0.0, 1000, 3, 5, None)
    training = Training(some)
    for _, _ in zip(range(3), training.steps(), strict=False):
        pass
    training.save(folder)
    arrays: dict[str, Any] = dict(load_arrays(folder / CHECKPOINT))
    return arrays, json.loads(arrays.pop("about").tobytes())


@pytest.fixture
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    return deepcopy(good(tmp_path_factory.getbasetemp()))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all that is in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


def changed(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The same with another value at a place."""
    if not place:
        return new
    value = deepcopy(value)
    inner = value
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = new
    return value


def gone_on_with(folder: Path, arrays: dict[str, Any], about: Any) -> None:
    """Go on with a checkpoint, for one step."""
    save_arrays(folder / CHECKPOINT, {**arrays, "about": np.frombuffer(json.dumps(about).encode(), np.uint8)})
    training = resumed(folder, saved_settings(folder))
    with np.errstate(all="ignore"):  # of a learning rate of 1e308
        next(training.steps(), None)


def refused(folder: Path, arrays: dict[str, Any], about: Any, field: str) -> None:
    with pytest.raises(ValueError, match=REFUSED) as caught:
        gone_on_with(folder, arrays, about)
    assert str(folder / CHECKPOINT) in str(caught.value)
    assert field in str(caught.value)
    assert any("체크포인트" in note for note in caught.value.__notes__)


def test_a_good_one_goes_on(checkpoint, tmp_path):
    gone_on_with(tmp_path, *checkpoint)


@given(data=st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spoiled_anywhere_it_is_refused_or_goes_on(checkpoint, data, tmp_path):
    arrays, about = checkpoint
    place = data.draw(st.sampled_from(places(about)))
    spoiled = changed(about, place, data.draw(st.sampled_from(ODD)))
    message = ""
    try:
        gone_on_with(tmp_path, arrays, spoiled)
    except ValueError as error:
        message = str(error)
    other_data = place == ("data",) and "training data are not those" in message
    assert not message or other_data or f"{tmp_path / CHECKPOINT} {REFUSED}" in message


@pytest.mark.parametrize(("place", "new"), [
    ((), 3),
    ((), []),
    (("settings",), 3),
    (("settings", "data"), "cifar"),
    (("settings", "data_folder"), 3),
    (("settings", "network"), "recurrent"),
    (("settings", "hidden"), "3"),
    (("settings", "hidden"), [3, 0]),
    (("settings", "hidden"), [3, 10**9]),
    (("settings", "activation"), "x"),
    (("settings", "init"), "x"),
    (("settings", "dtype"), "float16"),
    (("settings", "optimizer"), "newton"),
    (("settings", "optimizer"), ["sgd"]),
    (("settings", "lr"), "x"),
    (("settings", "lr"), 0),
    (("settings", "lr"), float("nan")),
    (("settings", "lr"), 10**400),
    (("settings", "weight_decay"), -1.0),
    (("settings", "batch_size"), 0),
    (("settings", "batch_size"), 10.0),
    (("settings", "seed"), -1),
    (("settings", "epochs"), "x"),
    (("settings", "epochs"), None),
    (("settings", "epochs"), True),
    (("settings", "iterations"), 3),
    (("data",), "x"),
    (("generator",), {}),
    (("generator", "bit_generator"), "MT19937"),
    (("generator", "state", "state"), -1),
    (("generator", "state", "inc"), 2**128),
    (("generator", "has_uint32"), 2),
    (("generator", "uinteger"), -1),
    (("epochs",), "x"),
    (("epochs",), []),
    (("epochs", 0), 3),
    (("epochs", 0, "epoch"), 2),
    (("epochs", 0, "iteration"), 3),
    (("epochs", 0, "loss"), "x"),
    (("epochs", 0, "test_accuracy"), 2),
], ids=repr)  # fmt: skip
def test_a_field_that_is_not_what_it_must_be_is_named(place, new, checkpoint, tmp_path):
    arrays, about = checkpoint
    outer = [str(key) for key in place if not isinstance(key, int)]
    field = "epochs" if place[:1] == ("epochs",) else ".".join(outer) or "about"
    refused(tmp_path, arrays, changed(about, place, new), field if new != {} else "generator.bit_generator is missing")


def test_the_korean_note_says_what_a_field_must_be(checkpoint, tmp_path):
    arrays, about = checkpoint
    for place, new, said in (
        (
            ("settings", "batch_size"),
            0,
            "settings.batch_size(필요한 값: 1 이상 1099511627775 이하인 정수, 저장된 값: 0)",
        ),
        (("settings", "epochs"), "x", "필요한 값: null 또는 1 이상 1099511627775 이하인 정수, 저장된 값: 'x')"),
        (("settings", "lr"), 0, "settings.lr(필요한 값: 0보다 큰 수, 저장된 값: 0)"),
        (("settings", "hidden"), [0], "settings.hidden(필요한 값: 목록(원소: 1 이상인 정수), 저장된 값: [0])"),
    ):
        with pytest.raises(ValueError, match=REFUSED) as caught:
            gone_on_with(tmp_path, arrays, changed(about, place, new))
        assert caught.value.__notes__[0].endswith(said)


def test_a_field_that_is_missing_or_unknown_is_named(checkpoint, tmp_path):
    arrays, about = checkpoint
    for place in [p for p in places(about) if p and not isinstance(p[-1], int) and p[0] != "epochs"]:
        holder = deepcopy(about)
        inner = holder
        for key in place[:-1]:
            inner = inner[key]
        value = inner.pop(place[-1])
        refused(tmp_path, arrays, holder, f"{'.'.join(place)} is missing")
        inner[place[-1]], inner["more"] = value, 1
        refused(tmp_path, arrays, holder, f"{'.'.join([*place[:-1], 'more'])} is unknown")


def test_an_array_that_is_not_what_it_must_be_is_named(checkpoint, tmp_path):
    arrays, about = checkpoint
    for name, array in arrays.items():
        for bad in [*ARRAYS, array[None], array.astype(np.complex64)]:
            elsewhere = name.endswith(".b") or (name == "losses" and bad.shape == (0,))  # such as in settings.hidden
            refused(tmp_path, {**arrays, name: bad}, about, "" if elsewhere else name)
        refused(tmp_path, {n: a for n, a in arrays.items() if n != name}, about, "")
    refused(tmp_path, {**arrays, "more": np.zeros(2)}, about, "more is unknown")
    refused(tmp_path, {**arrays, "optimizer/steps": arrays["optimizer/steps"] + 1}, about, "optimizer/steps")
    refused(tmp_path, {**arrays, "optimizer/v.0": arrays["optimizer/v.0"] - 1}, about, "optimizer/v.0")
    refused(tmp_path, {**arrays, "losses": arrays["losses"][:-2]}, about, "")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[" * 10**5, b"\xff", b"9" * 5000], ids=["none", "half", "deep", "bytes", "long"]
)
def test_what_is_no_json_is_refused(text, checkpoint, tmp_path):
    arrays, _ = checkpoint
    save_arrays(tmp_path / CHECKPOINT, {**arrays, "about": np.frombuffer(text, np.uint8)})
    with pytest.raises(ValueError, match=rf"{REFUSED} \(about"):
        saved_settings(tmp_path)


def test_every_optimizer_and_network_makes_checkpoints_that_are_good(tmp_path):
    for i, (network, optimizer) in enumerate(
        [("affine", "sgd"), ("affine", "momentum"), ("affine", "adagrad"), ("conv", "rmsprop")]
    ):
        some = Settings("digits", None, network, (), "tanh", "xavier", "float64", optimizer, 1, 0, 10, i, None, 1)
        training = Training(some)
        next(training.steps())
        training.save(tmp_path)
        assert resumed(tmp_path, replace(saved_settings(tmp_path), epochs=None, iterations=2)).iteration == 1
