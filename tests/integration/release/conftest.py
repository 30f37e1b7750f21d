"""One embedded stack for all release tests, and the command-line program as a person uses it."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import httpx
import pytest

from slipway.ledger import Ledger
from slipway.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
RUNTIME = "process" if os.environ.get("SLIPWAY_RUNTIME") == "process" else "docker"
SLIPWAY = Path(sys.executable).parent / "slipway"
RELEASE_LIMIT_S = 600


@dataclass
class Site:
    """An embedded stack in a folder of its own, driven through the program."""

    var: Path
    runtime: str
    env: dict = field(init=False)

    def __post_init__(self):
        own = {
            "SLIPWAY_VAR": str(self.var),
            "SLIPWAY_RUNTIME": self.runtime,
            # wheels are content-addressed: fetched once for the checkout, verified at each use
            "SLIPWAY_WHEEL_DIR": str(ROOT / "var" / "wheels"),
            "PATH": f"{SLIPWAY.parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLIPWAY_", "AIRFLOW", "MLFLOW_"))}
        self.env = {**kept, **own}

    @property
    def settings(self):
        return Settings.load(self.env)

    def run(self, *args, check=True, timeout=RELEASE_LIMIT_S):
        done = subprocess.run(
            [SLIPWAY, *args], env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert not check or done.returncode == 0, (
            f"slipway {' '.join(args)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )
        return done

    def json(self, *args):
        return json.loads(self.run(*args, "--json").stdout)

    def train(self, model, seed=0):
        return self.json("train", model, "--seed", str(seed))["version"]

    def release(self, model, version, *, while_waiting=None, decision="approve"):
        """Release to the end; where a person is waited for, run ``while_waiting`` and then decide as the officer."""
        args = [SLIPWAY, "release", model, "--version", str(version), "--load-profile", "smoke", "--follow"]
        process = subprocess.Popen(args, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines, told = [], False
        timer = threading.Timer(RELEASE_LIMIT_S, process.kill)
        timer.start()
        try:
            for line in process.stdout:
                lines.append(line)
                if "waits for a person" in line and not told:
                    told = True
                    if while_waiting:
                        while_waiting()
                    self.run(decision, model, "--as", "officer", "--comment", "seen")
        finally:
            timer.cancel()
            process.wait()
        return process.returncode, "".join(lines)

    def champion(self, model):
        return {m["name"]: m["champion"] for m in self.json("models")}[model]

    @cached_property
    def ledger(self):
        return Ledger(self.settings.ledger_url)

    def evidence(self, model, version):
        return [item.to_json() for item in self.ledger.evidence(model, version)]

    def entries(self, model):
        return [entry.to_json() for entry in self.ledger.entries(model=model)]


def a_site(folder, runtime):
    site = Site(folder, runtime)
    if runtime == "docker":
        up = subprocess.run(["docker", "info"], capture_output=True, check=False)
        assert up.returncode == 0, "no container engine answers: start one, or set SLIPWAY_RUNTIME=process"
    try:
        site.run("start", timeout=300)
        yield site
    finally:
        site.run("stop", timeout=120)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    yield from a_site(tmp_path_factory.mktemp("site"), RUNTIME)


@pytest.fixture(scope="session")
def champions(site):
    """Both example models in production, each by a real release; the releases' output by model."""
    said = {}
    for model in ("tumor_malignancy", "diabetes_progression"):
        version = site.train(model)
        code, said[model] = site.release(model, version)
        assert code == 0, said[model]
    return said


class Client(threading.Thread):
    """Asks a model through the gateway for as long as the tests last, and counts what was not answered."""

    def __init__(self, site, model):
        super().__init__(daemon=True)
        self.url = f"{site.settings.gateway_url}/models/{model}/invocations"
        golden = next(p for p in site.settings.reports.rglob("golden.json") if model in str(p))
        self.body = {"dataframe_records": json.loads(golden.read_text())["rows"][:1]}
        self.stopping = threading.Event()
        self.answered, self.failed = 0, []

    def run(self):
        with httpx.Client(timeout=10) as client:
            while not self.stopping.is_set():
                try:
                    reply = client.post(self.url, json=self.body)
                    if reply.status_code == 200:
                        self.answered += 1
                    else:
                        self.failed.append(f"{reply.status_code} {reply.text[:200]}")
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                time.sleep(0.5)

    def stop(self):
        self.stopping.set()
        self.join(timeout=15)


@pytest.fixture(scope="session")
def clients(site, champions):
    """Clients of both champions, from their release to the end of the session."""
    found = {model: Client(site, model) for model in champions}
    for client in found.values():
        client.start()
    yield found
    for client in found.values():
        client.stop()
