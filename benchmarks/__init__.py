"""How fast is tinygrad_ko? Ratios to careful hand-written NumPy on the same problem, in the same run.

`python -m benchmarks` prints them. Everything here runs on one thread. BLAS libraries read these variables
when they are loaded, so they are set before anything imports NumPy.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[name] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
