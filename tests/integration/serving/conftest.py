"""Servers in processes of their own, and callers that hammer them."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

STUB = Path(__file__).with_name("stub.py")
SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """A server process and how to ask it."""

    def __init__(self, process, port) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    def wait_ready(self) -> "Running":
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/v2/health/ready", timeout=SECONDS).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"it did not get ready: {self.process.poll()}")

    def metric(self, line: str) -> float:
        """Return the value of one line of the metrics, 0 if it is not there."""
        text = httpx.get(f"{self.url}/metrics", timeout=SECONDS).text
        return next((float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line + " ")), 0.0)


@contextmanager
def running(command, port, **env):
    process = subprocess.Popen([sys.executable, *map(str, command)], env=os.environ | env)
    try:
        yield Running(process, port)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(SECONDS)


@pytest.fixture
def stub():
    """A function that starts a stub whose model takes so many seconds a call."""
    opened = []

    def start(seconds=0.0, **env):
        port = free_port()
        context = running([STUB, port, seconds], port, **env)
        opened.append(context)
        return context.__enter__().wait_ready()

    yield start
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def program(tmp_path):
    """A function that starts the program itself with a small scikit-learn model."""
    opened = []

    def start(model, signature, **env):
        port = free_port()
        config = tmp_path / "serving.json"
        subject = {"model": "plain", "version": 1, "artifact_sha256": "sha256:" + "0" * 64}
        config.write_text(json.dumps(subject | {"signature": signature.to_json()}))
        command = ["-m", "slipway.serving", "--config", config, "--model", model, "--port", port]
        context = running(command, port, **env)
        opened.append(context)
        return context.__enter__()

    yield start
    for context in opened:
        context.__exit__(None, None, None)


class Caller:
    """Sends on one connection until told to stop; opens a new one when the server says so."""

    def __init__(self, url: str, body: dict) -> None:
        self.url, self.body = url, body
        self.statuses: list[int] = []
        self.told_to_leave = False
        self.stop = False

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as http:
            while not self.stop:
                answer = await http.post(f"{self.url}/invocations", json=self.body)
                self.statuses.append(answer.status_code)
                if answer.headers.get("connection") == "close":
                    self.told_to_leave = self.stop = True
                await asyncio.sleep(0)


@pytest.fixture
def hammer():
    """A function that calls from many connections, does something meanwhile, and returns the callers."""

    def hammer(url, body, meanwhile, *, connections=8):
        callers = [Caller(url, body) for _ in range(connections)]

        async def all_together():
            tasks = [asyncio.create_task(caller.run()) for caller in callers]
            deadline = time.monotonic() + SECONDS
            while min(len(caller.statuses) for caller in callers) < 5 and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
            meanwhile()
            return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), SECONDS)

        return callers, [error for error in asyncio.run(all_together()) if error is not None]

    return hammer
