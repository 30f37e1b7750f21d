"""The ledger: a hash-chained, append-only log of evidence, approvals, promotions and deployments."""

from __future__ import annotations

from slipway.ledger.chain import GENESIS
from slipway.ledger.entries import Draft, Entry, EntryKind, Head, VerifyResult
from slipway.ledger.store import Ledger

__all__ = ["GENESIS", "Draft", "Entry", "EntryKind", "Head", "Ledger", "VerifyResult"]
