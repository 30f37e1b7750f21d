"""A registry in memory and on disk, with the interface of slipway.registry.Registry."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from slipway.core.identity import Subject, digest_bytes, digest_tree, parse_model_name
from slipway.core.version import VersionFiles
from slipway.errors import RegistryUnreachable, VersionNotFound
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
        digest = self.artifact_digest(model, version)
        subject = Subject(model=model, version=version, artifact_sha256=digest)
        return VersionFiles(subject=subject, root=folder, run_id=f"run-{model}-{version}")

    def artifact_digest(self, model, version):
        self._check()
        folder = self._folder(model, version)
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
            VersionInfo(version=v, run_id="run", created_at=now, aliases=named[v], tags={}, description="")
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

    def set_tags(self, model, version, tags):
        self.tags.setdefault((self.registered(model), version), {}).update(tags)

    def log_reports(self, run_id, folder, *, artifact_path):
        self._check()
        self.logged.append((run_id, artifact_path, sorted(p.name for p in folder.rglob("*") if p.is_file())))
