"""SciPy and scikit-learn as clients of the array API: what they compute of Tensors has the right gradient or is refused in our words."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

RIGHT = {
    "scipy": {
        "special.softmax", "special.xlogy", "stats.kurtosis", "stats.hmean", "stats.gmean", "stats.pmean", "stats.sem", "stats.circmean",
        "stats.trim_mean", "optimize.rosen", "integrate.trapezoid", "integrate.cumulative_trapezoid", "integrate.romb", "fft.rfft abs",
        "fft.irfft", "fft.fftn abs", "fft.fftshift", "signal.fftconvolve",
    },
    "sklearn": {"sk.linear_kernel", "sk.Ridge.predict"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("client", RIGHT)
def test_gradients_go_through_the_functions_of(client: str) -> None:
    if not (find_spec("scipy") and find_spec(client)):
        pytest.skip(f"{client} is not installed: pip install --group clients")
    found = json.loads(
        subprocess.run(
            [sys.executable, "-m", "tests.clients", client],
            check=True,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "SCIPY_ARRAY_API": "1"},
        ).stdout
    )
    assert set(found.values()) <= {"right", "refused"}, found
    assert {name for name, verdict in found.items() if verdict == "right"} >= RIGHT[client]
