"""An operation of your own: a forward on arrays, and one line of calculus. The oracle says whether the line is right.

python examples/own_op.py
"""

import sys

import numpy as np

import tinygrad_ko as tg

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.


# log(cosh x): 오차가 작으면 제곱처럼, 크면 절댓값처럼 커지는 손실입니다. 미분하면 tanh x입니다.
# 공식의 인수 이름 g는 출력의 기울기, x는 순전파의 입력입니다.
@tg.op(x=lambda g, x: g * tg.tanh(x))
def log_cosh(xp, x):
    return xp.abs(x) + xp.log1p(xp.exp(-2 * xp.abs(x))) - np.log(2)


print("1. The gradient, held against numerical differentiation, and the gradient of the gradient:\n")
print(tg.check_gradient(log_cosh, np.array([-3.0, -0.5, 0.2, 40.0]), order=2))


@tg.op(x=lambda g, x: g * tg.tanh(x) / 2)
def log_cosh_with_a_half(xp, x):
    return xp.abs(x) + xp.log1p(xp.exp(-2 * xp.abs(x))) - np.log(2)


print("\n2. With a mistake, a factor of one half:\n")
try:
    tg.check_gradient(log_cosh_with_a_half, np.array([-3.0, -0.5, 0.2, 40.0]))
except tg.GradientMismatch as error:
    print(error, *error.__notes__, sep="\n")

# 이상치가 하나 있는 데이터의 중심: 제곱 오차에서는 이상치 쪽으로 많이, log_cosh에서는 조금만 끌려갑니다.
print("\n3. At work: the centre of 1.0, 1.1, 0.9, 1.0 and an outlier, 20.0")
points = np.array([1.0, 1.1, 0.9, 1.0, 20.0])
for name, loss in (("squares", lambda x: x * x / 2), ("log_cosh", log_cosh)):
    centre = tg.Tensor(0.0, requires_grad=True)
    optimizer = tg.optim.SGD(centre, lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        loss(points - centre).sum().backward()
        optimizer.step()
    print(f"   {name:8}  {centre.item():.3f}")
