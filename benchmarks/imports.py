"""What `import tinygrad_ko` adds to `import numpy`, each time in a fresh process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Row, duration
from benchmarks.timing import quartiles

BAR = 0.010  # seconds above NumPy
PROGRAM = """
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
import {module}
print(middle - start, perf_counter() - middle)
"""


def seconds(module: str, bytecode: str) -> tuple[float, float]:
    """The time of `import numpy`, and what `import module` takes after it, with their bytecode in a folder, as installed."""
    command = [sys.executable, "-c", PROGRAM.format(module=module)]
    settings = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    settings["PYTHONPYCACHEPREFIX"] = bytecode
    root = Path(__file__).parents[1]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=root, env=settings)
    alone, above = answer.stdout.split()
    return float(alone), float(above)


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    with TemporaryDirectory() as bytecode:
        yield from measured(peers, rounds, bytecode)


def measured(peers: bool, rounds: int, bytecode: str) -> Iterator[Row]:
    task = "import"
    others = ("torch", "jax", "mygrad", "autograd") if peers else ()
    for module in ("tinygrad_ko", *others):
        try:
            seconds(module, bytecode)  # compiles it
        except subprocess.CalledProcessError as error:
            print(f"{module} is left out: {error.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        taken = [seconds(module, bytecode) for _ in range(min(rounds, 20))]
        alone, above = min(a for a, _ in taken), min(b for _, b in taken)
        ours = module == "tinygrad_ko"
        if ours:
            yield Row(task, "numpy", duration(alone), spread=spread([a for a, _ in taken]))
        yield Row(
            task,
            module,
            f"{duration(above)} after numpy",
            spread=spread([b for _, b in taken]),
            bar=f"<= {duration(BAR)}" if ours else "",
            met=above <= BAR if ours else None,
        )


def spread(values: list[float]) -> str:
    low, _, high = quartiles(values)
    return f"{duration(low)} to {duration(high)}"
