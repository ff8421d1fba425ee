"""The yardstick of the LSTM: backpropagation through time in NumPy alone, as fast as we could write it.

- Products that can wait for all steps are made for all at once: those of the inputs before the loop, those of the weights' gradients
  after it. In the loop there is one product each way.
- The gates of a step lie one after the other, so that NumPy goes over whole arrays, not over rows, and OpenBLAS multiplies matrices that
  it need not copy. They turn into their gradients in place; all large arrays are made once.
- The gradient of each gate is a factor times that of the cell or of the state: the factors are made for all steps at once.
- The sigmoid is that of tanh, (1 + tanh(x / 2)) / 2, so that one call of tanh does gates and candidate together. The halves are in the
  weights.
"""

import numpy as np

from benchmarks.problems import LEARNING_RATE, Array, Recurrent


class RecurrentStep:
    def __init__(self, network: Recurrent) -> None:
        if network.cell != "LSTM":
            raise NotImplementedError(network.cell)
        T, n, H, dtype = network.steps, network.batch, network.hidden, network.dtype
        self.x, self.parameters = network.sequences(), network.parameters()
        self.half = np.repeat(np.array([0.5, 0.5, 1, 0.5], dtype), H)
        self.halved, self.by_gate = np.empty((network.inputs, 4 * H), dtype), np.empty((4, H, H), dtype)
        self.rows, self.gates = np.empty((T, n, 4, H), dtype), np.empty((T, 4, n, H), dtype)
        self.h, self.c = (np.zeros((T + 1, n, H), dtype) for _ in range(2))  # the first is that before all steps
        self.f, self.tanh_c, self.of_c = (np.empty((T, n, H), dtype) for _ in range(3))
        self.state, self.a = np.empty((4, n, H), dtype), np.empty((n, H), dtype)

    def gradients(self) -> tuple[float, list[Array]]:
        W, U, bias = self.parameters
        rows, gates, h, c, tanh_c, state, a = self.rows, self.gates, self.h, self.c, self.tanh_c, self.state, self.a
        (T, n, _, H), half = rows.shape, self.half
        x, flat = self.x.reshape(T * n, -1), rows.reshape(T * n, 4 * H)

        np.matmul(x, np.multiply(W, half, out=self.halved), out=flat)
        flat += bias * half
        np.copyto(gates, rows.swapaxes(1, 2))
        by_gate = self.by_gate
        np.multiply(U.reshape(H, 4, H).swapaxes(0, 1), half.reshape(4, 1, H), out=by_gate)
        for t in range(T):
            z = gates[t]
            z += np.matmul(h[t], by_gate, out=state)
            np.tanh(z, out=z)
            for three in (z[:2], z[3]):
                three *= 0.5
                three += 0.5
            i, f, new, o = z
            np.multiply(f, c[t], out=c[t + 1])
            c[t + 1] += np.multiply(i, new, out=a)
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o, tanh_c[t], out=h[t + 1])
        outputs = h[1:]
        loss = float(np.vdot(outputs, outputs)) / outputs.size / 2

        i, f, new, o = gates.swapaxes(0, 1)
        big, of_c = rows.reshape(4, T, n, H)[0], self.of_c
        self.f[...] = f
        np.multiply(tanh_c, tanh_c, out=of_c)
        np.subtract(1, of_c, out=of_c)
        of_c *= o
        for gate, factor in ((f, c[:-1]), (o, tanh_c)):
            np.subtract(1, gate, out=big)
            gate *= big
            gate *= factor
        np.multiply(new, new, out=big)
        np.subtract(1, big, out=big)
        big *= i
        np.subtract(1, i, out=tanh_c)
        i *= tanh_c
        i *= new
        new[...] = big

        np.copyto(by_gate, U.reshape(H, 4, H).transpose(1, 2, 0))
        g_h, g_c = np.zeros(a.shape, a.dtype), np.zeros(a.shape, a.dtype)  # what the steps after this one owe
        for t in range(T - 1, -1, -1):
            z = gates[t]
            g_h += np.multiply(h[t + 1], 1 / outputs.size, out=a)
            g_c += np.multiply(g_h, of_c[t], out=a)
            z[:3] *= g_c
            z[3] *= g_h
            g_c *= self.f[t]
            np.add.reduce(np.matmul(z, by_gate, out=state), axis=0, out=g_h)
        np.copyto(rows, gates.swapaxes(1, 2))
        return loss, [x.T @ flat, h[:-1].reshape(T * n, H).T @ flat, flat.sum(axis=0)]

    def __call__(self) -> float:
        loss, gradients = self.gradients()
        for p, g in zip(self.parameters, gradients, strict=True):
            g *= LEARNING_RATE
            p -= g
        return loss
