#!/usr/bin/env bash
# Version: PyTorch 2.13.0.
# Behaviour: gradcheck compares as allclose does, with atol = 1e-5: where all slopes are below that, a gradient of zeros passes, in
#     float64 and with the default settings. A mean over 100,001 numbers has such slopes, and so has a loss in small units.
# Output seen: gradcheck of x * 9e-6 with a backward of 0 * g: True; the same op times 1e6: an error, as it should be.
# What to do: scale the output so that slopes are near 1, or pass atol=0, rtol=1e-3 (float64 bears it).
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import torch
from torch.autograd import gradcheck


class Scaled(torch.autograd.Function):
    """x times 9e-6, with a wrong gradient: zero."""

    @staticmethod
    def forward(ctx, x):
        return x * 9e-6

    @staticmethod
    def backward(ctx, g):
        return 0 * g


x = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
passes = gradcheck(Scaled.apply, x, raise_exception=False)
scaled = gradcheck(lambda x: 1e6 * Scaled.apply(x), x, raise_exception=False)
strict = gradcheck(Scaled.apply, x, atol=0, rtol=1e-3, raise_exception=False)
honest = gradcheck(lambda x: x * 9e-6, x, atol=0, rtol=1e-3, raise_exception=False)
print("wrong gradient:", passes, "| scaled up:", scaled, "| atol=0:", strict, "| right gradient, atol=0:", honest)
if (passes, scaled, strict, honest) != (True, False, False, True):
    raise SystemExit("changed: expected True, False, False, True")
PYTHON
