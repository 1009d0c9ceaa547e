"""Whether what a sensor says can be so: one check a file."""
