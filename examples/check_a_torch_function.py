"""A torch.autograd.Function with a mistake that gradcheck's fast mode accepts: found, named, and made again by a script.

    python examples/check_a_torch_function.py

It needs PyTorch: python -m pip install torch
"""

import sys

import tinygrad_ko as tg

try:
    import torch
except ModuleNotFoundError:
    sys.exit(print("This example needs PyTorch: python -m pip install torch"))

sys.stdout.reconfigure(errors="replace")  # 한글을 출력하지 못하는 터미널에서는 물음표로 보입니다.


class Softplus(torch.autograd.Function):
    """log(1 + exp(beta x)) / beta; its backward forgets beta where x is large, in a branch that was written for speed."""

    @staticmethod
    def forward(ctx, x, beta):
        ctx.save_for_backward(x)
        ctx.beta = beta
        return torch.logaddexp(beta * x, torch.zeros_like(x)) / beta

    @staticmethod
    def backward(ctx, g):
        (x,), beta = ctx.saved_tensors, ctx.beta
        slope = torch.where(x > 3, torch.sigmoid(x), torch.sigmoid(beta * x))
        return g * slope, None


torch.manual_seed(0)
x = torch.randn(400, dtype=torch.float64, requires_grad=True)  # 거의 모두 3보다 작습니다.
with torch.no_grad():
    x[17] = 3.5
accepted = torch.autograd.gradcheck(lambda x: Softplus.apply(x, 2.0), x, fast_mode=True)
print(f"1. torch.autograd.gradcheck, fast mode: {accepted}")

print("\n2. tg.check_gradient, in the same double precision and with no tolerance:\n")
try:
    tg.check_gradient(Softplus, x, 2.0)
except tg.GradientMismatch as error:
    print(error, *error.__notes__, sep="\n")

print(
    "\n3. A network that uses it. Its parameters are checked too; the call and the backward that is wrong are named:\n"
)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(3, 8), torch.nn.Linear(8, 1)

    def forward(self, x):
        return self.outer(Softplus.apply(self.inner(x), 2.0))


net = Net()
try:
    tg.check_gradient(net, 4 * torch.randn(5, 3))
except tg.GradientMismatch as error:
    print(error)

print("\n4. Mended:\n")
Softplus.backward = staticmethod(lambda ctx, g: (g * torch.sigmoid(ctx.beta * ctx.saved_tensors[0]), None))
print(tg.check_gradient(net, 4 * torch.randn(5, 3), order=2))
