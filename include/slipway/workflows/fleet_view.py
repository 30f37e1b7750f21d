"""The fleet's page, kept ready: what the ledger and the declarations say, caught up with at each request.

Rules
-----
1. A request asks the ledger for what came after the last entry it knows, and nothing of it twice. The registry is never
   asked about a model: who is champion is the ledger's to say.
2. A request waits at most ``WAIT_SECONDS`` for what is not ready yet, the first ones after a start ``COLD_SECONDS``;
   the rest is done beside it, and the page says how far it has come.
3. What cannot be read, ledger, declarations, nightly numbers or registry, is said on the page, which shows the rest.
4. Each entry that is read must follow the one before, and the last one known must still be there: else the page says
   so, and what was made from another chain is dropped. A whole proof is ``slipway ledger verify``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from slipway.errors import LedgerBroken, SlipwayError
from slipway.fleet.store import FILE, FleetStore
from slipway.fleet.values import Cell, Declared, Summary, Watched
from slipway.ledger.entries import Entry
from slipway.monitoring.store import MonitoringStore
from slipway.registry.endpoint import probe
from slipway.settings import Settings
from slipway.workflows.fleet_declared import Declarations
from slipway.workflows.fleet_fold import fold
from slipway.workflows.fleet_later import Later
from slipway.workflows.workbench import Workbench

WAIT_SECONDS = 0.12
COLD_SECONDS = 2.0
BATCH = 500
WATCH_EVERY_SECONDS = 30.0
PROBE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What is known at one moment.

    Attributes
    ----------
    declared, summaries : mapping of str to Declared and Summary
        By model; one may be in either alone: never released, or its folder is gone.
    watched : mapping of str to Watched, or None
        None while the nightly numbers cannot be told.
    seq : int
        The ledger's entry up to which it was read.
    notices : tuple of str
        What is missing, and why.
    """

    declared: Mapping[str, Declared]
    summaries: Mapping[str, Summary]
    watched: Mapping[str, Watched] | None
    seq: int
    at: datetime
    notices: tuple[str, ...] = ()


class FleetView:
    """One project's fleet; safe to share between threads, and to use beside other processes.

    Parameters
    ----------
    settings : Settings
    now : callable
        The clock, aware of its time zone.
    """

    def __init__(self, settings: Settings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.settings = settings
        self.bench = Workbench(settings, say=lambda _: None, now=now)
        self.store = FleetStore(settings.var / FILE)
        self._summaries: dict[str, Summary] = {}
        self._mark = (0, "")
        self._alarm = ""
        self._ledger = Later(self._catch_up)
        self._declared = Declarations(settings, self.store)
        self._watched = Later(self._watch, every_seconds=WATCH_EVERY_SECONDS)
        self._registry = Later(self._probe, every_seconds=WATCH_EVERY_SECONDS)

    def fleet(self) -> Fleet:
        """Return what is known now."""
        notices: list[str] = []
        self._ledger.refresh(WAIT_SECONDS if self._mark[0] else COLD_SECONDS, notices, what="the ledger")
        declared = self._declared.get(WAIT_SECONDS, notices)
        watched = self._watched.refresh(WAIT_SECONDS, notices, what="the nightly numbers")
        self._registry.refresh(0.0, notices, what="the model registry")
        if self._ledger.running:
            notices.append(f"The ledger is being read: what follows is as of its entry {self._mark[0]:,}.")
        return Fleet(
            declared=declared,
            summaries=self._summaries,
            watched=watched,
            seq=self._mark[0],
            at=self.bench.now(),
            notices=(*filter(None, [self._alarm]), *notices),
        )

    def cells(self, model: str) -> list[Cell]:
        """Return the newest evidence of each check on each of a model's versions, newest version first."""
        return self.store.cells(model)

    # -- the ledger -------------------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Read on to the ledger's end."""
        limit = BATCH
        while limit:
            try:
                if self._turn(limit) < limit:
                    return
            except LedgerBroken:
                if limit == 1:
                    raise
                limit //= 2  # up to the entry before the broken one

    def _turn(self, limit: int) -> int:
        """Fold one batch, and what another process has folded meanwhile; return how many entries were read."""
        with self.store.turn() as turn:
            mark = turn.mark()
            if mark != self._mark:
                since = self._mark[0] if self._mark[0] <= mark[0] else 0
                known = dict(self._summaries) if since else {}
                self._summaries = known | {one.model: one for one in turn.summaries(since_seq=since)}
                self._mark = mark
            seq, last = mark
            entries = self.bench.ledger.entries(since_seq=max(seq - 1, 0), limit=limit + 1)
            if seq:
                if not entries or (entries[0].seq, entries[0].hash) != (seq, last):
                    turn.forget()
                    self._start_anew(seq)
                    return limit
                entries = entries[1:]
            if not entries:
                return 0
            summaries, cells = self._fold(entries, last)
            head = entries[-1]
            turn.keep(summaries.values(), cells, seq=head.seq, hash=head.hash)
        self._summaries = {**self._summaries, **summaries}
        self._mark = (head.seq, head.hash)
        return len(entries)

    def _fold(self, entries: list[Entry], last: str) -> tuple[dict[str, Summary], list[tuple[str, Cell]]]:
        summaries: dict[str, Summary] = {}
        cells: list[tuple[str, Cell]] = []
        for entry in entries:
            if last and entry.previous != last:
                self._alarm = (
                    f"The ledger's entry {entry.seq:,} does not follow the one before: its chain is broken. "
                    "Run `slipway ledger verify`."
                )
            last = entry.hash
            before = summaries.get(entry.model) or self._summaries.get(entry.model) or Summary(model=entry.model)
            summaries[entry.model], cell = fold(before, entry)
            if cell is not None:
                cells.append((entry.model, cell))
        return summaries, cells

    def _start_anew(self, seq: int) -> None:
        self._summaries, self._mark = {}, (0, "")
        self._alarm = (
            f"The ledger's entry {seq:,} is no longer the one that was read before: it was cut, rewritten or replaced. "
            "Run `slipway ledger verify`, with an anchor."
        )

    # -- what else there is -----------------------------------------------------------------------------------------

    def _watch(self) -> Mapping[str, Watched]:
        found = MonitoringStore(self.settings.monitoring_url, clock=self.bench.now).newest()
        return {
            model: Watched(day=one.day.isoformat() if one.day else None, pages=one.pages, notes=one.notes)
            for model, one in found.items()
        }

    def _probe(self) -> None:
        try:
            probe(self.settings.tracking_uri, timeout_s=PROBE_SECONDS)
        except SlipwayError as error:
            raise type(error)(
                f"{error.reason}; versions that were registered and never released are not shown", remedy=error.remedy
            ) from error
