"""Stop what a release started for its tests."""

from __future__ import annotations

from slipway.workflows.candidate import of_release
from slipway.workflows.release import Release
from slipway.workflows.workbench import Workbench


def stop_candidate(bench: Workbench, release: Release) -> list[str]:
    """Stop the candidate, and twins that a killed worker may have left; return their names."""
    stopped, version = [], bench.version(release)
    for handle in bench.runtime.list():
        if of_release(handle.name, release.model, version):
            bench.runtime.stop(handle)
            stopped.append(handle.name)
            bench.say(f"stopped {handle.name}")
    return stopped
