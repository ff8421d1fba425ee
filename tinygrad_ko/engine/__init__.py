"""The engine: a graph of recorded operations, and reverse mode over it.

Read it in this order: `graph` (what is recorded), `rule` (an operation and its derivative formulas), `codegen` and `op` (the functions
that record), `accumulate` (how parts of a gradient add up) and `backprop` (the chain rule).
"""
