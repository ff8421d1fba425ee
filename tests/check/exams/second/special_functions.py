"""Cases of the second exam: special functions, and scales."""

import numpy as np

from tests.check.exams.case import R, add, sp


def cases():
    x = np.array([-2.3, -0.6, 0.4, 1.7])

    def tri(x):  # trigamma for all x, by reflection
        return np.where(x > 0, sp.polygamma(1, np.abs(x)), np.pi**2 / np.sin(np.pi * x) ** 2 - sp.polygamma(1, 1 - x))

    add(
        "digamma_of_negative_numbers",
        "right",
        "the reflection formula",
        lambda x: sp.digamma(x),
        lambda g, x: g * tri(x),
        x,
    )
    add(
        "digamma_of_negative_numbers_without_reflection",
        "wrong",
        "trigamma(|x|): two of four entries are negative",
        lambda x: sp.digamma(x),
        lambda g, x: g * sp.polygamma(1, np.abs(x)),
        x,
    )
    y = np.array([-0.9999, -0.3, 0.0, 0.5, 1 - 1e-9])
    add(
        "erfinv_near_one",
        "right",
        "1e-9 from the pole",
        lambda y: sp.erfinv(y),
        lambda g, y: g * np.sqrt(np.pi) / 2 * np.exp(sp.erfinv(y) ** 2),
        y,
    )
    y1 = np.array([-0.9, -0.3, 0.1, 0.5])
    add(
        "erfinv_pi_for_its_root",
        "wrong",
        "pi / 2 where sqrt(pi) / 2 belongs",
        lambda y: sp.erfinv(y),
        lambda g, y: g * np.pi / 2 * np.exp(sp.erfinv(y) ** 2),
        y1,
    )
    x = np.array([0.2, 0.9, 1.6, -1.1])
    add(
        "fresnel_cosine_without_half_pi",
        "wrong",
        "cos(x^2) where SciPy's C(x) has cos(pi x^2 / 2)",
        lambda x: sp.fresnel(x)[1],
        lambda g, x: g * np.cos(x * x),
        x,
    )
    add(
        "fresnel_cosine",
        "right",
        "the whole chain is there, nothing is missing",
        lambda x: sp.fresnel(x)[1],
        lambda g, x: g * np.cos(np.pi * x * x / 2),
        x,
    )
    add(
        "airy_second_function",
        "right",
        "Ai'(x)' is x Ai(x)",
        lambda x: sp.airy(x)[1],
        lambda g, x: g * x * sp.airy(x)[0],
        np.array([-7.0, -1, 0.0, 2, 10]),
    )
    add(
        "incomplete_gamma_large_shape",
        "right",
        "P(300, x) near its steep rise",
        lambda x: sp.gammainc(300.0, x),
        lambda g, x: g * np.exp(299 * np.log(x) - x - sp.gammaln(300.0)),
        np.array([250.0, 300, 330]),
        rtol=1e-9,
    )
    m = np.array([0.1, 0.5, 0.95])
    add(
        "ellipe_by_parameter",
        "right",
        "the whole chain is there, nothing is missing",
        lambda m: sp.ellipe(m),
        lambda g, m: g * (sp.ellipe(m) - sp.ellipk(m)) / (2 * m),
        m,
    )
    add(
        "ellipe_parameter_and_modulus_mixed",
        "wrong",
        "(E - K) / k is the derivative by the modulus k, SciPy's argument is m = k^2",
        lambda m: sp.ellipe(m),
        lambda g, m: g * (sp.ellipe(m) - sp.ellipk(m)) / np.sqrt(m),
        m,
    )
    x = np.array([-0.95, -0.2, 0.35, 0.8])

    def leg(x, n=6):
        a, b = np.ones_like(x), x
        for k in range(1, n):
            a, b = b, ((2 * k + 1) * x * b - k * a) / (k + 1)
        return b

    add(
        "legendre_six",
        "right",
        "the whole chain is there, nothing is missing",
        lambda x: leg(x),
        lambda g, x: g * 6 * (x * leg(x) - leg(x, 5)) / (x * x - 1),
        x,
    )
    add(
        "legendre_six_previous_order_sign",
        "wrong",
        "x P_n + P_(n-1): P_5 is odd, so the error is nowhere zero",
        lambda x: leg(x),
        lambda g, x: g * 6 * (x * leg(x) + leg(x, 5)) / (x * x - 1),
        x,
    )
    z = np.array([0.3, -1.2, 2.5])
    add(
        "voigt_profile",
        "right",
        "Re w(x + 0.4i), complex inside",
        lambda x: sp.wofz(x + 0.4j).real,
        lambda g, x: g * (-2 * (x + 0.4j) * sp.wofz(x + 0.4j) + 2j / np.sqrt(np.pi)).real,
        z,
    )
    add(
        "voigt_profile_real_part_of_the_product_split",
        "wrong",
        "Re(z w) taken as Re z Re w",
        lambda x: sp.wofz(x + 0.4j).real,
        lambda g, x: g * -2 * x * sp.wofz(x + 0.4j).real,
        z,
    )
    x = np.array([-1e-9, -0.3, -0.8, -5.0])
    l1 = lambda x: np.where(
        np.real(x) > -0.693, np.log(-np.expm1(np.where(np.real(x) > -0.693, x, -0.5))), np.log1p(-np.exp(x))
    )
    add(
        "log_one_minus_exp_two_branches",
        "right",
        "from 1e-9 from the pole on",
        l1,
        lambda g, x: g * np.exp(x) / np.expm1(x),
        x,
    )
    add(
        "log_one_minus_exp_sign_in_one_branch",
        "wrong",
        "the branch of large |x| has exp(x) / (1 - exp(x)): its sign is wrong",
        l1,
        lambda g, x: g * np.where(x > -0.693, np.exp(x) / np.expm1(x), np.exp(x) / (1 - np.exp(x))),
        x,
    )
    add(
        "exponential_integral_at_one_and_far",
        "right",
        "the whole chain is there, nothing is missing",
        lambda x: sp.expi(x),
        lambda g, x: g * np.exp(x) / x,
        np.array([0.01, 1.0, 30.0]),
    )
    add(
        "zeta_by_finite_differences_of_1e_3",
        "wrong",
        "the backward takes a one-sided difference with step 1e-3: wrong by 1e-3 of itself",
        lambda s: sp.zeta(s),
        lambda g, s: g * (sp.zeta(s + 1e-3) - sp.zeta(s)) / 1e-3,
        np.array([2.0, 3.0]),
    )
    x = np.array([1e-200, 3e-180])
    add(
        "cube_root_of_1e_200",
        "right",
        "slopes of 1e133",
        lambda x: np.cbrt(x),
        lambda g, x: g / (3 * np.cbrt(x) ** 2),
        x,
    )
    add(
        "products_of_huge_and_tiny",
        "right",
        "1e140 times 1e-150",
        lambda a, b: a * b,
        lambda g, a, b: (g * b, g * a),
        np.array([1e140, -2e140]),
        np.array([1e-150, 3e-150]),
    )
    add(
        "products_of_huge_and_tiny_tiny_one_doubled",
        "wrong",
        "the gradient of the huge factor, of size 1e-150, is doubled",
        lambda a, b: a * b,
        lambda g, a, b: (2 * g * b, g * a),
        np.array([1e140, -2e140]),
        np.array([1e-150, 3e-150]),
    )
    add(
        "quartic_at_its_flat_point",
        "right",
        "(x - 1)^4 at 1: gradient zero, and so are the next two derivatives",
        lambda x: (x - 1) ** 4,
        lambda g, x: g * 4 * (x - 1) ** 3,
        np.array([1.0, 1.0, 1.5]),
    )
    add(
        "rational_pole_1e_7_away",
        "right",
        "the whole chain is there, nothing is missing",
        lambda x: 1 / ((x - 1) * (x - 2)),
        lambda g, x: -g * (2 * x - 3) / ((x - 1) * (x - 2)) ** 2,
        np.array([1.0 + 2.0**-23, 1.5, 2 - 2.0**-20]),
    )
    add(
        "exp_of_minus_one_over_x_squared",
        "right",
        "flat to all orders at zero, 1e-44 near it",
        lambda x: np.exp(-1 / np.where(x == 0, np.inf, x * x)),
        lambda g, x: g * 2 / np.where(x == 0, np.inf, x**3) * np.exp(-1 / np.where(x == 0, np.inf, x * x)),
        np.array([0.0, 0.1, 0.7]),
    )
    add(
        "saturated_on_one_side",
        "right",
        "1e-30 against 1: the derivative of the saturated entries is tiny and right",
        lambda x: np.exp(-np.exp(x)),
        lambda g, x: -g * np.exp(x - np.exp(x)),
        np.array([4.2, -80.0, 0.0]),
    )
    add(
        "entry_777_of_1000_two_per_mille",
        "wrong",
        "one entry is wrong by 2e-3 of itself, as by a worn coefficient in a table",
        lambda x: np.sin(x),
        lambda g, x: g * np.cos(x) * np.where(np.arange(1000) == 777, 1.002, 1),
        R(14).uniform(-1, 1, 1000),
    )
    add(
        "large_argument_branch_exp_2_truncated",
        "wrong",
        "beyond |x| = 4 the backward takes sech^2 as 4 exp(-2x), with |x| forgotten on the negative side",
        lambda x: np.tanh(x),
        lambda g, x: g * np.where(np.abs(x) > 4, 4 * np.exp(-2 * x), 1 / np.cosh(x) ** 2),
        np.array([0.5, -1, -4.5, 4.5]),
    )
    add(
        "gudermannian_long_argument",
        "right",
        "2 atan(tanh(x/2)) saturates at pi/2",
        lambda x: 2 * np.arctan(np.tanh(x / 2)),
        lambda g, x: g / np.cosh(x),
        np.array([0.1, 3.0, -8.0]),
    )
    add(
        "euler_constant_with_four_digits",
        "wrong",
        "the digamma of small x through -1/x - 0.577 + 1.64 x: a truncated series, wrong by 8e-4 at x = 0.09",
        lambda x: sp.gammaln(x),
        lambda g, x: g * np.where(x < 0.1, -1 / x - 0.577 + 1.64 * x, sp.digamma(x)),
        np.array([0.09, 0.5, 2.0]),
    )
    add(
        "softplus_of_large_offsets",
        "right",
        "log(1 + exp(x)) with inputs from -700 to 700",
        lambda x: np.logaddexp(0, x),
        lambda g, x: g * sp.expit(x),
        np.array([-700.0, -30, 0, 30, 700]),
    )
