"""Which runtime, from which base image: docker where it can work, else processes, and why."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from slipway.core.service import Runtime, RuntimeName
from slipway.errors import EngineUnavailable, ImageBuildError
from slipway.runtime.docker import DockerRuntime
from slipway.runtime.engine import connect, reported_as
from slipway.runtime.files import read_json, write_json
from slipway.runtime.process import ProcessRuntime
from slipway.settings import Settings

if TYPE_CHECKING:
    import docker

LOCAL_BASE = "slipway-base:bookworm"
PULL_SILENCE_S = 20
PULL_LIMIT_S = 180
PULL_AGAIN_AFTER_S = 3600
_FAILED_PULLS = "images/failed_pulls.json"

_log = logging.getLogger(__name__)


def choose_runtime(settings: Settings) -> tuple[RuntimeName, str]:
    """Return the runtime that the settings come to on this machine, and a sentence that says why."""
    if settings.runtime != "auto":
        return RuntimeName(settings.runtime), f"SLIPWAY_RUNTIME={settings.runtime}"
    try:
        image = base_image(settings)
    except (EngineUnavailable, ImageBuildError) as error:
        return RuntimeName.PROCESS, f"services run as processes: {error.reason}"
    return RuntimeName.DOCKER, f"a container engine answers and has {image}"


def open_runtime(settings: Settings) -> Runtime:
    """Return the runtime that the settings ask for; ``auto`` is decided here and logged.

    Raises
    ------
    EngineUnavailable
        If docker is demanded and no engine answers.
    """
    name, why = choose_runtime(settings)
    _log.info("runtime %s: %s", name.value, why)
    if name is RuntimeName.PROCESS:
        return ProcessRuntime(settings)
    connect().close()
    return DockerRuntime(settings)


def base_image(settings: Settings) -> str:
    """Return the reference of a base image that is on this machine.

    The declared one if it is here, or can be pulled; else the one that `make base-image` builds. While
    the latter is here, a pull that failed is not tried again for an hour.

    Raises
    ------
    EngineUnavailable
        If no engine answers.
    ImageBuildError
        If there is neither image.
    """
    client = connect(timeout_s=PULL_SILENCE_S)
    try:
        wanted = settings.base_image
        if _is_here(client, wanted):
            return wanted
        fallback = _is_here(client, LOCAL_BASE)
        if fallback and _failed_lately(settings):
            return LOCAL_BASE
        problem = _pull(client, settings)
        if problem is None:
            return wanted
        if fallback:
            return LOCAL_BASE
    finally:
        client.close()
    raise ImageBuildError(
        f"base image {wanted} is not here and cannot be pulled ({problem})",
        remedy="run `make base-image`, which builds one from Debian packages, or set SLIPWAY_BASE_IMAGE",
    )


def _is_here(client: docker.DockerClient, reference: str) -> bool:
    from docker.errors import ImageNotFound

    with reported_as(ImageBuildError, f"{reference} cannot be looked up"):
        try:
            client.images.get(reference)
        except ImageNotFound:
            return False
        return True


def _failed_lately(settings: Settings) -> bool:
    record = read_json(settings.var / _FAILED_PULLS) or {}
    at = record.get(settings.base_image, 0)
    return isinstance(at, int | float) and 0 <= time.time() - at < PULL_AGAIN_AFTER_S


def _pull(client: docker.DockerClient, settings: Settings) -> str | None:
    """Pull the declared base image; return None, or why it failed."""
    problem = _try_pull(client, settings.base_image)
    if problem is not None:
        path = settings.var / _FAILED_PULLS
        write_json(path, {**(read_json(path) or {}), settings.base_image: time.time()})
    return problem


def _try_pull(client: docker.DockerClient, reference: str) -> str | None:
    name, _, tag = reference.rpartition(":") if ":" in reference.rsplit("/", 1)[-1] else (reference, "", "latest")
    deadline = time.monotonic() + PULL_LIMIT_S
    try:
        with reported_as(ImageBuildError, f"pulling {reference}"):
            for event in client.api.pull(name, tag=tag, stream=True, decode=True):
                if "error" in event:
                    return str(event["error"])[:300]
                if time.monotonic() > deadline:
                    return f"it took more than {PULL_LIMIT_S} s"
    except (ImageBuildError, EngineUnavailable) as error:
        return error.reason[:300]
    return None
