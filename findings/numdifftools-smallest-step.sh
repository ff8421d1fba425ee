#!/usr/bin/env bash
# Version: numdifftools 0.11.2.
# Behaviour: Derivative tries steps from 2 down to 0.00012 and keeps the result of the smallest estimated error. Where even the smallest
#     step is too wide it does not say so: log at 0.001 gives NaN, and sin(1000 x) at 1 a number that is 200 times too small, with a small
#     error estimate.
# Output seen: log at 0.001: nan (true: 1000), at 0.01: 100.0; sin(1000 x) at 1: -2.99, error estimate 0.0029 (true: 562.38).
# What to do: give step= of the size on which the function changes: Derivative(f, step=1e-5) is right for both, to 4 digits.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'numdifftools==0.11.2' 'numpy==2.4.6' 'scipy==1.17.1'
"$room/venv/bin/python" -I -W ignore::RuntimeWarning - <<'PYTHON'
import numpy as np
from numdifftools import Derivative


def wave(x):
    return np.sin(1000 * x)


slope = 1000 * np.cos(1000)
near, far = Derivative(np.log)(1e-3), Derivative(np.log)(1e-2)
found = Derivative(wave, full_output=True)(1.0)
print(f"log at 0.001: {near}, at 0.01: {far}")
print(f"sin(1000 x) at 1: {found.estimate:.4g}, error estimate {found.error_estimate:.2g}; true {slope:.4g}")
if not (np.isnan(near) and np.isclose(far, 100)):
    raise SystemExit("changed: the slope of log is no longer NaN at 0.001 and 100 at 0.01")
if not abs(found.estimate - slope) > 1000 * found.error_estimate:
    raise SystemExit("changed: the error of the slope of sin(1000 x) is no longer far above its estimate")
cured = Derivative(np.log, step=1e-5)(1e-3), Derivative(wave, step=1e-5)(1.0)
if not np.allclose(cured, (1000, slope), rtol=1e-4):
    raise SystemExit(f"changed: step=1e-5 does not cure it: {cured}")
PYTHON
