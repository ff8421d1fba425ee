"""What cannot be compiled is refused, by name, with the line and the way out; and then everything is as it was."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import array_api_strict
import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn

X = np.array([1.0, 2.0, 3.0])


class Foreign:
    """Stands for an array of another library, such as PyTorch's, which only knows how to become one of NumPy's."""

    __array_priority__ = 1

    def __array__(self, dtype=None, copy=None):
        return X


@dataclass
class Record:
    """An object that is equal to another one with the same parts."""

    value: Any = 3.0


class Own(np.ndarray):
    """A subclass of NumPy's array."""


def refusal(f, *arguments):
    """The error that a compiled call raises, in both languages."""
    with pytest.raises(TypeError, match=r"^(\w+\(.*\): )?compile: ") as error:
        tg.compile(f)(*arguments)
    assert any("compile: " in note and not note.isascii() for note in error.value.__notes__)
    return str(error.value)


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: x if x[0] > 0 else -x, "bool()"),
        (lambda x: x if tg.sum(tg.Tensor(x)) > 0 else -x, "bool()"),
        (lambda x: float(x[0]) * 2, "float()"),
        (lambda x: int(x[0]), "int()"),
        (lambda x: tg.Tensor(x).sum().item(), ".item()"),
        (lambda x: tg.sum(x).item(), ".item()"),
        (lambda x: x.tolist(), ".tolist()"),
        (lambda x: tg.Tensor(x).numpy(), ".numpy()"),
        (lambda x: np.asarray(x) + 1, "np.asarray()"),
        (lambda x: [*range(x.astype(int)[0])], "an index"),
        (lambda x: tg.reshape(x, (x.astype(int)[2], 1)), "of a traced array"),
        (lambda x: x[x > 1], "a mask as an index"),
        (lambda x: np.unique(x), "np.unique()"),
    ],
)
def test_what_depends_on_numbers_names_the_line(f: Callable[..., Any], what):
    said = refusal(f, X)
    assert what in said
    assert f"{__file__}:{f.__code__.co_firstlineno}" in said
    assert any(cure in said for cure in ("tg.where", "instead", "np.stack", "pass int(n)"))


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (
            array_api_strict.asarray(X),
            "the argument x, a array_api_strict.Array, is an array of another library; pass np.asarray(x)",
        ),
        (tg.Tensor(array_api_strict.asarray(X)), "is an array of another library"),
        (Foreign(), "Foreign, is an array of another library"),
        (X.view(Own), "Own, has rules of its own; pass np.asarray(x)"),
        (np.ma.array(X), "numpy.MaskedArray, has rules of its own"),
        (np.array([None, 1]), "a numpy.ndarray of object, holds no numbers; pass an array of numbers"),
        (np.array(["a"]), "of <U1, holds no numbers"),
        (np.array(["2026-01-01"], "M8[D]"), "of datetime64[D], holds no numbers"),
        ({1, 2}, "a set, may change unseen; pass the arrays and numbers that it holds"),
        ({"W": [X, {1}]}, "the argument x['W'][1], a set"),
        (Record(), "Record, cannot be told from an equal one; pass the arrays that it holds"),
        (iter([1]), "a list_iterator, may change unseen"),
    ],
)
def test_arguments_of_other_kinds_are_refused_by_name(argument, said):
    assert said in refusal(lambda x: X, argument)


def put_into(p):
    p["b"] = p["a"] + 1
    return p["b"]


def add_to(p):
    p["a"] += 1
    return p["a"]


def deposits(t):
    tg.sum(t * t).backward()
    return t


def assigns(t):
    t.data = t.data * 2
    return t * 1


@pytest.mark.parametrize(
    ("f", "argument", "said"),
    [
        (put_into, {"a": X}, "puts something else into its argument p"),
        (lambda x: x.append(X), [X], "puts something else into its argument x"),
        (deposits, tg.Tensor(X, requires_grad=True), "calls backward(), which adds to the gradient of its argument t"),
        (assigns, tg.Tensor(X), "writes to its argument t"),
        (lambda x: tg.func.vjp(tg.exp, x), X, "the function returned a function at [1]"),
        (lambda x: Record(), X, "the function returned a Record"),
    ],
)
def test_an_argument_is_left_alone_and_results_are_arrays(f, argument, said):
    before = argument.numpy() if isinstance(argument, tg.Tensor) else [*argument]
    assert said in refusal(f, argument)
    assert np.array_equal(before, argument.numpy() if isinstance(argument, tg.Tensor) else [*argument])


def test_writing_to_an_argument_is_refused():
    with pytest.raises((TypeError, ValueError), match=r"compile|read-only"):
        tg.compile(add_to)({"a": X})
    assert X.tolist() == [1, 2, 3]


@pytest.mark.parametrize("f", [3, None, nn.Affine, X])
def test_what_is_no_function(f):
    with pytest.raises(TypeError, match="compile takes a function") as error:
        tg.compile(f)
    assert "compile에는" in error.value.__notes__[0]


def test_what_runs_later_is_refused():
    def generator(x):
        yield x

    async def coroutine(x):
        return x

    for f in (generator, coroutine):
        with pytest.raises(TypeError, match="runs after a decorator has returned"):
            tg.compile(f)


def test_an_error_leaves_everything_as_it_was():
    model = nn.Sequential(nn.Affine(3, 2, rng=0), nn.BatchNorm(2))
    seen: list[Any] = []

    def step(x):
        y = tg.sum(model(x) ** 2)
        y.backward()
        seen.append(model.layers[0].W.data)
        raise KeyboardInterrupt

    before = {name: t.numpy() for name, t in model.named_tensors().items()}
    with pytest.raises(KeyboardInterrupt):
        tg.compile(step)(np.eye(3))
    assert all(
        np.array_equal(t.numpy(), before[name]) and t.grad is None
        for name, t in model.named_tensors().items()
        if t.requires_grad
    )
    assert np.array_equal(model(np.eye(3)).shape, (3, 2))
    assert type(model.layers[0].W.data) is np.ndarray


def test_what_is_read_inside_is_to_be_read_outside():
    w = tg.Tensor(X, requires_grad=True)
    for read in (lambda x: (w * x).sum().item(), lambda x: float((w * x).sum()), lambda x: f"{(w * x).sum():.3f}"):
        with pytest.raises(TypeError, match="return it and read it outside") as caught:
            tg.compile(read)(X)
        assert "밖에서 읽으십시오" in caught.value.__notes__[-1]


def test_a_traced_tensor_is_printed_without_numbers():
    def f(x):
        y = tg.Tensor(x, requires_grad=True) * 2
        assert repr(y) == f"Tensor(<traced float64 of shape {X.shape}>, shape={X.shape}, dtype=float64, op=multiply)"
        return y.sum()

    assert tg.compile(f)(X).item() == 2 * X.sum()


@pytest.mark.parametrize(
    "look", [lambda x: float(x.sum()), lambda x: np.unique(x), lambda x: x.tolist(), lambda x: bool(x[0] > 0)]
)
def test_a_refusal_cannot_be_caught_by_the_function(look):
    """It would go another way than it goes with numbers."""

    def f(x):
        try:
            look(x)
        except Exception:
            return x * 2
        return x * 3

    with pytest.raises(TypeError, match="compile: "):
        tg.compile(f)(np.ones(3))


@pytest.mark.parametrize(
    ("f", "korean"),
    [
        (lambda x: x[x > 1], "읽으려고 했습니다: 마스크 인덱스,"),
        (lambda x: [*range(x.astype(int)[0])], "읽으려고 했습니다: 인덱스,"),
        (lambda x: np.where(x), "조건만 받는 np.where()"),
        (lambda x: x.byteswap(), "배열의 메서드 byteswap("),
        (lambda x: np.add(x, 1, where=x > 1), "where=를 지정한 np.add("),
        (lambda x: np.clip(x, 0, 1, out=np.zeros(3)), "배열에 쓰는 np.clip"),
    ],
)
def test_korean_messages_are_korean(f, korean):
    with pytest.raises(TypeError) as error:
        tg.compile(f)(X)
    note = "".join(error.value.__notes__)
    assert korean in note
    assert not any(english in note for english in ("an index", "method", "with where", "into an", "condition"))


@pytest.mark.parametrize(
    ("change", "korean"),
    [
        (lambda x: x.__setitem__(0, 1.0), "인수 x: 함수가 이 인수의 값을 바꿉니다."),
        (lambda x: tg.sum(x).backward(), "인수 x: 함수가 backward()를 호출하여 이 인수의 기울기에 더합니다."),
    ],
)
def test_what_is_done_to_an_argument_is_said_in_korean(change, korean):
    x = tg.Tensor(X, requires_grad=True) if "backward" in korean else X.copy()
    with pytest.raises(TypeError) as error:
        tg.compile(lambda x: change(x))(x)
    assert korean in "".join(error.value.__notes__)
