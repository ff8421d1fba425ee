"""Views: what is written to a part of a Tensor, or to it in another shape, is written to the Tensor, as NumPy means it."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.slopes import korean

SHAPE = (2, 3, 4)
VALUES = np.arange(24.0).reshape(SHAPE) + 1


def rows(y: Any) -> None:
    for row in y:
        row *= 2


def halves(y: Any) -> None:
    a, b = np.split(y, [1], axis=1)
    a += 1
    b[0, 0] = 7
    a *= 3


def both_ways(y: Any) -> None:
    u, v = y[:1], y[1:]
    u += 1
    v *= 2
    y[0, 0, 0] = 9
    u += 1


WRITES: dict[str, Callable[[Any], Any]] = {
    "a part of a part": lambda y: y[0][1].__setitem__(2, 5.0),
    "a part of a part in place": lambda y: y[0].__setitem__(1, y[0][1] * 2),
    "rows": rows,
    "halves": halves,
    "both ways": both_ways,
    "turned": lambda y: y.T[0].__setitem__(0, 3.0),
    "turned twice": lambda y: y.T.T[0][1:].__setitem__(0, 42.0),
    "in one row": lambda y: y.reshape(-1).__setitem__(0, 7.0),
    "raveled": lambda y: np.ravel(y).__setitem__(slice(2, 4), 8.0),
    "axes": lambda y: np.moveaxis(y, 0, -1)[0].__setitem__(1, 4.0),
    "swapped": lambda y: np.swapaxes(y, 0, 1).__setitem__(1, 4.0),
    "flipped": lambda y: np.flip(y, 1)[:, 0].__setitem__(0, 4.0),
    "turned round": lambda y: np.rot90(y)[0].__setitem__(1, 4.0),
    "more axes": lambda y: np.expand_dims(y, 0).__setitem__((0, 1), 4.0),
    "fewer axes": lambda y: np.squeeze(y[:1]).__setitem__(2, 4.0),
    "out": lambda y: np.exp(y[1] / 9, out=y[0]),
    "copyto": lambda y: np.copyto(y[0], 5.0),
    "add.at": lambda y: np.add.at(y[0, 0], [0, 0], 1.0),
    "put": lambda y: np.put(y[1], [0, 2], 1.5),
    "an operator": lambda y: y[0].__iadd__(y[1]),
    "with arrays: a copy": lambda y: y[[0]].__setitem__(0, 5.0),
    "flattened: a copy": lambda y: y.flatten().__setitem__(0, 3.0),
    "copied": lambda y: y[0].copy().__setitem__(0, 3.0),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_is_written_to_a_view_is_written_to_the_tensor(write: Callable[[Any], Any]) -> None:
    wanted = VALUES.copy()
    write(wanted)

    def written(x: Any) -> Any:
        y = x * 1.0
        write(y)
        return y

    np.testing.assert_array_equal(written(tg.Tensor(VALUES)).numpy(), wanted)
    np.testing.assert_array_equal(written(tg.Tensor(VALUES, requires_grad=True)).numpy(), wanted)
    if write not in (WRITES["copyto"], WRITES["add.at"], WRITES["put"]):  # are not compiled
        np.testing.assert_array_equal(tg.compile(written)(tg.Tensor(VALUES)).numpy(), wanted)
    tg.check_gradient(written, VALUES)


VIEWS: list[Callable[[Any], Any]] = [
    lambda a: a[0],
    lambda a: a[1:],
    lambda a: a[..., ::2],
    lambda a: a[::-1],
    lambda a: a[None],
    lambda a: a.T,
    lambda a: np.expand_dims(a, 1),
    lambda a: np.squeeze(a),
]
CHANGES: list[Callable[[Any, Any], Any]] = [
    lambda a, c: a.__imul__(c),
    lambda a, c: a.__iadd__(c),
    lambda a, c: a.__setitem__(..., c),
    lambda a, c: a.__setitem__(0, c),
    lambda a, c: np.multiply(a, c, out=a),
    lambda a, c: a.__itruediv__(1 + c * c),
]
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 7), st.integers(0, 5), st.integers(0, 7)), max_size=10)


@given(STEPS)
def test_random_programs_of_views_and_writes(steps: Any) -> None:
    """The values are those of the same program on an array, the gradient is the slope."""

    def program(x: Any, weights: Any) -> Any:
        root = x * 1.0
        names = [root]
        for is_view, which, at, k in steps:
            a = names[k % len(names)]
            if is_view and a.ndim and len(a) > 1:
                names.append(VIEWS[which](a))
            elif a.ndim:
                CHANGES[at](a, weights[k])
        return root

    weights = np.linspace(0.5, 1.5, 8)
    wanted = program(VALUES, weights)
    x, w = tg.Tensor(VALUES, requires_grad=True), tg.Tensor(weights, requires_grad=True)
    np.testing.assert_allclose(program(x, w).numpy(), wanted, rtol=1e-13)
    tg.check_gradient(program, VALUES, weights)


def test_read_a_view_keeps_its_values() -> None:
    y: Any = tg.Tensor(VALUES, requires_grad=True) * 1
    view = y[0]
    y[0] = 0.0
    assert view.tolist() == VALUES[0].tolist()
    view += 1  # it is taken again before
    assert y.tolist()[0] == np.ones((3, 4)).tolist()


def test_a_view_of_a_leaf_is_not_written_to_and_nothing_changes() -> None:
    w = tg.Tensor(VALUES, requires_grad=True)
    view: Any = w[0]
    for change in (lambda: view.__imul__(2), lambda: w.T.__setitem__(0, 1.0), lambda: np.exp(view, out=view)):
        with pytest.raises(TypeError, match="would change a leaf of the graph") as caught:
            change()
        assert korean(caught.value)
    assert (view.tolist(), w.tolist()) == (VALUES[0].tolist(), VALUES.tolist())
    with tg.no_grad():
        w[0][0] *= 2
    assert w.tolist()[0][0] == (VALUES[0, 0] * 2).tolist()


def test_under_no_grad_a_view_of_a_result_is_not_written_to() -> None:
    y: Any = tg.Tensor(VALUES, requires_grad=True) * 1
    with tg.no_grad():
        view = y[0]
        with pytest.raises(TypeError, match="would change a result that is in a graph"):
            view *= 2
    assert view.tolist() == VALUES[0].tolist()


def test_a_view_does_not_keep_its_tensor_alive() -> None:
    y: Any = tg.Tensor(VALUES)
    seen = weakref.ref(y)
    y = y.reshape(-1)
    gc.collect()
    assert seen() is None
    y[0] = 5.0  # and is written to as any other
    assert y.tolist()[:2] == [5, 2]


def test_what_a_transform_hands_to_a_function_is_no_view() -> None:
    def doubled(x: Any) -> Any:
        x *= 2
        return x.sum()

    w = tg.Tensor(VALUES, requires_grad=True)
    result = w * 1
    with pytest.raises(TypeError, match="leaf"):
        tg.func.grad(doubled)(w.data)
    tg.func.grad(lambda x: doubled(x * 1))(result)
    row, unflatten = tg.func.flatten({"a": result})
    part = unflatten(row)["a"]
    part *= 2
    assert (result.tolist(), row.tolist()) == (VALUES.tolist(), VALUES.ravel().tolist())
