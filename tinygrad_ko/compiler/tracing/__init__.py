"""Tracing: the function runs once on symbolic arrays, which record the operations that it does.

The engine computes with the arrays of any library that follows the array API standard, so the tracer is one more such library: forwards,
formulas, backpropagation and optimizers run as they are. The files, from the outside in:

- `symbols`: `Symbol`, the symbolic array: a value of the program together with the array that it is in this call. Its arithmetic is in
  `operators`; a Python number that is an input is a `Number` (`number`).
- `functions` and `namespace`: what NumPy's functions do with Symbols: record, answer from shapes and dtypes, or refuse.
- `trace`: `Trace` records operations as values of `program`, the same operation on the same values once (common subexpressions are merged).
- `draws`: random draws, which the program repeats at every call.
- `origin` and `variables`: which op, line and variable of the user's a value belongs to, from Python's stack and bytecode.

What would make the program depend on the values in the arrays of this call (a branch, a conversion, a shape) raises TypeError.
"""
