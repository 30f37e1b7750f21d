"""Fixtures of a run: a service that answers, and a job from one folder to another."""

import pytest

from slipway.scoring import Job
from slipway.scoring.parquet_sink import ParquetSink
from slipway.scoring.parquet_source import ParquetSource
from tests.unit.scoring.fakes import SIGNATURE, STAMP, FakeService


@pytest.fixture
def service():
    made = FakeService()
    yield made
    made.close()


@pytest.fixture
def job(tmp_path, service):
    """A run from tmp_path/in to tmp_path/out; what is set aside goes to tmp_path/aside."""

    def make(**changes):
        given = {
            "source": ParquetSource(tmp_path / "in", time_column="day"),
            "sink": ParquetSink(tmp_path / "out"),
            "quarantine": ParquetSink(tmp_path / "aside"),
            "url": service.url,
            "signature": SIGNATURE,
            "keys": ("customer", "day"),
            "stamp": STAMP,
        }
        return Job(**{**given, **changes})

    return make
