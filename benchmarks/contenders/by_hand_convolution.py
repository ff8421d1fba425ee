"""The yardstick of the convolutional network: im2col in NumPy alone, as fast as we could write it.

- The columns are in the order of the pooling: first which of the four pixels of its window a pixel is. The maximum of a
  window is then the maximum of four arrays without gaps, and its gradient goes back in four products without gaps.
- The bias and relu come after the pooling, with a quarter of the work. (They change neither which pixel is the largest nor
  its gradient.) No pixel shares with another: that two are equally large does not happen here.
- The batch is last in memory: the copies of im2col have long runs, and flattened the images are a matrix that BLAS takes.
- The columns are kept for the backward pass, the images after the convolution turn into their gradient in place, and all
  large arrays are made once: fresh ones, at a page fault for every 4 KiB, make the step 1.7 times as long.
- The products with the columns are made in pieces of 1,200 of them, for which OpenBLAS has faster kernels on processors with
  AVX-512; as one product each way the step takes 1.1 times as long.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from benchmarks.problems import LEARNING_RATE, Array, ConvNetwork

PIECE = 1200


class ConvolutionStep:
    def __init__(self, network: ConvNetwork) -> None:
        self.network, dtype = network, network.dtype
        self.x, self.t = network.images_and_labels()
        self.parameters = network.parameters()
        n, k, half, filters = network.batch, network.size, network.pooled, network.filters
        self.image = np.empty((network.side, network.side, n), dtype)
        self.columns = np.empty((k, k, 2, 2, half, half, n), dtype)
        self.convolved = np.empty((filters, 4 * half * half * n), dtype)
        self.largest, self.pooled = (np.empty((filters, half * half * n), dtype) for _ in range(2))
        self.chosen = np.empty(self.pooled.shape, bool)
        self.W2_gradient, self.pooled_gradient = (
            np.empty((filters * half * half, s), dtype) for s in (network.hidden, n)
        )

    def gradients(self) -> tuple[float, list[Array]]:
        W1, b1, W2, b2, W3, b3 = self.parameters
        n, k, t = self.network.batch, self.network.size, self.t

        np.copyto(self.image, self.x[:, 0].transpose(1, 2, 0))
        down, right, image = self.image.strides
        steps = (down, right, down, right, 2 * down, 2 * right, image)
        np.copyto(self.columns, as_strided(self.image, self.columns.shape, steps))
        columns, kernels = self.columns.reshape(k * k, -1), W1.reshape(-1, k * k)
        for i in range(0, columns.shape[1], PIECE):
            np.matmul(kernels, columns[:, i : i + PIECE], out=self.convolved[:, i : i + PIECE])
        four = self.convolved.reshape(len(kernels), 4, -1)
        largest, pooled = self.largest, self.pooled
        np.maximum(four[:, 0], four[:, 1], out=largest)
        np.maximum(largest, four[:, 2], out=largest)
        np.maximum(largest, four[:, 3], out=largest)
        np.add(largest, b1[:, None], out=pooled)
        np.maximum(pooled, 0, out=pooled)
        rows = pooled.reshape(-1, n).T
        h = rows @ W2
        h += b2
        np.maximum(h, 0, out=h)
        scores = h @ W3
        scores += b3

        own = np.arange(n), t
        scores -= scores.max(axis=1, keepdims=True)
        right_scores = scores[own]
        g = np.exp(scores, out=scores)
        total = g.sum(axis=1, keepdims=True)
        loss = (np.log(total).sum() - right_scores.sum()) / n
        g /= total
        g[own] -= 1
        g /= n

        b3_gradient, W3_gradient = g.sum(axis=0), h.T @ g
        g = g @ W3.T
        g *= h > 0
        b2_gradient, W2_gradient = g.sum(axis=0), np.matmul(rows.T, g, out=self.W2_gradient)
        g = np.matmul(W2, g.T, out=self.pooled_gradient).reshape(len(kernels), -1)
        g *= np.greater(pooled, 0, out=self.chosen)
        b1_gradient = g.sum(axis=1)
        for part in range(4):
            np.multiply(g, np.equal(four[:, part], largest, out=self.chosen), out=four[:, part])
        W1_gradient = np.zeros_like(kernels)
        for i in range(0, columns.shape[1], PIECE):
            W1_gradient += self.convolved[:, i : i + PIECE] @ columns[:, i : i + PIECE].T
        first = [W1_gradient.reshape(W1.shape), b1_gradient]
        return float(loss), [*first, W2_gradient, b2_gradient, W3_gradient, b3_gradient]

    def __call__(self) -> float:
        loss, gradients = self.gradients()
        for p, g in zip(self.parameters, gradients, strict=True):
            g *= LEARNING_RATE
            p -= g
        return loss
