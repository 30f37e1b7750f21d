"""Stop what a release started for its tests."""

from __future__ import annotations

from slipway.workflows.candidate import ROLES, service_name
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def stop_candidate(bench: Workbench, release: Release) -> list[str]:
    """Stop the candidate and a profiled twin that a killed worker may have left; return their names."""
    stopped, version = [], bench.version(release)
    for role in ROLES:
        handle = bench.runtime.find(service_name(release.model, version, role))
        if handle is not None:
            bench.runtime.stop(handle)
            stopped.append(handle.name)
            bench.say(f"stopped {handle.name}")
    return stopped
