"""What is under check: a function of arrays at given inputs, its value, and its vector-Jacobian product, wherever they come from.

- `function`: the interface, and a function of this package's Tensors; `parameters` are those it reads beside its inputs, `meaning` the
  functions in it whose gradient is meant to be another's.
- `vjp`: a function whose gradient comes from elsewhere; `in_torch` and `in_jax` are such functions, `libraries` tells whose one is.
- `structures` takes inputs in dicts and lists apart, `domain` knows where inputs may lie, `progress` shows a long check.
- `line`: the function along a line, which is what is measured; `properties`: what every vector-Jacobian product must satisfy.
"""
