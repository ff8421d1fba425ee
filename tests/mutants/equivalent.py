"""Mutants that are right too, file by file: the text of each, as `python -m tests.mutants` prints it, and why no test can notice it."""

EQUIVALENT: dict[str, dict[str, str]] = {}
