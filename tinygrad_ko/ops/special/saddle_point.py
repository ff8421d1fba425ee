"""What is left of the logarithm of a density when its large parts have cancelled.

x ** n * exp(-x) / n! is exp(-deviance(n, x) - stirling_error(n)) / sqrt(2 pi n). For large n and x the logarithms of the three factors have
as many digits before the point as they would lose behind it; deviance and error have not. Source: C. Loader, Fast and accurate computation
of binomial probabilities (2000).
"""

import math

LARGE = 15.0  # from which on the series of `stirling_error` has all digits of a float64
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)  # of 1 / n, 1 / n ** 3, ...


def deviance(xp, n, mean):
    """n * log(n / mean) + mean - n, which is 0 where mean is n, for n > 0 and mean >= 0."""
    apart = n - mean
    v = apart / (n + mean)
    square = v * v
    series = xp.zeros_like(v)
    for k in range(10, 0, -1):
        series = (series + 1 / (2 * k + 1)) * square
    near = apart * v + 2 * n * v * series
    safe = xp.where(mean > 0, mean, 1)
    far = xp.where(mean > 0, n * xp.log(n / safe) - apart, math.inf)
    return xp.where(xp.abs(v) < 0.1, near, far)


def stirling_error(n):
    """log(n!) - log(sqrt(2 pi n) * (n / e) ** n) for n >= LARGE - 1."""
    square = 1 / (n * n)
    total = 0 * square
    for c in _STIRLING[::-1]:
        total = total * square + c
    return total / n
