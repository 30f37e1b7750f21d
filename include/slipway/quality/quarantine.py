"""Which rows are set aside, and why; the table that keeps them, written and read.

Kept and quarantined rows of a file are all of its rows: the counts reconcile, or an error says so.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import ArtifactError
from slipway.quality.suite import RuleResult, Severity

if TYPE_CHECKING:
    import pandas as pd

QUARANTINE_FILE = "quarantine.parquet"
REASON, FILE, ROW = "reason", "quarantine_file", "quarantine_row"


@dataclass(frozen=True, slots=True)
class Split:
    """A file's rows, split: those kept (original index) and those set aside, with why, by row position."""

    kept: pd.DataFrame
    reasons: Mapping[int, str]

    @property
    def total(self) -> int:
        """All rows of the file."""
        return len(self.kept) + len(self.reasons)

    @property
    def share(self) -> float | None:
        """The quarantined part, in [0, 1]; None for a file without rows."""
        return len(self.reasons) / self.total if self.total else None


def split_rows(frame: pd.DataFrame, results: Iterable[RuleResult]) -> Split:
    """Split one file by the results of its ``quarantine`` rules; every reason of a row is kept, joined by ``; ``.

    Parameters
    ----------
    frame : DataFrame
        One file, index 0 to n - 1.
    results : iterable of RuleResult
        The results on this file.
    """
    reasons: dict[int, str] = {}
    for result in results:
        if result.rule.severity is Severity.QUARANTINE:
            for row in result.rows:
                why = result.rule.sentence
                reasons[row] = f"{reasons[row]}; {why}" if row in reasons else why
    keep = ~frame.index.isin(list(reasons))
    return Split(frame[keep], dict(sorted(reasons.items())))


def quarantine_table(frames: Mapping[str, pd.DataFrame], splits: Mapping[str, Split]) -> pd.DataFrame:
    """Return all rows that were set aside, with file, row position and reason; empty, with its columns, if none."""
    import pandas as pd

    parts = []
    for name, split in splits.items():
        part = frames[name].loc[list(split.reasons)].copy()
        part.insert(0, REASON, list(split.reasons.values()))
        part.insert(0, ROW, list(split.reasons))
        part.insert(0, FILE, name)
        parts.append(part)
    filled = [part for part in parts if len(part)]
    return pd.concat(filled or parts[:1], ignore_index=True)


def rows_set_aside(table: bytes, file: str) -> tuple[int, ...]:
    """Return the row positions of ``file`` ("train" or "holdout") in a stored quarantine table.

    Raises ArtifactError if it is no such table.
    """
    import pandas as pd

    try:
        found = pd.read_parquet(io.BytesIO(table), columns=[FILE, ROW])
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise ArtifactError(
            f"the table of rows that were set aside cannot be read: {error}", remedy="release the version again"
        ) from error
    return tuple(int(row) for row in found.loc[found[FILE] == file, ROW])
