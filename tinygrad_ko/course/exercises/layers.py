"""Chapter 9: the book's layers, as classes with forward and backward."""

from typing import Any

import numpy as np

from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import answered, at_line, require_derivative, require_values

_X = np.array([[0.5, -1.0, 2.0], [-0.3, 1.5, -2.5]])


def _made(Layer: Any, *given: Any) -> Any:
    layer = Layer(*given)
    answered(layer.forward(_X if not given or len(given[0]) == 3 else _X[:, : len(given[0])]))
    return layer


def _judge_elementwise(Layer: Any, reference: Any) -> None:
    require_values(lambda x: Layer().forward(x), reference, (_X,), written=Layer.forward)

    def vjp(dout: Any, x: Any) -> Any:
        layer = Layer()
        layer.forward(np.array(x))
        return layer.backward(np.array(dout))

    require_derivative(reference, vjp, _X, written=Layer.backward, names=("x",))


@exercise("9-1")
def _relu(Relu: Any) -> None:
    def relu(x: Any) -> Any:
        return np.where(x > 0, x, 0.0)

    _judge_elementwise(Relu, relu)
    layer, dout = _made(Relu), np.ones_like(_X)
    layer.backward(dout)
    if not (dout == 1).all():
        raise Wrong(
            "backward가 넘겨받은 dout을 바꾸어 놓았습니다. dout을 다른 곳에서도 쓴다면 조용히 틀립니다. 사본에 쓰십시오."
            f"{at_line(Relu.backward)}"
        )
    layer = _made(Relu)
    if layer.forward(np.zeros((1, 3))) is ... or np.any(answered(layer.backward(np.ones((1, 3))))):
        raise Wrong("x가 정확히 0일 때의 기울기는 0으로 약속합니다(순전파의 마스크는 x <= 0).")


@exercise("9-2")
def _sigmoid(Sigmoid: Any) -> None:
    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    _judge_elementwise(Sigmoid, sigmoid)


@exercise("9-3")
def _affine(Affine: Any) -> None:
    rng = np.random.default_rng(3)
    W, b = rng.normal(size=(3, 2)), rng.normal(size=2)
    require_values(lambda x: Affine(W, b).forward(x), lambda x: x @ W + b, (_X,), written=Affine.forward)

    def vjp(dout: Any, x: Any, W: Any, b: Any) -> Any:
        layer = Affine(W, b)
        layer.forward(x)
        dx = answered(layer.backward(dout))
        return dx, answered(layer.dW), answered(layer.db)

    require_derivative(lambda x, W, b: x @ W + b, vjp, rng.normal(size=(4, 3)), W, b, written=Affine.backward)


@exercise("9-4")
def _softmax_with_loss(SoftmaxWithLoss: Any) -> None:
    t = np.array([[0, 0, 1], [1, 0, 0]])

    def loss(x: Any) -> Any:
        shifted = x - np.max(x, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - np.sum(t * shifted, axis=1))

    found = float(answered(SoftmaxWithLoss().forward(_X, t)))
    if not np.isclose(found, loss(_X), rtol=1e-5):
        raise Wrong(f"forward의 손실이 다릅니다. 올바른 값: {loss(_X):.8g}, 답: {found:.8g}")

    def vjp(dout: Any, x: Any) -> Any:
        layer = SoftmaxWithLoss()
        layer.forward(x, t)
        if not np.allclose(answered(layer.backward()), layer.backward(1.0)):
            raise Wrong("backward()처럼 인수 없이 호출하면 dout은 1이어야 합니다.")
        return layer.backward(dout)

    require_derivative(loss, vjp, _X, written=SoftmaxWithLoss.backward, names=("x",))
