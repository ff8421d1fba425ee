"""Python and the system: atomic changes, files, signals, signatures and sources of functions, name suggestions."""
