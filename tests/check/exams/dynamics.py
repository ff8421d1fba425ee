"""Cases of the exam: dynamics, fixed points, physics, implicit differentiation."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(5)

    def acc(q, k):
        return -k * np.sin(q)

    def rk4(y, k, n=20, h=0.1):
        F = lambda y: np.array([y[1], -k * np.sin(y[0])])
        for _ in range(n):
            a = F(y)
            b = F(y + h / 2 * a)
            c = F(y + h / 2 * b)
            d = F(y + h * c)
            y = y + h / 6 * (a + 2 * b + 2 * c + d)
        return y

    def rk4_b(g, y, k, n=20, h=0.1):
        F = lambda y: np.array([y[1], -k * np.sin(y[0])])

        def Ft(y, g):  # J^T g and dF/dk . g
            return np.array([-k * np.cos(y[0]) * g[1], g[0]]), -np.sin(y[0]) * g[1]

        ys = [y]
        for _ in range(n):
            ys.append(rk4(ys[-1], k, 1, h))
        dk = 0.0
        for y in reversed(ys[:-1]):
            a = F(y)
            yb = y + h / 2 * a
            b = F(yb)
            yc = y + h / 2 * b
            c = F(yc)
            yd = y + h * c
            ga, gb, gc, gd = h / 6 * g, h / 3 * g, h / 3 * g, h / 6 * g
            j, t = Ft(yd, gd)
            dk += t
            gy = g + j
            gc = gc + h * j
            j, t = Ft(yc, gc)
            dk += t
            gy = gy + j
            gb = gb + h / 2 * j
            j, t = Ft(yb, gb)
            dk += t
            gy = gy + j
            ga = ga + h / 2 * j
            j, t = Ft(y, ga)
            dk += t
            g = gy + j
        return g, np.array(dk)

    def euler_adj(g, y, k, n=20, h=0.1):
        ys = [y]
        for _ in range(n):
            ys.append(rk4(ys[-1], k, 1, h))
        dk = 0.0
        m = 200  # continuous adjoint, fine Euler steps along interpolated states
        for i in range(n - 1, -1, -1):
            for s in range(m):
                t = 1 - (s + 0.5) / m
                q = (1 - t) * ys[i][0] + t * ys[i + 1][0]
                dk += h / m * -np.sin(q) * g[1]
                g = g + h / m * np.array([-k * np.cos(q) * g[1], g[0]])
        return g, np.array(dk)

    y0, k0 = np.array([1.2, 0.3]), np.array(2.0)
    add("rk4_pendulum_exact_adjoint", "right", "the adjoint of the discrete scheme, by hand", rk4, rk4_b, y0, k0)
    add(
        "rk4_pendulum_continuous_adjoint",
        "wrong",
        "optimise-then-discretise: the continuous adjoint on interpolated states, 1e-3 off",
        rk4,
        lambda g, y, k: euler_adj(g, y, k, 20, 0.1),
        y0,
        k0,
    )

    def chain(x, v, n=50, h=0.05, c=0.4, kk=3.0):
        for _ in range(n):
            f = kk * (np.roll(x, 1) - 2 * x + np.roll(x, -1)) - c * v - x**3
            v = v + h * f
            x = x + h * v
        return np.concatenate([x, v])

    def chain_b(damp):
        def b(g, x, v, n=50, h=0.05, c=0.4, kk=3.0):
            xs = []
            for _ in range(n):
                xs.append(x)
                f = kk * (np.roll(x, 1) - 2 * x + np.roll(x, -1)) - c * v - x**3
                v = v + h * f
                x = x + h * v
            gx, gv = g[:5].copy(), g[5:].copy()
            for x in reversed(xs):
                gv = gv + h * gx
                gf = h * gv
                gx = gx + kk * (np.roll(gf, 1) - 2 * gf + np.roll(gf, -1)) - 3 * x * x * gf
                if damp:
                    gv = gv - c * gf
            return gx, gv

        return b

    ca = (r.normal(size=5), r.normal(size=5))
    add(
        "spring_chain_damping_missing_in_adjoint",
        "wrong",
        "the adjoint forgets that the force depends on the velocity",
        chain,
        chain_b(False),
        *ca,
    )
    add("spring_chain_symplectic_euler", "right", "50 steps, exact discrete adjoint", chain, chain_b(True), *ca)

    def ball(y, v, G=9.81, e=0.8, T=1.5):
        s = np.sqrt(v * v + 2 * G * y)
        t = (v + s) / G
        return e * s * (T - t) - G / 2 * (T - t) ** 2

    def ball_b(event):
        def b(g, y, v, G=9.81, e=0.8, T=1.5):
            s = np.sqrt(v * v + 2 * G * y)
            t = (v + s) / G
            ds = np.array([G / s, v / s])
            dt = np.array([1 / s, (1 + v / s) / G])
            d = e * ds * (T - t)
            if event:
                d = d - e * s * dt + G * (T - t) * dt
            return np.array(g * d[0]), np.array(g * d[1])

        return b

    ba = (np.array(2.0), np.array(1.0))
    add(
        "bouncing_ball_time_of_impact_held_constant",
        "wrong",
        "the time of impact depends on both inputs: physics engines miss this term",
        ball,
        ball_b(False),
        *ba,
    )
    add("bouncing_ball_with_time_of_impact", "right", "with the event's term", ball, ball_b(True), *ba)

    n = 5
    W = 0.9 * r.normal(size=(n, n)) / np.sqrt(n) * 0.6

    def deq(b):
        z = np.zeros_like(b)
        for _ in range(400):
            y = np.tanh(W @ z + b)
            done = np.max(np.abs(y - z)) < 1e-15
            z = y
            if done:
                break
        return z

    def deq_b(kind):
        def bk(g, b):
            z = deq(b)
            D = 1 - z * z
            J = D[:, None] * W
            if kind == "one":
                return D * g
            if kind == "T":
                return D * np.linalg.solve(np.eye(n) - J, g)
            if kind == "neumann":
                u, t = g, g
                for _ in range(3):
                    t = J.T @ t
                    u = u + t
                return D * u
            return D * np.linalg.solve(np.eye(n) - J.T, g)

        return bk

    bb = r.normal(size=n)
    add("deep_equilibrium_jacobian_not_transposed", "wrong", "(I - J) in place of (I - J^T)", deq, deq_b("T"), bb)
    add(
        "deep_equilibrium_neumann_three_terms",
        "wrong",
        "the series is cut after three terms",
        deq,
        deq_b("neumann"),
        bb,
    )
    add("deep_equilibrium_implicit", "right", "implicit function theorem, the loop runs to 1e-15", deq, deq_b(""), bb)

    def babylon(x):
        y = np.ones_like(x)
        for _ in range(12):
            y = (y + x / y) / 2
        return y

    add(
        "newton_square_root_loop",
        "right",
        "twelve Newton steps from 1",
        babylon,
        lambda g, x: g / (2 * np.sqrt(x)),
        np.array([2.0, 0.3, 50.0]),
    )
    add(
        "newton_square_root_last_step_only",
        "wrong",
        "two Newton steps from (1 + x)/2, of which only the last one's explicit x is differentiated",
        lambda x: (lambda y: (y + x / y) / 2)((lambda y: (y + x / y) / 2)((1 + x) / 2)),
        lambda g, x: g / (2 * (lambda y: (y + x / y) / 2)((1 + x) / 2)),
        np.array([2.0, 3.0, 1.3]),
    )

    def kepler(M, e):
        E = M
        for _ in range(300):
            N = M + e * np.sin(E)
            d = np.max(np.abs(N - E))
            E = N
            if d < 1e-9:
                break
        return E

    def kepler_b(bad):
        def b(g, M, e):
            E = kepler(M, e)
            d = 1 / (1 - e * np.cos(E))
            return g * d, np.array((g * (1 if bad else d) * np.sin(E)).sum())

        return b

    ka = (np.array([0.5, 2.0, 4.0]), np.array(0.4))
    add(
        "kepler_equation_loop_to_1e_9",
        "right",
        "fixed point that stops at 1e-9, stated by rtol",
        kepler,
        kepler_b(False),
        *ka,
        rtol=1e-7,
    )
    add(
        "kepler_eccentricity_explicit_part_only",
        "wrong",
        "the gradient by e takes the last step only; the one by M is right",
        kepler,
        kepler_b(True),
        *ka,
        rtol=1e-7,
    )

    def bis(a):
        lo, hi = np.zeros_like(a), np.full_like(a, 3.0)
        for _ in range(80):
            m = (lo + hi) / 2
            pos = m**3 + m - a > 0
            lo, hi = np.where(pos, lo, m), np.where(pos, m, hi)
        return (lo + hi) / 2

    add(
        "bisection_root",
        "right",
        "x^3 + x = a by 80 halvings: no step of the loop depends smoothly on a",
        bis,
        lambda g, a: g / (3 * bis(a) ** 2 + 1),
        np.array([0.1, 2.0, 17.0]),
    )

    def lj(x):
        d = x[:, None] - x[None]
        i, j = np.triu_indices(len(x), 1)
        r2 = (d[i, j] ** 2).sum(-1)
        return (4 * (r2**-6 - r2**-3)).sum()

    def lj_b(fac):
        def b(g, x):
            d = x[:, None] - x[None]
            r2 = (d**2).sum(-1) + np.eye(len(x))
            c = 4 * (-12 * r2**-7 + 6 * r2**-4)
            c[np.diag_indices(len(x))] = 0
            return g * fac * (c[..., None] * d).sum(1)

        return b

    grid = np.array(np.meshgrid([0, 1.2], [0, 1.3], [0, 1.1])).reshape(3, -1).T + 0.05 * r.normal(size=(8, 3))
    add(
        "lennard_jones_pairs_counted_twice",
        "wrong",
        "the energy runs over i < j, the forces over all pairs twice",
        lj,
        lj_b(2.0),
        grid,
    )
    add("lennard_jones", "right", "forces of the pair potential", lj, lj_b(1.0), grid)

    def upw(u):
        fl = np.where(u > 0, u * u / 2, 0) + np.roll(np.where(u > 0, 0, u * u / 2), -1)
        return u - 0.1 * (fl - np.roll(fl, 1))

    def upw_b(bad):
        def b(g, u):
            gf = -0.1 * (g - np.roll(g, -1))
            return g + np.where(u > 0, u, 0) * gf + np.where(u > 0, 0, u) * (gf if bad else np.roll(gf, 1))

        return b

    ub = r.normal(size=12)
    add(
        "burgers_upwind_negative_velocity_stencil",
        "wrong",
        "the stencil of the positive direction is used for both: wrong where u < 0",
        upw,
        upw_b(True),
        ub,
    )
    add("burgers_upwind", "right", "Engquist-Osher flux: continuous slope at u = 0", upw, upw_b(False), ub)

    add(
        "radiation_kelvin_offset_273",
        "wrong",
        "T + 273.15 in f, T + 273 in the backward: 1.5e-3",
        lambda t: 5.67e-8 * (t + 273.15) ** 4,
        lambda g, t: g * 4 * 5.67e-8 * (t + 273.0) ** 3,
        np.array([-20.0, 15.0, 40.0]),
    )

    def ising(b, h, N=1000):
        s = np.sinh(h)
        q = np.sqrt(s * s + np.exp(-4 * b))
        c = np.cosh(h)
        return N * (b + np.log(c + q)) + np.log1p(((c - q) / (c + q)) ** N)

    def ising_b(g, b, h, N=1000):
        s, c = np.sinh(h), np.cosh(h)
        q = np.sqrt(s * s + np.exp(-4 * b))
        z = ((c - q) / (c + q)) ** N
        w = z / (1 + z)
        db_q, dh_q = -2 * np.exp(-4 * b) / q, s * c / q
        dl = lambda dc, dq: N * (dc + dq) / (c + q) + w * N * ((dc - dq) / (c - q) - (dc + dq) / (c + q))
        return np.array(g * (N + dl(0, db_q))), np.array(g * dl(s, dh_q))

    add(
        "ising_chain_free_energy",
        "right",
        "1000 spins, both eigenvalues matter",
        ising,
        ising_b,
        np.array(2.5),
        np.array(1e-3),
    )

    def heat(u, k):
        m = len(u)
        A = np.eye(m) * (1 + 2 * k) - k * np.eye(m, k=1) - k * np.eye(m, k=-1)
        for _ in range(5):
            u = np.linalg.solve(A, u)
        return u

    def heat_b(last):
        def b(g, u, k):
            m = len(u)
            Lp = 2 * np.eye(m) - np.eye(m, k=1) - np.eye(m, k=-1)
            A = np.eye(m) + k * Lp
            us = [u]
            for _ in range(5):
                us.append(np.linalg.solve(A, us[-1]))
            dk = 0.0
            for i in range(5, 0, -1):
                g = np.linalg.solve(A.T, g)
                if i > 1 or not last:
                    dk -= g @ Lp @ us[i]
            return g, np.array(dk)

        return b

    ha = (r.normal(size=10), np.array(0.7))
    add("implicit_heat_steps", "right", "five backward Euler steps", heat, heat_b(False), *ha)
    add(
        "implicit_heat_first_step_missing_for_diffusivity",
        "wrong",
        "the loop over the time steps is off by one for the gradient by k",
        heat,
        heat_b(True),
        *ha,
    )

    Wr = 0.5 * r.normal(size=(4, 4))
    xs = r.normal(size=(30, 4))

    def rnn(h):
        for t in range(30):
            h = np.tanh(Wr @ h + xs[t])
        return h

    def rnnW(W):
        h = np.zeros(4)
        for t in range(30):
            h = np.tanh(W @ h + xs[t])
        return h

    def rnnW_b(trunc):
        def b(g, W):
            hs = [np.zeros(4)]
            for t in range(30):
                hs.append(np.tanh(W @ hs[-1] + xs[t]))
            d = np.zeros((4, 4))
            for t in range(30, 30 - trunc, -1):
                a = g * (1 - hs[t] ** 2)
                d += np.outer(a, hs[t - 1])
                g = W.T @ a
            return d

        return b

    add("rnn_truncated_backprop_five_steps", "wrong", "truncated after 5 of 30 steps", rnnW, rnnW_b(5), Wr)
    add("rnn_full_backprop", "right", "all 30 steps", rnnW, rnnW_b(30), Wr)

    def rot(th):
        x = np.array([1.0, 0.0]) + 0 * th
        for i in range(1000):
            a = th * (1 + i % 3)
            x = np.array([np.cos(a) * x[0] - np.sin(a) * x[1], np.sin(a) * x[0] + np.cos(a) * x[1]])
        return x

    S = sum(1 + i % 3 for i in range(1000))
    add(
        "thousand_rotations",
        "right",
        "a chain of 1,000 rotations, slope 1999",
        rot,
        lambda g, th: np.array(S * (-np.sin(S * th) * g[0] + np.cos(S * th) * g[1])),
        np.array(0.0123),
    )

    def deep(x):
        for _i in range(150):
            x = x + 0.05 * np.tanh(np.roll(x, 1) - 0.5 * x)
        return x

    def deep_b(g, x):
        st = []
        for _i in range(150):
            st.append(x)
            x = x + 0.05 * np.tanh(np.roll(x, 1) - 0.5 * x)
        for x in reversed(st):
            d = 0.05 * g * (1 - np.tanh(np.roll(x, 1) - 0.5 * x) ** 2)
            g = g + np.roll(d, -1) - 0.5 * d
        return g

    add("residual_chain_150_layers", "right", "150 residual layers", deep, deep_b, r.normal(size=6))

    def logi(x, rr, n):
        for _ in range(n):
            x = rr * x * (1 - x)
        return x

    def logi_b(g, x, rr, n):
        d = 1.0
        for _ in range(n):
            d = d * rr * (1 - 2 * x)
            x = rr * x * (1 - x)
        return g * d

    add(
        "logistic_map_converging",
        "right",
        "30 steps into a stable fixed point: slopes of 1e-7 by cancellation-free products",
        lambda x: logi(x, 2.6, 30),
        lambda g, x: logi_b(g, x, 2.6, 30),
        np.array([0.3, 0.8]),
    )
    add(
        "logistic_map_chaotic_200_steps",
        "undecided",
        "slopes of 1e40 in a function bounded by 1: no difference of its values shows them",
        lambda x: logi(x, 3.9, 200),
        lambda g, x: logi_b(g, x, 3.9, 200),
        np.array([0.3, 0.7123]),
    )
    add(
        "logistic_map_eight_steps",
        "right",
        "slopes of some tens",
        lambda x: logi(x, 3.9, 8),
        lambda g, x: logi_b(g, x, 3.9, 8),
        np.array([0.3, 0.7123]),
    )
