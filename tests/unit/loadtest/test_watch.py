from __future__ import annotations

import time

from slipway.core.verdict import Outcome
from slipway.loadtest.watch import MEMORY, ServiceWatch, parse

PAGE = """
# HELP process_open_fds Of the processes together.
process_open_fds 17.0
process_max_fds 1024.0
process_threads 9.0
process_resident_memory_bytes 2.097152e+08
slipway_requests_total{route="invocations",status="200"} 40.0
slipway_requests_total{route="invocations",status="422"} 2.0
slipway_requests_total{route="invocations",status="429"} 700.0
slipway_requests_total{route="metrics",status="200"} 9.0
"""


def test_a_page_of_metrics_says_what_is_used_after_how_many_requests():
    found = parse(PAGE, 1.5)
    assert (found.at, found.requests, found.max_descriptors) == (1.5, 42.0, 1024.0)
    assert found.used == {"memory": 200.0, "descriptors": 17.0, "threads": 9.0}


def test_memory_that_is_the_processs_own_counts_where_it_is_told():
    assert parse(PAGE + "process_anonymous_memory_bytes 1.048576e+08\n", 0).used["memory"] == 100.0


def test_a_page_that_counts_no_requests_is_no_sample():
    assert parse("process_open_fds 3\n<html>", 0) is None


def test_a_service_is_sampled_until_the_end(serve, service):
    fake = service(uses=lambda served: {"process_resident_memory_bytes": 2**20 * served})
    with ServiceWatch(serve(fake)) as watch:
        for served in range(0, 600, 20):
            fake.served = served
            with watch.closely():
                time.sleep(0.03)
    assert len(watch.samples) >= 2
    assert [point.value for point in watch.points(MEMORY, zero=0)] == [s.requests for s in watch.samples]
    assert watch.peak_memory_mb() == watch.samples[-1].requests == 580


def test_a_service_without_metrics_tells_nothing(serve, service):
    with ServiceWatch("http://127.0.0.1:9") as watch:
        pass
    assert watch.samples == []
    assert watch.peak_memory_mb() is None
    found = watch.growths(rate_per_s=20, memory_mb=512)
    assert {one.outcome for one in found.values()} == {Outcome.INCONCLUSIVE}
