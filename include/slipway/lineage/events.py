"""What happened, as OpenLineage events: made with the standard's own client, so that any catalogue reads them.

A data snapshot, a version, an image, a sink and a report are datasets in the namespace ``slipway``, their version is
their digest, and our digests are in a facet of their own. A run's id is made from the job's name and the run's, so that
a start and its end agree without either knowing the other.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

NAMESPACE = "slipway"
PRODUCER = "https://pypi.org/project/slipway"
DIGESTS = "slipway_digests"
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:slipway:lineage")


class State(StrEnum):
    """Where a run is."""

    START = "START"
    COMPLETE = "COMPLETE"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who answers for something."""

    name: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column: its name, type and meaning."""

    name: str
    kind: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What a run reads or writes.

    Attributes
    ----------
    name : str
        Such as ``churn/versions/3``.
    version : str
        A digest, or the interval of a sink's rows; empty where there is none.
    fields : tuple of Field
    documentation : str
    owner : Owner or None
    digests : mapping of str to str
    rows : int or None
        How many were written.
    """

    name: str
    version: str = ""
    fields: tuple[Field, ...] = ()
    documentation: str = ""
    owner: Owner | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event: a run of a job has started, is complete, or has failed.

    Attributes
    ----------
    job : str
        Such as ``churn.release``.
    run : str
        The run's id, of any form.
    state : State
    at : datetime
    inputs, outputs : tuple of Data
    documentation : str
        What the job does.
    owner : Owner or None
    interval : tuple of two datetimes, optional
        What stretch of time the run is about.
    error : str
        Why it failed.
    """

    job: str
    run: str
    state: State
    at: datetime
    inputs: tuple[Data, ...] = ()
    outputs: tuple[Data, ...] = ()
    documentation: str = ""
    owner: Owner | None = None
    interval: tuple[datetime, datetime] | None = None
    error: str = ""

    @property
    def run_id(self) -> str:
        """The run's id as the standard wants it, a UUID: the same for each event of the run."""
        return str(uuid.uuid5(_IDS, f"{self.job}/{self.run}"))


def to_open_lineage(happening: Happening) -> RunEvent:
    """Return an event as the standard's client has it."""
    from openlineage.client import event_v2 as ol
    from openlineage.client import facet_v2 as facets

    run: dict[str, Any] = {}
    if happening.interval is not None:
        start, end = (_time(moment) for moment in happening.interval)
        run["nominalTime"] = facets.nominal_time_run.NominalTimeRunFacet(nominalStartTime=start, nominalEndTime=end)
    if happening.error:
        run["errorMessage"] = facets.error_message_run.ErrorMessageRunFacet(
            message=happening.error, programmingLanguage="python"
        )
    job: dict[str, Any] = {
        "jobType": facets.job_type_job.JobTypeJobFacet(processingType="BATCH", integration="SLIPWAY", jobType="DAG")
    }
    if happening.documentation:
        job["documentation"] = facets.documentation_job.DocumentationJobFacet(description=happening.documentation)
    if happening.owner is not None:
        owner = facets.ownership_job.Owner(name=happening.owner.name, type=happening.owner.contact)
        job["ownership"] = facets.ownership_job.OwnershipJobFacet(owners=[owner])
    return ol.RunEvent(
        eventType=ol.RunState[happening.state.value],
        eventTime=_time(happening.at),
        run=ol.Run(runId=happening.run_id, facets=run),
        job=ol.Job(namespace=NAMESPACE, name=happening.job, facets=job),
        inputs=[ol.InputDataset(NAMESPACE, data.name, facets=_facets(data)) for data in happening.inputs],
        outputs=[
            ol.OutputDataset(NAMESPACE, data.name, outputFacets=_output(data), facets=_facets(data))
            for data in happening.outputs
        ],
        producer=PRODUCER,
    )


def _facets(data: Data) -> dict[str, Any]:
    from openlineage.client import facet_v2 as facets

    from slipway.lineage.digests_facet import DigestsDatasetFacet

    found: dict[str, Any] = {}
    if data.version:
        found["version"] = facets.dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=data.version)
    if data.fields:
        columns = [
            facets.schema_dataset.SchemaDatasetFacetFields(
                name=one.name, type=one.kind, description=one.description or None
            )
            for one in data.fields
        ]
        found["schema"] = facets.schema_dataset.SchemaDatasetFacet(fields=columns)
    if data.documentation:
        found["documentation"] = facets.documentation_dataset.DocumentationDatasetFacet(description=data.documentation)
    if data.owner is not None:
        owner = facets.ownership_dataset.Owner(name=data.owner.name, type=data.owner.contact)
        found["ownership"] = facets.ownership_dataset.OwnershipDatasetFacet(owners=[owner])
    if data.digests:
        found[DIGESTS] = DigestsDatasetFacet(digests=dict(data.digests))
    return found


def _output(data: Data) -> dict[str, Any]:
    from openlineage.client import facet_v2 as facets

    if data.rows is None:
        return {}
    made = facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=data.rows)
    return {"outputStatistics": made}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
