"""Who stands where: the registry's aliases, and what they mean.

candidate (registered, unproven) -> challenger (all gates passed, awaits approval) -> champion (promoted).
``previous`` points to the champion before, so that a rollback needs no search.
"""

from __future__ import annotations

from slipway.core.version import VersionFiles
from slipway.workflows.workbench import Workbench

CHALLENGER = "challenger"
CHAMPION = "champion"
PREVIOUS = "previous"


def champion_files(bench: Workbench, registered_model: str, *, besides: int) -> VersionFiles | None:
    """Return the champion's files; None if there is none yet, or if it is the version ``besides`` itself."""
    version = bench.registry.alias(registered_model, CHAMPION)
    if version is None or version == besides:
        return None
    return bench.registry.files(registered_model, version)


def make_champion(bench: Workbench, registered_model: str, version: int) -> int | None:
    """Move the champion's alias and return the champion before; the same version again changes nothing."""
    before = bench.registry.alias(registered_model, CHAMPION)
    if before == version:
        return bench.registry.alias(registered_model, PREVIOUS)
    if before is not None:
        bench.registry.set_alias(registered_model, PREVIOUS, before)
    bench.registry.set_alias(registered_model, CHAMPION, version)
    if bench.registry.alias(registered_model, CHALLENGER) == version:
        bench.registry.delete_alias(registered_model, CHALLENGER)
    return before


def restore_champion(bench: Workbench, registered_model: str, version: int, before: int | None) -> None:
    """Undo :func:`make_champion` after a deployment that failed: ``before`` is champion again."""
    if bench.registry.alias(registered_model, CHAMPION) != version:
        return
    if before is None:
        bench.registry.delete_alias(registered_model, CHAMPION)
    else:
        bench.registry.set_alias(registered_model, CHAMPION, before)
