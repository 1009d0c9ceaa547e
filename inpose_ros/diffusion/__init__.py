"""Posterior = prior x likelihood: the inverse solver."""
