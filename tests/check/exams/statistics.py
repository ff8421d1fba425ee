"""Cases of the exam: statistics, kernels, sequences, graphs."""

import numpy as np

from tests.check.exams.case import R, add, sp


def cases():
    r = R(7)

    def pears(x, y):
        a, b = x - x.mean(), y - y.mean()
        return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())

    def pears_b(full):
        def bk(g, x, y):
            a, b = x - x.mean(), y - y.mean()
            s, t = np.sqrt((a * a).sum()), np.sqrt((b * b).sum())
            c = (a * b).sum() / (s * t)
            return g * (b / (s * t) - c * a / s**2), g * (a / (s * t) - (c * b / t**2 if full else 0))

        return bk

    xy = (r.normal(size=12), r.normal(size=12))
    add(
        "pearson_second_standard_deviation_held",
        "wrong",
        "the second input's deviation is taken as a constant",
        pears,
        pears_b(False),
        *xy,
    )
    add("pearson", "right", "both", pears, pears_b(True), *xy)

    def mvn(x, m, S):
        d = x - m
        return -0.5 * d @ np.linalg.solve(S, d) - 0.5 * np.log(np.linalg.det(S))

    def mvn_b(sign):
        def bk(g, x, m, S):
            i = np.linalg.inv(S)
            d = x - m
            u, v = i @ d, i.T @ d
            dx = -0.5 * (u + v)
            return g * dx, -g * dx, sign * g * 0.5 * (np.outer(v, u) - i.T)

        return bk

    L = np.tril(r.normal(size=(3, 3))) + 2 * np.eye(3)
    ma = (r.normal(size=3), r.normal(size=3), L @ L.T)
    add(
        "normal_logpdf_covariance_sign",
        "wrong",
        "the sign for the covariance is the wrong one (HIPS autograd #401); x and mean are right",
        mvn,
        mvn_b(-1.0),
        *ma,
    )
    add("normal_logpdf", "right", "x, mean, covariance", mvn, mvn_b(1.0), *ma)

    t = np.linspace(0, 1, 8)
    yy = np.sin(5 * t) + 0.1 * r.normal(size=8)
    D2 = (t[:, None] - t[None]) ** 2

    def gp(th):
        K = np.exp(-D2 / (2 * np.exp(2 * th[0]))) + np.exp(2 * th[1]) * np.eye(8)
        return -0.5 * yy @ np.linalg.solve(K, yy) - 0.5 * np.log(np.linalg.det(K))

    def gp_b(tr):
        def bk(g, th):
            k = np.exp(-D2 / (2 * np.exp(2 * th[0])))
            K = k + np.exp(2 * th[1]) * np.eye(8)
            i = np.linalg.inv(K)
            a = i @ yy
            out = []
            for dK in (k * D2 / np.exp(2 * th[0]), 2 * np.exp(2 * th[1]) * np.eye(8)):
                out.append(0.5 * a @ dK @ a - (0.5 * np.trace(i @ dK) if tr else 0))
            return g * np.array(out)

        return bk

    add(
        "gaussian_process_trace_term_missing",
        "wrong",
        "the log determinant's part is missing",
        gp,
        gp_b(False),
        np.array([-1.2, -1.0]),
    )
    add(
        "gaussian_process_likelihood", "right", "lengthscale and noise, in logs", gp, gp_b(True), np.array([-1.2, -1.0])
    )

    def stu(x, nu):
        return (
            sp.loggamma((nu + 1) / 2)
            - sp.loggamma(nu / 2)
            - 0.5 * np.log(nu * np.pi)
            - (nu + 1) / 2 * np.log1p(x * x / nu)
        ).sum()

    def stu_b(h):
        def bk(g, x, nu):
            q = x * x / nu
            dn = (
                0.5 * sp.digamma((nu + 1) / 2)
                - h * sp.digamma(nu / 2)
                - 0.5 / nu
                - 0.5 * np.log1p(q)
                + (nu + 1) / 2 * q / nu / (1 + q)
            )
            return -g * (nu + 1) * x / nu / (1 + q), np.array(g * dn.sum())

        return bk

    sa = (2 * r.normal(size=9), np.array(3.7))
    add(
        "student_t_digamma_half_missing",
        "wrong",
        "the chain rule's half at digamma(nu/2) is missing",
        stu,
        stu_b(1.0),
        *sa,
    )
    add("student_t_degrees_of_freedom", "right", "both digammas", stu, stu_b(0.5), *sa)

    time = r.permutation(10) * 1.0
    evt = r.random(10) < 0.7
    risk = time[None] >= time[:, None]

    def cox(s):
        return sum(np.log((np.exp(s) * risk[i]).sum()) - s[i] for i in np.flatnonzero(evt))

    def cox_b(rk):
        def bk(g, s):
            d = np.zeros_like(s)
            for i in np.flatnonzero(evt):
                w = np.exp(s) * rk[i]
                d += w / max(w.sum(), 1e-300)
                d[i] -= 1
            return g * d

        return bk

    add(
        "cox_risk_set_without_the_event",
        "wrong",
        "the risk set in the backward leaves out the failing subject (> for >=)",
        cox,
        cox_b(time[None] > time[:, None]),
        r.normal(size=10),
    )
    add("cox_partial_likelihood", "right", "the risk set with the event", cox, cox_b(risk), r.normal(size=10))

    obs = r.normal(size=(7, 3))

    def hmm(A):
        a = np.exp(obs[0])
        ll = 0.0
        for k in range(1, 7):
            a = (a @ A) * np.exp(obs[k])
            c = a.sum()
            a = a / c
            ll = ll + np.log(c)
        return ll

    def hmm_b(last):
        def bk(g, A):
            al = [np.exp(obs[0])]
            for k in range(1, 7):
                a = (al[-1] @ A) * np.exp(obs[k])
                al.append(a / a.sum())
            be = np.ones(3)
            d = np.zeros((3, 3))
            for k in range(6, 0, -1):
                eb = np.exp(obs[k]) * be
                if k < 6 or last:
                    d += np.outer(al[k - 1], eb) / (al[k - 1] @ A @ eb)
                be = A @ eb
                be = be / be.sum()
            return g * d

        return bk

    A = r.random((3, 3)) + 0.1
    A /= A.sum(1, keepdims=True)
    add(
        "hmm_last_transition_missing", "wrong", "the expected transitions leave out the last step", hmm, hmm_b(False), A
    )
    add("hmm_forward_algorithm", "right", "scaled forward-backward", hmm, hmm_b(True), A)

    zs = np.cumsum(r.normal(size=15)) * 0.3

    def kal(q, rr):
        m, P, ll = 0.0, 1.0, 0.0
        for z in zs:
            P = P + q
            S = P + rr
            e = z - m
            ll = ll - 0.5 * (np.log(S) + e * e / S)
            K = P / S
            m = m + K * e
            P = P - K * P
        return ll

    def kal_b(g, q, rr):
        out = []
        for dq, dr in ((1.0, 0.0), (0.0, 1.0)):
            m, P, ll, dm, dP = 0.0, 1.0, 0.0, 0.0, 0.0
            for z in zs:
                P, dP = P + q, dP + dq
                S, dS = P + rr, dP + dr
                e, de = z - m, -dm
                ll += -0.5 * (dS / S + 2 * e * de / S - e * e * dS / S**2)
                K, dK = P / S, dP / S - P * dS / S**2
                m, dm = m + K * e, dm + dK * e + K * de
                P, dP = P - K * P, dP - dK * P - K * dP
            out.append(np.array(g * ll))
        return tuple(out)

    add(
        "kalman_filter_variances",
        "right",
        "local-level model, sensitivities by hand",
        kal,
        kal_b,
        np.array(0.1),
        np.array(0.4),
    )

    def pool(x, T):
        m = x.max()
        return m + T * np.log(np.exp((x - m) / T).mean())

    def pool_b(full):
        def bk(g, x, T):
            p = np.exp((x - x.max()) / T)
            p /= p.sum()
            d = np.log(np.exp((x - x.max()) / T).mean())
            if full:
                d = d + (x.max() - (p * x).sum()) / T
            return g * p, np.array(g * d)

        return bk

    add(
        "soft_maximum_temperature_explicit_part",
        "wrong",
        "T also stands in the exponent; dx is right",
        pool,
        pool_b(False),
        r.normal(size=8),
        np.array(0.7),
    )
    add(
        "soft_maximum_temperature_1e_3",
        "right",
        "nearly a hard maximum: weights of exp(-1000) and a runner-up 2e-3 below",
        pool,
        pool_b(True),
        np.array([1.0, 0.998, 0.2, -3]),
        np.array(1e-3),
    )

    def gcn(A, x):
        d = A.sum(1)
        return (A / np.sqrt(d[:, None] * d[None])) @ x

    def gcn_b(full):
        def bk(g, A, x):
            d = A.sum(1)
            s = 1 / np.sqrt(d)
            H = g @ x.T
            dA = H * s[:, None] * s[None]
            if full:
                N = A * s[:, None] * s[None]
                q = -(H * N).sum(1) / 2 / d - (H * N).sum(0) / 2 / d
                dA = dA + q[:, None]
            return dA, (A * s[:, None] * s[None]).T @ g

        return bk

    ga = (r.random((5, 5)) + 0.2, r.normal(size=(5, 2)))
    add(
        "graph_convolution_degrees_held_constant",
        "wrong",
        "the degrees of the normalisation depend on the adjacency",
        gcn,
        gcn_b(False),
        *ga,
    )
    add("graph_convolution", "right", "with the degrees", gcn, gcn_b(True), *ga)

    def quat(q):
        w, x, y, z = q / np.sqrt((q * q).sum())
        return np.array([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)])

    def quat_b(proj):
        def bk(g, q):
            n = np.sqrt((q * q).sum())
            w, x, y, z = u = q / n
            J = np.array([[0, 0, -4 * y, -4 * z], [-2 * z, 2 * y, 2 * x, -2 * w], [2 * y, 2 * z, 2 * w, 2 * x]])
            d = J.T @ g
            return (d - u * (u @ d) if proj else d) / n

        return bk

    qq = r.normal(size=4)
    add(
        "quaternion_normalisation_not_projected",
        "wrong",
        "f normalises the quaternion, the backward divides by the norm only",
        quat,
        quat_b(False),
        qq,
    )
    add("quaternion_to_rotation", "right", "with the projection", quat, quat_b(True), qq)

    pt = np.array([0.3, -1.0, 2.0])

    def rod(w):
        th2 = (w * w).sum()
        th = np.sqrt(th2)
        c = np.array([w[1] * pt[2] - w[2] * pt[1], w[2] * pt[0] - w[0] * pt[2], w[0] * pt[1] - w[1] * pt[0]])
        cc = np.array([w[1] * c[2] - w[2] * c[1], w[2] * c[0] - w[0] * c[2], w[0] * c[1] - w[1] * c[0]])
        return pt + np.sin(th) / th * c + 2 * np.sin(th / 2) ** 2 / th2 * cc

    def rod_b(bad):
        def bk(g, w):
            th = np.sqrt(w @ w)
            c = np.cross(w, pt)
            cc = np.cross(w, c)
            a, b = np.sin(th) / th, 2 * np.sin(th / 2) ** 2 / th**2
            if th < 0.05:
                da, db = -1 / 3 + th**2 / 30 - th**4 / 840, -1 / 12 + th**2 / 180 - th**4 / 6720
            else:
                da, db = (np.cos(th) - a) / th**2, (np.sin(th) / th - 2 * b) / th**2
            if bad and th < 0.1:
                a, b, da, db = 1.0, 0.5, 0.0, 0.0
            dw = a * np.cross(pt, g) + b * (np.cross(c, g) + np.cross(pt, np.cross(g, w)))
            return dw + w * (da * (g @ c) + db * (g @ cc))

        return bk

    w = np.array([0.05, -0.04, 0.06])
    add(
        "rodrigues_small_angle_coefficients_frozen",
        "wrong",
        "below 0.1 radian the coefficients are taken as 1 and 1/2: 3e-3 off at 0.09",
        rod,
        rod_b(True),
        w,
    )
    add("rodrigues_small_angle", "right", "0.04 radian, coefficients' slopes by series", rod, rod_b(False), w / 2)
    add(
        "rodrigues_tiny_angle_1e_9",
        "right",
        "an angle of 1e-9: f's own quotients are 0/0 nearby",
        rod,
        rod_b(False),
        w * 1e-8,
    )
    add("rodrigues_large_angle", "right", "2.2 radian", rod, rod_b(False), 25 * w)

    def hav(a, b, deg=np.pi / 180):
        la, lo, lb, lp = a[0] * deg, a[1] * deg, b[0] * deg, b[1] * deg
        h = np.sin((lb - la) / 2) ** 2 + np.cos(la) * np.cos(lb) * np.sin((lp - lo) / 2) ** 2
        return 2 * 6371.0 * np.arcsin(np.sqrt(h))

    def hav_b(bad):
        def bk(g, a, b, deg=np.pi / 180):
            la, lo, lb, lp = a[0] * deg, a[1] * deg, b[0] * deg, b[1] * deg
            s = np.sin((lp - lo) / 2)
            h = np.sin((lb - la) / 2) ** 2 + np.cos(la) * np.cos(lb) * s * s
            k = g * 6371.0 / np.sqrt(h * (1 - h)) * deg
            dla = -0.5 * np.sin(lb - la) - np.sin(la) * np.cos(lb) * s * s
            dlb = 0.5 * np.sin(lb - la) - np.cos(la) * np.sin(lb) * s * s
            dlo = -0.5 * np.cos(la) * np.cos(lb) * np.sin(lp - lo)
            return k * np.array([dla, dlo]), k * np.array([dlb, -dlo / (deg if bad else 1)])

        return bk

    add(
        "great_circle_degrees_lost_in_one_longitude",
        "wrong",
        "pi/180 is missing in one entry of four",
        hav,
        hav_b(True),
        np.array([48.1, 11.6]),
        np.array([52.5, 13.4]),
    )
    add(
        "great_circle_close_points",
        "right",
        "10 metres apart: the distance has a cone's tip there",
        hav,
        hav_b(False),
        np.array([48.1, 11.6]),
        np.array([48.10005, 11.6001]),
    )

    F = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])

    def vol(v):
        a, b, c = v[F[:, 0]], v[F[:, 1]], v[F[:, 2]]
        return (
            a
            * np.stack(
                [
                    b[:, 1] * c[:, 2] - b[:, 2] * c[:, 1],
                    b[:, 2] * c[:, 0] - b[:, 0] * c[:, 2],
                    b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0],
                ],
                1,
            )
        ).sum() / 6

    def vol_b(acc):
        def bk(g, v):
            a, b, c = v[F[:, 0]], v[F[:, 1]], v[F[:, 2]]
            d = np.zeros_like(v)
            for k, val in ((0, np.cross(b, c)), (1, np.cross(c, a)), (2, np.cross(a, b))):
                if acc:
                    np.add.at(d, F[:, k], val / 6)
                else:
                    d[F[:, k]] += val / 6
            return g * d

        return bk

    tet = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]) + 0.2 * r.normal(size=(4, 3))
    add(
        "mesh_volume_shared_vertices_overwritten",
        "wrong",
        "vertices shared by faces in the same corner keep one face's part",
        vol,
        vol_b(False),
        tet,
    )
    add("mesh_volume", "right", "accumulated over faces", vol, vol_b(True), tet)

    def cam(p):
        return np.stack([p[:, 0] / p[:, 2], p[:, 1] / p[:, 2]], 1) * 500

    cp = np.concatenate([r.normal(size=(5, 2)), 3 + r.random((5, 1))], 1)
    add(
        "camera_projection_depth_row_sign",
        "wrong",
        "d/dz of x/z is -x/z^2: the sign for y is lost",
        cam,
        lambda g, p: (
            500
            * np.stack(
                [g[:, 0] / p[:, 2], g[:, 1] / p[:, 2], (-g[:, 0] * p[:, 0] + g[:, 1] * p[:, 1]) / p[:, 2] ** 2], 1
            )
        ),
        cp,
    )
    add(
        "camera_projection_point_near_plane",
        "right",
        "a depth of 1e-4: pixels of 1e6",
        cam,
        lambda g, p: (
            500
            * np.stack(
                [g[:, 0] / p[:, 2], g[:, 1] / p[:, 2], (-g[:, 0] * p[:, 0] - g[:, 1] * p[:, 1]) / p[:, 2] ** 2], 1
            )
        ),
        np.array([[0.3, -0.2, 1e-4], [1, 2, 5.0]]),
    )
    add(
        "shader_hash",
        "right",
        "frac(43758 sin(12.9898 x)): slopes of 5e5, jumps 1e-6 apart, not at the points",
        lambda x: (lambda v: v - np.floor(v))(np.sin(x * 12.9898) * 43758.5453),
        lambda g, x: g * 12.9898 * 43758.5453 * np.cos(x * 12.9898),
        np.array([0.3, 1.7]),
    )
    add(
        "angle_wrap_1e_6_from_the_seam",
        "right",
        "wrapped to (-pi, pi], 1e-6 away",
        lambda x: (x + np.pi) - 2 * np.pi * np.floor((x + np.pi) / (2 * np.pi)) - np.pi,
        lambda g, x: g,
        np.array([np.pi - 1e-6, -np.pi - 1e-6, 10.0]),
    )
    add(
        "large_sine_argument_1e8",
        "right",
        "sin at 1e8: float64 resolves 1e-8 radian there",
        lambda x: np.sin(x),
        lambda g, x: g * np.cos(x),
        np.array([1e8, -3e7, 0.5]),
    )

    sid = np.array([0, 0, 0, 1, 1, 1])

    def segmax(x):
        return np.stack([x[:3].max(), x[3:].max()])

    def segmax_b(g, x):
        m = x == segmax(x)[sid]
        return g[sid] * m / np.bincount(sid, m)[sid]

    add(
        "segment_max_ties_shared",
        "right",
        "shared evenly over each segment's ties",
        segmax,
        segmax_b,
        np.array([2.0, 2.0, 1.0, 5.0, 5.0, 5.0]),
    )
    add(
        "two_sided_soft_threshold",
        "right",
        "shrinkage: kinks at +-0.5, entries 0.1 and more away",
        lambda x: np.where(x > 0.5, x - 0.5, np.where(x < -0.5, x + 0.5, 0 * x)),
        lambda g, x: g * (np.abs(x) > 0.5),
        np.array([0.3, 0.7, -0.9, -0.4, 4.0]),
    )

    def simplex(x):
        u = np.sort(x)[::-1]
        c = np.cumsum(u) - 1
        k = np.flatnonzero(u - c / (np.arange(len(x)) + 1) > 0)[-1]
        return np.maximum(x - c[k] / (k + 1), 0)

    def simplex_b(full):
        def bk(g, x):
            s = simplex(x) > 0
            return s * (g - (g * s).sum() / (s.sum() if full else len(x)))

        return bk

    sx = np.array([0.5, 0.1, -1.0, 0.45, 0.2, 0.6])
    add(
        "simplex_projection_support_size",
        "wrong",
        "the mean runs over the support, not over all entries",
        simplex,
        simplex_b(False),
        sx,
    )
    add("simplex_projection", "right", "sparsemax", simplex, simplex_b(True), sx)
