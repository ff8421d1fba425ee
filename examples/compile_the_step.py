"""The training step of the book's TwoLayerNet as a page of NumPy: to be read, to be faster, and to be taken elsewhere as a file.

python examples/compile_the_step.py                  # prints the page, and trains the digits with it
python examples/compile_the_step.py --out step.py    # writes the step to a file that needs NumPy alone
python examples/compile_the_step.py --language ko    # the page with Korean comments
"""

import argparse

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import nn


def compiled_step(net):
    """One step of gradient descent on a batch, compiled. It changes the parameters of the network and returns the loss."""

    # 처음 호출할 때 계산을 기록하여 NumPy 코드로 옮기고, 다음부터는 그 코드를 실행합니다.
    @tg.compile
    def step(x, t, lr):
        loss, gradient = net.loss_and_gradient(x, t)
        for name in gradient:
            net.params[name] = net.params[name] - lr * gradient[name]
        return loss

    return step


def trained(step, epochs=60):
    """Train the digits with a step, and return the loss of the last batch."""
    (x_train, t_train), _ = tg.data.load_digits()
    x_train = x_train.astype(float)  # 매개변수와 같은 자료형
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        for x, t in tg.data.minibatches(x_train, t_train, 100, rng, drop_last=True):
            loss = step(x, t, 1.0)
    return loss


def page(language="en"):
    """The page, as README.md has it."""
    step = compiled_step(nn.TwoLayerNet(64, 50, 10, rng=0))
    trained(step, epochs=1)
    return step.page(language=language)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compile the training step of TwoLayerNet.")
    parser.add_argument("--out", metavar="FILE", help="write the step to this file")
    parser.add_argument("--language", default="en", choices=("en", "ko"))
    options = parser.parse_args()

    net = nn.TwoLayerNet(64, 50, 10, rng=0)
    step = compiled_step(net)
    loss = trained(step)
    print(step.page(language=options.language))
    _, (x_test, t_test) = tg.data.load_digits()
    print(
        f"# after 60 epochs: loss {loss:.4f}, accuracy {net.accuracy(x_test, t_test):.3f} on digits that it has not seen"
    )
    if options.out:
        print(f"# written: {step.export(options.out, language=options.language)}")
