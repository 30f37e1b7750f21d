"""The runbooks of docs/runbooks.md, followed word for word on a stack that is broken on purpose."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from tests.integration.release.conftest import SLIPWAY

pytestmark = [pytest.mark.slow, pytest.mark.alone]

MODEL = "tumor_malignancy"


def pid_of(site, name):
    return next(s["pid"] for s in site.json("status")["services"] if s["name"] == name)


def kill_service(site, name):
    """End a service as a crash would, with whatever it had started."""
    os.killpg(pid_of(site, name), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while next(s["healthy"] for s in site.json("status")["services"] if s["name"] == name):
        assert time.monotonic() < deadline, f"{name} still answers"
        time.sleep(0.2)


def healthy(site):
    return {s["name"]: s["healthy"] for s in site.json("status")["services"]}


def rows(site, path):
    golden = next(p for p in site.settings.reports.rglob("golden.json") if MODEL in str(p))
    path.write_text(json.dumps(json.loads(golden.read_text())["rows"][:1]))
    return str(path)


def test_gateway_down(site, champions, tmp_path):
    file = rows(site, tmp_path / "rows.json")
    before = site.json("predict", MODEL, "--file", file)
    kill_service(site, "gateway")
    refused = site.run("predict", MODEL, "--file", file, check=False)
    assert refused.returncode == 1
    assert "What to do" in refused.stderr
    site.run("start")
    assert healthy(site)["gateway"]
    assert site.json("predict", MODEL, "--file", file) == before


def test_registry_down(site, champions, tmp_path):
    file = rows(site, tmp_path / "rows.json")
    serving = site.champion(MODEL)
    kill_service(site, "mlflow")
    assert site.json("predict", MODEL, "--file", file)["version"] == serving
    refused = site.run("release", MODEL, check=False)
    assert refused.returncode == 1
    assert "RegistryUnreachable" in refused.stderr and "What to do" in refused.stderr
    site.run("start")
    assert healthy(site)["mlflow"]
    assert site.champion(MODEL) == serving


def test_model_server_dead(site, champions, tmp_path):
    file = rows(site, tmp_path / "rows.json")
    before = site.json("predict", MODEL, "--file", file)
    route = next(r for r in site.json("status")["routes"] if r["model"] == MODEL and r["weight"])
    server = next(s for s in site.json("status")["servers"] if s["url"] == route["url"])
    if server["runtime"] == "docker":
        subprocess.run(["docker", "kill", server["id"]], check=True, capture_output=True)
    else:
        os.kill(int(server["id"].split(":")[1]), signal.SIGKILL)
    deadline = time.monotonic() + 20
    while next(r["alive"] for r in site.json("status")["routes"] if r["url"] == route["url"]):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    site.run("start")
    assert site.json("predict", MODEL, "--file", file) == before
    assert all(r["alive"] for r in site.json("status")["routes"] if r["weight"])


def test_ledger_broken(site, champions, tmp_path):
    ledger, broken = site.var / "ledger.db", tmp_path / "ledger.db"
    with sqlite3.connect(ledger) as source, sqlite3.connect(broken) as copy:
        source.backup(copy)
    backup = tmp_path / "backup.db"
    shutil.copy(broken, backup)
    with sqlite3.connect(broken) as database:
        database.execute("DROP TRIGGER ledger_no_update")
        database.execute("UPDATE ledger_entries SET actor = 'nobody' WHERE seq = 5")

    def verify(path):
        env = {**site.env, "SLIPWAY_LEDGER_URL": f"sqlite:///{path}"}
        return subprocess.run(
            [SLIPWAY, "ledger", "verify"], env=env, capture_output=True, text=True, timeout=120, check=False
        )

    found = verify(broken)
    assert found.returncode == 1
    assert "entry 5" in found.stderr and "What to do" in found.stderr
    assert verify(backup).returncode == 0
    site.run("ledger", "verify")
