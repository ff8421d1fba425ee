"""The same gradient twice: by central differences, two evaluations for every number, and by backpropagation, one pass for all.

python examples/numerical_against_backprop.py
"""

from time import perf_counter

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko.nn import TwoLayerNet

(x_train, t_train), _ = tg.data.load_digits(one_hot_label=True)
x, t = x_train[:100], t_train[:100]

np.random.seed(0)
network = TwoLayerNet(input_size=64, hidden_size=10, output_size=10)
numbers = sum(p.size for p in network.params.values())

# 수치 미분: 수 하나마다 손실을 두 번 계산합니다.
start = perf_counter()
numerical = network.numerical_gradient(x, t)
numerical_time = perf_counter() - start

# 역전파: 한 번에 모두 구합니다. 시간이 짧으므로 100번의 평균을 냅니다.
start = perf_counter()
for _ in range(100):
    exact = network.gradient(x, t)
exact_time = (perf_counter() - start) / 100

print("mean difference of the two gradients")
for key in network.params:
    print(f"  {key}: {np.mean(np.abs(numerical[key] - exact[key])):.1e}")
print(f"{numbers} parameters, {2 * numbers} evaluations of the loss: {numerical_time:.3f} s by central differences")
print(f"backpropagation: {exact_time:.4f} s, {numerical_time / exact_time:.0f} times as fast")
