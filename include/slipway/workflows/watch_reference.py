"""What a champion's days are compared with: its training rows, answered by the very image that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.core.service import ServiceSpec
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


def reference_rows(bench: Workbench, answering: Answering) -> pd.DataFrame:
    """Return the version's training rows with its answers; rows that the signature refuses are left out.

    Asked once for each image: the rows are kept below ``var/monitoring``.
    """
    subject = answering.subject
    digest = str(subject.image_digest).removeprefix("sha256:")[:16]
    kept = bench.settings.var / "monitoring" / subject.model / f"reference-v{subject.version}-{digest}.parquet"
    if not kept.is_file():
        found = _answered(bench, answering)
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{bench.now():%H%M%S%f}")
        found.to_parquet(partial)
        partial.replace(kept)
    return read_table(kept)


def _answered(bench: Workbench, answering: Answering) -> pd.DataFrame:
    import numpy as np
    import pyarrow as pa

    subject, spec = answering.subject, bench.spec(answering.subject.model)
    signature = spec.to_signature()
    rows = read_table(bench.registry.files(subject.model, subject.version).train)
    answers = np.full(len(rows), np.nan, dtype=object)
    with (
        started(bench, _service(bench, answering), startup_seconds=spec.objectives.startup_seconds) as handle,
        ServiceClient(handle.url, subject=subject, signature=signature) as client,
    ):
        for start in range(0, len(rows), _ROWS):
            batch = pa.RecordBatch.from_pandas(rows[list(signature.names)].iloc[start : start + _ROWS])
            judged = judge(batch, signature)
            good = np.array([row for row in range(batch.num_rows) if row not in judged.reasons])
            told = client.score({name: array.take(pa.array(good)) for name, array in judged.inputs.items()})
            answers[start + good] = [None if at in told.refused else told.answers[at] for at in range(len(good))]
    known = np.array([answer is not None and answer == answer for answer in answers])
    found = rows[known].copy()
    found[signature.output.name] = answers[known].tolist()
    bench.say(f"{len(found)} of {len(rows)} training rows are the reference of {subject}")
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
