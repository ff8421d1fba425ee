#!/usr/bin/env bash
# Version: SciPy 1.17.1.
# Behaviour: optimize.check_grad measures forward differences along the axes. At a tie of a maximum these are 1 for both: a gradient [1, 1, 0], which
#     pays both in full and is no subgradient, has the error 0, while the subgradients [1, 0, 0] and [0.5, 0.5, 0] have the errors 1 and 0.71.
#     scipy.differentiate.jacobian, which is central, says [0.5, 0.5, 0].
# Output seen: 0.0 for [1, 1, 0], 1.0 for [1, 0, 0], 0.71 for [0.5, 0.5, 0].
# What to do: check off ties (inputs that differ by more than the step), and read an error of 0 or 1 there as nothing.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'scipy==1.17.1' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import numpy as np
from scipy.differentiate import jacobian
from scipy.optimize import check_grad

x = np.array([1.0, 1.0, 0.0])
gradients = {"both": [1.0, 1.0, 0.0], "first": [1.0, 0.0, 0.0], "half": [0.5, 0.5, 0.0]}
errors = {name: round(float(check_grad(np.max, lambda x, g=g: np.array(g), x)), 2) for name, g in gradients.items()}
central = jacobian(lambda x: np.max(x, axis=0), x).df.round(9).tolist()
print("errors by check_grad:", errors, "| central differences:", central)
if errors != {"both": 0.0, "first": 1.0, "half": 0.71} or central != [0.5, 0.5, 0.0]:
    raise SystemExit("changed: expected no error for the gradient that pays both in full")
PYTHON
