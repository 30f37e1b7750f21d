from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.core.identity import Subject
from slipway.core.verdict import Outcome, decide
from slipway.errors import ServiceError
from slipway.profiling import profile_serving

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
            champion_profile=champion,
            requests=requests,
        )

    return profile


def named(findings, name):
    return next(m for m in findings.measurements if m.name == name)


def kept_profile(findings):
    (path,) = (p for p in findings.reports if p.endswith("profile.json"))
    return json.loads(Path(path).read_text())


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
            champion_profile=None,
            requests=10,
        )


def test_a_candidate_that_sleeps_regresses_against_its_champion(run, profiled):
    champion = kept_profile(run(profiled()))
    findings = run(profiled(extra_s=0.02), champion=champion, out="candidate")
    assert decide(findings.measurements).outcome is Outcome.FAILED
    assert named(findings, "profile.regression_ratio").outcome is Outcome.FAILED
    assert findings.details["regressed"][0]["function"] == "time.sleep"


def test_a_candidate_that_is_faster_than_its_champion_passes(run, profiled):
    champion = kept_profile(run(profiled(extra_s=0.02)))
    findings = run(profiled(), champion=champion, out="candidate")
    assert named(findings, "profile.regression_ratio").outcome is Outcome.PASSED


def test_a_champion_from_another_host_is_not_compared(run, profiled):
    champion = {**kept_profile(run(profiled())), "host": {"cpu": "another"}}
    findings = run(profiled(), champion=champion, out="candidate")
    assert not [m for m in findings.measurements if m.name == "profile.regression_ratio"]
    assert "another kind of host" in findings.details["compared"]


def test_a_request_that_takes_longer_than_the_objective_fails(run, profiled):
    findings = run(profiled(extra_s=0.02), p95_ms=10.0)
    assert named(findings, "profile.ms_per_request").outcome is Outcome.FAILED
