"""The verdict of a release in one sentence, and what it follows from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.core.evidence import Check, Evidence
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import shorten
from slipway.reporting.release.facts import Facts
from slipway.reporting.tables import number

MAX_BECAUSE = 600

TITLES = {
    "validate_data": "Data",
    "evaluate": "Quality",
    "build_image": "Image",
    "start_candidate": "Start",
    "run_scenarios": "Scenarios",
    "profile_serving": "Profile",
    "tune_serving": "Tuning",
    "load_test": "Load",
    "stop_candidate": "Stop",
    "approve": "Approval",
    "approve_second": "Second approval",
    "promote": "Promotion",
    "deploy": "Deployment",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a release ended: ``outcome`` is None while it goes on."""

    outcome: Outcome | None = None
    step: str = ""
    reason: str = ""

    @classmethod
    def of(cls, facts: Facts) -> Ending:
        """Read the last entry; one that went on after its end has not ended any more."""
        if not facts.entries or facts.entries[-1].kind != "release_ended":
            return cls()
        said = facts.entries[-1].payload
        return cls(outcome=Outcome(said["outcome"]), step=str(said["step"]), reason=str(said["reason"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The verdict: one word for it, the sentence, and what it follows from (may be empty)."""

    word: str
    sentence: str
    because: str = ""


def headline(facts: Facts, ending: Ending, latest: Mapping[Check, Evidence]) -> Told:
    """Return the verdict of a release."""
    version = "the version" if facts.version is None else f"version {facts.version}"
    passed = sum(item.outcome is Outcome.PASSED for item in latest.values())
    if ending.outcome is None:
        return Told(word="under way", sentence=f"Under way: {version} has passed {passed} of {len(Check)} gates")
    if ending.outcome is Outcome.PASSED:
        seconds = sum(item.seconds for item in latest.values())
        said = f"{passed} gates passed on exactly these bytes, {seconds:,.0f} s of work in them."
        return Told(word="released", sentence=f"Released: {version} serves{_in_place_of(facts)}", because=said)
    item = next((found for check, found in latest.items() if check.value == ending.step), None)
    if item is not None and item.measurements and item.outcome is not Outcome.PASSED:
        return _stopped(item, version)
    return _ended(facts, ending)


def _in_place_of(facts: Facts) -> str:
    promoted = facts.of_kind("promotion")
    before = promoted[-1].payload.get("before") if promoted else None
    return "" if before in (None, facts.version) else f" in place of version {before}"


def _stopped(item: Evidence, version: str) -> Told:
    stopping = [m for m in item.measurements if m.outcome is item.outcome]
    verb = f"could not judge {version}" if item.outcome is Outcome.INCONCLUSIVE else f"stopped {version}"
    first = stopping[0]
    note = first.note[:1].upper() + first.note[1:].rstrip(".") + ". " if first.note else ""
    more = f"{len(stopping) - 1} more did not pass." if len(stopping) > 1 else ""
    sentence = f"The {TITLES[item.check.value].lower()} gate {verb}: {explained(first)}"
    return Told(word="stopped", sentence=sentence, because=shorten(f"{note}{more}".strip(), MAX_BECAUSE))


def _ended(facts: Facts, ending: Ending) -> Told:
    reason = shorten(ending.reason or "it left no reason", MAX_BECAUSE)
    rejected = facts.of_kind("rejection")
    if ending.step == "approve" and rejected:
        said = str(rejected[-1].payload.get("comment") or "") or "no comment was given"
        return Told(word="rejected", sentence=f"Rejected by {rejected[-1].actor}: {said}")
    if ending.step == "promote" and ending.outcome is Outcome.FAILED:
        return Told(word="refused", sentence="Refused at the promotion, which moved nothing", because=reason)
    if ending.step == "deploy" and ending.outcome is Outcome.FAILED:
        return Told(word="taken back", sentence="The deployment did not hold and was taken back", because=reason)
    where = f" in {ending.step}" if ending.step else ""
    return Told(word="crashed", sentence=f"Crashed{where}: nothing was shown, so nothing was released", because=reason)


def explained(m: Measurement) -> str:
    """Return a measurement that did not pass, in words.

    >>> explained(Measurement(name="latency.p95", value=480.5, threshold=170, bound=Bound.MAX, unit="ms", n=600))
    'latency.p95 is 480.5 ms, at most 170 ms allowed'
    """
    if m.value is None:
        return f"{m.name} could not be measured"
    if m.n < m.n_required:
        return f"{m.name} rests on {m.n:,} of the {m.n_required:,} samples that it needs"
    limit = number(float(m.threshold or 0), m.unit)
    need = f"at most {limit} allowed" if m.bound is Bound.MAX else f"at least {limit} needed"
    return f"{m.name} is {number(m.value, m.unit)}, {need}"
