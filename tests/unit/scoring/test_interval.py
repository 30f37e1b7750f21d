"""Half-open stretches of time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from slipway.errors import SpecError
from slipway.scoring import Interval
from tests.unit.scoring.fakes import DAY, at

BERLIN = timezone(timedelta(hours=1))


def test_an_interval_is_kept_in_utc():
    local = Interval(datetime(2026, 3, 1, 1, tzinfo=BERLIN), datetime(2026, 3, 2, 1, tzinfo=BERLIN))
    assert local == DAY
    assert local.start.tzinfo is UTC


@pytest.mark.parametrize("slug", [DAY.slug, Interval(at(0.0001), at(5)).slug])
def test_a_folders_name_is_read_back(slug):
    found = Interval.from_slug(slug)
    assert found is not None
    assert found.slug == slug


def test_another_folder_is_no_interval():
    assert Interval.from_slug("_lock") is None


def test_an_interval_survives_the_way_through_json():
    assert Interval.from_json(DAY.to_json()) == DAY


OTHERS = {
    "the same": (at(0), at(24), True),
    "the next day": (at(24), at(48), False),
    "the day before": (at(-24), at(0), False),
    "an hour of it": (at(3), at(4), True),
    "around it": (at(-1), at(25), True),
    "its last moment": (at(23.9), at(30), True),
}


@pytest.mark.parametrize(("start", "end", "expected"), OTHERS.values(), ids=OTHERS.keys())
def test_two_intervals_overlap_if_they_share_a_moment(start, end, expected):
    assert DAY.overlaps(Interval(start, end)) is expected
    assert Interval(start, end).overlaps(DAY) is expected


WRONG = {
    "without a zone": (datetime(2026, 3, 1), datetime(2026, 3, 2)),
    "empty": (at(1), at(1)),
    "backwards": (at(2), at(1)),
}


@pytest.mark.parametrize(("start", "end"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_interval_is_refused(start, end):
    with pytest.raises(SpecError):
        Interval(start, end)
