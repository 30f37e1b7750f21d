"""Benchmarks: each one command, each writing bench/results/<name>.json."""
