#!/usr/bin/env bash
# Version: JAX 0.10.2.
# Behaviour: the gradient of jax.scipy.special.spence (the dilogarithm), which is log(x) / (1 - x), is NaN for every x above 1 up to 2,
#     and 0 at 1, where it is -1. The values are right, and so are the slopes on both sides.
# Output seen: at 0.5, 1, 1.5, 2, 2.5: -1.3863, 0, nan, nan, -0.6109.
# What to do: give spence a custom_jvp with the formula log(x) / (1 - x), and -1 at 1; check gradients of special functions between the
#     points you think of.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'jax==0.10.2' 'jaxlib==0.10.2' 'numpy==2.4.6' 'scipy==1.17.1'
"$room/venv/bin/python" -I - <<'PYTHON'
import jax
import numpy as np
import scipy.special

jax.config.update("jax_enable_x64", True)
points = np.array([0.5, 1.0, 1.5, 2.0, 2.5])
values = jax.vmap(jax.scipy.special.spence)(points)
slopes = np.array([float(jax.grad(jax.scipy.special.spence)(x)) for x in points])
h = 1e-5
measured = (scipy.special.spence(points + h) - scipy.special.spence(points - h)) / (2 * h)
print("gradient:", slopes.round(4))
print("measured:", measured.round(4))
if not np.allclose(values, scipy.special.spence(points)):
    raise SystemExit(f"changed: the values are {values}")
if not np.array_equal(np.isnan(slopes), [False, False, True, True, False]) or slopes[1] != 0:
    raise SystemExit(f"changed: expected 0 at 1 and NaN at 1.5 and 2, got {slopes}")
if not np.allclose(slopes[[0, 4]], measured[[0, 4]], atol=1e-6):
    raise SystemExit(f"changed: the slopes at 0.5 and 2.5 are {slopes[[0, 4]]}")
PYTHON
