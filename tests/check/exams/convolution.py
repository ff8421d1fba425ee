"""Cases of the exam: convolution, pooling, indexing, layout."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(2)
    k = np.array([0.5, -1.0, 2.0, 0.25])

    def conv(x, k):
        return sum(k[j] * x[j : len(x) - len(k) + 1 + j] for j in range(len(k)))

    def conv_b(kind):
        def b(g, x, k):
            n = len(g)
            dx = np.zeros(len(x), x.dtype)
            for j in range(len(k)):
                jj = len(k) - 1 - j if kind == "flip" else j
                dx[j : n + j] += k[jj] * g
            return dx, np.array([(g * x[j : n + j]).sum() for j in range(len(k))])

        return b

    xs = r.normal(size=20)
    add(
        "correlate_kernel_flipped_in_backward",
        "wrong",
        "dx uses the mirrored kernel: invisible for a symmetric one",
        conv,
        conv_b("flip"),
        xs,
        k,
    )
    add("correlate_valid", "right", "valid correlation, both gradients", conv, conv_b(""), xs, k)

    def same(x):
        return np.convolve(x, k)[1 : 1 + len(x)]

    def same_b(sh):
        return lambda g, x: np.convolve(g, k[::-1])[sh : sh + len(x)]

    add(
        "same_padding_even_kernel_off_by_one",
        "wrong",
        "an even kernel pads by one and two; the backward crops at the other side",
        same,
        same_b(1),
        xs,
    )
    add("same_padding_even_kernel", "right", "the right crop", same, same_b(2), xs)

    def mp(x):
        return np.array([x[i : i + 3].max() for i in range(len(x) - 2)])

    def mp_b(acc):
        def b(g, x):
            d = np.zeros(len(x), x.dtype)
            for i in range(len(g)):
                j = i + int(np.argmax(x[i : i + 3]))
                d[j] = d[j] + g[i] if acc else g[i]
            return d

        return b

    xp = r.permutation(14) * 0.37
    add(
        "maxpool_overlapping_windows_overwrite",
        "wrong",
        "one entry wins several windows but keeps the last window's gradient only",
        mp,
        mp_b(False),
        xp,
    )
    add("maxpool_overlapping_windows", "right", "accumulated over windows", mp, mp_b(True), xp)
    add(
        "maxpool_all_tied",
        "right",
        "a constant signal: every window is a tie, all to the first entry",
        mp,
        mp_b(True),
        np.full(9, 2.5),
    )

    def ap(x):
        return np.array([x[max(0, i - 1) : i + 2].mean() for i in range(len(x))])

    def ap_b(bad):
        def b(g, x):
            d = np.zeros(len(x), x.dtype)
            for i in range(len(g)):
                lo, hi = max(0, i - 1), min(len(x), i + 2)
                d[lo:hi] += g[i] / (3 if bad else hi - lo)
            return d

        return b

    add(
        "avgpool_edges_divided_by_full_window",
        "wrong",
        "count_include_pad: only the windows at both ends are off",
        ap,
        ap_b(True),
        r.normal(size=200),
    )
    add("avgpool_edges", "right", "edges by their own count", ap, ap_b(False), r.normal(size=40))

    def pad_b(acc):
        def b(g, x):
            i = np.pad(np.arange(len(x)), 2, mode="reflect")
            d = np.zeros_like(x)
            if acc:
                np.add.at(d, i, g)
            else:
                d[:] = g[2:-2]
            return d

        return b

    pf = lambda x: np.pad(x, 2, mode="reflect")
    add(
        "reflect_pad_border_dropped",
        "wrong",
        "the reflected entries give nothing back: wrong near both ends",
        pf,
        pad_b(False),
        r.normal(size=12),
    )
    add("reflect_pad", "right", "the reflected entries are added", pf, pad_b(True), r.normal(size=12))

    add(
        "roll_backward_same_direction",
        "wrong",
        "the gradient of roll by 3 is roll by -3 (only at half the length is it the same)",
        lambda x: np.roll(x, 3),
        lambda g, x: np.roll(g, 3),
        r.normal(size=10),
    )
    add(
        "roll_by_half_length",
        "right",
        "roll by 5 of 10 is its own inverse",
        lambda x: np.roll(x, 5),
        lambda g, x: np.roll(g, 5),
        r.normal(size=10),
    )
    add(
        "repeat_treated_as_tile",
        "wrong",
        "repeat(x, 3) sums over reshape(n, 3), not reshape(3, n)",
        lambda x: np.repeat(x, 3),
        lambda g, x: g.reshape(3, -1).sum(0),
        r.normal(size=4),
    )
    add(
        "transpose_three_cycle_not_inverted",
        "wrong",
        "perm (1, 2, 0) is not its own inverse; all axes are of length 3",
        lambda x: np.transpose(x, (1, 2, 0)) * 2,
        lambda g, x: 2 * np.transpose(g, (1, 2, 0)),
        r.normal(size=(3, 3, 3)),
    )
    add(
        "cumsum_backward_not_reversed",
        "wrong",
        "the gradient is a reversed cumsum",
        lambda x: np.cumsum(x),
        lambda g, x: np.cumsum(g),
        r.normal(size=8),
    )
    add(
        "cumsum_ten_thousand",
        "right",
        "10,000 partial sums: the outputs' rounding grows, the map is linear",
        lambda x: np.cumsum(x),
        lambda g, x: np.cumsum(g[::-1])[::-1],
        r.normal(size=10000),
    )

    def tail_b(g, x):
        d = np.zeros_like(x)
        for i in range(0, len(x) - 99, 100):
            d[i : i + 100] = g[i : i + 100] * (1 - np.tanh(x[i : i + 100]) ** 2)
        return d

    add(
        "blocked_loop_misses_last_entry",
        "wrong",
        "blocks of 100 over 10,001 entries: the last one gets no gradient",
        np.tanh,
        tail_b,
        0.5 * r.normal(size=10001),
    )

    def one_b(g, x):
        d = g * np.exp(-x) * -1
        d[617] *= 1.01
        return d

    add(
        "one_entry_of_thousand_one_percent_off",
        "wrong",
        "one entry of 1,000 is off by 1%",
        lambda x: np.exp(-x),
        one_b,
        r.random(1000),
    )

    def sortb(bad):
        def b(g, x):
            o = np.argsort(x)
            if bad:
                return g[o]
            d = np.empty_like(g)
            d[o] = g
            return d

        return b

    xs9 = r.normal(size=9)
    add(
        "sort_gradient_gathered_not_scattered",
        "wrong",
        "g[order] in place of g[inverse order]: the same for involutions only",
        np.sort,
        sortb(True),
        xs9,
    )
    add("sort_no_ties", "right", "the inverse permutation", np.sort, sortb(False), xs9)

    xt = np.array([1.0, 2.0, 2.0, -1.0, 2.0, 1.0])
    add("sort_with_ties", "right", "ties: the permutation taken is one selection", np.sort, sortb(False), xt)
    add(
        "median_even_gives_all_to_lower_mid",
        "wrong",
        "an even count shares half and half between two different entries",
        lambda x: np.sort(x)[3:5].sum() / 2,
        lambda g, x: g * (np.arange(8) == np.argsort(x)[3]),
        r.normal(size=8),
    )
    add(
        "max_no_sharing_no_tie",
        "right",
        "the argmax takes all; there is no tie",
        lambda x: x.max(-1),
        lambda g, x: (x == x.max(-1, keepdims=True)) * g[:, None],
        r.normal(size=(4, 7)),
    )
    add(
        "max_tie_shared",
        "right",
        "three-fold tie shared in thirds",
        lambda x: x.max(),
        lambda g, x: g * (x == x.max()) / (x == x.max()).sum(),
        np.array([0.5, 3, 3, -1, 3]),
    )
    add(
        "max_tie_first_takes_all",
        "right",
        "two-fold tie, argmax takes all",
        lambda x: x.max(),
        lambda g, x: g * (np.arange(4) == np.argmax(x)),
        np.array([3.0, 1, 3, 0]),
    )
    add(
        "max_tie_counted_twice",
        "wrong",
        "both of two tied entries get the full gradient: their sum is 2, and moving both up raises f by 1 only (no mixture of selections)",
        lambda x: x.max(),
        lambda g, x: g * (x == x.max()),
        np.array([3.0, 1, 3, 0]),
    )
    add(
        "max_near_tie_1e_6",
        "right",
        "the runner-up is 1e-6 below",
        lambda x: x.max(),
        lambda g, x: g * (np.arange(4) == np.argmax(x)),
        np.array([3.0, 1, 3 - 1e-6, 0]),
    )
    add(
        "max_near_tie_takes_runner_up_1e_3",
        "wrong",
        "all goes to the runner-up, 1e-3 below: the maximum is a clear one",
        lambda x: x.max(),
        lambda g, x: g * (np.arange(4) == 2),
        np.array([3.0, 1, 3 - 1e-3, 0]),
    )

    seg = np.array([0, 0, 1, 1, 2, 2, 3, 3, 3])
    cnt = np.bincount(seg)

    def segmean(x):
        out = np.zeros(4, x.dtype)
        np.add.at(out, seg, x)
        return out / cnt

    add(
        "segment_mean_common_count",
        "wrong",
        "divides by n / segments, wrong as the last segment has three entries",
        segmean,
        lambda g, x: g[seg] / (9 / 4),
        r.normal(size=9),
    )
    add("segment_mean", "right", "each by its count", segmean, lambda g, x: (g / cnt)[seg], r.normal(size=9))

    def segsm(x):
        e = np.exp(x)
        s = np.zeros(4, x.dtype)
        np.add.at(s, seg, e)
        return e / s[seg]

    def segsm_b(g, x):
        p = segsm(x)
        s = np.zeros(4)
        np.add.at(s, seg, g * p)
        return p * (g - s[seg])

    add("segment_softmax", "right", "softmax per segment with scattered sums", segsm, segsm_b, r.normal(size=9))

    rows, cols = np.array([0, 0, 1, 2, 2, 3, 4, 4]), np.array([1, 3, 0, 2, 4, 3, 0, 1])

    def csr(d, x):
        out = np.zeros(5, np.result_type(d, x))
        np.add.at(out, rows, d * x[cols])
        return out

    def csr_b(bad):
        def b(g, d, x):
            dx = np.zeros(5)
            np.add.at(dx, cols, d * g[rows])
            return (g[cols] * x[rows] if bad else g[rows] * x[cols]), dx

        return b

    add(
        "sparse_matvec_rows_and_columns_swapped",
        "wrong",
        "d(data) takes the transposed pattern; the matrix is square so no index fails",
        csr,
        csr_b(True),
        r.normal(size=8),
        r.normal(size=5),
    )
    add(
        "sparse_matvec",
        "right",
        "coordinate format, both gradients",
        csr,
        csr_b(False),
        r.normal(size=8),
        r.normal(size=5),
    )

    add(
        "prod_gradient_by_division_zero_patched",
        "wrong",
        "y / x with 0/0 patched to 0: the zero entry's gradient is the product of the others (TF #2641, tinygrad #17404)",
        lambda x: np.prod(x),
        lambda g, x: g * np.where(x == 0, 0, np.prod(x) / np.where(x == 0, 1, x)),
        np.array([2.0, 0.0, 4.0, -1.5]),
    )
    add(
        "prod_one_zero",
        "right",
        "product of the others, by leaving one out",
        lambda x: np.prod(x),
        lambda g, x: g * np.array([np.prod(np.delete(x, i)) for i in range(len(x))]),
        np.array([2.0, 0.0, 4.0, -1.5]),
    )
    add(
        "prod_two_zeros",
        "right",
        "two zeros: the gradient is zero everywhere, f is not constant",
        lambda x: np.prod(x),
        lambda g, x: g * np.array([np.prod(np.delete(x, i)) for i in range(len(x))]),
        np.array([2.0, 0.0, 4.0, 0.0]),
    )

    add(
        "upsample_nearest_mean_not_sum",
        "wrong",
        "each input is copied to four outputs: their gradients add up",
        lambda x: x.repeat(2, 0).repeat(2, 1),
        lambda g, x: g.reshape(3, 2, 3, 2).mean((1, 3)),
        r.normal(size=(3, 3)),
    )

    add(
        "minimum_cap_gets_no_gradient",
        "wrong",
        "where x is cut off, the slope goes to the cap: it gets zeros",
        lambda x, c: np.minimum(x, c),
        lambda g, x, c: (g * (x < c), np.zeros_like(c)),
        r.normal(size=(6, 5)),
        0.3 * r.normal(size=5),
    )
    add(
        "clip_plateau_everywhere",
        "right",
        "all entries are far outside the range: gradient zero",
        lambda x: np.clip(x, -1, 1),
        lambda g, x: g * (np.abs(x) < 1),
        np.array([3.0, -5, 2, -1.5]),
    )
    add(
        "clip_mask_from_wrong_bound",
        "wrong",
        "the mask cuts at 0.9, f at 1: one entry of 12 lies between",
        lambda x: np.clip(x, -1, 1),
        lambda g, x: g * (np.abs(x) < 0.9),
        np.array([0.1, -0.3, 0.95, 0.5, 1.4, -2.0, 0.8, -0.85, 0.2, 0.0, 0.6, -0.7]),
    )
