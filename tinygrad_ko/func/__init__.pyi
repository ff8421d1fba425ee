from tinygrad_ko.func.checkpointing import checkpoint as checkpoint
from tinygrad_ko.func.transforms import grad as grad
from tinygrad_ko.func.transforms import hessian as hessian
from tinygrad_ko.func.transforms import hvp as hvp
from tinygrad_ko.func.transforms import jacobian as jacobian
from tinygrad_ko.func.transforms import jvp as jvp
from tinygrad_ko.func.transforms import value_and_grad as value_and_grad
from tinygrad_ko.func.transforms import vjp as vjp
