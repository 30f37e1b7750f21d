"""All bytes that a registry keeps for one version: copied out, measured, taken away, put back.

Rules
-----
1. A version's bytes are its model, and everything in the run that made it: snapshot, reference, reports.
2. Only what is known to be the version's own is ever taken away: a model inside that run, or one that MLflow logged.
   A source that points anywhere else is refused, and so is a run that other registered versions come from.
3. A folder is taken away only if every file in it was copied out, with the size that it has now.
4. The registered version stays as a line without bytes: MLflow gives a deleted version's number out again, and then
   one number would name two models.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.version import MODEL_DIR
from slipway.errors import ArtifactError
from slipway.registry.artifacts import PARTS

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERSION, RUN = "version", "run"  # the two folders of a copy
ARCHIVED = "slipway.archived"  # the tag of a version without bytes; its value is the archive's digest
RESTORED_FROM = "slipway.restored_from"  # the tag of a version that an archive came back as, under a new number


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One folder or file: its name in the copy, and where the registry has it."""

    name: str
    base: str
    path: str | None


def places(client: MlflowClient, found: Any, location: str) -> list[Place]:
    """Return where a version's bytes are.

    Parameters
    ----------
    found : MLflow's model version
    location : str
        Its model's address.

    Raises
    ------
    ArtifactError
        If something of it is not, or not only, the version's own (rule 2).
    """
    label = f"{found.name} version {found.version}"
    run_uri = _run_uri(client, found)
    inside = location.removeprefix(run_uri + "/") if location.startswith(run_uri + "/") else None
    logged = str(found.source).startswith("models:/m-") or bool(getattr(found, "model_id", None))
    if (inside is None and not logged) or (inside is not None and "/" in inside):
        raise ArtifactError(
            f"the model of {label} lies at {location}, which is not its run's own place",
            remedy="register the version from the run that made it",
        )
    others = sharers(client, found)
    if others:
        raise ArtifactError(f"{label} shares its run with {', '.join(others)}", remedy="keep them together")
    model = Place(name=f"{VERSION}/{MODEL_DIR}", base=run_uri if inside else location, path=inside)
    return [model, *(_of_run(run_uri, top) for top in _tops(client, run_uri) if top != inside)]


def sharers(client: MlflowClient, found: Any) -> list[str]:
    """Return the other registered versions, of whatever model, that come from the same run."""
    same = client.search_model_versions(f"run_id='{found.run_id}'")
    mine = (found.name, str(found.version))
    return [f"{v.name} version {v.version}" for v in same if (v.name, str(v.version)) != mine]


def stored_files(client: MlflowClient, found: list[Place]) -> dict[str, int]:
    """Return the size of each file that the registry keeps in these places, by its name in the copy."""
    sizes: dict[str, int] = {}
    for place in found:
        repository = _repository(client, place.base)
        for path, size in _walk(repository, place.path):
            inside = path if place.path is None else path.removeprefix(place.path).lstrip("/")
            sizes[f"{place.name}/{inside}".rstrip("/")] = size
    return sizes


def copy_out(client: MlflowClient, found: list[Place], target: Path) -> None:
    """Download everything into ``target``."""
    for place in found:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            got = Path(folder) / "got"
            got.mkdir()
            _repository(client, place.base).download_artifacts(place.path or "", str(got))
            (target / place.name).parent.mkdir(parents=True, exist_ok=True)
            (got / (place.path or "")).replace(target / place.name)


def take_away(client: MlflowClient, found: list[Place], copied: Mapping[str, int]) -> int:
    """Delete these places, and return how many bytes they held.

    Parameters
    ----------
    copied : mapping of str to int
        Name and size of each file that was copied out.

    Raises
    ------
    ArtifactError
        If the registry has a file that was not copied out as it is; nothing is deleted then.
    """
    sizes = stored_files(client, found)
    more = sorted(name for name, size in sizes.items() if copied.get(name) != size)
    if more:
        raise ArtifactError(
            f"the registry has files that the archive lacks: {', '.join(more[:5])}",
            remedy="run retention again: it plans anew",
        )
    for place in found:
        repository = _repository(client, place.base)
        tops = [place.path] if place.path else [item.path for item in repository.list_artifacts(None)]
        for path in tops:
            repository.delete_artifacts(path)
    return sum(sizes.values())


def put_back(client: MlflowClient, found: Any, location: str, root: Path) -> None:
    """Upload a copy to where it was, for a version that is still registered."""
    run_uri = _run_uri(client, found)
    inside = location.removeprefix(run_uri + "/") if location.startswith(run_uri + "/") else None
    model = root / VERSION / MODEL_DIR
    _repository(client, run_uri if inside else location).log_artifacts(str(model), inside)
    for part in PARTS:
        if part != MODEL_DIR and (root / VERSION / part).is_dir():
            _repository(client, run_uri).log_artifacts(str(root / VERSION / part), part)
    if (root / RUN).is_dir():
        _repository(client, run_uri).log_artifacts(str(root / RUN), None)


def register_again(client: MlflowClient, name: str, root: Path, said: Mapping[str, Any], mark: str) -> int:
    """Register a copy whose version is gone from the registry, and return its number; done already is fine.

    Parameters
    ----------
    said : mapping
        What :func:`describe` returned.
    mark : str
        Which archive it comes from; a version with this mark is the one.
    """
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name)
    for version in client.search_model_versions(f"name='{name}'"):
        if version.tags.get(RESTORED_FROM) == mark:
            return int(version.version)
    experiment = client.get_experiment_by_name(said["experiment"])
    run = client.create_run(
        experiment.experiment_id if experiment else client.create_experiment(said["experiment"]),
        tags={RESTORED_FROM: mark},
        run_name=said.get("run_name") or None,
    )
    run_id = run.info.run_id
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, 0, 0) for key, value in said["metrics"].items()],
        params=[Param(key, value) for key, value in said["params"].items()],
    )
    client.log_artifacts(run_id, str(root / VERSION))
    if (root / RUN).is_dir():
        client.log_artifacts(run_id, str(root / RUN))
    source = f"{run.info.artifact_uri}/{MODEL_DIR}"
    tags = {**said["tags"], RESTORED_FROM: mark}
    return int(client.create_model_version(name, source, run_id, tags=tags, description=said["description"]).version)


def describe(client: MlflowClient, found: Any, aliases: tuple[str, ...]) -> dict[str, Any]:
    """Return what the registry says of a version and its run, as JSON values."""
    run = client.get_run(found.run_id)
    return {
        "registered_model": found.name,
        "version": int(found.version),
        "created_ms": int(found.creation_timestamp),
        "description": found.description or "",
        "source": found.source,
        "tags": {key: value for key, value in found.tags.items() if key != ARCHIVED},
        "aliases": list(aliases),
        "run_id": found.run_id,
        "run_name": run.info.run_name or "",
        "experiment": client.get_experiment(run.info.experiment_id).name,
        "params": dict(run.data.params),
        "metrics": dict(run.data.metrics),
    }


def _of_run(run_uri: str, top: str) -> Place:
    folder = VERSION if top in PARTS and top != MODEL_DIR else RUN
    return Place(name=f"{folder}/{top}", base=run_uri, path=top)


def _run_uri(client: MlflowClient, found: Any) -> str:
    if not found.run_id:
        raise ArtifactError(
            f"{found.name} version {found.version} belongs to no run", remedy="register it from the run that made it"
        )
    return str(client.get_run(found.run_id).info.artifact_uri).rstrip("/")


def _repository(client: MlflowClient, uri: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(uri, tracking_uri=client.tracking_uri)


def _tops(client: MlflowClient, run_uri: str) -> list[str]:
    return sorted(item.path for item in _repository(client, run_uri).list_artifacts(None))


def _walk(repository: Any, path: str | None) -> Iterator[tuple[str, int]]:
    """Yield path and size of each file below ``path``; nothing where there is nothing."""
    for item in repository.list_artifacts(path):
        if item.is_dir:
            yield from _walk(repository, item.path)
        else:
            yield item.path, int(item.file_size or 0)
