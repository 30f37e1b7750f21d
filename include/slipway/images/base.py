"""The base image: which it is, which interpreter it has, which operating-system packages.

Asked of the image itself, in a container without network, once for each image id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import ImageBuildError
from slipway.images.target import Target
from slipway.runtime.engine import reported_as
from slipway.runtime.files import read_json, write_json
from slipway.runtime.select import base_image
from slipway.settings import Settings

if TYPE_CHECKING:
    import docker

_PROBE = """
import json, platform, subprocess, sys
try:
    told = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\\n"], capture_output=True, text=True).stdout
except OSError:
    told = ""
packages = sorted(line.split(" ") for line in told.splitlines() if line.count(" ") == 1)
version = "%d.%d" % sys.version_info[:2]
print(json.dumps({"python": version, "machine": platform.machine(), "packages": packages}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """A base image on this machine.

    Attributes
    ----------
    reference, id : str
        What it is called, and what it is.
    size : int
        Bytes.
    target : Target
        What wheels must fit.
    packages : tuple of (str, str)
        Debian packages and their versions; empty for a base without dpkg.
    """

    reference: str
    id: str
    size: int
    target: Target
    packages: tuple[tuple[str, str], ...]


def inspect_base(client: docker.DockerClient, settings: Settings) -> BaseImage:
    """Return the base image that the settings come to.

    Raises
    ------
    ImageBuildError
        If there is none, or it has no ``python3``.
    """
    return inspect_reference(client, settings, base_image(settings))


def inspect_reference(client: docker.DockerClient, settings: Settings, reference: str) -> BaseImage:
    """Return a base image that is on this engine, by its name or its id.

    Raises
    ------
    ImageBuildError
        If it is not here, or has no ``python3``.
    """
    with reported_as(ImageBuildError, f"base image {reference} cannot be inspected"):
        attributes: dict[str, Any] = client.images.get(reference).attrs
    note = settings.var / "images" / f"base-{attributes['Id'][7:19]}.json"
    facts = read_json(note)
    if facts is None:
        facts = _ask(client, attributes["Id"], reference)
        write_json(note, facts)
    return BaseImage(
        reference=reference,
        id=attributes["Id"],
        size=int(attributes["Size"]),
        target=Target(facts["python"], facts["machine"]),
        packages=tuple((name, version) for name, version in facts["packages"]),
    )


def _ask(client: docker.DockerClient, image_id: str, reference: str) -> dict[str, Any]:
    with reported_as(ImageBuildError, f"base image {reference} cannot be started"):
        container = client.containers.create(image_id, ["python3", "-c", _PROBE], network_mode="none", entrypoint=[])
        try:
            container.start()
            status = container.wait(timeout=60)["StatusCode"]
            told = container.logs(stdout=True, stderr=status != 0).decode("utf-8", errors="replace")
        finally:
            container.remove(force=True, v=True)
    try:
        facts: dict[str, Any] = json.loads(told)
    except ValueError as error:
        raise ImageBuildError(
            f"base image {reference} does not run python3: {told.strip()[-300:]}",
            remedy="set SLIPWAY_BASE_IMAGE to a Debian-like image with Python 3.11 or later",
        ) from error
    return facts


def recipe(settings: Settings, name: str) -> Path:
    """Return the path of a Dockerfile of the serving image; ImageBuildError if it is not there."""
    path = settings.root / "containers" / "serving" / name
    if not path.is_file():
        raise ImageBuildError(f"{path} is missing", remedy="restore containers/serving from the repository")
    return path
