#!/usr/bin/env bash
# Version: PyTorch 2.13.0 on the CPU.
# Behaviour: the exact F.gelu of float32 adds 1 and erf(x / sqrt(2)) before it multiplies, so left of 0 the digits go one by one: at -5 none is
#     right, and from -6 on the value is 0, though numbers down to 1e-38 could be told apart. Its derivative is not 0 there, so value and
#     derivative disagree; and one number may have another value in a long tensor than alone.
# Output seen: at -5 -1.49e-06 alone and -1.19e-06 in a long tensor (true: -1.433e-06); at -6 -0 (true: -5.92e-09), with a derivative of
#     -3.65e-08 (true: -3.55e-08). By erfc all digits. float64 has the same at -8.4 and beyond.
# What to do: where tails matter (a reference for another implementation, a numerical gradient) write
#     x / 2 * torch.special.erfc(-x / 2**0.5); compare the gelu of two libraries to an absolute 1e-6, not to a relative error.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import math

import torch
import torch.nn.functional as F


def true(x):
    """gelu in double precision, by the complementary error function, which loses nothing."""
    return x / 2 * math.erfc(-x / math.sqrt(2))


def off(value, x):
    """The relative error of a value of gelu at x."""
    return abs(value / true(x) - 1)


written_out = lambda x: x / 2 * torch.special.erfc(-x / 2**0.5)
for x in (-3.0, -5.0, -6.0):
    alone = torch.tensor([x], requires_grad=True)
    alone_value, long_value = F.gelu(alone), F.gelu(torch.full((64,), x))[3].item()
    alone_value.sum().backward()
    cure = written_out(torch.tensor([x])).item()
    print(f"{x:g}: gelu {alone_value.item():.4g}, in a long tensor {long_value:.4g}, derivative {alone.grad.item():.3g};", end=" ")
    print(f"by erfc {cure:.4g}, true {true(x):.4g}")
    if off(cure, x) > 1e-5:
        raise SystemExit(f"changed: by erfc gelu({x}) is {cure}")
    if x == -5 and off(long_value, x) < 0.05:
        raise SystemExit(f"changed: gelu(-5) is {long_value}, right to 5 %")
    if x == -6 and (alone_value.item() != 0 or long_value != 0 or alone.grad.item() == 0):
        raise SystemExit(f"changed: gelu(-6) is {long_value}, its derivative {alone.grad.item()}")
PYTHON
