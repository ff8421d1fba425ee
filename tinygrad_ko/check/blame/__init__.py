"""Which formula is wrong: `diagnosis` looks for the operation and the entry, `replay` runs the formulas of a graph again on fresh copies,
and `suggestion` says what the ratio of a wrong entry to the right one suggests.
"""
