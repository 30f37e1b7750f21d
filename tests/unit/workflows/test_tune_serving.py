"""Tuning compares twins, the load test drives what it chose, and nothing of either is left running."""

from pathlib import Path

import pytest

from slipway.core.evidence import Check, Findings
from slipway.core.serving_options import Mode, ServingOptions
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EvidenceError, GateStopped, PromotionRefused, ServiceError
from slipway.workflows.approve import request_approval
from slipway.workflows.load_test import load_test
from slipway.workflows.start_candidate import start_candidate
from slipway.workflows.stop_candidate import stop_candidate
from slipway.workflows.tune_serving import tune_serving
from tests.unit.deploy.fakes import Behaviour
from tests.unit.workflows.conftest import TUNED

CANDIDATE = "slipway-churn-v1-candidate"
OTHER = ServingOptions(mode=Mode.INLINE)


def names(bench):
    return sorted(handle.name for handle in bench.runtime.list())


def specs(bench):
    return list(bench.runtime.specs.values())


def found(out, options, *, wrong=0):
    page = Path(out) / "page.html"
    page.write_text("<p>found</p>")
    return Findings(
        measurements=(Measurement(name="wrong_answers", value=float(wrong), threshold=0.0, bound=Bound.MAX),),
        reports={str(page): "Report"},
        details={"options": options.to_json()},
    )


@pytest.fixture
def judged(put):
    """What comes before the tuning has passed."""
    put(Check.BUILD_IMAGE)
    return put(Check.RUN_SCENARIOS)


@pytest.fixture
def tuning(monkeypatch):
    """Replace the search by ``run``, which gets what the workflow gives."""

    def replace(run):
        monkeypatch.setattr("slipway.tuning.tune", run)

    return replace


def both(given):
    with given["launch"](TUNED) as first, given["launch"](OTHER) as second:
        assert first != second
        return found(given["out"], TUNED)


def test_configurations_run_in_twins_with_productions_limits_and_their_own_environment(bench, release, judged, tuning):
    tuning(lambda **given: both(given))
    candidate = start_candidate(bench, release)
    evidence = tune_serving(bench, release)
    assert ServingOptions.from_json(evidence.details["options"]) == TUNED
    assert (evidence.check, evidence.outcome, evidence.subject) == (Check.TUNE_SERVING, Outcome.PASSED, judged)
    alone, *twins = specs(bench)
    assert [ServingOptions.from_env(twin.env) for twin in twins] == [TUNED, OTHER]
    assert {(twin.memory_mb, twin.cpus, twin.image) for twin in twins} == {(alone.memory_mb, alone.cpus, alone.image)}
    assert {twin.prediction_log for twin in twins} == {None}
    assert names(bench) == [candidate.name]


def test_a_wrong_answer_of_any_configuration_ends_the_release(bench, release, judged, tuning, kinds):
    tuning(lambda **given: found(given["out"], TUNED, wrong=1))
    with pytest.raises(GateStopped, match="wrong_answers"):
        tune_serving(bench, release)
    assert kinds()[-1] == "release_ended"


@pytest.mark.parametrize("error", [RuntimeError("no pace"), KeyboardInterrupt()], ids=["fails", "is killed"])
def test_no_twin_is_left_when_the_tuning(bench, release, judged, tuning, error):
    def run(**given):
        with given["launch"](TUNED):
            raise error

    tuning(run)
    with pytest.raises(type(error)):
        tune_serving(bench, release)
    assert names(bench) == []


def test_a_twin_that_is_not_ready_is_stopped(bench, release, judged, tuning):
    bench.runtime.behaviours[1] = Behaviour(becomes_ready=False)
    tuning(lambda **given: both(given))
    with pytest.raises(ServiceError, match="not ready"):
        tune_serving(bench, release)
    assert names(bench) == []
    assert bench.ledger.evidence("churn")[-1].outcome is Outcome.INCONCLUSIVE


def test_twins_that_a_killed_worker_left_are_stopped_with_the_candidate(bench, release, judged, tuning):
    left = []

    def killed(**given):
        left.append(given["launch"](TUNED))
        left[0].__enter__()
        return found(given["out"], TUNED)

    tuning(killed)
    start_candidate(bench, release)
    tune_serving(bench, release)
    assert len(names(bench)) == 2
    assert set(stop_candidate(bench, release)) == {CANDIDATE, "slipway-churn-v1-tune-pool-1-32-0-1"}
    assert names(bench) == []


@pytest.fixture
def loaded(monkeypatch, reference):
    """The addresses that were driven."""
    urls = []

    def drive(**given):
        urls.append(given["url"])
        return found(given["out"], OTHER)  # what it says of options does not count

    monkeypatch.setattr("slipway.loadtest.load_test", drive)
    return urls


def test_the_load_test_drives_a_candidate_with_the_chosen_options(bench, release, judged, put, loaded):
    put(Check.TUNE_SERVING)
    before = start_candidate(bench, release)
    evidence = load_test(bench, release)
    _, driven = specs(bench)
    assert ServingOptions.from_env(driven.env) == TUNED == ServingOptions.from_json(evidence.details["options"])
    assert (driven.name, driven.prediction_log) == (before.name, None)
    assert loaded != [before.url]
    assert names(bench) == []


def test_a_load_test_that_is_cleared_after_the_candidate_is_gone_starts_its_own(bench, release, judged, put, loaded):
    put(Check.TUNE_SERVING)
    for _ in range(2):
        load_test(bench, release)
    assert (len(loaded), names(bench)) == (2, [])


UNTUNED = {"nothing was tuned": {}, "an earlier release was": {"release_id": "r0"}}


@pytest.mark.parametrize("tuned", UNTUNED.values(), ids=UNTUNED)
def test_nothing_is_driven_where(bench, release, judged, put, loaded, tuned):
    if tuned:
        put(Check.TUNE_SERVING, **tuned)
    with pytest.raises(EvidenceError, match="no tune_serving has PASSED"):
        load_test(bench, release)
    assert (loaded, names(bench)) == ([], [])


def test_nobody_is_asked_about_options_that_were_not_under_load(bench, release, complete, put):
    complete()
    put(Check.TUNE_SERVING, options=OTHER)
    with pytest.raises(PromotionRefused, match="tuning chose"):
        request_approval(bench, release)
    assert bench.registry.alias("churn", "challenger") is None
