"""Services that live for one release: the candidate under test, and its profiled twin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from slipway.core.identity import Subject
from slipway.core.service import BuiltImage, ServiceHandle, ServiceSpec
from slipway.core.spec import ModelSpec
from slipway.core.version import VersionFiles
from slipway.errors import ServiceError
from slipway.workflows.records import built_image
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench

CANDIDATE = "candidate"
PROFILE = "profile"
ROLES = (CANDIDATE, PROFILE)


def service_name(model: str, version: int, role: str) -> str:
    """Return the name of a release's service."""
    return f"slipway-{model}-v{version}-{role}"


def service_spec(
    spec: ModelSpec, subject: Subject, image: BuiltImage, *, role: str, env: Mapping[str, str] | None = None
) -> ServiceSpec:
    """Return what to start: with the limits that production will set, since that is what is being judged."""
    return ServiceSpec(
        name=service_name(subject.model, subject.version, role),
        image=image,
        subject=subject,
        memory_mb=spec.objectives.memory_mb,
        cpus=spec.objectives.cpus,
        env=dict(env or {}),
        labels={"slipway.role": role},
    )


def running_candidate(
    bench: Workbench, release: Release, files: VersionFiles
) -> tuple[Subject, BuiltImage, ServiceHandle]:
    """Return the candidate that runs, checked to be of the image that this release built.

    Raises
    ------
    ServiceError
        If it does not run, or runs from another image.
    """
    subject, image = built_image(bench, release, files)
    handle = bench.runtime.find(service_name(subject.model, subject.version, CANDIDATE))
    if handle is None:
        raise ServiceError(
            f"the candidate of {subject} does not run", remedy="clear start_candidate, so that it starts again"
        )
    if handle.image_digest != image.digest:
        raise ServiceError(
            f"the running candidate is of image {handle.image_digest[7:19]}, not {image.digest[7:19]}",
            remedy="clear start_candidate, so that the right image starts",
        )
    return subject, image, handle


@contextmanager
def started(bench: Workbench, spec: ServiceSpec, *, startup_seconds: float) -> Iterator[ServiceHandle]:
    """Start a service for the length of a block; it is stopped however the block ends."""
    handle = bench.runtime.start(spec)
    try:
        bench.runtime.wait_ready(handle, timeout_s=startup_seconds)
        yield handle
    finally:
        bench.runtime.stop(handle)
