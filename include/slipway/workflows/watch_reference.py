"""What a champion's days are compared with: the rows that it was made from, answered by the very image that serves.

Rules
-----
1. Inputs are compared with all rows, those it was fitted to and those held out: the more rows, the truer the tails.
2. Answers are compared with those on held-out rows alone. Of the rows that it was fitted to a model is surer than of
   any that it will meet, which would read as drift on the first quiet day.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.core.service import ServiceSpec
from slipway.core.signature import Signature
from slipway.quality.snapshot import read_table
from slipway.scoring.client import ServiceClient
from slipway.scoring.rows import judge
from slipway.workflows.candidate import service_name, started
from slipway.workflows.scoring_run import Answering
from slipway.workflows.workbench import Workbench

if TYPE_CHECKING:
    import pandas as pd

ROLE = "watch"
_ROWS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WatchReference:
    """A version's reference: the ``inputs`` of all its rows, and the ``answers`` to those that were held out."""

    inputs: pd.DataFrame
    answers: pd.DataFrame


def watch_reference(bench: Workbench, answering: Answering) -> WatchReference:
    """Return what a version's days are compared with; rows that get no answer are left out.

    The image is asked once: the rows are kept below ``var/monitoring``.
    """
    subject = answering.subject
    digest = str(subject.image_digest).removeprefix("sha256:")[:16]
    folder = bench.settings.var / "monitoring" / subject.model / f"reference-v{subject.version}-{digest}"
    inputs, answers = folder / "inputs.parquet", folder / "answers.parquet"
    if not folder.is_dir():
        found = _asked(bench, answering)
        partial = folder.with_name(f"{folder.name}.{bench.now():%H%M%S%f}")
        partial.mkdir(parents=True)
        found.inputs.to_parquet(partial / inputs.name)
        found.answers.to_parquet(partial / answers.name)
        _put(partial, folder)
    return WatchReference(inputs=read_table(inputs), answers=read_table(answers))


def _put(partial: Path, folder: Path) -> None:
    """Put a finished folder in its place; one that another night has put there meanwhile holds the same."""
    try:
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(partial)


def _asked(bench: Workbench, answering: Answering) -> WatchReference:
    import pandas as pd

    subject, spec = answering.subject, bench.spec(answering.subject.model)
    signature, files = spec.to_signature(), bench.registry.files(subject.model, subject.version)
    names = list(signature.names)
    with (
        started(bench, _service(bench, answering), startup_seconds=spec.objectives.startup_seconds) as handle,
        ServiceClient(handle.url, subject=subject, signature=signature) as client,
    ):
        fitted, held_out = (
            _answered(client, signature, read_table(path)[names]) for path in (files.train, files.holdout)
        )
    found = WatchReference(
        inputs=pd.concat([fitted[names], held_out[names]], ignore_index=True),
        answers=held_out[[signature.output.name]],
    )
    bench.say(
        f"the reference of {subject}: inputs of {len(found.inputs)} rows, answers to {len(found.answers)} of them"
    )
    return found


def _answered(client: ServiceClient, signature: Signature, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that the image answers, with its answers."""
    import numpy as np
    import pyarrow as pa

    answers = np.full(len(rows), np.nan, dtype=object)
    for start in range(0, len(rows), _ROWS):
        batch = pa.RecordBatch.from_pandas(rows.iloc[start : start + _ROWS])
        judged = judge(batch, signature)
        good = np.array([row for row in range(batch.num_rows) if row not in judged.reasons], dtype=np.intp)
        if not len(good):
            continue
        told = client.score({name: array.take(pa.array(good)) for name, array in judged.inputs.items()})
        answers[start + good] = [None if at in told.refused else told.answers[at] for at in range(len(good))]
    known = np.array([answer is not None and answer == answer for answer in answers], dtype=bool)
    found = rows[known].copy()
    found[signature.output.name] = answers[known].tolist()
    return found.reset_index(drop=True)


def _service(bench: Workbench, answering: Answering) -> ServiceSpec:
    subject, objectives = answering.subject, bench.spec(answering.subject.model).objectives
    return ServiceSpec(
        name=service_name(subject.model, subject.version, ROLE),
        image=answering.image,
        subject=subject,
        memory_mb=objectives.memory_mb,
        cpus=objectives.cpus,
        env=answering.options.to_env(),
        labels={"slipway.role": ROLE},
    )
