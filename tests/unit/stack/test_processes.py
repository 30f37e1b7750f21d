import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from slipway.errors import StackError
from slipway.stack import processes
from slipway.stack.processes import Identity

# A leader with a child that leaves its process group, as Airflow's tasks do; both deaf to SIGTERM where asked.
FAMILY = """
import os, signal, sys, time
if sys.argv[1] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def spawn(tmp_path):
    started = []

    def start(*command):
        identity = processes.spawn(command, env=os.environ, log=tmp_path / "out.log", cwd=tmp_path)
        started.append(identity)
        return identity

    yield start
    processes.end(started, grace_s=0.2)


@pytest.fixture
def family(spawn, tmp_path):
    def start(kind="polite"):
        identity = spawn(sys.executable, "-c", FAMILY, kind)
        deadline = time.monotonic() + 20
        while (tmp_path / "out.log").read_text().count("ready") < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        return identity, [process.pid for process in processes.members([identity])]

    return start


KINDS = {"polite": 10.0, "deaf": 0.3}


@pytest.mark.parametrize(("kind", "grace_s"), KINDS.items(), ids=KINDS)
def test_ending_a_service_ends_its_whole_session(family, kind, grace_s):
    identity, pids = family(kind)
    assert len(pids) == 2
    processes.end([identity], grace_s=grace_s)
    assert not processes.alive(identity)
    assert not processes.members([identity])
    assert not any(_runs(pid) for pid in pids)


def test_what_a_killed_leader_leaves_behind_is_still_found(family):
    identity, pids = family()
    os.kill(identity.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while processes.alive(identity) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [process.pid for process in processes.members([identity])] == [pid for pid in pids if pid != identity.pid]
    processes.end([identity])
    assert not any(_runs(pid) for pid in pids)


def test_a_process_in_a_session_of_its_own_is_left_alone(spawn, tmp_path):
    leader = spawn("sleep", "60")
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        processes.end([leader])
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_pid_that_went_to_somebody_else_is_left_alone(spawn):
    identity = spawn("sleep", "60")
    stranger = Identity(identity.pid, identity.created - 100)
    assert not processes.alive(stranger)
    assert processes.members([stranger]) == []
    processes.end([stranger])
    assert processes.alive(identity)


def test_nothing_of_before_a_reboot_is_ours(spawn):
    identity = spawn("sleep", "60")
    assert processes.members([Identity(identity.pid, psutil.boot_time() - 1000)]) == []


def test_a_process_that_has_ended_is_not_alive(spawn):
    identity = spawn("true")
    deadline = time.monotonic() + 5
    while processes.alive(identity) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.alive(identity)
    processes.end([identity])


def test_a_program_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(StackError, match="no-such-program cannot be started"):
        processes.spawn(["no-such-program"], env={}, log=tmp_path / "x.log", cwd=tmp_path)


def test_running_to_the_end_gives_the_status_and_the_output(tmp_path):
    log = tmp_path / "x.log"
    status = processes.run(["sh", "-c", "echo out; exit 3"], env=os.environ, log=log, cwd=tmp_path, timeout_s=20)
    assert (status, processes.tail(log)) == (3, "out")


def test_running_too_long_is_an_error_and_ends_the_program(tmp_path):
    with pytest.raises(StackError, match="took longer than"):
        processes.run(["sleep", "61"], env=os.environ, log=tmp_path / "x.log", cwd=tmp_path, timeout_s=0.2)
    assert not [p for p in psutil.Process().children() if p.name() == "sleep" and p.cmdline()[-1:] == ["61"]]


def test_the_log_of_the_run_before_is_kept(tmp_path):
    for word in ("first", "second"):
        processes.run(["echo", word], env=os.environ, log=tmp_path / "x.log", cwd=tmp_path, timeout_s=20)
    assert (tmp_path / "x.log").read_text() == "second\n"
    assert (tmp_path / "x.log.1").read_text() == "first\n"


def test_the_tail_of_a_log_is_its_last_lines(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("\n".join(str(number) for number in range(100)))
    assert processes.tail(log, 2) == "98\n99"
    assert processes.tail(tmp_path / "none.log") == ""


def _runs(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
