"""Cases of the second exam: linear algebra."""

import numpy as np

from tests.check.exams.case import R, add, sla


def cases():
    r = R(13)
    A = r.normal(size=(5, 3))

    def qr(A):  # Gram-Schmidt: Q and R, one below the other
        Q, Rr = np.zeros_like(A), np.zeros((3, 3), A.dtype)
        for k in range(3):
            v = A[:, k].copy()
            for j in range(k):
                Rr[j, k] = (Q[:, j] * A[:, k]).sum()
                v = v - Rr[j, k] * Q[:, j]
            Rr[k, k] = np.sqrt((v * v).sum())
            Q[:, k] = v / Rr[k, k]
        return np.concatenate([Q, Rr])

    def qrb(half):
        def b(g, A):
            Y = qr(A)
            Q, Rr, gQ, gR = Y[:5], Y[5:], g[:5], np.triu(g[5:])
            M = Rr @ gR.T - gQ.T @ Q
            L = np.tril(M, -1)
            C = L + L.T + np.diag(np.diag(M)) * half
            return sla.solve_triangular(Rr, (gQ + Q @ C).T, lower=False).T

        return b

    add("qr_both_factors", "right", "gradient through Q and R", qr, qrb(1), A)
    add("qr_diagonal_halved", "wrong", "copyltu with the diagonal halved, as for the Cholesky factor", qr, qrb(0.5), A)
    B = r.normal(size=(4, 4))
    P = B @ B.T + 2 * np.eye(4)

    def sq(P):
        w, V = np.linalg.eigh((P + P.T) / 2)
        return (V * np.sqrt(w)) @ V.T

    def sqb(com):
        def b(g, P):
            S, G = sq(P), (g + g.T) / 2
            X = 0.5 * np.linalg.solve(S, G) if com else sla.solve_sylvester(S, S, G)
            return (X + X.T) / 2

        return b

    add("matrix_square_root", "right", "by a Sylvester equation", sq, sqb(0), P)
    add(
        "matrix_square_root_as_if_commuting",
        "wrong",
        "g / (2 S), symmetrised: right only where g commutes with S",
        sq,
        sqb(1),
        P,
    )
    A = r.normal(size=(5, 3))

    def pi(k):
        def b(g, A):
            P = np.linalg.pinv(A)
            return -(P.T @ g @ P.T) + k * ((np.eye(5) - A @ P) @ g.T @ P @ P.T)

        return b

    add(
        "pseudo_inverse_tall",
        "right",
        "with the term of the left null space (that of the right one is zero)",
        lambda A: np.linalg.solve(A.T @ A, A.T),
        pi(1),
        A,
    )
    add(
        "pseudo_inverse_as_inverse",
        "wrong",
        "-P' g P' alone is the formula for the inverse of a square matrix",
        lambda A: np.linalg.solve(A.T @ A, A.T),
        pi(0),
        A,
    )
    c, rr = r.normal(size=5), r.normal(size=5)
    rr[0] = c[0]
    i, j = np.indices((5, 5))
    toe = lambda c, rr: np.where(i >= j, c[abs(i - j)], rr[abs(i - j)])

    def toeb(incl):
        def b(g, c, rr):
            return np.array([np.trace(g, -k) for k in range(5)]), np.array(
                [np.trace(g, k) if k or incl else 0.0 for k in range(5)]
            )

        return b

    add(
        "toeplitz_matrix",
        "right",
        "SciPy's rule: the diagonal is the column's, the row's first entry is unread",
        toe,
        toeb(0),
        c,
        rr,
    )
    add(
        "toeplitz_matrix_corner_counted_twice",
        "wrong",
        "the diagonal is given to the row's first entry too, which f does not read",
        toe,
        toeb(1),
        c,
        rr,
    )
    v, x = r.normal(size=5), r.normal(size=5)
    hh = lambda v, x: x - 2 * v * (v * x).sum() / (v * v).sum()

    def hhb(k):
        def b(g, v, x):
            n, d, e = v @ v, v @ x, g @ v
            return -2 * (g * d + e * x) / n + k * 4 * e * d * v / n**2, hh(v, g)

        return b

    add("householder_reflection", "right", "the reflector need not have length one", hh, hhb(1), v, x)
    add(
        "householder_reflection_length_taken_as_one",
        "wrong",
        "the derivative of 1 / v'v is missing; the adjoint for x is right",
        hh,
        hhb(0),
        v,
        x,
    )
    M = r.normal(size=(4, 4))
    add(
        "matrix_cube_as_if_commuting",
        "wrong",
        "3 (A^2)' g holds for numbers",
        lambda M: M @ M @ M,
        lambda g, M: 3 * (M @ M).T @ g,
        M,
    )
    add(
        "matrix_cube",
        "right",
        "the whole chain is there, nothing is missing",
        lambda M: M @ M @ M,
        lambda g, M: g @ (M @ M).T + M.T @ g @ M.T + (M @ M).T @ g,
        M,
    )
    lo, d, up, b = r.normal(size=7), 4 + r.random(8), r.normal(size=7), r.normal(size=8)

    def tri(lo, d, up, b):
        return np.linalg.solve(np.diag(d) + np.diag(lo, -1) + np.diag(up, 1), b)

    def trib(off):
        def bb(g, lo, d, up, b):
            y = np.linalg.solve((np.diag(d) + np.diag(lo, -1) + np.diag(up, 1)).T, g)
            x = tri(lo, d, up, b)
            return -y[1:] * x[:-1], -y * x, (-y[1:] * x[1:] if off else -y[:-1] * x[1:]), y

        return bb

    add("tridiagonal_solve", "right", "the whole chain is there, nothing is missing", tri, trib(0), lo, d, up, b)
    add(
        "tridiagonal_solve_upper_band_shifted",
        "wrong",
        "the super-diagonal's gradient takes its row one too low; the other three are right",
        tri,
        trib(1),
        lo,
        d,
        up,
        b,
    )
    S, b = np.diag(np.linspace(1, 9, 8)) + 0.3 * np.ones((8, 8)), r.normal(size=8)

    def cg(n):
        def f(S, b):
            S = (S + S.T) / 2
            x, q = np.zeros_like(b * S[0, 0]), b.copy()
            p = q
            for _ in range(n):
                Sp = S @ p
                a = (q * q).sum() / (p * Sp).sum()
                x, q1 = x + a * p, q - a * Sp
                p, q = q1 + (q1 * q1).sum() / (q * q).sum() * p, q1
                if np.sqrt((abs(q) ** 2).sum()) < 1e-13:
                    break
            return x

        return f

    def cgb(g, S, b):
        S = (S + S.T) / 2
        y, x = np.linalg.solve(S, g), np.linalg.solve(S, b)
        return -(np.outer(y, x) + np.outer(x, y)) / 2, y

    add(
        "conjugate_gradients_converged",
        "right",
        "the loop runs to its end, the implicit gradient is right to the loop's accuracy",
        cg(12),
        cgb,
        S,
        b,
        rtol=1e-9,
    )
    add(
        "conjugate_gradients_three_steps_as_if_converged",
        "wrong",
        "three steps of eight, the backward is that of the exact solve",
        cg(3),
        cgb,
        S,
        b,
    )
    K, Mm = (
        np.array([[3.0, -1, 0.2], [-1, 2.5, -0.6], [0.2, -0.6, 1.4]]),
        np.array([[1.5, 0.2, 0.1], [0.2, 1.1, 0.3], [0.1, 0.3, 0.9]]),
    )

    def gev(K, M):
        return sla.eigh((K + K.T) / 2, (M + M.T) / 2, eigvals_only=True)

    def gevb(k):
        def bb(g, K, M):
            w, V = sla.eigh((K + K.T) / 2, (M + M.T) / 2)
            return (V * g) @ V.T, -(V * g * (w if k else 1)) @ V.T

        return bb

    add("generalised_eigenvalues", "right", "the whole chain is there, nothing is missing", gev, gevb(1), K, Mm)
    add(
        "generalised_eigenvalues_mass_not_times_lambda",
        "wrong",
        "the gradient of the mass matrix is -lambda v v', lambda was lost",
        gev,
        gevb(0),
        K,
        Mm,
    )
    th = np.array(10.0)

    def cn(th):
        a, b = (1 + np.exp(-1j * th)) / 2, (1 - np.exp(-1j * th)) * 0.3
        n = np.sqrt(abs(a) ** 2 + abs(b) ** 2)
        return np.array([a.real / n, b.imag / n])

    def cnb(conj):
        def bb(g, th):
            a, b = (1 + np.exp(-1j * th)) / 2, (1 - np.exp(-1j * th)) * 0.3
            da, db = -0.5j * np.exp(-1j * th), 0.3j * np.exp(-1j * th)
            n = np.sqrt(abs(a) ** 2 + abs(b) ** 2)
            dn = ((np.conj(a) * da + np.conj(b) * db).real if conj else (a * da + b * db).real) / n
            return g[0] * (da.real / n - a.real * dn / n**2) + g[1] * (db.imag / n - b.imag * dn / n**2)

        return bb

    add("complex_vector_normalised", "right", "the norm of a complex vector", cn, cnb(1), th)
    add(
        "complex_norm_without_conjugate",
        "wrong",
        "autograd #612: the derivative of the norm is Re(z dz) where it must be Re(conj(z) dz)",
        cn,
        cnb(0),
        th,
    )
    u, v = r.normal(size=4), r.normal(size=4)
    add(
        "determinant_of_rank_one_update",
        "right",
        "det(D + u v') by the lemma",
        lambda u, v: np.linalg.det(np.diag([1.0, 2, 3, 4]) + np.outer(u, v)),
        lambda g, u, v: (g * 24 * v / [1, 2, 3, 4], g * 24 * u / [1, 2, 3, 4]),
        u,
        v,
    )
