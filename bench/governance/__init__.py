"""What governance is proven to catch, and what it costs: ``python -m bench.governance``."""
