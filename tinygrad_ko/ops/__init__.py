"""The rule book: every operation, a forward on arrays and one formula per argument. Pure functions, no Tensor in sight."""
