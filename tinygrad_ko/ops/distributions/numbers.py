"""Distributions of one number. Each is composed of ops: its densities and probabilities differentiate by x and by all parameters that
`tg.special` differentiates by.

Formulas: Johnson, Kotz, Balakrishnan, "Continuous Univariate Distributions" (1994), and NIST Digital Library of Mathematical Functions,
https://dlmf.nist.gov, section 8.17 (the distribution of Student).
"""

import math
from typing import Any

import numpy as np

from tinygrad_ko.arrays.opaque import certain
from tinygrad_ko.engine.codegen import constant
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.distributions.student import student_constant, student_loss, student_normalized
from tinygrad_ko.ops.elementwise import clip, exp, hypot, log, sqrt, square, where
from tinygrad_ko.ops.exponential import log1p
from tinygrad_ko.ops.inputs import as_floating, unwrapped
from tinygrad_ko.ops.rounding import floor
from tinygrad_ko.ops.special.beta_family import betainc, betaincc, betaln
from tinygrad_ko.ops.special.entropy import xlog1py, xlogy
from tinygrad_ko.ops.special.gamma_family import gammainc, gammaincc, gammaln
from tinygrad_ko.ops.special.normal import log_ndtr, ndtr

_HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)


def _in_dtype_of(z: Any, value: Any) -> Any:
    """A parameter; one of Python's numbers takes the dtype of z."""
    return np.asarray(value, z.dtype) if type(value) in (int, float) else as_floating(value, "tg.stats")


def _log_of(p: Any, rest: Any) -> Any:
    """log(p), where p is 1 - rest: near 1 too with all digits."""
    small = unwrapped(p) < 0.5
    return where(small, log(where(small, p, 0.5)), log1p(-where(small, 0.5, rest)))


class _Distribution:
    """A distribution with parameters by the names in `shapes`, moved by `loc` and, if it is continuous, stretched by `scale`."""

    name = ""
    shapes: tuple[str, ...] = ()
    rest: tuple[str, ...] = ("loc", "scale")
    low, high = -math.inf, math.inf
    may_be_0 = False  # whether the parameters may
    inside = 0.0  # a place where all is finite, which stands for those where there is no density

    def __repr__(self) -> str:
        return f"tg.stats.{self.name}"

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Not here: it raises TypeError, which says what to write."""
        words = ", ".join((*self.shapes, *self.rest))
        write = f"tg.stats.{self.name}.{'pmf(k' if self.name == 'poisson' else 'pdf(x'}, {words})"
        raise explain(
            TypeError(
                f"tg.stats.{self.name}: a distribution that keeps its parameters is not made here; write {write}"
            ),
            f"tg.stats.{self.name}: 매개변수를 고정한 분포는 만들지 않습니다. 다음과 같이 쓰십시오: {write}",
        )

    def _bound(self, x: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, list[Any], Any]:
        """x in units of the scale, the parameters, and the scale."""
        words = (*self.shapes, *self.rest)
        values = dict(zip(words, given, strict=False)) | named
        missing = [word for word in self.shapes if word not in values]
        if missing or len(given) > len(words) or named.keys() - set(words) or named.keys() & set(words[: len(given)]):
            raise explain(
                TypeError(
                    f"tg.stats.{self.name}: it takes x, {', '.join(words)}, each once; missing: {missing or 'none'}"
                ),
                f"tg.stats.{self.name}: 인수는 x, {', '.join(words)}이며 한 번씩만 넘겨야 합니다. 빠진 인수: {missing or '없음'}",
            )
        z = as_floating(x, self.name)
        loc, scale = (_in_dtype_of(z, values.get(word, default)) for word, default in (("loc", 0.0), ("scale", 1.0)))
        z = (z - loc) / scale
        return z, [_in_dtype_of(z, values[word]) for word in self.shapes], scale

    def _inside(self, z: Any) -> tuple[Any, Any]:
        """z with another place for what lies outside the support or is infinite, and where it is none of both."""
        values = unwrapped(z)
        inside = ~((values < self.low) | (values > self.high) | (abs(values) == math.inf))
        return (z if certain(inside.all()) else where(inside, z, self.inside)), inside

    def _chosen(self, inside: Any, out: Any, outside: Any, parameters: list[Any]) -> Any:
        """A result, another one outside the support, and NaN where a parameter or the scale is not above 0."""
        out = out if certain(inside.all()) else where(inside, out, outside)
        for parameter in map(unwrapped, parameters):
            allowed = parameter >= 0 if self.may_be_0 else parameter > 0
            out = out if certain(allowed.all()) else where(allowed, out, math.nan)
        return out

    def _probability(self, x: Any, given: Any, named: Any, below: float, above: float, of: Any) -> Any:
        z, shapes, scale = self._bound(x, given, named)
        values = unwrapped(z)
        z, inside = self._inside(z)
        before, out = values < self.inside, of(z, *shapes)
        out = out if certain((inside | before).all()) else where(inside | before, out, above)
        return self._chosen(inside | ~before, out, below, [*shapes, scale])

    def cdf(self, x: Any, *given: Any, **named: Any) -> Any:
        """The probability of at most x."""
        return self._probability(x, given, named, 0.0, 1.0, self._cdf)

    def sf(self, x: Any, *given: Any, **named: Any) -> Any:
        """The probability of more than x."""
        return self._probability(x, given, named, 1.0, 0.0, self._sf)

    def logcdf(self, x: Any, *given: Any, **named: Any) -> Any:
        """The logarithm of the probability of at most x."""
        return self._probability(x, given, named, -math.inf, 0.0, self._logcdf)

    def logsf(self, x: Any, *given: Any, **named: Any) -> Any:
        """The logarithm of the probability of more than x."""
        return self._probability(x, given, named, 0.0, -math.inf, self._logsf)

    def _cdf(self, z: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _sf(self, z: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _logcdf(self, z: Any, *shapes: Any) -> Any:
        return _log_of(self._cdf(z, *shapes), self._sf(z, *shapes))

    def _logsf(self, z: Any, *shapes: Any) -> Any:
        return _log_of(self._sf(z, *shapes), self._cdf(z, *shapes))


class _Continuous(_Distribution):
    """A distribution with a density."""

    def logpdf(self, x: Any, *given: Any, **named: Any) -> Any:
        """The logarithm of the density at x: -inf outside the support."""
        z, shapes, scale = self._bound(x, given, named)
        z, inside = self._inside(z)
        return self._chosen(inside, self._logpdf(z, *shapes) - log(scale), -math.inf, [*shapes, scale])

    def pdf(self, x: Any, *given: Any, **named: Any) -> Any:
        """The density at x."""
        if self.low == -math.inf:  # no support here has an end on the right alone
            return exp(self.logpdf(x, *given, **named))
        z, shapes, scale = self._bound(x, given, named)
        values = unwrapped(z)
        if certain(~((values == self.low) | (values == self.high)).any()):
            return exp(self.logpdf(x, *given, **named))
        out = self._at_ends(z, shapes, values) / scale
        z, inside = self._inside(z)
        return self._chosen(inside, out, 0.0, [*shapes, scale])

    def _at_ends(self, z: Any, shapes: list[Any], values: Any) -> Any:
        """The density, also at the ends of the support: there it is a power of the distance, and differentiates as one."""
        left, parts = ~((values >= self.low) & (values <= self.high) | (values != values)) | (values == math.inf), []
        for end in (self.low, self.high):
            power = unwrapped(self._near(z, end, *shapes)[1])
            here = (values == end) & (power != 0)  # at a power of 0 the logarithm has the right slopes
            if math.isfinite(end) and not certain(~here.any()):
                distance, exponent, _ = self._near(where(here, z, self.inside), end, *shapes)
                # Beside an infinite slope that of the other factor is nothing.
                others = where(here & (power > 0), z, where(here, end, self.inside))
                rest = self._near(others, end, *shapes)[2]
                # Where the power and all its slopes are 0 the other factor must not be infinite.
                rest = where((unwrapped(rest) > 700) & (power > 3), 0.0, rest)
                parts.append((here, distance**exponent * exp(rest)))
                left = left | here
        out = exp(self._logpdf(where(left, self.inside, z), *shapes))
        for here, part in parts:
            out = where(here, part, out)
        return out

    def _near(self, z: Any, end: float, *shapes: Any) -> Any:
        """The distance from an end of the support, the power of it in the density, and the logarithm of the other factor."""
        raise NotImplementedError

    def _logpdf(self, z: Any, *shapes: Any) -> Any:
        raise NotImplementedError


class _Normal(_Continuous):
    """The normal distribution: loc is the mean, scale the standard deviation.

    >>> import tinygrad_ko as tg
    >>> mean = tg.Tensor(0.5, requires_grad=True)
    >>> tg.stats.norm.logpdf([1.0, 2.0], mean, 2.0).sum().backward()
    >>> mean.grad
    array(0.5)
    """

    name = "norm"

    def _logpdf(self, z: Any) -> Any:
        return -0.5 * square(z) - _HALF_LOG_2_PI

    def _cdf(self, z: Any) -> Any:
        return ndtr(z)

    def _sf(self, z: Any) -> Any:
        return ndtr(-z)

    def _logcdf(self, z: Any) -> Any:
        return log_ndtr(z)

    def _logsf(self, z: Any) -> Any:
        return log_ndtr(-z)


class _Student(_Continuous):
    """Student's distribution with df degrees of freedom. (Its probabilities have no derivative by df.)"""

    name, shapes = "t", ("df",)

    def _logpdf(self, z: Any, df: Any) -> Any:
        return student_constant(df, order=0) - 0.5 * student_loss(z, df) - _HALF_LOG_2_PI

    def _cdf(self, z: Any, df: Any) -> Any:
        """I(df / 2, df / 2) of a number that is smooth in z, also at 0, and exact in the tail on the left; for large df, where that number
        would have lost its digits, the normal distribution at another place.
        """
        many = unwrapped(df) > (1e5 if str(z.dtype).endswith("float64") else 50)
        if certain((~many).all()):
            return self._by_beta(z, df)
        near = ndtr(student_normalized(unwrapped(where(many, df, 1e6)), clip(z, -1e15, 1e15)))
        return where(many, near, self._by_beta(where(many, 0, z), where(many, 1, df)))

    def _by_beta(self, z: Any, df: Any) -> Any:
        length = hypot(z, sqrt(df))
        apart = where(unwrapped(z) < 0, df / (length + abs(z)), length + z)
        return betainc(0.5 * df, 0.5 * df, 0.5 * apart / length)

    def _sf(self, z: Any, df: Any) -> Any:
        return self._cdf(-z, df)


class _Gamma(_Continuous):
    """The gamma distribution of shape a. (Its probabilities have no derivative by a.)"""

    name, shapes, low, inside = "gamma", ("a",), 0.0, 1.0

    def _logpdf(self, z: Any, a: Any) -> Any:
        return xlogy(a - 1, z) - z - gammaln(a)

    def _near(self, z: Any, end: float, a: Any) -> Any:
        return z, a - 1, -z - gammaln(a)

    def _cdf(self, z: Any, a: Any) -> Any:
        return gammainc(a, z)

    def _sf(self, z: Any, a: Any) -> Any:
        return gammaincc(a, z)


class _ChiSquare(_Continuous):
    """The distribution of the sum of df squares of standard normal numbers. (Its probabilities have no derivative by df.)"""

    name, shapes, low, inside = "chi2", ("df",), 0.0, 1.0

    def _logpdf(self, z: Any, df: Any) -> Any:
        return xlogy(0.5 * df - 1, z) - 0.5 * z - gammaln(0.5 * df) - 0.5 * math.log(2) * df

    def _near(self, z: Any, end: float, df: Any) -> Any:
        return z, 0.5 * df - 1, -0.5 * z - gammaln(0.5 * df) - 0.5 * math.log(2) * df

    def _cdf(self, z: Any, df: Any) -> Any:
        return gammainc(0.5 * df, 0.5 * z)

    def _sf(self, z: Any, df: Any) -> Any:
        return gammaincc(0.5 * df, 0.5 * z)


class _Beta(_Continuous):
    """The beta distribution of shapes a and b. (Its probabilities have no derivative by them.)"""

    name, shapes, low, high, inside = "beta", ("a", "b"), 0.0, 1.0, 0.5

    def _logpdf(self, z: Any, a: Any, b: Any) -> Any:
        return xlog1py(b - 1, -z) + xlogy(a - 1, z) - betaln(a, b)

    def _near(self, z: Any, end: float, a: Any, b: Any) -> Any:
        if end == 0:
            return z, a - 1, xlog1py(b - 1, -z) - betaln(a, b)
        return 1 - z, b - 1, xlogy(a - 1, z) - betaln(a, b)

    def _cdf(self, z: Any, a: Any, b: Any) -> Any:
        return betainc(a, b, z)

    def _sf(self, z: Any, a: Any, b: Any) -> Any:
        return betaincc(a, b, z)


class _Poisson(_Distribution):
    """The Poisson distribution of mean mu: of counts, by which there is no derivative."""

    name, shapes, rest, low, may_be_0 = "poisson", ("mu",), ("loc",), 0.0, True

    def logpmf(self, k: Any, *given: Any, **named: Any) -> Any:
        """The logarithm of the probability of k: -inf where k is no count."""
        z, (mu,), _ = self._bound(k, given, named)
        z, count = self._counts(z)
        return self._chosen(count, self._logpmf(z, mu), -math.inf, [mu])

    def _counts(self, z: Any) -> tuple[Any, Any]:
        """k with 0 for what is no count, and where it is one."""
        values = constant(z, "poisson", "k") if isinstance(z, Handle) else z
        count = (values >= 0) & (values == np.floor(values)) & (values < math.inf) | (values != values)
        return where(count, z, 0), count

    def _logpmf(self, z: Any, mu: Any) -> Any:
        return xlogy(z, mu) - gammaln(z + 1) - mu

    def pmf(self, k: Any, *given: Any, **named: Any) -> Any:
        """The probability of k."""
        z, (mu,), _ = self._bound(k, given, named)
        none = unwrapped(mu) == 0
        if certain(~none.any()):
            return exp(self.logpmf(k, *given, **named))
        z, count = self._counts(z)
        likely = exp(self._logpmf(z, where(none, 1, mu)))
        at_0 = where(none, mu, 0) ** z * exp(-gammaln(z + 1))
        return self._chosen(count, where(none, at_0 * exp(-where(none, mu, 0)), likely), 0.0, [mu])

    def _cdf(self, z: Any, mu: Any) -> Any:
        return gammaincc(floor(z) + 1, mu)

    def _sf(self, z: Any, mu: Any) -> Any:
        return gammainc(floor(z) + 1, mu)


norm, t, gamma, chi2, beta, poisson = _Normal(), _Student(), _Gamma(), _ChiSquare(), _Beta(), _Poisson()
