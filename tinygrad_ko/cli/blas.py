"""The BLAS library that NumPy uses, its kernels, and the processor."""

import ctypes
import platform
from pathlib import Path
from typing import Any

import numpy as np

# OpenBLAS's kernels for x86-64 without AVX-512, by the names it gives them, in lower case.
BELOW_AVX512 = {
    *("prescott", "core2", "penryn", "dunnington", "nehalem", "atom", "sandybridge", "haswell"),
    *("athlon", "opteron", "opteron_sse3", "barcelona", "bobcat", "bulldozer", "piledriver", "steamroller"),
    *("excavator", "zen", "nano"),
}


def processor() -> str:
    """The processor's name as its maker writes it, where the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def built_with() -> dict[str, Any]:
    """The build of NumPy, and what it found on this machine."""
    show: Any = np.show_config  # NumPy 2.1 is typed as if it only printed
    return dict(show(mode="dicts"))


def has_avx512() -> bool:
    """Whether NumPy found AVX-512 in this processor: X86_V4, or AVX512_SKX in its older versions."""
    simd = built_with()["SIMD Extensions"]
    return not {"X86_V4", "AVX512_SKX"}.isdisjoint([*simd.get("baseline", ()), *simd.get("found", ())])


def loaded() -> list[dict[str, Any]]:
    """What threadpoolctl, where it is installed, says of the BLAS libraries in this process."""
    try:
        from threadpoolctl import threadpool_info
    except ModuleNotFoundError:
        return []
    return [library for library in threadpool_info() if library["user_api"] == "blas"]


def blas_library() -> str:
    """The name and version that NumPy was built with, and the number of threads where that is known."""
    built = built_with()["Build Dependencies"]["blas"]
    used = ", ".join(f"{each['num_threads']} threads" for each in loaded())
    return f"{built.get('name')} {built.get('version')}, {used or 'number of threads unknown without threadpoolctl'}"


def openblas_kernels() -> str | None:
    """The name of the kernels that OpenBLAS runs, None where there is no OpenBLAS or it cannot be asked."""
    for each in loaded():
        if each["internal_api"] == "openblas":
            return str(each.get("architecture"))
    site = Path(np.__file__).parents[1]
    for path in [*site.glob("numpy.libs/*openblas*"), *site.glob("numpy/.dylibs/*openblas*")]:
        for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename"):
            if ask := getattr(ctypes.CDLL(str(path)), name, None):
                ask.restype = ctypes.c_char_p
                return str(ask().decode())
    return None
