"""What a function or a graph holds: reachable objects, a call that leaves them unchanged, random state, saved values."""
