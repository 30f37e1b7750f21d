"""When retention has something to do next, as far as the declaration and the ledger tell.

Rules
-----
1. A version is kept while it is among the newest ``keep_versions``, or younger than ``keep_days``.
2. The champion, what serves, and what is under legal hold are kept whatever their age; what is retired is gone already.
3. A version's age counts from when the ledger met it first.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from slipway.fleet.values import Declared, Summary


def next_retention(declared: Declared, summary: Summary) -> tuple[datetime, int] | None:
    """Return when the next version is past its time, and which one; None while all that there are stay."""
    if declared.keep_versions is None or declared.keep_days is None:
        return None
    here = sorted((version for version, known in summary.versions.items() if known.retired is None), reverse=True)
    kept = {*here[: declared.keep_versions], *declared.legal_hold, *_in_use(summary)}
    keep = timedelta(days=declared.keep_days)
    due = [(summary.versions[version].since + keep, version) for version in here if version not in kept]
    return min(due, default=None)


def _in_use(summary: Summary) -> set[int]:
    champion = summary.champion.version if summary.champion else None
    live = summary.live.version if summary.live else None
    return {version for version in (champion, live) if version is not None}
