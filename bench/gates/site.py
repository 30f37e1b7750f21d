"""The embedded stack that cases are released on: a folder and ports of its own, one champion a model."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from bench.gates.case import Case, Moment
from bench.gates.context import Context
from bench.gates.records import Cell, cells, verdict_at
from slipway.cli.clients import airflow, start_run
from slipway.cli.decide import answer
from slipway.cli.release import trigger
from slipway.core.evidence import Evidence
from slipway.errors import SlipwayError
from slipway.ledger.entries import EntryKind
from slipway.orchestrator.follow import TaskChange, follow
from slipway.settings import Settings
from slipway.workflows.build_image import built
from slipway.workflows.embedded import prepare_runtime, start_embedded, stop_embedded
from slipway.workflows.train import train
from slipway.workflows.workbench import Workbench

RELEASE_LIMIT_S = 1200.0
ROLLBACK_LIMIT_S = 180.0
PROFILE = "smoke"
IMAGE_FIRST = "run_scenarios"  # of the steps whose time to the verdict counts, the one that comes after the image
OFFICER = "officer"
MOMENTS = {("build_image", "success"): Moment.AFTER_BUILD, ("approve", "awaiting_input"): Moment.AT_APPROVAL}

Say = Callable[[str], None]


class Ended:
    """How a release ended: its cells, the reason and the seconds to the verdict."""

    def __init__(self, cells: dict[str, Cell], reason: str, seconds: float | None) -> None:
        self.cells = cells
        self.reason = reason
        self.seconds = seconds

    @property
    def released(self) -> bool:
        """Whether it went through every step."""
        return all(cell is Cell.PASSED for cell in self.cells.values())


class Site:
    """A stack below ``var``; use it as a context manager, which ends everything that it has started.

    Parameters
    ----------
    var : Path
        Gets everything that is written; what lies there from before is used again, champions included.
    runtime : str
        ``docker``, ``process`` or ``auto``.
    say : callable
        Takes one line of progress.
    """

    def __init__(self, var: Path, *, runtime: str, say: Say) -> None:
        root = Settings.load().root
        os.environ["SLIPWAY_VAR"] = str(var)
        os.environ["SLIPWAY_RUNTIME"] = runtime
        # wheels are content-addressed and verified at each use: fetched once for the checkout
        os.environ.setdefault("SLIPWAY_WHEEL_DIR", str(root / "var" / "wheels"))
        self._say = say

    @property
    def settings(self) -> Settings:
        """The stack's settings; its addresses are known once it runs."""
        return Settings.load()

    def __enter__(self) -> Site:
        """Start the stack."""
        start_embedded(self.settings, progress=self._say)
        prepare_runtime(self.settings, progress=self._say)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stack, and every model server that it started."""
        stop_embedded(self.settings, progress=self._say)

    def restart(self) -> None:
        """Stop and start everything: after a release that did not end."""
        stop_embedded(self.settings, progress=self._say)
        start_embedded(self.settings, progress=self._say)

    @property
    def runtime(self) -> str:
        """Where model servers run, docker or process."""
        return Workbench(self.settings).runtime.name.value

    def context(self, model: str) -> Context:
        """Return a workplace for one case."""
        settings = self.settings
        found = Context(model, settings.tracking_uri, settings=settings)
        found.champion = self.champion(model)
        return found

    def champion(self, model: str) -> int | None:
        """Return the version that was deployed last, or put back since; None before the first one."""
        live = Workbench(self.settings).ledger.live_at(model, datetime.now(UTC))
        return None if live is None else live.version

    def ensure_champion(self, model: str) -> int:
        """Return the champion's version; train and release one if there is none.

        It is the first version that was ever deployed: what serves after an interrupted run may be a case's own.
        """
        first = Workbench(self.settings).ledger.entries(model=model, kinds=[EntryKind.DEPLOYMENT], limit=1)
        if first and first[0].version is not None:
            champion = first[0].version
            self._put_back(model, champion)
            return champion
        version = int(train(self.settings, model)["version"])
        self._say(f"{model}: version {version} is released as the champion")
        ended = self.release(self.context(model), version)
        if not ended.released:
            raise RuntimeError(f"{model}: no champion could be released, so nothing can be measured: {ended.reason}")
        return version

    def build(self, context: Context, version: int) -> float | None:
        """Build an image and return the seconds that it took; None where it cannot be built: the release tells why."""
        bench = Workbench(self.settings, say=_unsaid)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="slipway-bench-") as out:
            try:
                built(bench, bench.spec(context.model), bench.registry.files(context.model, version), out=Path(out))
            except SlipwayError:
                return None
        return time.monotonic() - begun

    def release(self, context: Context, version: int, *, at: Callable[[Moment], None] | None = None) -> Ended:
        """Release a version to its end; approve as the officer where a person is waited for.

        Parameters
        ----------
        at : callable, optional
            Called once at each moment, before anything is approved.

        Raises
        ------
        SlipwayError
            If the release does not end in time, or the stack does not answer.
        """
        settings, model, met = self.settings, context.model, set()

        def changed(change: TaskChange) -> None:
            moment = MOMENTS.get((change.after.task_id, change.after.state))
            if moment is None or moment in met:
                return
            met.add(moment)
            if at is not None:
                at(moment)
            if moment is Moment.AT_APPROVAL:
                answer(settings, model, option="Approve", comment="seen", user=OFFICER)

        begun = datetime.now(UTC)
        run_id = trigger(settings, model, version=version, profile=PROFILE, reason="benchmark of the gates")
        client, dag_id = airflow(settings), f"{model}.release"
        run = follow(client, dag_id, run_id, on_change=changed, timeout_s=RELEASE_LIMIT_S)
        tasks = client.tasks(dag_id, run_id)
        evidence = [e for e in Workbench(settings).ledger.evidence(model, version) if e.release == run_id]
        found = cells(tasks, evidence)
        last = next((step for step, cell in found.items() if cell.stops), "deploy")
        known = verdict_at(last, tasks, evidence) or run.ended
        seconds = None if known is None else (known - begun).total_seconds()
        reason = _reason(last, evidence)
        if not reason and found.get(last) is Cell.FAILED:
            tries = next(task.try_number for task in tasks if task.task_id == last)
            reason = _last_words(client.log_tail(dag_id, run_id, last, max(1, tries), lines=4))
        return Ended(found, reason, seconds)

    def reset(self, context: Context) -> None:
        """Put everything back as it was before a case: what it tampered with, then the champion, by a rollback.

        So each case meets the same champion, whatever came before it.
        """
        context.undo.close()
        model, champion = context.model, context.champion
        if champion is not None and self.champion(model) != champion:
            self._roll_back(model)
        if champion is not None and context.alias("champion") != champion:
            context.client.set_registered_model_alias(model, "champion", str(champion))
        if self.champion(model) != champion:
            raise RuntimeError(f"{model}: version {self.champion(model)} serves, version {champion} should")

    def _put_back(self, model: str, champion: int) -> None:
        """Roll back until a version serves; RuntimeError if there is a way back no more."""
        seen = set[int | None]()
        while (serving := self.champion(model)) != champion:
            if serving in seen:
                raise RuntimeError(f"{model}: version {serving} serves, version {champion} should")
            seen.add(serving)
            self._say(f"{model}: version {serving} of an interrupted run is rolled back")
            self._roll_back(model)

    def _roll_back(self, model: str) -> None:
        run_id = f"rollback-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        dag_id = f"{model}.rollback"
        start_run(self.settings, dag_id, run_id=run_id, conf={"reason": "benchmark: the next case meets the champion"})
        run = follow(airflow(self.settings), dag_id, run_id, on_change=_unheard, timeout_s=ROLLBACK_LIMIT_S)
        if run.state != "success":
            raise RuntimeError(f"{model}: the rollback {run_id} failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What came of a case: its version, how the release ended, whether it was tampered with, the image's seconds."""

    version: int
    ended: Ended
    tampered: bool | None
    image_seconds: float | None


def run_case(site: Site, case: Case, context: Context) -> CaseResult:
    """Make a case's version and release it.

    Where the time to the verdict counts and the image comes before it, it is built first, so that the release finds it.
    """
    version = case.make(context)
    image_seconds = site.build(context, version) if case.stopped_by == IMAGE_FIRST and not case.tamper else None
    tampered = None if case.tamper is None else False

    def at(moment: Moment) -> None:
        nonlocal tampered
        if case.tamper is not None and moment is case.moment:
            case.tamper(context, version)
            tampered = True

    ended = site.release(context, version, at=at)
    return CaseResult(version=version, ended=ended, tampered=tampered, image_seconds=image_seconds)


def forget(var: Path, *, say: Say) -> None:
    """Stop what still runs below ``var``, and remove it: a new benchmark starts from nothing."""
    if not var.exists():
        return
    os.environ["SLIPWAY_VAR"] = str(var)
    try:
        stop_embedded(Settings.load(), progress=say)
    except SlipwayError as error:
        say(f"what an earlier run left could not be stopped: {error}")
        raise
    shutil.rmtree(var)


def _unsaid(line: str) -> None:
    del line


def _unheard(change: TaskChange) -> None:
    del change


def _reason(step: str, evidence: Sequence[Evidence]) -> str:
    reasons = [r for item in evidence if item.check.value == step for r in item.reasons]
    return "; ".join(reasons[:3])[:600]


def _last_words(log: str) -> str:
    return " ".join(log.split())[-600:]
