"""Which version is released next by itself: each once, in order, and none that had its release."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.new_version import PATIENCE_S, Releases, Seen, next_version, released_before

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    kind: str
    version: int | None
    release: str
    at: datetime = NOW

    @property
    def payload(self):
        return {"release": self.release}


def begun(version, release="", at=NOW):
    return Entry("release_started", version, release or f"r{version}", at)


def ended(version, release="", at=NOW):
    return Entry("release_ended", version, release or f"r{version}", at)


def known(*entries, now=NOW):
    return Releases.of(entries, now=now)


FIRST = {"nothing is registered": ([], 0), "one version": ([1], 0), "many": ([1, 2, 7], 6)}


@pytest.mark.parametrize(("versions", "after"), FIRST.values(), ids=FIRST)
def test_the_first_look_takes_the_newest_version_alone_as_new(versions, after):
    assert Seen.first(versions).after == after


OFFERS = {
    "a new version": ([1, 2], Seen(after=1), (), 2),
    "nothing new": ([1, 2], Seen(after=2), (), None),
    "several at once, the first of them": ([1, 2, 3, 4], Seen(after=1), (), 2),
    "the next, once the ledger knows the one before": ([2, 3], Seen(after=1, offered=2), (begun(2),), 3),
    "not the next before that": ([2, 3], Seen(after=1, offered=2, offered_at=NOW.timestamp()), (), None),
    "not one that was begun": ([2], Seen(after=1), (begun(2),), None),
    "not one that was released by a person": ([2], Seen(after=1), (begun(2, "manual__1"), ended(2, "manual__1")), None),
    "not one that crashed before it could begin": ([2], Seen(after=1), (ended(2),), None),
    "not one that was deleted after it was offered": ([3], Seen(after=1, offered=2), (), 3),
}


@pytest.mark.parametrize(("versions", "seen", "entries", "offered"), OFFERS.values(), ids=OFFERS)
def test_what_is_offered(versions, seen, entries, offered):
    assert next_version(versions, seen, known(*entries), now=NOW.timestamp()) == offered


LOST = {
    "it is made again when it came to nothing": ((), PATIENCE_S + 1, 2),
    "not at once": ((), PATIENCE_S - 1, None),
    "not while it waits behind a release": ((begun(1),), PATIENCE_S + 1, None),
    "not right after that release has ended": (
        (begun(1), ended(1, at=NOW + timedelta(seconds=PATIENCE_S))),
        PATIENCE_S + 1,
        None,
    ),
    "though a release of last week never ended": ((begun(1, at=NOW - timedelta(days=7)),), PATIENCE_S + 1, 2),
}


@pytest.mark.parametrize(("entries", "later", "offered"), LOST.values(), ids=LOST)
def test_an_offer_whose_run_was_lost(entries, later, offered):
    seen = Seen(after=0, offered=2, offered_at=NOW.timestamp())
    settled = {1} if not entries else set()
    releases = known(*entries, now=NOW + timedelta(seconds=later))
    versions = [v for v in (1, 2) if v not in settled]
    assert next_version(versions, seen, releases, now=NOW.timestamp() + later) == offered


def test_a_release_that_went_on_after_its_end_is_under_way_again():
    assert known(begun(1), ended(1)).under_way is False
    assert known(begun(1), ended(1), begun(1)).under_way is True


def test_what_is_remembered_survives_a_restart_as_json():
    seen = Seen(after=3).with_offer(4, now=12.5)
    assert Seen.from_json(seen.to_json()) == seen


REPEATS = {
    "the first release of a version": ((), False),
    "its own beginning": ((begun(2, "mine"),), False),
    "another release that began": ((begun(2, "other"),), True),
    "another that ended before it began": ((ended(2, "other"),), True),
    "one of another version": ((begun(3, "other"),), False),
}


@pytest.mark.parametrize(("entries", "repeat"), REPEATS.values(), ids=REPEATS)
def test_a_version_had_its_release_before(entries, repeat):
    assert released_before(entries, version=2, release="mine") is repeat
