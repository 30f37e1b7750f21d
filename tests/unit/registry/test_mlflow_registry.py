from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from slipway.errors import ArtifactError, IdentityError, RegistryUnreachable, StorageError, VersionNotFound
from slipway.registry.mlflow_registry import Registry

MODEL = "a_model"


def test_a_version_is_downloaded_digested_and_read_only(store, registry):
    version = store.register(value=7.0)
    files = registry.files(MODEL, version)
    assert files.subject.model == MODEL
    assert files.subject.version == version == 1
    assert files.root.name == files.subject.artifact_sha256.removeprefix("sha256:")
    assert json.loads((files.reference / "parameters.json").read_text()) == {"x": 7.0}
    assert files.run_id == store.client.get_model_version(MODEL, "1").run_id
    for path in (files.model / "MLmodel", files.holdout, files.train):
        assert path.is_file()
        assert not path.stat().st_mode & 0o222


def test_two_registries_give_one_version_the_same_digest_and_other_bytes_another(store, tmp_path):
    one, other = store.register(value=1.0), store.register(value=2.0)
    digests = [
        Registry(store.uri, cache=tmp_path / cache).files(MODEL, version).subject.artifact_sha256
        for cache, version in (("a", one), ("b", one), ("a", other))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_artifact_digest_is_of_what_the_registry_holds_now(store, registry):
    version = store.register()
    before = registry.files(MODEL, version).subject.artifact_sha256
    assert registry.artifact_digest(MODEL, version) == before
    (store.artifacts_of(version) / "reference" / "parameters.json").write_text('{"x": 666}')
    assert registry.artifact_digest(MODEL, version) != before
    assert registry.files(MODEL, version).subject.artifact_sha256 == before, "the cached copy is still what it was"


def test_reports_stored_with_the_run_do_not_change_the_digest(store, registry, tmp_path):
    files = registry.files(MODEL, store.register())
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "report.html").write_text("<p>fine</p>")
    registry.log_reports(files.run_id, tmp_path / "reports", artifact_path="slipway/r1/evaluate")
    stored = store.artifacts_of(1) / "slipway" / "r1" / "evaluate" / "report.html"
    assert stored.read_text() == "<p>fine</p>"
    assert registry.artifact_digest(MODEL, 1) == files.subject.artifact_sha256


@pytest.mark.parametrize("path", ["model", "snapshot/reports", "/reference/x", "", "../model"])
def test_reports_are_not_stored_among_the_bytes_that_they_judge(store, registry, tmp_path, path):
    files = registry.files(MODEL, store.register())
    with pytest.raises(ArtifactError, match="may not be stored"):
        registry.log_reports(files.run_id, tmp_path, artifact_path=path)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("model/MLmodel", "no model/MLmodel.*log_model"),
        ("snapshot/holdout.parquet", "no snapshot/holdout.*log the held"),
    ],
    ids=["model", "holdout"],
)
def test_a_version_that_lacks_a_part_says_what_to_log(store, registry, missing, says):
    version = store.register(without=(missing,))
    with pytest.raises(ArtifactError, match=says):
        registry.files(MODEL, version)


def test_a_version_without_reference_parameters_is_whole(store, registry):
    files = registry.files(MODEL, store.register(without=("reference/parameters.json",)))
    assert list(files.reference.iterdir()) == []


def _cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


DAMAGE = {
    "half_a_parquet_file": ("snapshot/holdout.parquet", _cut),
    "a_flipped_byte_in_the_model": ("model/model.zip", _flip),
    "mlmodel_is_not_yaml": ("model/MLmodel", lambda path: path.write_text("{[")),
    "mlmodel_without_flavors": ("model/MLmodel", lambda path: path.write_text("signature: null\n")),
    "model_file_is_gone": ("model/model.zip", lambda path: path.unlink()),
}


@pytest.mark.parametrize(("name", "damage"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_version_is_refused(store, registry, tmp_path, name, damage):
    version = store.register()
    damage(store.artifacts_of(version) / name)
    with pytest.raises(ArtifactError):
        registry.files(MODEL, version)
    assert not [path for path in (tmp_path / "cache").iterdir() if path.name != "index"], "nothing is left behind"


FULL = {
    "for the folder to download to": "tempfile.mkdtemp",
    "for a part of the version": "slipway.registry.download._download_folder",
}


@pytest.mark.parametrize("where", FULL.values(), ids=FULL)
def test_a_disk_without_room_is_said_to_be_full_and_not_the_registrys_fault(store, registry, monkeypatch, where):
    version = store.register()

    def full(*_given, **_named):
        raise OSError(errno.ENOSPC, "No space left on device", "/srv/cache/model.zip")

    monkeypatch.setattr(where, full)
    with pytest.raises(StorageError, match="No space left on device") as error:
        registry.files(MODEL, version)
    assert "free disk space" in error.value.remedy


def test_a_version_whose_artifacts_were_deleted_is_refused(store, registry):
    version = store.register()
    shutil.rmtree(store.artifacts_of(version))
    with pytest.raises(ArtifactError):
        registry.files(MODEL, version)


def test_a_damaged_cached_copy_is_downloaded_again(store, registry):
    files = registry.files(MODEL, store.register())
    parameters = files.reference / "parameters.json"
    parameters.chmod(0o644)
    parameters.write_text("{}")
    again = registry.files(MODEL, 1)
    assert again == files
    assert parameters.read_text() == '{"x": 1.0}'


def test_a_number_that_was_given_out_again_is_another_version(store, registry):
    first = registry.files(MODEL, store.register(value=1.0))
    store.client.delete_model_version(MODEL, "1")
    store.client.delete_registered_model(MODEL)
    second = registry.files(MODEL, store.register(value=2.0))
    assert second.subject.version == first.subject.version == 1
    assert second.subject.artifact_sha256 != first.subject.artifact_sha256


def test_versions_come_oldest_first_with_aliases_and_tags(store, registry):
    before = datetime.now(UTC) - timedelta(minutes=1)
    store.register(), store.register(value=2.0)
    registry.set_alias(MODEL, "champion", 2)
    registry.set_alias(MODEL, "best", 2)
    registry.set_tags(MODEL, 1, {"note": "first", "seed": "0"})
    first, second = registry.versions(MODEL)
    assert (first.version, second.version) == (1, 2)
    assert (first.aliases, second.aliases) == ((), ("best", "champion"))
    assert first.tags == {"note": "first", "seed": "0"}
    assert before < first.created_at <= second.created_at
    assert registry.latest_version(MODEL) == 2
    assert registry.models() == [MODEL]


def test_an_alias_moves_and_goes_and_may_be_told_twice(store, registry):
    store.register(), store.register(value=2.0)
    assert registry.alias(MODEL, "champion") is None
    for version in (1, 2, 2):
        registry.set_alias(MODEL, "champion", version)
    assert registry.alias(MODEL, "champion") == 2
    registry.delete_alias(MODEL, "champion")
    registry.delete_alias(MODEL, "champion")
    assert registry.alias(MODEL, "champion") is None
    assert registry.alias("nobody_registered_this", "champion") is None


def test_the_metrics_of_a_run_are_read(store, registry):
    assert registry.metrics(registry.files(MODEL, store.register()).run_id) == {"rmse": 1.5}


MISSING = {
    "files": lambda registry: registry.files("absent", 1),
    "a_version": lambda registry: registry.files(MODEL, 99),
    "digest": lambda registry: registry.artifact_digest(MODEL, 99),
    "versions": lambda registry: registry.versions("absent"),
    "latest": lambda registry: registry.latest_version("absent"),
    "alias_of_no_version": lambda registry: registry.set_alias(MODEL, "champion", 99),
    "a_run": lambda registry: registry.metrics("0" * 32),
}


@pytest.mark.parametrize("call", MISSING.values(), ids=MISSING)
def test_what_is_not_registered_is_not_found(store, registry, call):
    store.register()
    with pytest.raises(VersionNotFound):
        call(registry)


def test_a_model_without_versions_has_no_latest_one(store, registry):
    store.client.create_registered_model("empty_model")
    with pytest.raises(VersionNotFound, match="no version"):
        registry.latest_version("empty_model")


def test_a_name_that_would_break_out_of_a_query_is_refused(store, registry):
    with pytest.raises(IdentityError):
        registry.versions("a' OR name LIKE '%")


def test_the_environment_is_as_before_after_a_call(store, registry):
    before = dict(os.environ)
    registry.check()
    assert dict(os.environ) == before


def test_a_mistyped_database_is_unreachable_and_is_not_created(tmp_path):
    with pytest.raises(RegistryUnreachable, match="no registry database"):
        Registry(f"sqlite:///{tmp_path}/typo.db", cache=tmp_path / "cache").models()
    assert not (tmp_path / "typo.db").exists()


def test_a_server_that_is_down_is_unreachable(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(RegistryUnreachable, match="does not answer"):
        Registry(address, cache=tmp_path).check()


def test_a_server_that_accepts_and_says_nothing_is_unreachable(tmp_path):
    accepted = []

    def accept() -> None:
        while True:
            try:
                accepted.append(silent.accept())
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=accept, daemon=True).start()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RegistryUnreachable, match="does not answer"):
            Registry(address, cache=tmp_path, timeout_s=1).check()
    for connection, _ in accepted:
        connection.close()
    assert 1 <= len(accepted) <= 5, "it was asked, and not for ever"
