"""Services that live for one release: the candidate under test, its profiled twin, those that tuning compares."""

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
TUNE = "tune"


def service_name(model: str, version: int, role: str) -> str:
    """Return the name of a release's service."""
    return f"slipway-{model}-v{version}-{role}"


def of_release(name: str, model: str, version: int) -> bool:
    """Tell whether a service of this name was started for the release of this version.

    >>> of_release("slipway-churn-v1-tune-pool-b32", "churn", 1), of_release("slipway-churn-v1", "churn", 1)
    (True, False)
    """
    own = [service_name(model, version, role) for role in (CANDIDATE, PROFILE, TUNE)]
    return name in own or name.startswith(tuple(f"{one}-" for one in own))


def service_spec(
    spec: ModelSpec,
    subject: Subject,
    image: BuiltImage,
    *,
    role: str,
    env: Mapping[str, str] | None = None,
    suffix: str = "",
) -> ServiceSpec:
    """Return what to start: with the limits that production will set, since that is what is being judged.

    ``suffix`` tells services of one role apart.
    """
    return ServiceSpec(
        name=service_name(subject.model, subject.version, role) + suffix,
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
    runtime = bench.runtime_of(spec.image)
    handle = runtime.start(spec)
    try:
        runtime.wait_ready(handle, timeout_s=startup_seconds)
        yield handle
    finally:
        runtime.stop(handle)
