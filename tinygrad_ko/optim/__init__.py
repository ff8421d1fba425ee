"""Ways to go downhill: optimizers, schedules of the learning rate, and the clipping of gradients that are too long."""

from tinygrad_ko.optim.clipping import clip_grad_norm, clip_grad_value
from tinygrad_ko.optim.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSprop
from tinygrad_ko.optim.schedules import Schedule, cosine_decay, exponential_decay, linear_warmup, step_decay

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "clip_grad_norm",
    "clip_grad_value",
    "cosine_decay",
    "exponential_decay",
    "linear_warmup",
    "step_decay",
]
