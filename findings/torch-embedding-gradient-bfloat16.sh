#!/usr/bin/env bash
# Version: PyTorch 2.13.0, on a CPU.
# Behaviour: sums of bfloat16 and float16 are taken in float32, but the gradients of w[ids] and of an embedding are added up in the dtype
#     itself, where 256 + 1 is 256 (bfloat16) and 2048 + 1 is 2048 (float16). index_add does that, scatter_add does not; so the gradient
#     of w[ids] and that of w.index_select(0, ids), the same values, differ.
# Output seen: a row that is used 300 times, each with the gradient 1: w[ids] 256, embedding 256, index_select 300, expand 300.
# What to do: keep embedding tables in float32 (autocast does), or gather with index_select; the rows of frequent tokens
#     are those that lose.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import torch

ids = torch.zeros(300, dtype=torch.long)
w = torch.ones(1, 1, dtype=torch.bfloat16, requires_grad=True)
ways = {
    "w[ids]": w[ids],
    "embedding": torch.nn.functional.embedding(ids, w),
    "index_select": w.index_select(0, ids),
    "expand": w.expand(300, 1),
}
seen = {}
for name, rows in ways.items():
    (gradient,) = torch.autograd.grad(rows.sum(), w)
    seen[name] = gradient.item()
print("gradient of one row used 300 times:", seen)
if seen != {"w[ids]": 256, "embedding": 256, "index_select": 300, "expand": 300}:
    raise SystemExit("changed: expected 256, 256, 300, 300")
ones, zero = torch.ones(300, dtype=torch.bfloat16), torch.zeros(1, dtype=torch.bfloat16)
sums = ones.sum().item(), zero.index_add(0, ids, ones).item(), zero.scatter_add(0, ids, ones).item()
if sums != (300, 256, 300):
    raise SystemExit(f"changed: sum, index_add and scatter_add of 300 ones give {sums}")
PYTHON
