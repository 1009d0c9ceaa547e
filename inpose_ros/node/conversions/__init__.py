"""Message <-> core type; no node, no clock, no logger."""
