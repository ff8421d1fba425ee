#!/usr/bin/env bash
# Version: safetensors 0.8.0 with NumPy 2.4.6; safetensors 0.7.0 was right.
# Behaviour: safetensors.numpy.save of 0.8.0 writes the memory of an array as it lies there, and the shape of the array: what comes back
#     of a transposed or Fortran-ordered one has the right shape and other numbers, with no error. (safetensors.torch raises one.)
# Output seen: 0.8.0: [[0, 1, 2], [3, 4, 5]].T comes back as [[0, 1], [2, 3], [4, 5]]; 0.7.0: as [[0, 3], [1, 4], [2, 5]].
# What to do: np.ascontiguousarray before every save; scikit-learn, pandas and scipy.linalg often give Fortran-ordered arrays, and .T
#     does. (Known as issue 825 of safetensors.)
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
cat >"$room/check.py" <<'PYTHON'
import sys

import numpy as np
from safetensors.numpy import load, save

weight = np.arange(6, dtype=np.float32).reshape(2, 3)
for name, saved in {"transposed": weight.T, "Fortran order": np.asfortranarray(weight)}.items():
    loaded = load(save({"weight": saved}))["weight"]
    print(f"{name}: saved {saved.tolist()}, loaded {loaded.tolist()}")
    is_right = np.array_equal(loaded, saved)
    if loaded.shape != saved.shape or is_right != (sys.argv[1] == "right"):
        raise SystemExit(f"changed: {name}: expected {sys.argv[1]} numbers in the shape {saved.shape}")
    if not np.array_equal(load(save({"weight": np.ascontiguousarray(saved)}))["weight"], saved):
        raise SystemExit(f"changed: {name}: np.ascontiguousarray does not cure it")
PYTHON
"$room/venv/bin/pip" install -q 'safetensors==0.8.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I "$room/check.py" wrong
"$room/venv/bin/pip" install -q 'safetensors==0.7.0'
"$room/venv/bin/python" -I "$room/check.py" right
