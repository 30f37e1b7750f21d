"""Which interval a run of scoring is about, and which day a night."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from slipway.errors import SpecError
from slipway_airflow.operators.interval import day_of, interval_of


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


SCHEDULED = {"data_interval_start": at("2026-03-01"), "data_interval_end": at("2026-03-02")}
MANUAL = {"data_interval_start": at("2026-03-05T10:00"), "data_interval_end": at("2026-03-05T10:00")}
FORM = {"start": "2026-02-01", "end": "2026-02-03T06:00:00+00:00"}

CASES = {
    "the schedule's own": (SCHEDULED, {}, ("2026-03-01", "2026-03-02")),
    "the form's before the schedule's": (SCHEDULED, FORM, ("2026-02-01", "2026-02-03T06:00")),
    "an empty form is none": (SCHEDULED, {"start": None, "end": ""}, ("2026-03-01", "2026-03-02")),
    "an offset is heeded": (
        MANUAL,
        {"start": "2026-02-01T01:00+01:00", "end": "2026-02-02"},
        ("2026-02-01", "2026-02-02"),
    ),
}


@pytest.mark.parametrize(("context", "form", "wanted"), CASES.values(), ids=CASES)
def test_an_interval_is(context, form, wanted):
    found = interval_of(context, form)
    assert (found.start, found.end) == tuple(at(end) for end in wanted)


NONE = {
    "one end alone": (SCHEDULED, {"start": "2026-02-01"}, "one end"),
    "no time": (SCHEDULED, {"start": "yesterday", "end": "2026-02-01"}, "no time"),
    "backwards": (SCHEDULED, {"start": "2026-02-02", "end": "2026-02-01"}, "no interval"),
    "a manual run without a schedule": (MANUAL, {}, "no interval"),
    "a run without any interval": ({}, {}, "no interval"),
}


@pytest.mark.parametrize(("context", "form", "says"), NONE.values(), ids=NONE)
def test_there_is_no_interval_in(context, form, says):
    with pytest.raises(SpecError, match=says):
        interval_of(context, form)


def test_a_night_judges_the_day_before_it():
    night = {"logical_date": at("2026-03-02T03:00"), "dag_run": SimpleNamespace(run_after=at("2026-03-09"))}
    found = day_of(night, {})
    assert (found.start, found.end) == (at("2026-03-01"), at("2026-03-02"))


def test_a_night_by_hand_judges_the_last_whole_day_or_the_one_that_is_named():
    by_hand = {"logical_date": None, "dag_run": SimpleNamespace(run_after=at("2026-03-09T12:34"))}
    assert day_of(by_hand, {}).start == at("2026-03-08")
    assert day_of(by_hand, FORM).start == at("2026-02-01")
