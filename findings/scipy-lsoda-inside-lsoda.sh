#!/usr/bin/env bash
# Version: SciPy 1.17.1.
# Behaviour: LSODA keeps a state that all its solutions share. A right-hand side that itself solves an equation by LSODA (a nested model, an adjoint
#     that needs the forward solution) makes the outer one end: odeint returns an array of the usual shape whose end is almost the start, with
#     a warning; solve_ivp the same without raising, in a result whose success is False. RK45 inside or outside works.
# Output seen: of y' = -y the value at 1, which is 0.3679: LSODA in LSODA 1.0 with success False, odeint in odeint 0.9999 with a warning, any
#     pair with an RK45 0.3679.
# What to do: another method in one of the two (method="RK45", or "Radau" where the equation is stiff), or solve the inner equation first with
#     dense_output=True; and read .success.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'scipy==1.17.1' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import warnings

from scipy.integrate import odeint, solve_ivp


def solution(method, inside=None):
    """y at 1 of y' = -y, and whether the solver says that it succeeded; `inside` is solved at every evaluation."""

    def f(t, y):
        if inside:
            solution(inside)
        return -y

    found = solve_ivp(f, (0, 1), [1.0], method=method, rtol=1e-8, atol=1e-10)
    return round(float(found.y[0, -1]), 4), found.success


def decay(y, t):
    odeint(lambda y, t: -y, [1.0], [0, 1])
    return -y


warnings.simplefilter("ignore")
seen = {(outer, inner): solution(outer, inner) for outer in ("LSODA", "RK45") for inner in ("LSODA", "RK45")}
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    nested = round(float(odeint(decay, [1.0], [0, 1])[-1, 0]), 4)
print(seen, "| odeint in odeint:", nested, [w.category.__name__ for w in warned])
expected = dict.fromkeys(seen, (0.3679, True)) | {("LSODA", "LSODA"): (1.0, False)}
if seen != expected or nested != 0.9999 or not warned:
    raise SystemExit("changed: expected LSODA in LSODA, and odeint in odeint, to stop at the start")
PYTHON
