"""A day's rows as the nightly watch reads them: inputs beside the answers of the version that gave them, and labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.core.operations_spec import LabelsSpec, ScoringSpec
from slipway.ledger.entries import Entry, EntryKind
from slipway.scoring import Interval, open_source
from slipway.scoring.answers import START, VERSION
from slipway.scoring.faults import SourceError
from slipway.workflows.scoring_run import ScoringRun, place, source_of
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd

    from slipway.scoring.parquet_source import ParquetSource
    from slipway.scoring.sql_source import SqlSource

BATCH = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayRows:
    """A day's rows.

    Attributes
    ----------
    inputs : DataFrame or None
        The source's rows; None if the source is not there at all.
    answered : mapping of int to DataFrame
        For each version that answered: inputs and answer, side by side.
    runs : tuple of Entry
        The ledger's entries of the day's scoring, oldest first.
    """

    inputs: pd.DataFrame | None
    answered: dict[int, pd.DataFrame]
    runs: tuple[Entry, ...]


def day_rows(bench: Workbench, run: ScoringRun, scoring: ScoringSpec) -> DayRows:
    """Return a day's inputs, and the answers that are kept for them.

    The source is read as it is now. Rows that came after the day was scored have no answer yet.
    """
    runs = scoring_entries(bench, run.model, run.interval)
    try:
        inputs = together(frames(source_of(bench, run), run.interval))
    except SourceError:
        return DayRows(inputs=None, answered={}, runs=runs)
    answers = day_answers(bench, run, scoring)
    answered = {
        version: given.merge(inputs, on=list(scoring.keys), how="inner", suffixes=("", "_of_the_source"))
        for version, given in answers.items()
    }
    return DayRows(inputs=inputs, answered=answered, runs=runs)


def day_answers(bench: Workbench, run: ScoringRun, scoring: ScoringSpec) -> dict[int, pd.DataFrame]:
    """Return the sink's rows of an interval by version: keys and answer."""
    output = bench.spec(run.model).to_signature().output.name
    url, table = place(bench.settings, scoring.sink, run.connect)
    try:
        sink = open_source(url, time_column=START, keys=scoring.keys, table=table)
        found = together(frames(sink, run.interval))
    except SourceError:  # nothing was ever written there
        return {}
    wanted = [*scoring.keys, output]
    if found.empty:
        return {}
    return {int(version): found.loc[found[VERSION] == version, wanted] for version in sorted(found[VERSION].unique())}


def arrived_labels(bench: Workbench, labels: LabelsSpec, run: ScoringRun, *, until: Interval) -> pd.DataFrame | None:
    """Return the labels that came from the day on to the end of ``until``; None if their source is not there."""
    url, table = place(bench.settings, labels.source, run.connect)
    scoring = bench.spec(run.model).scoring
    keys = scoring.keys if scoring else ()
    try:
        source = open_source(url, time_column=labels.time_column, keys=keys, table=table)
        return together(frames(source, Interval(run.interval.start, until.end)))
    except SourceError:
        return None


def scoring_entries(bench: Workbench, model: str, interval: Interval) -> tuple[Entry, ...]:
    """Return the ledger's entries of an interval's scoring, oldest first."""
    entries = bench.ledger.entries(model=model, kinds=[EntryKind.SCORING])
    return tuple(entry for entry in entries if entry.payload["interval"] == interval.to_json())


def frames(source: ParquetSource | SqlSource, interval: Interval) -> Iterator[pd.DataFrame]:
    """Yield an interval's rows."""
    for partition in source.plan(interval, BATCH):
        for batch in source.batches(partition, rows=BATCH):
            yield batch.to_pandas()


def together(parts: Iterator[pd.DataFrame] | Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return frames as one; an empty one if there are none."""
    import pandas as pd

    found = list(parts)
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()
