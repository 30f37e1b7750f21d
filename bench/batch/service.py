"""The image, started by the process runtime as the scoring DAG starts it: no prediction log, not pinned to a core."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from bench.serving.slipway_side import Image
from slipway.core.service import ServiceHandle, ServiceSpec
from slipway.runtime.process import ProcessRuntime
from slipway.settings import Settings

MEMORY_MB = 1024
_READY_S = 60


@contextmanager
def serving(image: Image, settings: Settings) -> Iterator[ServiceHandle]:
    """Start an image, wait until it is ready, and stop it at the end. ServiceError if it does not start."""
    runtime = ProcessRuntime(settings)
    spec = ServiceSpec(
        name=f"batch-{image.files.subject.model}",
        image=image.image,
        subject=image.files.subject.with_image(image.image.digest),
        memory_mb=MEMORY_MB,
        env={"OMP_NUM_THREADS": "1"},
    )
    handle = runtime.start(spec)
    try:
        runtime.wait_ready(handle, timeout_s=_READY_S)
        yield handle
    finally:
        runtime.stop(handle)


def process_of(handle: ServiceHandle) -> psutil.Process:
    """Return the process behind a handle of the process runtime."""
    return psutil.Process(int(handle.id.split(":")[1]))
