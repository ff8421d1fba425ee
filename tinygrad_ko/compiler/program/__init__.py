"""The program: the intermediate representation of a trace, and the passes over it.

A program is a graph of `Value`s (`values`), each an operation on earlier ones: a trace in single-assignment form, as a jaxpr is. The trace
has already merged common subexpressions. The passes, in their order:

1. `simplification`: algebraic rewriting that keeps every bit (x * 1, x + -y, views of views, constant folding). What nothing reaches from
   the results any more is dead code, and is gone: `values.in_order` sorts only what the results and the effects need.
2. `blocks`: loop fusion and blocking. Elementwise operations on large arrays become one loop over blocks of rows that fit into the cache.
3. `storage`: alias analysis, liveness, and the reuse of dead arrays, in place or with `out=`.

`small` has what is measured and decided for small arrays, where the cost is that of the call and not of the numbers. Then `page` writes it.
"""
