"""The whole gate against services in processes of their own: what is really faster is chosen, never a wrong answer."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from slipway.core.golden import Golden, Tolerance
from slipway.core.identity import Subject, digest_bytes
from slipway.core.loadprofile import LoadProfile, Stage
from slipway.core.serving_options import Mode, ServingOptions
from slipway.core.verdict import Outcome, decide
from slipway.errors import CommandError, ServiceError
from slipway.tuning import tune
from slipway.tuning.generator import Generator
from tests.fakes.specs import a_spec

SERVER = Path(__file__).with_name("stub_server.py")
GOLDEN = Golden(
    rows=tuple({"x": x} for x in range(20)),
    answers=tuple(float(10 * x) for x in range(20)),
    tolerance=Tolerance(absolute=1e-9, relative=0),
)
SUBJECT = Subject(
    model="churn", version=1, artifact_sha256=digest_bytes(b"artifact"), image_digest=digest_bytes(b"image")
)
BRIEF = LoadProfile(name="brief", description="a few seconds", stages=(Stage(1),), tuning_seconds=12)
# So long that no pause of a shared machine counts: what is compared here is throughput.
LIMITS = {"p95_ms": 4000, "p99_ms": 4000, "arrival_rate_per_s": 20, "startup_seconds": 20}


class Services:
    """Starts stub servers and remembers their processes."""

    def __init__(self, *, slow=0.0, how="right"):
        self.slow, self.how, self.processes, self.started = slow, how, [], []

    @contextmanager
    def launch(self, options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, str(SERVER), str(port), str(self.slow), self.how]
        process = subprocess.Popen(command, env={**os.environ, **options.to_env()})
        self.processes.append(process)
        self.started.append(options)
        try:
            self._ready(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()

    @staticmethod
    def _ready(process, port):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise ServiceError("the stub is not ready", remedy="look at its output")


def run(services, out, *, profile=BRIEF):
    spec = a_spec(objectives=LIMITS)
    said = []
    found = tune(
        spec=spec, subject=SUBJECT, golden=GOLDEN, profile=profile, launch=services.launch, out=out,
        progress=said.append,
    )  # fmt: skip
    assert all(process.poll() is not None for process in services.processes)
    assert any("requests/s" in line for line in said)
    return found


def value(found, name):
    return next(m for m in found.measurements if m.name == name)


def test_a_configuration_that_is_really_faster_is_chosen(tmp_path):
    found = run(Services(slow=0.01), tmp_path)
    chosen = ServingOptions.from_json(found.details["options"])
    assert chosen.mode is Mode.POOL
    assert decide(found.measurements).outcome is Outcome.PASSED
    assert value(found, "throughput.gain").value > 1.05
    assert value(found, "wrong_answers").n > 100
    (report,) = found.reports
    page = Path(report).read_text()
    assert "<svg" in page and "chosen: pool" in page and "requests/s at saturation" in page
    assert "http" not in page.split("</style>")[1]


def test_a_configuration_that_changes_answers_is_not_chosen_and_fails_the_gate(tmp_path):
    found = run(Services(slow=0.01, how="wrong"), tmp_path)
    assert ServingOptions.from_json(found.details["options"]).batch_rows == 1
    wrong = value(found, "wrong_answers")
    assert (decide(found.measurements).outcome, wrong.outcome) == (Outcome.FAILED, Outcome.FAILED)
    assert "b32" in wrong.note and "expected" in wrong.note


def test_a_default_that_does_not_start_is_an_error_and_nothing_is_left(tmp_path):
    class Broken(Services):
        def _ready(self, process, port):
            raise ServiceError("it is not ready", remedy="read its log")

    services = Broken()
    with pytest.raises(ServiceError, match="not ready"):
        run(services, tmp_path)
    assert [process.poll() is not None for process in services.processes] == [True]


def generator(tmp_path, **changes):
    given = {"rate_per_s": 50.0, "timeout_s": 0.5, "log": tmp_path / "generator.log", **changes}
    return Generator(GOLDEN, **given)


def test_the_generator_counts_what_does_not_answer(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with generator(tmp_path) as measures:
            found = measures.measure(url, saturate_s=0.1, paced_s=0.2, seed=0)
    assert (found.throughput, found.paced) == (0.0, 10)
    assert found.errors == found.requests
    assert "ConnectionRefusedError" in found.note
    assert found.p99_ms >= 500


def test_what_is_refused_at_saturation_is_no_error_and_no_throughput_but_one_at_the_arrival_rate(tmp_path):
    with Services(how="refuses").launch(ServingOptions()) as url, generator(tmp_path) as measures:
        full = measures.measure(url, saturate_s=0.4, paced_s=0, seed=0)
        paced = measures.measure(url, saturate_s=0.1, paced_s=0.4, seed=0)
    assert (full.errors, full.wrong) == (0, 0)
    assert 0 < full.refused < full.saturated
    assert full.throughput > 0
    assert paced.errors > 0
    assert "HTTP 429" in paced.note


def test_a_silent_service_is_waited_for_no_longer_than_the_timeout(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent, generator(tmp_path) as measures:
        found = measures.measure(f"http://127.0.0.1:{silent.getsockname()[1]}", saturate_s=0.1, paced_s=0.1, seed=0)
    assert found.errors == found.requests > 0
    assert "timeout" in found.note


def test_a_generator_that_was_killed_is_an_error(tmp_path):
    with generator(tmp_path) as measures:
        measures._process.kill()
        with pytest.raises(CommandError, match="generator ended"):
            measures.measure("http://127.0.0.1:9", saturate_s=0.1, paced_s=0, seed=0)


def test_the_generator_ends_with_its_block(tmp_path):
    with generator(tmp_path) as measures:
        process = measures._process
    assert process.poll() is not None
