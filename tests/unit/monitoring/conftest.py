"""Results of a made-up model, one number at a time, and a store to keep them in."""

from datetime import UTC, date, datetime, timedelta

import pytest

from slipway.core.verdict import Bound, Measurement
from slipway.monitoring.store import MonitoringStore
from slipway.monitoring.values import CheckResult

FIRST = date(2026, 3, 1)


class Clock:
    """A clock that moves when it is told to, and a little each time it is read."""

    def __init__(self):
        self.now = datetime(2026, 3, 1, 3, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(microseconds=1)
        return self.now

    def forward(self, **by):
        self.now += timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/monitoring.db"


@pytest.fixture
def store(url, clock):
    return MonitoringStore(url, clock=clock)


@pytest.fixture
def on():
    """A day by its number, from 1."""
    return lambda number: FIRST + timedelta(days=number - 1)


@pytest.fixture
def number():
    def made(name, value, **changes):
        given = {"threshold": 0.1, "bound": Bound.MAX, "n": 1000, **changes}
        return Measurement(name=name, value=value, **given)

    return made


@pytest.fixture
def result(on, number):
    """A check's result: columns and their values; 0.1 is allowed."""

    def made(day, values, *, check="drift", version=1, **changes):
        measurements = tuple(number(f"{check}.{column}", value) for column, value in values.items())
        given = {"model": "churn", "version": version, "day": on(day), "check": check, "measurements": measurements}
        return CheckResult(**{**given, **changes})

    return made
