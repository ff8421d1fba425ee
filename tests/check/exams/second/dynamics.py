"""Cases of the second exam: differential equations, fixed points, implicit differentiation."""

import numpy as np

from tests.check.exams.case import R, add


def halley(a):
    x = np.log1p(a)
    for _ in range(6):
        e = np.exp(x)
        h = x * e - a
        x = x - h / (e * (x + 1) - (x + 2) * h / (2 * x + 2))
    return x


def picard(a):
    x = 0.5 + 0 * a
    for _ in range(1000):
        y = np.cos(a * x)
        if abs(y - x) < 1e-9:
            break
        x = y
    return y


def cases():
    r = R(15)
    A = np.array([[-1.0, 0.6, 0], [0.1, -2, 0.5], [-0.7, 0, -0.4]])
    u = r.normal(size=3)
    P, Q = np.eye(3) - 0.05 * A, np.eye(3) + 0.05 * A

    def cn(u):
        for _ in range(30):
            u = np.linalg.solve(P, Q @ u)
        return u

    def cnb(t):
        def b(g, u):
            for _ in range(30):
                g = Q.T @ np.linalg.solve(P.T if t else P, g)
            return g

        return b

    add("crank_nicolson_adjoint", "right", "30 steps, system not symmetric", cn, cnb(1), u)
    add(
        "crank_nicolson_solver_not_transposed",
        "wrong",
        "the explicit half is transposed, the implicit half is not",
        cn,
        cnb(0),
        u,
    )
    y, th = r.normal(size=4), r.normal(size=(4, 4)) * 0.5

    def ode(y, th):
        for _ in range(20):
            y = y + 0.05 * np.tanh(th @ y)
        return y

    def odeb(exact):
        def b(g, y, th):
            ys = [y]
            for _ in range(20):
                ys.append(ys[-1] + 0.05 * np.tanh(th @ ys[-1]))
            z, dth = ys[-1], np.zeros_like(th)
            for k in range(19, -1, -1):
                if exact:
                    z = ys[k]
                    d = g * (1 - np.tanh(th @ z) ** 2)
                    dth += 0.05 * np.outer(d, z)
                    g = g + 0.05 * th.T @ d
                else:  # the state is integrated backwards by Euler, which does not retrace it
                    d = g * (1 - np.tanh(th @ z) ** 2)
                    dth += 0.05 * np.outer(d, z)
                    g = g + 0.05 * th.T @ d
                    z = z - 0.05 * np.tanh(th @ z)
            return g, dth

        return b

    add(
        "neural_ode_euler_discrete_adjoint",
        "right",
        "the whole chain is there, nothing is missing",
        ode,
        odeb(1),
        y,
        th,
    )
    add(
        "neural_ode_state_integrated_backwards",
        "wrong",
        "the adjoint method with Euler: the state is not retraced, errors of some per cent",
        ode,
        odeb(0),
        y,
        th,
    )
    p = np.array([0.8, 0.3])

    def fp(p):
        x = np.zeros(2, np.result_type(p, float))
        for _ in range(200):
            x = np.stack([np.cos(p[0] * x[1]) * 0.5, np.sin(x[0] + p[1]) * 0.6])
        return x

    def fpb(s):
        def b(g, p):
            x = fp(p)
            J = np.array([[0, -0.5 * p[0] * np.sin(p[0] * x[1])], [0.6 * np.cos(x[0] + p[1]), 0]])
            w = np.linalg.solve((np.eye(2) - s * J).T, g)
            return np.array([-0.5 * x[1] * np.sin(p[0] * x[1]) * w[0], 0.6 * np.cos(x[0] + p[1]) * w[1]])

        return b

    add("fixed_point_of_two_equations", "right", "the whole chain is there, nothing is missing", fp, fpb(1), p)
    add("fixed_point_sign_in_the_implicit_solve", "wrong", "I + J where it must be I - J", fp, fpb(-1), p)
    W = r.normal(size=25)

    def sde(m, s):
        x = np.array(1.0)
        for w in W:
            x = x + 0.04 * m * x + 0.2 * s * x * w + 0.5 * s * s * x * 0.04 * (w * w - 1)
        return x

    def sdeb(mil):
        def b(g, m, s):
            xs = [1.0]
            for w in W:
                xs.append(xs[-1] * (1 + 0.04 * m + 0.2 * s * w + 0.02 * s * s * (w * w - 1)))
            dm = ds = 0.0
            for x, w in zip(xs[-2::-1], W[::-1], strict=True):
                dm, ds = dm + g * 0.04 * x, ds + g * x * (0.2 * w + mil * 0.04 * s * (w * w - 1))
                g = g * (1 + 0.04 * m + 0.2 * s * w + 0.02 * s * s * (w * w - 1))
            return np.array(dm), np.array(ds)

        return b

    add(
        "milstein_paths_fixed_noise",
        "right",
        "the whole chain is there, nothing is missing",
        sde,
        sdeb(1),
        np.array(0.3),
        np.array(0.4),
    )
    add(
        "milstein_correction_missing_in_the_backward",
        "wrong",
        "the backward is that of Euler-Maruyama: the volatility's gradient lacks the correction term",
        sde,
        sdeb(0),
        np.array(0.3),
        np.array(0.4),
    )
    q = np.array([1.0, 0.2, -0.4, 0.3])

    def vv(q):  # velocity Verlet in a quartic well; position and velocity of two particles
        x, v = q[:2], q[2:]
        for _ in range(40):
            v = v - 0.025 * x**3
            x = x + 0.05 * v
            v = v - 0.025 * x**3
        return np.concatenate([x, v])

    def vvb(g, q):
        x, v, st = q[:2], q[2:], []
        for _ in range(40):
            st.append(x)
            v = v - 0.025 * x**3
            x = x + 0.05 * v
            v = v - 0.025 * x**3
        gx, gv = g[:2], g[2:]
        for x0 in reversed(st):
            gx = gx - 0.075 * x**2 * gv
            gv = gv + 0.05 * gx
            gx = gx - 0.075 * x0**2 * gv
            x = x0
        return np.concatenate([gx, gv])

    add("velocity_verlet_quartic_well", "right", "the whole chain is there, nothing is missing", vv, vvb, q)
    add(
        "lambert_by_halley_fixed_count",
        "right",
        "x exp(x) = a by six Halley steps, exact at the end; implicit gradient",
        lambda a: halley(a),
        lambda g, a: g / (np.exp(halley(a)) * (1 + halley(a))),
        np.array([0.3, 1.0, 5.0]),
        rtol=1e-12,
    )
    add(
        "picard_loop_to_1e_9_with_rtol",
        "right",
        "x = cos(a x) by a loop that stops at 1e-9, rtol stated",
        lambda a: picard(a),
        lambda g, a: -g * picard(a) * np.sin(a * picard(a)) / (1 + a * np.sin(a * picard(a))),
        np.array(0.7),
        rtol=1e-7,
    )
    add(
        "picard_loop_gradient_of_the_last_step",
        "wrong",
        "the implicit denominator is missing: gradient of the last step alone",
        lambda a: picard(a),
        lambda g, a: -g * picard(a) * np.sin(a * picard(a)),
        np.array(0.7),
        rtol=1e-7,
    )
    k = np.array([0.7, 0.25])
    t = np.linspace(0.5, 6, 8)
    bat = lambda k: k[0] / (k[0] - k[1]) * (np.exp(-k[1] * t) - np.exp(-k[0] * t))

    def batb(full):
        def b(g, k):
            d, e = k[0] - k[1], -np.exp(-k[1] * t) * np.expm1(-(k[0] - k[1]) * t)
            return np.array(
                [
                    (g * (-k[1] / d**2 * e + k[0] / d * t * np.exp(-k[0] * t))).sum(),
                    (g * (full * k[0] / d**2 * e - k[0] / d * t * np.exp(-k[1] * t))).sum(),
                ]
            )

        return b

    add("bateman_decay_chain", "right", "the whole chain is there, nothing is missing", bat, batb(1), k)
    add(
        "bateman_second_rate_in_the_denominator_forgotten",
        "wrong",
        "the second rate's part in 1 / (k0 - k1) is missing",
        bat,
        batb(0),
        k,
    )
    add(
        "bateman_rates_nearly_equal",
        "right",
        "rates 1e-5 apart: cancellation of five digits in f, of five more in the formula",
        bat,
        batb(1),
        np.array([0.5 + 1e-5, 0.5]),
        rtol=1e-7,
    )
