"""SciPy's functions on arrays of any library. SciPy is imported when one is first computed."""

import sys
from importlib import import_module

import numpy as np

from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.install import install


def scipys(xp, name, *arguments):
    """SciPy's function of that name. An array of another library is passed as one of NumPy's, and so must be on the CPU."""
    if "scipy.special" not in sys.modules:
        _import_scipy()
    return _by_scipy(xp, name, *arguments)


def _import_scipy():
    try:
        import_module("scipy.special")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "scipy":
            raise
        raise explain(
            ModuleNotFoundError(f"tg.special needs SciPy: {install('special')}", name="scipy"),
            f"tg.special에는 SciPy가 필요합니다. 다음 명령으로 설치하십시오: {install('special')}",
        ) from None


@opaque
def _by_scipy(xp, name, *arguments):
    """SciPy's function of that name."""
    from scipy import special

    return xp.asarray(getattr(special, name)(*[np.asarray(x) if hasattr(x, "shape") else x for x in arguments]))


def of_parameters(xp, name, *parameters_and_x):
    """SciPy's function of that name, of parameters and x, in the floating dtype of x: an array of whole orders does not decide it."""
    out = scipys(xp, name, *parameters_and_x)
    return xp.astype(out, array_in(xp, floating(parameters_and_x[-1])).dtype, copy=False)


def array_in(xp, x):
    """An array as it is, also a traced one beside arrays of NumPy's; a number as an array."""
    return (x.__array_namespace__() if hasattr(x, "__array_namespace__") else xp).asarray(x)
