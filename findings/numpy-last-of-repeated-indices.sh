#!/usr/bin/env bash
# Version: NumPy 2.4.6.
# Behaviour: where an index is repeated in an assignment, a[i] = v, the value that stays is not the last one in the order of i. Values are
#     written in the order in which the arrays lie in memory: with i and v transposed copies (Fortran order), equal element by element to
#     others in C order, another value stays. If only one of the two is in Fortran order the result is that of C order.
# Output seen: [4, 3] for i and v in C order, [4, 3] if one of them is in Fortran order, [4, 2] if both are.
# What to do: do not rely on the last value where indices repeat; a gradient rule for such an assignment must ask NumPy itself which one
#     stayed, for example by assigning np.arange(v.size) in the layout of v. np.ascontiguousarray of both gives one order.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import numpy as np

places, values = np.array([[0, 1], [1, 0]]), np.array([[1.0, 2.0], [3.0, 4.0]])
layouts = {"C": np.ascontiguousarray, "Fortran": np.asfortranarray}
seen = {}
for of_places, lay_places in layouts.items():
    for of_values, lay_values in layouts.items():
        a = np.zeros(2)
        a[lay_places(places)] = lay_values(values)
        seen[of_places, of_values] = a.tolist()
        print(f"indices in {of_places} order, values in {of_values} order: {a}")
expected = dict.fromkeys(seen, [4.0, 3.0]) | {("Fortran", "Fortran"): [4.0, 2.0]}
if seen != expected:
    raise SystemExit(f"changed: {seen}")
PYTHON
