"""Replayed days as Parquet files, as an upstream system would deliver them.

``<folder>/inputs/<date>.parquet`` holds a day's rows, ``<folder>/labels/<date>.parquet`` the labels that became known
on that date (of rows made ``label_delay_days`` before). A reader sees a whole file or none; writing a day again
writes the same bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import StorageError
from slipway.replay.generator import Replay, day_frame, day_labels
from slipway.replay.shifts import FIRST_DAY
from slipway.runtime.files import storage_error

if TYPE_CHECKING:
    import pandas as pd

INPUTS, LABELS = "inputs", "labels"


@dataclass(frozen=True, slots=True)
class DayFiles:
    """One written day; ``labels`` is None where none became known on it."""

    day: int
    date: date
    inputs: Path
    labels: Path | None


def write_day(replay: Replay, day: int, folder: Path) -> DayFiles:
    """Write what a day brings: its rows, and the labels that become known on it.

    Parameters
    ----------
    replay : Replay
    day : int
        From 1.
    folder : Path
        Made if it is missing.

    Raises
    ------
    StorageError
        If the disk does not take it; nothing is left half written.
    """
    on = replay.date_of(day)
    inputs = _write(day_frame(replay, day), folder / INPUTS / f"{on}.parquet")
    labelled = None if replay.label_delay_days is None else day - replay.label_delay_days
    if labelled is None or labelled < FIRST_DAY:
        return DayFiles(day, on, inputs, None)
    return DayFiles(day, on, inputs, _write(day_labels(replay, labelled), folder / LABELS / f"{on}.parquet"))


def write_days(replay: Replay, days: Iterable[int], folder: Path) -> tuple[DayFiles, ...]:
    """Write several days; see :func:`write_day`."""
    return tuple(write_day(replay, day, folder) for day in days)


def _table(frame: pd.DataFrame) -> Any:
    """Return the frame for Arrow; texts are texts, even where a day has none: each day's file has one schema."""
    import pyarrow as pa

    found = pa.Schema.from_pandas(frame, preserve_index=False)
    for at, name in enumerate(frame.columns):
        if frame[name].dtype == object:
            found = found.set(at, pa.field(name, pa.string()))
    return pa.Table.from_pandas(frame, schema=found, preserve_index=False)


def _write(frame: pd.DataFrame, target: Path) -> Path:
    import pyarrow.parquet as parquet

    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            temporary = Path(file.name)
            parquet.write_table(_table(frame), file, compression="zstd")
        temporary.chmod(0o644)
        temporary.replace(target)
    except OSError as error:
        told = storage_error(error) or StorageError(f"{target} cannot be written: {error}", remedy="see to the folder")
        raise told from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return target
