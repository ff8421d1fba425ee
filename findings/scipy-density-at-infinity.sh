#!/usr/bin/env bash
# Version: SciPy 1.17.1.
# Behaviour: the density at infinity is 0 for some distributions of scipy.stats and NaN for others, logpdf the same (-inf or NaN): 0 for the normal,
#     Student's, exponential, Rayleigh and log-normal ones, NaN for gamma (a > 1), chi2, Erlang, Weibull (c > 1), F, Maxwell, Nakagami. For one
#     distribution it depends on the shape: gamma has 0 for a <= 1. Maxwell's is NaN at 1e200 already, where the square overflows. So a sum
#     of log-densities in which one value has overflowed is NaN for a gamma model and -inf for an exponential one.
# Output seen: 0.0 and nan as said; maxwell.pdf(1e150) is 0.0, maxwell.pdf(1e200) nan.
# What to do: np.isfinite before logpdf, or replace the density of infinite values by 0 yourself.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'scipy==1.17.1' 'numpy==2.4.6'
"$room/venv/bin/python" -I - <<'PYTHON'
import warnings

import numpy as np
from scipy import stats

warnings.simplefilter("ignore")
zero = {"norm": (), "t": (3.0,), "expon": (), "rayleigh": (), "lognorm": (1.0,), "gamma": (0.5,)}
nan = {"gamma": (7.3,), "chi2": (9.5,), "erlang": (3,), "weibull_min": (2.0,), "f": (3.0, 7.0), "maxwell": (), "nakagami": (2.0,)}
seen = [[float(getattr(stats, name).pdf(np.inf, *shape)) for name, shape in group.items()] for group in (zero, nan)]
maxwell = [float(stats.maxwell.pdf(x)) for x in (1e150, 1e200)]
print(dict(zip(zero, seen[0], strict=True)), dict(zip(nan, seen[1], strict=True)), "| maxwell at 1e150, 1e200:", maxwell)
if seen[0] != [0.0] * len(zero) or not np.isnan(seen[1]).all() or maxwell[0] != 0 or not np.isnan(maxwell[1]):
    raise SystemExit("changed: expected 0 for the first and NaN for the others")
PYTHON
