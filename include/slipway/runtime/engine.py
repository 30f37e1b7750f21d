"""The container engine: one bounded connection, and its errors in our words."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slipway.errors import EngineUnavailable, SlipwayError

if TYPE_CHECKING:
    import docker

CONNECT_TIMEOUT_S = 10
CALL_TIMEOUT_S = 60
_NO_IMAGE = "no such image"
_NO_SPACE = "no space left on device"
_REMEDY = "start the docker daemon (or set DOCKER_HOST), or set SLIPWAY_RUNTIME=process"


def connect(*, timeout_s: int = CALL_TIMEOUT_S) -> docker.DockerClient:
    """Return a client of the engine that the environment names; each of its calls ends within ``timeout_s``.

    Raises
    ------
    EngineUnavailable
        If none answers within ten seconds.
    """
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=CONNECT_TIMEOUT_S)
        client.ping()
    except (DockerException, OSError) as error:
        raise EngineUnavailable(f"no container engine answers: {error}", remedy=_REMEDY) from error
    client.api.timeout = timeout_s
    return client


@contextlib.contextmanager
def reported_as(kind: type[SlipwayError], action: str) -> Iterator[None]:
    """Turn what the engine raises inside into ``kind``, saying what we were doing.

    A lost connection becomes EngineUnavailable; a full disk says so.
    """
    import requests
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        text = error.explanation or str(error)
        raise kind(f"{action}: {text}", remedy=remedy_for(text)) from error
    except requests.exceptions.ReadTimeout as error:
        raise kind(f"{action}: the engine did not answer in time", remedy="look at the host's load and disk") from error
    except (requests.exceptions.RequestException, DockerException, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # our own disk, not the engine's
        raise EngineUnavailable(f"{action}: the engine went away: {error}", remedy=_REMEDY) from error


def remedy_for(text: str) -> str:
    """Return what to do about an engine's complaint.

    >>> remedy_for("write /x: no space left on device")
    "free space on the engine's disk: see `docker system df`, then `docker image prune`"
    """
    if _NO_SPACE in text.lower():
        return "free space on the engine's disk: see `docker system df`, then `docker image prune`"
    if _NO_IMAGE in text.lower():
        return "release the version again, which builds its image anew"
    return "see the engine's log"
