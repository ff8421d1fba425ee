"""Three arms of a spiral, which no straight line can part, and the boundary that a network with one hidden layer draws.

python examples/spiral.py
"""

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import nn, optim

# 나선 데이터: 클래스마다 점 100개, 바깥으로 갈수록 각도가 커집니다.
rng = np.random.default_rng(0)
radius = np.tile(np.linspace(0, 1, 100), 3)
t = np.repeat([0, 1, 2], 100)
angle = 4 * t + 4 * radius + 0.2 * rng.normal(size=300)
x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)

model = nn.Sequential(nn.Affine(2, 32, rng=rng), nn.Tanh(), nn.Affine(32, 3, rng=rng))
optimizer = optim.Adam(model.parameters(), lr=0.03)


def classes(points):
    """The class of each point that the model finds most probable."""
    with tg.no_grad():
        return np.argmax(model(points).numpy(), axis=1)


def picture():
    """The plane, divided by the decision boundary, and the data."""
    # 배경의 . o -는 모델이 답한 클래스이고, A B C는 데이터의 클래스입니다.
    columns, rows = np.linspace(-1.1, 1.1, 67), np.linspace(1.1, -1.1, 27)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1)
    signs = np.array(list(".o-"))[classes(grid.reshape(-1, 2))].reshape(27, 67)
    for (x0, x1), label in zip(x, t, strict=True):
        signs[round((1.1 - x1) / 2.2 * 26), round((x0 + 1.1) / 2.2 * 66)] = "ABC"[label]
    return "\n".join(map("".join, signs))


for epoch in range(201):
    for x_batch, t_batch in tg.data.minibatches(x, t, 30, rng):
        loss = tg.softmax_cross_entropy(model(x_batch), t_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch in (0, 20, 200):
        whole = tg.softmax_cross_entropy(model(x), t).item()
        print(f"epoch {epoch:3}  loss {whole:.3f}  {np.mean(classes(x) == t):.1%} of the points are right")
        if epoch != 20:
            print(f"   answers A .  B o  C -\n{picture()}\n")
