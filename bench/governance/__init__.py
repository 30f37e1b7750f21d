"""Benchmarks of the governance: ledger, page, approvals, retention, reproduction."""
