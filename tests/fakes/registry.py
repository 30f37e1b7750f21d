"""A registry in memory and on disk, with the interface of slipway.registry.Registry."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from slipway.core.identity import Subject, digest_bytes, digest_tree, parse_model_name
from slipway.core.version import VersionFiles
from slipway.errors import ArtifactError, RegistryUnreachable, VersionNotFound
from slipway.registry.copies import ARCHIVED, VERSION
from slipway.registry.info import VersionInfo


@dataclass
class FakeRegistry:
    """Versions are folders; ``down`` makes every call fail as an unreachable server does.

    It is asked by a model's own name, and ``root``, ``aliases`` and ``tags`` go by what ``registered`` makes of it.
    """

    root: object
    aliases: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)
    logged: list = field(default_factory=list)
    down: bool = False
    note: list = field(default_factory=list)  # the ledger's, newest last
    created: dict = field(default_factory=dict)
    forgotten: list = field(default_factory=list)
    registered: Callable[[str], str] = parse_model_name

    def add(self, model, version, content=b"model"):
        folder = self._folder(model, version)
        files = {"model/MLmodel": content, "snapshot/holdout.parquet": b"rows", "snapshot/train.parquet": b"more rows"}
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return self.files(model, version)

    def tamper(self, model, version):
        (self._folder(model, version) / "model" / "MLmodel").write_bytes(b"something else")

    def _folder(self, model, version):
        return self.root / self.registered(model) / str(version)

    def _check(self):
        if self.down:
            raise RegistryUnreachable("the registry did not answer", remedy="start it")

    def files(self, model, version):
        self._check()
        folder = self._folder(model, version)
        if not folder.is_dir():
            raise VersionNotFound(f"{model} has no version {version}", remedy="train one")
        if ARCHIVED in self.tags.get((self.registered(model), version), {}):
            raise ArtifactError(f"{model} version {version} is in the archive", remedy="restore it")
        digest = self.artifact_digest(model, version)
        subject = Subject(model=model, version=version, artifact_sha256=digest)
        return VersionFiles(subject=subject, root=folder, run_id=f"run-{model}-{version}")

    def artifact_digest(self, model, version):
        self._check()
        folder = self._folder(model, version)
        if not folder.is_dir():
            raise VersionNotFound(f"{model} has no version {version}", remedy="train one")
        return digest_tree(
            {p.relative_to(folder).as_posix(): digest_bytes(p.read_bytes()) for p in folder.rglob("*") if p.is_file()}
        )

    def versions(self, model):
        self._check()
        name = self.registered(model)
        numbers = sorted(int(p.name) for p in (self.root / name).glob("*"))
        named = {v: tuple(a for (m, a), w in self.aliases.items() if m == name and w == v) for v in numbers}
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return [
            VersionInfo(
                version=v,
                run_id=f"run-{model}-{v}",
                created_at=self.created.get(v, now),
                aliases=named[v],
                tags=dict(self.tags.get((name, v), {})),
                description="",
            )
            for v in numbers
        ]

    def latest_version(self, model):
        return max(v.version for v in self.versions(model))

    def alias(self, model, alias):
        self._check()
        return self.aliases.get((self.registered(model), alias))

    def set_alias(self, model, alias, version):
        self._check()
        self.aliases[self.registered(model), alias] = version

    def delete_alias(self, model, alias):
        self._check()
        self.aliases.pop((self.registered(model), alias), None)

    def ledger_note(self):
        self._check()
        return (self.note[-1], "MLflow run r, tag t") if self.note else None

    def set_ledger_note(self, text):
        self._check()
        self.note[:] = [text]
        return "MLflow run r, tag t"

    def metrics(self, run_id):
        self._check()
        return {"rmse": 1.5}

    def set_tags(self, model, version, tags):
        self.tags.setdefault((self.registered(model), version), {}).update(tags)

    def delete_tag(self, model, version, key):
        self._check()
        self.tags.get((self.registered(model), version), {}).pop(key, None)

    def stored_files(self, model, version):
        self._check()
        folder = self._folder(model, version)
        found = [path for path in folder.rglob("*") if path.is_file()]
        return {f"{VERSION}/{path.relative_to(folder).as_posix()}": path.stat().st_size for path in found}

    def copy_out(self, model, version, target):
        self._check()
        shutil.copytree(self._folder(model, version), target / VERSION)
        said = {"run_id": f"run-{model}-{version}", "tags": dict(self.tags.get((self.registered(model), version), {}))}
        return {**said, "tags": {key: value for key, value in said["tags"].items() if key != ARCHIVED}}

    def take_away(self, model, version, copied):
        stored = self.stored_files(model, version)
        assert all(copied.get(name) == size for name, size in stored.items()), "a file that was not copied out"
        for path in self._folder(model, version).iterdir():
            shutil.rmtree(path)
        return sum(stored.values())

    def put_back(self, model, version, root, *, said, mark):
        self._check()
        number = version if self._folder(model, version).is_dir() else self.latest_version(model) + 1
        shutil.copytree(root / VERSION, self._folder(model, number), dirs_exist_ok=True)
        return number

    def cached_bytes(self, digest):
        return 0 if digest in self.forgotten else 7

    def forget(self, digest):
        self.forgotten.append(digest)
        return 7

    def log_reports(self, run_id, folder, *, artifact_path):
        self._check()
        self.logged.append((run_id, artifact_path, sorted(p.name for p in folder.rglob("*") if p.is_file())))
