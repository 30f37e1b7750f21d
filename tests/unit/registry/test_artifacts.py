"""What a version's files must be before anything judges them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.errors import ArtifactError
from slipway.registry.artifacts import check_files

MLMODEL = "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.loaders.code_model\n    {extra}\n"


@pytest.fixture
def version(tmp_path):
    """Write a version's files; the MLmodel carries one line more."""

    def write(extra, *files):
        (tmp_path / "snapshot").mkdir()
        pq.write_table(pa.table({"x": [1.0]}), tmp_path / "snapshot" / "holdout.parquet")
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "MLmodel").write_text(MLMODEL.format(extra=extra))
        for name in files:
            (tmp_path / "model" / name).write_text("code")
        return tmp_path

    return write


@pytest.mark.parametrize("noted", ["/elsewhere/when/logged/wrapped.py", "src/wrapped.py", "wrapped.py"])
def test_code_is_looked_for_where_mlflow_copies_it_not_where_it_was_logged_from(version, noted):
    check_files(version(f"model_code_path: {noted}", "wrapped.py"), "churn version 1")


@pytest.mark.parametrize("line", ["model_code_path: /elsewhere/wrapped.py", "model_path: model.skops"])
def test_a_file_that_the_model_names_and_does_not_hold_is_an_error(version, line):
    with pytest.raises(ArtifactError, match="names files that are gone"):
        check_files(version(line, "other.py"), "churn version 1")
