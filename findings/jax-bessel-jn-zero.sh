#!/usr/bin/env bash
# Version: JAX 0.10.2.
# Behaviour: jax.scipy.special.bessel_jn is NaN at 0, for every order; J0(0) is 1, all others are 0. (Its recurrence divides by x.)
# Output seen: orders 0, 1, 2 at 0: nan nan nan; at 1: 0.7652 0.4401 0.1149. A grid that holds 0, such as linspace(0, 1), has a NaN, and a
#     sum or a gradient over the grid is NaN.
# What to do: replace zeros before the call, jnp.where(x == 0, 1, x), and put 1 and 0 in their places after it: a where after it alone
#     leaves NaN in the gradient.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'jax==0.10.2' 'jaxlib==0.10.2' 'numpy==2.4.6' 'scipy==1.17.1'
"$room/venv/bin/python" -I - <<'PYTHON'
import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

jax.config.update("jax_enable_x64", True)
x = np.array([0.0, 1.0])
seen = np.asarray(jax.scipy.special.bessel_jn(jnp.asarray(x), v=2))
true = scipy.special.jv(np.arange(3)[:, None], x)
print("JAX at 0 and 1:  ", seen.round(4).tolist())
print("SciPy at 0 and 1:", true.round(4).tolist())
if not np.isnan(seen[:, 0]).all():
    raise SystemExit(f"changed: at 0 it is {seen[:, 0]}")
if not np.allclose(seen[:, 1], true[:, 1]):
    raise SystemExit(f"changed: at 1 it is {seen[:, 1]}")
PYTHON
