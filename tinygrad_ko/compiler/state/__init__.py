"""State: what a compiled function reads and changes beside its arguments.

A training step reads parameters, what an optimizer keeps, statistics and counters, and replaces them. In the program these are inputs, read
at every call, and further results, which are written back after it.

1. `held` finds the state: all places reachable from the function, each with a Python expression that reads it. From these come the guards:
   expressions whose values decide whether a program is still for this function (modes, settings, identities of objects).
2. `state` traces: symbolic arrays stand in the places of arrays and numbers; at the end what is in the places is compared, and each change
   becomes an expression that repeats it with the results of the program.
3. `leaks` refuses functions that leave a symbolic array anywhere else.
"""
