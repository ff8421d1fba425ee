#!/usr/bin/env bash
# Version: PyTorch 2.13.0.
# Behaviour: the Hessian of a**b at (0, 2) is [[2, 0], [0, 0]] (as limits, from the right). torch.func.hessian, which goes forward over
#     reverse, says so; torch.autograd.functional.hessian, which goes reverse over reverse, gives NaN in all four places, also in the
#     second derivative by a alone. The gradient is right both ways.
# Output seen: func [[2.0, 0.0], [0.0, 0.0]]; autograd.functional [[nan, nan], [nan, nan]].
# What to do: keep an exponent that needs no gradient out of the differentiated arguments (a**2.0 has no NaN), or use torch.func.hessian
#     and test it at the edge; do not take the two for one function with two names.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import torch


def power(v):
    return v[0] ** v[1]


point = torch.tensor([0.0, 2.0], dtype=torch.float64)
forward_over_reverse = torch.func.hessian(power)(point)
reverse_over_reverse = torch.autograd.functional.hessian(power, point)
print("torch.func.hessian:               ", forward_over_reverse.tolist())
print("torch.autograd.functional.hessian:", reverse_over_reverse.tolist())
if forward_over_reverse.tolist() != [[2, 0], [0, 0]]:
    raise SystemExit("changed: torch.func.hessian no longer gives [[2, 0], [0, 0]]")
if not reverse_over_reverse.isnan().all():
    raise SystemExit("changed: torch.autograd.functional.hessian no longer gives four NaN")
if torch.func.grad(power)(point).tolist() != [0, 0]:
    raise SystemExit("changed: the gradient is no longer [0, 0]")
PYTHON
