"""Polynomial regression: more freedom fits the training points better, and the curve behind them worse, unless it is held back.

    python examples/polynomial_regression.py

The loss is quadratic in the coefficients, so one step of Newton's method from anywhere is the minimum.
"""

import numpy as np

import tinygrad_ko as tg


def truth(x):
    return np.sin(np.pi * x)


# 훈련 데이터는 잡음이 섞인 점 12개, 시험 데이터는 잡음 없는 곡선입니다.
rng = np.random.default_rng(1)
x = np.sort(rng.uniform(-1, 1, 12))
t = truth(x) + 0.2 * rng.normal(size=12)
x_test = np.linspace(-0.95, 0.95, 67)


def powers(x, degree):
    return np.stack([x**i for i in range(degree + 1)], axis=1)


def fit(degree, decay):
    """The coefficients w that minimise the mean squared error plus decay * sum(w ** 2)."""

    def loss(w):
        return tg.mean((tg.matmul(powers(x, degree), w) - t) ** 2) + decay * tg.sum(w * w)

    w = np.zeros(degree + 1)
    # 뉴턴 방법: 헤세 행렬 H와 기울기 g로 H d = -g를 풉니다. w의 2차 함수이므로 한 걸음이면 됩니다.
    w = w - np.linalg.solve(tg.func.hessian(loss)(w), tg.func.grad(loss)(w))
    assert np.abs(tg.func.grad(loss)(w)).max() < 1e-6  # 최솟값에서는 기울기가 0입니다.
    return w


def error(w, x, t):
    return np.sqrt(np.mean((powers(x, len(w) - 1) @ w - t) ** 2))


print("degree  weight decay  training error  test error  largest coefficient")
fits = {}
for degree, decay in ((1, 0.0), (3, 0.0), (9, 0.0), (9, 1e-3)):
    w = fits[degree, decay] = fit(degree, decay)
    print(
        f"{degree:6}  {decay:<12g}  {error(w, x, t):14.3f}  {error(w, x_test, truth(x_test)):10.3f}  {np.abs(w).max():19.1f}"
    )

# 그림: o는 훈련 데이터, .은 잡음 없는 곡선, 9는 가중치 감소 없는 9차 곡선, d는 가중치 감소를 쓴 9차 곡선
grid = np.full((21, 67), " ")


def put(xs, ys, sign):
    for column, y in zip(((xs + 0.95) / 1.9 * 66).round().astype(int), ys, strict=True):
        if abs(y) <= 1.6 and 0 <= column < 67:
            grid[round((1.6 - y) / 3.2 * 20), column] = sign


put(x_test, truth(x_test), ".")
put(x_test, powers(x_test, 9) @ fits[9, 1e-3], "d")
put(x_test, powers(x_test, 9) @ fits[9, 0.0], "9")
put(x, t, "o")
print("\n. the curve   o training points   9 degree 9   d degree 9 with weight decay")
print("\n".join("".join(line).rstrip() for line in grid))
