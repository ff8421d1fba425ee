"""The yardstick of the LSTM: backpropagation through time in NumPy alone, as fast as we could write it.

- Products that can wait for all steps are made for all at once: those of the inputs before the loop, those of the weights' gradients
  after it. In the loop there is one product each way.
- The gates stand side by side, and turn into their gradients in place; all large arrays are made once.
- The sigmoid is that of tanh, (1 + tanh(x / 2)) / 2, so that one call of tanh does gates and candidate together.
"""

import numpy as np

from benchmarks.problems import LEARNING_RATE, Array, Recurrent


class RecurrentStep:
    def __init__(self, network: Recurrent) -> None:
        T, n, H, dtype = network.steps, network.batch, network.hidden, network.dtype
        self.network, self.x, self.parameters = network, network.sequences(), network.parameters()
        self.z = np.empty((T, n, 4 * H), dtype)
        self.h, self.c = (np.zeros((T + 1, n, H), dtype) for _ in range(2))  # the first is that before all steps
        self.tanh_c = np.empty((T, n, H), dtype)
        self.state, self.a, self.b = np.empty((n, 4 * H), dtype), np.empty((n, H), dtype), np.empty((n, H), dtype)

    def gradients(self) -> tuple[float, list[Array]]:
        W, U, bias = self.parameters
        x, z, h, c, tanh_c = self.x, self.z, self.h, self.c, self.tanh_c
        T, H, state, a, b = self.network.steps, self.network.hidden, self.state, self.a, self.b
        together = T * self.network.batch

        np.matmul(x.reshape(together, -1), W, out=z.reshape(together, -1))
        z += bias
        for t in range(T):
            gates = z[t]
            gates += np.matmul(h[t], U, out=state)
            three = gates[:, : 3 * H]
            three *= 0.5
            np.tanh(gates, out=gates)
            three += 1
            three *= 0.5
            i, f, o, new = (gates[:, k * H : k * H + H] for k in range(4))
            np.multiply(f, c[t], out=c[t + 1])
            c[t + 1] += np.multiply(i, new, out=a)
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o, tanh_c[t], out=h[t + 1])
        outputs = h[1:]
        loss = float(np.vdot(outputs, outputs)) / outputs.size / 2

        g_h, g_c = np.zeros(a.shape, a.dtype), np.zeros(a.shape, a.dtype)  # what the steps after this one owe
        for t in range(T - 1, -1, -1):
            gates = z[t]
            i, f, o, new = (gates[:, k * H : k * H + H] for k in range(4))
            g_h += np.multiply(h[t + 1], 1 / outputs.size, out=a)
            np.multiply(tanh_c[t], tanh_c[t], out=a)
            np.subtract(1, a, out=a)
            a *= o
            a *= g_h
            g_c += a
            np.subtract(1, o, out=a)
            o *= a
            o *= tanh_c[t]
            o *= g_h
            np.multiply(
                new, new, out=a
            )  # i and the candidate need each other: both factors are made before either changes
            np.subtract(1, a, out=a)
            a *= i
            np.subtract(1, i, out=b)
            i *= b
            i *= new
            i *= g_c
            np.multiply(a, g_c, out=new)
            np.subtract(1, f, out=a)
            a *= f
            a *= c[t]
            a *= g_c
            g_c *= f
            f[...] = a
            np.matmul(gates, U.T, out=g_h)
        flat = z.reshape(together, -1)
        return loss, [x.reshape(together, -1).T @ flat, h[:-1].reshape(together, -1).T @ flat, flat.sum(axis=0)]

    def __call__(self) -> float:
        loss, gradients = self.gradients()
        for p, g in zip(self.parameters, gradients, strict=True):
            g *= LEARNING_RATE
            p -= g
        return loss
