#!/usr/bin/env bash
# Version: NumPy 2.4.6 with JAX 0.10.2.
# Behaviour: numpy.polynomial.polynomial.polyval(x, c) with two columns of coefficients evaluates both polynomials at every point, if x is
#     an ndarray, list or tuple. If x is an array of JAX (or array-api-strict) the axes of c are not extended: polynomial k is evaluated
#     at point k alone, without an error where the lengths happen to agree.
# Output seen: 1 + 3x and 2 + 4x at [1, 2]: of an ndarray [[4, 7], [6, 10]], of a JAX array [4, 10].
# What to do: jnp.polyval for JAX arrays (highest power first), or np.asarray(x) before NumPy's.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'jax==0.10.2' 'jaxlib==0.10.2' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import jax.numpy as jnp
import numpy as np
from numpy.polynomial.polynomial import polyval

coefficients = np.array([[1.0, 2.0], [3.0, 4.0]])
seen = {type(x).__name__: np.asarray(polyval(x, coefficients)).tolist() for x in ([1, 2], np.array([1, 2]), jnp.array([1, 2]))}
print(seen)
both = [[4, 7], [6, 10]]
if seen != {"list": both, "ndarray": both, "ArrayImpl": [4, 10]}:
    raise SystemExit(f"changed: expected {both} of a list and an ndarray, [4, 10] of a JAX array")
PYTHON
