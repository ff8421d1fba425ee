"""Cases of the exam: special functions and scalar formulas."""

import numpy as np

from tests.check.exams.case import R, add, sp


def cases():
    r = R(4)
    x = r.normal(size=8)
    two_pi32 = float(np.float32(2 * np.pi))
    add(
        "phase_with_float32_two_pi",
        "wrong",
        "2 pi in float32: 3e-8 off, but the phase is 1e5 radian: 4e-3 radian off",
        lambda t: np.sin(2 * np.pi * 2e4 * t),
        lambda g, t: g * 2 * np.pi * 2e4 * np.cos(two_pi32 * 2e4 * t),
        1 + 0.1 * r.random(6),
    )
    add(
        "gammaln_asymptotic_digamma_cut_short",
        "wrong",
        "digamma as log x - 1/(2x): the term 1/(12 x^2) is missing, 1e-4 to 2e-3",
        lambda x: sp.loggamma(x),
        lambda g, x: g * (np.log(x) - 0.5 / x),
        np.array([5.0, 8.0, 12.5, 20.0]),
    )
    add(
        "bessel_derivative_half_missing",
        "wrong",
        "J_2' is (J_1 - J_3)/2",
        lambda x: sp.jv(2, x),
        lambda g, x: g * (sp.jv(1, x) - sp.jv(3, x)),
        np.array([0.5, 2.0, 7.3]),
    )
    add(
        "bessel_derivative",
        "right",
        "J_2'",
        lambda x: sp.jv(2, x),
        lambda g, x: g * (sp.jv(1, x) - sp.jv(3, x)) / 2,
        np.array([0.5, 2.0, 7.3, 200.0]),
    )

    def lnb(g, x):
        with np.errstate(all="ignore"):
            return g * np.nan_to_num(np.exp(-x * x / 2) / np.sqrt(2 * np.pi) / sp.ndtr(x), nan=0.0)

    add(
        "log_ndtr_tail_zero_over_zero_patched",
        "wrong",
        "pdf/cdf is 0/0 at x=-40, patched to 0; the slope there is 40",
        lambda x: sp.log_ndtr(x),
        lnb,
        np.array([-1.0, 0.5, 2.0, -40.0, -3.0]),
    )
    add(
        "log_ndtr_tail",
        "right",
        "exp(logpdf - logcdf): x down to -1000",
        lambda x: sp.log_ndtr(x),
        lambda g, x: (
            g
            * np.where(
                x < -30,
                -x + 1 / -x - 2 / -(x**3) + 10 / -(x**5),
                np.exp(-(np.maximum(x, -30) ** 2) / 2 - sp.log_ndtr(np.maximum(x, -30))) / np.sqrt(2 * np.pi),
            )
        ),
        np.array([-1000.0, -100, -5, 0, 5]),
    )
    add(
        "sinc_derivative_with_extra_pi",
        "wrong",
        "d sinc(x) is (cos(pi x) - sinc(x)) / x",
        lambda x: np.sin(np.pi * x) / (np.pi * x),
        lambda g, x: g * (np.cos(np.pi * x) - np.sinc(x)) / (np.pi * x),
        x,
    )
    add(
        "sinc_at_zero_and_near",
        "right",
        "0 and 1e-9: the series -pi^2 x / 3",
        lambda x: np.sinc(x),
        lambda g, x: (
            g
            * np.where(
                np.abs(x) < 1e-3,
                -(np.pi**2) * x / 3 + np.pi**4 * x**3 / 30,
                (np.cos(np.pi * x) - np.sinc(x)) / np.where(x == 0, 1, x),
            )
        ),
        np.array([0.0, 1e-9, 1e-5, 0.3, 1.0]),
    )
    add(
        "mod_quotient_truncated",
        "wrong",
        "the gradient of np.mod by y is -floor(x/y); trunc differs at negative quotients only",
        lambda x, y: np.mod(x, y),
        lambda g, x, y: (g, -g * np.trunc(x / y)),
        np.array([5.3, -2.2, 7.9, -0.4]),
        np.array([2.0, 1.5, 2.5, 3.0]),
    )
    add(
        "mod_away_from_steps",
        "right",
        "floor",
        lambda x, y: np.mod(x, y),
        lambda g, x, y: (g, -g * np.floor(x / y)),
        np.array([5.3, -2.2, 7.9, -0.4]),
        np.array([2.0, 1.5, 2.5, 3.0]),
    )

    def at2(y, x):
        return np.arctan(y / x)

    add(
        "arctan_quotient_sign_of_second",
        "wrong",
        "d/dx of arctan(y/x) is -y/r^2: the sign is lost; the first is right",
        at2,
        lambda g, y, x: (g * x / (x * x + y * y), g * y / (x * x + y * y)),
        x,
        x[::-1] + 3,
    )
    add(
        "arctan2_near_branch_cut",
        "right",
        "y = 1e-9 above the cut at x = -1: the jump of 2 pi is 1e-9 away",
        lambda y, x: np.arctan2(y, x),
        lambda g, y, x: (g * x / (x * x + y * y), -g * y / (x * x + y * y)),
        np.array([1e-9, 2.0, -1e-9]),
        np.array([-1.0, -1.0, -2.0]),
    )
    u = np.array([0.6005, -0.8, 0.0])
    add(
        "norm_gradient_squared_denominator",
        "wrong",
        "x / |x|^2 in place of x / |x|: 3e-4 off for nearly unit vectors",
        lambda x: np.sqrt((x * x).sum()),
        lambda g, x: g * x / (x * x).sum(),
        u,
    )
    add(
        "cubic_norm_sign_lost",
        "wrong",
        "d|x|^3 is 3 x |x|: wrong at negative inputs only",
        lambda x: (np.where(x < 0, -x, x) ** 3).sum(),
        lambda g, x: g * 3 * x * x,
        x,
    )
    add(
        "erfcx_large",
        "right",
        "2 x erfcx(x) - 2/sqrt(pi): cancels at large x",
        lambda x: sp.erfcx(x),
        lambda g, x: (
            g
            * np.where(
                x > 50,
                -1 / (np.sqrt(np.pi) * x * x) * (1 - 1.5 / (x * x) + 3.75 / x**4),
                2 * x * sp.erfcx(x) - 2 / np.sqrt(np.pi),
            )
        ),
        np.array([-2.0, 0.5, 10.0, 60.0]),
    )
    add(
        "gamma_near_pole",
        "right",
        "1e-4 from the pole at -1: slopes of 1e8",
        lambda x: sp.gamma(x),
        lambda g, x: g * sp.gamma(x) * sp.digamma(x),
        np.array([-1 + 1e-4, 0.5, 3.0]),
    )
    add(
        "gammaln_at_one_and_two",
        "right",
        "f is zero there, slopes -0.577 and 0.42",
        lambda x: sp.loggamma(x),
        lambda g, x: g * sp.digamma(x),
        np.array([1.0, 2.0, 1 + 1e-10]),
    )
    add(
        "betainc_by_x",
        "right",
        "the beta density",
        lambda x: sp.betainc(2.5, 0.7, x),
        lambda g, x: g * np.exp(1.5 * np.log(x) - 0.3 * np.log1p(-x) - sp.betaln(2.5, 0.7)),
        np.array([1e-3, 0.2, 0.9, 0.999]),
    )
    add(
        "ellipk_near_one",
        "right",
        "logarithmic pole at m=1",
        lambda m: sp.ellipk(m),
        lambda g, m: g * (sp.ellipe(m) - (1 - m) * sp.ellipk(m)) / (2 * m * (1 - m)),
        np.array([0.1, 0.9, 1 - 1e-5]),
    )
    add(
        "lambert_w",
        "right",
        "implicit derivative 1/(exp(w)(1+w)), one point 1e-4 from the branch point",
        lambda x: sp.lambertw(x).real,
        lambda g, x: (lambda w: g / (np.exp(w) * (1 + w)))(sp.lambertw(x).real),
        np.array([0.5, 10.0, -np.exp(-1) + 1e-4]),
    )

    # scales
    add(
        "tiny_inputs_1e_150",
        "right",
        "x of 1e-150 scaled to order one: slopes of 1e150",
        lambda x: np.sin(x * 1e150),
        lambda g, x: g * 1e150 * np.cos(x * 1e150),
        1e-150 * x,
    )
    add("square_of_1e120", "right", "f is 1e240", lambda x: x * x, lambda g, x: 2 * g * x, 1e120 * x)
    add(
        "large_offset_1e12",
        "right",
        "x of 1e12, f of period 6e12",
        lambda x: np.sin(x * 1e-12),
        lambda g, x: g * 1e-12 * np.cos(x * 1e-12),
        1e12 * (1 + np.abs(x)),
    )
    add(
        "mixed_input_scales",
        "right",
        "one input vector with entries from 1e-9 to 1e9, f of order one in each",
        lambda x: np.tanh(x / np.array([1e-9, 1e-3, 1, 1e3, 1e9])).cumsum(),
        lambda g, x: (
            np.cumsum(g[::-1])[::-1]
            / np.cosh(x / np.array([1e-9, 1e-3, 1, 1e3, 1e9])) ** 2
            / np.array([1e-9, 1e-3, 1, 1e3, 1e9])
        ),
        np.array([3e-10, -5e-4, 0.2, 700, 1e9]),
    )
    mixed = lambda x: np.concatenate([1e8 * np.cos(x), 1e-8 * np.sin(x)])
    add(
        "mixed_output_scales",
        "right",
        "outputs of 1e8 and of 1e-8 from the same input",
        mixed,
        lambda g, x: -1e8 * np.sin(x) * g[:3] + 1e-8 * np.cos(x) * g[3:],
        np.array([0.3, 1.2, -2.0]),
    )
    add(
        "mixed_output_scales_small_row_doubled",
        "wrong",
        "the rows of the outputs of 1e-8 are doubled: seen only with a cotangent on these alone",
        mixed,
        lambda g, x: -1e8 * np.sin(x) * g[:3] + 2e-8 * np.cos(x) * g[3:],
        np.array([0.3, 1.2, -2.0]),
    )
    add(
        "asinh_guard_against_overflow_returns_zero",
        "wrong",
        "beyond 1e10 the backward gives 0 where the slope is 1/|x|: a relative step there moves f like any other",
        lambda x: np.arcsinh(x),
        lambda g, x: g * np.where(np.abs(x) > 1e10, 0, 1 / np.sqrt(np.minimum(np.abs(x), 1e10) ** 2 + 1)),
        np.array([0.5, -2.0, 3e11, 40.0]),
    )
    add(
        "asinh_huge",
        "right",
        "slopes from 1 to 1e-200",
        lambda x: np.arcsinh(x),
        lambda g, x: g / np.hypot(x, 1),
        np.array([0.5, -2.0, 3e11, 1e200]),
    )
    add(
        "tanh_saturated",
        "right",
        "f is 1 at float64, the slope 1e-26 by 1/cosh^2",
        lambda x: np.tanh(x),
        lambda g, x: g / np.cosh(x) ** 2,
        np.array([30.0, -28.0, 0.5]),
    )
    add(
        "all_saturated_1e_30",
        "right",
        "exp(-70) + nothing else: outputs of 1e-31 with slopes of 1e-31",
        lambda x: np.exp(-x),
        lambda g, x: -g * np.exp(-x),
        np.array([70.0, 71.0, 69.5]),
    )
    add(
        "log1p_exp_very_negative",
        "right",
        "log(1 + exp(x)) naive: at -30 the value has 3 digits, the slope is right",
        lambda x: np.log(1 + np.exp(x)).sum(),
        lambda g, x: g / (1 + np.exp(-x)),
        np.array([-30.0, -20, 0, 5, 30]),
    )
    add(
        "fast_oscillation",
        "right",
        "sin(1e5 x): period 6e-5",
        lambda x: np.sin(1e5 * x),
        lambda g, x: g * 1e5 * np.cos(1e5 * x),
        np.array([0.3, 1.1, -0.7]),
    )
    add(
        "chirp_near_essential_singularity",
        "right",
        "sin(1/x) at 1e-3: the period is 6e-6",
        lambda x: np.sin(1 / x),
        lambda g, x: -g * np.cos(1 / x) / x**2,
        np.array([1e-3, 2.3e-3, 0.4]),
    )
    add(
        "pole_at_1e_5",
        "right",
        "1/(x-1), 1e-5 from the pole",
        lambda x: 1 / (x - 1),
        lambda g, x: -g / (x - 1) ** 2,
        np.array([1 + 1e-5, 1 - 1e-4, 3.0]),
    )
    add(
        "log_at_1e_12",
        "right",
        "1e-12 from the border of the domain",
        lambda x: np.log(x),
        lambda g, x: g / x,
        np.array([1e-12, 1e-6, 1.0]),
    )
    add(
        "sqrt_at_1e_200",
        "right",
        "slope 5e99",
        lambda x: np.sqrt(x),
        lambda g, x: 0.5 * g / np.sqrt(x),
        np.array([1e-200, 1.0, 1e200]),
    )
    add(
        "arcsin_near_one",
        "right",
        "1e-8 inside of the domain",
        lambda x: np.arcsin(x),
        lambda g, x: g / np.sqrt((1 - x) * (1 + x)),
        np.array([1 - 1e-8, -1 + 1e-6, 0.0]),
    )
    add(
        "arccosh_near_one",
        "right",
        "1e-7 inside of the domain",
        lambda x: np.log(x + np.sqrt((x - 1) * (x + 1))),
        lambda g, x: g / np.sqrt((x - 1) * (x + 1)),
        np.array([1 + 1e-7, 2.0]),
    )
    add(
        "x_log_x_at_1e_300",
        "right",
        "slope -690 at an x that no absolute step may use",
        lambda x: x * np.log(x),
        lambda g, x: g * (np.log(x) + 1),
        np.array([1e-300, 1e-10, 2.0]),
    )
    add(
        "x_to_the_x",
        "right",
        "x^x (1 + log x), with x = 1/e where it is zero",
        lambda x: x**x,
        lambda g, x: g * x**x * (np.log(x) + 1),
        np.array([0.2, np.exp(-1), 3.0]),
    )
    add(
        "hypot_1e_160",
        "right",
        "squares underflow, hypot does not",
        lambda x, y: np.hypot(x, y),
        lambda g, x, y: (g * x / np.hypot(x, y), g * y / np.hypot(x, y)),
        np.array(3e-160),
        np.array(-4e-160),
    )
    add(
        "cube_at_zero",
        "right",
        "an inflection: gradient zero, f not constant",
        lambda x: x**3,
        lambda g, x: 3 * g * x * x,
        np.array([0.0, 1.0, 0.0]),
    )
    add(
        "smooth_bump_edge",
        "right",
        "exp(-1/(1-x^2)) at 0.99: slopes 1e-20 beside order one",
        lambda x: np.exp(-1 / (1 - x * x)),
        lambda g, x: -g * np.exp(-1 / (1 - x * x)) * 2 * x / (1 - x * x) ** 2,
        np.array([0.99, 0.5, -0.9, 0.0]),
    )

    # kinks
    relu = lambda x: np.maximum(x, 0)
    for d, nm in ((1e-3, "1e_3"), (1e-6, "1e_6"), (1e-9, "1e_9")):
        add(
            f"relu_kink_{nm}_away",
            "right",
            f"kinks {nm.replace('_', '-')} away on both sides",
            relu,
            lambda g, x: g * (x > 0),
            np.array([d, -d, 1.0, -2.0, 3 * d]),
        )
    add(
        "relu_kink_1e_3_away_wrong_side",
        "wrong",
        "the mask is x > 0.002: two entries of 40 lie between 0 and 0.002",
        relu,
        lambda g, x: g * (x > 2e-3),
        np.concatenate([np.array([1e-3, 1.5e-3]), np.sign(r.normal(size=38)) * (0.1 + r.random(38))]),
    )
    add(
        "relu_at_zero_slope_zero",
        "right",
        "0 at the kink",
        relu,
        lambda g, x: g * (x > 0),
        np.array([0.0, 1.0, -1.0, 0.0]),
    )
    add(
        "relu_at_zero_slope_one",
        "right",
        "1 at the kink",
        relu,
        lambda g, x: g * (x >= 0),
        np.array([0.0, 1.0, -1.0, 0.0]),
    )
    add(
        "abs_at_zero",
        "right",
        "sign(0) = 0",
        lambda x: np.where(x < 0, -x, x),
        lambda g, x: g * np.sign(x),
        np.array([0.0, 1.0, -1.0]),
    )
    add(
        "abs_at_zero_slope_two",
        "wrong",
        "2 at the kink of |x|: outside of [-1, 1]",
        lambda x: np.where(x < 0, -x, x),
        lambda g, x: g * np.where(x == 0, 2.0, np.sign(x)),
        np.array([0.0, 1.0, -1.0]),
    )
    add(
        "l2_norm_at_zero_vector",
        "right",
        "zero is a subgradient of the norm at the origin",
        lambda x: np.sqrt((x * x).sum()),
        lambda g, x: g * x / max(np.sqrt((x * x).sum()), 1e-300),
        np.zeros(4),
    )
    add(
        "l1_norm_at_zero_vector_mixed",
        "right",
        "0.3 is in [-1, 1]",
        lambda x: np.abs(x).sum(),
        lambda g, x: g * np.where(x == 0, 0.3, np.sign(x)),
        np.array([0.0, 2.0, 0.0, -1.0]),
    )
    add(
        "clip_at_the_bounds",
        "right",
        "exactly at both bounds, closed mask",
        lambda x: np.clip(x, -1, 1),
        lambda g, x: g * ((x >= -1) & (x <= 1)),
        np.array([1.0, -1.0, 0.5, 2.0]),
    )
    add(
        "hinge_at_the_margin",
        "right",
        "y f = 1 exactly for one of the samples",
        lambda w: np.maximum(0, 1 - np.array([[1.0, 0.5], [2, 1], [-1, 3]]) @ w).sum(),
        lambda g, w: (
            -g * (np.array([[1.0, 0.5], [2, 1], [-1, 3]]).T @ (np.array([[1.0, 0.5], [2, 1], [-1, 3]]) @ w < 1))
        ),
        np.array([0.25, 0.5]),
    )
    add(
        "floor_plus_x_away_from_steps",
        "right",
        "steps at integers, 0.2 away",
        lambda x: np.floor(x) + x * x,
        lambda g, x: 2 * g * x,
        np.array([0.2, 1.7, -2.4]),
    )
    add(
        "sign_times_square",
        "right",
        "smooth once at 0",
        lambda x: np.where(x < 0, -x * x, x * x),
        lambda g, x: 2 * g * np.abs(x),
        np.array([0.0, 1e-4, -1e-4, 2.0]),
    )

    # constants, empty, single
    add(
        "softmax_sums_to_one",
        "right",
        "a constant in disguise: zeros",
        lambda x: (np.exp(x - x.max()) / np.exp(x - x.max()).sum()).sum(),
        lambda g, x: np.zeros_like(x),
        x,
    )
    add(
        "softmax_sums_to_one_gradient_p",
        "wrong",
        "the sum of softmax is 1: the gradient is 0, not p",
        lambda x: (np.exp(x - x.max()) / np.exp(x - x.max()).sum()).sum(),
        lambda g, x: g * np.exp(x) / np.exp(x).sum(),
        x,
    )
    add(
        "argmax_as_number",
        "right",
        "piecewise constant, no tie near: zeros",
        lambda x: float(np.argmax(x)),
        lambda g, x: np.zeros_like(x),
        np.array([0.1, 3.0, -1.0]),
    )
    add("constant_function", "right", "does not read its input", lambda x: np.ones(3), lambda g, x: np.zeros_like(x), x)
    add("empty_input", "right", "the sum of nothing", lambda x: x.sum(), lambda g, x: np.zeros_like(x), np.zeros(0))
    add(
        "empty_inner_dimension",
        "right",
        "(3, 0) @ (0, 2) is a matrix of zeros",
        lambda a, b: a @ b,
        lambda g, a, b: (g @ b.T, a.T @ g),
        np.zeros((3, 0)),
        np.zeros((0, 2)),
    )
    add(
        "single_number",
        "right",
        "0-d in, float out",
        lambda x: float(np.exp(x) * np.sin(x)),
        lambda g, x: g * np.exp(x) * (np.sin(x) + np.cos(x)),
        np.array(0.7),
    )
    add(
        "single_number_product_rule_half",
        "wrong",
        "one term of the product rule is missing",
        lambda x: float(np.exp(x) * np.sin(x)),
        lambda g, x: g * np.exp(x) * np.cos(x),
        np.array(0.7),
    )
    add(
        "strided_input_layout",
        "right",
        "a transposed, reversed view as the input",
        lambda x: np.cumsum(x.reshape(-1)) ** 2,
        lambda g, x: np.cumsum((2 * g * np.cumsum(x.reshape(-1)))[::-1])[::-1].reshape(x.shape),
        np.arange(12.0)[::-1].reshape(3, 4).T,
    )
