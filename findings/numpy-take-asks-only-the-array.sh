#!/usr/bin/env bash
# Version: NumPy 2.4.6.
# Behaviour: functions that NumPy dispatches by __array_function__ (NEP 18) do not ask every argument. np.take, np.repeat and np.roll ask the array
#     alone, not the indices, counts and shifts: an array of another library in their place is turned into one of NumPy's by __array__, without its
#     __array_function__ being called. np.take_along_axis, np.searchsorted and np.clip ask both.
# Output seen: of an index that has the protocol, np.take, np.repeat and np.roll call __array__, np.take_along_axis calls __array_function__.
# What to do: in a library that traces, differentiates or counts by this protocol, wrap the array too before NumPy's take is called, or
#     refuse in __array__; do not conclude from a result without an error that the call was seen.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import numpy as np


class Noted:
    """An array with the protocol that notes what it is asked."""

    def __init__(self, numbers):
        self.numbers, self.asked = np.asarray(numbers), []

    def __array__(self, dtype=None, copy=None):
        self.asked.append("__array__")
        return self.numbers

    def __array_function__(self, function, types, arguments, options):
        self.asked.append("__array_function__")
        return "dispatched"

    @property
    def ndim(self):
        return self.numbers.ndim


def asked(call, numbers):
    noted = Noted(numbers)
    call(noted)
    return noted.asked[0]


table = np.array([10.0, 20.0, 30.0])
seen = {
    "take": asked(lambda i: np.take(table, i), [2, 0]),
    "repeat": asked(lambda n: np.repeat(table, n), [1, 2, 0]),
    "roll": asked(lambda n: np.roll(table, n), 1),
    "take_along_axis": asked(lambda i: np.take_along_axis(table, i, axis=0), [2, 0, 1]),
    "searchsorted": asked(lambda v: np.searchsorted(table, v), [15.0]),
    "clip": asked(lambda low: np.clip(table, low, 30.0), [15.0]),
}
for name, first in seen.items():
    print(f"np.{name}: {first}")
expected = dict.fromkeys(seen, "__array_function__") | dict.fromkeys(("take", "repeat", "roll"), "__array__")
if seen != expected:
    raise SystemExit(f"changed: {seen}")
PYTHON
