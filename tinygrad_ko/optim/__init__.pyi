from tinygrad_ko.optim.clipping import clip_grad_norm as clip_grad_norm
from tinygrad_ko.optim.clipping import clip_grad_value as clip_grad_value
from tinygrad_ko.optim.optimizers import SGD as SGD
from tinygrad_ko.optim.optimizers import AdaGrad as AdaGrad
from tinygrad_ko.optim.optimizers import Adam as Adam
from tinygrad_ko.optim.optimizers import AdamW as AdamW
from tinygrad_ko.optim.optimizers import Momentum as Momentum
from tinygrad_ko.optim.optimizers import Nesterov as Nesterov
from tinygrad_ko.optim.optimizers import Optimizer as Optimizer
from tinygrad_ko.optim.optimizers import RMSprop as RMSprop
from tinygrad_ko.optim.schedules import Schedule as Schedule
from tinygrad_ko.optim.schedules import cosine_decay as cosine_decay
from tinygrad_ko.optim.schedules import exponential_decay as exponential_decay
from tinygrad_ko.optim.schedules import linear_warmup as linear_warmup
from tinygrad_ko.optim.schedules import step_decay as step_decay

__all__: list[str]
