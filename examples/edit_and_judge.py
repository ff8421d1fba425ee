"""The backward pass as a file: written by the compiler, edited, and judged.

    python examples/edit_and_judge.py

The file needs NumPy alone, and a line of it can be changed: to save time, or to see what the line is for. Whether the gradients are still
those of the loss is then one call of check_grad, which names the parameter and the entry that are wrong.
"""

import runpy
import sys
import tempfile
from pathlib import Path

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import nn

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.

rng = np.random.default_rng(0)
x, t = rng.normal(size=(20, 8)), rng.integers(0, 3, 20)
net = nn.TwoLayerNet(8, 5, 3, weight_init_std=0.5, rng=0)


def judge(file):
    """Check the function in a file: it returns the loss, and then the gradient of each parameter."""
    f = runpy.run_path(str(file))["loss_and_gradient"]
    try:
        print(tg.check.check_grad(f, True, x, t, *net.params.values(), wrt=[*net.params]))
    except tg.GradientMismatch as error:
        print(error, *error.__notes__, sep="\n")


with tempfile.TemporaryDirectory() as folder:
    step = tg.compile(net.loss_and_gradient)  # 손실과 기울기. 학습 한 단계 전체라면 새 매개변수를 반환합니다.
    step(x, t)
    file = step.export(Path(folder, "step.py"))
    text = file.read_text(encoding="utf-8")
    backward = text[text.index("    # backward") :]
    print(f"1. The backward pass in the file, as it was written:\n\n{backward}")
    judge(file)

    print("\n2. A sum over the batch taken for a mean, in the gradient of the first bias:\n")
    (line,) = [line for line in backward.splitlines() if line.strip().startswith("db1 = ")]
    wrong = f"{line.partition(' = ')[0]} = np.mean(daffine, axis=0)"
    file.write_text(text.replace(line, wrong), encoding="utf-8")
    print(f"{line}\n{wrong}\n")
    judge(file)

    print("\n3. The same with einsum, which is as right as what it replaces:\n")
    other = f"{line.partition(' = ')[0]} = np.einsum('ij->j', daffine)"
    file.write_text(text.replace(line, other), encoding="utf-8")
    print(f"{other}\n")
    judge(file)
