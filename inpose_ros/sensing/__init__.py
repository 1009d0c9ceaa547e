"""What was measured, when, and how well."""
