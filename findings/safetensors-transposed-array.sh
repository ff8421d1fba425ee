#!/usr/bin/env bash
# Version: safetensors 0.8.0 with NumPy 2.4.6.
# Behaviour: safetensors.numpy.save writes the memory of an array as it lies there, and the shape of the array: what comes back of a transposed
#     or Fortran-ordered one has the right shape and other numbers. No error (safetensors.torch raises one for such a tensor).
# Output seen: [[0, 1, 2], [3, 4, 5]].T comes back as [[0, 1], [2, 3], [4, 5]]; it was [[0, 3], [1, 4], [2, 5]].
# What to do: np.ascontiguousarray before every save. Loaded by pandas or scipy.linalg, or turned with .T, an array is easily
#     Fortran-ordered.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'safetensors==0.8.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import numpy as np
from safetensors.numpy import load, save

weight = np.arange(6, dtype=np.float32).reshape(2, 3)
for name, saved in {"transposed": weight.T, "Fortran order": np.asfortranarray(weight)}.items():
    loaded = load(save({"weight": saved}))["weight"]
    print(f"{name}: saved {saved.tolist()}, loaded {loaded.tolist()}")
    if loaded.shape != saved.shape:
        raise SystemExit(f"changed: {name}: the shape is {loaded.shape}")
    if np.array_equal(loaded, saved):
        raise SystemExit(f"changed: {name}: what is loaded is what was saved")
    if not np.array_equal(load(save({"weight": np.ascontiguousarray(saved)}))["weight"], saved):
        raise SystemExit(f"changed: {name}: np.ascontiguousarray does not cure it")
PYTHON
