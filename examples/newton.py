"""Newton's method without a matrix: the curvature of a loss along a direction is enough.

    python examples/newton.py

A linear classifier of handwritten digits has 650 parameters, so its hessian has 422,500 entries. Newton's method asks where the
gradient is 0 if the curvature stays as it is: H d = -g. The method of conjugate gradients solves that with products H v alone, and
`tg.func.hvp` gives a product for the price of two backwards.
"""

import numpy as np

import tinygrad_ko as tg

(x, t), (x_test, t_test) = tg.data.load_digits()
x = np.hstack([x, np.ones((len(x), 1))]).astype(float)  # 1로 채운 열에 곱하는 가중치가 편향입니다.
x_test = np.hstack([x_test, np.ones((len(x_test), 1))])


def loss(W):
    return tg.softmax_cross_entropy(x @ W, t) + 0.005 * tg.sum(W * W)


loss_and_gradient = tg.func.value_and_grad(loss)


def newton_step(W, g):
    """d with H d = -g, by conjugate gradients, until the residual is a hundredth of g; and how many products that took."""
    d, residual = np.zeros_like(W), -g
    direction, products = residual, 0
    while (size := np.sum(residual * residual)) > 1e-4 * np.sum(g * g):
        product = tg.func.hvp(loss, W, direction)
        along = size / np.sum(direction * product)
        d, residual = d + along * direction, residual - along * product
        direction = residual + np.sum(residual * residual) / size * direction
        products += 1
    return d, products


print("Newton's method    loss        length of the gradient   products H v")
W, work = np.zeros((65, 10)), 0
for step in range(8):
    value, g = loss_and_gradient(W)
    d, products = newton_step(W, g)
    print(f"  step {step}           {value:.8f}  {np.linalg.norm(g):.1e}                  {products}")
    W += d
    work += 1 + 2 * products  # 기울기를 몇 번 구한 것과 같은 계산인지 셉니다.
accuracy = np.mean(np.argmax(x_test @ W, axis=1) == t_test)
print(f"  {accuracy:.1%} of the test digits are right\n")

print(f"Gradient descent for the price of as many gradients, {work}, and of ten times as many")
V, lr = np.zeros_like(W), 2.0  # 학습률이 2.2이면 수렴하지 않습니다.
for step in range(10 * work + 1):
    value, g = loss_and_gradient(V)
    if step in (0, work, 10 * work):
        print(f"  step {step:<5}       {value:.8f}  {np.linalg.norm(g):.1e}")
    V -= lr * g
