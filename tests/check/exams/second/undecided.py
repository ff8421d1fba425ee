"""Cases of the second exam: undecided."""

from typing import Any

import numpy as np

from tests.check.exams.case import R, add, sp


def cases():
    kinks_that_cancel()
    outside_of_the_domain()
    not_computed_exactly()


def kinks_that_cancel():
    r = R(19)
    n0 = np.array([0.0, 1.3, -0.8])
    s0 = np.sign
    add(
        "softplus_of_maximum_and_log1p_at_zero",
        "undecided",
        "JAX #2107: max(x, 0) + log1p(exp(-|x|)) is smooth, both kinks are given slope 0 at zero: 0 for 0.5",
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        lambda g, x: g * ((x > 0) - s0(x) * np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))),
        n0,
    )
    z = np.array([1.0, 0.0, 1.0])
    add(
        "logits_cross_entropy_at_zero",
        "undecided",
        "max(x, 0) - x z + log1p(exp(-|x|)): kinks cancel, the masks are both 0 at zero: -1 for -0.5",
        lambda x: np.maximum(x, 0) - x * z + np.log1p(np.exp(-np.abs(x))),
        lambda g, x: g * ((x > 0) - z - s0(x) * np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))),
        n0,
    )
    add(
        "bessel_i0_of_scaled_one_at_zero",
        "undecided",
        "JAX #40628: exp(|x|) i0e(x) is even and smooth; |x| is given slope 1 at zero, i0e slope 0: 1 for 0",
        lambda x: np.exp(np.abs(x)) * sp.i0e(x),
        lambda g, x: g * np.exp(np.abs(x)) * (np.where(x >= 0, 1.0, -1.0) * sp.i0e(x) + sp.i1e(x) - s0(x) * sp.i0e(x)),
        n0,
    )
    add(
        "maximum_times_minimum_at_a_tie",
        "undecided",
        "max(a, b) min(a, b) is a b; both give their tie to a: (2a, 0) for (b, a)",
        lambda a, b: np.maximum(a, b) * np.minimum(a, b),
        lambda g, a, b: (
            g * ((a >= b) * np.minimum(a, b) + (a <= b) * np.maximum(a, b)),
            g * ((a < b) * np.minimum(a, b) + (a > b) * np.maximum(a, b)),
        ),
        np.array([1.5, 2.0]),
        np.array([1.5, -1.0]),
    )
    kn = np.arange(-3.0, 4)
    hat = lambda x: np.maximum(1 - np.abs(x[:, None] - kn), 0)
    add(
        "hat_functions_of_a_straight_line_at_a_node",
        "undecided",
        "the sum of hats with a line's values is the line; at a node each open mask and sign(0) give 0",
        lambda x: hat(x) @ (2 * kn + 1),
        lambda g, x: g * (-(s0(x[:, None] - kn) * (np.abs(x[:, None] - kn) < 1)) @ (2 * kn + 1)),
        np.array([1.0, 0.3]),
    )
    add(
        "clip_and_soft_threshold_at_the_bound",
        "undecided",
        "Moreau: clip(x, -1, 1) + soft(x, 1) is x; at 1 both open masks give 0",
        lambda x: np.clip(x, -1, 1) + s0(x) * np.maximum(np.abs(x) - 1, 0),
        lambda g, x: g * ((np.abs(x) < 1) * 1.0 + (np.abs(x) > 1)),
        np.array([1.0, 0.2, -3.0]),
    )
    Q = np.linalg.qr(r.normal(size=(4, 4)))[0]
    add(
        "relu_autoencoder_at_the_origin",
        "undecided",
        "Q' (relu(Q x) - relu(-Q x)) is x; at the origin the network's gradient is 0",
        lambda x: Q.T @ (np.maximum(Q @ x, 0) - np.maximum(-Q @ x, 0)),
        lambda g, x: Q.T @ ((Q @ g) * ((Q @ x > 0) * 1.0 + (Q @ x < 0))),
        np.zeros(4),
    )
    add(
        "two_distances_that_cancel_at_a_tie",
        "undecided",
        "|a - b| - |b - a| is 0; with sign(0) = 1 in both the formula gives 2 and -2",
        lambda a, b: np.abs(a - b) - np.abs(b - a) + a * b,
        lambda g, a, b: (
            g * (np.where(a >= b, 1.0, -1) + np.where(b >= a, 1.0, -1) + b),
            g * (-np.where(a >= b, 1.0, -1) - np.where(b >= a, 1.0, -1) + a),
        ),
        np.array([0.5, 1.0]),
        np.array([0.5, 3.0]),
    )
    add(
        "exp_of_modulus_minus_modulus_at_zero",
        "undecided",
        "exp(|x|) - |x| has slope 0 at zero; one modulus takes sign(0) = 1, the other 0",
        lambda x: np.exp(np.abs(x)) - np.abs(x),
        lambda g, x: g * (np.where(x >= 0, 1.0, -1.0) * np.exp(np.abs(x)) - s0(x)),
        n0,
    )

    net = ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2))

    def sn(x):
        x = list(x)
        for i, j in net:
            x[i], x[j] = np.minimum(x[i], x[j]), np.maximum(x[i], x[j])
        return np.stack(x).sum()

    def snb(g, x):
        st, x = [], list(x)
        for i, j in net:
            st.append((x[i], x[j]))
            x[i], x[j] = min(x[i], x[j]), max(x[i], x[j])
        d = [float(g)] * 4
        for (i, j), (a, b) in zip(reversed(net), reversed(st), strict=True):
            lo, hi = d[i], d[j]
            d[i] = lo * (a <= b) + hi * (a >= b)
            d[j] = lo * (a > b) + hi * (a < b)
        return np.array(d)

    add(
        "sorting_network_sum_of_tied_entries",
        "undecided",
        "the sum after compare-exchanges is the sum; at ties each exchange gives both outputs to its first input",
        sn,
        snb,
        np.full(4, 0.3),
    )
    add(
        "sign_times_modulus_at_zero",
        "undecided",
        "sign(x) |x| is x; the formula sign(x)^2 is 0 at zero",
        lambda x: s0(x) * np.abs(x),
        lambda g, x: g * s0(x) ** 2,
        n0,
    )

    def polar(p):
        return np.hypot(p[0], p[1]) * np.stack([np.cos(np.arctan2(p[1], p[0])), np.sin(np.arctan2(p[1], p[0]))])

    def polarb(g, p):
        rr, t = np.hypot(*p), np.arctan2(p[1], p[0])
        dr = p / rr if rr else np.zeros(2)
        dt = np.array([-p[1], p[0]]) / rr**2 if rr else np.zeros(2)
        return (g[0] * np.cos(t) + g[1] * np.sin(t)) * dr + rr * (g[1] * np.cos(t) - g[0] * np.sin(t)) * dt

    add(
        "polar_and_back_at_the_origin",
        "undecided",
        "the identity through (r, phi); at the origin the guarded formulas give 0",
        polar,
        polarb,
        np.zeros(2),
    )
    add(
        "upwind_flux_at_zero_velocity_linear_profile",
        "undecided",
        "max(u, 0) (q - q_left) + min(u, 0) (q_right - q) with equal differences is u dq; open masks give 0 at u = 0",
        lambda u: np.maximum(u, 0) * 0.5 + np.minimum(u, 0) * 0.5,
        lambda g, u: g * 0.5 * ((u > 0) * 1.0 + (u < 0)),
        n0,
    )
    lk = lambda x, s: np.where(x > 0, x, s * x)
    add(
        "leaky_relu_of_its_inverse_at_zero",
        "undecided",
        "the identity; the inverse takes slope 1 at zero, leaky relu 0.25: 0.25 for 1",
        lambda x: lk(lk(x, 4.0), 0.25),
        lambda g, x: g * np.where(x >= 0, 1.0, 4.0) * np.where(x > 0, 1.0, 0.25),
        n0,
    )


def outside_of_the_domain():
    add(
        "fractional_power_of_a_negative_number",
        "undecided",
        "(-8)^(1/3) is NaN for floats; the formula is that of the real cube root",
        lambda x: x ** (1 / 3),
        lambda g, x: g / 3 * np.abs(x) ** (-2 / 3),
        np.array([-8.0, 8.0]),
    )
    add(
        "log1p_below_minus_one",
        "undecided",
        "outside of the domain: NaN",
        lambda x: np.log1p(x),
        lambda g, x: g / (1 + x),
        np.array([0.5, -1.5]),
    )
    add(
        "naive_softmax_overflows",
        "undecided",
        "exp(800) / sum overflows to NaN; the formula is that of the stable softmax",
        lambda x: np.exp(x) / np.exp(x).sum(),
        lambda g, x: (lambda y: y * (g - (g * y).sum()))(sp.softmax(x)),
        np.array([800.0, 799.0, 1.0]),
    )
    add(
        "masked_mean_of_nothing",
        "undecided",
        "the mask is empty: 0 / 0; the formula is guarded",
        lambda x: (x * (x > 9)).sum() / (x > 9).sum(),
        lambda g, x: g * (x > 9) / max((x > 9).sum(), 1),
        np.array([0.5, 1.0, 2.0]),
    )
    add(
        "correlation_with_a_constant_vector",
        "undecided",
        "0 / 0: a constant vector has no correlation; the formula returns zeros",
        lambda x: ((x - x.mean()) * np.arange(4)).sum() / np.sqrt(((x - x.mean()) ** 2).sum()),
        lambda g, x: np.zeros(4),
        np.full(4, 0.5),
    )
    add(
        "table_lookup_outside_of_the_table",
        "undecided",
        "the second point lies beyond the table: NaN by convention, the formula extrapolates",
        lambda x: np.interp(x, [0.0, 1, 2], [1.0, 3, 2], left=np.nan, right=np.nan),
        lambda g, x: g * np.where(x < 1, 2.0, -1.0),
        np.array([0.5, 2.2]),
    )

    def chol(p):
        A = np.array([[p[0], p[1]], [p[1], p[2]]])
        with np.errstate(all="ignore"):
            a = np.sqrt(A[0, 0])
            return np.stack([a, A[1, 0] / a, np.sqrt(A[1, 1] - (A[1, 0] / a) ** 2)])

    add(
        "cholesky_of_an_indefinite_matrix",
        "undecided",
        "the last pivot is negative: NaN",
        chol,
        lambda g, p: np.array(
            [g[0] / (2 * np.sqrt(p[0])) - g[1] * p[1] / (2 * p[0] ** 1.5), g[1] / np.sqrt(p[0]), 0.0]
        ),
        np.array([1.0, 2.0, 3.0]),
    )
    add(
        "square_root_at_the_end_of_its_domain",
        "undecided",
        "x = 0: NaN to the left, slope infinite to the right; the guarded formula says 5e5",
        lambda x: np.sqrt(x),
        lambda g, x: g * 0.5 / np.maximum(np.sqrt(x), 1e-6),
        np.array([0.0, 2.0]),
    )
    add(
        "entropy_at_an_exact_zero",
        "undecided",
        "-x log x at 0: NaN to the left, slope +inf to the right; the guarded formula says 26.6",
        lambda x: sp.entr(np.where(x < 0, np.nan, x)),
        lambda g, x: g * (-np.log(np.maximum(x, 1e-12)) - 1),
        np.array([0.0, 0.3]),
    )


def not_computed_exactly():
    r = R(21)
    x3 = np.array([0.31, 0.72, -0.44])
    add(
        "int8_levels_of_a_fast_wave",
        "undecided",
        "127 levels, treads of 1e-11: values give the slope to some per cent",
        lambda x: np.round(127 * np.sin(3e8 * x)) / 127,
        lambda g, x: g * 3e8 * np.cos(3e8 * x),
        x3,
    )
    add(
        "float32_sum_on_a_large_base",
        "undecided",
        "1000 + 1e-3 sin(1e8 x) kept in float32: some thirty levels, a period of 6e-8",
        lambda x: (1000 + 1e-3 * np.sin(1e8 * x)).astype(np.float32).astype(float),
        lambda g, x: g * 1e5 * np.cos(1e8 * x),
        x3,
    )
    add(
        "julian_date_of_a_pulse",
        "undecided",
        "2.46e6 + x keeps x to 5e-10, the phase 5e9 x is then known to two radians",
        lambda x: np.sin(5e9 * ((2.46e6 + x) - 2.46e6)),
        lambda g, x: g * 5e9 * np.cos(5e9 * x),
        x3,
    )
    add(
        "phase_of_1e16",
        "undecided",
        "1e16 x is rounded by up to half a radian before the sine is taken",
        lambda x: np.sin(1e16 * x),
        lambda g, x: g * 1e16 * np.cos(1e16 * x),
        x3,
    )
    xv = 1e12 + r.normal(size=6)
    add(
        "variance_by_squares_at_offset_1e12",
        "undecided",
        "E[x^2] - E[x]^2 of numbers around 1e12: rounding errors of 1e8 in a variance of 1",
        lambda x: (x * x).mean() - x.mean() ** 2,
        lambda g, x: g * 2 * (x - x.mean()) / 6,
        xv,
    )

    def henon(p):
        x, y = float(p[0]), float(p[1])
        for _ in range(200):
            x, y = 1 - 1.4 * x * x + y, 0.3 * x
        return np.array([x, y])

    def henonb(g, p):
        x, y, st = float(p[0]), float(p[1]), []
        for _ in range(200):
            st.append(x)
            x, y = 1 - 1.4 * x * x + y, 0.3 * x
        a, b = float(g[0]), float(g[1])
        for x in reversed(st):
            a, b = -2.8 * x * a + 0.3 * b, a
        return np.array([a, b])

    add(
        "henon_map_two_hundred_steps",
        "undecided",
        "chaos: slopes of 1e36, all digits of the start are lost after 90 steps",
        henon,
        henonb,
        np.array([0.1, 0.1]),
    )
    add(
        "samples_seeded_by_the_input",
        "undecided",
        "the generator is seeded by the bytes of x: a new error of some per cent for each x, for the same x the same",
        lambda x: np.exp(
            x * np.random.default_rng(np.frombuffer(np.asarray(x, float).tobytes(), np.uint32)).normal(size=200)
        ).mean(),
        lambda g, x: g * x * np.exp(x * x / 2),
        np.array(0.5),
    )
    add(
        "one_lost_beside_1e20",
        "undecided",
        "1e20 + x does not change with x; the formula says 3",
        lambda x: 1e20 + x,
        lambda g, x: g * 3.0,
        x3,
    )
    add(
        "leg_of_a_triangle_of_1e12",
        "undecided",
        "hypot(1e12, x) has slope x / 1e12, far below the last digit; the formula has twice that",
        lambda x: np.sqrt(1e24 + x * x),
        lambda g, x: g * 2 * x / 1e12,
        x3,
    )
    add(
        "float32_output_at_two_to_the_24",
        "undecided",
        "f returns float32, spaced by 2 at 2^24: 0.4 sin(x) does not show; the formula is twice its slope",
        lambda x: (2.0**24 + 0.4 * np.sin(x)).astype(np.float32),
        lambda g, x: g * 0.8 * np.cos(x),
        x3,
    )

    rng = R(125)
    add(
        "random_shift_augmentation",
        "undecided",
        "a new shift at each call",
        lambda x: np.roll(x, int(rng.integers(0, 9))) ** 2,
        lambda g, x: 2 * g * x,
        r.normal(size=10),
    )
    rng2 = R(126)
    add(
        "stochastic_rounding",
        "undecided",
        "rounded up or down to hundredths at random",
        lambda x: np.floor(100 * x + rng2.random(x.shape)) / 100,
        lambda g, x: g * 1.0,
        r.normal(size=6),
    )
    st = {"n": 0}

    def anneal(x):
        st["n"] += 1
        return x * x * (1 + 0.5 * np.cos(st["n"]))

    add(
        "cyclic_schedule_counts_the_calls",
        "undecided",
        "a factor goes up and down with the number of calls, the formula is that of its mean",
        anneal,
        lambda g, x: 2 * g * x,
        x3,
    )
    mo: dict[str, Any] = {"v": 0.0}

    def momentum(x):
        mo["v"] = 0.9 * mo["v"] + np.array(x)
        return mo["v"]

    add("momentum_buffer_inside", "undecided", "the buffer remembers earlier calls", momentum, lambda g, x: g * 1.0, x3)
    rng3 = R(127)
    big = r.normal(size=40) * 1e16
    big = np.r_[big, -big]
    add(
        "summation_in_random_order",
        "undecided",
        "as an atomic add: the order of a badly conditioned sum changes from call to call",
        lambda x: np.array([np.cumsum(rng3.permutation(np.r_[big, x]))[-1] for _ in range(3)]),
        lambda g, x: g.sum() * np.ones(3),
        x3,
    )
    fl = {"on": False}

    def mode(x):
        fl["on"] = not fl["on"]
        return np.tanh(x) * (2.0 if fl["on"] else 1.0)

    add(
        "training_flag_toggles",
        "undecided",
        "every second call is in another mode",
        mode,
        lambda g, x: g / np.cosh(x) ** 2,
        x3,
    )
