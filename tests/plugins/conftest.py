"""A project of one model, for tests of what Airflow runs."""

import pytest
import yaml

from tests.airflow_home import prepare
from tests.fakes.specs import declared

prepare()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one model, in a folder of its own."""
    folder = tmp_path / "include" / "models" / "churn"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(yaml.safe_dump(declared()))
    monkeypatch.setenv("SLIPWAY_ROOT", str(tmp_path))
    monkeypatch.setenv("SLIPWAY_VAR", str(tmp_path / "var"))
