"""Cases of the exam: undecided."""

import numpy as np

from tests.check.exams.case import R, add


def cases():
    r = R(9)
    x = r.normal(size=4)
    add(
        "float16_inside_fast_sine",
        "undecided",
        "three digits inside, a period of 6e-7: slopes from values are a per cent good at best, no rtol stated",
        lambda x: np.sin(1e7 * x).astype(np.float16).astype(float),
        lambda g, x: g * 1e7 * np.cos(1e7 * x),
        0.1 * x,
    )
    add(
        "rounded_to_three_digits_fast",
        "undecided",
        "the output is rounded to three decimals, the treads are 1e-10 wide and the function turns within 1e-7",
        lambda x: np.round(np.sin(1e7 * x) * np.exp(-x * x), 3),
        lambda g, x: g * np.exp(-x * x) * (1e7 * np.cos(1e7 * x) - 2 * x * np.sin(1e7 * x)),
        0.1 * x,
    )
    add(
        "offset_of_1e14_eats_the_digits",
        "undecided",
        "sin(x) + 1e14 - 1e14 has treads of 1/64; the formula is off by 1e-4, which the values can neither show nor exclude",
        lambda x: (np.sin(x) + 1e14) - 1e14,
        lambda g, x: g * np.cos(x) * 1.0001,
        x,
    )
    add(
        "log_of_a_negative_entry",
        "undecided",
        "f is NaN at the point: outside of the domain",
        lambda x: np.log(x),
        lambda g, x: g / x,
        np.array([1.0, -0.5, 2.0]),
    )
    add(
        "sin_x_over_x_at_zero",
        "undecided",
        "0/0: f is NaN there",
        lambda x: np.sin(x) / x,
        lambda g, x: g * np.where(x == 0, 0, (np.cos(x) - np.sin(x) / np.where(x == 0, 1, x)) / np.where(x == 0, 1, x)),
        np.array([0.0, 1.0]),
    )
    add(
        "arccos_outside",
        "undecided",
        "a cosine of 1.02 by careless normalisation: NaN",
        lambda x: np.arccos(x),
        lambda g, x: -g / np.sqrt(np.maximum(1 - x * x, 1e-12)),
        np.array([0.3, 1.02]),
    )
    add(
        "relu_minus_mirrored_relu_at_zero",
        "undecided",
        "the kinks cancel: f = x has slope 1, both masks give 0",
        lambda x: np.maximum(x, 0) - np.maximum(-x, 0),
        lambda g, x: g * ((x > 0) * 1.0 + (-x > 0) * 1.0),
        np.array([0.0, 1.0, -2.0]),
    )
    add(
        "max_plus_min_at_a_tie",
        "undecided",
        "the kinks cancel: f = a + b, but both maximum and minimum give their tie to the first",
        lambda a, b: np.maximum(a, b) + np.minimum(a, b),
        lambda g, a, b: (g * ((a >= b) * 1.0 + (a <= b) * 1.0), g * ((a < b) * 1.0 + (a > b) * 1.0)),
        np.array([1.0, 2.0]),
        np.array([1.0, 0.5]),
    )
    add(
        "three_pieces_that_make_the_identity",
        "undecided",
        "the kinks cancel: clip(x, 0, 1) + relu(x - 1) + min(x, 0) is x; at 0 every open mask gives 0",
        lambda x: np.clip(x, 0, 1) + np.maximum(x - 1, 0) + np.minimum(x, 0),
        lambda g, x: g * (((x > 0) & (x < 1)) * 1.0 + (x > 1) + (x < 0)),
        np.array([0.0, 0.5, 3.0, -1.0]),
    )
    rng = R(123)
    add(
        "dropout_new_mask_each_call",
        "undecided",
        "f draws a new mask at each call",
        lambda x: x * (rng.random(x.shape) < 0.5) * 2,
        lambda g, x: g,
        np.ones(20),
    )
    rng2 = R(124)
    add(
        "monte_carlo_expectation",
        "undecided",
        "32 fresh samples at each call",
        lambda x: np.exp(x * rng2.normal(size=32)).mean(),
        lambda g, x: g * x * np.exp(x * x / 2),
        np.array(0.5),
    )
    run = {"m": 0.0}

    def bnrun(x):
        run["m"] = 0.9 * run["m"] + 0.1 * float(np.real(x.mean()))
        return x - run["m"]

    add(
        "running_mean_moves_with_each_call",
        "undecided",
        "the running mean is updated by f itself: two calls differ",
        bnrun,
        lambda g, x: g,
        1 + x,
    )
    add(
        "slope_below_the_last_digit",
        "undecided",
        "1e8 + 1e-9 sin(x) is one number at float64; the formula is twice the slope, which no value shows",
        lambda x: 1e8 + 1e-9 * np.sin(x),
        lambda g, x: 2e-9 * g * np.cos(x),
        x,
    )
