"""The rivals of the solver, honestly trained on the same data; offline, never loaded by the node."""
