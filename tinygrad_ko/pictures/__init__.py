"""Pictures: of a computational graph, and of learning."""
