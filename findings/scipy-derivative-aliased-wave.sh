#!/usr/bin/env bash
# Version: SciPy 1.17.1.
# Behaviour: scipy.differentiate.derivative begins with a step of 0.5 and shortens it until two results agree. sin(64 pi x) is 0 at all
#     the points of the first rounds, so they agree at once: the derivative at 0 is 0, with success = True and an error estimate of 0.
# Output seen: df = -7.8e-15, error = 0.0, success = True, nit = 2; the true slope is 201.06. For sin(100 pi x) it is right: 314.16.
# What to do: give initial_step= a fraction of the shortest wavelength; error= and success= measure agreement between steps, not truth.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'scipy==1.17.1' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import numpy as np
from scipy.differentiate import derivative


def wave(x):
    return np.sin(64 * np.pi * x)


true = 64 * np.pi
found = derivative(wave, 0.0)
print(f"df = {found.df:.2g}, error = {found.error}, success = {found.success}, nit = {found.nit}; true slope {true:.2f}")
if not (found.success and found.error < 1e-9 and abs(found.df) < 1e-9):
    raise SystemExit("changed: derivative no longer takes the slope of sin(64 pi x) at 0 for 0 with success")

shorter = derivative(wave, 0.0, initial_step=1e-3)
if not (shorter.success and np.isclose(shorter.df, true)):
    raise SystemExit(f"changed: a step of 1e-3 does not cure it: {shorter.df}")
PYTHON
