"""In-place operations in compiled functions: on results they are traced; what would leave the function is refused by name."""

import runpy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg

Compiled: Any = tg.compile


def leaf(*values: float) -> Any:
    return tg.Tensor(list(values), requires_grad=True)


def assigns(x, w, rows):
    """Every way to write in place."""
    z: Any = tg.Tensor(np.zeros(3))
    y = x * w
    z[rows] = y[rows]
    z[rows] += y[:2]
    z[z > 3] = y[0]
    np.add(z, y, out=z)
    np.add.at(z, rows, y[:2])
    np.copyto(z, 2 * y, where=np.array([True, False, False]))
    y[:2] = [z[0], z[2] * 0.5]
    y *= z
    y[..., -1] -= x[0]
    y[1:] += [0.5, 1.0]
    z[:2] = [0.25, 4.0]
    return tg.sum(y * y * z)


def both(function, *arguments):
    """The value, and the gradient with respect to a leaf."""
    w = leaf(0.5, -1.5, 2.0)
    value = function(arguments[0], w, *arguments[1:])
    value.backward()
    return value.item(), w.grad.tolist()


@pytest.mark.parametrize("rows", [[1, 1], [0, 2]])
def test_results_are_changed_as_by_the_engine(rows):
    compiled, x = Compiled(assigns), np.array([1.0, 2.0, -3.0])
    for scale in (1.0, 5.0):
        assert both(compiled, scale * x, np.array(rows)) == both(assigns, scale * x, np.array(rows))
    assert both(compiled, x, np.array([2, 2])) == both(assigns, x, np.array([2, 2]))


def test_a_training_step_under_no_grad_is_the_eager_step():
    def trained(make: Any) -> Any:
        state = SimpleNamespace(w=leaf(0.5, -1.5), steps=tg.Tensor(0.0), seen=tg.Tensor(np.zeros(2)))

        def step(x):
            loss = tg.sum(tg.tanh(state.w * x) ** 2)
            loss.backward()
            state.steps += 1.0
            state.seen[0] = loss.detach()
            with tg.no_grad():
                state.w -= 0.25 * state.w.grad
                state.w[1] *= 0.5
            state.w.zero_grad()
            return loss.detach()

        call = make(step)
        losses = [call(np.array([1.0, k])).item() for k in range(4)]
        return losses, state.w.tolist(), state.steps.item(), state.seen.tolist(), state.w.requires_grad

    assert trained(Compiled) == trained(lambda step: step)


def test_an_argument_is_left_alone():
    def doubled(x):
        x *= 2.0
        return x * x

    for x in (tg.Tensor([1.0, 2.0]), leaf(1.0, 2.0), leaf(1.0, 2.0) * 1.0):
        before = x.tolist()
        with pytest.raises(TypeError, match=r"writes to its argument x|given to a function by .* tg\.compile"):
            Compiled(doubled)(x)
        with pytest.raises(TypeError, match="writes to its argument x"):
            Compiled(tg.no_grad()(doubled))(x)
        assert x.tolist() == before


def test_a_constant_that_the_function_holds_does_not_become_a_result():
    state = SimpleNamespace(w=leaf(0.5, -1.5), total=tg.Tensor([0.0, 0.0]))

    def added(x):
        state.total += state.w * x
        return tg.sum(state.total)

    with pytest.raises(TypeError, match=r"changes state\.total\.requires_grad"):
        Compiled(added)(np.ones(2))
    assert state.total.tolist() == [0, 0]
    assert not state.total.requires_grad


def test_an_exported_file_assigns_with_numpy_alone(tmp_path):
    def gradient(x, w, rows):
        leaf = tg.Tensor(w, requires_grad=True)
        value = assigns(x, leaf, rows)
        value.backward()
        return value.detach(), leaf.grad

    compiled, arguments = Compiled(gradient), (np.array([1.0, 2.0, -3.0]), np.array([0.5, -1.5, 2.0]), np.array([1, 1]))
    value, slopes = compiled(*arguments)
    compiled.export(tmp_path / "page.py")
    text = (tmp_path / "page.py").read_text(encoding="utf-8")
    assert "import tinygrad_ko" not in text
    alone = runpy.run_path(str(tmp_path / "page.py"))["gradient"](*arguments)
    assert float(alone[0]) == value.item()
    np.testing.assert_array_equal(alone[1], slopes)
