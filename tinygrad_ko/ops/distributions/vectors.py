"""Distributions of several numbers."""

import math
from typing import Any

import numpy as np

from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, reduction, shape
from tinygrad_ko.ops.inputs import as_floating, unwrapped
from tinygrad_ko.ops.linalg.determinants import slogdet
from tinygrad_ko.ops.linalg.solving import solve
from tinygrad_ko.ops.special.entropy import xlogy
from tinygrad_ko.ops.special.gamma_family import gammaln


class _MultivariateNormal:
    """The normal distribution of vectors. The last axis of x has the vectors; mean is one (by default 0), cov a matrix that is positive
    definite, the variances on its diagonal, or one variance for all.

    Of cov the symmetric part counts, and so its gradient is symmetric. (SciPy reads one triangle.)

    >>> import tinygrad_ko as tg
    >>> mean = tg.Tensor([0.0, 1.0], requires_grad=True)
    >>> tg.stats.multivariate_normal.logpdf([1.0, 2.0], mean, [[2.0, 0.0], [0.0, 1.0]]).backward()
    >>> mean.grad
    array([0.5, 1. ])
    """

    def __repr__(self) -> str:
        return "tg.stats.multivariate_normal"

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1.0, allow_singular: bool = False) -> Any:
        """The logarithm of the density at x. Raises ValueError for shapes that do not fit, LinAlgError for a cov that is not positive
        definite: singular ones are refused also where they are allowed.
        """
        mean, cov, n = _parameters(mean, cov)
        x = as_floating(x, "multivariate_normal")
        if x.ndim == 0 or (x.ndim == 1 and n == 1):
            x = shape.expand_dims(x, axis=-1)
        if x.shape[-1] != n:
            raise explain(
                ValueError(
                    f"multivariate_normal: vectors of length {n} lie on the last axis of x, which has shape {x.shape}"
                ),
                f"multivariate_normal: x의 마지막 축에는 길이 {n}인 벡터가 있어야 합니다. x의 형상: {x.shape}",
            )
        apart = x - mean
        rows = shape.reshape(apart, (-1, n))
        lengths = reduction.sum(rows * shape.matrix_transpose(solve(cov, shape.matrix_transpose(rows))), axis=-1)
        out = -0.5 * (lengths + slogdet(cov).logabsdet + n * math.log(2 * math.pi))
        return shape.reshape(out, tuple(m for m in apart.shape[:-1] if m != 1))

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1.0, allow_singular: bool = False) -> Any:
        """The density at x."""
        return elementwise.exp(self.logpdf(x, mean, cov))

    def entropy(self, mean: Any = None, cov: Any = 1.0) -> Any:
        """The mean of -logpdf."""
        _, cov, n = _parameters(mean, cov)
        return 0.5 * (n * (1 + math.log(2 * math.pi)) + slogdet(cov).logabsdet)


def _parameters(mean: Any, cov: Any) -> tuple[Any, Any, int]:
    """The mean, the covariance as a matrix, and the length of the vectors."""
    cov = as_floating(cov, "multivariate_normal")
    mean = 0.0 if mean is None else as_floating(mean, "multivariate_normal")
    n = max([*np.shape(mean), *cov.shape], default=1)
    if cov.ndim < 2:
        cov = cov * np.eye(n)
    if np.shape(mean) not in ((), (n,)) or cov.shape != (n, n):
        raise explain(
            ValueError(
                f"multivariate_normal: a mean of shape {np.shape(mean)} does not fit a covariance of shape {cov.shape}"
            ),
            f"multivariate_normal: mean과 cov의 형상이 맞지 않습니다. mean: {np.shape(mean)}, cov: {cov.shape}",
        )
    cov = 0.5 * (cov + shape.matrix_transpose(cov))
    _require_positive_definite(unwrapped(cov))
    return mean, cov, n


@opaque
def _require_positive_definite(cov: Any) -> None:
    """Raise LinAlgError for a matrix that is not."""
    try:
        np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        raise explain(
            np.linalg.LinAlgError(
                "multivariate_normal: the covariance is not positive definite; where it is singular, take the density on the subspace "
                "that it spans, or add a small number to its diagonal"
            ),
            "multivariate_normal: 공분산 행렬이 양의 정부호가 아닙니다. 특이 행렬이라면 그 행렬이 펼치는 부분 공간에서 밀도를 구하거나 "
            "대각 성분에 작은 수를 더하십시오.",
        ) from None


class _Dirichlet:
    """The Dirichlet distribution of probabilities, which lie along the first axis of x; alpha is a vector of numbers above 0."""

    def __repr__(self) -> str:
        return "tg.stats.dirichlet"

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """The logarithm of the density at x. The last probability may be left out. Raises ValueError where x or alpha cannot be that."""
        x, alpha = as_floating(x, "dirichlet"), as_floating(alpha, "dirichlet")
        if alpha.ndim == 1 and x.ndim and x.shape[0] == alpha.shape[0] - 1:
            x = shape.concat([x, 1 - reduction.sum(x, axis=0, keepdims=True)], axis=0)
        _require_probabilities(unwrapped(x), unwrapped(alpha))
        places = shape.reshape(alpha, (-1, *(1,) * (x.ndim - 1)))
        constant = gammaln(reduction.sum(alpha)) - reduction.sum(gammaln(alpha))
        return reduction.sum(xlogy(places - 1, x), axis=0) + constant

    def pdf(self, x: Any, alpha: Any) -> Any:
        """The density at x."""
        return elementwise.exp(self.logpdf(x, alpha))


@opaque
def _require_probabilities(values: Any, weights: Any) -> None:
    """Raise ValueError for what no Dirichlet distribution has."""
    if (
        weights.ndim != 1
        or values.shape[:1] != weights.shape
        or not ((weights > 0).all() and (values >= 0).all() and (abs(values.sum(axis=0) - 1) < 1e-9).all())
    ):
        raise explain(
            ValueError(
                "dirichlet: alpha must be a vector of numbers above 0, and x as many probabilities along its first axis, which add up "
                f"to 1; shapes: {values.shape}, {weights.shape}"
            ),
            "dirichlet: alpha는 0보다 큰 수로 이루어진 벡터여야 하고, x의 첫 축에는 합이 1인 확률이 alpha와 같은 개수만큼 있어야 "
            f"합니다. 받은 형상: {values.shape}, {weights.shape}",
        )


multivariate_normal, dirichlet = _MultivariateNormal(), _Dirichlet()
