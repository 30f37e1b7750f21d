"""Offers each newly registered version of a model to its release DAG.

The triggerer imports this module by its name: it is on the PYTHONPATH that the stack gives to Airflow's programs.
What the watch remembers is kept in Airflow's store, for the triggerer after this one; what was released already is
told by the ledger, so that neither a lost store nor a repeated event makes a second release.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

if TYPE_CHECKING:
    from slipway.core.new_version import Seen
    from slipway.workflows.new_version import VersionWatch
    from slipway.workflows.workbench import Workbench

POLL_S = 2.0
LONGEST_WAIT_S = 60.0
MEMORY = "seen"


class NewVersionTrigger(BaseEventTrigger):
    """Yields one event for each version that is to be released, with the model's name and the version.

    Parameters
    ----------
    model : str
        The model's own name.
    """

    def __init__(self, model: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return how the triggerer makes this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"model": self.model}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look every two seconds; while registry or ledger do not answer, wait up to a minute between two looks."""
        watch: VersionWatch | None = None
        failures = 0
        while True:
            version = None
            try:
                watch = watch or await self._begin()
                before = watch.seen
                version = await asyncio.to_thread(watch.look)
                if before is None and watch.seen is not None:
                    await self._keep(watch.seen)
                failures = 0
            except Exception as error:  # noqa: BLE001 - a watch that ends would never see another version
                failures += 1
                self.log.warning("%s: the look for new versions failed: %s", self.model, error)
            if watch is not None and version is not None:
                self.log.info("%s version %s is new: it is offered for release", self.model, version)
                # Kept after it was sent: killed in between, the event comes twice, and the ledger knows.
                yield TriggerEvent({"model": self.model, "version": version})
                await self._remember(watch, version)
            await asyncio.sleep(wait_s(failures))

    async def _begin(self) -> VersionWatch:
        from slipway.core.new_version import Seen
        from slipway.workflows.new_version import VersionWatch

        stored = await self.asset_state_store.aget(MEMORY) if self.asset_state_store is not None else None
        return VersionWatch(self.model, open_bench, Seen.from_json(stored) if isinstance(stored, dict) else None)

    async def _remember(self, watch: VersionWatch, version: int) -> None:
        seen = watch.offered(version)
        try:
            await self._keep(seen)
        except Exception as error:  # noqa: BLE001 - the next offer is kept again, and the ledger knows of this one
            self.log.warning("%s: what was offered cannot be kept: %s", self.model, error)

    async def _keep(self, seen: Seen) -> None:
        if self.asset_state_store is not None:
            await self.asset_state_store.aset(MEMORY, seen.to_json())


def wait_s(failures: int) -> float:
    """Return the pause before the next look: it doubles with each failure in a row, up to a minute.

    >>> wait_s(0), wait_s(2), wait_s(50)
    (2.0, 8.0, 60.0)
    """
    return min(POLL_S * 2.0 ** min(failures, 10), LONGEST_WAIT_S)


def open_bench() -> Workbench:
    """Return the tools, with settings as they are now: the registry's address is known once the stack is up."""
    from slipway.settings import Settings
    from slipway.workflows.workbench import Workbench

    return Workbench(Settings.load())
