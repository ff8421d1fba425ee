"""Derivatives of functions, in the habit of JAX and torch.func: `grad(f)` is a function again.

An argument that is differentiated is an array, a Tensor or a number, or a dict, list or tuple of them (a list of plain
numbers is an array, as everywhere here). The result has its structure. Arrays in, arrays out; Tensors in, Tensors
out; and a Tensor wherever the result depends on a leaf outside: then a gradient can flow through it. So the transforms nest,
also with `tg.grad` and `backward()`; under `tg.no_grad()` nothing of them is recorded. An argument that f does not use has the
gradient 0.

f is called with Tensors in place of those arguments and must compute with this package's ops. It returns a Tensor or, for `vjp`,
`jvp` and `jacobian`, several in dicts, lists and tuples; with `has_aux=True` also what is not differentiated. A constant has the
derivative 0, with a warning, for a gradient may have been lost on the way to it.

`flatten` makes one row of a tree. `implicit` is the solution of equations as a function of what they depend on; `fixed_point`, `root`,
`minimize`, `solve_ivp` and `odeint` are SciPy's, with gradients. `from_torch` and `from_jax` make operations of the functions of other
libraries, `to_torch` and `to_jax` make functions of theirs of ours, and `register_einops` teaches einops what a Tensor is.
"""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
