"""What the interpreter leaves to do: changes all at once, files, signatures and sources of functions, name suggestions."""
