"""The project's own DAG files, parsed once as Airflow's dag-processor would."""

import pytest

from tests.airflow_home import ROOT, prepare

prepare()


@pytest.fixture(scope="session")
def bag():
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(str(ROOT / "dags"))
