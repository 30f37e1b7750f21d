"""Is the scenario gate's own statement true, that it finds a fault which touches half a percent of the rows?

The real serving program serves the real model with a fault around it. One row in two hundred, by a checksum of its
values and of a number that changes with every injection, is answered five too high. Each injection asks the gate, with
a seed of its own, and counts whether it failed. First of all the gate must pass without a fault: a gate that always
fails would find everything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from bench.gates.claims import wilson
from bench.gates.context import Context, Fault
from slipway.core.verdict import Outcome, Verdict, decide
from slipway.runtime.ports import free_port
from slipway.settings import Settings
from slipway.specs import load_model, model_folder

if TYPE_CHECKING:
    from slipway.core.version import VersionFiles

INJECTIONS = 100
MODEL = "diabetes_progression"
READY_S = 60.0
PATIENCE_MS = 60_000
FILE = "power.json"
WRONG = "the reference says"
FAULT = Fault(
    setup="""
import os
import pathlib
import zlib
self.salt = pathlib.Path(os.environ["BENCH_SALT"])
self.checksum = zlib.crc32
""",
    after="""
salt = self.salt.read_text()
if salt:
    marks = [self.checksum((salt + repr(tuple(row))).encode()) for row in rows.astype(object).to_numpy().tolist()]
    answers = answers + 5.0 * np.array([mark % 200 == 0 for mark in marks])
""",
)

Say = Callable[[str], None]


def measure_power(folder: Path, *, injections: int, say: Say) -> list[bool]:
    """Inject faults one after another and return, for each, whether the gate failed; what is there already is kept.

    Raises
    ------
    RuntimeError
        If the gate does not pass without a fault.
    """
    done = read_power(folder)
    if len(done) >= injections:
        return done[:injections]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, _served(Path(work)) as (files, url, salt):
        control = _verdict(files, url, seed=0)
        if control.outcome is not Outcome.PASSED:
            raise RuntimeError(
                f"the scenario gate does not pass without a fault ({'; '.join(control.reasons[:3])}): "
                "its power cannot be measured"
            )
        begun, before = time.monotonic(), len(done)
        for number in range(before + 1, injections + 1):
            salt.write_text(f"{number}:", encoding="utf-8")
            verdict = _verdict(files, url, seed=number)
            # Any other failure would be one of the host, and no discovery.
            done.append(verdict.outcome is Outcome.FAILED and any(WRONG in reason for reason in verdict.reasons))
            (folder / FILE).write_text(json.dumps(done), encoding="utf-8")
            left = (time.monotonic() - begun) / (number - before) * (injections - number)
            say(f"  half-percent fault {number}/{injections}: {sum(done)} found · {left:.0f} s left")
    low, high = wilson(sum(done), len(done))
    say(f"half-percent faults: {sum(done)} of {len(done)} found, 95 % interval {low:.3f} to {high:.3f}")
    return done


def read_power(folder: Path) -> list[bool]:
    """Return the injections that were made, whether each was found; empty if there were none."""
    try:
        return [bool(found) for found in json.loads((folder / FILE).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def _verdict(files: VersionFiles, url: str, *, seed: int) -> Verdict:
    from slipway.scenarios.gate import run_scenarios

    settings = Settings.load()
    with tempfile.TemporaryDirectory() as out:
        findings = run_scenarios(
            files=files,
            spec=load_model(settings, MODEL),
            model_folder=model_folder(settings, MODEL),
            url=url,
            out=Path(out),
            seed=seed,
        )
    return decide(findings.measurements)


@contextmanager
def _served(work: Path) -> Iterator[tuple[VersionFiles, str, Path]]:
    """Register the faulty version in a registry of its own, serve it, and yield its files, its address and the salt."""
    from slipway.registry.mlflow_registry import Registry

    uri = f"sqlite:///{work}/mlflow.db"
    salt = work / "salt"
    salt.write_text("", encoding="utf-8")
    os.environ["BENCH_SALT"] = str(salt)
    context = Context(MODEL, uri)
    version = context.wrap(FAULT)
    files = Registry(uri, cache=work / "versions").files(MODEL, version)
    signature = load_model(Settings.load(), MODEL).to_signature()
    config = work / "serving.json"
    # This is about answers: on a busy host the server must not turn requests away for being late.
    told = {**files.subject.to_json(), "signature": signature.to_json(), "objectives": {"p99_ms": PATIENCE_MS}}
    config.write_text(json.dumps(told), encoding="utf-8")
    port = free_port("127.0.0.1")
    command = ["-m", "slipway.serving", "--config", str(config), "--model", str(files.model), "--port", str(port)]
    with (work / "serving.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, *command], stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_ready(server, url, work / "serving.log")
            yield files, url, salt
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{url}/v2/health/ready", timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the serving program did not become ready; its log ends: {log.read_text()[-1500:]}")
