#!/usr/bin/env bash
# Version: autograd 1.9.1 (HIPS) with NumPy 2.4.6.
# Behaviour: the gradient of np.diag of a matrix that is not square has another shape than the matrix: it is diag(g), which is square. No
#     error is raised; check_grads does not pass it, but says so only with a broadcasting error.
# Output seen: sum(diag(x)) for x of shape (2, 3) has a gradient of shape (2, 2); np.trace of the same gives (2, 3).
# What to do: take x[np.arange(n), np.arange(n)] instead, whose gradient has the shape of x.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'autograd==1.9.1' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import autograd.numpy as np
from autograd import grad

x = np.ones((2, 3))
shapes = {
    "diag": grad(lambda x: np.sum(np.diag(x)))(x).shape,
    "trace": grad(np.trace)(x).shape,
    "indices": grad(lambda x: np.sum(x[np.arange(2), np.arange(2)]))(x).shape,
}
print("x has shape (2, 3); gradients:", shapes)
if shapes != {"diag": (2, 2), "trace": (2, 3), "indices": (2, 3)}:
    raise SystemExit("changed: expected (2, 2), (2, 3), (2, 3)")
PYTHON
