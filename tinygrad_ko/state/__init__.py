"""State: what is reachable from a function, a call that preserves it, random numbers and their replay, saved values."""
