"""The picture of a computational graph: read, folded where it is large, written in DOT, rendered."""
