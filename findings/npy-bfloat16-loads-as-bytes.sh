#!/usr/bin/env bash
# Version: NumPy 2.4.6 with ml_dtypes 0.6.0 (whose bfloat16 is that of JAX).
# Behaviour: np.save and np.savez take a bfloat16 array without a word; np.load gives it back with dtype |V2: two raw bytes, no numbers.
#     float8_e5m2 is saved too, under the name <f1, which np.load refuses: the .npy header names a dtype by its kind and size only.
# Output seen: bfloat16: dtype |V2 after np.load, and .view(ml_dtypes.bfloat16) has the numbers back; float8_e4m3fn: |V1; float8_e5m2:
#     ValueError: descr is not a valid dtype descriptor: '<f1'.
# What to do: save array.astype(np.float32), which loses nothing; of a bfloat16 file that is written already take
#     .view(ml_dtypes.bfloat16).
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'ml_dtypes==0.6.0' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import io

import ml_dtypes
import numpy as np


def there_and_back(array):
    file = io.BytesIO()
    np.save(file, array)
    file.seek(0)
    return np.load(file)


saved = np.array([1, 2.5, -3], dtype=ml_dtypes.bfloat16)
loaded = there_and_back(saved)
print("saved", saved.dtype, "loaded", loaded.dtype)
if loaded.dtype != np.dtype("V2"):
    raise SystemExit(f"changed: bfloat16 is loaded as {loaded.dtype}")
try:
    loaded + 1
except TypeError as error:
    print("adding 1:", type(error).__name__)
else:
    raise SystemExit("changed: what is loaded can be added to")
if not np.array_equal(loaded.view(ml_dtypes.bfloat16), saved):
    raise SystemExit("changed: the view has other numbers")
print("float8_e4m3fn loaded", there_and_back(np.ones(2, ml_dtypes.float8_e4m3fn)).dtype)
try:
    there_and_back(np.ones(2, ml_dtypes.float8_e5m2))
except ValueError as error:
    print("float8_e5m2:", error)
else:
    raise SystemExit("changed: float8_e5m2 can be loaded")
PYTHON
