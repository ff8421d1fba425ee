#!/usr/bin/env bash
# Version: PyTorch 2.13.0.
# Behaviour: a backward of an autograd.Function that returns a gradient of shape (7, 5) for an input of shape (5,) is not refused: the gradient is
#     summed to (5,), without a warning. So a bias gradient that was never summed is right all the same, and gradcheck passes, fast mode too; the
#     backward itself, which one may port or call elsewhere, is wrong. A shape that cannot be summed to that of the input is an error.
# Output seen: the gradient of the bias has shape (5,), no warning; gradcheck: True, True; a gradient of shape (3,): RuntimeError.
# What to do: assert in the backward that each gradient has the shape of its input.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import warnings

import torch
from torch.autograd import gradcheck


class AddBias(torch.autograd.Function):
    """x + b, with a gradient of b that was never summed over the rows."""

    @staticmethod
    def forward(ctx, x, b):
        return x + b

    @staticmethod
    def backward(ctx, g):
        return g, g


class ShortBias(AddBias):
    """The same with a gradient of b that is too short."""

    @staticmethod
    def backward(ctx, g):
        return g, g.sum(0)[:3]


warnings.simplefilter("error")
torch.manual_seed(0)
x = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
b = torch.randn(5, dtype=torch.float64, requires_grad=True)
AddBias.apply(x, b).sum().backward()
summed = tuple(b.grad.shape) == (5,) and bool((b.grad == 7).all())
passes = gradcheck(AddBias.apply, (x, b), raise_exception=False)
fast = gradcheck(AddBias.apply, (x, b), fast_mode=True, raise_exception=False)
try:
    ShortBias.apply(x, b).sum().backward()
    short = "accepted"
except RuntimeError as error:
    short = str(error)
print("gradient of b:", b.grad.tolist(), "| gradcheck:", passes, "| fast mode:", fast, "| too short:", short)
if (summed, passes, fast) != (True, True, True) or "invalid gradient" not in short:
    raise SystemExit("changed: expected a gradient of sevens, True, True and an error for the short one")
PYTHON
