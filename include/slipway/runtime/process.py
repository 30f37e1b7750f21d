"""Services as processes of this machine: the same serving program, where there is no container engine.

Rules
-----
1. A service outlives the worker that started it: it has a session of its own, a log file and a state file.
2. Its identity is its pid and the moment at which that process started. A pid with another start time is somebody
   else's, and is never signalled.
3. Memory and processor limits are not enforced here; a container does that.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from slipway.core.service import RuntimeName, ServiceHandle, ServiceSpec
from slipway.errors import ServiceError, StaleHandleError
from slipway.runtime.files import locked, read_json, write_json
from slipway.runtime.labels import LOG_DIR, project_id, service_labels
from slipway.runtime.ports import free_port, poll_ready
from slipway.settings import Settings

IMAGE_FILE = "image.json"
"""In a built folder: names the interpreter (``python``) that its wheels are installed for."""

_LOCK_TIMEOUT_S = 60
_KILL_WAIT_S = 5
# A start time is reckoned from the boot time, which moves by up to a second when the clock is set. For a pid to be
# handed out again takes the kernel far longer than that.
_SAME_START_S = 1.5


class ProcessRuntime:
    """Runs services as detached processes; their state lies in ``<var>/services``."""

    name = RuntimeName.PROCESS

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.var / "services"
        self._host = settings.service_host
        self._project = project_id(settings)

    def start(self, spec: ServiceSpec) -> ServiceHandle:
        """Start the serving program from the built folder; a leftover under the same name is stopped first.

        Raises
        ------
        ServiceError
            If the folder or its interpreter is missing, or the process cannot be started.
        """
        folder = Path(spec.image.reference)
        python = _interpreter(folder)
        with locked(self._folder / f"{spec.name}.lock", timeout_s=_LOCK_TIMEOUT_S):
            leftover = self._state(spec.name)
            if leftover is not None:
                self._terminate(leftover.id, grace_s=2)
            port = free_port(self._host)
            process = self._spawn(spec, [str(python), *_arguments(folder, self._host, port)], folder)
            handle = ServiceHandle(
                runtime=self.name,
                name=spec.name,
                id=f"pid:{process.pid}:{process.create_time():.2f}",
                host=self._host,
                port=port,
                image_digest=spec.image.digest,
            )
            write_json(
                self._state_file(spec.name),
                {"handle": handle.to_json(), "labels": service_labels(spec, self._project)},
            )
        return handle

    def wait_ready(self, handle: ServiceHandle, *, timeout_s: float) -> float:
        """Return the seconds until it was ready; ServiceError, with the end of its log, if it died or was late."""

        def check_alive() -> None:
            if not self.is_alive(handle):
                raise ServiceError(
                    f"{handle.name} died. Its log ends:\n{self.logs(handle)[-1500:]}",
                    remedy="correct what its log says, then start it again",
                )

        seconds = poll_ready(handle.host, handle.port, timeout_s=timeout_s, check_alive=check_alive)
        if seconds is None:
            raise ServiceError(
                f"{handle.name} was not ready after {timeout_s:g} s. Its log ends:\n{self.logs(handle)[-1500:]}",
                remedy="look at its log, or allow it more time to start",
            )
        return seconds

    def is_alive(self, handle: ServiceHandle) -> bool:
        """Tell whether exactly this process still runs."""
        return _process(handle.id) is not None

    def stop(self, handle: ServiceHandle, *, grace_s: float = 10) -> None:
        """Send SIGTERM, kill after ``grace_s``, forget its state.

        Raises
        ------
        StaleHandleError
            If this process is gone and another one runs under its name.
        """
        with locked(self._folder / f"{handle.name}.lock", timeout_s=_LOCK_TIMEOUT_S):
            current = self._state(handle.name)
            if _process(handle.id) is None and current is not None and current.id != handle.id:
                raise StaleHandleError(
                    f"{handle.name} is now {current.id}, not {handle.id}",
                    remedy="find the service again by its name, then decide",
                )
            self._terminate(handle.id, grace_s=grace_s)
            if current is None or current.id == handle.id:
                self._state_file(handle.name).unlink(missing_ok=True)

    def find(self, name: str) -> ServiceHandle | None:
        """Return the running service of that name."""
        return self._state(name)

    def list(self) -> list[ServiceHandle]:
        """Return every service of this project that runs, by name."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        return [handle for name in names if (handle := self._state(name)) is not None]

    def logs(self, handle: ServiceHandle, *, max_bytes: int = 20_000) -> str:
        """Return the end of its log; empty if there is none."""
        try:
            with self._log_file(handle.name).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - max_bytes))
                return file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""

    def peak_memory_mb(self, handle: ServiceHandle) -> float | None:
        """Return the memory in MiB of it and its children, the peak where the kernel tells it; None if unknown."""
        process = _process(handle.id)
        if process is None:
            return None
        try:
            members = [process, *process.children(recursive=True)]
            return sum(_peak_bytes(member) for member in members) / 2**20
        except psutil.Error:
            return None

    def _state_file(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    def _log_file(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _state(self, name: str) -> ServiceHandle | None:
        """Return the recorded service if it runs; a record of one that does not is removed."""
        data = read_json(self._state_file(name))
        if data is None:
            return None
        try:
            handle = ServiceHandle.from_json(data["handle"])
        except (KeyError, TypeError, ValueError):
            handle = None
        if handle is None or _process(handle.id) is None:
            self._state_file(name).unlink(missing_ok=True)
            return None
        return handle

    def _spawn(self, spec: ServiceSpec, command: Sequence[str], folder: Path) -> psutil.Process:
        try:
            with self._log_file(spec.name).open("wb") as log:
                child = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=_environment(folder, {**spec.env, **_log_env(spec)}),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            return psutil.Process(child.pid)
        except (OSError, psutil.Error) as error:
            raise ServiceError(
                f"{spec.name} cannot be started: {error}", remedy="build the image again, then start it"
            ) from error

    def _terminate(self, service_id: str, *, grace_s: float) -> None:
        process = _process(service_id)
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            members = [process, *process.children(recursive=True)]
            process.terminate()
            _, left = psutil.wait_procs(members, timeout=grace_s)
            for member in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    member.kill()  # psutil checks the start time again before it sends a signal
            _, left = psutil.wait_procs(left, timeout=_KILL_WAIT_S)
            if left:
                raise ServiceError(f"{service_id} does not end", remedy="look at what keeps it in the kernel")


def _process(service_id: str) -> psutil.Process | None:
    """Return the process with this pid and this start time, if it runs."""
    try:
        _, pid, created = service_id.split(":")
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(created)) <= _SAME_START_S
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (ValueError, psutil.Error):
        return None


def _interpreter(folder: Path) -> Path:
    python = Path((read_json(folder / IMAGE_FILE) or {}).get("python", ""))
    if not python.is_absolute() or not python.exists():
        raise ServiceError(f"{folder} is not a built model, or its interpreter is gone", remedy="build the image again")
    return python


def _arguments(folder: Path, host: str, port: int) -> list[str]:
    config, model = folder / "serving.json", folder / "model"
    return [
        "-m",
        "slipway.serving",
        "--config",
        str(config),
        "--model",
        str(model),
        "--host",
        host,
        "--port",
        str(port),
    ]


def _environment(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    scratch = os.environ.get("TMPDIR", "/tmp")
    # Nothing of ours leaks in: no credentials, no PYTHONPATH, no proxy.
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        # As in a container: what a library leaves at home must not become part of what was tested.
        "HOME": scratch,
        "TMPDIR": scratch,
        "PYTHONDONTWRITEBYTECODE": "1",  # the folder's digest must stay what it is
        "PYTHONUNBUFFERED": "1",
        **extra,
        "PYTHONPATH": str(folder / "app"),
    }


def _log_env(spec: ServiceSpec) -> dict[str, str]:
    return {} if spec.prediction_log is None else {LOG_DIR: str(spec.prediction_log.resolve())}


def _peak_bytes(process: psutil.Process) -> int:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    return int(process.memory_info().rss)
