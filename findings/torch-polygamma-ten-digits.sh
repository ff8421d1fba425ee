#!/usr/bin/env bash
# Version: PyTorch 2.13.0.
# Behaviour: polygamma(1, x), the trigamma function, and with it the gradient of digamma, has only nine to ten digits in float64 from 0.5 to 5, where
#     polygamma(2, x) and (3, x) have all of them. Newton's method on a gamma or Dirichlet likelihood, and gradcheck of such code with a small
#     tolerance, see it.
# Output seen: largest relative errors 5e-10 for n = 1 and for the gradient of digamma, below 1e-15 for n = 2, 3 and for SciPy's n = 1.
# What to do: scipy.special.polygamma on the CPU, or torch.special.zeta(2, x), which is the same function and right to the last digits.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6' 'scipy==1.17.1' 'mpmath==1.3.0'
"$room/venv/bin/python" -I - <<'PYTHON'
import mpmath
import numpy as np
import torch
from scipy import special

points = np.array([0.5, 1.0, 2.0, 3.0, 5.0])
x = torch.tensor(points, requires_grad=True)


def error(values, n=1):
    true = np.array([float(mpmath.polygamma(n, point)) for point in points])
    return float(np.abs(np.asarray(values) / true - 1).max())


torch.digamma(x).sum().backward()
seen = {f"polygamma {n}": error(torch.polygamma(n, x).detach(), n) for n in (1, 2, 3)}
seen |= {"gradient of digamma": error(x.grad), "SciPy": error(special.polygamma(1, points))}
seen["zeta(2, x)"] = error(torch.special.zeta(torch.tensor(2.0, dtype=torch.float64), x.detach()))
print({name: f"{value:.0e}" for name, value in seen.items()})
coarse = {name for name, value in seen.items() if 1e-10 < value < 1e-9}
exact = {name for name, value in seen.items() if value < 1e-14}
if coarse != {"polygamma 1", "gradient of digamma"} or len(exact) != 4:
    raise SystemExit("changed: expected ten digits of the first two and all of the others")
PYTHON
