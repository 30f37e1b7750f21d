"""The same adapter against a tracking server that hands out the artifacts itself."""

from __future__ import annotations

import pytest

from slipway.errors import ArtifactError, VersionNotFound
from slipway.registry.mlflow_registry import Registry


def test_a_version_behind_a_server_is_read_marked_and_reported_on(server, open_store, tmp_path):
    store = open_store(server, tmp_path)
    registry = Registry(server, cache=tmp_path / "cache")
    registry.check()
    version = store.register("remote_model", value=3.0)
    files = registry.files("remote_model", version)
    assert registry.artifact_digest("remote_model", version) == files.subject.artifact_sha256
    registry.set_alias("remote_model", "champion", version)
    assert registry.alias("remote_model", "champion") == version
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "a.html").write_text("x")
    registry.log_reports(files.run_id, tmp_path / "reports", artifact_path="slipway/r1")
    assert registry.artifact_digest("remote_model", version) == files.subject.artifact_sha256
    lacking = store.register("remote_model", without=("snapshot/holdout.parquet", "snapshot/train.parquet"))
    with pytest.raises(ArtifactError, match="no snapshot/holdout"):
        registry.files("remote_model", lacking)
    with pytest.raises(VersionNotFound):
        registry.files("remote_model", 99)
