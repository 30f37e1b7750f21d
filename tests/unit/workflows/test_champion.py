"""The champion that a gate compares with: its own image, beside the candidate, and never in the way of a verdict."""

import pytest

from slipway.core.identity import digest_bytes
from slipway.core.service import RuntimeName
from slipway.workflows.approve import record_decision
from slipway.workflows.candidate import PROFILE, of_release
from slipway.workflows.champion import NO_CHAMPION, champion_beside
from slipway.workflows.deploy import deploy
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from tests.unit.deploy.fakes import Behaviour

IMAGE = digest_bytes(b"the champion's image")
NAME = "slipway-churn-v2-profile-champion"


@pytest.fixture
def candidate(bench):
    bench.registry.add("churn", 2, b"model 2")
    return bench.registry.files("churn", 2).subject


@pytest.fixture
def served(bench, gateway, complete):
    """Version 1 serves."""
    release = Release(id="r1", model="churn", version=1, requester="ada")
    complete(version=1, release_id=release.id, image=IMAGE)
    record_decision(bench, release, approved=True, by="bob")
    promote(bench, release)
    deploy(bench, release)


def beside(bench, candidate, **more):
    return champion_beside(bench, bench.spec("churn"), candidate, role=PROFILE, **more)


def names(bench):
    return sorted(handle.name for handle in bench.runtime.list())


def test_the_champions_image_runs_beside_and_is_gone_after(bench, served, candidate):
    before = names(bench)
    with beside(bench, candidate, env={"A": "1"}) as champion:
        assert champion.handle.image_digest == IMAGE
        assert names(bench) == sorted([*before, NAME])
        spec = bench.runtime.specs[champion.handle.id]
        assert (spec.subject.version, spec.env, spec.prediction_log) == (1, {"A": "1"}, None)
    assert names(bench) == before


def test_a_gate_that_fails_leaves_no_champion_behind(bench, served, candidate):
    before = names(bench)
    with pytest.raises(ZeroDivisionError), beside(bench, candidate):
        raise ZeroDivisionError
    assert names(bench) == before


def test_what_a_killed_worker_left_belongs_to_the_release_of_the_candidate():
    assert of_release(NAME, "churn", 2)
    assert not of_release(NAME, "churn", 1)
    assert not of_release("slipway-churn-v2", "churn", 2)


def test_without_a_champion_there_is_nothing_to_compare_with(bench, candidate):
    with beside(bench, candidate) as champion:
        assert (champion.handle, champion.absent) == (None, NO_CHAMPION)


def test_a_champion_is_not_compared_with_itself(bench, served):
    with beside(bench, bench.registry.files("churn", 1).subject) as champion:
        assert (champion.handle, champion.absent) == (None, NO_CHAMPION)


def changed(bench):
    bench.changed.add(IMAGE)


def dead(bench):
    bench.runtime.behaviours[1] = Behaviour(starts=False)


def late(bench):
    bench.runtime.behaviours[1] = Behaviour(becomes_ready=False)


def elsewhere(bench):
    bench.runtime.name = RuntimeName.PROCESS


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(changed, "was changed"), (dead, ""), (late, "not ready"), (elsewhere, "for the runtime docker")],
    ids=["was changed", "dies at once", "is late", "is of another runtime"],
)
def test_no_gate_stops_for_a_champion_that(bench, served, candidate, spoil, why):
    before = names(bench)
    spoil(bench)
    with beside(bench, candidate) as champion:
        assert champion.handle is None
        assert champion.absent.startswith("The champion, version 1, cannot be started beside: ")
        assert why in champion.absent
    assert names(bench) == before
