"""Run cases one after another: performance gates measure the host, so two releases at once would measure each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bench.gates.case import Case
from bench.gates.context import Context
from bench.gates.records import Record
from bench.gates.site import Site, run_case
from bench.gates.store import Store
from slipway.errors import SlipwayError

EXPECTED_SECONDS = {
    "validate_data": 15.0,
    "evaluate": 25.0,
    "build_image": 45.0,
    "start_candidate": 55.0,
    "run_scenarios": 60.0,
    "profile_serving": 90.0,
    "tune_serving": 110.0,
    "load_test": 140.0,
    "": 190.0,
}
"""First guesses at how long a case takes, by the step that must stop it; measured times take their place."""


class Progress:
    """One line a run, with how much time is left."""

    def __init__(self, runs: Sequence[Case], say: Callable[[str], None]) -> None:
        self._left = [_guess(case) for case in runs]
        self._total, self._done, self._say = len(runs), 0, say
        self._took = self._guessed = 0.0

    def tell(self, record: Record, seconds: float) -> None:
        """Say what came of a run that took so long."""
        self._guessed += self._left.pop(0)
        self._took += seconds
        self._done += 1
        where = f"stopped at {record.stopped_at}" if record.stopped_at else "released"
        after = "" if record.seconds is None else f" after {record.seconds:.0f} s"
        said = record.reason if record.broken else f"{where}{after}"
        mark = "  " if record.verdict.right else "! "
        left = f"{timedelta(seconds=round(self.seconds_left))} left" if self._left else "done"
        self._say(f"{mark}[{self._done}/{self._total}] {record.case}: {record.verdict.value}, {said} · {left}")

    @property
    def seconds_left(self) -> float:
        """The guesses for what is left, corrected by how wrong those so far were."""
        return sum(self._left) * (self._took / self._guessed if self._guessed else 1.0)


def run_all(site: Site, runs: Sequence[tuple[Case, int]], store: Store, say: Callable[[str], None]) -> None:
    """Make every run and write its record before the next one begins."""
    for model in dict.fromkeys(case.model for case, _ in runs):
        site.ensure_champion(model)
    progress, runtime = Progress([case for case, _ in runs], say), site.runtime
    for case, repeat in runs:
        begun = time.monotonic()
        record = one(site, case, repeat, runtime)
        store.put(record)
        progress.tell(record, time.monotonic() - begun)


def one(site: Site, case: Case, repeat: int, runtime: str) -> Record:
    """Run one case to its end; whatever goes wrong with the run itself is in the record."""
    known = {
        "case": case.id,
        "group": case.group,
        "model": case.model,
        "why": case.why,
        "expected": case.stopped_by or "",
        "repeat": repeat,
        "runtime": runtime,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    context = site.context(case.model)
    try:
        found = run_case(site, case, context)
    except Exception as error:  # noqa: BLE001 - a case is anybody's code; the benchmark goes on
        record = Record(**known, cells={}, broken=True, reason=f"{type(error).__name__}: {error}"[:600])
        if isinstance(error, SlipwayError):
            site.restart()
    else:
        record = Record(
            **known,
            version=found.version,
            cells=found.ended.cells,
            reason=found.ended.reason,
            seconds=found.ended.seconds,
            tampered=found.tampered,
            image_seconds=found.image_seconds,
        )
    put_back(site, context)
    return record


def put_back(site: Site, context: Context) -> None:
    """Reset the site; once more on a fresh stack if that fails, since the next case needs the same champion."""
    try:
        site.reset(context)
    except (SlipwayError, RuntimeError):
        site.restart()
        site.reset(context)


def _guess(case: Case) -> float:
    return EXPECTED_SECONDS.get(case.stopped_by or "", EXPECTED_SECONDS[""])
