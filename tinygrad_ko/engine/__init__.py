"""The engine: a graph of recorded operations, and reverse mode over it.

Read it in this order: `rule` (an operation and its derivative formulas), `graph` (what is recorded), `backprop` (the chain rule),
`accumulate` (how parts of a gradient add up), and then `codegen` and `op` (how the functions that record are made from a rule).
"""
