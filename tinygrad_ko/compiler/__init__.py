"""A tracing compiler: a function of arrays is traced once and becomes a page of NumPy, which later calls run instead.

What happens in the first call of a compiled function, in the order of reading:

1. `compiled`, `arguments`: the shapes, dtypes and structure of the arguments are the cache key. Is there no program for it, `compilation`
   makes one.
2. `recording`: the function runs on symbolic arrays (`tracing`), also in the places of the arrays that it holds (`state`). It runs twice,
   and both traces must agree (`agreement`): so clocks and counters are found, which would become constants.
3. `program`: the trace, a graph of values, is simplified, elementwise work on large arrays is fused into loops over blocks, and dead arrays
   are reused.
4. `page`: the program is written as a Python function, which is executed. Its text is `.source`.
5. `results`: the type and structure of what the function returns, which every call returns of the results of the program.

Later calls look up the key, evaluate the guards (has anything that the function holds changed that the program depends on?), run the
program and write back what it changes. If no guard holds, the function is compiled again.

`gradients` and `vjp`: a result is one node of the graph; in backward its vector-Jacobian product is compiled like any function. `export`
writes a program as a file that needs NumPy alone. `refusals` has the errors for what cannot be compiled.
"""
