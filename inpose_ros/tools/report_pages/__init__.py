"""What becomes of reports: pictures, tables, and whether the targets are met."""
