"""Where the figures go: bench/results/<name>.json with the claims and the matrix, and the matrix as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bench.gates.claims import claims, matrix
from bench.gates.picture import page, picture
from bench.gates.records import Record, Verdict
from bench.results import RESULTS, write


def write_results(
    name: str, records: Sequence[Record], power: Sequence[bool], *, started_at: datetime, say: Callable[[str], None]
) -> None:
    """Write ``<name>.json``, ``<name>.html`` and ``<name>.png``, and say what the gates got wrong."""
    if not records and not power:
        say("there is no record: nothing is written")
        return
    found = claims(records, power)
    path = write(name, found, started_at=started_at, more={"matrix": matrix(records)})
    if records:
        path.with_suffix(".html").write_text(page(records, found), encoding="utf-8")
        picture(records, path.with_suffix(".png"))
    for record in records:
        if not record.verdict.right:
            say(f"{record.verdict.value:<16} {record.case} (run {record.repeat}): {_what(record)}")
    say(f"the matrix: {path.with_suffix('.html').relative_to(RESULTS.parents[1])}")


def _what(record: Record) -> str:
    if record.verdict is Verdict.BROKEN:
        return record.reason
    if not record.stopped_at:
        return f"expected to be stopped at {record.expected}, was released"
    expected = record.expected or "to be released"
    return f"expected {expected}, stopped at {record.stopped_at}: {record.reason}"
