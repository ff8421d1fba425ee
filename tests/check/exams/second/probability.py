"""Cases of the second exam: probability."""

import numpy as np

from tests.check.exams.case import R, add, sig, sp


def cases():
    r = R(12)
    th = np.array([20.5, 22.0, 25.0])
    add(
        "bernoulli_logit_upper_tail",
        "right",
        "log of a probability by 1e-9 from one: tiny, but f has all its digits",
        lambda t: -np.log1p(np.exp(-t)),
        lambda g, t: g / (1 + np.exp(t)),
        th,
    )
    add(
        "bernoulli_logit_upper_tail_sign",
        "wrong",
        "Stan math #3397: beyond the cutoff of 20 the derivative is -exp(-t), its sign is wrong",
        lambda t: -np.log1p(np.exp(-t)),
        lambda g, t: np.where(t > 20, -g * np.exp(-t), g / (1 + np.exp(t))),
        th,
    )

    n, a, b = np.array([0.0, 3, 7, 2, 5]), np.array(1.7), np.array(0.6)

    def nb(a, b):
        return (sp.gammaln(n + a) - sp.gammaln(a) - sp.gammaln(n + 1) + a * np.log(b / (1 + b)) - n * np.log1p(b)).sum()

    def nbb(first):
        def bb(g, a, b):
            m = n[:1] if first else n
            k = 5 / m.size
            da = k * (sp.digamma(m + a) - sp.digamma(a)).sum() + 5 * np.log(b / (1 + b))
            return g * da, g * (5 * a * (1 / b - 1 / (1 + b)) - n.sum() / (1 + b))

        return bb

    add("negative_binomial", "right", "the whole chain is there, nothing is missing", nb, nbb(0), a, b)
    add(
        "negative_binomial_first_count_for_all",
        "wrong",
        "Stan math #1662: alpha is a scalar and n a vector, the loop goes over the size of alpha and so sees the first n only",
        nb,
        nbb(1),
        a,
        b,
    )

    eta, c, y = r.normal(size=6), np.array([-1.0, 0.2, 1.1]), np.array([0, 1, 2, 3, 1, 2])

    def ol(eta, c):
        up = np.concatenate([c, [50.0]])[y]
        lo = np.concatenate([[-50.0], c])[y]
        return np.log(sig(up - eta) - sig(lo - eta)).sum()

    def olb(acc):
        def b(g, eta, c):
            up, lo = np.concatenate([c, [50.0]])[y] - eta, np.concatenate([[-50.0], c])[y] - eta
            d = sig(up) - sig(lo)
            u, v = sig(up) * sig(-up) / d, sig(lo) * sig(-lo) / d
            o = np.zeros(5)
            for k in range(6):
                if acc:
                    o[y[k] + 1] += u[k]
                    o[y[k]] -= v[k]
                else:
                    o[y[k] + 1] = u[k]
                    o[y[k]] = -v[k]
            return g * (v - u), g * o[1:4]

        return b

    add("ordered_logistic", "right", "the whole chain is there, nothing is missing", ol, olb(1), eta, c)
    add(
        "ordered_logistic_cutpoints_overwritten",
        "wrong",
        "Stan math #1248: '=' for '+=' in the loop over the data: the last one wins",
        ol,
        olb(0),
        eta,
        c,
    )

    xw, al, be = r.uniform(0.3, 2, 5), np.array(1.6), np.array(1.2)
    wb = lambda al, be: al / be * (xw / be) ** (al - 1) * np.exp(-((xw / be) ** al))

    def wbb(swap):
        def b(g, al, be):
            p, f = (xw / be) ** al, wb(al, be)
            da, db = (g * f * (1 / al + np.log(xw / be) * (1 - p))).sum(), (g * f * al / be * (p - 1)).sum()
            return (db, da) if swap else (da, db)

        return b

    add("weibull_density", "right", "the whole chain is there, nothing is missing", wb, wbb(0), al, be)
    add(
        "weibull_partials_in_wrong_order",
        "wrong",
        "OpenTURNS #1556: both are scalars, the order of the two is wrong",
        wb,
        wbb(1),
        al,
        be,
    )

    th, mu, tau = r.normal(size=8), np.array(0.3), np.array(1.4)
    Y, S = r.normal(size=8) * 8, r.uniform(9, 18, 8)
    es = lambda th, mu, tau: (
        (-0.5 * ((Y - th) / S) ** 2 - 0.5 * ((th - mu) / tau) ** 2 - np.log(tau)).sum() - 0.5 * (mu / 5) ** 2
    )
    esb = lambda k: (
        lambda g, th, mu, tau: (
            g * ((Y - th) / S**2 - (th - mu) / tau**2),
            g * (k * ((th - mu) / tau**2).sum() - mu / 25),
            g * (((th - mu) ** 2 / tau**3).sum() - 8 / tau),
        )
    )
    add("eight_schools", "right", "the whole chain is there, nothing is missing", es, esb(1), th, mu, tau)
    add(
        "eight_schools_mean_without_the_schools",
        "wrong",
        "PINTS #1136: the gradient of mu has the prior only, its likelihood term is missing",
        es,
        esb(0),
        th,
        mu,
        tau,
    )
    v, x = np.array(0.8), r.normal(size=5)
    add(
        "funnel_neck_gradient_incomplete",
        "wrong",
        "Neal's funnel: in the gradient of v the normalising term -n/2 is missing",
        lambda v, x: -v * v / 18 - 2.5 * v - 0.5 * np.exp(-v) * (x * x).sum(),
        lambda g, v, x: (g * (-v / 9 + 0.5 * np.exp(-v) * (x * x).sum()), -g * np.exp(-v) * x),
        v,
        x,
    )
    add(
        "parameter_on_the_log_scale_factor_lost",
        "wrong",
        "the parameter is log(rho), the gradient is that of rho: a factor rho is missing, seen where rho is not 1 (stat-fem #35)",
        lambda lr: -((5 + xw - np.exp(lr) * np.arange(5)) ** 2).sum(),
        lambda g, lr: g * 2 * ((5 + xw - np.exp(lr) * np.arange(5)) * np.arange(5)).sum(),
        np.array(0.4),
    )

    a = r.uniform(0.5, 3, 4)
    N = np.array([2.0, 0, 5, 1])
    dm = lambda a: sp.gammaln(a.sum()) - sp.gammaln(a.sum() + 8) + (sp.gammaln(a + N) - sp.gammaln(a)).sum()
    add(
        "dirichlet_multinomial",
        "right",
        "the whole chain is there, nothing is missing",
        dm,
        lambda g, a: g * (sp.digamma(a.sum()) - sp.digamma(a.sum() + 8) + sp.digamma(a + N) - sp.digamma(a)),
        a,
    )
    add(
        "dirichlet_multinomial_total_forgotten",
        "wrong",
        "the terms of the total concentration are missing",
        dm,
        lambda g, a: g * (sp.digamma(a + N) - sp.digamma(a)),
        a,
    )
    th, mu, k = r.uniform(-3, 3, 5), np.array(0.4), np.array(2.5)
    vm = lambda mu, k: (k * np.cos(th - mu) - np.log(sp.ive(0, k)) - k).sum()
    add(
        "von_mises",
        "right",
        "the ratio I1 / I0",
        vm,
        lambda g, mu, k: (g * k * np.sin(th - mu).sum(), g * (np.cos(th - mu) - sp.ive(1, k) / sp.ive(0, k)).sum()),
        mu,
        k,
    )
    add(
        "von_mises_sign_of_the_location",
        "wrong",
        "sin(mu - theta): the gradient of the location has the wrong sign",
        vm,
        lambda g, mu, k: (g * k * np.sin(mu - th).sum(), g * (np.cos(th - mu) - sp.ive(1, k) / sp.ive(0, k)).sum()),
        mu,
        k,
    )
    X, M, s = r.normal(size=20), np.array([-1.0, 0.5, 2.0]), np.array([0.1, -0.2, 0.3])

    def gm(M, s):
        return np.log((np.exp(-0.5 * ((X[:, None] - M) * np.exp(-s)) ** 2 - s)).sum(1)).sum()

    def gmb(k):
        def b(g, M, s):
            z = (X[:, None] - M) * np.exp(-s)
            q = np.exp(-0.5 * z * z - s)
            q = q / q.sum(1, keepdims=True)
            return g * (q * z * np.exp(-s)).sum(0), g * (q * (z * z - k)).sum(0)

        return b

    add("gaussian_mixture", "right", "the whole chain is there, nothing is missing", gm, gmb(1), M, s)
    add("gaussian_mixture_log_scale_minus_one_missing", "wrong", "q (z^2 - 1) became q z^2", gm, gmb(0), M, s)
    x = r.normal(size=9) + 0.5

    def skew(x):
        d = x - x.mean()
        return (d**3).mean() / (d**2).mean() ** 1.5

    def skewb(cen):
        def b(g, x):
            d = x - x.mean()
            m2, m3 = (d**2).mean(), (d**3).mean()
            return g * (3 * (d**2 - cen * m2) / m2**1.5 - 3 * m3 * d / m2**2.5) / x.size

        return b

    add("skewness", "right", "the whole chain is there, nothing is missing", skew, skewb(1), x)
    add(
        "skewness_mean_path_missing",
        "wrong",
        "the third moment's path through the mean, -m2, is missing (that of the second is zero, which misled the author)",
        skew,
        skewb(0),
        x,
    )
