"""Counts of several threads and processes, as one exposition."""

import threading

import pytest

from slipway.serving.metrics import BUCKETS, PHASES, Metrics, Tally, _threads_and_memory
from slipway.serving.profiler import RequestProfiler, merged
from tests.unit.serving.samples import SUBJECT


def value(text: bytes, line: str) -> float:
    found = [float(one.rpartition(" ")[2]) for one in text.decode().splitlines() if one.startswith(line + " ")]
    assert len(found) == 1, (line, found)
    return found[0]


def test_requests_noted_at_once_count_as_those_observed_one_by_one():
    noted, observed = Tally(), Tally()
    moments = (1.0, 1.00001, 1.0002, 1.004, 9.0)
    for _ in range(1300):
        noted.phases(*moments)
        for phase, start, end in zip(PHASES, moments, moments[1:], strict=False):
            getattr(observed, phase).observe(end - start)
    one, other = noted.to_json(), observed.to_json()
    for phase in PHASES:
        assert one[phase][0] == other[phase][0]
        assert one[phase][1] == pytest.approx(other[phase][1])


def test_a_duration_at_a_bound_counts_below_it_either_way():
    one, other = Tally(), Tally()
    for bound in BUCKETS:
        one.phases(0.0, bound, bound, bound, bound)
        other.decode.observe(bound)
    assert one.to_json()["decode"][0] == other.to_json()["decode"][0] == [*[1] * len(BUCKETS), 0]


def test_threads_and_processes_are_summed():
    metrics, sibling = Metrics(SUBJECT), Metrics(SUBJECT)
    for tally in (metrics.tally(), metrics.tally(), sibling.tally()):
        tally.answered["infer", 200] += 2
        tally.policies_hit({("age", "clip"): 3})
        tally.queue.observe(0.003)
        tally.phases(0.0, 0.1, 0.2, 0.3, 0.4)
    metrics.log_counts = lambda: (7, 1)
    sibling.log_counts = lambda: (3, 0)
    metrics.in_flight = lambda: 4
    own, text = metrics.snapshot(), metrics.exposition([sibling.snapshot()])
    assert value(text, 'slipway_requests_total{route="infer",status="200"}') == 6
    assert value(text, 'slipway_policy_hits_total{column="age",policy="clip"}') == 9
    assert value(text, 'slipway_queue_seconds_bucket{le="0.0025"}') == 0
    assert value(text, 'slipway_queue_seconds_bucket{le="0.005"}') == 3
    assert value(text, 'slipway_phase_seconds_sum{phase="decode"}') == pytest.approx(0.3)
    assert value(text, 'slipway_phase_seconds_bucket{le="+Inf",phase="encode"}') == 3
    assert value(text, "slipway_prediction_log_written_total") == 10
    assert value(text, "slipway_prediction_log_lost_total") == 1
    assert value(text, "slipway_inflight_requests") == 4
    assert value(text, "slipway_workers") == 2
    assert value(text, "process_start_time_seconds") == own["process"]["process_start_time_seconds"]
    assert value(text, "process_cpu_seconds_total") >= own["process"]["process_cpu_seconds_total"]
    info = f'slipway_model_info{{artifact="{SUBJECT.artifact_sha256}",model="clinic",version="3"}}'
    assert value(text, info) == 1


def test_counts_can_be_read_while_another_thread_adds_to_them():
    metrics = Metrics(SUBJECT)
    tally, stop = metrics.tally(), threading.Event()

    def add():
        number = 0
        while not stop.is_set():
            number += 1
            tally.answered["infer", number % 400] += 1
            tally.hits[str(number % 400), "clip"] += 1

    thread = threading.Thread(target=add)
    thread.start()
    for _ in range(100):
        metrics.snapshot()
    stop.set()
    thread.join()


def leaf():
    return 1


def test_profiles_of_several_processes_are_summed_by_function_and_caller():
    profiles = []
    for requests in (1, 2):
        profiler = RequestProfiler()
        for _ in range(requests):
            profiler.run(lambda: [leaf(), leaf()])
        profiles.append(profiler.to_json())
    whole = merged(profiles)
    (found,) = (function for function in whole["functions"] if function["name"] == "leaf")
    assert (whole["requests"], found["ncalls"], found["primitive_calls"]) == (3, 6, 6)
    assert [(caller["name"], caller["ncalls"]) for caller in found["callers"]] == [("<lambda>", 6)]
    assert whole["wall_seconds"] == pytest.approx(sum(profile["wall_seconds"] for profile in profiles))
    assert merged(profiles[:1]) == profiles[0]


def test_threads_and_memory_of_the_process_are_told():
    def metrics_text():
        return Metrics(SUBJECT).exposition([])

    with_more = threading.Event()
    waiting = [threading.Thread(target=with_more.wait) for _ in range(3)]
    before = value(metrics_text(), "process_threads")
    for thread in waiting:
        thread.start()
    try:
        assert value(metrics_text(), "process_threads") == before + 3
    finally:
        with_more.set()
        for thread in waiting:
            thread.join()
    held = value(metrics_text(), "process_anonymous_memory_bytes")
    kept = bytearray(b"x" * 32_000_000)
    assert value(metrics_text(), "process_anonymous_memory_bytes") >= held + 0.9 * len(kept)


def test_where_the_system_tells_nothing_nothing_is_told(tmp_path):
    assert _threads_and_memory(tmp_path / "status") == {}
