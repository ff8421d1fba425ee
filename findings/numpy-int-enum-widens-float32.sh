#!/usr/bin/env bash
# Version: NumPy 2.4.6.
# Behaviour: a Python number keeps the dtype of the array it meets (NEP 50), but only an int or a float itself. A member of an IntEnum,
#     such as http.HTTPStatus.OK, or of any other subclass of int or float counts as int64 or float64: the result is float64 (of int8: int64).
#     A bool, itself a subclass of int, keeps the dtype.
# Output seen: float32 times 2 is float32, times an IntEnum member of the same value float64; int8 times it int64.
# What to do: int(member) or member.value in the arithmetic.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
from enum import IntEnum
from http import HTTPStatus

import numpy as np


class Size(IntEnum):
    TWO = 2


class Share(float):
    pass


single, small = np.ones(2, np.float32), np.ones(2, np.int8)
numbers = {"2": 2, "True": True, "int(Size.TWO)": int(Size.TWO), "Size.TWO": Size.TWO, "HTTPStatus.OK": HTTPStatus.OK, "Share(2)": Share(2)}
seen = {name: (str((single * number).dtype), str((small * number).dtype)) for name, number in numbers.items()}
print(seen)
kept = ("float32", "int8")
expected = {
    **dict.fromkeys(("2", "True", "int(Size.TWO)"), kept),
    "Size.TWO": ("float64", "int64"),
    "HTTPStatus.OK": ("float64", "int64"),
    "Share(2)": ("float64", "float64"),
}
if seen != expected:
    raise SystemExit(f"changed: expected {expected}")
PYTHON
