"""Logistic regression: a line between two clouds of points, found by gradient descent.

    python examples/logistic_regression.py

The probability of class 1 is sigmoid(x @ w + b), and the line is where it is one half.
"""

import numpy as np

import tinygrad_ko as tg

# 중심이 다른 두 무리의 점: 레이블은 0과 1
rng = np.random.default_rng(0)
t = np.arange(200) % 2
x = rng.normal(size=(200, 2)) + np.where(t[:, None] == 1, [1.5, 1.0], [-1.5, -1.0])

# 매개변수는 가중치 두 개와 편향 하나입니다.
w = tg.Tensor(np.zeros(2), requires_grad=True)
b = tg.Tensor(0.0, requires_grad=True)
optimizer = tg.optim.SGD([w, b], lr=0.5)

for step in range(201):
    # 시그모이드를 거치지 않고 점수에서 곧바로 손실을 구하므로 오버플로가 없습니다.
    loss = tg.sigmoid_cross_entropy(x @ w + b, t)
    optimizer.zero_grad()
    loss.backward()
    if step in (0, 1, 10, 50, 200):
        right = np.mean((x @ w.numpy() + b.item() > 0) == (t == 1))
        print(f"step {step:3}  loss {loss.item():.4f}  right {right:.1%}  w {w.numpy().round(2)}  b {b.item():.2f}")
    optimizer.step()

# 그림: 점은 레이블로, 확률이 0.5인 경계는 *로 나타냅니다.
columns, rows = np.linspace(-4, 4, 65), np.linspace(3.5, -3.5, 21)
picture = [[" "] * len(columns) for _ in rows]
for row, x1 in enumerate(rows):
    scores = columns * w.numpy()[0] + x1 * w.numpy()[1] + b.item()
    for column in np.flatnonzero(np.diff(np.sign(scores))):
        picture[row][column] = "*"
for (x0, x1), label in zip(x, t, strict=True):
    column, row = round((x0 + 4) * 8), round((3.5 - x1) / 0.35)
    if 0 <= column < len(columns) and 0 <= row < len(rows):
        picture[row][column] = str(label)
print("\n".join("".join(line).rstrip() for line in picture))
