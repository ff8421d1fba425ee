"""A kernel in C, called through ctypes, with its backward: checked with arrays of doubles and nothing else.

    python examples/check_a_c_kernel.py

The kernel takes pointers to doubles. An array of float32 would be half as long as it thinks, and it would write past its end;
so check_vjp never gives it one, and check_gradient does not with float32=False. It needs a C compiler, cc.
"""

import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import tinygrad_ko as tg

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.

SOURCE = """
void smooth(const double *x, double *y, long n) {              /* y[i] = x[i-1] / 4 + x[i] / 2 + x[i+1] / 4 */
    for (long i = 0; i < n; i++)
        y[i] = (i > 0 ? x[i-1] / 4 : 0) + x[i] / 2 + (i < n-1 ? x[i+1] / 4 : 0);
}
void smooth_backward(const double *g, double *back, long n) {  /* one edge is forgotten */
    for (long i = 0; i < n; i++)
        back[i] = (i > 1 ? g[i-1] / 4 : 0) + g[i] / 2 + (i < n-1 ? g[i+1] / 4 : 0);
}
"""


def compiled(source):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.c"
        path.write_text(source, encoding="utf-8")
        library = path.with_suffix(".so")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, path], check=True)
        return ctypes.CDLL(str(library))


if sys.platform == "win32" or not shutil.which("cc"):
    sys.exit(print("This example needs a C compiler, cc."))
kernel = compiled(SOURCE)


def called(name, x):
    x, y = np.ascontiguousarray(x), np.empty(x.shape)
    pointer = ctypes.POINTER(ctypes.c_double)
    getattr(kernel, name)(x.ctypes.data_as(pointer), y.ctypes.data_as(pointer), ctypes.c_long(x.size))
    return y


def smooth(x):
    return called("smooth", x)


def backward(g, x):
    return called("smooth_backward", g)


x = np.random.default_rng(0).normal(size=50)
print("1. By itself, as a function and its vjp:\n")
try:
    tg.check.check_vjp(smooth, backward, x)
except tg.GradientMismatch as error:
    print(error, *error.__notes__, sep="\n")

print("\n2. The matrix is symmetric, so smooth is its own backward. As an operation of this package, in a network:\n")
smoothed = tg.op(name="smooth", x=lambda g: tg.op(x=None)(smooth)(g))(smooth)
print(tg.check_gradient(lambda x, w: tg.sum(tg.tanh(smoothed(x)) * w), x, np.ones(50), float32=False))
