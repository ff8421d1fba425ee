"""Cases of the second exam: ML layers."""

import numpy as np

from tests.check.exams.case import R, add, sig


def cases():
    r = R(11)
    x = r.normal(size=(2, 4, 6))

    def gn(x):
        y = x.reshape(2, 2, -1)
        m = y.mean(-1, keepdims=True)
        return ((y - m) / np.sqrt(((y - m) ** 2).mean(-1, keepdims=True) + 1e-5)).reshape(x.shape)

    def gnb(groups):
        def b(g, x):
            y, q = x.reshape(2, groups, -1), g.reshape(2, groups, -1)
            m = y.mean(-1, keepdims=True)
            s = 1 / np.sqrt(((y - m) ** 2).mean(-1, keepdims=True) + 1e-5)
            h = (y - m) * s
            return (s * (q - q.mean(-1, keepdims=True) - h * (q * h).mean(-1, keepdims=True))).reshape(x.shape)

        return b

    add("groupnorm_two_groups", "right", "group statistics in both passes", gn, gnb(2), x)
    add(
        "groupnorm_backward_per_channel",
        "wrong",
        "the backward takes its statistics per channel, as instance norm does; the shapes agree",
        gn,
        gnb(4),
        x,
    )

    x, b = r.normal(size=12), np.array(1.3)
    swish = lambda x, b: x * sig(b * x)
    add(
        "swish_trainable_beta",
        "right",
        "d/dbeta is x^2 s (1 - s)",
        swish,
        lambda g, x, b: (
            g * (sig(b * x) + b * x * sig(b * x) * sig(-b * x)),
            (g * x * x * sig(b * x) * sig(-b * x)).sum(),
        ),
        x,
        b,
    )
    add(
        "swish_beta_gradient_one_x_short",
        "wrong",
        "d/dbeta has x where it needs x^2; the gradient of x is right",
        swish,
        lambda g, x, b: (g * (sig(b * x) + b * x * sig(b * x) * sig(-b * x)), (g * x * sig(b * x) * sig(-b * x)).sum()),
        x,
        b,
    )
    x = r.normal(size=9) * 2
    add(
        "mish_tanh_not_squared",
        "wrong",
        "1 - tanh where it must be 1 - tanh^2",
        lambda x: x * np.tanh(np.log1p(np.exp(x))),
        lambda g, x: g * (np.tanh(np.log1p(np.exp(x))) + x * sig(x) * (1 - np.tanh(np.log1p(np.exp(x))))),
        x,
    )
    x = r.normal(size=(3, 8))
    glu = lambda x: x[:, :4] * sig(x[:, 4:])
    add(
        "gated_linear_unit",
        "right",
        "both halves",
        glu,
        lambda g, x: np.concatenate([g * sig(x[:, 4:]), g * x[:, :4] * sig(x[:, 4:]) * sig(-x[:, 4:])], 1),
        x,
    )
    add(
        "gated_linear_unit_halves_swapped",
        "wrong",
        "the gradients of value and gate are put together in the wrong order, with the same shape",
        glu,
        lambda g, x: np.concatenate([g * x[:, :4] * sig(x[:, 4:]) * sig(-x[:, 4:]), g * sig(x[:, 4:])], 1),
        x,
    )

    z, c = r.normal(size=(4, 5)), r.normal(size=5)

    def lstm(z, c):
        i, f, o, u = sig(z[0]), sig(z[1]), sig(z[2]), np.tanh(z[3])
        c1 = f * c + i * u
        return np.stack([o * np.tanh(c1), c1])

    def lstmb(direct):
        def b(g, z, c):
            i, f, o, u = sig(z[0]), sig(z[1]), sig(z[2]), np.tanh(z[3])
            c1 = f * c + i * u
            t = np.tanh(c1)
            gc = g[0] * o * (1 - t * t) + direct * g[1]
            return np.stack(
                [gc * u * i * (1 - i), gc * c * f * (1 - f), g[0] * t * o * (1 - o), gc * i * (1 - u * u)]
            ), gc * f

        return b

    add("lstm_cell_both_outputs", "right", "hidden and cell state both carry a cotangent", lstm, lstmb(1), z, c)
    add(
        "lstm_cell_state_cotangent_dropped",
        "wrong",
        "the cotangent of the new cell state is ignored: seen only where the second output has one",
        lstm,
        lstmb(0),
        z,
        c,
    )

    q = r.normal(size=(5, 6))
    ang = np.arange(5)[:, None] * 10.0 ** -np.arange(3)

    def rope(x, s=1):
        a, b = x[:, 0::2], x[:, 1::2]
        return np.stack([a * np.cos(ang) - s * b * np.sin(ang), s * a * np.sin(ang) + b * np.cos(ang)], -1).reshape(
            x.shape
        )

    add("rotary_embedding", "right", "the backward turns the other way", lambda x: rope(x), lambda g, x: rope(g, -1), q)
    add(
        "rotary_embedding_turned_the_same_way",
        "wrong",
        "the adjoint of a rotation is its inverse; position 0 hides it",
        lambda x: rope(x),
        lambda g, x: rope(g),
        q,
    )

    a, b = r.normal(size=(5, 5)), r.normal(size=9)
    rows, columns = np.meshgrid(np.arange(5), np.arange(5), indexing="ij")
    D = rows - columns + 4

    def relb(g, a, b):
        o = np.zeros(9)
        np.add.at(o, D, g * a)
        return g * b[D], o

    def relw(g, a, b):
        o = np.zeros(9)
        o[D] += g * a
        return g * b[D], o

    add("relative_position_bias", "right", "Toeplitz gather, duplicates accumulated", lambda a, b: a * b[D], relb, a, b)
    add(
        "relative_position_bias_buffered_add",
        "wrong",
        "o[D] += counts each diagonal once, only the two corners are right",
        lambda a, b: a * b[D],
        relw,
        a,
        b,
    )

    z, t, G = r.normal(size=6), np.array(0.7), r.gumbel(size=6)

    def gs(z, t):
        e = np.exp((z + G) / t)
        return e / e.sum()

    def gsb(noise):
        def b(g, z, t):
            y = gs(z, t)
            d = y * (g - (g * y).sum())
            return d / t, -(d * (z + noise * G)).sum() / t**2

        return b

    add("gumbel_softmax", "right", "with fixed noise", gs, gsb(1), z, t)
    add(
        "gumbel_softmax_temperature_without_noise",
        "wrong",
        "the gradient of the temperature forgets that the noise is divided too",
        gs,
        gsb(0),
        z,
        t,
    )
    m, lv = r.normal(size=6), r.normal(size=6) * 0.4
    add(
        "vae_kl_half_lost_for_log_variance",
        "wrong",
        "exp(lv) - 1 without the half; the mean is right",
        lambda m, lv: 0.5 * (np.exp(lv) + m * m - 1 - lv).sum(),
        lambda g, m, lv: (g * m, g * (np.exp(lv) - 1)),
        m,
        lv,
    )
    p, t = r.uniform(0.1, 0.9, 12), (r.random(12) > 0.5) * 1.0
    dice = lambda p: 1 - 2 * (p * t).sum() / (p.sum() + t.sum())
    add(
        "dice_loss",
        "right",
        "quotient rule",
        dice,
        lambda g, p: g * (-2 * t * (p.sum() + t.sum()) + 2 * (p * t).sum()) / (p.sum() + t.sum()) ** 2,
        p,
    )
    add(
        "dice_loss_denominator_held",
        "wrong",
        "the denominator is held constant",
        dice,
        lambda g, p: -2 * g * t / (p.sum() + t.sum()),
        p,
    )

    x = r.normal(size=(8, 2, 2))
    ps = lambda x: x.reshape(2, 2, 2, 2, 2).transpose(0, 3, 1, 4, 2).reshape(2, 4, 4)
    add(
        "pixel_shuffle",
        "right",
        "the whole chain is there, nothing is missing",
        ps,
        lambda g, x: g.reshape(2, 2, 2, 2, 2).transpose(0, 2, 4, 1, 3).reshape(8, 2, 2),
        x,
    )
    add(
        "pixel_shuffle_rows_and_columns_of_the_block_swapped",
        "wrong",
        "the inverse permutation takes (column, row) of the block for (row, column); same shape as the factor is 2 both ways",
        ps,
        lambda g, x: g.reshape(2, 2, 2, 2, 2).transpose(0, 4, 2, 1, 3).reshape(8, 2, 2),
        x,
    )

    x, w = r.normal(size=(3, 4, 5)), r.normal(size=(1, 5, 2))
    add(
        "batched_matmul_broadcast_weight_last_batch_only",
        "wrong",
        "the weight is shared by the batch, its gradient comes from the last batch only",
        lambda x, w: x @ w,
        lambda g, x, w: (g @ w.swapaxes(1, 2), (x.swapaxes(1, 2) @ g)[-1:]),
        x,
        w,
    )

    W = r.normal(size=(4, 3))

    def sn(W):
        return W / np.linalg.svd(W, compute_uv=False)[0]

    def snb(const):
        def b(g, W):
            u, s, v = np.linalg.svd(W)
            return g / s[0] - (0 if const else (g * W).sum() / s[0] ** 2 * np.outer(u[:, 0], v[0]))

        return b

    add("spectral_normalisation", "right", "sigma depends on W", sn, snb(0), W)
    add("spectral_normalisation_sigma_detached", "wrong", "sigma taken as a constant", sn, snb(1), W)

    z = np.array([[2.0, 0.3, 1.1, -0.7, 0.5], [0.1, 1.7, -0.2, 0.9, 3.0]])

    def moe(z):
        k = np.argsort(-np.real(z), 1)[:, :2]
        e = np.exp(np.take_along_axis(z, k, 1))
        o = np.zeros_like(z)
        np.put_along_axis(o, k, e / e.sum(1, keepdims=True), 1)
        return o

    def moeb(full):
        def b(g, z):
            y = moe(z)
            e = np.exp(z) / np.exp(z).sum(1, keepdims=True)
            return y * (g - ((e if full else y) * g).sum(1, keepdims=True))

        return b

    add("router_top_two_renormalised", "right", "top-2 of 5 experts, softmax among these", moe, moeb(0), z)
    add(
        "router_top_two_mean_over_all_experts",
        "wrong",
        "the centring of the softmax backward weighs with the softmax of all five",
        moe,
        moeb(1),
        z,
    )

    idx = np.array([2, 0, 2, 2, 1, 0])
    E = r.normal(size=(4, 3))

    def embf(g, E):
        o = np.zeros_like(E)
        np.add.at(o, idx, g)
        return o / np.maximum(np.bincount(idx, minlength=4), 1)[:, None]

    add(
        "embedding_gradient_scaled_by_frequency",
        "wrong",
        "scale_grad_by_freq left on: rows met twice or more are divided by their count",
        lambda E: E[idx],
        embf,
        E,
    )

    x, y, v = r.normal(size=6), r.normal(size=6), np.array([0.5, 1e-8, 2.0, 1e-7, 1.2, 0.3])
    nll = lambda x, v: (
        0.5 * (np.log(np.where(np.real(v) < 1e-6, 1e-6, v)) + (x - y) ** 2 / np.where(np.real(v) < 1e-6, 1e-6, v))
    )

    def nllb(mask):
        def b(g, x, v):
            c = np.maximum(v, 1e-6)
            return g * (x - y) / c, 0.5 * g * (1 / c - (x - y) ** 2 / c**2) * ((v >= 1e-6) if mask else 1)

        return b

    add("gaussian_nll_variance_clamped", "right", "the clamped variances have no gradient", nll, nllb(1), x, v)
    add(
        "gaussian_nll_gradient_through_the_clamp",
        "wrong",
        "PyTorch clamps the variance under no_grad: the gradient of the clamped entries is not zero, f is flat there",
        nll,
        nllb(0),
        x,
        v,
    )

    x, v = r.normal(size=7), r.normal(size=3)
    I3 = np.array([1, 4, 5])

    def sets(x, v):
        y = np.array(x, dtype=np.result_type(x, v))
        y[I3] = v
        return y * y

    add(
        "overwritten_entries_keep_their_gradient",
        "wrong",
        "x[idx] = v, as set_subtensor: the gradient of x is not zeroed where v overwrote it (pytensor #266)",
        sets,
        lambda g, x, v: (2 * g * np.r_[x[0], v[0], x[2:4], v[1:], x[6]], 2 * g[I3] * v),
        x,
        v,
    )
    add(
        "overwritten_entries",
        "right",
        "x[idx] = v, the overwritten entries have no gradient",
        sets,
        lambda g, x, v: (2 * g * x * ~np.isin(np.arange(7), I3), 2 * g[I3] * v),
        x,
        v,
    )

    X, W, b = r.normal(size=(3, 4)), r.normal(size=(3, 2, 4)), r.normal(size=(3, 2))

    def mo(X, W, b):
        z = np.einsum("ni,opi->nop", X, W) + b
        k = np.real(z).argmax(-1)
        return np.take_along_axis(z, k[..., None], -1)[..., 0]

    def mob(flat):
        def bb(g, X, W, b):
            z = np.einsum("ni,opi->nop", X, W) + b
            d = np.zeros_like(z)
            np.put_along_axis(d, z.argmax(-1)[..., None], g[..., None], -1)
            db = d.sum(0)
            if flat:
                db = db.reshape(2, 3).T.copy()
            return np.einsum("nop,opi->ni", d, W), np.einsum("nop,ni->opi", d, X), db

        return bb

    add("maxout", "right", "the whole chain is there, nothing is missing", mo, mob(0), X, W, b)
    add(
        "maxout_bias_pieces_reshaped_the_wrong_way",
        "wrong",
        "the gradient of the bias is reshaped to (pieces, out) before it is added (as thinc #199); x and W are right",
        mo,
        mob(1),
        X,
        W,
        b,
    )

    X = r.normal(size=(4, 5))
    add(
        "layer_on_two_columns_returns_its_input",
        "wrong",
        "thinc #492: for the columns that the layer leaves alone the backward takes the forward's input instead of g",
        lambda X: np.concatenate([np.tanh(X[:, :2]), X[:, 2:]], 1),
        lambda g, X: np.concatenate([g[:, :2] / np.cosh(X[:, :2]) ** 2, X[:, 2:]], 1),
        X,
    )

    x, w = r.normal(size=14), r.normal(size=3)

    def dil(x, w):
        p = np.concatenate([np.zeros(2, x.dtype), x, np.zeros(2, x.dtype)])
        return sum(w[k] * p[2 * k : 2 * k + 14] for k in range(3))

    def dilb(d):
        def b(g, x, w):
            p, q = np.pad(x, 2), np.zeros(18)
            for k in range(3):
                q[2 + (k - 1) * d : 2 + (k - 1) * d + 14] += w[k] * g
            return q[2:16], np.array([(g * p[2 * k : 2 * k + 14]).sum() for k in range(3)])

        return b

    add("dilated_convolution", "right", "the whole chain is there, nothing is missing", dil, dilb(2), x, w)
    add(
        "dilated_convolution_backward_undilated",
        "wrong",
        "the gradient of the input ignores the dilation (Theano #4729); that of the kernel is right",
        dil,
        dilb(1),
        x,
        w,
    )

    a = r.normal(size=(5, 3))
    b = r.normal(size=(5, 3))

    def nce(a, b):
        s = a @ b.T
        return -(2 * np.diagonal(s).sum() - np.log(np.exp(s).sum(1)).sum() - np.log(np.exp(s).sum(0)).sum())

    def nceb(cols):
        def bb(g, a, b):
            e = np.exp(a @ b.T)
            d = g * (e / e.sum(1, keepdims=True) - np.eye(5) + cols * (e / e.sum(0) - np.eye(5)))
            return d @ b, d.T @ a

        return bb

    add("contrastive_loss_both_directions", "right", "the whole chain is there, nothing is missing", nce, nceb(1), a, b)
    add(
        "contrastive_loss_columns_forgotten",
        "wrong",
        "the loss is symmetric, the backward has the softmax over rows only",
        nce,
        nceb(0),
        a,
        b,
    )
