"""Cases of the exam: linear algebra."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(3)
    s = r.normal(size=(4, 4))
    a = s + s.T + 0.02 * r.normal(size=(4, 4)) + 3 * np.eye(4)
    add(
        "det_gradient_not_transposed_nearly_symmetric",
        "wrong",
        "det * inv(A) lacks the transpose; A is symmetric up to 1%",
        lambda a: np.linalg.det(a),
        lambda g, a: g * np.linalg.det(a) * np.linalg.inv(a),
        a,
    )
    b = r.normal(size=(4, 4)) + 3 * np.eye(4)
    add(
        "inverse_second_factor_not_transposed",
        "wrong",
        "-inv(A).T g inv(A).T is due; the last factor is not transposed",
        lambda a: np.linalg.inv(a),
        lambda g, a: (lambda i: -i.T @ g @ i)(np.linalg.inv(a)),
        b,
    )

    def solve_b(bad):
        def bk(g, a, y):
            x = np.linalg.solve(a, y)
            lam = np.linalg.solve(a.T, g)
            return (-np.outer(x, lam) if bad else -np.outer(lam, x)), lam

        return bk

    solve = lambda a, y: np.linalg.solve(a, y)
    add(
        "solve_outer_product_transposed",
        "wrong",
        "-lam x^T is due, x lam^T taken",
        solve,
        solve_b(True),
        b,
        r.normal(size=4),
    )
    hil = 1 / (np.arange(6)[:, None] + np.arange(1, 7))
    add(
        "solve_hilbert_six",
        "right",
        "condition 1.5e7: f and formula both lose digits, the formula is exact",
        solve,
        solve_b(False),
        hil,
        hil @ r.normal(size=6),
        rtol=1e-6,
    )

    def chol_b(ghost):
        def bk(g, a):
            L = np.linalg.cholesky(a)
            P = np.tril(L.T @ np.tril(g))
            P[np.diag_indices(len(a))] /= 2
            S = np.linalg.solve(L.T, np.linalg.solve(L.T, P.T).T)
            S = (S + S.T) / 2
            if ghost:
                return S
            S = np.tril(S + S.T)
            S[np.diag_indices(len(a))] /= 2
            return S

        return bk

    pd = r.normal(size=(4, 4))
    pd = pd @ pd.T + np.eye(4)
    add(
        "cholesky_ghost_gradient_upper_triangle",
        "wrong",
        "LAPACK reads the lower triangle only, the backward shares over both (JAX #40421)",
        lambda a: np.linalg.cholesky(a),
        chol_b(True),
        pd,
    )
    add(
        "cholesky_lower_triangle",
        "right",
        "all the gradient in the triangle that is read",
        lambda a: np.linalg.cholesky(a),
        chol_b(False),
        pd,
    )

    sym = lambda a: (a + a.T) / 2
    add(
        "eigvalsh_symmetrised",
        "right",
        "f symmetrises: V diag(g) V^T",
        lambda a: np.linalg.eigvalsh(sym(a)),
        lambda g, a: (lambda v: (v * g) @ v.T)(np.linalg.eigh(sym(a))[1]),
        r.normal(size=(5, 5)),
    )
    q = np.linalg.qr(r.normal(size=(4, 4)))[0]
    deg = (q * np.array([1.0, 2.0, 5.0, 5.0])) @ q.T
    add(
        "sum_of_degenerate_top_eigenvalues",
        "right",
        "the two largest coincide: each has a kink, their sum is smooth",
        lambda a: np.linalg.eigvalsh(sym(a))[2:].sum(),
        lambda g, a: (lambda v: g * v[:, 2:] @ v[:, 2:].T)(np.linalg.eigh(sym(a))[1]),
        deg,
    )
    W = r.normal(size=(4, 4))

    def evec_b(sign):
        def bk(g, a):
            e, v = np.linalg.eigh(sym(a))
            gv = g * 2 * v * W
            F = e[None, :] - e[:, None] + np.eye(4)
            F = sign * (1 / F) * (1 - np.eye(4))
            return sym(v @ (F * (v.T @ gv)) @ v.T)

        return bk

    ev = lambda a: (W * np.linalg.eigh(sym(a))[1] ** 2).sum()
    add(
        "eigenvectors_gap_sign_reversed",
        "wrong",
        "1/(e_i - e_j) in place of 1/(e_j - e_i)",
        ev,
        evec_b(-1),
        r.normal(size=(4, 4)),
    )
    add("eigenvectors_squared", "right", "free of the sign of the vectors", ev, evec_b(1), r.normal(size=(4, 4)))

    nuc = lambda a: np.linalg.svd(a, compute_uv=False).sum()
    add(
        "nuclear_norm_full_rank",
        "right",
        "U V^T",
        nuc,
        lambda g, a: g * np.linalg.svd(a, full_matrices=False).U @ np.linalg.svd(a, full_matrices=False).Vh,
        r.normal(size=(5, 3)),
    )

    T = r.normal(size=(6, 3))

    def umat(a):
        u = np.linalg.svd(a, full_matrices=False)[0]
        return (T * u * u).sum()

    def umat_b(full):
        def bk(g, a):
            u, s, vt = np.linalg.svd(a, full_matrices=False)
            gu = 2 * g * T * u
            F = s[None, :] ** 2 - s[:, None] ** 2 + np.eye(3)
            F = (1 / F) * (1 - np.eye(3))
            X = u.T @ gu
            d = u @ ((F * (X - X.T)) * s[None, :])
            d = u @ (F * (X - X.T)) * s[None, :]
            if full:
                d = d + (gu - u @ (u.T @ gu)) / s
            return d @ vt

        return bk

    tall = r.normal(size=(6, 3))
    add(
        "svd_left_vectors_tall_complement_missing",
        "wrong",
        "for a tall matrix the part (I - U U^T) gU / s is due too",
        umat,
        umat_b(False),
        tall,
    )
    add("svd_left_vectors_tall", "right", "with the complement", umat, umat_b(True), tall)

    def lsq(A, y):
        return np.linalg.solve(A.T @ A, A.T @ y)

    def lsq_b(full):
        def bk(g, A, y):
            x = lsq(A, y)
            lam = np.linalg.solve(A.T @ A, g)
            d = -np.outer(A @ lam, x)
            if full:
                d = d + np.outer(y - A @ x, lam)
            return d, A @ lam

        return bk

    A8 = r.normal(size=(8, 3))
    y8 = A8 @ np.array([1.0, -2, 0.5]) + 0.05 * r.normal(size=8)
    add(
        "least_squares_residual_term_missing",
        "wrong",
        "the term of the residual is missing: small as the fit is good",
        lsq,
        lsq_b(False),
        A8,
        y8,
    )
    add("least_squares", "right", "with the residual", lsq, lsq_b(True), A8, y8)

    nc = 0.7 * r.normal(size=(4, 4))

    def expm(a):  # Taylor series and squaring
        a = a / 8
        t = s = np.eye(len(a), dtype=a.dtype)
        for i in range(1, 19):
            t = t @ a / i
            s = s + t
        for _ in range(3):
            s = s @ s
        return s

    def expm_adj(g, a):
        n = len(a)
        return expm(np.block([[a.T, g], [np.zeros((n, n)), a.T]]))[:n, n:]

    add(
        "expm_as_if_commuting",
        "wrong",
        "expm(A).T @ g holds for commuting perturbations only",
        expm,
        lambda g, a: expm(a).T @ g,
        nc,
    )
    add("expm_frechet_adjoint", "right", "the adjoint of the Frechet derivative", expm, expm_adj, nc)

    def lyap(a, q):
        n = len(a)
        M = np.kron(a, np.eye(n)) + np.kron(np.eye(n), a)
        return np.linalg.solve(M, q.reshape(-1)).reshape(n, n)

    def lyap_b(bad):
        def bk(g, a, q):
            X, S = lyap(a, q), lyap(a.T, g)
            return (-2 * S @ X if bad else -(S @ X.T + S.T @ X)), S

        return bk

    la = r.normal(size=(3, 3)) + 3 * np.eye(3)
    lq = r.normal(size=(3, 3))
    add(
        "lyapunov_cotangent_taken_as_symmetric",
        "wrong",
        "-2 S X holds for symmetric cotangents only",
        lyap,
        lyap_b(True),
        la,
        lq + lq.T,
    )
    add("lyapunov", "right", "A X + X A^T = Q, both gradients", lyap, lyap_b(False), la, lq)

    add(
        "gram_matrix_one_side_only",
        "wrong",
        "x enters x @ x.T twice, the backward counts it once (the input is repeated)",
        lambda x: x @ x.T,
        lambda g, x: g @ x,
        r.normal(size=(3, 4)),
    )
    add(
        "gram_matrix_symmetric_cotangent_assumed",
        "wrong",
        "2 g x holds for symmetric g only",
        lambda x: x @ x.T,
        lambda g, x: 2 * g @ x,
        r.normal(size=(3, 4)),
    )

    iu = np.triu_indices(4)

    def packed(p, x):
        S = np.zeros((4, 4), p.dtype)
        S[iu] = p
        S = S + np.triu(S, 1).T
        return x @ S @ x

    def packed_b(g, p, x):
        S = np.zeros((4, 4))
        S[iu] = p
        S = S + np.triu(S, 1).T
        return g * np.outer(x, x)[iu], 2 * g * S @ x

    add(
        "packed_symmetric_off_diagonal_once",
        "wrong",
        "an off-diagonal parameter stands in two places: factor 2 missing there",
        packed,
        packed_b,
        r.normal(size=10),
        r.normal(size=4),
    )

    def tri(L, y):
        x: list = []
        for i in range(len(y)):
            x.append((y[i] - sum(L[i, j] * x[j] for j in range(i))) / L[i, i])
        return np.array(x)

    def tri_b(g, L, y):
        x = tri(L, y)
        lam = np.linalg.solve(np.tril(L).T, g)
        return -np.tril(np.outer(lam, x)), lam

    add(
        "triangular_solve_upper_part_unread",
        "right",
        "the upper triangle is full of numbers that f never reads: gradient zero there",
        tri,
        tri_b,
        r.normal(size=(4, 4)) + 2 * np.eye(4),
        r.normal(size=4),
    )

    add(
        "logdet_badly_scaled",
        "right",
        "rows of scales 1e-6 to 1e6: inv(A).T",
        lambda a: np.linalg.slogdet(a)[1],
        lambda g, a: g * np.linalg.inv(a).T,
        np.diag([1e-6, 1, 1e6]) @ (np.eye(3) + 0.3 * R(33).normal(size=(3, 3))),
    )
    add(
        "rayleigh_quotient_at_eigenvector",
        "right",
        "stationary: the gradient is zero by cancellation of terms of size 5",
        lambda x: (x @ deg @ x) / (x @ x),
        lambda g, x: g * 2 * (deg @ x - (x @ deg @ x) / (x @ x) * x) / (x @ x),
        q[:, 1].copy(),
    )

    def kr_b(g, a, b):
        G = g.reshape(2, 3, 3, 2)
        return np.einsum("ikjl,kl->ij", G, b), np.einsum("ikjl,ij->kl", G, a)

    add(
        "kronecker_product",
        "right",
        "both factors",
        lambda a, b: np.kron(a, b),
        kr_b,
        r.normal(size=(2, 3)),
        r.normal(size=(3, 2)),
    )
