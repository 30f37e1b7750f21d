"""Start the built image as production starts it, beside whatever serves now."""

from __future__ import annotations

from slipway.core.service import ServiceHandle
from slipway.workflows.candidate import CANDIDATE, service_spec
from slipway.workflows.records import built_image
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def start_candidate(bench: Workbench, release: Release) -> ServiceHandle:
    """Start the candidate and wait until it is ready; a candidate that is late or dies raises ServiceError."""
    spec, files = bench.spec(release.model), bench.files(release)
    subject, image = built_image(bench, release, files)
    handle = bench.runtime.start(service_spec(spec, subject, image, role=CANDIDATE))
    try:
        seconds = bench.runtime.wait_ready(handle, timeout_s=spec.objectives.startup_seconds)
    except BaseException:
        bench.runtime.stop(handle, grace_s=1)
        raise
    bench.say(f"{handle.name} is ready after {seconds:.2f} s at {handle.url}")
    return handle
