#!/usr/bin/env bash
# Version: SciPy 1.17.1 with JAX 0.10.2 (its 64-bit types off, as they are unless asked for).
# Behaviour: without jac=, minimize differentiates numerically with a step of 1.5e-8. An objective that computes in float32 cannot see
#     that step: every slope is 0.0, and minimize reports success after 0 iterations at the point where it began. check_grad, which takes
#     the same step, then calls a gradient of zeros exact.
# Output seen: x = [0. 0.], success = True, nit = 0, for sum((x - 3)**2); check_grad of a gradient of zeros at 1: 0.0 (true error 5.66).
# What to do: give jac= (jax.grad), compute in float64 (jax_enable_x64), or choose eps= near 1e-3. Distrust nit == 0.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'scipy==1.17.1' 'jax==0.10.2' 'jaxlib==0.10.2' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import check_grad, minimize


def distance(x):
    return float(jnp.sum((x - 3) ** 2))


start = np.zeros(2)
alone = minimize(distance, start)
error = check_grad(distance, np.zeros_like, np.ones(2))
print(f"x = {alone.x}, success = {alone.success}, nit = {alone.nit}; check_grad: {error}")
if not (alone.success and alone.nit == 0 and np.array_equal(alone.x, start)):
    raise SystemExit("changed: minimize no longer claims success where it began")
if error != 0:
    raise SystemExit(f"changed: check_grad finds an error of {error} in a gradient of zeros")

helped = minimize(distance, start, jac=lambda x: np.asarray(jax.grad(lambda y: jnp.sum((y - 3) ** 2))(x), float))
if not np.allclose(helped.x, 3, atol=1e-3):
    raise SystemExit(f"changed: even with jac= the minimum is not found: {helped.x}")
PYTHON
