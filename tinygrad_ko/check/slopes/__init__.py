"""Numerical differentiation: slopes with an error estimate.

- `slope`: the slope of a function of one number, by a ladder of steps (Richardson extrapolation), and what the function looks like there.
- `differentiation`: derivatives along a line and in a number, as users call them.
- `numerical`: the numerical gradient of the original texts, and gradient descent with it.
- `captured`: detects a function that reads x itself, where a copy of x is moved.
"""
