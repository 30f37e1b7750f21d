"""The candidate lives for one release, of exactly the image that was built, and nothing is left of it."""

import pytest

from slipway.core.evidence import Check
from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError, ServiceError
from slipway.workflows.candidate import PROFILE, running_candidate, service_spec
from slipway.workflows.profile_serving import profile_serving
from slipway.workflows.records import built_image
from slipway.workflows.release import Release
from slipway.workflows.start_candidate import start_candidate
from slipway.workflows.stop_candidate import stop_candidate
from tests.unit.deploy.fakes import Behaviour

OTHER = "sha256:" + "1" * 64


def names(bench):
    return sorted(handle.name for handle in bench.runtime.list())


@pytest.fixture
def built(put):
    return put(Check.BUILD_IMAGE)


@pytest.fixture
def twin(bench, release, built):
    """A profiled twin that a killed worker left."""
    files = bench.files(release)
    subject, image = built_image(bench, release, files)
    return bench.runtime.start(service_spec(bench.spec("churn"), subject, image, role=PROFILE))


def test_the_candidate_runs_from_the_built_image(bench, release, built):
    handle = start_candidate(bench, release)
    assert handle.image_digest == built.image_digest
    assert names(bench) == ["slipway-churn-v1-candidate"]
    assert running_candidate(bench, release, bench.files(release))[2] == handle


def test_without_a_built_image_nothing_starts(bench, release):
    with pytest.raises(EvidenceError, match="no build_image has PASSED"):
        start_candidate(bench, release)
    assert names(bench) == []


@pytest.mark.parametrize(
    "behaviour", [Behaviour(becomes_ready=False), Behaviour(starts=False)], ids=["is late", "dies at once"]
)
def test_nothing_is_left_of_a_candidate_that(bench, release, built, behaviour):
    bench.runtime.behaviours[1] = behaviour
    with pytest.raises(ServiceError):
        start_candidate(bench, release)
    assert names(bench) == []


def test_a_candidate_is_gone_when_its_start_is_interrupted(bench, release, built, monkeypatch):
    def interrupted(handle, *, timeout_s):
        raise KeyboardInterrupt

    monkeypatch.setattr(bench.runtime, "wait_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start_candidate(bench, release)
    assert names(bench) == []


def test_starting_twice_leaves_one(bench, release, built):
    start_candidate(bench, release)
    start_candidate(bench, release)
    assert names(bench) == ["slipway-churn-v1-candidate"]


def test_stopping_twice_is_fine_and_takes_a_left_twin_along(bench, release, built, twin):
    start_candidate(bench, release)
    assert sorted(stop_candidate(bench, release)) == ["slipway-churn-v1-candidate", "slipway-churn-v1-profile"]
    assert names(bench) == []
    assert stop_candidate(bench, release) == []


def test_the_release_of_the_newest_stays_with_its_version_when_a_newer_one_comes(bench, put, registered_meanwhile):
    newest = registered_meanwhile
    assert bench.version(newest) == 1
    put(Check.BUILD_IMAGE, release_id=newest.id)
    start_candidate(bench, newest)
    assert stop_candidate(bench, newest) == ["slipway-churn-v1-candidate"]


@pytest.fixture
def registered_meanwhile(bench, monkeypatch):
    """A release that named no version, began with version 1, and saw version 2 registered after that."""
    from slipway.workflows.validate_data import validate_data

    def no_data(**_):
        raise ZeroDivisionError

    monkeypatch.setattr("slipway.quality.validate.validate_data", no_data)
    newest = Release(id="r-newest", model="churn")
    for _ in range(2):  # a second try is the same release
        with pytest.raises(ZeroDivisionError):
            validate_data(bench, newest)
    assert [entry.kind.value for entry in bench.ledger.entries()] == ["release_started", "evidence", "evidence"]
    bench.registry.add("churn", 2, b"newer")
    return newest


def test_the_teardown_works_while_the_registry_is_down(bench, release, built):
    start_candidate(bench, release)
    bench.registry.down = True
    assert stop_candidate(bench, release) == ["slipway-churn-v1-candidate"]


def test_gates_refuse_to_judge_without_a_candidate(bench, release, built):
    with pytest.raises(ServiceError, match="does not run"):
        running_candidate(bench, release, bench.files(release))


def test_gates_refuse_to_judge_a_candidate_of_another_image(bench, release, built, put):
    start_candidate(bench, release)
    put(Check.BUILD_IMAGE, image=OTHER)
    with pytest.raises(ServiceError, match=r"is of image .*, not 111111111111"):
        running_candidate(bench, release, bench.files(release))


@pytest.mark.parametrize("error", [RuntimeError("no stats"), KeyboardInterrupt()], ids=["fails", "is killed"])
def test_the_profiled_twin_is_stopped_when_profiling(bench, release, put, built, monkeypatch, error):
    seen = []

    def profile(**given):
        seen.append((names(bench), given["url"]))
        raise error

    monkeypatch.setattr("slipway.profiling.profile_serving", profile)
    put(Check.RUN_SCENARIOS)
    candidate = start_candidate(bench, release)
    with pytest.raises(type(error)):
        profile_serving(bench, release)
    ((running, url),) = seen
    assert running == ["slipway-churn-v1-candidate", "slipway-churn-v1-profile"]
    assert url != candidate.url
    assert names(bench) == ["slipway-churn-v1-candidate"]


def test_a_twin_that_does_not_become_ready_leaves_an_inconclusive_profile(bench, release, put, built):
    put(Check.RUN_SCENARIOS)
    start_candidate(bench, release)
    bench.runtime.behaviours[1] = Behaviour(becomes_ready=False)
    with pytest.raises(ServiceError, match="not ready"):
        profile_serving(bench, release)
    assert names(bench) == ["slipway-churn-v1-candidate"]
    assert bench.ledger.evidence("churn")[-1].outcome is Outcome.INCONCLUSIVE
