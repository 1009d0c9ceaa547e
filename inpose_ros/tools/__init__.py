"""Developers' tools: benchmarks, the fault matrix, reports. They are not installed on a robot."""
