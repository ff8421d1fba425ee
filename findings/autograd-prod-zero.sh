#!/usr/bin/env bash
# Version: autograd 1.9.1 (HIPS) with NumPy 2.4.6.
# Behaviour: the gradient of np.prod divides the product by each factor: where a factor is 0 it is NaN, with NumPy's warning about 0 / 0
#     and no error. A product is a polynomial and smooth at 0.
# Output seen: at [0, 2]: [nan, 0] (true: [2, 0]).
# What to do: multiply by hand (x[0] * x[1] ...), which is right at 0 and can be differentiated again.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'autograd==1.9.1' 'numpy==2.4.6'
"$room/venv/bin/python" -I -W ignore::RuntimeWarning - <<'PYTHON'
import autograd.numpy as np
from autograd import grad

x = np.array([0.0, 2.0])
seen = grad(np.prod)(x)
by_hand = grad(lambda x: x[0] * x[1])(x)
print("np.prod:", seen, "by hand:", by_hand)
if not (np.isnan(seen[0]) and seen[1] == 0):
    raise SystemExit(f"changed: expected [nan, 0], got {seen}")
if by_hand.tolist() != [2, 0]:
    raise SystemExit(f"changed: multiplied by hand it is {by_hand}")
PYTHON
