"""The facts of a snapshot are those of its files."""

import pandas as pd
import pytest

from slipway.cards import read_data
from slipway.core.identity import Subject, digest_bytes
from slipway.core.version import VersionFiles
from slipway.errors import ArtifactError
from tests.fakes.specs import DECLARED, a_spec

SIGNATURE = {
    **DECLARED["signature"],
    "inputs": [*DECLARED["signature"]["inputs"], {"name": "plan", "dtype": "string", "categories": ["a", "b"]}],
}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "snapshot").mkdir()
    subject = Subject(model="churn", version=1, artifact_sha256=digest_bytes(b""))
    found = VersionFiles(subject=subject, root=tmp_path, run_id="r")
    frame = pd.DataFrame(
        {
            "tenure": [1.0, 2.0, 77.0, 3.0],
            "spend": [0.5, None, None, 9.0],
            "plan": ["b", "a", None, "a"],
            "left": [0, 1, 0, 0],
        }
    )
    frame.to_parquet(found.train)
    frame.drop(columns="spend").head(2).to_parquet(found.holdout)
    return found


def test_rows_label_ranges_and_gaps_are_told(files):
    facts = read_data(files, a_spec(signature=SIGNATURE))
    assert (facts.train.rows, facts.holdout.rows) == (4, 2)
    assert facts.train.label == "1 of 4 are 1 (25.0%)"
    columns = {name: (column.held, column.missing) for name, column in facts.train.columns.items()}
    assert columns == {"tenure": ("1 to 77", 0), "spend": ("0.5 to 9", 2), "plan": ("a, b", 1)}
    assert "spend" not in facts.holdout.columns
    assert facts.train.sha256 == digest_bytes(files.train.read_bytes())


def test_a_label_of_a_regression_has_a_range(files):
    quality = {"label": "left", "metrics": [{"name": "rmse", "threshold": 1}], "champion_metric": "rmse", "min_rows": 1}
    facts = read_data(files, a_spec(task="regression", quality=quality))
    assert facts.train.label == "0 to 1, mean 0.25, standard deviation 0.433"


def test_a_column_without_any_value_is_told(files):
    pd.DataFrame({"tenure": [None, float("nan")], "left": [0, 1]}, dtype=float).to_parquet(files.train)
    held = read_data(files, a_spec()).train.columns["tenure"]
    assert (held.held, held.missing) == ("no value", 2)


@pytest.mark.parametrize(
    "broken", [lambda path: path.unlink(), lambda path: path.write_bytes(b"rows")], ids=["gone", "no Parquet"]
)
def test_a_file_that_cannot_be_read_is_told(files, broken):
    broken(files.holdout)
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_data(files, a_spec())
