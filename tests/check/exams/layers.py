"""Cases of the exam: ML layers."""

import numpy as np

from tests.check.exams.case import R, add, sp


def cases():
    r = R(1)
    x, w = r.normal(size=(4, 6)), r.normal(size=(6, 6))
    add(
        "linear_square_weight_not_transposed",
        "wrong",
        "dW of x @ W.T is g.T @ x; x.T @ g has the same shape as W is square and the batch hides nothing else",
        lambda x, w: x @ w.T,
        lambda g, x, w: (g @ w, x.T @ g),
        x,
        w,
    )

    def ln(x, gam, bet, eps=1e-5):
        m = x.mean(-1, keepdims=True)
        v = ((x - m) ** 2).mean(-1, keepdims=True)
        return (x - m) / np.sqrt(v + eps) * gam + bet

    def ln_b(kind):
        def b(g, x, gam, bet, eps=1e-5):
            m = x.mean(-1, keepdims=True)
            v = ((x - m) ** 2).mean(-1, keepdims=True)
            s = 1 / np.sqrt(v + eps)
            h = (x - m) * s
            q = g * gam
            dx = q
            if kind != "no_mean":
                dx = dx - q.mean(-1, keepdims=True)
            if kind != "no_var":
                dx = dx - h * (q * h).mean(-1, keepdims=True)
            return dx * s, (g * h).sum(0), g.sum(0)

        return b

    a = (r.normal(size=(5, 16)), 1 + 0.3 * r.normal(size=16), r.normal(size=16))
    add(
        "layernorm_no_mean_term",
        "wrong",
        "the term of the mean is missing in dx (dgamma and dbeta are right)",
        ln,
        ln_b("no_mean"),
        *a,
    )
    add("layernorm_no_var_term", "wrong", "the term of the variance is missing in dx", ln, ln_b("no_var"), *a)
    add("layernorm_full", "right", "layer normalisation with both terms", ln, ln_b(""), *a)
    add(
        "layernorm_nearly_constant_row",
        "right",
        "rows whose variance (1e-8) is far below eps (1e-5): gain of 300, still smooth",
        ln,
        ln_b(""),
        7.0 + 1e-4 * r.normal(size=(3, 8)),
        np.ones(8),
        np.zeros(8),
    )

    def bn(x):
        return (x - x.mean(0)) / np.sqrt(((x - x.mean(0)) ** 2).sum(0) / (len(x) - 1) + 1e-5)

    def bn_b(g, x):
        m = x.mean(0)
        v = ((x - m) ** 2).mean(0)
        s = 1 / np.sqrt(v + 1e-5)
        h = (x - m) * s
        return s * (g - g.mean(0) - h * (g * h).mean(0))

    add(
        "batchnorm_unbiased_forward_biased_backward",
        "wrong",
        "f divides the variance by n-1, the backward takes n: 0.8% at n=64",
        bn,
        bn_b,
        r.normal(size=(64, 3)),
    )

    def softmax(x, ax=-1):
        e = np.exp(x - x.max(ax, keepdims=True))
        return e / e.sum(ax, keepdims=True)

    add(
        "softmax_sum_over_wrong_axis",
        "wrong",
        "the inner sum runs over axis 0; shapes agree as the matrix is square",
        softmax,
        lambda g, x: (lambda p: p * (g - (g * p).sum(0, keepdims=True)))(softmax(x)),
        r.normal(size=(5, 5)),
    )

    y = r.integers(0, 6, size=8)

    def smooth_ce(z):
        lp = z - z.max(-1, keepdims=True)
        lp = lp - np.log(np.exp(lp).sum(-1, keepdims=True))
        t = np.full(z.shape, 0.1 / 6)
        t[np.arange(8), y] += 0.9
        return -(t * lp).sum(-1).mean()

    def smooth_ce_b(g, z):
        p = softmax(z)
        p[np.arange(8), y] -= 1
        return g * p / 8

    add(
        "cross_entropy_backward_forgets_label_smoothing",
        "wrong",
        "f smooths the labels by 0.1, the backward is p - onehot",
        smooth_ce,
        smooth_ce_b,
        r.normal(size=(8, 6)),
    )

    def gelu(x):
        return 0.5 * x * (1 + sp.erf(x / np.sqrt(2)))

    def gelu_tanh_b(g, x):
        c = np.sqrt(2 / np.pi)
        t = np.tanh(c * (x + 0.044715 * x**3))
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x))

    add(
        "gelu_exact_forward_tanh_backward",
        "wrong",
        "forward with erf, backward of the tanh approximation: about 1e-3 off",
        gelu,
        gelu_tanh_b,
        np.linspace(-3, 3, 13),
    )
    add(
        "gelu_exact",
        "right",
        "the erf form",
        gelu,
        lambda g, x: g * (0.5 * (1 + sp.erf(x / np.sqrt(2))) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)),
        np.linspace(-3, 3, 13),
    )

    al = 1.3
    add(
        "elu_alpha_lost_on_negative_side",
        "wrong",
        "y + 1 in place of y + alpha: wrong at negative inputs only",
        lambda x: np.where(x > 0, x, al * np.expm1(np.where(x > 0, 0, x))),
        lambda g, x: g * np.where(x > 0, 1, al * np.expm1(np.minimum(x, 0)) + 1),
        r.normal(size=20),
    )
    add(
        "leaky_relu_slope_rounded",
        "wrong",
        "slope 0.0113 in f, 0.01131 in the backward: 9e-4 of the entries at negative x, 1e-5 of the largest",
        lambda x: np.where(x > 0, x, 0.0113 * x),
        lambda g, x: g * np.where(x > 0, 1.0, 0.01131),
        r.normal(size=(4, 10)),
    )

    idx = np.array([3, 1, 3, 0, 3, 1, 6])
    emb = r.normal(size=(8, 3))

    def emb_bad(g, w):
        d = np.zeros_like(w)
        d[idx] += g
        return d

    def emb_good(g, w):
        d = np.zeros_like(w)
        np.add.at(d, idx, g)
        return d

    add(
        "embedding_duplicates_not_accumulated",
        "wrong",
        "fancy-index += keeps one of the duplicate rows only",
        lambda w: w[idx],
        emb_bad,
        emb,
    )
    add(
        "embedding_duplicates_accumulated",
        "right",
        "np.add.at sums over the duplicates",
        lambda w: w[idx],
        emb_good,
        emb,
    )

    def attn(q, k, v, causal=True):
        s = q @ k.T / np.sqrt(q.shape[1])
        if causal:
            s = np.where(np.tril(np.ones(s.shape, bool)), s, -1e30)
        return softmax(s) @ v

    def attn_b(kind):
        def b(g, q, k, v):
            sc = 1 / np.sqrt(q.shape[1])
            s = q @ k.T * sc
            s = np.where(np.tril(np.ones(s.shape, bool)), s, -1e30)
            p = softmax(s)
            dp = g @ v.T
            ds = p * (dp - (dp * p).sum(-1, keepdims=True))
            if kind == "mask":
                ds = np.tril(ds, -1)
            return ds @ k * sc, ds.T @ q * (1 if kind == "scale" else sc), p.T @ g

        return b

    qkv = [r.normal(size=(6, 4)) for _ in range(3)]
    add(
        "attention_scale_missing_for_keys",
        "wrong",
        "dK lacks 1/sqrt(d); dQ and dV are right",
        attn,
        attn_b("scale"),
        *qkv,
    )
    add(
        "attention_causal_mask_one_off_in_backward",
        "wrong",
        "the backward masks the diagonal too",
        attn,
        attn_b("mask"),
        *qkv,
    )
    add("attention_causal", "right", "masked scores of -1e30 get gradient zero", attn, attn_b(""), *qkv)

    def gru(h, x, w):
        wr, wz, wn = w[:4], w[4:8], w[8:]
        s = lambda a: 1 / (1 + np.exp(-a))
        rr, z = s(wr @ h + x), s(wz @ h - x)
        n = np.tanh(wn @ (rr * h) + 2 * x)
        return (1 - z) * n + z * h

    def gru_b(bug):
        def b(g, h, x, w):
            wr, wz, wn = w[:4], w[4:8], w[8:]
            s = lambda a: 1 / (1 + np.exp(-a))
            rr, z = s(wr @ h + x), s(wz @ h - x)
            n = np.tanh(wn @ (rr * h) + 2 * x)
            da = g * (1 - z) * (1 - n * n)
            dz = g * (h - n) * z * (1 - z)
            drh = wn.T @ da
            dr = drh * h * rr * (1 - rr)
            dh = g * z + wz.T @ dz + wr.T @ dr
            if not bug:
                dh = dh + drh * rr
            return dh, 2 * da - dz + dr, np.concatenate([np.outer(dr, h), np.outer(dz, h), np.outer(da, rr * h)])

        return b

    ga = (r.normal(size=4), r.normal(size=4), 0.5 * r.normal(size=(12, 4)))
    add("gru_reset_path_missing", "wrong", "dh lacks the path through r * h into the candidate", gru, gru_b(True), *ga)
    add("gru_cell", "right", "all four paths into h", gru, gru_b(False), *ga)

    add(
        "bias_gradient_not_summed",
        "wrong",
        "the bias gradient comes back with the batch axis: shape (7, 5) for a bias of (5,)",
        lambda x, b: np.tanh(x + b),
        lambda g, x, b: (lambda d: (d, d))(g * (1 - np.tanh(x + b) ** 2)),
        r.normal(size=(7, 5)),
        r.normal(size=5),
    )
    add(
        "column_broadcast_takes_first_column",
        "wrong",
        "the gradient of the (n, 1) factor must be summed over the columns",
        lambda a, x: a * x,
        lambda g, a, x: ((g * x)[:, :1], g * a),
        r.normal(size=(4, 1)),
        r.normal(size=(4, 4)),
    )

    dl = 1.5
    add(
        "huber_large_residual_slope_one",
        "wrong",
        "outside delta=1.5 the slope is delta, not 1: wrong for large |x| only",
        lambda x: np.where(np.abs(x) < dl, 0.5 * x * x, dl * (np.abs(x) - dl / 2)),
        lambda g, x: g * np.where(np.abs(x) < dl, x, np.sign(x)),
        2 * r.normal(size=15),
    )

    def focal(x):
        p = 1 / (1 + np.exp(-x))
        return -((1 - p) ** 2) * np.log(p)

    add(
        "focal_loss_weight_held_constant",
        "wrong",
        "the modulating factor (1-p)^2 is taken as a constant",
        focal,
        lambda g, x: (lambda p: -g * (1 - p) ** 3)(1 / (1 + np.exp(-x))),
        r.normal(size=9),
    )
    add(
        "focal_loss",
        "right",
        "both terms",
        focal,
        lambda g, x: (lambda p: g * (-((1 - p) ** 3) + 2 * (1 - p) ** 2 * p * np.log(p)))(1 / (1 + np.exp(-x))),
        r.normal(size=9),
    )

    def cossim(a, b):
        return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())

    def cossim_b(bug):
        def bk(g, a, b):
            na, nb = np.sqrt((a * a).sum()), np.sqrt((b * b).sum())
            c = (a * b).sum() / (na * nb)
            return g * (b / (na * nb) - c * a / na**2), g * (a / (na * nb) - (0 if bug else c * b / nb**2))

        return bk

    add(
        "cosine_similarity_projection_missing_for_second",
        "wrong",
        "the second input's norm is taken as a constant",
        cossim,
        cossim_b(True),
        r.normal(size=7),
        r.normal(size=7),
    )
    add(
        "cosine_similarity_of_parallel_vectors",
        "right",
        "b = 3a: a maximum, so both gradients are zero though every term is not",
        cossim,
        cossim_b(False),
        np.array([1.0, -2, 0.5]),
        np.array([3.0, -6, 1.5]),
    )

    def wn(v, s):
        return s * v / np.sqrt((v * v).sum())

    add(
        "weight_norm_direction_not_projected",
        "wrong",
        "dv lacks the projection that comes from the norm",
        wn,
        lambda g, v, s: (s * g / np.sqrt((v * v).sum()), (g * v).sum() / np.sqrt((v * v).sum())),
        r.normal(size=6),
        np.array(1.7),
    )

    def rms(x):
        return x / (np.sqrt((x * x).mean(-1, keepdims=True)) + 1e-3)

    def rms_b(g, x):
        q = (x * x).mean(-1, keepdims=True) + 1e-3
        return g / np.sqrt(q) - x * (g * x).mean(-1, keepdims=True) / q**1.5

    add(
        "rmsnorm_eps_inside_versus_outside",
        "wrong",
        "eps outside the root in f, inside in the backward: 5e-4 off",
        rms,
        rms_b,
        r.normal(size=(3, 12)),
    )

    add(
        "softplus_backward_linear_from_six",
        "wrong",
        "the backward returns 1 for x > 6 where the slope is still 2e-3 less; f has no such shortcut",
        lambda x: np.log1p(np.exp(x)),
        lambda g, x: g * np.where(x > 6, 1.0, 1 / (1 + np.exp(-x))),
        np.array([-2.0, 0.3, 4.0, 6.2, 1.1]),
    )
    add(
        "softplus_shortcut_in_both_at_forty",
        "right",
        "x for x > 40 on both sides: the jump is below rounding",
        lambda x: np.where(x > 40, x, np.log1p(np.exp(np.where(x > 40, 0, x)))),
        lambda g, x: g * np.where(x > 40, 1.0, 1 / (1 + np.exp(-x))),
        np.array([-30.0, -2, 39.999, 40.001, 300]),
    )

    keep = r.random(size=(5, 6)) < 0.8
    add(
        "dropout_fixed_mask_unscaled_backward",
        "wrong",
        "the forward divides by the keep rate, the backward does not",
        lambda x: x * keep / 0.8,
        lambda g, x: g * keep,
        r.normal(size=(5, 6)),
    )
