"""Cases of the second exam: geometry, physics, finance, transport."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(17)
    p, q = r.normal(size=4), r.normal(size=4)

    def L(p):
        w, x, y, z = p
        return np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])

    def Rm(q):
        w, x, y, z = q
        return np.array([[w, -x, -y, -z], [x, w, z, -y], [y, -z, w, x], [z, y, -x, w]])

    add(
        "quaternion_product",
        "right",
        "the whole chain is there, nothing is missing",
        lambda p, q: L(p) @ q,
        lambda g, p, q: (Rm(q).T @ g, L(p).T @ g),
        p,
        q,
    )
    add(
        "quaternion_product_taken_as_commutative",
        "wrong",
        "the first factor's gradient uses the matrix of multiplication from the left",
        lambda p, q: L(p) @ q,
        lambda g, p, q: (L(q).T @ g, L(p).T @ g),
        p,
        q,
    )
    a, b = r.normal(size=(4, 3)), r.normal(size=(4, 3))
    add(
        "cross_product_order_in_the_second",
        "wrong",
        "g x a is right for b, a x g is minus it; that of a is right",
        lambda a, b: np.cross(a, b),
        lambda g, a, b: (np.cross(b, g), np.cross(a, g)),
        a,
        b,
    )
    P = r.normal(size=(6, 2)) * 2
    A0, B0 = np.array([-1.0, 0.2]), np.array([1.0, -0.3])

    def seg(P, B):
        d = B - A0
        t = (P - A0) @ d / (d @ d)
        t = np.where(np.real(t) < 0, 0, np.where(np.real(t) > 1, 1, t))
        e = P - A0 - t[:, None] * d
        return np.sqrt((e * e).sum(1))

    def segb(cl):
        def bb(g, P, B):
            d = B - A0
            t = np.clip((P - A0) @ d / (d @ d), 0, 1 if cl else np.inf)
            e = P - A0 - t[:, None] * d
            n = g[:, None] * e / np.sqrt((e * e).sum(1))[:, None]
            return n, -(t[:, None] * n).sum(0)

        return bb

    add(
        "distance_to_a_segment_parameter_detached",
        "right",
        "t may be held constant: it is optimal or clipped (envelope theorem)",
        seg,
        segb(1),
        P,
        B0,
    )
    add(
        "distance_to_a_segment_open_at_its_end",
        "wrong",
        "the backward does not clip t at 1",
        seg,
        segb(0),
        P + np.array([2.0, 0]),
        B0,
    )
    x = np.array([1.2, 0.7, -0.4])
    sph = lambda x: x[0] * np.stack([np.sin(x[1]) * np.cos(x[2]), np.sin(x[1]) * np.sin(x[2]), np.cos(x[1])])
    sphb = lambda k: (
        lambda g, x: np.array(
            [
                (g @ sph(x)) / x[0],
                x[0] * (g[0] * np.cos(x[1]) * np.cos(x[2]) + g[1] * np.cos(x[1]) * np.sin(x[2]) - g[2] * np.sin(x[1])),
                x[0] * (np.sin(x[1]) if k else 1) * (g[1] * np.cos(x[2]) - g[0] * np.sin(x[2])),
            ]
        )
    )
    add("spherical_coordinates", "right", "the whole chain is there, nothing is missing", sph, sphb(1), x)
    add(
        "spherical_coordinates_sine_of_the_polar_angle_lost",
        "wrong",
        "the azimuth's derivative has r for r sin(theta), right on the equator",
        sph,
        sphb(0),
        x,
    )
    H, pts = np.eye(3) + 0.1 * r.normal(size=(3, 3)), r.normal(size=(5, 2))

    def hom(H):
        y = np.c_[pts, np.ones(5)] @ H.T
        return y[:, :2] / y[:, 2:]

    def homb(full):
        def bb(g, H):
            h = np.c_[pts, np.ones(5)]
            y = h @ H.T
            return np.c_[g / y[:, 2:], -full * (g * y[:, :2]).sum(1, keepdims=True) / y[:, 2:] ** 2].T @ h

        return bb

    add("homography", "right", "the whole chain is there, nothing is missing", hom, homb(1), H)
    add("homography_last_row_held", "wrong", "no gradient for the third row", hom, homb(0), H)
    box = 3.0
    X = r.uniform(0, 3, (5, 3))
    one, other = np.triu_indices(5, 1)

    def mi(X):
        d = X[one] - X[other]
        d = d - box * np.round(np.real(d) / box)
        return (1 / (d * d).sum(1)).sum()

    def mib(wrap):
        def bb(g, X):
            d = X[one] - X[other]
            if wrap:
                d = d - box * np.round(d / box)
            f = -2 * d / (d * d).sum(1, keepdims=True) ** 2
            o = np.zeros_like(X)
            np.add.at(o, one, g * f)
            np.add.at(o, other, -g * f)
            return o

        return bb

    add("minimum_image_energy", "right", "periodic box, no pair at half the box", mi, mib(1), X)
    add(
        "minimum_image_forgotten_in_the_forces",
        "wrong",
        "the forces come from the plain distances: pairs across the border are wrong",
        mi,
        mib(0),
        X,
    )
    S, Km, n = np.array([0.2, 1.0, 4.0]), np.array(0.9), np.array(2.3)
    hill = lambda S, K, n: S**n / (K**n + S**n)

    def hillb(ok):
        def bb(g, S, K, n):
            y = hill(S, K, n)
            w = g * y * (1 - y)
            return w * n / S, -(w * n / K).sum(), (w * (np.log(S / K) if ok else np.log(S))).sum()

        return bb

    add("hill_kinetics", "right", "the whole chain is there, nothing is missing", hill, hillb(1), S, Km, n)
    add(
        "hill_exponent_acts_on_the_constant_too",
        "wrong",
        "log S for log(S / K): K^n depends on n too",
        hill,
        hillb(0),
        S,
        Km,
        n,
    )
    T = np.array([300.0, 5800.0])
    pl = lambda T: 1e-20 / np.expm1(1.4388e-2 / (5e-7 * T))
    add(
        "planck_law",
        "right",
        "exponents from 5 to 96, values from 1e-22 to 1e-62",
        pl,
        lambda g, T: (
            g
            * 1e-20
            * (1.4388e-2 / 5e-7)
            / T**2
            * np.exp(1.4388e-2 / (5e-7 * T))
            / np.expm1(1.4388e-2 / (5e-7 * T)) ** 2
        ),
        T,
    )
    add(
        "planck_law_in_wiens_limit",
        "wrong",
        "the backward has Wien's exp(-x): right to 1e-41 for the cold entry, wrong by 1e-2 for the hot one",
        pl,
        lambda g, T: g * 1e-20 * (1.4388e-2 / 5e-7) / T**2 * np.exp(-1.4388e-2 / (5e-7 * T)),
        T,
    )
    v = np.array([0.5, 0.999999, 1e-6])
    add(
        "lorentz_factor_minus_one",
        "right",
        "gamma - 1, near the speed of light and near rest",
        lambda v: v * v / (np.sqrt(1 - v * v) * (1 + np.sqrt(1 - v * v))),
        lambda g, v: g * v / (1 - v * v) ** 1.5,
        v,
    )
    cf = np.array([-100.0, 20, 30, 40, 35])
    tt = np.arange(5)

    def irr(c):
        y = np.array(0.08, dtype=c.dtype)
        for _ in range(30):
            y = y - (c * (1 + y) ** -tt).sum() / (-tt * c * (1 + y) ** (-tt - 1.0)).sum()
        return y

    def irrb(s):
        return lambda g, c: s * g * (1 + irr(c)) ** -tt / (tt * c * (1 + irr(c)) ** (-tt - 1.0)).sum()

    add("internal_rate_of_return", "right", "implicit", irr, irrb(1), cf)
    add(
        "internal_rate_of_return_sign",
        "wrong",
        "the minus of the implicit function theorem and that of the duration are both there: one too many",
        irr,
        irrb(-1),
        cf,
    )
    be = np.array([3.0, -1.5, 2.0, 1.8])
    mat = np.array([0.25, 1, 3, 7, 20])

    def ns(b):
        z = mat / b[3]
        h = -np.expm1(-z) / z
        return b[0] + b[1] * h + b[2] * (h - np.exp(-z))

    def nsb(k):
        def bb(g, b):
            z = mat / b[3]
            h, e = -np.expm1(-z) / z, np.exp(-z)
            dh = (e - h) / z
            return np.array(
                [
                    g.sum(),
                    (g * h).sum(),
                    (g * (h - e)).sum(),
                    (g * -(z / b[3]) * ((b[1] + b[2]) * dh + k * b[2] * e)).sum(),
                ]
            )

        return bb

    add("nelson_siegel_curve", "right", "the whole chain is there, nothing is missing", ns, nsb(1), be)
    add(
        "nelson_siegel_decay_of_the_hump_incomplete",
        "wrong",
        "the hump's own exponential is held in the gradient of the decay time",
        ns,
        nsb(0),
        be,
    )
    w = r.uniform(0.1, 0.5, 4)
    C = np.cov(r.normal(size=(4, 30)))
    rc = lambda w: w * (C @ w) / np.sqrt(w @ C @ w)

    def rcb(full):
        def bb(g, w):
            s, m = np.sqrt(w @ C @ w), C @ w
            return g * m / s + C @ (g * w) / s - full * (g * w * m).sum() * m / s**3

        return bb

    add("risk_contributions", "right", "the whole chain is there, nothing is missing", rc, rcb(1), w)
    add(
        "risk_contributions_total_held", "wrong", "the portfolio's volatility in the denominator is held", rc, rcb(0), w
    )
    A, B = r.normal(size=(6, 2)), r.normal(size=(6, 2))
    th = np.stack([np.cos(np.arange(5)), np.sin(np.arange(5))])
    sw = lambda A: ((np.sort(A @ th, 0) - np.sort(B @ th, 0)) ** 2).sum()

    def swb(ok):
        def bb(g, A):
            a = A @ th
            k = np.argsort(a, 0)
            D = 2 * g * (np.sort(a, 0) - np.sort(B @ th, 0))
            o = np.zeros_like(a)
            if ok:
                np.put_along_axis(o, k, D, 0)
            else:
                o = np.take_along_axis(D, k, 0)
            return o @ th.T

        return bb

    add("sliced_wasserstein", "right", "no ties in any of five directions", sw, swb(1), A)
    add(
        "sliced_wasserstein_sorted_twice",
        "wrong",
        "the gradient is sorted with the permutation, not put back by it",
        sw,
        swb(0),
        A,
    )
    seg_ids = np.array([0, 1, 1, 0, 2, 1])
    vals = np.array([1.5, -2.0, 0.5, 3.0, 1.2, -0.7])

    def sprod(v):
        o = np.ones(4, v.dtype)
        np.multiply.at(o, seg_ids, v)
        return o

    add(
        "segment_product",
        "right",
        "an empty segment is 1, no zero among the values",
        sprod,
        lambda g, v: (g * sprod(v))[seg_ids] / v,
        vals,
    )
    add(
        "segment_product_gradient_of_the_mean",
        "wrong",
        "divided by the segment's length as well",
        sprod,
        lambda g, v: (g * sprod(v) / np.maximum(np.bincount(seg_ids, minlength=4), 1))[seg_ids] / v,
        vals,
    )

    rows, cols = np.array([0, 0, 1, 2, 0]), np.array([1, 2, 0, 2, 1])
    d, x = r.normal(size=5), r.normal(size=3)

    def coo(d, x):
        o = np.zeros(3, np.result_type(d, x))
        np.add.at(o, rows, d * x[cols])
        return o

    def coob(dup):
        def bb(g, d, x):
            o = np.zeros(3)
            np.add.at(o, cols, d * g[rows])
            k = g[rows] * x[cols]
            if dup:
                k[4] = 0
            return k, o

        return bb

    add(
        "coo_matrix_with_a_duplicate_coordinate",
        "right",
        "duplicates add up, each has the full gradient",
        coo,
        coob(0),
        d,
        x,
    )
    add(
        "coo_matrix_duplicate_coalesced",
        "wrong",
        "the second of two equal coordinates has no gradient, as after coalescing",
        coo,
        coob(1),
        d,
        x,
    )
    K = r.normal(size=(3, 3))
    add(
        "input_used_twice_as_factor_and_argument",
        "wrong",
        "x appears as the factor and inside the sine: the factor's part is missing on entries below zero only (a mask of another branch)",
        lambda x: x * np.sin(3 * x),
        lambda g, x: g * (np.where(x > 0, np.sin(3 * x), 0) + 3 * x * np.cos(3 * x)),
        K,
    )
    add(
        "float64_weights_kept_in_float16",
        "wrong",
        "the backward reads weights stored in half precision: wrong by 2e-4",
        lambda x: x @ K,
        lambda g, x: g @ K.T.astype(np.float16).astype(float),
        r.normal(size=(2, 3)),
    )
    f32 = lambda *s: np.float32(r.normal(size=s))
    add(
        "float32_softmax_cross_entropy",
        "right",
        "single precision",
        lambda x: np.log(np.exp(x).sum(1)) - x[:, 0],
        lambda g, x: (g[:, None] * (np.exp(x) / np.exp(x).sum(1, keepdims=True) - np.eye(5, dtype=x.dtype)[0])).astype(
            x.dtype
        ),
        f32(3, 5),
        rtol=1e-6,
    )
    add(
        "float32_convolution_one_tap_lost",
        "wrong",
        "single precision, the last tap does not reach the kernel's gradient",
        lambda x, k: np.convolve(x, k, "valid"),
        lambda g, x, k: (
            np.convolve(g, k[::-1]).astype(x.dtype),
            (np.convolve(x, g[::-1], "valid")[::-1] * np.array([1, 1, 0], x.dtype)).astype(x.dtype),
        ),
        f32(12),
        f32(3),
    )
    add(
        "float32_mixed_input",
        "right",
        "float32 weights, float64 data",
        lambda w, x: x @ w.astype(w.dtype if w.dtype.kind == "c" else np.float64),
        lambda g, w, x: ((x.T @ g).astype(w.dtype), np.outer(g, w).astype(float)),
        f32(4),
        r.normal(size=(3, 4)),
        rtol=1e-6,
    )
    add(
        "ten_thousand_entries_weighted_logsumexp",
        "right",
        "the whole chain is there, nothing is missing",
        lambda x: np.log(np.exp(x).mean()),
        lambda g, x: g * np.exp(x) / np.exp(x).sum(),
        r.normal(size=10000),
    )
    add(
        "ten_thousand_entries_every_hundredth_skipped",
        "wrong",
        "a block of threads covers 99 of 100 entries of the map",
        lambda x: np.arctan(x),
        lambda g, x: g / (1 + x * x) * (np.arange(10000) % 100 != 99),
        r.normal(size=10000),
    )
