#!/usr/bin/env bash
# Version: JAX 0.10.2.
# Behaviour: the smooth even function I0 has slope 0 and second derivative 1/2 at 0. jax.scipy.special.i0 gives slope 1 there (4.8e-7 at
#     1e-6); jax.numpy.i0, the same function, gives slope 0 and second derivative 0. Both are exp(|x|) i0e(x), and JAX's slope of |x| at 0
#     is 1, not 0 as in PyTorch and autograd, so the kinks of the two factors do not cancel; jax.numpy.i0 puts 0 in that place, at the
#     first order only.
# Output seen: slopes 1.0 and 0.0, second derivatives 1.5 and 0.0; grad(abs)(0.0) = 1.0.
# What to do: near 0 use the series 1 + x**2 / 4 under jnp.where; expect 1 from the slope of jnp.abs at 0 (an L1 penalty pushes zeros).
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'jax==0.10.2' 'jaxlib==0.10.2' 'numpy==2.4.6' 'scipy==1.17.1'
"$room/venv/bin/python" -I - <<'PYTHON'
import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
seen = {}
for name, f in {"scipy.special.i0": jax.scipy.special.i0, "numpy.i0": jnp.i0}.items():
    h = 1e-3
    seen[name] = float(jax.grad(f)(0.0)), float(jax.grad(jax.grad(f))(0.0))
    measured = float(f(h) - f(-h)) / (2 * h), float(f(h) - 2 * f(0.0) + f(-h)) / h**2
    print(f"{name}: slope {seen[name][0]:g}, second {seen[name][1]:g}; measured {measured[0]:.4f}, {measured[1]:.4f}")
seen["abs"] = float(jax.grad(jnp.abs)(0.0))
print("slope of abs at 0:", seen["abs"])
expected = {"scipy.special.i0": (1.0, 1.5), "numpy.i0": (0.0, 0.0), "abs": 1.0}
if seen != expected:
    raise SystemExit(f"changed: expected {expected}, got {seen}")
PYTHON
