"""All bytes of a version leave a real MLflow registry and come back the same, with its number, or under a new one."""

import shutil

import mlflow
import pytest

from slipway.errors import ArtifactError
from slipway.registry.copies import ARCHIVED
from slipway.registry.mlflow_registry import Registry
from tests.unit.registry.conftest import write_version

MODEL = "a_model"


@pytest.fixture
def reported(store, registry, tmp_path):
    """A version with reports beside it, and another one."""
    version = store.register(value=1.0)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "r.html").write_text("<p>fine</p>")
    registry.log_reports(registry.files(MODEL, version).run_id, tmp_path / "reports", artifact_path="slipway/r1")
    store.register(value=2.0)
    return version


def copied(registry, version, target):
    target.mkdir()
    said = registry.copy_out(MODEL, version, target)
    return said, {p.relative_to(target).as_posix(): p.stat().st_size for p in target.rglob("*") if p.is_file()}


def test_a_version_leaves_and_comes_back_under_its_number_with_its_digest(store, registry, reported, tmp_path):
    before, others = registry.artifact_digest(MODEL, 1), registry.artifact_digest(MODEL, 2)
    registry.set_tags(MODEL, 1, {"kept": "yes", ARCHIVED: "sha256:x"})
    said, sizes = copied(registry, 1, tmp_path / "copy")
    assert sizes == registry.stored_files(MODEL, 1)
    assert {"version/model/MLmodel", "version/snapshot/holdout.parquet", "run/slipway/r1/r.html"} <= set(sizes)
    assert said["tags"] == {"kept": "yes"}
    assert said["metrics"] == {"rmse": 1.5}

    assert registry.take_away(MODEL, 1, sizes) == sum(sizes.values()) > 0
    assert registry.stored_files(MODEL, 1) == {}
    assert not [path for path in store.artifacts_of(1).rglob("*") if path.is_file()]
    assert registry.take_away(MODEL, 1, sizes) == 0, "done again it does nothing"
    with pytest.raises(ArtifactError, match=r"in the archive.*slipway restore a_model --version 1"):
        registry.files(MODEL, 1)
    assert registry.artifact_digest(MODEL, 2) == others
    assert [info.version for info in registry.versions(MODEL)] == [1, 2], "its number names nothing else"

    assert registry.put_back(MODEL, 1, tmp_path / "copy", said=said, mark="1 x") == 1
    registry.delete_tag(MODEL, 1, ARCHIVED)
    assert registry.artifact_digest(MODEL, 1) == registry.files(MODEL, 1).subject.artifact_sha256 == before
    assert registry.stored_files(MODEL, 1) == sizes


def test_a_version_whose_line_was_deleted_is_registered_again_once(store, registry, reported, tmp_path):
    before = registry.artifact_digest(MODEL, 1)
    said, sizes = copied(registry, 1, tmp_path / "copy")
    registry.take_away(MODEL, 1, sizes)
    store.client.delete_model_version(MODEL, "1")
    first = registry.put_back(MODEL, 1, tmp_path / "copy", said=said, mark="1 x")
    assert first not in (1, 2)
    assert registry.put_back(MODEL, 1, tmp_path / "copy", said=said, mark="1 x") == first, "done already is fine"
    assert registry.artifact_digest(MODEL, first) == before
    assert registry.metrics(registry.files(MODEL, first).run_id) == {"rmse": 1.5}


def test_a_file_that_was_not_copied_out_keeps_everything(store, registry, reported, tmp_path):
    _, sizes = copied(registry, 1, tmp_path / "copy")
    (store.artifacts_of(1) / "slipway" / "r1" / "late.html").write_text("later")
    with pytest.raises(ArtifactError, match=r"late\.html"):
        registry.take_away(MODEL, 1, sizes)
    assert set(registry.stored_files(MODEL, 1)) == {*sizes, "run/slipway/r1/late.html"}


def test_a_run_that_another_model_comes_from_is_left_alone(store, registry, reported):
    found = store.client.get_model_version(MODEL, "1")
    store.client.create_registered_model("another")
    store.client.create_model_version("another", found.source, found.run_id)
    with pytest.raises(ArtifactError, match="shares its run with another version 1"):
        registry.stored_files(MODEL, 1)


def test_files_that_lie_outside_the_run_are_nobodys_to_delete(store, registry, reported, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(store.artifacts_of(1) / "model", elsewhere)
    run = store.client.create_run(store.experiment)
    number = store.client.create_model_version(MODEL, elsewhere.as_uri(), run.info.run_id).version
    with pytest.raises(ArtifactError, match="not its run's own place"):
        registry.take_away(MODEL, int(number), {})
    assert (elsewhere / "MLmodel").is_file()


def test_a_cached_copy_is_forgotten_and_fetched_again(store, registry):
    store.register()
    files = registry.files(MODEL, 1)
    digest = files.subject.artifact_sha256
    assert registry.cached_bytes(digest) > 0
    assert registry.forget(digest) > 0
    assert registry.cached_bytes(digest) == registry.forget(digest) == 0
    assert registry.files(MODEL, 1).subject.artifact_sha256 == digest


def register_logged(store, tmp_path, name=MODEL):
    """Register a version as ``mlflow.<flavor>.log_model`` does: the model lies in a place of its own."""
    made = write_version(tmp_path / "made")
    run = store.client.create_run(store.experiment)
    run_id = run.info.run_id
    logged = store.client.create_logged_model(store.experiment, name="model", source_run_id=run_id)
    store.client.log_model_artifacts(logged.model_id, str(made / "model"))
    store.client.finalize_logged_model(logged.model_id, "READY")
    for part in ("snapshot", "reference"):
        store.client.log_artifacts(run_id, str(made / part), part)
    store.client.create_registered_model(name)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store.uri)  # MLflow looks the logged model up in its process-wide store
    try:
        found = store.client.create_model_version(name, f"models:/{logged.model_id}", run_id, model_id=logged.model_id)
    finally:
        mlflow.set_tracking_uri(before)
    return int(found.version)


def leaves_and_comes_back(registry, name, version, folder):
    before, stored = registry.artifact_digest(name, version), registry.stored_files(name, version)
    assert {"version/model/MLmodel", "version/snapshot/holdout.parquet", "version/reference/parameters.json"} <= set(
        stored
    )
    folder.mkdir()
    said = registry.copy_out(name, version, folder)
    assert registry.take_away(name, version, stored) == sum(stored.values())
    assert registry.stored_files(name, version) == {}
    assert registry.put_back(name, version, folder, said=said, mark="x") == version
    assert registry.artifact_digest(name, version) == before
    assert registry.stored_files(name, version) == stored


def test_a_model_that_mlflow_logged_in_a_place_of_its_own_leaves_and_comes_back(store, registry, tmp_path):
    leaves_and_comes_back(registry, MODEL, register_logged(store, tmp_path), tmp_path / "copy")


@pytest.mark.slow
def test_a_version_leaves_and_comes_back_through_a_tracking_server(server, open_store, tmp_path):
    registry = Registry(server, cache=tmp_path / "cache")
    version = register_logged(open_store(server, tmp_path), tmp_path, "served")
    leaves_and_comes_back(registry, "served", version, tmp_path / "copy")
