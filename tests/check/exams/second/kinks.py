"""Cases of the second exam: kinks, ties, plateaus."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(18)
    add(
        "hardswish_at_its_corner",
        "right",
        "x = 3 exactly: the left slope is 1.5, the right one 1; the mask takes the right",
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        lambda g, x: g * np.where(x >= 3, 1.0, np.where(x <= -3, 0.0, (2 * x + 3) / 6)),
        np.array([3.0, 0.5, -4.0]),
    )
    add(
        "elu_with_alpha_two_at_zero",
        "right",
        "slopes 2 from the left, 1 from the right; the mean 1.5 is given",
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0))),
        lambda g, x: g * np.where(x == 0, 1.5, np.where(x > 0, 1.0, 2 * np.exp(np.minimum(x, 0)))),
        np.array([0.0, -0.7, 1.3]),
    )
    add(
        "elu_with_alpha_two_at_zero_slope_three",
        "wrong",
        "at zero both branches are added: 3, outside of [1, 2]",
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0))),
        lambda g, x: g * ((x >= 0) * 1.0 + (x <= 0) * 2 * np.exp(np.minimum(x, 0))),
        np.array([0.0, -0.7, 1.3]),
    )
    add(
        "range_of_a_constant_vector",
        "right",
        "max - min with all tied: first to the maximum, last to the minimum",
        lambda x: x.max() - x.min(),
        lambda g, x: g * (np.eye(4)[x.argmax()] - np.eye(4)[3 - x[::-1].argmin()]),
        np.full(4, 0.7),
    )
    add(
        "euclidean_distance_of_equal_points",
        "right",
        "zero is a subgradient of the norm at zero",
        lambda a, b: np.sqrt(((a - b) ** 2).sum()),
        lambda g, a, b: (lambda d: (g * d, -g * d))((a - b) / max(np.sqrt(((a - b) ** 2).sum()), 1e-300)),
        np.array([1.0, 2, 3]),
        np.array([1.0, 2, 3]),
    )
    add(
        "top_two_of_four_tied",
        "right",
        "the two largest of four equal ones: the tie is shared, a half each",
        lambda x: np.sort(x)[-2:].sum(),
        lambda g, x: (lambda t: g * ((x > t) + (x == t) * (2.0 - (x > t).sum()) / (x == t).sum()))(np.sort(x)[-2]),
        np.ones(4),
    )
    add(
        "top_two_of_four_tied_each_counted_once",
        "wrong",
        "each of four entries gets the full gradient, tied or not: sum 4 where f counts two",
        lambda x: np.sort(x)[-2:].sum(),
        lambda g, x: g * np.ones(4),
        np.ones(4),
    )
    add(
        "huber_at_its_seam",
        "right",
        "|r| = delta exactly: once differentiable, no kink",
        lambda x: np.where(np.abs(x) <= 1, 0.5 * x * x, np.abs(x) - 0.5),
        lambda g, x: g * np.clip(x, -1, 1),
        np.array([1.0, -1.0, 0.3, 2.0]),
    )
    add(
        "quantile_loss_at_zero",
        "right",
        "pinball: slopes 0.9 and -0.1, any between is right: -0.1",
        lambda x: np.maximum(0.9 * x, -0.1 * x),
        lambda g, x: g * np.where(x > 0, 0.9, -0.1),
        np.array([0.0, 1.0, -2.0]),
    )
    add(
        "quantile_loss_at_zero_outside",
        "wrong",
        "at zero -0.9: outside of [-0.1, 0.9] (the mask's sign was taken from the other side)",
        lambda x: np.maximum(0.9 * x, -0.1 * x),
        lambda g, x: g * np.where(x > 0, 0.9, np.where(x < 0, -0.1, -0.9)),
        np.array([0.0, 1.0, -2.0]),
    )
    add(
        "kinks_1e_4_apart_around_the_point",
        "right",
        "a staircase of slopes, the point lies in the middle of a piece of length 1e-4",
        lambda x: np.abs(x - 1e-4 * np.arange(-50, 51)[:, None] - 5e-5).sum(0),
        lambda g, x: g * np.sign(x - 1e-4 * np.arange(-50, 51)[:, None] - 5e-5).sum(0),
        np.array([0.0, 1e-3 + 2e-5]),
    )
    add(
        "triangle_wave_of_period_1e_3",
        "right",
        "slopes of +-1000 that change every 5e-4",
        lambda x: np.abs(1000 * x - np.round(1000 * x)),
        lambda g, x: g * 1000 * np.sign(1000 * x - np.round(1000 * x)),
        np.array([0.12323, 0.5007]),
    )
    add(
        "triangle_wave_sign_in_the_falling_half",
        "wrong",
        "np.abs lost: slope +1000 in both halves",
        lambda x: np.abs(1000 * x - np.round(1000 * x)),
        lambda g, x: g * 1000.0 * np.ones_like(x),
        np.array([0.12323, 0.5007]),
    )
    add(
        "step_two_hundredths_away",
        "right",
        "a jump of 1 at 0.5, the point at 0.48",
        lambda x: np.where(x > 0.5, 1.0, 0.0) + x**3,
        lambda g, x: g * 3 * x**2,
        np.array([0.48, 0.53]),
    )
    add(
        "thermostat_plateau",
        "right",
        "a clipped controller far in its plateau: zero",
        lambda x: np.clip(5 * x, -1, 1),
        lambda g, x: g * 5.0 * (np.abs(5 * x) < 1),
        np.array([0.9, -3.0, 1e6]),
    )
    add(
        "dead_zone_scaled_wrongly_inside_the_plateau",
        "wrong",
        "the plateau of the dead zone has the slope of the rim (mask by the output's sign)",
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
        lambda g, x: g * 1.0,
        np.array([0.2, 1.0, -0.9]),
    )
    add(
        "mean_of_normalised_vector_is_zero",
        "right",
        "the sum of a centred vector is zero whatever x is",
        lambda x: (x - x.mean()).sum() + x[0] ** 2,
        lambda g, x: g * np.r_[2 * x[0], np.zeros(5)],
        r.normal(size=6),
    )
    add(
        "scale_invariant_norm_one",
        "right",
        "the norm of x / |x| is 1, gradient zero",
        lambda x: np.sqrt(((x / np.sqrt((x * x).sum())) ** 2).sum()) + 0 * x[0],
        lambda g, x: np.zeros(5),
        r.normal(size=5),
    )
    add(
        "winding_number_constant",
        "right",
        "the sum of the turning angles of a closed polygon is 2 pi",
        lambda p: sum(
            np.angle(
                np.exp(
                    1j
                    * (
                        np.arctan2(*(np.roll(p, -k - 1, 0) - np.roll(p, -k, 0))[0][::-1])
                        - np.arctan2(*(np.roll(p, -k, 0) - np.roll(p, 1 - k, 0))[0][::-1])
                    )
                )
            )
            for k in range(5)
        ),
        lambda g, p: np.zeros((5, 2)),
        np.array([[0.0, 0], [2, 0.1], [2.5, 1.5], [1, 2.4], [-0.4, 1.2]]),
    )
    add(
        "empty_batch_with_weights",
        "right",
        "no rows: the weights' gradient is zero",
        lambda X, w: np.tanh(X @ w),
        lambda g, X, w: ((g * (1 - np.tanh(X @ w) ** 2))[:, None] * w, X.T @ (g * (1 - np.tanh(X @ w) ** 2))),
        np.zeros((0, 3)),
        np.array([1.0, 2, 3]),
    )
    add(
        "rows_of_eight_orders",
        "right",
        "outputs of 1e12, 1 and 1e-12 from the same inputs",
        lambda x: np.stack([1e12 * np.sin(x), np.cos(x), 1e-12 * x**3]),
        lambda g, x: 1e12 * np.cos(x) * g[0] - np.sin(x) * g[1] + 3e-12 * x * x * g[2],
        np.array([0.5, 1.7]),
    )
    add(
        "rows_of_eight_orders_middle_row_sign",
        "wrong",
        "the middle row's sign is wrong, 1e-12 of the whole gradient under a dense cotangent",
        lambda x: np.stack([1e12 * np.sin(x), np.cos(x), 1e-12 * x**3]),
        lambda g, x: 1e12 * np.cos(x) * g[0] + np.sin(x) * g[1] + 3e-12 * x * x * g[2],
        np.array([0.5, 1.7]),
    )
    add(
        "periodic_with_period_1e_5",
        "right",
        "sin(2 pi x / 1e-5)",
        lambda x: np.sin(2 * np.pi * 1e5 * x),
        lambda g, x: g * 2 * np.pi * 1e5 * np.cos(2 * np.pi * 1e5 * x),
        np.array([0.1234567, 0.70000123]),
    )
    add(
        "beat_of_two_frequencies",
        "right",
        "cancellation of two fast waves",
        lambda x: np.sin(2000 * x) - np.sin(2001 * x),
        lambda g, x: g * (2000 * np.cos(2000 * x) - 2001 * np.cos(2001 * x)),
        np.array([0.3, 1.1]),
    )
    add(
        "heron_needle_triangle",
        "right",
        "sides 1, 1 and 1e-3 in Kahan's order",
        lambda s: (
            0.25
            * np.sqrt((s[0] + (s[1] + s[2])) * (s[2] - (s[0] - s[1])) * (s[2] + (s[0] - s[1])) * (s[0] + (s[1] - s[2])))
        ),
        lambda g, s: (
            g
            * np.stack([s[k] * (s @ s - 2 * s[k] ** 2) for k in range(3)])
            / (
                16
                * 0.25
                * np.sqrt(
                    (s[0] + (s[1] + s[2])) * (s[2] - (s[0] - s[1])) * (s[2] + (s[0] - s[1])) * (s[0] + (s[1] - s[2]))
                )
            )
            * 2
        ),
        np.array([1.0, 1.0, 1e-3]),
    )
