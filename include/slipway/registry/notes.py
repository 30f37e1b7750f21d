"""One text of the ledger's kept in MLflow: a tag of a run of its own, in an experiment of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "slipway.ledger"
TAG = "slipway.ledger.anchor"
RUN = "anchors"
MAX_CHARACTERS = 5000  # what every MLflow store takes


def read_note(client: MlflowClient) -> tuple[str, str] | None:
    """Return the text and where it is, as a person says it; None if there is none."""
    run = _find(client)
    if run is None:
        return None
    run_id, text = run
    return (text, f"MLflow run {run_id}, tag {TAG}") if text else None


def write_note(client: MlflowClient, text: str) -> str:
    """Put the text in the place of the one before, and return where it is."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{len(text)} characters do not fit into a tag")
    run = _find(client)
    run_id = run[0] if run else client.create_run(_experiment(client), run_name=RUN).info.run_id
    client.set_tag(run_id, TAG, text)
    return f"MLflow run {run_id}, tag {TAG}"


def _find(client: MlflowClient) -> tuple[str, str] | None:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return None
    runs = client.search_runs(
        [experiment.experiment_id], filter_string=f"run_name = '{RUN}'", order_by=["attributes.start_time DESC"]
    )
    tagged = [run for run in runs if TAG in run.data.tags] or list(runs)
    return (str(tagged[0].info.run_id), str(tagged[0].data.tags.get(TAG, ""))) if tagged else None


def _experiment(client: MlflowClient) -> str:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return str(client.create_experiment(EXPERIMENT))
    if experiment.lifecycle_stage == "deleted":
        client.restore_experiment(experiment.experiment_id)
    return str(experiment.experiment_id)
