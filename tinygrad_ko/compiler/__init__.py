"""Compilation: a function of arrays, traced once and written as a page of NumPy."""
