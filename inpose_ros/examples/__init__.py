"""Programs beside the package, written as a user would write them: they know its messages and nothing else of it."""
