"""An op of your own: written, wrong, blamed, mended, and then tested as a test should be tested.

    python examples/check_your_own_op.py

The op is the square of how far each number is from the mean of its row. Its first two formulas are wrong, and stay in this
file; what the check says of them is enough to find the right one.
"""

import sys

import numpy as np

import tinygrad_ko as tg

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.

X = np.random.default_rng(0).normal(size=(3, 5))


def row_sum(x):
    return tg.sum(x, axis=-1, keepdims=True)


def row_mean(x):
    return tg.mean(x, axis=-1, keepdims=True)


@tg.op(x=lambda g, x: 2 * g * (x - row_mean(x)))
def scatter_without_the_mean(x):
    return (x - row_mean(x)) ** 2


@tg.op(x=lambda g, x: 2 * g * (x - row_mean(x)) - row_sum(2 * g * (x - row_mean(x))))
def scatter_with_a_sum(x):
    return (x - row_mean(x)) ** 2


@tg.op(x=lambda g, x: 2 * g * (x - row_mean(x)) - row_mean(2 * g * (x - row_mean(x))))
def scatter(x):
    return (x - row_mean(x)) ** 2


def first_test(op):
    """The test that one writes first: the gradient of the sum, against central differences."""
    x = tg.Tensor(X, requires_grad=True)
    op(x).sum().backward()
    assert np.allclose(x.grad, tg.numerical_gradient(lambda x: op(x).sum(), X), atol=1e-5)


def blame(op):
    """Check an op and print what is wrong with it."""
    try:
        tg.check_gradient(op, X)
    except tg.GradientMismatch as error:
        print(error, *error.__notes__, sep="\n")


print(
    "1. The square of x - mean, so its slope is 2 (x - mean). The gradient of its sum agrees with central differences:"
)
first_test(scatter_without_the_mean)
print("   the test passes. check_gradient does not weigh all outputs alike:\n")
blame(scatter_without_the_mean)

print(
    "\n2. An output depends on the other numbers of its row too, through the mean: a term is missing. With that term:\n"
)
first_test(scatter_with_a_sum)
blame(scatter_with_a_sum)

print(
    "\n3. The ratio is the length of a row, and the mean has a 1/n that the formula forgot. Mended, at both orders:\n"
)
first_test(scatter)
print(tg.check_gradient(scatter, X, order=2))

print(
    "\nNote that first_test passed all three: the deviations of a row add up to 0, so their sum hides the missing term."
)
print("How much more does it hide? Plant mistakes in the right formula, and count those that a test notices:\n")
print("by first_test,", tg.testing.mutation_score(scatter, first_test))
print("\nby check_gradient,", tg.testing.mutation_score(scatter, lambda op: tg.check_gradient(op, X)))
print("\nWhat is left is no mistake in a matrix, where axis 1 is the last one. So also look at a stack of matrices:")
stack = np.stack([X, 1 - X])
print("by check_gradient,", tg.testing.mutation_score(scatter, lambda op: tg.check_gradient(op, stack)))

print(
    "\n4. One input is not all inputs. check_op draws rows of many shapes, with zeros, ties, tiny and huge numbers:\n"
)
try:
    print(tg.testing.check_op(scatter, signature="(n,m)"))
except ImportError as missing:
    print(missing, *missing.__notes__, sep="\n")
