"""Benchmarks of what governance promises; each topic has a ``measure``."""
