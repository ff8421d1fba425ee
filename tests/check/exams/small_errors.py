"""Cases of the exam: small errors, and rights by a deeper reason."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(10)
    x = r.normal(size=10)
    pos = 2 + r.random(8)
    add(
        "log_with_eps_lost_in_backward",
        "wrong",
        "log(x + 1e-3) with 1/x: 4e-4 off",
        lambda x: np.log(x + 1e-3),
        lambda g, x: g / x,
        pos,
    )
    add(
        "charbonnier_eps_lost_in_backward",
        "wrong",
        "sqrt(x^2 + 1e-4) with sign(x): 2e-4 off at 0.5",
        lambda x: np.sqrt(x * x + 1e-4),
        lambda g, x: g * np.sign(x),
        np.array([0.5, -0.6, 0.45, -0.5]),
    )
    add(
        "charbonnier_at_zero",
        "right",
        "slopes turn within 0.01 around 0",
        lambda x: np.sqrt(x * x + 1e-4),
        lambda g, x: g * x / np.sqrt(x * x + 1e-4),
        np.array([0.0, 1e-3, -1e-2, 0.5]),
    )

    def nrm(x):
        return x / (np.sqrt((x * x).sum()) + 1e-3)

    def nrm_b(g, x):
        n = np.sqrt((x * x).sum())
        return (g - x * (g @ x) / n**2) / (n + 1e-3)

    add(
        "normalise_eps_lost_in_projection",
        "wrong",
        "x / (|x| + eps): the projection must be divided by |x| (|x| + eps); |x|^2 taken, 3e-4 off",
        nrm,
        nrm_b,
        x,
    )

    def relx(x):
        return np.expm1(x) / x

    add(
        "expm1_over_x_short_series",
        "wrong",
        "the slope by 1/2 + x/3 below 0.1: the term x^2/8 is missing, 2e-3 at 0.09",
        relx,
        lambda g, x: g * np.where(np.abs(x) < 0.1, 0.5 + x / 3, (np.exp(x) * (x - 1) + 1) / x**2),
        np.array([0.09, 1.5, -0.08, 3.0]),
    )
    wq = r.normal(size=(5, 4))

    def bf(w):
        return (np.asarray(w, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32).astype(float)

    add(
        "bfloat16_weights_in_backward",
        "wrong",
        "the backward multiplies by a bfloat16 copy of the weights: up to 8e-3",
        lambda x, w: x @ w,
        lambda g, x, w: (g @ bf(w).T, x.T @ g),
        r.normal(size=(3, 5)),
        wq,
    )
    spd = r.normal(size=(4, 4))
    spd = spd @ spd.T + 0.5 * np.eye(4)
    add(
        "logdet_jitter_in_backward_only",
        "wrong",
        "inv(A + 1e-3 I) in the backward of log det A",
        lambda a: np.log(np.linalg.det(a)),
        lambda g, a: g * np.linalg.inv(a + 1e-3 * np.eye(4)).T,
        spd,
    )
    W = r.normal(size=(4, 4))
    sym = lambda a: (a + a.T) / 2

    def lor(g, a):
        e, v = np.linalg.eigh(sym(a))
        d = e[None, :] - e[:, None]
        F = d / (d * d + 1e-3)
        return sym(v @ (F * (v.T @ (2 * g * v * W))) @ v.T)

    add(
        "eigenvectors_lorentzian_broadening",
        "wrong",
        "1/d replaced by d/(d^2 + 1e-3) for stability",
        lambda a: (W * np.linalg.eigh(sym(a))[1] ** 2).sum(),
        lor,
        np.diag([1.0, 2, 3.5, 5]) + 0.2 * r.normal(size=(4, 4)),
    )
    S = sum(1 + i % 3 for i in range(1000))

    def rot(th):
        x = np.array([1.0, 0.0]) + 0 * th
        for i in range(1000):
            a = th * (1 + i % 3)
            x = np.array([np.cos(a) * x[0] - np.sin(a) * x[1], np.sin(a) * x[0] + np.cos(a) * x[1]])
        return x

    add(
        "thousand_rotations_one_missing",
        "wrong",
        "the chain's first rotation is left out: 1 of 1999",
        rot,
        lambda g, th: np.array((S - 1) * (-np.sin(S * th) * g[0] + np.cos(S * th) * g[1])),
        np.array(0.0123),
    )

    def deep_b(g, x):
        st = []
        for _i in range(150):
            st.append(x)
            x = x + 0.05 * np.tanh(np.roll(x, 1) - 0.5 * x)
        for x in st[:0:-1]:
            d = 0.05 * g * (1 - np.tanh(np.roll(x, 1) - 0.5 * x) ** 2)
            g = g + np.roll(d, -1) - 0.5 * d
        return g

    def deep(x):
        for _i in range(150):
            x = x + 0.05 * np.tanh(np.roll(x, 1) - 0.5 * x)
        return x

    add(
        "residual_chain_first_layer_skipped",
        "wrong",
        "149 of 150 layers: the range ends one too early",
        deep,
        deep_b,
        r.normal(size=6),
    )

    def ode(x):
        for _ in range(10):
            h = 0.1 / (1 + x * x)
            x = x + h * np.sin(3 * x)
        return x

    def ode_b(full):
        def b(g, x):
            xs = []
            for _ in range(10):
                xs.append(x)
                x = x + 0.1 / (1 + x * x) * np.sin(3 * x)
            for x in reversed(xs):
                h = 0.1 / (1 + x * x)
                g = g * (1 + 3 * h * np.cos(3 * x) + (-0.2 * x / (1 + x * x) ** 2 * np.sin(3 * x) if full else 0))
            return g

        return b

    add(
        "adaptive_step_size_held_constant",
        "wrong",
        "the step size depends on the state",
        ode,
        ode_b(False),
        r.normal(size=5),
    )
    add("adaptive_step_size", "right", "with the step's own slope", ode, ode_b(True), r.normal(size=5))
    add(
        "sign_straight_through",
        "wrong",
        "sign(x) is constant for a long way around: slope 0, the straight-through formula says 1",
        lambda x: np.sign(x),
        lambda g, x: g,
        np.array([0.7, -1.2, 0.9]),
    )

    Ac = r.normal(size=(3, 4)) + 1j * r.normal(size=(3, 4))
    Ar, Ai = Ac.real, Ac.imag

    def cm(a, b):
        return np.concatenate([Ar @ a - Ai @ b, Ar @ b + Ai @ a])

    def cm_b(conj):
        def bk(g, a, b):
            z = (Ac.conj() if conj else Ac).T @ (g[:3] + 1j * g[3:])
            return z.real, z.imag

        return bk

    add(
        "complex_matrix_not_conjugated",
        "wrong",
        "the adjoint of a complex matrix is its conjugate transpose",
        cm,
        cm_b(False),
        r.normal(size=4),
        r.normal(size=4),
    )
    add("complex_matrix_adjoint", "right", "conjugate transpose", cm, cm_b(True), r.normal(size=4), r.normal(size=4))

    def ema(x):
        y = [x[0]]
        for t in range(1, len(x)):
            y.append(0.9 * y[-1] + 0.1 * x[t])
        return np.array(y)

    def ema_b(first):
        def b(g, x):
            d, a = np.zeros_like(x), 0.0
            for t in range(len(x) - 1, -1, -1):
                a = 0.9 * a + g[t]
                d[t] = 0.1 * a
            if first:
                d[0] = a
            return d

        return b

    add(
        "moving_average_first_sample_weight",
        "wrong",
        "the first sample starts the average with weight 1: its entry alone is wrong",
        ema,
        ema_b(False),
        r.normal(size=25),
    )
    add("moving_average_exponential", "right", "the first sample has weight 1", ema, ema_b(True), r.normal(size=25))
    ix = np.array([2, -1, 0, -1, 1])
    tab = r.normal(size=(5, 2))

    def neg_b(g, w):
        d = np.zeros_like(w)
        np.add.at(d, ix[ix >= 0], g[ix >= 0])
        return d

    add(
        "gather_minus_one_treated_as_padding",
        "wrong",
        "f reads the last row for index -1, the backward drops it as padding",
        lambda w: w[ix],
        neg_b,
        tab,
    )
    add(
        "trace_gradient_of_ones",
        "wrong",
        "the gradient of a trace is the identity, not ones",
        lambda a: np.trace(a),
        lambda g, a: g * np.ones_like(a),
        r.normal(size=(3, 3)),
    )
    add(
        "variance_ddof_lost",
        "wrong",
        "ddof=1 in f, 2 (x - m) / n in the backward: 2% at n = 50",
        lambda x: ((x - x.mean()) ** 2).sum() / 49,
        lambda g, x: 2 * g * (x - x.mean()) / 50,
        r.normal(size=50),
    )
    add(
        "variance_at_offset_1e6",
        "right",
        "a variance of 1 around a mean of 1e6",
        lambda x: ((x - x.mean()) ** 2).sum() / 49,
        lambda g, x: 2 * g * (x - x.mean()) / 49,
        1e6 + r.normal(size=50),
    )

    def wav(w, x):
        return (w * x).sum() / w.sum()

    add(
        "weighted_mean_of_weights_unnormalised_part",
        "wrong",
        "the weights stand in the denominator too; the values' gradient is right",
        wav,
        lambda g, w, x: (g * x / w.sum(), g * w / w.sum()),
        r.random(6) + 0.1,
        r.normal(size=6),
    )
    add(
        "weighted_mean",
        "right",
        "both",
        wav,
        lambda g, w, x: (g * (x - wav(w, x)) / w.sum(), g * w / w.sum()),
        r.random(6) + 0.1,
        r.normal(size=6),
    )
    add(
        "centring_detached",
        "wrong",
        "x - mean(x) with the mean taken as a constant",
        lambda x: np.tanh(x - x.mean()),
        lambda g, x: g * (1 - np.tanh(x - x.mean()) ** 2),
        x,
    )

    def lse(x):
        m = x.max()
        return m + np.log(np.exp(x - m).sum())

    add(
        "logsumexp_shift_detached",
        "right",
        "the maximum is a constant to the backward, and may be: f does not depend on the shift",
        lse,
        lambda g, x: g * np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
        np.array([800.0, 799.0, -1e300, 790.0]),
    )
    add(
        "logsumexp_tie_at_the_maximum",
        "right",
        "the shift has a tie, f is smooth there",
        lse,
        lambda g, x: g * np.exp(x - x.max()) / np.exp(x - x.max()).sum(),
        np.array([2.0, 2.0, 2.0, 1.0]),
    )

    def lcse(x):
        out, a = [], x[0]
        for k in range(len(x)):
            if k:
                m = np.where(a > x[k], a, x[k])
                a = m + np.log(np.exp(a - m) + np.exp(x[k] - m))
            out.append(a)
        return np.array(out)

    def lcse_b(g, x):
        y = lcse(x)
        return np.array([(g[k:] * np.exp(x[k] - y[k:])).sum() for k in range(len(x))])

    add(
        "log_cumulative_sum_exp",
        "right",
        "running logsumexp over entries from -700 to 700",
        lcse,
        lcse_b,
        np.array([-700.0, 1.0, 0.5, 700.0, 699.0, 3.0]),
    )
    add(
        "product_of_opposite_relus",
        "right",
        "relu(x) relu(-x) is zero everywhere, kinks and all",
        lambda x: np.maximum(x, 0) * np.maximum(-x, 0),
        lambda g, x: np.zeros_like(x),
        np.array([0.0, 1.0, -2.0]),
    )
    add(
        "pole_second_order_sign",
        "wrong",
        "1/(x-1)^2, 1e-3 from the pole, with the sign of an even power",
        lambda x: (x - 1) ** -2.0,
        lambda g, x: 2 * g * np.abs(x - 1) ** -3.0,
        np.array([1 + 1e-3, 1 - 1e-3, 3.0]),
    )
    add(
        "tiny_inputs_1e_150_factor_two",
        "wrong",
        "inputs of 1e-150, slopes of 1e150, twice too large in one entry",
        lambda x: np.sin(x * 1e150),
        lambda g, x: g * 1e150 * np.cos(x * 1e150) * np.where(np.arange(10) == 4, 2, 1),
        1e-150 * x,
    )
    add(
        "huge_inputs_1e120_factor_two",
        "wrong",
        "f of 1e240, factor 2 missing",
        lambda x: x * x,
        lambda g, x: g * x,
        1e120 * x,
    )
    add(
        "fast_oscillation_phase_off",
        "wrong",
        "sin(1e5 x) with the slope taken 1e-8 further on: 1e-3 radian",
        lambda x: np.sin(1e5 * x),
        lambda g, x: g * 1e5 * np.cos(1e5 * (x + 1e-8)),
        np.array([0.3, 1.1, -0.7]),
    )

    def loop(a, tol):
        z = np.zeros_like(a)
        for _ in range(200):
            y = np.cos(z) * 0.5 + a
            d = np.max(np.abs(y - z))
            z = y
            if d < tol:
                break
        return z

    def loop_b(full):
        return lambda g, a: (lambda z: g / (1 + 0.5 * np.sin(z)) if full else g * (1 - 0.5 * np.sin(z)))(loop(a, 1e-5))

    la = np.array([0.1, 0.5, -0.3])
    add(
        "coarse_loop_right_within_rtol",
        "right",
        "the loop stops at 1e-5, rtol = 1e-4 says so",
        lambda a: loop(a, 1e-5),
        loop_b(True),
        la,
        rtol=1e-4,
    )
    add(
        "coarse_loop_first_order_inverse",
        "wrong",
        "1 - J in place of 1/(1 + J): some per cent off, far above the loop's 1e-4",
        lambda a: loop(a, 1e-5),
        loop_b(False),
        la,
        rtol=1e-4,
    )
