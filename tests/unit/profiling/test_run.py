from __future__ import annotations

from pathlib import Path

import pytest

from slipway.core.identity import Subject
from slipway.core.verdict import Outcome, decide
from slipway.errors import ServiceError
from slipway.profiling import Rival, profile_serving

SUBJECT = Subject(model="tiny", version=7, artifact_sha256="sha256:" + "a" * 64)


@pytest.fixture
def run(serve, spec, golden, tmp_path):
    def profile(service, *, champion=None, requests=120, out="out", p95_ms=200.0):
        objectives = spec.objectives.model_copy(update={"p95_ms": p95_ms})
        return profile_serving(
            spec=spec.model_copy(update={"objectives": objectives}),
            subject=SUBJECT,
            golden=golden,
            url=serve(service),
            out=tmp_path / out,
            rival=Rival() if champion is None else Rival(url=serve(champion)),
            requests=requests,
        )

    return profile


def named(findings, name):
    return next(m for m in findings.measurements if m.name == name)


def test_a_healthy_service_passes_and_its_rate_limiting_function_is_named(run, profiled):
    findings = run(profiled())
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert findings.details["rate_limiting"]["function"] == "slow_tree"
    assert round(findings.details["rate_limiting"]["calls_per_request"]) == 10
    assert "slow_tree" in findings.details["sentence"]


def test_the_report_shows_the_graph_and_needs_nothing_from_elsewhere(run, profiled):
    findings = run(profiled())
    (path,) = (Path(p) for p in findings.reports if p.endswith(".html"))
    page = path.read_text()
    assert "<h1>Serving profile: tiny version 7 <span" in page
    assert "<svg" in page
    assert "slow_tree" in page
    assert "http://" not in page
    assert "https://" not in page


def test_too_few_requests_decide_nothing(run, profiled):
    findings = run(profiled(), requests=12)
    assert decide(findings.measurements).outcome is Outcome.INCONCLUSIVE
    assert named(findings, "profile.requests").value == 12


def test_a_service_that_answers_with_errors_fails(run, profiled):
    findings = run(profiled(fail_every=10))
    assert decide(findings.measurements).outcome is Outcome.FAILED
    assert named(findings, "profile.errors").outcome is Outcome.FAILED


def test_a_service_that_only_errs_is_an_error_with_a_remedy(run, profiled):
    with pytest.raises(ServiceError, match="no request was profiled"):
        run(profiled(fail_every=1))


def test_an_instance_that_is_not_in_profile_mode_is_refused(run, profiled):
    with pytest.raises(ServiceError, match="SLIPWAY_SERVING_PROFILE=1"):
        run(profiled(profile_mode=False))


def test_an_address_that_nobody_answers_on_is_an_error(spec, golden, tmp_path):
    with pytest.raises(ServiceError, match="does not answer"):
        profile_serving(
            spec=spec,
            subject=SUBJECT,
            golden=golden,
            url="http://127.0.0.1:9",
            out=tmp_path,
            rival=Rival(),
            requests=10,
        )


def test_a_candidate_that_eats_much_of_the_objective_more_than_its_champion_fails(run, profiled):
    findings = run(profiled(extra_s=0.02), champion=profiled(), p95_ms=50.0)
    assert decide(findings.measurements).outcome is Outcome.FAILED
    ratio = named(findings, "profile.regression_ratio")
    assert ratio.outcome is Outcome.FAILED
    assert "time.sleep" in ratio.note
    (change, *_) = findings.details["regressed"]
    assert change["function"] == "time.sleep"
    assert change["more_ms"]["low"] >= 19
    assert change["more_ms"]["n"] == 12


def test_a_candidate_that_is_many_times_slower_and_still_comfortable_passes(run, profiled):
    findings = run(profiled(extra_s=0.02), champion=profiled(), p95_ms=200.0)
    assert decide(findings.measurements).outcome is Outcome.PASSED
    ratio = named(findings, "profile.regression_ratio")
    assert ratio.outcome is None
    assert ratio.value > 2
    assert "not more than 20% of the p95 objective" in ratio.note


def test_what_the_profiler_itself_costs_is_not_held_against_a_version(run, profiled):
    findings = run(profiled(profiler_s=0.02), champion=profiled(), p95_ms=15.0)
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert named(findings, "profile.ms_per_request").note.endswith("without the profiler")
    assert "measured in turns with it, without the profiler" in findings.details["compared"]
    assert findings.details["regressed"][0]["function"] == "time.sleep"


def test_a_champion_of_before_the_profiler_could_be_left_out_is_compared_with_it(run, profiled):
    findings = run(profiled(profiler_s=0.02), champion=profiled(profiler_s=0.02, knows_time=False), p95_ms=15.0)
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert "with the profiler: one of the images" in findings.details["compared"]
    assert findings.details["added_ms"]["n"] == 12


def test_a_candidate_that_knows_no_time_without_the_profiler_is_judged_with_it(run, profiled):
    findings = run(profiled(extra_s=0.02, knows_time=False), champion=profiled(), p95_ms=50.0)
    assert named(findings, "profile.regression_ratio").outcome is Outcome.FAILED
    assert named(findings, "profile.ms_per_request").note.endswith("profiler included")


def test_the_same_program_passes_however_narrow_the_objective(run, profiled):
    findings = run(profiled(), champion=profiled(), p95_ms=20.0)
    assert decide(findings.measurements).outcome is Outcome.PASSED


def test_a_candidate_that_is_faster_than_its_champion_passes(run, profiled):
    findings = run(profiled(), champion=profiled(extra_s=0.02), p95_ms=30.0)
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert findings.details["added_ms"]["high"] < 0


@pytest.mark.parametrize(
    ("champion", "why"),
    [({"fail_every": 30}, "with 200"), ({"profile_mode": False}, "not in profile mode")],
    ids=["errs", "is not in profile mode"],
)
def test_the_candidate_is_judged_alone_beside_a_champion_that(run, profiled, champion, why):
    findings = run(profiled(), champion=profiled(**champion))
    assert decide(findings.measurements).outcome is Outcome.PASSED
    assert not [m for m in findings.measurements if m.name == "profile.regression_ratio"]
    assert why in findings.details["compared"]


def test_a_champion_that_nobody_answers_for_is_told(spec, golden, tmp_path, serve, profiled):
    findings = profile_serving(
        spec=spec,
        subject=SUBJECT,
        golden=golden,
        url=serve(profiled()),
        out=tmp_path,
        rival=Rival(url="http://127.0.0.1:9"),
        requests=120,
    )
    assert "Nothing was compared" in findings.details["compared"]


def test_too_few_rounds_prove_no_regression(run, profiled):
    findings = run(profiled(extra_s=0.02), champion=profiled(), p95_ms=50.0, requests=5)
    assert named(findings, "profile.regression_ratio").outcome is not Outcome.FAILED


def test_the_flame_graph_shows_what_costs_more(run, profiled):
    findings = run(profiled(extra_s=0.02), champion=profiled())
    (path,) = (Path(p) for p in findings.reports if p.endswith(".html"))
    page = path.read_text()
    assert 'class="flames"' in page
    assert "#d63c32" in page
    assert "Red: costs more than in the champion" in page


def test_a_request_that_takes_longer_than_the_objective_fails(run, profiled):
    findings = run(profiled(extra_s=0.02), p95_ms=10.0)
    assert named(findings, "profile.ms_per_request").outcome is Outcome.FAILED
