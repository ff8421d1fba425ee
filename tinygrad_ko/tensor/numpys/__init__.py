"""NumPy's functions that are composed of ops, each by its name and with its arguments in NumPy: tables for `numpy_protocol`."""
