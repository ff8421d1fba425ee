"""Tracing: arrays that record what is done with them, and where it stands in the user's code."""
