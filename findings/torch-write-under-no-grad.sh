#!/usr/bin/env bash
# Version: PyTorch 2.13.0.
# Behaviour: a result that is changed in place under torch.no_grad() keeps its grad_fn, and the gradient is that of the value before the change: of
#     y = 2 x, changed to 6 x, to 0 or to one entry of another, the gradient by x is 2 each time. Only where an operation has saved the
#     value (exp) is the change noticed, and backward raises.
# Output seen: the gradients [2, 2] for y.mul_(3), y.zero_() and y[0] = y[1]; RuntimeError for exp(x).mul_(3).
# What to do: change results where they are recorded; under no_grad() change leaves only, or y.detach().
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import torch


def gradient(change, make=lambda x: 2 * x):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = make(x)
    with torch.no_grad():
        change(y)
    try:
        return torch.autograd.grad(y.sum(), x)[0].tolist()
    except RuntimeError as error:
        return "modified by an inplace operation" in str(error) and "refused"


def first_as_second(y):
    y[0] = y[1]


seen = [gradient(change) for change in (lambda y: y.mul_(3), lambda y: y.zero_(), first_as_second)]
saved = gradient(lambda y: y.mul_(3), torch.exp)
print("gradients:", seen, "| of a value that was saved:", saved)
if seen != [[2.0, 2.0]] * 3 or saved != "refused":
    raise SystemExit("changed: expected the gradients of the values before the change, and a refusal for exp")
PYTHON
