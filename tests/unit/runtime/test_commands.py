"""Outside programs are bounded in time and in output, and nothing of them stays behind."""

import os
import sys
import time

import psutil
import pytest

from slipway.errors import CommandError
from slipway.runtime.commands import run

PYTHON = sys.executable


def python(code, **options):
    return run([PYTHON, "-c", code], **{"timeout_s": 20, **options})


def test_both_streams_and_the_return_code_come_back():
    done = python("import sys; print('out'); print('err', file=sys.stderr)")
    assert (done.returncode, done.stdout, done.stderr, done.truncated) == (0, "out\n", "err\n", False)


def test_input_arrives_and_may_be_larger_than_a_pipe():
    text = "x" * 1_000_000
    assert python("import sys; print(len(sys.stdin.read()))", input=text).stdout.strip() == "1000000"


def test_a_program_that_closes_its_input_early_is_not_an_error():
    assert python("import os; os.close(0); print('done')", input="x" * 1_000_000).stdout.strip() == "done"


def test_no_shell_reads_the_arguments():
    assert (
        run([PYTHON, "-c", "import sys; print(sys.argv[1])", "$HOME; echo x"], timeout_s=20).stdout == "$HOME; echo x\n"
    )


def test_the_environment_is_exactly_what_was_given(tmp_path):
    done = python(
        "import os; print(os.environ.get('A'), os.environ.get('SECRET'), os.getcwd())", env={"A": "1"}, cwd=tmp_path
    )
    assert done.stdout.split() == ["1", "None", str(tmp_path)]


def test_a_failure_says_what_the_program_said():
    with pytest.raises(CommandError, match=r"ended with 3: .*no such column"):
        python("import sys; sys.exit(print('no such column', file=sys.stderr) or 3)")


def test_a_failure_can_be_looked_at_instead():
    assert python("raise SystemExit(7)", check=False).returncode == 7


def test_a_missing_program_is_named():
    with pytest.raises(CommandError, match="no-such-program cannot be started"):
        run(["no-such-program"], timeout_s=5)


def test_of_too_much_output_the_end_is_kept():
    done = python("for i in range(100000): print(i)", max_output=1000)
    assert done.truncated
    assert len(done.stdout) <= 1000
    assert done.stdout.endswith("99999\n")


def test_undecodable_bytes_do_not_hurt():
    assert "�" in python("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')").stdout


def test_time_runs_out_for_the_whole_group(tmp_path):
    pids = tmp_path / "pids"
    code = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("last words", flush=True)
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
time.sleep(60)
"""
    with pytest.raises(CommandError, match="ran for more than 2 s and was killed; its last words: last words"):
        python(code, timeout_s=2)
    gone(int(pid) for pid in pids.read_text().split())


def test_a_grandchild_that_keeps_the_pipes_open_does_not_keep_us(tmp_path):
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('x')"
    started = time.monotonic()
    assert python(code).stdout == "x\n"
    assert time.monotonic() - started < 30


def test_an_interruption_takes_the_program_along(tmp_path):
    pid_file = tmp_path / "pid"
    code = f"""
import os, signal, threading
from slipway.runtime.commands import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born ignoring it
threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
inner = "import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
run([{PYTHON!r}, "-c", inner], timeout_s=50)
"""
    done = python(code, check=False)
    assert done.returncode != 0
    assert "KeyboardInterrupt" in done.stderr
    gone([int(pid_file.read_text())])


def gone(pids):
    for pid in pids:
        for _ in range(100):
            if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                break
            time.sleep(0.05)
        else:
            os.kill(pid, 9)
            pytest.fail(f"process {pid} is still there")
