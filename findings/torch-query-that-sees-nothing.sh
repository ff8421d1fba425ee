#!/usr/bin/env bash
# Version: PyTorch 2.13.0 on the CPU.
# Behaviour: a query whose keys are all masked has no mean to take. Softmax and a product, and nn.MultiheadAttention as it is called by default, give
#     NaN for it, in the gradients of all weights too; F.scaled_dot_product_attention, and the same layer with need_weights=False, give 0.
# Output seen: the row of that query is nan with need_weights=True and 0 with need_weights=False; the gradient of the input weights likewise.
# What to do: do not turn need_weights on for a look at a model that was trained without it; let every query see a key (itself, a token for
#     padding), or leave padded queries out of the loss.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'torch==2.13.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import torch
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(1, 3, 4)
sees = torch.tensor([[True, True, True], [False, False, False], [True, False, True]])  # the second query sees nothing
layer = torch.nn.MultiheadAttention(4, 1, batch_first=True)


def by_layer(**options):
    """The answer for the second query, and whether all gradients of the input weights are numbers."""
    layer.zero_grad()
    out = layer(x, x, x, attn_mask=~sees, **options)[0]
    out[0, [0, 2]].sum().backward()  # the loss leaves that query out
    return out[0, 1].detach(), bool(torch.isfinite(layer.in_proj_weight.grad).all())


fused = F.scaled_dot_product_attention(x, x, x, attn_mask=sees)[0, 1]
(with_weights, finite_with), (without, finite_without) = by_layer(), by_layer(need_weights=False)
print("F.scaled_dot_product_attention:", fused.tolist())
print("MultiheadAttention:", with_weights.tolist(), "finite gradients:", finite_with)
print("MultiheadAttention, need_weights=False:", without.tolist(), "finite gradients:", finite_without)
if not (fused == 0).all():
    raise SystemExit(f"changed: the fused function gives {fused}")
if not torch.isnan(with_weights).all():
    raise SystemExit(f"changed: with weights the layer gives {with_weights}")
if torch.isnan(without).any() or not finite_without:
    raise SystemExit(f"changed: without weights the layer gives {without}")
PYTHON
