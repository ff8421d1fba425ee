"""Cases of the second exam: signals, interpolation, sorting."""

import numpy as np

from tests.check.exams.case import R, add, sfft, sig, ssg


def cases():
    r = R(16)
    x = r.normal(size=16)
    add(
        "dct_two",
        "right",
        "the adjoint of the unnormalised DCT-II",
        lambda x: sfft.dct(x),
        lambda g, x: 2 * np.cos(np.pi * np.outer(2 * np.arange(16) + 1, np.arange(16)) / 32) @ g,
        x,
    )
    add(
        "dct_two_adjoint_by_inverse",
        "wrong",
        "2N times the inverse: right for all coefficients but the first, whose norm is another",
        lambda x: sfft.dct(x),
        lambda g, x: 32 * sfft.idct(g),
        x,
    )
    win = np.hanning(9)[:8] + 0.1

    def stft(x):
        F = np.fft.rfft(np.stack([x[k : k + 8] * win for k in range(0, 9, 4)]))
        return F.real**2 + F.imag**2

    def stftb(w):
        def b(g, x):
            o = np.zeros(16)
            for n, k in enumerate(range(0, 9, 4)):
                q = 2 * g[n] * np.fft.rfft(x[k : k + 8] * win)
                full = np.concatenate([q, np.zeros(3)])
                o[k : k + 8] += np.fft.ifft(full).real * 8 * (win if w else 1)
            return o

        return b

    add("spectrogram", "right", "overlapping frames, window in both passes", stft, stftb(1), x)
    add("spectrogram_window_lost_in_the_backward", "wrong", "the frames are added up unwindowed", stft, stftb(0), x)
    bb, aa = np.array([0.3, 0.2, 0.1]), np.array([1.0, -0.5, 0.25])
    add(
        "biquad_filter",
        "right",
        "the adjoint filters backwards in time",
        lambda x: ssg.lfilter(bb, aa, x),
        lambda g, x: ssg.lfilter(bb, aa, g[::-1])[::-1],
        x,
    )
    add(
        "biquad_filter_backward_runs_forwards",
        "wrong",
        "g is filtered forwards in time",
        lambda x: ssg.lfilter(bb, aa, x),
        lambda g, x: ssg.lfilter(bb, aa, g),
        x,
    )
    add(
        "autocorrelation_one_of_two_terms",
        "wrong",
        "x occurs twice: the term of the lagging factor is missing, lag 0 is halved",
        lambda x: np.array([(x[: 16 - k] * x[k:]).sum() for k in range(5)]),
        lambda g, x: sum(g[k] * np.r_[x[k:], np.zeros(k)] for k in range(5)),
        x,
    )
    add(
        "autocorrelation",
        "right",
        "the whole chain is there, nothing is missing",
        lambda x: np.array([(x[: 16 - k] * x[k:]).sum() for k in range(5)]),
        lambda g, x: sum(g[k] * (np.r_[x[k:], np.zeros(k)] + np.r_[np.zeros(k), x[: 16 - k]]) for k in range(5)),
        x,
    )
    env = lambda x: np.abs(ssg.hilbert(x))
    add(
        "hilbert_envelope",
        "right",
        "modulus of the analytic signal; the Hilbert transform is antisymmetric",
        env,
        lambda g, x: g * x / env(x) - ssg.hilbert(g * ssg.hilbert(x).imag / env(x)).imag,
        x,
    )
    add(
        "hilbert_envelope_transform_taken_as_symmetric",
        "wrong",
        "the adjoint of the Hilbert transform is minus itself",
        env,
        lambda g, x: g * x / env(x) + ssg.hilbert(g * ssg.hilbert(x).imag / env(x)).imag,
        x,
    )

    def haar(x):
        o, a = [], x
        while a.size > 1:
            o.append((a[0::2] - a[1::2]) / np.sqrt(2))
            a = (a[0::2] + a[1::2]) / np.sqrt(2)
        return np.concatenate([*o, a])

    def haarb(last):
        def b(g, x):
            n, a, e = 1, g[-1:], g.size - 1
            while n < x.size:
                d = g[e - n : e] * (last if n == 8 else 1)
                e -= n
                z = np.empty(2 * n)
                z[0::2], z[1::2] = (a + d) / np.sqrt(2), (a - d) / np.sqrt(2)
                a, n = z, 2 * n
            return a

        return b

    add("haar_wavelet", "right", "the whole chain is there, nothing is missing", haar, haarb(1), x)
    add(
        "haar_wavelet_finest_details_reversed",
        "wrong",
        "the sign of the finest details is that of the other convention",
        haar,
        haarb(-1),
        x,
    )
    c = np.array([0.3, -1.0, 0.8, 0.1, 2.0, 1.5, 2.5, 0.0])
    add(
        "running_maximum",
        "right",
        "cummax, no ties",
        lambda c: np.maximum.accumulate(c),
        lambda g, c: np.bincount([0, 0, 2, 2, 4, 4, 6, 6], g, 8),
        c,
    )
    add(
        "running_maximum_gradient_stays_in_place",
        "wrong",
        "the plateaus of the running maximum give their gradient to the entry itself, not to the last record",
        lambda c: np.maximum.accumulate(c),
        lambda g, c: g * 1.0,
        c,
    )
    ph = np.cumsum(r.uniform(-1.5, 2.5, 20))
    add(
        "unwrapped_phase",
        "right",
        "wrap then unwrap: locally the identity",
        lambda p: np.unwrap(np.angle(np.exp(1j * p))),
        lambda g, p: g * 1.0,
        ph,
    )
    xs, ys, t = np.array([0.0, 0.7, 1.5, 2.2, 3]), r.normal(size=5), np.array([0.1, 1.1, 1.5 + 1e-7, 2.9])
    wts = np.array([1 / np.prod([xs[j] - xs[k] for k in range(5) if k != j]) for j in range(5)])

    def bary(t):
        q = wts / (t[:, None] - xs)
        return (q * ys).sum(1) / q.sum(1)

    def polyd(g, t):
        P = np.polynomial.polynomial.Polynomial(np.linalg.solve(np.vander(xs, increasing=True), ys))
        return g * P.deriv()(t)

    add(
        "barycentric_interpolation_1e_7_from_a_node",
        "right",
        "a removable 0/0 next to one of the points",
        bary,
        polyd,
        t,
        rtol=1e-8,
    )
    v = r.normal(size=7)
    s = np.array([0.3, 2.5, 5.8])

    def cat(v):  # Catmull-Rom, ends clamped
        k = np.floor(s).astype(int)
        u = s - k
        p = [v[np.clip(k + d, 0, 6)] for d in (-1, 0, 1, 2)]
        return 0.5 * (
            2 * p[1]
            + u * (p[2] - p[0])
            + u**2 * (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3])
            + u**3 * (3 * p[1] - p[0] - 3 * p[2] + p[3])
        )

    def catb(drop):
        def b(g, v):
            k = np.floor(s).astype(int)
            u, o = s - k, np.zeros(7)
            w = [
                0.5 * (-u + 2 * u**2 - u**3),
                0.5 * (2 - 5 * u**2 + 3 * u**3),
                0.5 * (u + 4 * u**2 - 3 * u**3),
                0.5 * (u**3 - u**2),
            ]
            for d in range(4):
                i = k + d - 1
                m = (i >= 0) & (i < 7) if drop else i > -9
                np.add.at(o, np.clip(i, 0, 6)[m], (g * w[d])[m])
            return o

        return b

    add("catmull_rom_clamped_ends", "right", "the whole chain is there, nothing is missing", cat, catb(0), v)
    add(
        "catmull_rom_weights_beyond_the_ends_dropped",
        "wrong",
        "f clamps indices beyond the ends, the backward drops them",
        cat,
        catb(1),
        v,
    )
    y, X, T = r.normal(size=5), np.array([0.0, 0.9, 1.7, 3.1, 4.2]), np.array([0.5, 2.2, 4.0])
    rbf = lambda X, y: np.exp(-((T[:, None] - X) ** 2)) @ np.linalg.solve(np.exp(-((X[:, None] - X) ** 2)), y)

    def rbfb(k):
        def b(g, X, y):
            K, Kt = np.exp(-((X[:, None] - X) ** 2)), np.exp(-((T[:, None] - X) ** 2))
            w, z = np.linalg.solve(K, y), np.linalg.solve(K, Kt.T @ g)
            D = np.outer(z, w) * K * -2 * (X[:, None] - X)
            return (np.outer(g, w) * Kt * 2 * (T[:, None] - X)).sum(0) - k * (D.sum(1) - D.sum(0)), z

        return b

    add("radial_basis_interpolation", "right", "nodes move in both kernels", rbf, rbfb(1), X, y)
    add("radial_basis_interpolation_weights_held", "wrong", "the weights depend on the nodes too", rbf, rbfb(0), X, y)
    x = r.normal(size=11) * 3
    qs = np.array([0.1, 0.37, 0.9])

    def qb(sw):
        def b(g, x):
            o, a = np.zeros(11), np.argsort(x)
            for q, gi in zip(qs, g, strict=True):
                k = int(q * 10)
                w = q * 10 - k
                o[a[k]] += gi * (w if sw else 1 - w)
                o[a[k + 1]] += gi * (1 - w if sw else w)
            return o

        return b

    qf = lambda x: np.stack(
        [
            np.sort(x)[int(q * 10)] * (1 - (q * 10 - int(q * 10)))
            + np.sort(x)[min(int(q * 10) + 1, 10)] * (q * 10 - int(q * 10))
            for q in qs
        ]
    )
    add("quantiles_interpolated", "right", "the whole chain is there, nothing is missing", qf, qb(0), x)
    add("quantile_weights_swapped", "wrong", "the lower neighbour gets the fraction", qf, qb(1), x)
    p = r.uniform(1, 9, 12)
    gini = lambda p: (np.sort(p) * (2 * np.arange(1, 13) - 13)).sum() / (12 * p.sum())

    def ginib(bad):
        def b(g, p):
            k = np.argsort(p) if bad else np.argsort(np.argsort(p))
            return g * ((2 * k + 2 - 13) / (12 * p.sum()) - gini(p) / p.sum())

        return b

    add("gini_coefficient", "right", "the whole chain is there, nothing is missing", gini, ginib(0), p)
    add(
        "gini_argsort_taken_for_the_rank",
        "wrong",
        "argsort instead of its inverse: the same for sorted data",
        gini,
        ginib(1),
        p,
    )
    x = np.sort(r.normal(size=10)) + np.array([0, 1e-9, 0, 0, 0, 0, 0, 0, 0, 0])
    tm = lambda x: np.sort(x)[2:-2].mean()
    add(
        "trimmed_mean",
        "right",
        "the trimmed entries have zero gradient",
        tm,
        lambda g, x: g * (np.abs(np.argsort(np.argsort(x)) - 4.5) < 3) / 6,
        r.permutation(x),
    )
    s = r.normal(size=6)
    rk = lambda s: sig((s[:, None] - s) / 0.3).sum(1)

    def rkb(full):
        def b(g, s):
            D = sig((s[:, None] - s) / 0.3) * sig(-(s[:, None] - s) / 0.3) / 0.3
            return g * D.sum(1) - full * D.T @ g

        return b

    add("soft_rank", "right", "the whole chain is there, nothing is missing", rk, rkb(1), s)
    add("soft_rank_others_held", "wrong", "an entry's effect on the ranks of the others is missing", rk, rkb(0), s)
    ret = r.normal(size=20) * 0.01 + 0.002
    sh = lambda x: x.mean() / np.sqrt(((x - x.mean()) ** 2).sum() / 19)
    add(
        "sharpe_ratio",
        "right",
        "the whole chain is there, nothing is missing",
        sh,
        lambda g, x: g * sh(x) * (1 / (20 * x.mean()) - (x - x.mean()) / ((x - x.mean()) ** 2).sum()),
        ret,
    )
    add(
        "sharpe_ratio_divisor_n_in_the_backward",
        "wrong",
        "19 in the forward's variance, 20 in the backward's",
        sh,
        lambda g, x: (
            g
            * (
                1 / 20 / np.sqrt(((x - x.mean()) ** 2).sum() / 20)
                - x.mean() * (x - x.mean()) / 20 / (((x - x.mean()) ** 2).sum() / 20) ** 1.5
            )
        ),
        ret,
    )
