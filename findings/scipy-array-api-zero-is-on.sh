#!/usr/bin/env bash
# Version: SciPy 1.17.1 with array-api-strict 2.6.1.
# Behaviour: SCIPY_ARRAY_API=0, and =false too, switch SciPy's array API mode on: any text that is not empty counts as yes. SciPy then
#     returns arrays of the caller's library where it returned NumPy's, and refuses masked arrays (in fft, integrate, stats) which it took
#     before.
# Output seen: unset: ndarray; '': ndarray; '0': Array; 'false': Array; '1': Array (the type of scipy.special.expit of a strict array).
# What to do: unset the variable to switch the mode off; never write 0 into a CI file or a Dockerfile.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'scipy==1.17.1' 'array-api-strict==2.6.1' 'numpy==2.4.6'
cat >"$room/kind.py" <<'PYTHON'
import array_api_strict
from scipy.special import expit

print(type(expit(array_api_strict.asarray([0.0]))).__name__)
PYTHON
kind() { env -u SCIPY_ARRAY_API "$@" "$room/venv/bin/python" -I "$room/kind.py"; }

seen="$(kind) $(kind SCIPY_ARRAY_API=) $(kind SCIPY_ARRAY_API=0) $(kind SCIPY_ARRAY_API=false) $(kind SCIPY_ARRAY_API=1)"
echo "unset, '', 0, false, 1: $seen"
if [[ $seen != "ndarray ndarray Array Array Array" ]]; then
    echo "changed: expected ndarray ndarray Array Array Array" >&2
    exit 1
fi
