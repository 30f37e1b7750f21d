"""Builds by the container engine: two recipes, no network, the log handed on line by line.

An image is found again by the id that was noted when it was built, never by its tag alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import ImageBuildError
from slipway.runtime.engine import remedy_for, reported_as
from slipway.runtime.files import locked, read_json, write_json

if TYPE_CHECKING:
    import docker

BUILD_TIMEOUT_S = 1200
SILENCE_TIMEOUT_S = 600
_NOISE = (" --->", "Removing intermediate container")
_STEP = re.compile(r"---> ([0-9a-f]{12})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What to build.

    Attributes
    ----------
    recipe : Path
        The Dockerfile.
    tag : str
        For people, and so that a cleanup of untagged images leaves it.
    labels : mapping
        All that decides what is in the image: an image with these labels is the one that is asked for.
    arguments : mapping
        Build arguments.
    note : Path
        Where the id of the built image is kept.
    """

    recipe: Path
    tag: str
    labels: Mapping[str, str]
    arguments: Mapping[str, str]
    note: Path


def build_once(
    client: docker.DockerClient, build: Build, prepare: Callable[[], Path], progress: Callable[[str], None]
) -> tuple[dict[str, Any], bool]:
    """Return the image's attributes, and whether it was there already.

    ``prepare`` assembles the context and returns its folder; it is called only if there is something to build.

    Raises
    ------
    ImageBuildError
        If the build fails or takes more than twenty minutes.
    """
    with locked(build.note.with_suffix(".lock"), timeout_s=BUILD_TIMEOUT_S):
        found = _noted(client, build)
        if found is not None:
            progress(f"image {build.tag}: found")
            return found, True
        progress(f"image {build.tag}: building")
        image_id = _build(client, build, prepare(), progress)
        attributes = inspect_image(client, image_id)
        if attributes is None:
            raise ImageBuildError(f"image {image_id[7:19]} was removed as it was built", remedy="build it again")
        write_json(build.note, {"id": image_id, "tag": build.tag})
        return attributes, False


def build_afresh(
    client: docker.DockerClient,
    build: Build,
    context: Path,
    progress: Callable[[str], None],
    *,
    made: list[str],
) -> dict[str, Any]:
    """Build without looking for the image or for any layer of it, and return its attributes.

    Parameters
    ----------
    made : list of str
        Gets the id of every image that the build leaves, each the parent of the next or of another stage, also when it
        fails: see :func:`remove_made`.

    Raises
    ------
    ImageBuildError
        If the build fails or takes more than twenty minutes.
    """
    before = set(made)
    image_id = _build(client, build, context, progress, afresh=made)
    attributes = inspect_image(client, image_id)
    if attributes is None or image_id in before:
        raise ImageBuildError(f"{build.tag} was not built afresh", remedy="build it again")
    made.append(image_id)
    return attributes


def remove_made(client: docker.DockerClient, made: Iterable[str], *, keep: Iterable[str]) -> None:
    """Remove what :func:`build_afresh` left, newest first; what others stand on or use stays, as do those in ``keep``.

    Parameters
    ----------
    made : iterable of str
    keep : iterable of str
        Ids of images that were there before: the builder names its base among its steps.
    """
    from docker.errors import APIError

    kept = frozenset(keep)
    for image_id in reversed(list(made)):
        attributes = inspect_image(client, image_id)
        if attributes is None or attributes["Id"] in kept:
            continue
        with reported_as(ImageBuildError, f"image {image_id} cannot be removed"):
            try:
                client.images.remove(attributes["Id"])
            except APIError as error:
                if error.status_code not in (404, 409):  # gone with its child, or in use by a build of others
                    raise


def remove_left(client: docker.DockerClient, name: str, *, older_than_s: float) -> None:
    """Remove images of a name that are older than any build of theirs can be: a killed process has left them."""
    with reported_as(ImageBuildError, f"images named {name} cannot be listed"):
        found = client.api.images(name=name)
    old = sorted((one for one in found if time.time() - one["Created"] > older_than_s), key=lambda one: one["Created"])
    remove_made(client, [str(one["Id"]) for one in old], keep=())


def inspect_image(client: docker.DockerClient, image_id: str) -> dict[str, Any] | None:
    """Return an image's attributes as the engine has them now; None if there is no such image."""
    from docker.errors import ImageNotFound

    with reported_as(ImageBuildError, f"image {image_id[:19]} cannot be inspected"):
        try:
            return dict(client.images.get(image_id).attrs)
        except ImageNotFound:
            return None


def wrong_labels(attributes: Mapping[str, Any], expected: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that an image lacks or contradicts, each with what the image says.

    >>> wrong_labels({"Config": {"Labels": {"a": "1"}}}, {"a": "1", "b": "2"})
    {'b': 'nothing'}
    """
    labels = (attributes.get("Config") or {}).get("Labels") or {}
    return {key: labels.get(key, "nothing") for key, value in expected.items() if labels.get(key) != value}


def runs_as_root(attributes: Mapping[str, Any]) -> bool:
    """Tell whether an image's processes start as root.

    >>> runs_as_root({"Config": {"User": "10001:10001"}}), runs_as_root({"Config": {"User": ""}})
    (False, True)
    """
    user = str((attributes.get("Config") or {}).get("User") or "").partition(":")[0]
    return user in ("", "root") or (user.isdigit() and int(user) == 0)


def _noted(client: docker.DockerClient, build: Build) -> dict[str, Any] | None:
    noted = (read_json(build.note) or {}).get("id")
    attributes = inspect_image(client, noted) if isinstance(noted, str) else None
    if attributes is None or attributes["Id"] != noted or wrong_labels(attributes, build.labels):
        return None
    return attributes


def _build(
    client: docker.DockerClient,
    build: Build,
    context: Path,
    progress: Callable[[str], None],
    *,
    afresh: list[str] | None = None,
) -> str:
    client.api.timeout = SILENCE_TIMEOUT_S
    with reported_as(ImageBuildError, f"{build.tag} cannot be built"):
        events = client.api.build(
            path=str(context),
            dockerfile=str(build.recipe),
            tag=build.tag,
            buildargs=dict(build.arguments),
            labels=dict(build.labels),
            network_mode="none",
            rm=True,
            forcerm=True,
            pull=False,
            nocache=afresh is not None,
            decode=True,
        )
        return follow(events, progress, deadline=time.monotonic() + BUILD_TIMEOUT_S, steps=afresh)


def follow(
    events: Iterable[Mapping[str, Any]],
    progress: Callable[[str], None],
    *,
    deadline: float,
    steps: list[str] | None = None,
) -> str:
    """Hand the builder's log on and return the id of what it built; ``steps`` gets the id that each step left.

    Raises
    ------
    ImageBuildError
        If the builder reports an error, no image, or goes on past ``deadline`` (of the monotonic clock).
    """
    image_id, last = "", ""
    for event in events:
        for line in str(event.get("stream", "")).splitlines():
            step = _STEP.fullmatch(line.strip())
            if step is not None and steps is not None:
                steps.append(step[1])
            if line.strip() and not line.startswith(_NOISE):
                last = line.rstrip()
                progress(last)
        if "error" in event:
            text = str(event["error"])
            raise ImageBuildError(f"the build failed: {text}; last: {last[:500]}", remedy=remedy_for(text))
        image_id = str((event.get("aux") or {}).get("ID") or image_id)
        if time.monotonic() > deadline:
            raise ImageBuildError(f"the build took more than {BUILD_TIMEOUT_S} s", remedy="look at the host's load")
    if not image_id.startswith("sha256:"):
        raise ImageBuildError(f"the builder named no image; last: {last[:500]}", remedy="see the engine's log")
    return image_id
