"""How fast models are answered, beside the servers that a user would pick instead: ``make bench-serving``."""
