"""How soon the fleet's pages begin to arrive, with 1,000 models and 100,000 ledger entries behind them.

The pages come from a real Airflow api-server, over HTTP on the loopback, to a viewer with a token: login, roles and
middleware are part of the time. A first byte is the first of the answer's head, counted from when the request is sent
on a connection that is open.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bench.governance.fleet import make_fleet
from bench.results import Claim
from slipway.fleet.store import FILE
from slipway.ledger.entries import EntryKind
from slipway.ledger.store import Ledger
from slipway.settings import Settings
from slipway.stack import airflow

MODELS, ENTRIES = 1_000, 100_000
LIMIT_MS = 300.0
REQUESTS, AFTER_ENTRY = 200, 50
START_SECONDS = 900.0
VIEWER = "viewer"
INVENTORY = (
    "",
    "?text=churn",
    "?sort=age&down=1",
    "?drift=page&sort=retention",
    "?page=7",
    "?owner=oncology&tier=high",
)
MODEL_PAGES = ("", "?show=decisions", "?at=2026-06-01T10:00", "?versions=all")


@dataclass(frozen=True, slots=True)
class Server:
    """A running api-server, and who asks it."""

    port: int
    token: str

    def ask(self, connection: http.client.HTTPConnection, path: str) -> tuple[float, str]:
        """Return the milliseconds until the first byte of an answer, and its text."""
        begin = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = connection.getresponse()
        first = (time.perf_counter() - begin) * 1000
        text = answer.read().decode()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:300]}")
        return first, text

    def connect(self) -> http.client.HTTPConnection:
        """Open a connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)


def measure(
    *, models: int = MODELS, entries: int = ENTRIES, say: Callable[[str], None] = print, folder: Path | None = None
) -> list[Claim]:
    """Make the fleet, serve it, ask for its pages, and return what was measured.

    Parameters
    ----------
    models, entries : int
    say : callable
        Takes one line of progress.
    folder : Path, optional
        A fleet that was made before, or where to make it; a temporary one if not given.
    """
    with tempfile.TemporaryDirectory() as temporary:
        settings = project(folder or Path(temporary))
        ledger = Ledger(settings.ledger_url)
        if not ledger.head().seq:
            begin = time.monotonic()
            make_fleet(settings, models=models, entries=entries, until=datetime.now(UTC))
            say(f"{models:,} models, {ledger.head().seq:,} entries made in {time.monotonic() - begin:.0f} s")
        for end in ("", "-wal", "-shm"):
            (settings.var / f"{FILE}{end}").unlink(missing_ok=True)
        names = sorted(path.parent.name for path in settings.models.glob("*/model.yaml"))
        with api_server(settings, say) as server:
            first = _first_ever(server, say)
            warm = _warm(server, names)
            after = _after_entry(server, ledger, names)
        with api_server(settings, say) as server:
            restarted, text = server.ask(server.connect(), "/slipway/fleet")
            say(f"after a restart: first byte {restarted:.0f} ms, at {_seen(text):,} of {ledger.head().seq:,} entries")
    return _claims(warm, after, first, restarted, len(names), ledger_entries=ENTRIES if entries == ENTRIES else entries)


def project(folder: Path) -> Settings:
    """Return the settings of a project in a folder, with this checkout's plugin."""
    for part in ("include/models", "dags", "plugins"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    plugin = folder / "plugins" / "slipway_airflow"
    if not plugin.exists():
        source = Path(__file__).resolve().parents[2] / "plugins" / "slipway_airflow"
        plugin.symlink_to(source, target_is_directory=True)
    return Settings.load({"SLIPWAY_ROOT": str(folder)})


@contextmanager
def api_server(settings: Settings, say: Callable[[str], None]) -> Iterator[Server]:
    """Run Airflow's api-server alone for the length of a block, with a viewer who has logged in."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = airflow.airflow_environment(settings, port=port, caller=dict(os.environ))
    env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] += f",{VIEWER}:viewer"
    words = airflow.passwords(settings) | {VIEWER: "a word of the benchmark"}
    (airflow.home(settings) / airflow.PASSWORD_FILE).write_text(json.dumps(words))
    airflow.migrate(settings, env, progress=say)
    log = settings.var / "api-server.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            airflow.COMMANDS[airflow.API], env=env, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield Server(port, _token(port, words[VIEWER], process, log))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _token(port: int, word: str, process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            asked = {"username": VIEWER, "password": word}
            answer = httpx.post(f"{airflow.url(port)}/auth/token", json=asked, timeout=60, trust_env=False)
            return str(answer.raise_for_status().json()["access_token"])
        except httpx.TransportError:
            time.sleep(0.3)
    raise RuntimeError(f"the api-server did not start:\n{log.read_text()[-2000:]}")


def _first_ever(server: Server, say: Callable[[str], None]) -> tuple[float, float]:
    """Return the first request's first byte without any summary, in ms, and the seconds until all was read."""
    begin = time.monotonic()
    connection = server.connect()
    first, text = server.ask(connection, "/slipway/fleet")
    while "being read" in text:
        time.sleep(0.5)
        _, text = server.ask(connection, "/slipway/fleet")
    seconds = time.monotonic() - begin
    say(f"first request ever: first byte {first:.0f} ms; all of {_seen(text):,} entries read after {seconds:.1f} s")
    return first, seconds


def _warm(server: Server, names: list[str]) -> dict[str, list[float]]:
    """Return first bytes by page; the model pages are of many models, the one with most entries among them."""
    connection = server.connect()
    paths = {
        "inventory": [f"/slipway/fleet{INVENTORY[n % len(INVENTORY)]}" for n in range(REQUESTS)],
        "model": [
            f"/slipway/fleet/{names[n * 37 % len(names)] if n % 4 else 'churn'}{MODEL_PAGES[n % len(MODEL_PAGES)]}"
            for n in range(REQUESTS)
        ],
        "api": ["/slipway/api/models" for _ in range(REQUESTS // 10)],
    }
    return {name: [server.ask(connection, path)[0] for path in each] for name, each in paths.items()}


def _after_entry(server: Server, ledger: Ledger, names: list[str]) -> list[float]:
    """Return first bytes of inventories asked for right after a new entry, each of which must have seen it."""
    connection, found = server.connect(), []
    for n in range(AFTER_ENTRY):
        payload = {"reason": "of the benchmark"}
        entry = ledger.append(EntryKind.ATTEMPT, model=names[n], version=1, actor="bench", payload=payload)
        first, text = server.ask(connection, "/slipway/fleet")
        if _seen(text) < entry.seq and "being read" not in text:
            raise RuntimeError(f"the page is as of entry {_seen(text)}, and does not say that {entry.seq} is missing")
        found.append(first)
    return found


def _seen(text: str) -> int:
    return int(text.split("as of ledger entry ")[1].split("<")[0].replace(",", ""))


def _p(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _claims(
    warm: dict[str, list[float]],
    after: list[float],
    first: tuple[float, float],
    restarted: float,
    models: int,
    *,
    ledger_entries: int,
) -> list[Claim]:
    pages = [*warm["inventory"], *warm["model"], *after]
    size = f"{models:,} models, {ledger_entries:,} entries"

    def claim(name: str, value: float, unit: str, n: int, against: str) -> Claim:
        return Claim(name=f"governance.{name}", value=round(value, 1), unit=unit, n=n, against=against)

    def spread(values: list[float]) -> str:
        return f"p50 {statistics.median(values):.0f}, p95 {_p(values, 0.95):.0f}, max {max(values):.0f} ms"

    told = f"limit {LIMIT_MS:.0f} ms; p95 over all pages, {spread(pages)}; {size}; Airflow's api-server, viewer's token"
    return [
        claim("page_first_byte_ms_1000_models", _p(pages, 0.95), "ms", len(pages), told),
        claim("page_inventory_first_byte_ms", _p(warm["inventory"], 0.95), "ms", REQUESTS, spread(warm["inventory"])),
        claim("page_model_first_byte_ms", _p(warm["model"], 0.95), "ms", REQUESTS, spread(warm["model"])),
        claim("page_after_entry_first_byte_ms", _p(after, 0.95), "ms", len(after), spread(after)),
        claim(
            "page_api_first_byte_ms",
            _p(warm["api"], 0.95),
            "ms",
            len(warm["api"]),
            f"all models; {spread(warm['api'])}",
        ),
        claim(
            "page_restart_first_byte_ms",
            restarted,
            "ms",
            1,
            "the first request after a restart, program import included",
        ),
        claim("page_first_ever_first_byte_ms", first[0], "ms", 1, "no summary yet: the page says how far it has come"),
        claim("page_rebuild_seconds", first[1], "s", 1, f"all summaries made anew from {size}"),
    ]


if __name__ == "__main__":
    for one in measure():
        print(f"{one.name:<44} {one.value:>10.1f} {one.unit:<3} n={one.n}  {one.against}")
