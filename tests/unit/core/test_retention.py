"""Nothing protected is ever removed, whatever versions, declaration and time are drawn; and what should go does go."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.core.governance_spec import RetentionSpec
from slipway.core.retention import Action, Stage, VersionState, decide, next_removal

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STANDS = st.sampled_from(["is champion", "has the alias challenger", "serves as shadow", "is in release r1"])
MOMENTS = st.integers(-4000, 1500).map(lambda days: NOW + timedelta(days=days))


def a_state(version, *, days=1000, **changes):
    made = {"version": version, "created_at": NOW - timedelta(days=days), "run_id": f"run-{version}"}
    return VersionState(**{**made, **changes})


STATES = st.builds(
    VersionState,
    version=st.integers(1, 20),
    created_at=st.one_of(MOMENTS, MOMENTS, MOMENTS, st.none(), MOMENTS.map(lambda moment: moment.replace(tzinfo=None))),
    run_id=st.integers(0, 60).map(lambda n: f"run-{n}" if n else ""),
    stands=st.sampled_from([(), (), (), ("is champion",), ("serves as shadow", "is in release r1")]),
    unknown=st.sampled_from(["", "", "", "the registry does not answer"]),
    stage=st.sampled_from(Stage),
    restored_at=st.none() | MOMENTS,
)
LISTS = st.lists(STATES, max_size=12)
DRAWN = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SPECS = st.builds(
    RetentionSpec,
    keep_versions=st.integers(2, 6),
    keep_days=st.integers(1, 4000),
    legal_hold=st.lists(st.integers(1, 12), max_size=3).map(tuple),
)
HELD = st.dictionaries(st.integers(1, 12), st.just("case 7 (eve)"), max_size=3)


@DRAWN
@given(LISTS, SPECS, HELD, MOMENTS)
def test_what_stands_somewhere_is_held_or_is_not_known_is_never_removed(found, spec, held, at):
    decisions = decide(found, spec, held=held, at=at)
    assert [d.version for d in decisions] == [s.version for s in found]
    for state, decision in zip(found, decisions, strict=True):
        assert decision.reason
        if decision.action is Action.REMOVE:
            assert not state.stands
            assert not state.unknown
            assert state.version not in spec.legal_hold
            assert state.version not in held
            assert state.run_id
            assert state.created_at.tzinfo is not None
            assert [s.version for s in found].count(state.version) == 1
            assert [s.run_id for s in found].count(state.run_id) == 1
            assert state.stage is not Stage.REMOVED


@DRAWN
@given(LISTS, SPECS, HELD, MOMENTS)
def test_a_removal_is_begun_only_of_what_is_old_and_has_enough_newer_versions(found, spec, held, at):
    present = {s.version for s in found if s.stage is Stage.PRESENT}
    for state, decision in zip(found, decide(found, spec, held=held, at=at), strict=True):
        if decision.action is Action.REMOVE and state.stage is Stage.PRESENT:
            assert at - state.created_at >= timedelta(days=spec.keep_days)
            assert state.restored_at is None or at - state.restored_at >= timedelta(days=spec.keep_days)
            assert sum(version > state.version for version in present) >= spec.keep_versions


@DRAWN
@given(LISTS, SPECS, HELD, MOMENTS, st.integers(0, 7), STANDS)
def test_one_more_reason_to_stay_never_makes_anything_else_go(found, spec, held, at, which, stands):
    if not found:
        return
    before = decide(found, spec, held=held, at=at)
    changed = list(found)
    one = found[which % len(found)]
    changed[which % len(found)] = replace(one, stands=(*one.stands, stands))
    after = decide(changed, spec, held=held, at=at)
    for old, new in zip(before, after, strict=True):
        assert not (new.action is Action.REMOVE and old.action is not Action.REMOVE)


@DRAWN
@given(
    LISTS.filter(lambda found: len({s.version for s in found}) == len(found) == len({s.run_id for s in found})),
    SPECS,
    HELD,
)
def test_the_next_removal_is_when_the_first_version_goes(found, spec, held):
    def goes(at):
        return [d.version for d in decide(found, spec, held=held, at=at) if d.action is Action.REMOVE]

    begun = {s.version for s in found if s.stage is Stage.ARCHIVED}
    due = next_removal(found, spec, held=held)
    if due is None:
        assert goes(NOW + timedelta(days=100_000)) == []
        return
    at, version = due
    assert version in goes(at)
    assert set(goes(at - timedelta(microseconds=1))) <= begun


def removed(found, *, held=None, at=NOW, **spec):
    declared = RetentionSpec(**{"keep_versions": 2, "keep_days": 30, **spec})
    return [d.version for d in decide(found, declared, held=held or {}, at=at) if d.action is Action.REMOVE]


def test_old_versions_beyond_the_newest_go():
    assert removed([a_state(n) for n in range(1, 6)]) == [1, 2, 3]


STAYS = {
    "among the newest": ([a_state(1), a_state(2)], {}),
    "one second too young": ([a_state(1, days=30 - 1 / 86400), a_state(2), a_state(3)], {}),
    "from the future": ([a_state(1, days=-1), a_state(2), a_state(3)], {}),
    "declared on hold": ([a_state(1), a_state(2), a_state(3)], {"legal_hold": (1,)}),
    "held by a command": ([a_state(1), a_state(2), a_state(3)], {"held": {1: "case 7"}}),
    "restored lately": ([a_state(1, restored_at=NOW), a_state(2), a_state(3)], {}),
    "its files in another's run": ([a_state(1, run_id="run-3"), a_state(2), a_state(3)], {}),
    "of no run": ([a_state(1, run_id=""), a_state(2), a_state(3)], {}),
    "archived, and champion again": (
        [a_state(1, stage=Stage.ARCHIVED, stands=("is champion",)), a_state(2), a_state(3)],
        {},
    ),
}


@pytest.mark.parametrize(("found", "more"), STAYS.values(), ids=STAYS)
def test_a_version_stays_that_is(found, more):
    assert removed(found, **more) == []


def test_a_version_as_old_as_declared_goes():
    assert removed([a_state(1, days=30), a_state(2), a_state(3)]) == [1]


def test_a_removal_that_was_begun_is_finished_although_more_is_kept_now():
    assert removed([a_state(1, stage=Stage.ARCHIVED), a_state(2), a_state(3)], keep_versions=9) == [1]


def test_what_is_in_the_archive_is_gone_and_does_not_count_as_newest():
    found = [a_state(1), a_state(2), a_state(3), a_state(4, stage=Stage.REMOVED)]
    actions = [d.action for d in decide(found, RetentionSpec(keep_versions=2, keep_days=30), held={}, at=NOW)]
    assert actions == [Action.REMOVE, Action.KEEP, Action.KEEP, Action.GONE]
