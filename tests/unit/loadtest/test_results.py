from __future__ import annotations

import random

import pytest

from slipway.loadtest.results import effective_ms, quantile, results_of
from slipway.loadtest.samples import Sample, read_samples, write_samples
from slipway.loadtest.schedule import WARMUP, PlannedStage

TIMEOUT_MS = 3000.0
WARM = PlannedStage(index=WARMUP, start=0, seconds=1, rate_per_s=100, judged=False)
MAIN = PlannedStage(index=0, start=1, seconds=10, rate_per_s=100, judged=True)
STAGES = (WARM, MAIN)


def answered(at, latency_ms, *, stage=0, correct=True, lag_ms=0.0):
    return Sample(at, at + lag_ms / 1000, latency_ms, 200, correct, stage)


def failed(at, *, status=503, latency_ms=1.0):
    return Sample(at, at, latency_ms, status, None, 0, f"HTTP {status}")


def steady(latency_ms=5.0):
    return [answered(1 + i / 100, latency_ms) for i in range(1000)]


def queue(stall_at, stall_s, service_s=0.001):
    """One worker that stops once: the samples of an open loop, and the sorted latencies that a closed one reports."""
    free, stalled, opened, closed = 0.0, False, [], []
    for i in range(1000):
        intended = 1 + i / 100
        start = max(intended, free)
        stalls = not stalled and start >= stall_at
        stalled = stalled or stalls
        free = start + service_s + stall_s * stalls
        opened.append(answered(intended, (free - intended) * 1000))
        closed.append((free - start) * 1000)
    return opened, sorted(closed)


def test_a_stall_shows_in_every_request_that_queued_behind_it():
    opened, closed = queue(stall_at=5.0, stall_s=2.0)
    overall = results_of(opened, STAGES, timeout_ms=TIMEOUT_MS).overall
    assert sum(ms > 100 for ms in closed) == 1  # a closed loop sees one slow request
    assert quantile(closed, 0.99).value < 5
    assert overall.p99.value > 1500  # the open loop sees the two seconds in which 200 requests waited
    assert overall.p95.value > 1000


def test_percentiles_are_order_statistics():
    samples = [answered(1 + i / 1000, float(i + 1)) for i in range(1000)]
    random.Random(0).shuffle(samples)
    overall = results_of(samples, STAGES, timeout_ms=TIMEOUT_MS).overall
    assert (overall.p50.value, overall.p95.value, overall.p99.value) == (500, 950, 990)
    assert overall.p95.low < 950 < overall.p95.high


def test_an_interval_covers_the_true_percentile_about_as_often_as_it_says():
    rng = random.Random(7)
    covered = 0
    for _ in range(400):
        found = quantile(sorted(rng.random() for _ in range(500)), 0.95)
        covered += found.low <= 0.95 <= found.high
    assert covered / 400 >= 0.93


def test_few_samples_leave_the_interval_open_above():
    assert quantile([float(i) for i in range(100)], 0.99).high is None


def test_no_samples_have_no_percentile():
    assert quantile([], 0.95) is None


def test_the_warm_up_does_not_count_for_latency():
    slow_start = [answered(i / 100, 900.0, stage=WARMUP) for i in range(100)]
    assert results_of(slow_start + steady(), STAGES, timeout_ms=TIMEOUT_MS).overall.p99.value == 5


def test_a_wrong_answer_counts_even_in_the_warm_up():
    wrong = [answered(0.5, 5.0, stage=WARMUP, correct=False)]
    assert results_of(wrong + steady(), STAGES, timeout_ms=TIMEOUT_MS).wrong_answers == 1


def test_a_fast_refusal_is_not_a_fast_answer():
    samples = steady()[:900] + [failed(9 + i / 100) for i in range(100)]
    results = results_of(samples, STAGES, timeout_ms=TIMEOUT_MS)
    assert results.overall.p95.value == TIMEOUT_MS
    assert results.overall.error_rate == pytest.approx(0.1)
    assert results.error_kinds == {"HTTP 503": 100}


def test_a_failure_that_took_longer_than_the_timeout_keeps_its_time():
    assert effective_ms(failed(1, status=0, latency_ms=9000), TIMEOUT_MS) == 9000


def test_requests_that_were_never_sent_lower_the_achieved_rate():
    assert results_of(steady()[:800], STAGES, timeout_ms=TIMEOUT_MS).overall.achieved_share == pytest.approx(0.8)


def test_requests_that_left_late_lower_the_achieved_rate():
    late = [answered(1 + i / 100, 5.0, lag_ms=i * 2) for i in range(1000)]
    overall = results_of(late, STAGES, timeout_ms=TIMEOUT_MS).overall
    assert overall.achieved_share < 0.9
    assert overall.lag_p99 > 1900


def test_samples_survive_being_written(tmp_path):
    samples = [
        answered(1.25, 5.5, lag_ms=1.0),
        answered(2, 3, correct=False),
        failed(3),
        failed(4)._replace(refused=True),
    ]
    write_samples(tmp_path / "samples.csv.gz", samples)
    assert read_samples(tmp_path / "samples.csv.gz") == samples
