"""One page per release: what stopped it or let it through, every value against its threshold, what to do next."""
