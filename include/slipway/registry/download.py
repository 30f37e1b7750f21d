"""Where a registered version's files are, and how they come here."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.version import MODEL_DIR, REFERENCE_DIR
from slipway.errors import ArtifactError
from slipway.registry.artifacts import PARTS
from slipway.registry.calls import is_connection_fault
from slipway.runtime.files import storage_error

if TYPE_CHECKING:
    from mlflow import MlflowClient


def download(client: MlflowClient, found: Any, root: Path) -> None:
    """Download a version's model, snapshot and reference into ``root``; there may be no reference.

    ``found`` is MLflow's own line of the version.

    Raises
    ------
    ArtifactError
        If it belongs to no run, or a part cannot be had although the registry answers.
    """
    from mlflow.exceptions import MlflowException

    if not found.run_id:
        raise ArtifactError(
            f"{found.name} version {found.version} belongs to no run", remedy="register it from the run that made it"
        )
    run_uri = client.get_run(found.run_id).info.artifact_uri.rstrip("/")
    held = {item.path for item in client.list_artifacts(found.run_id)}
    places = {MODEL_DIR: model_location(client, found)}
    places |= {part: f"{run_uri}/{part}" for part in PARTS if part != MODEL_DIR and part in held}
    for part, uri in places.items():
        try:
            _download_folder(client, uri, root / part)
        except (MlflowException, OSError) as error:
            if is_connection_fault(error) or storage_error(error):
                raise
            raise ArtifactError(
                f"{found.name} version {found.version}: {part}/ cannot be downloaded: {error}",
                remedy="look at the registry's artifact store, or register the version again",
            ) from error
    (root / REFERENCE_DIR).mkdir(exist_ok=True)


def model_location(client: MlflowClient, found: Any) -> str:
    """Return where the files of a version's model are."""
    # A models:/ address would be resolved in MLflow's process-wide registry, which need not be this one.
    uri: str = client.get_model_version_download_uri(found.name, str(found.version))
    if uri.startswith("models:/"):
        uri = str(client.get_logged_model(uri.removeprefix("models:/").strip("/")).artifact_location)
    return uri


def _download_folder(client: MlflowClient, uri: str, target: Path) -> None:
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory(dir=target.parent.parent) as folder:
        got = download_artifacts(artifact_uri=uri, dst_path=folder, tracking_uri=client.tracking_uri)
        Path(got).rename(target)
