"""The page: code generation. A program becomes the text of a Python function that calls NumPy, and reads as if written by hand.

1. `nesting` decides which values are written inside the expression that uses them, and which get a line and a variable.
2. `names` and `writing` give the variables names (the user's own, `dW1` for gradients) and write the statements: assignments, operations in
   place, `out=`, loops over blocks.
3. `expressions` writes the right-hand sides, `globals` what stands above the function: imports, constants, functions that are called.
4. `comments` adds shapes, the user's lines and the formulas of the backward pass, in English or Korean.

`kernels` copies the source of the functions that are called as they are, for a file that needs NumPy alone.
"""
