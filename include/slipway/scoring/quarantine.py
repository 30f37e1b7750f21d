"""Rows that were set aside: all their columns as they were, and why. A file of them can be a source again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

REASON, RUN, AT = "quarantine_reason", "quarantine_run_id", "quarantine_at"
COLUMNS = (REASON, RUN, AT)


def set_aside(rows: pa.RecordBatch, reasons: Sequence[str], *, run_id: str, at: datetime) -> pa.RecordBatch:
    """Return rows with their reasons, the run and its time beside their own columns.

    Parameters
    ----------
    rows : RecordBatch
        As they were read; columns of an earlier quarantine are replaced.
    reasons : sequence of str
        One a row.
    run_id, at : str, datetime
    """
    names = [name for name in rows.schema.names if name not in COLUMNS]
    count = rows.num_rows
    added = {
        REASON: pa.array(reasons, pa.string()),
        RUN: pa.array([run_id] * count, pa.string()),
        AT: pa.array([at] * count, pa.timestamp("us", tz="UTC")),
    }
    fields = [rows.schema.field(name) for name in names] + [pa.field(name, one.type) for name, one in added.items()]
    return pa.RecordBatch.from_arrays(
        [*(rows.column(name) for name in names), *added.values()], schema=pa.schema(fields)
    )
