#!/usr/bin/env bash
# Version: PyTorch 2.13.0.
# Behaviour: two smooth functions have a right first derivative and a second derivative of NaN: torch.sinc at 0 (the formula of its
#     backward divides by x; a mask covers the gradient, and not what is recorded to differentiate it again), and F.mish from 89 on in
#     float32 (710 in float64), where exp overflows in that formula.
# Output seen: sinc at 0: 1, 0, nan (true: -pi**2 / 3 = -3.2899); mish at 100: 100, 1, nan (true: 0).
# What to do: under a gradient penalty, a Hessian or a physics loss write them out: sinc by its series near 0,
#     mish as x * tanh(softplus(x)).
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import torch
import torch.nn.functional as F


def to_second_order(f, x):
    """Value, first and second derivative of f at x."""
    x = torch.tensor(x, requires_grad=True)
    value = f(x)
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    (second,) = torch.autograd.grad(slope, x)
    return value.item(), slope.item(), second.item()


for name, f, x, expected in [("sinc", torch.sinc, 0.0, (1, 0)), ("mish", F.mish, 100.0, (100, 1))]:
    *first, second = to_second_order(f, x)
    print(f"{name} at {x:g}:", *first, second)
    if tuple(first) != expected:
        raise SystemExit(f"changed: {name} and its slope at {x:g} are {first}")
    if second == second:
        raise SystemExit(f"changed: the second derivative of {name} at {x:g} is no longer NaN")
written_out = to_second_order(lambda x: x * torch.tanh(F.softplus(x)), 100.0)
if written_out != (100, 1, 0):
    raise SystemExit(f"changed: mish written out gives {written_out}")
PYTHON
