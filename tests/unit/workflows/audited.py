"""What audits of a project entered into its ledger, and the images that its fixture ``served`` deploys."""

from slipway.core.finding import Finding
from slipway.core.identity import digest_bytes
from slipway.core.service import RuntimeName
from slipway.ledger import EntryKind
from slipway.workflows.audit import audit

BUILT = {"runtime": RuntimeName.DOCKER, "python_version": "3.11", "lock_sha256": digest_bytes(b"the lock")}
IMAGES = {version: digest_bytes(f"image {version}".encode()) for version in (1, 2)}


def look(bench, pauses=None):
    return audit(bench, pause=(pauses if pauses is not None else []).append)


def audits(bench):
    return bench.ledger.entries(kinds=[EntryKind.AUDIT])


def turns(bench):
    """What the audits entered about findings: kind and state."""
    entries = [entry for entry in audits(bench) if "finding" in entry.payload]
    return [(Finding.from_json(entry.payload["finding"]).kind, entry.payload["state"]) for entry in entries]
