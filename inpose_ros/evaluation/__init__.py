"""Scores of solvers against recorded motion; offline."""
