"""Lineage outside of the ledger: stamps on scored rows, pictures, and events for catalogues."""
