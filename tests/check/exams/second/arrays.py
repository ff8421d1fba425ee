"""Cases of the second exam: array plumbing, constants, odd returns."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(22)
    x = r.normal(size=6)
    add(
        "tanh_backward_given_the_input_for_the_output",
        "wrong",
        "1 - y^2 with x in the place of y: of input or output people take the wrong one (darknet #2151, MXNet #4316)",
        lambda x: np.tanh(x),
        lambda g, x: g * (1 - x * x),
        x,
    )
    a, b = r.normal(size=4), r.normal(size=4)
    add(
        "subtraction_sign_of_the_second",
        "wrong",
        "micrograd_c #1: the second operand's gradient is g, not -g",
        lambda a, b: (a - b) * 2,
        lambda g, a, b: (2 * g, 2 * g),
        a,
        b,
    )
    add(
        "affine_map_backward_adds_the_constant",
        "wrong",
        "Aesara #660: a g + b for x -> a x + b",
        lambda x: 1.5 * x + 0.3,
        lambda g, x: 1.5 * g + 0.3,
        x,
    )
    add(
        "copied_out_of_the_graph",
        "wrong",
        "one of two factors was detached: half the gradient of x * x",
        lambda x: x * np.tanh(x),
        lambda g, x: g * np.tanh(x),
        x,
    )
    idx = np.array([[0, 2, 2], [1, 1, 0]])
    X = r.normal(size=(2, 4))

    def tab(dup):
        def bb(g, X):
            o = np.zeros_like(X)
            if dup:
                np.add.at(o, (np.arange(2)[:, None], idx), g)
            else:
                np.put_along_axis(o, idx, g, 1)
            return o

        return bb

    add(
        "take_along_axis_with_duplicates",
        "right",
        "the whole chain is there, nothing is missing",
        lambda X: np.take_along_axis(X, idx, 1),
        tab(1),
        X,
    )
    add(
        "take_along_axis_put_back_without_adding",
        "wrong",
        "put_along_axis: of two equal indices the last one wins",
        lambda X: np.take_along_axis(X, idx, 1),
        tab(0),
        X,
    )
    add(
        "strided_slice_offset_lost",
        "wrong",
        "x[1::3] is put back at x[0::3]",
        lambda x: x[1::3] ** 2,
        lambda g, x: np.array([2 * g[0] * x[1], 0, 0, 2 * g[1] * x[4], 0, 0]),
        x,
    )
    add(
        "outer_product_gradient_from_the_diagonal",
        "wrong",
        "only the diagonal of g is used: right for a trace, and for a diagonal cotangent",
        lambda a, b: np.outer(a, b),
        lambda g, a, b: (np.diag(g) * b, np.diag(g) * a),
        a,
        b,
    )
    M = r.normal(size=(4, 3))
    add(
        "mean_over_an_axis_divided_by_all",
        "wrong",
        "divided by 12 for 4",
        lambda M: (M * M).mean(0),
        lambda g, M: 2 * M * g / 12,
        M,
    )
    add(
        "differences_first_entry_lost",
        "wrong",
        "the adjoint of np.diff lacks -g[0] in the first entry",
        lambda x: np.diff(x) ** 3,
        lambda g, x: (lambda q: np.r_[0, q] - np.r_[0, q[1:], 0])(3 * g * np.diff(x) ** 2),
        x,
    )
    t = np.sort(r.uniform(0, 3, 6))
    add(
        "trapezoid_rule_by_its_abscissae",
        "right",
        "nodes and values both move",
        lambda t, y: ((t[1:] - t[:-1]) * (y[1:] + y[:-1])).sum() / 2,
        lambda g, t, y: (
            g / 2 * (np.r_[0, y[1:] + y[:-1]] - np.r_[y[1:] + y[:-1], 0]),
            g / 2 * (np.r_[0, t[1:] - t[:-1]] + np.r_[t[1:] - t[:-1], 0]),
        ),
        t,
        x,
    )
    many = np.zeros(300, int)
    many[:10] = 1
    tv = r.normal(size=2)

    def lookup_mean(v):
        return v[many].mean() * 3 + v[1] ** 2

    add(
        "counter_of_eight_bits_wraps",
        "wrong",
        "290 uses of an entry are counted in a byte: 34",
        lookup_mean,
        lambda g, v: g * np.array([3 / 300 * (290 % 256), 3 / 300 * 10 + 2 * v[1]]),
        tv,
    )
    add(
        "integer_gradient_buffer_truncates",
        "wrong",
        "the buffer is made like an array of counts, of integers: gradients are cut to whole numbers",
        lambda x: 5 * np.sin(x),
        lambda g, x: (lambda o: [o.__setitem__(k, v) for k, v in enumerate(5 * g * np.cos(x))] and o.astype(float))(
            np.zeros(6, int)
        ),
        x,
    )
    add(
        "gradient_as_broadcast_view",
        "right",
        "np.broadcast_to: a read-only view of stride zero",
        lambda M: M.sum(0),
        lambda g, M: np.broadcast_to(g, M.shape),
        M,
    )
    add(
        "gradient_in_fortran_order",
        "right",
        "the array returned is a transpose",
        lambda M: np.sin(M.T),
        lambda g, M: (g * np.cos(M.T)).T,
        M,
    )
    add(
        "gravity_of_9_81_for_9_80665",
        "wrong",
        "the backward has another constant: 3.4e-4",
        lambda v: v * v / (2 * 9.80665),
        lambda g, v: g * v / 9.81,
        5 + x,
    )
    add(
        "pi_of_two_decimals",
        "wrong",
        "3.14 in the backward: 5e-4",
        lambda q: np.pi * q * q,
        lambda g, q: 2 * 3.14 * g * q,
        x,
    )
    add(
        "small_addend_beside_1e7",
        "wrong",
        "the second input's gradient is doubled; it acts 1e7 times less on f than the first",
        lambda a, b: 1e7 * np.sin(a).sum() + np.sin(b),
        lambda g, a, b: (g * 1e7 * np.cos(a), 2 * g * np.cos(b)),
        a,
        b,
    )
    add(
        "absolute_value_of_a_product_chain",
        "right",
        "signs through four factors, none near zero",
        lambda x: np.abs(x * (x - 3) * (x + 4)) ** 0.5,
        lambda g, x: (
            g * 0.5 * np.abs(x * (x - 3) * (x + 4)) ** -0.5 * np.sign(x * (x - 3) * (x + 4)) * (3 * x * x + 2 * x - 12)
        ),
        x,
    )
    add(
        "logsumexp_of_masked_entries_gets_gradient",
        "wrong",
        "JAX #25791: entries that `where` leaves out of the sum have a gradient in the backward",
        lambda z: np.log(np.exp(z[:3]).sum()),
        lambda g, z: g * np.exp(z) / np.exp(z[:3]).sum(),
        np.array([0.1, 0.4, -0.3, 0.9]),
    )

    def ema(x):
        y = np.zeros_like(x)
        for k in range(1, x.size):
            y[k] = 0.7 * y[k - 1] + 0.3 * x[k - 1]
        return y

    def emab(last):
        def bb(g, x):
            o, c = np.zeros_like(x), 0.0
            for k in range(x.size - 1, 0, -1):
                c = 0.7 * c + g[k]
                o[k - 1] = 0.3 * c
            if not last:
                o[x.size - 2] = 0.0
            return o

        return bb

    big = r.normal(size=500)
    add(
        "delayed_smoothing_of_500_samples",
        "right",
        "the last sample is unread, its gradient is zero",
        ema,
        emab(1),
        big,
    )
    add(
        "delayed_smoothing_one_sample_lost",
        "wrong",
        "the loop of the backward starts one too early: one entry of 500 is zero",
        ema,
        emab(0),
        big,
    )
    add(
        "one_minus_cosine_at_1e_4",
        "right",
        "1 - cos x loses eight digits near zero; the formula does not",
        lambda x: 1 - np.cos(x),
        lambda g, x: g * np.sin(x),
        np.array([1e-4, 0.5]),
        rtol=1e-7,
    )
    add(
        "norm_of_1e200",
        "right",
        "scaled inside: squares would overflow",
        lambda x: np.abs(x).max() * np.sqrt(((x / np.abs(x).max()) ** 2).sum()),
        lambda g, x: g * (x / np.abs(x).max()) / np.sqrt(((x / np.abs(x).max()) ** 2).sum()),
        np.array([3e200, -4e200, 1e199]),
    )
    add(
        "norm_of_1e200_largest_entry_held",
        "wrong",
        "the scale is in f twice: the first half of the product rule went to the largest entry, the second half, which cancels it, did not",
        lambda x: np.abs(x).max() * np.sqrt(((x / np.abs(x).max()) ** 2).sum()),
        lambda g, x: (
            g
            * (
                (x / np.abs(x).max()) / np.sqrt(((x / np.abs(x).max()) ** 2).sum())
                + np.sqrt(((x / np.abs(x).max()) ** 2).sum()) * (np.abs(x) == np.abs(x).max()) * np.sign(x)
            )
        ),
        np.array([3e200, -4e200, 1e199]),
    )
