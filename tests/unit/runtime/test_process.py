"""Services as processes: detached, found again, and never mistaken for somebody else's process."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, RuntimeName, ServiceSpec
from slipway.errors import ServiceError, StaleHandleError
from slipway.runtime.process import IMAGE_FILE, ProcessRuntime
from slipway.settings import Settings

DIGEST = "sha256:" + "a" * 64
# Takes the real program's arguments and answers on its health address; what else it does is set by the environment.
STAND_IN = """
import http.server, json, os, signal, sys, threading
if os.environ.get("DIE"):
    sys.exit("cannot load the model: " + os.environ["DIE"])
if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if os.environ.get("NEVER_READY") else 200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert os.path.exists(given["--config"]) and os.path.isdir(given["--model"])
from pathlib import Path
Path("~/.stand-in").expanduser().write_text("what a library leaves at home")
print("serving", flush=True)
http.server.ThreadingHTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
"""


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return Settings(root=tmp_path, var=tmp_path / "var")


@pytest.fixture
def image(tmp_path):
    folder = tmp_path / "built"
    package = folder / "app" / "slipway" / "serving"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN)
    (folder / "model").mkdir()
    (folder / "serving.json").write_text("{}")
    (folder / IMAGE_FILE).write_text(json.dumps({"python": sys.executable}))
    return BuiltImage(
        digest=DIGEST,
        reference=str(folder),
        runtime=RuntimeName.PROCESS,
        python_version="3.11",
        lock_sha256=DIGEST,
    )


@pytest.fixture
def spec(image):
    def make(name="churn-v1", **env):
        return ServiceSpec(
            name=name, image=image, subject=Subject(model="churn", version=1, artifact_sha256=DIGEST), env=env
        )

    return make


@pytest.fixture
def runtime(settings):
    runtime = ProcessRuntime(settings)
    yield runtime
    for handle in runtime.list():
        runtime.stop(handle, grace_s=0)


def pid(handle):
    return int(handle.id.split(":")[1])


def test_a_service_starts_answers_is_found_and_stops(runtime, spec):
    handle = runtime.start(spec())
    assert runtime.wait_ready(handle, timeout_s=20) > 0
    assert runtime.is_alive(handle)
    assert runtime.find("churn-v1") == handle
    assert runtime.list() == [handle]
    assert "serving" in runtime.logs(handle)
    assert runtime.peak_memory_mb(handle) > 1
    runtime.stop(handle)
    assert not runtime.is_alive(handle)
    assert (runtime.find("churn-v1"), runtime.list(), runtime.peak_memory_mb(handle)) == (None, [], None)
    assert not psutil.pid_exists(pid(handle))


def test_stopping_twice_is_fine(runtime, spec):
    handle = runtime.start(spec())
    runtime.stop(handle, grace_s=0)
    runtime.stop(handle)


def test_one_that_ignores_the_signal_is_killed(runtime, spec):
    handle = runtime.start(spec(STUBBORN="1"))
    runtime.wait_ready(handle, timeout_s=20)
    runtime.stop(handle, grace_s=0.3)
    assert not psutil.pid_exists(pid(handle))


def test_starting_again_replaces_the_leftover(runtime, spec):
    first = runtime.start(spec())
    second = runtime.start(spec())
    assert first.id != second.id
    assert not runtime.is_alive(first)
    assert runtime.list() == [second]


def test_stopping_one_that_was_replaced_leaves_the_replacement(runtime, spec):
    first = runtime.start(spec())
    second = runtime.start(spec())
    with pytest.raises(StaleHandleError, match="is now"):
        runtime.stop(first)
    assert runtime.is_alive(second)


def test_two_services_run_beside_each_other(runtime, spec):
    handles = [runtime.start(spec("churn-v1")), runtime.start(spec("churn-v2"))]
    assert runtime.list() == handles
    assert handles[0].port != handles[1].port


def test_one_that_dies_says_why(runtime, spec):
    handle = runtime.start(spec(DIE="bad magic number"))
    with pytest.raises(ServiceError, match=r"churn-v1 died.*\n.*bad magic number"):
        runtime.wait_ready(handle, timeout_s=20)


def test_one_that_is_late_says_so(runtime, spec):
    handle = runtime.start(spec(NEVER_READY="1"))
    with pytest.raises(ServiceError, match=r"not ready after 0.5 s"):
        runtime.wait_ready(handle, timeout_s=0.5)


def test_a_pid_that_was_handed_out_again_is_never_killed(runtime, spec):
    handle = runtime.start(spec())
    runtime.stop(handle, grace_s=0)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        try:
            created = psutil.Process(stranger.pid).create_time()
            stale = replace(handle, id=f"pid:{stranger.pid}:{created - 5:.2f}")
            state = runtime._state_file("churn-v1")
            state.write_text(json.dumps({"handle": stale.to_json()}))
            assert not runtime.is_alive(stale)
            runtime.stop(stale, grace_s=0)
            assert runtime.find("churn-v1") is None
            runtime.start(spec())
            assert stranger.poll() is None
        finally:
            stranger.kill()


@pytest.mark.parametrize("text", ["{", "{}", '{"handle": {"name": "x"}}'], ids=["cut off", "empty", "half"])
def test_a_state_file_that_says_nothing_does_not_hinder(runtime, spec, text):
    state = runtime._state_file("churn-v1")
    state.parent.mkdir(parents=True)
    state.write_text(text)
    assert runtime.find("churn-v1") is None
    handle = runtime.start(spec())
    assert runtime.find("churn-v1") == handle


def test_a_state_file_of_a_dead_service_is_cleaned_up(runtime, spec):
    handle = runtime.start(spec())
    psutil.Process(pid(handle)).kill()
    psutil.Process(pid(handle)).wait(10)
    assert runtime.find("churn-v1") is None
    assert not runtime._state_file("churn-v1").exists()


def test_a_service_outlives_the_program_that_started_it(runtime, spec, settings, image):
    code = f"""
        from pathlib import Path
        from slipway.core.identity import Subject
        from slipway.core.service import BuiltImage, ServiceSpec
        from slipway.runtime.process import ProcessRuntime
        from slipway.settings import Settings
        image = BuiltImage.from_json({image.to_json()!r})
        subject = Subject(model="churn", version=1, artifact_sha256={DIGEST!r})
        runtime = ProcessRuntime(Settings(root=Path({str(settings.root)!r}), var=Path({str(settings.var)!r})))
        print(runtime.start(ServiceSpec(name="churn-v1", image=image, subject=subject)).id)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    handle = runtime.find("churn-v1")
    assert handle.id == done.stdout.strip()
    runtime.wait_ready(handle, timeout_s=20)
    assert os.getsid(pid(handle)) == pid(handle)


def test_nothing_of_our_environment_leaks_in(runtime, spec, monkeypatch, image):
    import urllib.request

    monkeypatch.setenv("SLIPWAY_AIRFLOW_PASSWORD", "secret")
    handle = runtime.start(spec(WANTED="1"))
    runtime.wait_ready(handle, timeout_s=20)
    seen = json.loads(urllib.request.urlopen(handle.url, timeout=5).read())
    assert seen["WANTED"] == "1"
    assert seen["PYTHONPATH"] == str(Path(image.reference) / "app")
    assert "SLIPWAY_AIRFLOW_PASSWORD" not in seen


def test_a_service_is_told_where_its_prediction_log_goes(runtime, spec, tmp_path):
    import urllib.request

    handle = runtime.start(replace(spec(), prediction_log=tmp_path / "predictions"))
    runtime.wait_ready(handle, timeout_s=20)
    seen = json.loads(urllib.request.urlopen(handle.url, timeout=5).read())
    assert seen["SLIPWAY_SERVING_LOG_DIR"] == str(tmp_path / "predictions")


def test_running_changes_no_file_of_the_image(runtime, spec, image):
    before = sorted(Path(image.reference).rglob("*"))
    runtime.wait_ready(runtime.start(spec()), timeout_s=20)
    assert sorted(Path(image.reference).rglob("*")) == before


@pytest.mark.parametrize("note", [None, {}, {"python": "/nonexistent/python"}, {"python": "python"}])
def test_a_folder_without_its_interpreter_is_not_started(runtime, spec, image, note):
    path = Path(image.reference) / IMAGE_FILE
    path.unlink() if note is None else path.write_text(json.dumps(note))
    with pytest.raises(ServiceError, match="build the image again"):
        runtime.start(spec())
