"""Training of the prior; offline."""
