"""Airflow's configuration for tests that import it."""

import os
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from tests.fakes.specs import declared

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="slipway-airflow-"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
sys.path.insert(0, str(ROOT / "plugins"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one model, in a folder of its own."""
    folder = tmp_path / "include" / "models" / "churn"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(yaml.safe_dump(declared()))
    monkeypatch.setenv("SLIPWAY_ROOT", str(tmp_path))
    monkeypatch.setenv("SLIPWAY_VAR", str(tmp_path / "var"))
