from __future__ import annotations

from types import SimpleNamespace

import pytest

from slipway.loadtest.host import Hiccups, HostSample, HostWatch, merged, summarise


def write(proc, *, user, steal, running=1, load="0.10"):
    (proc / "stat").write_text(f"cpu  {user} 0 0 0 0 0 0 {steal} 0 0\ncpu0 1\nprocs_running {running}\n")
    (proc / "loadavg").write_text(f"{load} 0.1 0.1 1/100 1\n")


def test_the_share_of_stolen_time_counts_from_the_first_sample(tmp_path):
    watch = HostWatch(tmp_path)
    write(tmp_path, user=1000, steal=500)
    watch.sample()
    write(tmp_path, user=1060, steal=540, running=7, load="3.50")
    watch.sample()
    noise = watch.noise()
    assert (noise.steal_share, noise.running_max, noise.load_before, noise.load_max) == (0.4, 7, 0.1, 3.5)


def test_a_host_without_proc_tells_nothing(tmp_path):
    watch = HostWatch(tmp_path / "absent")
    watch.sample()
    watch.sample()
    assert watch.noise() is None


def test_one_sample_tells_nothing():
    assert summarise([HostSample(100, 1, 1, 0.5)]) is None


def test_pauses_that_overlap_are_one():
    assert merged([(5.0, 5.2), (1.0, 1.1), (1.05, 1.4)]) == ((1.0, 1.4), (5.0, 5.2))


def test_a_rest_looks_at_the_queue_of_others_and_times_the_fixed_work(tmp_path):
    watch = HostWatch(tmp_path)
    write(tmp_path, user=1000, steal=500, running=4)
    watch.sample()
    watch.rest()
    watch.rest()
    noise = watch.noise()
    assert noise.running_others == 3  # who reads it runs, too
    assert len(noise.calibration_ms) == 2
    assert noise.calibration_spread >= 1


def test_a_processor_that_served_nobody_is_noted(monkeypatch):
    clock = iter([0.0, 0.011, 0.022, 0.5, 0.511])
    meter = Hiccups()

    def tick():
        try:
            return next(clock)
        except StopIteration:
            meter.end()
            return 0.52

    monkeypatch.setattr("slipway.loadtest.host.time", SimpleNamespace(perf_counter=tick, sleep=lambda s: None))
    meter._sleep(0)
    assert meter.pauses == [(pytest.approx(0.032), 0.5)]


def test_the_meter_ends_with_its_watch():
    with HostWatch() as watch:
        watch.rest()
    assert not any(thread.is_alive() for thread in watch._hiccups._threads)
