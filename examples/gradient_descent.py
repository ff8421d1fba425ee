"""Gradient descent on a bowl, f(x) = x0**2 + x1**2, with a good learning rate, one too small and one too large.

    python examples/gradient_descent.py

The figures are the book's. The last of them is an accident of the numerical gradient; exact gradients show what really happens.
"""

import numpy as np

import tinygrad_ko as tg

START = np.array([-3.0, 4.0])


def f(x):
    return x[0] ** 2 + x[1] ** 2


print("100 steps from", START)
for lr in (0.1, 1e-10, 10.0):
    print(f"  lr = {lr:<6}", tg.gradient_descent(f, START, lr=lr, step_num=100))

# lr = 10이면 걸음마다 x에 1 - 2 * 10 = -19가 곱해지므로 x는 끝없이 커져야 합니다. 그런데 왜 멈춥니까?
x, trace = tg.gradient_descent(f, START, lr=10.0, step_num=100, history=True)
frozen = int(np.argmax((trace == x).all(axis=1)))
print(f"\nWith lr = 10 nothing moves any more after step {frozen}:")
print(f"  the numbers nearest to x are {np.spacing(np.abs(x))} away, but the step h is only 0.0001,")
print(f"  so x + h == x is {bool((x + 1e-4 == x).all())} and the numerical gradient is {tg.numerical_gradient(f, x)}")

# 역전파에는 h가 없으므로 멈추지 않습니다.
w = tg.Tensor(START, requires_grad=True)
for _ in range(100):
    f(w).backward()
    w.data -= 10.0 * w.grad
    w.zero_grad()
print(f"  exact gradients instead: {w.numpy()}, which is x * (-19)**100")
