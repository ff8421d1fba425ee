#!/usr/bin/env bash
# Version: JAX 0.10.2 and PyTorch 2.13.0.
# Behaviour: to clip x to [-1, 1] each library has several functions with the same values everywhere and different gradients on the limit.
# Output seen: slope at x = 1: jnp.clip 0.5, lax.clamp 0, jax.nn.hard_tanh 1; torch.clamp 1, F.hardtanh 0.
# What to do: when two implementations are compared, keep the inputs off the limits; where weights are clipped onto a limit (as in a
#     projected step) and must be able to leave it, use torch.clamp or jax.nn.hard_tanh, whose slope there is 1.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'jax==0.10.2' 'jaxlib==0.10.2' 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import jax
import jax.numpy as jnp
import torch

in_jax = {
    "jnp.clip": lambda x: jnp.clip(x, -1, 1),
    "lax.clamp": lambda x: jax.lax.clamp(-1.0, x, 1.0),
    "jax.nn.hard_tanh": jax.nn.hard_tanh,
}
in_torch = {"torch.clamp": lambda x: torch.clamp(x, -1, 1), "F.hardtanh": torch.nn.functional.hardtanh}
for x in (-3.0, -1.0, 0.5, 1.0, 2.0):
    values = {float(f(x)) for f in in_jax.values()} | {float(f(torch.tensor(x))) for f in in_torch.values()}
    if len(values) != 1:
        raise SystemExit(f"changed: the values at {x} differ: {values}")
slopes = {name: float(jax.grad(f)(1.0)) for name, f in in_jax.items()}
slopes |= {name: float(torch.func.grad(f)(torch.tensor(1.0))) for name, f in in_torch.items()}
print(slopes)
if list(slopes.values()) != [0.5, 0, 1, 1, 0]:
    raise SystemExit("changed: expected 0.5, 0, 1, 1, 0")
PYTHON
