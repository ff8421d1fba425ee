"""Cases of the exam: state, buffers, float32, nonlinear backwards."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(8)
    x = r.normal(size=(4, 5))

    def writes_g(g, x):
        g *= 1 - np.tanh(x) ** 2
        return g

    add(
        "backward_writes_into_g",
        "wrong",
        "the values returned are right, the caller's cotangent is overwritten",
        lambda x: np.tanh(x),
        writes_g,
        x,
    )

    def writes_g2(g, x, y):
        g *= y
        return g, g * x

    add(
        "backward_scales_g_before_second_input",
        "wrong",
        "g is scaled in place for the first input, then used for the second",
        lambda x, y: x * y,
        writes_g2,
        x,
        r.normal(size=(4, 5)),
    )

    def writes_x(g, x):
        np.exp(x, out=x)
        return g * x

    add(
        "backward_writes_into_its_input",
        "wrong",
        "exp(x) is computed in the caller's x: the next call sees another point",
        lambda x: np.exp(x),
        writes_x,
        x,
    )

    memo = {}

    def memo_b(g, x):
        k = x.tobytes()
        if k not in memo:
            memo[k] = g * np.cos(x)
        return memo[k].copy()

    memo_b(np.ones_like(x), x)
    add(
        "backward_memoised_on_inputs_only",
        "wrong",
        "the cache's key leaves out g: a call with ones came before",
        lambda x: np.sin(x),
        memo_b,
        x,
    )

    buf = np.zeros((4, 5))

    def acc_b(g, x):
        buf[...] += 2 * g * x
        return buf.copy()

    acc_b(np.ones_like(x), x + 1)
    add(
        "gradient_buffer_never_zeroed",
        "wrong",
        "the gradients of all calls add up (zero_grad forgotten)",
        lambda x: x * x,
        acc_b,
        x,
    )

    out = np.zeros((4, 5))

    def same_out(g, x, y):
        a = np.multiply(g, y, out=out)
        b = np.multiply(g, x, out=out)
        return a, b

    add(
        "two_gradients_in_one_buffer",
        "wrong",
        "both gradients are the same array: the second overwrites the first",
        lambda x, y: x * y,
        same_out,
        x,
        r.normal(size=(4, 5)),
    )
    add(
        "one_gradient_for_both_by_symmetry",
        "right",
        "the same array twice, and rightly so: f depends on x + y",
        lambda x, y: np.sin(x + y),
        lambda g, x, y: (lambda d: (d, d))(g * np.cos(x + y)),
        x,
        r.normal(size=(4, 5)),
    )

    mask = {}

    def mf(x):
        if "m" not in mask:
            mask["m"] = x > 0
        return np.maximum(x, 0)

    mf(x[::-1])
    add(
        "mask_kept_from_the_first_batch",
        "wrong",
        "the mask saved by the first call of all, on another batch, is never renewed",
        mf,
        lambda g, x: g * mask["m"],
        x,
    )

    add(
        "backward_clips_g",
        "wrong",
        "the cotangent is clipped to [-0.1, 0.1]: not linear in g",
        lambda x: x * x,
        lambda g, x: 2 * np.clip(g, -0.1, 0.1) * x,
        x,
    )
    add("backward_ignores_g", "wrong", "right for g = 1 only", lambda x: float((x**2).sum()), lambda g, x: 2 * x, x)
    add(
        "backward_takes_modulus_of_g",
        "wrong",
        "right for positive g only",
        lambda x: np.sin(x),
        lambda g, x: np.abs(g) * np.cos(x),
        x,
    )
    add(
        "backward_mean_of_g_for_sum",
        "wrong",
        "np.sum's backward spreads g.mean() over the axis: invisible for equal cotangents",
        lambda x: x.sum(1),
        lambda g, x: np.full_like(x, g.mean()),
        x,
    )

    ob = np.zeros(4)

    def own(x):
        ob[:] = np.sin(x)
        return ob

    add(
        "f_returns_its_own_buffer",
        "right",
        "every call returns the same array with new values, as a C library would",
        own,
        lambda g, x: g * np.cos(x),
        r.normal(size=4),
    )
    calls = [0]

    def counted(x):
        calls[0] += 1
        return x**3

    add(
        "f_counts_its_calls",
        "right",
        "state that does not touch the value",
        counted,
        lambda g, x: 3 * g * x * x,
        r.normal(size=4),
    )

    w32, x32 = r.normal(size=(6, 4)).astype(np.float32), r.normal(size=(3, 6)).astype(np.float32)
    add(
        "float32_linear",
        "right",
        "float32 in and out",
        lambda x, w: x @ w,
        lambda g, x, w: (g @ w.T, x.T @ g),
        x32,
        w32,
        rtol=1e-6,
    )
    add(
        "float32_tanh_norm",
        "right",
        "float32, a sum of 18 terms",
        lambda x: (np.tanh(x) ** 2).sum(),
        lambda g, x: (2 * g * np.tanh(x) * (1 - np.tanh(x) ** 2)).astype(x.dtype),
        x32,
        rtol=1e-6,
    )

    def ln32(x):
        m = x.mean(-1, keepdims=True)
        return (x - m) / np.sqrt(((x - m) ** 2).mean(-1, keepdims=True) + x.dtype.type(1e-5))

    def ln32_b(bad):
        def bk(g, x):
            m = x.mean(-1, keepdims=True)
            s = 1 / np.sqrt(((x - m) ** 2).mean(-1, keepdims=True) + np.float32(1e-5))
            h = (x - m) * s
            return (g - g.mean(-1, keepdims=True) - h * (g * h).sum(-1, keepdims=True) / (x.shape[-1] - bad)) * s

        return bk

    add("float32_layernorm", "right", "float32 layer normalisation", ln32, ln32_b(0), x32, rtol=5e-6)
    add(
        "float32_layernorm_divisor_off_by_one",
        "wrong",
        "the second mean is divided by n - 1",
        ln32,
        ln32_b(1),
        x32,
        rtol=5e-6,
    )
    add(
        "float32_mean_divisor",
        "wrong",
        "the mean over 6 is taken as one over 7",
        lambda x: np.sin(x).mean(-1),
        lambda g, x: g[:, None] * np.cos(x) / np.float32(7),
        x32,
        rtol=1e-6,
    )
    add(
        "float32_kernel_behind_float64",
        "right",
        "float64 in and out, float32 inside, and rtol says so",
        lambda x: np.sin(x.astype(np.float32)).astype(float),
        lambda g, x: g * np.cos(x),
        r.normal(size=5),
        rtol=2e-6,
    )
    add(
        "float32_kernel_behind_float64_factor",
        "wrong",
        "the same kernel with a slope 2% too large",
        lambda x: np.sin(x.astype(np.float32)).astype(float),
        lambda g, x: 1.02 * g * np.cos(x),
        r.normal(size=5),
        rtol=2e-6,
    )
