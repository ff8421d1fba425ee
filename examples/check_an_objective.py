"""An objective of SciPy's with its gradient and its Hessian, written by hand: checked before it is minimised.

    python examples/check_an_objective.py

scipy.optimize.check_grad gives one number, the length of the error at a fixed step, and leaves it to you what is small.
"""

import sys
import textwrap

import numpy as np

import tinygrad_ko as tg

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.

rng = np.random.default_rng(0)
X, t = rng.normal(size=(8, 3)).round(2), rng.random(8) < 0.5


def loss(w, X, t):
    """Logistic regression: the mean of log(1 + exp(-z)) for the ones, of log(1 + exp(z)) for the zeros, and a penalty."""
    z = X @ w
    return np.mean(np.logaddexp(0, np.where(t, -z, z))) + 0.05 * w @ w


def gradient(w, X, t):
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ (p - t) / len(t) + 0.1 * w


def hessian(w, X, t):
    p = 1 / (1 + np.exp(-X @ w))
    return (X.T * p * (1 - p)) @ X / len(t) + 0.1 * np.eye(len(w))


# 벌점 항 0.05 * w @ w의 기울기를 빠뜨린 것
def without_penalty(w, X, t):
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ (p - t) / len(t)


w = rng.normal(size=3)
print("1. The gradient, without the term of the penalty:\n")
try:
    tg.check.check_grad(loss, without_penalty, w, X, t)
except tg.GradientMismatch as error:
    print(error, *error.__notes__, sep="\n")
    print("\nA script that makes this check again, to paste into an issue:\n")
    print(textwrap.indent(error.report.script(), "    "))

print("\n2. With it, and the Hessian against the gradient:\n")
print(tg.check.check_grad(loss, gradient, w, X, t))
print(tg.check.check_hess(gradient, hessian, w, X, t))
print(tg.check.check_hessp(gradient, lambda w, p, X, t: hessian(w, X, t) @ p, w, X, t))

try:
    from scipy.optimize import minimize
except ModuleNotFoundError:
    print("\n3. With SciPy: minimize(loss, w, args=(X, t), jac=gradient, hess=hessian, method='trust-exact')")
else:
    found = minimize(loss, w, args=(X, t), jac=gradient, hess=hessian, method="trust-exact")
    print(f"\n3. Minimised by SciPy in {found.nit} steps: {found.fun:.6f}")
