from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.core.identity import Subject
from slipway.core.loadprofile import LoadProfile, Stage
from slipway.core.verdict import Bound, Measurement, Outcome, decide
from slipway.errors import CommandError, ServiceError
from slipway.loadtest import load_test
from slipway.loadtest.generator import Generator
from slipway.loadtest.run import Setting
from slipway.loadtest.samples import GeneratorConfig, read_samples
from slipway.loadtest.schedule import Target, plan_stages
from tests.unit.loadtest.conftest import MIB, STEADY

SUBJECT = Subject(model="tiny", version=7, artifact_sha256="sha256:" + "a" * 64)
SHORT = LoadProfile(name="short", description="", stages=(Stage(2),), warmup_seconds=0.4)
OWN = ("latency.p95", "latency.p99", "error_rate", "wrong_answers")


@pytest.fixture
def run(serve, spec, golden, tmp_path):
    def load(service, *, profile=SHORT, **more):
        return load_test(
            spec=spec, subject=SUBJECT, profile=profile, golden=golden, url=serve(service), out=tmp_path / "out", **more
        )

    return load


def named(findings, name):
    return next(m for m in findings.measurements if m.name == name)


def test_a_fast_and_right_service_holds_its_objectives(run, service):
    lines = []
    findings = run(service(), progress=lines.append)
    # A disturbed host may make the whole INCONCLUSIVE; what the service answers for must hold, or say nothing.
    assert {named(findings, name).outcome for name in OWN} == {Outcome.PASSED}
    assert decide(findings.measurements).outcome is not Outcome.FAILED
    assert named(findings, "latency.p95").n == 330
    assert re.fullmatch(r"\d+ s / 2\.4 s, \d+ requests, p95 \S+ ms, 0 errors", lines[0])


def test_both_reports_and_every_request_are_kept(run, service, tmp_path):
    findings = run(service())
    pages = {Path(path).name: Path(path).read_text() for path in findings.reports}
    assert set(pages) == {"load_test.html", "locust.html"}
    assert "http" not in pages["load_test.html"].replace("http-equiv", "")
    assert "<h1>Load test: tiny version 7 <span" in pages["load_test.html"]
    assert "stage 1 (165/s)" in pages["locust.html"]
    assert pages["locust.html"].index("<script>try{localStorage}") < pages["locust.html"].index("<script type")
    samples = read_samples(tmp_path / "out" / "samples.csv.gz")
    assert len(samples) == 66 + 330
    assert all(s.sent_s >= s.intended_s for s in samples)


def test_what_was_found_before_the_load_decides_too_and_is_on_the_page(run, service, tmp_path):
    wrong = Measurement(name="wrong_answers.later", value=2.0, threshold=0.0, bound=Bound.MAX, note="row 0 was off")
    findings = run(service(), setting=Setting(before=(wrong,)))
    assert decide(findings.measurements).outcome is Outcome.FAILED
    page = (tmp_path / "out" / "load_test.html").read_text()
    assert "row 0 was off" in page
    assert 'tiny version 7 <span class="chip FAILED"' in page


SLOW = {
    "400 ms each": {"delay_s": 0.4},
    "400 ms each, one at a time": {"delay_s": 0.4, "one_worker": True},
}


@pytest.mark.parametrize("temper", SLOW.values(), ids=SLOW)
def test_a_slow_service_fails_rather_than_being_inconclusive(run, service, temper):
    findings = run(service(**temper))
    assert decide(findings.measurements).outcome is Outcome.FAILED
    assert named(findings, "latency.p95").outcome is Outcome.FAILED


BURSTING = replace(SHORT, champion_windows=2, window_seconds=1.0, burst_seconds=0.5, max_windows=4)


def test_a_champion_is_asked_in_between_and_the_burst_comes_last(run, serve, service, tmp_path):
    theirs = serve(service(answer=lambda x: -x))  # what the champion answers is its own affair
    findings = run(service(), profile=BURSTING, setting=Setting(champion_url=theirs))
    assert decide(findings.measurements).outcome is not Outcome.FAILED
    assert named(findings, "wrong_answers").outcome is Outcome.PASSED
    assert findings.details["comparison"]["n"] == 330
    assert findings.details["comparison"]["p95"]["pairs"] == 2
    assert findings.details["burst"]["requests"] > 50
    assert named(findings, "burst.error_rate").outcome is Outcome.PASSED
    page = (tmp_path / "out" / "load_test.html").read_text()
    for heading in ("Beside the champion", "What grows with the requests", "Percentiles and their limits"):
        assert f"<h2>{heading}</h2>" in page


def test_a_champion_of_another_signature_is_left_out(run, serve, service):
    theirs = serve(service(status=lambda number: 422))
    findings = run(service(), profile=BURSTING, setting=Setting(champion_url=theirs))
    assert findings.details["comparison"]["absent"].startswith("The champion does not answer the candidate's requests")
    assert "champion.p95_ratio" not in {m.name for m in findings.measurements}


@pytest.mark.parametrize(("retry_after", "outcome"), [(True, Outcome.PASSED), (False, Outcome.FAILED)])
def test_who_is_refused_in_a_burst_without_being_told_to_come_again_has_met_an_error(
    run, service, tmp_path, retry_after, outcome
):
    findings = run(service(status=lambda n: 503 if n % 3 == 0 else 200, retry_after=retry_after), profile=BURSTING)
    samples = read_samples(tmp_path / "out" / "samples.csv.gz")
    assert named(findings, "burst.error_rate").outcome is outcome
    assert (findings.details["burst"]["refused"] > 0) is retry_after
    assert {sample.refused for sample in samples if sample.status == 503} == {retry_after}


def leaking(served):
    return {"process_resident_memory_bytes": (100 + served / 2) * 2**20, "process_open_fds": 12, "process_threads": 9}


def test_a_service_that_keeps_half_a_megabyte_a_call_fails_and_its_burst_is_ended(run, service):
    findings = run(service(uses=leaking), profile=replace(BURSTING, burst_seconds=10))
    assert named(findings, "memory.in_24h").outcome is Outcome.FAILED
    assert named(findings, "memory.peak").outcome is Outcome.FAILED
    assert named(findings, "descriptors.in_24h").outcome is Outcome.PASSED
    assert findings.details["burst"]["requests"] < 5000


KEEPS = {"without a bound": (100_000, Outcome.FAILED), "no more than sixty": (60, Outcome.PASSED)}


@pytest.mark.parametrize(("most", "outcome"), KEEPS.values(), ids=KEEPS)
def test_what_is_kept_for_each_different_row_is_found_unless_it_has_a_bound(run, service, most, outcome):
    cache = service()
    cache.uses = lambda _: {**STEADY, "process_resident_memory_bytes": (100 + min(most, len(cache.asked))) * MIB}
    found = named(run(cache, profile=replace(BURSTING, burst_seconds=1)), "memory.in_24h")
    assert found.outcome is outcome, found


def test_a_service_that_tells_nothing_of_itself_is_not_said_to_keep_within_its_limits(run, service):
    findings = run(service(uses=lambda served: {}))
    assert named(findings, "memory.in_24h").outcome is Outcome.INCONCLUSIVE


def test_a_wrong_answer_under_load_fails(run, service):
    findings = run(service(answer=lambda x: 2 * x + (x == 3)))
    assert named(findings, "wrong_answers").outcome is Outcome.FAILED
    assert named(findings, "error_rate").outcome is Outcome.PASSED


def test_an_answer_that_is_not_a_prediction_is_wrong(run, service):
    assert named(run(service(answer=lambda x: None)), "wrong_answers").outcome is Outcome.FAILED


def test_refusals_fail(run, service):
    findings = run(service(status=lambda number: 503 if number % 10 == 0 else 200))
    assert named(findings, "error_rate").outcome is Outcome.FAILED
    assert findings.details["error_kinds"].keys() == {"HTTP 503"}


def test_a_service_that_dies_under_load_fails(run, service):
    findings = run(service(dies_after=130))
    assert decide(findings.measurements).outcome is Outcome.FAILED
    assert named(findings, "error_rate").outcome is Outcome.FAILED


def test_load_on_a_public_address_is_refused(spec, golden, tmp_path):
    with pytest.raises(ServiceError, match="neither loopback nor private"):
        load_test(spec=spec, subject=SUBJECT, profile=SHORT, golden=golden, url="http://93.184.216.34", out=tmp_path)


def config(golden, out):
    return GeneratorConfig(urls={Target.CANDIDATE: "http://127.0.0.1:9"}, golden=golden, seed=0, timeout_s=2, out=out)


def generate(config, *, limit_s):
    with Generator(config, limit_s=limit_s, on_progress=lambda state: None) as generator:
        return generator.run(plan_stages(SHORT, 10))


def test_a_generator_that_does_not_end_is_ended(golden, tmp_path):
    with pytest.raises(CommandError, match="was ended after"):
        generate(config(golden, tmp_path), limit_s=0.2)


def test_a_generator_that_crashes_says_why(golden, tmp_path):
    (tmp_path / "samples.csv.gz").mkdir()  # it cannot write there
    with pytest.raises(CommandError, match="IsADirectoryError"):
        generate(config(golden, tmp_path), limit_s=60)


def test_the_generator_starts_without_the_heavy_libraries():
    heavy = ("mlflow", "sklearn", "pandas", "numpy", "pydantic", "docker")
    code = f"import slipway.loadtest.locust_main, sys; sys.exit(bool(set({heavy!r}) & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
