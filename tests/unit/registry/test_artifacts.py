from __future__ import annotations

import pytest

from slipway.errors import ArtifactError
from slipway.registry.artifacts import check_files, digest_folder


def test_only_paths_and_contents_of_the_three_parts_count(tmp_path):
    for part in ("model", "snapshot", "reference"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "file").write_text(part)
    before = digest_folder(tmp_path)
    (tmp_path / "elsewhere").write_text("not part of it")
    (tmp_path / "model" / "registered_model_meta").write_text("added on download")
    (tmp_path / "model" / "file").chmod(0o444)
    assert digest_folder(tmp_path) == before
    (tmp_path / "model" / "file").rename(tmp_path / "model" / "renamed")
    assert digest_folder(tmp_path) != before


def test_a_model_that_mlflow_cannot_serve_is_refused(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {sklearn: {}}")
    (tmp_path / "snapshot" / "holdout.parquet").touch()
    with pytest.raises(ArtifactError, match="no python_function flavor"):
        check_files(tmp_path, "a model")
