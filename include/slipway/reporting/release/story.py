"""What is told of a release, as one frozen value: made from facts alone, so that the same facts tell the same story.

Rules
-----
1. A release that ended has ``release_ended`` as its last entry; one that went on after that goes on.
2. Of a gate that ran more than once the latest evidence counts, and the page says how often it ran.
3. A gate without measurements crashed: it showed nothing, and its reason is the error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.core.evidence import Check, Evidence
from slipway.core.verdict import Measurement, Outcome
from slipway.reporting.release.compare import Compared, compare
from slipway.reporting.release.examples import Example, example_of
from slipway.reporting.release.facts import Facts, FileState, Recorded
from slipway.reporting.release.headline import Ending, headline
from slipway.reporting.release.remedies import AGAIN, remedies_for, remedy_for_step
from slipway.reporting.release.timeline import StepStory, timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A full report: its path below the reports folder, its title, and whether it is still what was recorded."""

    path: str
    title: str
    state: FileState

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"path": self.path, "title": self.title, "state": self.state.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStory:
    """One gate: its verdict, what it measured, what shows it, what to do."""

    check: Check
    outcome: Outcome
    seconds: float
    tries: int
    measurements: tuple[Measurement, ...]
    reasons: tuple[str, ...]
    links: tuple[Link, ...]
    example: Example | None
    remedies: tuple[str, ...]

    @property
    def stopping(self) -> tuple[Measurement, ...]:
        """What did not pass, failures first."""
        order = (Outcome.FAILED, Outcome.INCONCLUSIVE)
        return tuple(m for outcome in order for m in self.measurements if m.outcome is outcome)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "check": self.check.value,
            "outcome": self.outcome.value,
            "seconds": self.seconds,
            "tries": self.tries,
            "measurements": [m.to_json() for m in self.measurements],
            "reasons": list(self.reasons),
            "reports": [link.to_json() for link in self.links],
            "example": None if self.example is None else self.example.to_json(),
            "what_next": list(self.remedies),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A whole release.

    Attributes
    ----------
    outcome : Outcome or None
        None while it goes on.
    card : tuple of Link
        The model card that the approver saw, as page and as text; empty before the gates had passed.
    word, headline, because : str
        The verdict in a word and in one sentence, and what it follows from; ``because`` may be empty.
    stopped_at : str
        The step that ended it; empty if it was released or goes on.
    what_next : tuple of str
    """

    model: str
    version: int | None
    release: str
    subject: Mapping[str, Any] | None
    requester: str
    reason: str
    load_profile: str
    began: datetime | None
    outcome: Outcome | None
    word: str
    headline: str
    because: str
    stopped_at: str
    what_next: tuple[str, ...]
    steps: tuple[StepStory, ...]
    gates: tuple[GateStory, ...]
    champion: int | None
    compared: tuple[Compared, ...]
    card: tuple[Link, ...]
    serving: int | None
    folder: str
    altered: tuple[str, ...]
    entries: tuple[int, int] | None

    @property
    def stopping_gate(self) -> GateStory | None:
        """The gate that stopped the release, if it was one."""
        return next((gate for gate in self.gates if gate.check.value == self.stopped_at), None)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "model": self.model,
            "version": self.version,
            "release": self.release,
            "subject": None if self.subject is None else dict(self.subject),
            "requester": self.requester,
            "reason": self.reason,
            "load_profile": self.load_profile,
            "began": None if self.began is None else self.began.isoformat(),
            "outcome": None if self.outcome is None else self.outcome.value,
            "word": self.word,
            "headline": self.headline,
            "because": self.because,
            "stopped_at": self.stopped_at,
            "what_next": list(self.what_next),
            "steps": [step.to_json() for step in self.steps],
            "gates": [gate.to_json() for gate in self.gates],
            "champion": self.champion,
            "compared": [line.to_json() for line in self.compared],
            "card": [link.to_json() for link in self.card],
            "serving": self.serving,
            "altered_reports": list(self.altered),
            "ledger_entries": None if self.entries is None else list(self.entries),
        }


def tell(facts: Facts) -> Story:
    """Return the story of a release."""
    evidence = facts.evidence()
    latest = {item.check: item for item in evidence}
    gates = tuple(_gate(latest[check], evidence, facts) for check in Check if check in latest)
    begun = next(iter(facts.of_kind("release_started")), None)
    ending = Ending.of(facts)
    stopping = next((gate for gate in gates if gate.check.value == ending.step), None)
    told = headline(facts, ending, latest)
    return Story(
        model=facts.model,
        version=facts.version,
        release=facts.release,
        subject=_subject(facts, evidence),
        requester=begun.actor if begun else _actor(facts),
        reason=str(begun.payload.get("reason") or "") if begun else "",
        load_profile=str(begun.payload.get("load_profile") or "") if begun else "",
        began=begun.at if begun else None,
        outcome=ending.outcome,
        word=told.word,
        headline=told.sentence,
        because=told.because,
        stopped_at="" if ending.outcome in (None, Outcome.PASSED) else ending.step,
        what_next=_what_next(ending, stopping),
        steps=timeline(facts, latest, ending),
        gates=gates,
        champion=facts.champion.version if facts.champion else None,
        compared=compare(latest, facts.champion),
        card=_card(facts),
        serving=facts.serving,
        folder=facts.folder,
        altered=tuple(sorted(path for path, state in facts.files.items() if state is FileState.ALTERED)),
        entries=(facts.entries[0].seq, facts.entries[-1].seq) if facts.entries else None,
    )


def _gate(item: Evidence, evidence: tuple[Evidence, ...], facts: Facts) -> GateStory:
    links = tuple(
        Link(path=r.path, title=r.title or r.path.rsplit("/", 1)[-1], state=facts.files.get(r.path, FileState.GONE))
        for r in item.reports
    )
    stopped = item.outcome is not Outcome.PASSED
    return GateStory(
        check=item.check,
        outcome=item.outcome,
        seconds=item.seconds,
        tries=sum(other.check is item.check for other in evidence),
        measurements=item.measurements,
        reasons=item.reasons,
        links=links,
        example=example_of(item) if stopped else None,
        remedies=_remedies(item) if stopped else (),
    )


def _card(facts: Facts) -> tuple[Link, ...]:
    written = facts.of_kind("card")
    reports = written[-1].payload["reports"] if written else ()
    return tuple(
        Link(
            path=report["path"],
            title="Model card" if report["path"].endswith(".html") else "Model card as Markdown",
            state=facts.files.get(report["path"], FileState.GONE),
        )
        for report in reports
    )


def _remedies(item: Evidence) -> tuple[str, ...]:
    return remedies_for(item.check, [m for m in item.measurements if m.outcome is item.outcome]) or (AGAIN,)


def _what_next(ending: Ending, stopping: GateStory | None) -> tuple[str, ...]:
    if ending.outcome in (None, Outcome.PASSED):
        return ()
    if stopping is not None and stopping.stopping:
        return stopping.remedies
    return (remedy_for_step(ending.step),)


def _subject(facts: Facts, evidence: tuple[Evidence, ...]) -> Mapping[str, Any] | None:
    bound = [item.subject.to_json() for item in evidence]
    with_image = [subject for subject in bound if subject["image_digest"]]
    named = [entry.payload["subject"] for entry in facts.entries if entry.payload.get("subject")]
    return next(reversed(with_image or bound or named), None)


def _actor(facts: Facts) -> str:
    first: Recorded | None = next(iter(facts.entries), None)
    return first.actor if first else ""
