"""Where motion comes from: recordings and make-believe."""
