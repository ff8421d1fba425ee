"""The verdict on a gradient: the slope by the formulas beside the measured one.

- `verdict`: one order of a gradient, all that is compared of it.
- `comparison`: one projection, measured again in other ways where it cannot decide.
- `parts`: what does not show beside the rest of a gradient.
- `kinks` and `steps`: functions that have several slopes at a point, and functions that move in steps.
- `doubts`: why a gradient is undecided, in words.
"""
