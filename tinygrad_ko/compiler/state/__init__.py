"""State: what a compiled function holds, what it changes of it, and what it may not leave behind."""
