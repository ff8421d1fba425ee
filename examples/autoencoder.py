"""An autoencoder: digits of 64 pixels are squeezed through two numbers and drawn again; the two numbers are a map of the digits.

    python examples/autoencoder.py

Nobody tells it which digit an image shows, and yet equal digits lie near each other.
"""

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import nn, optim

(x, _), (x_test, t_test) = tg.data.load_digits()
rng = np.random.default_rng(3)

# 부호기는 64 -> 2, 복호기는 2 -> 64입니다. 가운데 두 수가 잠재 공간의 좌표입니다.
encoder = nn.Sequential(nn.Affine(64, 64, rng=rng), nn.Relu(), nn.Affine(64, 2, rng=rng), nn.Tanh())
decoder = nn.Sequential(nn.Affine(2, 64, rng=rng), nn.Relu(), nn.Affine(64, 64, rng=rng), nn.Sigmoid())
optimizer = optim.Adam(encoder.parameters() + decoder.parameters(), lr=0.01)


def error(x):
    """The mean squared error of a pixel."""
    with tg.no_grad():
        return np.mean((decoder(encoder(x)).numpy() - x) ** 2)


for epoch in range(41):
    for x_batch, _ in tg.data.minibatches(x, x, 50, rng):
        # 정답은 입력 자신입니다.
        loss = tg.mean_squared_error(decoder(encoder(x_batch)), x_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch:2}  error {error(x):.4f}, of test images {error(x_test):.4f}")

# 비교: 주성분 두 개로 복원한 것(주성분 분석). 선형입니다.
mean = x.mean(axis=0)
axes = np.linalg.svd(x - mean, full_matrices=False)[2][:2]
linear = np.mean(((x_test - mean) @ axes.T @ axes + mean - x_test) ** 2)
print(f"two principal components, which are linear: {linear:.4f}")

with tg.no_grad():
    places = encoder(x_test).numpy()
    drawn = decoder(places).numpy()

# 잠재 공간의 지도: 시험 이미지를 그 자리에 숫자로 적습니다.
grid = np.full((25, 73), " ")
for (z0, z1), label in zip(places, t_test, strict=True):
    grid[round((1 - z1) * 12), round((z0 + 1) * 36)] = str(label)
print("\n" + "\n".join("".join(line).rstrip() for line in grid))

# 같은 숫자끼리 가까이 있는지 확인합니다: 가장 가까운 이웃이 같은 숫자인 비율
distances = np.linalg.norm(places[:, None] - places[None], axis=-1) + np.diag(np.full(len(places), np.inf))
print(
    f"\nthe nearest neighbour on the map is the same digit: {np.mean(t_test[distances.argmin(axis=1)] == t_test):.0%} (by chance 10%)"
)

ink = np.array(list(" .:*#"))
chosen = [int(np.flatnonzero(t_test == digit)[0]) for digit in (0, 1, 6)]
for row in range(8):
    lines = (ink[(images[i].reshape(8, 8)[row] * 4.99).astype(int)] for i in chosen for images in (x_test, drawn))
    print("   ".join("".join(line) for line in lines).rstrip())
print("each digit, and as it is drawn from two numbers")
