from __future__ import annotations

from slipway.loadtest.host import HostSample, HostWatch, summarise


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
