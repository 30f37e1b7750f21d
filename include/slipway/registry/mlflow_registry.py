"""The MLflow model registry behind one bounded adapter.

Each call first asks whether anything listens there; :mod:`slipway.registry.calls` says what follows. It takes and gives
a model's own name, and says to MLflow what MLflow calls that model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.identity import Subject, parse_model_name
from slipway.core.version import VersionFiles
from slipway.errors import ArtifactError, VersionNotFound
from slipway.registry import copies
from slipway.registry.artifacts import PARTS, check_files, digest_folder
from slipway.registry.cache import VersionCache
from slipway.registry.calls import bounded_and_quiet, pages, translated
from slipway.registry.download import download, model_location
from slipway.registry.endpoint import probe
from slipway.registry.info import VersionInfo
from slipway.registry.notes import read_note, write_note

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PROBE_SECONDS = 5.0


class Registry:
    """Reads and marks registered versions.

    Parameters
    ----------
    tracking_uri : str
        An MLflow server (``http://…``) or database (``sqlite:///…``), which is tracking store and registry at once.
    cache : Path
        Downloaded versions live below it, each in a folder named by its artifact digest.
    timeout_s : float
        Longest wait for one request, in seconds; a request is tried at most twice.
    registered : callable
        Takes a model's own name and returns its ``registered_model``; by default the two are the same.

    Every method raises RegistryUnreachable if nothing answers, and RegistryError if MLflow refuses the call.
    """

    def __init__(
        self,
        tracking_uri: str,
        *,
        cache: Path,
        timeout_s: float = 30,
        registered: Callable[[str], str] = parse_model_name,
    ) -> None:
        self._uri = tracking_uri
        self._cache = VersionCache(cache)
        self._timeout_s = timeout_s
        self._registered = registered

    def check(self) -> None:
        """Raise RegistryUnreachable unless the registry answers a query."""
        with self._client() as client:
            client.search_registered_models(max_results=1)

    def models(self) -> list[str]:
        """Return the names of all registered models, sorted."""
        with self._client() as client:
            return sorted(model.name for model in pages(client.search_registered_models))

    def versions(self, model: str) -> list[VersionInfo]:
        """Return a model's versions, oldest first; VersionNotFound if there is no such model."""
        with self._client_for(model) as (client, name):
            aliases = client.get_registered_model(name).aliases
            found = pages(client.search_model_versions, filter_string=f"name='{name}'")
            return sorted((_info(version, aliases) for version in found), key=lambda info: info.version)

    def latest_version(self, model: str) -> int:
        """Return the highest version number; VersionNotFound if there is none."""
        versions = self.versions(model)
        if not versions:
            raise VersionNotFound(f"{model!r} has no version", remedy=f"train it: `slipway train {model}`")
        return versions[-1].version

    def alias(self, model: str, alias: str) -> int | None:
        """Return the version that an alias points at; None if it points nowhere or the model is not registered."""
        try:
            with self._client_for(model) as (client, name):
                version = client.get_registered_model(name).aliases.get(alias)
        except VersionNotFound:
            return None
        return None if version is None else int(version)

    def set_alias(self, model: str, alias: str, version: int) -> None:
        """Point an alias at a version; doing it again changes nothing."""
        with self._client_for(model) as (client, name):
            client.set_registered_model_alias(name, alias, str(version))

    def delete_alias(self, model: str, alias: str) -> None:
        """Take an alias away; nothing happens if there is none."""
        if self.alias(model, alias) is None:
            return
        with self._client_for(model) as (client, name):
            client.delete_registered_model_alias(name, alias)

    def set_tags(self, model: str, version: int, tags: Mapping[str, str]) -> None:
        """Set tags of a version; other tags stay."""
        with self._client_for(model) as (client, name):
            for key, value in tags.items():
                client.set_model_version_tag(name, str(version), key, value)

    def metrics(self, run_id: str) -> dict[str, float]:
        """Return the last value of each metric of a run."""
        with self._client() as client:
            return dict(client.get_run(run_id).data.metrics)

    def log_reports(self, run_id: str, folder: Path, *, artifact_path: str) -> None:
        """Store a folder of reports with a run, below ``artifact_path``.

        Raises ArtifactError for a path inside ``model``, ``snapshot`` or ``reference``: it would change the very
        bytes that the reports are about.
        """
        if artifact_path.strip("/").split("/")[0] in (*PARTS, "", ".", ".."):
            raise ArtifactError(
                f"reports may not be stored under {artifact_path!r}", remedy="use a path of their own, as slipway/…"
            )
        with self._client() as client:
            client.log_artifacts(run_id, str(folder), artifact_path)

    def files(self, model: str, version: int) -> VersionFiles:
        """Download a version's files, or take the verified copy in the cache.

        Returns
        -------
        VersionFiles
            Read-only files whose digest is the subject's and their folder's name. A cached copy that no longer has
            its digest is downloaded again.

        Raises
        ------
        VersionNotFound
            If there is no such version.
        ArtifactError
            If a part is missing or damaged.
        """
        with self._client_for(model) as (client, name):
            found = client.get_model_version(name, str(version))
            _refuse_archived(model, found)
            identity = _identity(self._uri, found)
            digest = self._cache.find(identity)
            if digest is None:
                with self._cache.scratch() as root:
                    download(client, found, root)
                    check_files(root, f"{model} version {version}")
                    digest = self._cache.adopt(root, identity)
        return VersionFiles(
            subject=Subject(model=model, version=int(found.version), artifact_sha256=digest),
            root=self._cache.folder(digest),
            run_id=found.run_id,
            tags=dict(found.tags),
        )

    def artifact_digest(self, model: str, version: int) -> str:
        """Return the digest of what the registry holds now: downloaded afresh, never from the cache."""
        with self._client_for(model) as (client, name), self._cache.scratch() as root:
            download(client, client.get_model_version(name, str(version)), root)
            return digest_folder(root)

    def ledger_note(self) -> tuple[str, str] | None:
        """Return the text that the ledger keeps here, and where it is; None if there is none."""
        with self._client() as client:
            return read_note(client)

    def set_ledger_note(self, text: str) -> str:
        """Keep a text of the ledger's, of at most 5,000 characters, in the place of the one before; return where."""
        with self._client() as client:
            return write_note(client, text)

    def stored_files(self, model: str, version: int) -> dict[str, int]:
        """Return name and size of every file that the registry keeps for a version.

        Raises
        ------
        ArtifactError
            If some of it is not, or not only, this version's own (:mod:`slipway.registry.copies`).
        """
        with self._client_for(model) as (client, name):
            return copies.stored_files(client, _places(client, client.get_model_version(name, str(version))))

    def copy_out(self, model: str, version: int, target: Path) -> dict[str, Any]:
        """Download all that the registry keeps for a version into ``target``, and return what it says of it."""
        with self._client_for(model) as (client, name):
            found = client.get_model_version(name, str(version))
            copies.copy_out(client, _places(client, found), target)
            aliases = client.get_registered_model(name).aliases
            return copies.describe(client, found, _info(found, aliases).aliases)

    def take_away(self, model: str, version: int, copied: Mapping[str, int]) -> int:
        """Delete a version's bytes, and return how many; its line stays, so that its number names nothing else.

        ``copied`` is name and size of what was copied out. ArtifactError, and nothing deleted, if that is not all.
        """
        with self._client_for(model) as (client, name):
            found = client.get_model_version(name, str(version))
            return copies.take_away(client, _places(client, found), copied)

    def put_back(self, model: str, version: int, root: Path, *, said: Mapping[str, Any], mark: str) -> int:
        """Upload what :meth:`copy_out` made, and return the version that it is now.

        It is the same number while the registry still has the version's line; else it is registered again, as the
        version that carries ``mark``.
        """
        with self._client_for(model) as (client, name):
            listed = pages(client.search_model_versions, filter_string=f"name='{name}'")
            found = next((one for one in listed if int(one.version) == version), None)
            if found is None:
                return copies.register_again(client, name, root, said, mark)
            copies.put_back(client, found, model_location(client, found), root)
            return version

    def delete_tag(self, model: str, version: int, key: str) -> None:
        """Take a tag of a version away; nothing happens if there is none."""
        with self._client_for(model) as (client, name):
            if key in client.get_model_version(name, str(version)).tags:
                client.delete_model_version_tag(name, str(version), key)

    def cached_bytes(self, digest: str) -> int:
        """Return how many bytes of the files with this digest are on this machine."""
        return self._cache.size(digest)

    def forget(self, digest: str) -> int:
        """Drop this machine's copy of the files with this digest, and return how many bytes they were."""
        return self._cache.forget(digest)

    @contextmanager
    def _client_for(self, model: str) -> Iterator[tuple[MlflowClient, str]]:
        name = self._registered(model)  # a name that is none is told before anything is asked
        with self._client() as client:
            yield client, name

    @contextmanager
    def _client(self) -> Iterator[MlflowClient]:
        probe(self._uri, timeout_s=min(self._timeout_s, _PROBE_SECONDS))
        with bounded_and_quiet(self._timeout_s):
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException

            try:
                yield MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
            except (MlflowException, OSError) as error:
                raise translated(error, self._uri) from error


def _info(found: Any, aliases: Mapping[str, str]) -> VersionInfo:
    # A search leaves the aliases out, so they come from the registered model.
    return VersionInfo(
        version=int(found.version),
        run_id=found.run_id,
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, tz=UTC),
        aliases=tuple(sorted(name for name, version in aliases.items() if str(version) == str(found.version))),
        tags=dict(found.tags),
        description=found.description or "",
    )


def _refuse_archived(model: str, found: Any) -> None:
    if copies.ARCHIVED in found.tags:
        raise ArtifactError(
            f"{model} version {found.version} is in the archive, and its files are nowhere else",
            remedy=f"bring it back with `slipway restore {model} --version {found.version}`",
        )


def _places(client: MlflowClient, found: Any) -> list[copies.Place]:
    return copies.places(client, found, model_location(client, found))


def _identity(uri: str, found: Any) -> str:
    # A deleted version's number is given out again, so the number alone names nothing.
    return json.dumps([uri, found.name, str(found.version), found.run_id, found.source, found.creation_timestamp])
