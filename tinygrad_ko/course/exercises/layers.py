"""Chapter 9: the book's layers, as classes with forward and backward."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import answered, at_line, having, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_derivative, require_values

_X = np.array([[0.5, -1.0, 2.0], [-0.3, 1.5, -2.5]])


def _forward_done(layer: Any, *given: Any) -> Any:
    """A layer after its forward pass."""
    result_of(having(layer, "forward", "backward").forward, *given)
    return layer


def _backward_twice(layer: Any, dout: Any) -> Any:
    """The gradient of the input: the same each time, for what forward has kept stays as it is."""
    first, again = (result_of(layer.backward, dout) for _ in range(2))
    if not np.array_equal(real_numbers(first, layer.backward), real_numbers(again, layer.backward)):
        raise Wrong(
            "같은 dout으로 backward를 두 번 호출하면 결과가 다릅니다. forward가 저장한 값을 backward가 바꾸지 않는지 확인하십시오."
            f"{at_line(layer.backward)}"
        )
    return first


def _judge_elementwise(Layer: Any, reference: Any) -> Any:
    layer = _forward_done(result_of(Layer), _X)
    require_values(lambda x: result_of(Layer).forward(x), reference, (_X,), written=layer.forward)
    require_derivative(
        reference,
        lambda dout, x: _backward_twice(_forward_done(Layer(), x), dout),
        _X,
        written=layer.backward,
        names=("x",),
    )
    return layer


@exercise("9-1")
def _relu(Relu: Any) -> None:
    layer = _judge_elementwise(Relu, lambda x: np.where(x > 0, x, 0.0))
    if np.any(
        real_numbers(result_of(_forward_done(layer, np.zeros((1, 3))).backward, np.ones((1, 3))), layer.backward)
    ):
        raise Wrong(f"x가 정확히 0일 때의 기울기는 0으로 약속합니다(순전파의 마스크는 x <= 0).{at_line(layer.forward)}")


@exercise("9-2")
def _sigmoid(Sigmoid: Any) -> None:
    _judge_elementwise(Sigmoid, lambda x: 1 / (1 + np.exp(-x)))


@exercise("9-3")
def _affine(Affine: Any) -> None:
    rng = np.random.default_rng(3)
    x, W, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    layer = _forward_done(result_of(Affine, W, b), x)

    def affine(x: Any, W: Any, b: Any) -> Any:
        return x @ W + b

    def vjp(dout: Any, x: Any, W: Any, b: Any) -> Any:
        layer = _forward_done(Affine(W, b), x)
        dx = _backward_twice(layer, dout)
        having(layer, "dW", "db")
        return [dx, *(answered(getattr(layer, name), layer.backward, name) for name in ("dW", "db"))]

    require_values(lambda x, W, b: Affine(W, b).forward(x), affine, (x, W, b), written=layer.forward)
    require_derivative(affine, vjp, x, W, b, written=layer.backward)


@exercise("9-4")
def _softmax_with_loss(SoftmaxWithLoss: Any) -> None:
    t = np.array([[0, 0, 1], [1, 0, 0]])

    def loss(x: Any) -> Any:
        shifted = x - np.max(x, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - np.sum(t * shifted, axis=1))

    def vjp(dout: Any, x: Any) -> Any:
        layer = _forward_done(SoftmaxWithLoss(), x, t)
        if not np.allclose(result_of(layer.backward), _backward_twice(layer, np.array(1.0))):
            raise Wrong(f"backward()처럼 인수 없이 호출하면 dout은 1이어야 합니다.{at_line(layer.backward)}")
        return _backward_twice(layer, dout)

    layer = _forward_done(result_of(SoftmaxWithLoss), _X, t)
    require_values(lambda x: result_of(SoftmaxWithLoss().forward, x, t), loss, (_X,), rtol=1e-5, written=layer.forward)
    require_derivative(loss, vjp, _X, written=layer.backward, names=("x",))
