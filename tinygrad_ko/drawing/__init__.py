"""The picture of a computational graph: traced, collapsed where it is large, written in DOT, rendered."""
