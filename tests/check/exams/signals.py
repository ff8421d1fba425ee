"""Cases of the exam: signal, interpolation, quadrature, transport, finance."""

import numpy as np

from tests.check.exams.case import R, add, sp


def cases():
    r = R(6)
    x = r.normal(size=16)

    def power(x):
        z = np.fft.fft(x)[: len(x) // 2 + 1]
        return z.real**2 + z.imag**2

    def dft(x):
        n = len(x)
        k = np.arange(n // 2 + 1)[:, None] * np.arange(n)[None] * (2 * np.pi / n)
        return np.cos(k) @ x, -(np.sin(k) @ x)

    def pw(x):
        a, b = dft(x)
        return a * a + b * b

    def pw_b(bad):
        def bk(g, x):
            z = np.fft.rfft(x) * 2 * g
            if bad:
                return np.fft.irfft(z, len(x)) * len(x)
            z = z / 2
            z[0] *= 2
            z[-1] *= 2
            return np.fft.irfft(z, len(x)) * len(x)

        return bk

    add(
        "power_spectrum_irfft_doubles_inner_bins",
        "wrong",
        "irfft mirrors the inner bins: they count twice, DC and Nyquist once",
        pw,
        pw_b(True),
        x,
    )
    add(
        "power_spectrum_through_rfft",
        "right",
        "inner bins halved before irfft",
        lambda x: (lambda z: z.real**2 + z.imag**2)(np.fft.rfft(x)),
        pw_b(False),
        x,
    )

    def ir(a, b):
        return np.fft.irfft(a + 1j * b, 16)

    def ir_b(bad):
        def bk(g, a, b):
            z = np.fft.rfft(g) / 16
            w = np.full(9, 2.0)
            w[[0, -1]] = 1
            if bad:
                w[:] = 1
            return w * z.real, np.where((np.arange(9) % 8) == 0, 0, w * z.imag)

        return bk

    add(
        "irfft_inner_bins_once",
        "wrong",
        "the inner bins stand for two conjugate ones: factor 2 missing, right at DC and Nyquist",
        ir,
        ir_b(True),
        r.normal(size=9),
        r.normal(size=9),
    )
    add(
        "irfft_imaginary_of_dc_unread",
        "right",
        "the imaginary parts of DC and Nyquist are ignored by irfft: gradient zero",
        ir,
        ir_b(False),
        r.normal(size=9),
        r.normal(size=9),
    )
    H = np.fft.rfft(np.array([0.5, 0.3, -0.2] + [0.0] * 13))
    add(
        "fft_filter_response_not_conjugated",
        "wrong",
        "the backward must filter with conj(H): the time-reversed kernel",
        lambda x: np.fft.irfft(np.fft.rfft(x) * H, 16),
        lambda g, x: np.fft.irfft(np.fft.rfft(g) * H, 16),
        x,
    )
    add(
        "fft_filter",
        "right",
        "with conj(H)",
        lambda x: np.fft.irfft(np.fft.rfft(x) * H, 16),
        lambda g, x: np.fft.irfft(np.fft.rfft(g) * H.conj(), 16),
        x,
    )

    def rlc(R_, L, C, w=2000.0):
        z = R_ + 1j * (w * L - 1 / (w * C))
        return np.abs(z)

    def rlc_b(g, R_, L, C, w=2000.0):
        X = w * L - 1 / (w * C)
        Z = np.hypot(R_, X)
        return np.array(g * R_ / Z), np.array(g * X / Z * w), np.array(g * X / Z / (w * C * C))

    add(
        "rlc_impedance_modulus",
        "right",
        "a modulus of a complex intermediate; inputs of 50, 1e-2 and 1e-6, gradients of 1 and 1e8",
        rlc,
        rlc_b,
        np.array(50.0),
        np.array(1e-2),
        np.array(1e-6),
    )

    xp, fp = np.array([0.0, 1.0, 2.5, 3.0, 4.0]), np.array([1.0, -1.0, 0.5, 2.0, 1.0])

    def lin(x, fp, lo=0, hi=3):
        i = np.clip(np.searchsorted(xp, np.asarray(x).astype(float), side="right") - 1, 0, 3)
        t = (x - xp[i]) / (xp[i + 1] - xp[i])
        return (1 - t) * fp[i] + t * fp[i + 1]

    def lin_b(kind):
        def b(g, x, fp):
            i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, 2 if kind == "last" else 3)
            t = (x - xp[i]) / (xp[i + 1] - xp[i])
            d = np.zeros_like(fp)
            np.add.at(d, i, g * (t if kind == "swap" else 1 - t))
            np.add.at(d, i + 1, g * (1 - t if kind == "swap" else t))
            return g * (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i]), d

        return b

    xq = np.array([0.2, 1.7, 2.6, 3.3, 3.9, 0.8])
    add(
        "interpolation_weights_swapped",
        "wrong",
        "the values' gradients take t and 1-t the wrong way round; that by x is right",
        lin,
        lin_b("swap"),
        xq,
        fp,
    )
    add(
        "interpolation_last_interval_lost",
        "wrong",
        "the index is clipped one too low: wrong in the last interval only",
        lin,
        lin_b("last"),
        xq,
        fp,
    )
    add("interpolation", "right", "piecewise linear, away from knots", lin, lin_b(""), xq, fp)
    add(
        "interpolation_at_a_knot",
        "right",
        "one query sits on a knot: the slope of the right interval",
        lin,
        lin_b(""),
        np.array([0.2, 1.0, 3.5]),
        fp,
    )

    img = r.normal(size=(5, 5))

    def bil(img, u):
        p = (u + 1) * 2
        i = np.clip(np.floor(p.real).astype(int), 0, 3)
        t = p - i
        a, b = i[0], i[1]
        return (1 - t[0]) * ((1 - t[1]) * img[a, b] + t[1] * img[a, b + 1]) + t[0] * (
            (1 - t[1]) * img[a + 1, b] + t[1] * img[a + 1, b + 1]
        )

    def bil_b(sc):
        def bk(g, img, u):
            p = (u + 1) * 2
            i = np.clip(np.floor(p).astype(int), 0, 3)
            t = p - i
            a, b = i
            d = np.zeros_like(img)
            for da, wa in ((0, 1 - t[0]), (1, t[0])):
                for db, wb in ((0, 1 - t[1]), (1, t[1])):
                    np.add.at(d, (a + da, b + db), g * wa * wb)
            d0 = (1 - t[1]) * (img[a + 1, b] - img[a, b]) + t[1] * (img[a + 1, b + 1] - img[a, b + 1])
            d1 = (1 - t[0]) * (img[a, b + 1] - img[a, b]) + t[0] * (img[a + 1, b + 1] - img[a + 1, b])
            return d, np.stack([g * d0, g * d1]) * sc

        return bk

    uu = 1.8 * r.random(size=(2, 6)) - 0.9
    add(
        "grid_sample_half_pixel_scale",
        "wrong",
        "the grid's scale is (n-1)/2 with aligned corners, n/2 taken: 25%, in the second input only",
        bil,
        bil_b(2.5),
        img,
        uu,
    )
    add("grid_sample_bilinear", "right", "aligned corners", bil, bil_b(2.0), img, uu)

    M = np.zeros((7, 7))
    M[0, 0] = M[6, 6] = 1
    for i in range(1, 6):
        M[i, i - 1 : i + 2] = 1, 4, 1
    D2 = np.zeros((7, 7))
    for i in range(1, 6):
        D2[i, i - 1 : i + 2] = 6, -12, 6
    B = np.linalg.solve(M, D2)
    tq = np.array([0.3, 1.9, 3.5, 5.25])
    ii = tq.astype(int)
    tt = tq - ii
    E = np.zeros((4, 7))
    E[np.arange(4), ii] = 1 - tt
    E[np.arange(4), ii + 1] = tt
    K = np.zeros((4, 7))
    K[np.arange(4), ii] = ((1 - tt) ** 3 - (1 - tt)) / 6
    K[np.arange(4), ii + 1] = (tt**3 - tt) / 6
    add(
        "natural_spline_second_derivatives_held",
        "wrong",
        "the second derivatives at the knots depend on the values too",
        lambda y: E @ y + K @ (B @ y),
        lambda g, y: E.T @ g,
        r.normal(size=7),
    )
    add(
        "natural_spline",
        "right",
        "linear in the values, dense through the tridiagonal solve",
        lambda y: E @ y + K @ (B @ y),
        lambda g, y: E.T @ g + B.T @ (K.T @ g),
        r.normal(size=7),
    )

    def quad(b, c, n=16):
        s = np.linspace(0, 1, n + 1)
        w = np.full(n + 1, 1 / n)
        w[[0, -1]] /= 2
        return b * (w * np.exp(-c * (b * s) ** 2)).sum()

    def quad_b(cont):
        def bk(g, b, c, n=16):
            s = np.linspace(0, 1, n + 1)
            w = np.full(n + 1, 1 / n)
            w[[0, -1]] /= 2
            e = np.exp(-c * (b * s) ** 2)
            db = np.exp(-c * b * b) if cont else (w * e).sum() + b * (w * e * -2 * c * b * s * s).sum()
            return np.array(g * db), np.array(g * b * (w * e * -((b * s) ** 2)).sum())

        return bk

    add(
        "trapezoid_upper_limit_by_leibniz",
        "wrong",
        "f is the trapezoid sum, the backward the integrand at the limit: off by the rule's error",
        quad,
        quad_b(True),
        np.array(1.3),
        np.array(0.8),
    )
    add("trapezoid_exact", "right", "the derivative of the sum", quad, quad_b(False), np.array(1.3), np.array(0.8))
    add(
        "backward_by_crude_differences",
        "wrong",
        "the backward is itself a forward difference with h = 1e-3",
        lambda x: np.exp(np.sin(2 * x)),
        lambda g, x: g * (np.exp(np.sin(2 * (x + 1e-3))) - np.exp(np.sin(2 * x))) / 1e-3,
        x,
    )
    add(
        "saved_activation_in_float16",
        "wrong",
        "tanh kept as float16 for the backward: about 3e-4 off",
        lambda x: np.tanh(x),
        lambda g, x: g * (1 - np.tanh(x).astype(np.float16).astype(float) ** 2),
        x,
    )

    # optimal transport
    C = r.random(size=(5, 6))
    a, b = np.full(5, 0.2), np.full(6, 1 / 6)

    def sink(C, eps=0.5, it=60):
        K = np.exp(-C / eps)
        u = np.ones(5)
        for _ in range(it):
            v = b / (K.T @ u)
            u = a / (K @ v)
        return u, v, u[:, None] * K * v[None]

    def ot_dual(C):
        u, v, _P = sink(C)
        return 0.5 * ((a * np.log(u)).sum() + (b * np.log(v)).sum())

    add(
        "sinkhorn_cost_by_envelope_theorem",
        "wrong",
        "<P, C> without the entropy is not the minimised value: P is not its gradient",
        lambda C: (sink(C)[2] * C).sum(),
        lambda g, C: g * sink(C)[2],
        C,
    )
    add(
        "sinkhorn_dual_value",
        "right",
        "the dual value: its gradient is the plan",
        ot_dual,
        lambda g, C: g * sink(C)[2],
        C,
        rtol=1e-9,
    )

    def w1(x, y):
        return np.abs(np.sort(x) - np.sort(y)).mean()

    def w1_b(g, x, y):
        i, j = np.argsort(x), np.argsort(y)
        s = np.sign(x[i] - y[j]) / len(x)
        dx, dy = np.zeros_like(x), np.zeros_like(y)
        dx[i], dy[j] = g * s, -g * s
        return dx, dy

    add("wasserstein_one_sorted", "right", "sorted matching", w1, w1_b, r.normal(size=40), r.normal(size=40) + 0.5)

    def cham(x, y):
        d = ((x[:, None] - y[None]) ** 2).sum(-1)
        return d.min(1).sum() + d.min(0).sum()

    def cham_b(both):
        def bk(g, x, y):
            d = ((x[:, None] - y[None]) ** 2).sum(-1)
            j, i = d.argmin(1), d.argmin(0)
            dx, dy = 2 * (x - y[j]), np.zeros_like(y)
            np.add.at(dy, j, -2 * (x - y[j]))
            dy += 2 * (y - x[i])
            if both:
                np.add.at(dx, i, -2 * (y - x[i]))
            return g * dx, g * dy

        return bk

    pa = (r.normal(size=(6, 2)), r.normal(size=(7, 2)))
    add(
        "chamfer_one_direction_for_first",
        "wrong",
        "dx lacks the points of y whose nearest it is; dy is complete",
        cham,
        cham_b(False),
        *pa,
    )
    add("chamfer", "right", "both directions for both", cham, cham_b(True), *pa)

    # finance
    N = sp.ndtr
    pdf = lambda x: np.exp(-x * x / 2) / np.sqrt(2 * np.pi)

    def put(S, K, T, rr, s):
        d1 = (np.log(S / K) + (rr + s * s / 2) * T) / (s * np.sqrt(T))
        d2 = d1 - s * np.sqrt(T)
        return K * np.exp(-rr * T) * N(-d2) - S * N(-d1)

    def put_b(kind):
        def bk(g, S, K, T, rr, s):
            d1 = (np.log(S / K) + (rr + s * s / 2) * T) / (s * np.sqrt(T))
            d2 = d1 - s * np.sqrt(T)
            df = np.exp(-rr * T)
            delta = N(d1) if kind == "delta" else -N(-d1)
            vega = S * pdf(d1) * np.sqrt(T) / (100 if kind == "vega" else 1)
            theta = S * pdf(d1) * s / (2 * np.sqrt(T)) - rr * K * df * N(-d2)
            return tuple(np.array(g * t) for t in (delta, df * N(-d2), theta, -K * T * df * N(-d2), vega))

        return bk

    opt = tuple(np.array(t) for t in (95.0, 100.0, 0.75, 0.03, 0.25))
    add(
        "put_option_delta_of_the_call",
        "wrong",
        "N(d1) is the call's delta, one of five inputs",
        put,
        put_b("delta"),
        *opt,
    )
    add(
        "put_option_vega_per_point",
        "wrong",
        "vega as quoted, per 1% of volatility: hundred times too small",
        put,
        put_b("vega"),
        *opt,
    )
    add("put_option_all_greeks", "right", "five inputs", put, put_b(""), *opt)
    add(
        "put_option_far_out_of_the_money",
        "right",
        "a price below 1e-10 and slopes as small",
        put,
        put_b(""),
        *(np.array(t) for t in (200.0, 100.0, 0.25, 0.03, 0.2)),
    )

    cf, tm = np.array([5.0, 5, 5, 5, 105]), np.arange(1.0, 6)
    bond = lambda y: (cf * (1 + y) ** -tm).sum()
    add(
        "bond_price_macaulay_for_modified_duration",
        "wrong",
        "Macaulay duration lacks the 1/(1+y)",
        bond,
        lambda g, y: np.array(-g * (tm * cf * (1 + y) ** -tm).sum()),
        np.array(0.02),
    )

    def amer(S):
        u, p, df = 1.04, 0.49, 0.999
        V = np.maximum(100 - S * u ** (2.0 * np.arange(13) - 12), 0)
        for n in range(11, -1, -1):
            V = np.maximum(df * (p * V[1:] + (1 - p) * V[:-1]), 100 - S * u ** (2.0 * np.arange(n + 1) - n))
        return V[0]

    def amer_b(g, S):
        u, p, df = 1.04, 0.49, 0.999
        X = S * u ** (2.0 * np.arange(13) - 12)
        V, D = np.maximum(100 - X, 0), np.where(X < 100, -X / S, 0)
        for n in range(11, -1, -1):
            X = S * u ** (2.0 * np.arange(n + 1) - n)
            c = df * (p * V[1:] + (1 - p) * V[:-1])
            ex = c < 100 - X
            V, D = np.where(ex, 100 - X, c), np.where(ex, -X / S, df * (p * D[1:] + (1 - p) * D[:-1]))
        return np.array(g * D[0])

    add("american_put_binomial_tree", "right", "maxima at every node; none is tied", amer, amer_b, np.array(97.3))
    pnl = r.normal(size=(50, 3))

    def cvar_b(bad):
        return lambda g, w: -g * pnl[np.argsort(pnl @ w)[:5]].sum(0) / (50 if bad else 5)

    add(
        "expected_shortfall_divided_by_sample",
        "wrong",
        "the mean of the worst five divided by fifty",
        lambda w: -np.sort(pnl @ w)[:5].mean(),
        cvar_b(True),
        np.array([0.5, 0.2, 0.3]),
    )
    add(
        "expected_shortfall",
        "right",
        "mean of the worst five",
        lambda w: -np.sort(pnl @ w)[:5].mean(),
        cvar_b(False),
        np.array([0.5, 0.2, 0.3]),
    )
