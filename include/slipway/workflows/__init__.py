"""One use case a file, named as its operator: adapters -> evidence -> gate -> ledger."""
