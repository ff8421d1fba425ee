"""Four optimizers race down a ravine, x ** 2 / 20 + y ** 2: steep across, nearly flat along.

    python examples/optimizers_on_a_ravine.py

The start is (-7, 2), the goal (0, 0). The learning rates are those of the book's comparison.
"""

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import optim

RACERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.95),
    "Momentum": lambda p: optim.Momentum(p, lr=0.1),
    "AdaGrad": lambda p: optim.AdaGrad(p, lr=1.5),
    "Adam": lambda p: optim.Adam(p, lr=0.3),
}


def ravine(p):
    return p[0] ** 2 / 20 + p[1] ** 2


def run(make, steps=30):
    """The points on the way down."""
    p = tg.Tensor([-7.0, 2.0], requires_grad=True)
    optimizer, path = make([p]), [p.numpy()]
    for _ in range(steps):
        optimizer.zero_grad()
        ravine(p).backward()
        optimizer.step()
        path.append(p.numpy())
    return np.array(path)


def picture(path):
    """The ravine from above."""
    # 숫자는 걸음 번호의 끝자리이고, +는 최솟값의 자리입니다.
    grid = np.full((9, 73), " ")
    grid[4, 56] = "+"
    for step, (x, y) in reversed(list(enumerate(path))):
        row, column = round(4 - 2 * y), round(8 * x / 1.1 + 56)
        if 0 <= row < 9 and 0 <= column < 73:
            grid[row, column] = str(step % 10)
    return "\n".join("".join(line).rstrip() for line in grid)


print("loss after      10 steps    20 steps    30 steps   turns across the ravine")
for name, make in RACERS.items():
    path = run(make)
    losses = "".join(f"{ravine(path[step]):12.2e}" for step in (10, 20, 30))
    # y의 부호가 바뀔 때마다 골짜기를 가로지른 것입니다. SGD는 매번 가로지릅니다.
    turns = np.count_nonzero(np.diff(np.sign(path[:, 1])))
    print(f"{name:10}{losses}   {turns}")
for name, make in RACERS.items():
    print(f"\n{name}\n{picture(run(make))}")
