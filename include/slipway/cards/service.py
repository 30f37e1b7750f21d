"""The parts of a card about the served model: who answers for it, what was put under load, what was asked of it."""

from __future__ import annotations

from slipway.cards.card import Block, FactList, Measured, Section
from slipway.cards.facts import CardFacts
from slipway.core.evidence import Check
from slipway.core.verdict import Measurement

_SERVICE = ("latency.", "error_rate", "wrong_answers", "memory.", "arrival_rate.", "capacity.", "burst.", "recovery.")


def details(facts: CardFacts) -> tuple[tuple[str, str], ...]:
    """Return who answers for the model, and which bytes the card is about."""
    spec, subject = facts.spec, facts.subject
    newest = max(facts.evidence.values(), key=lambda item: item.ended_at, default=None)
    shown = {
        "Model": f"{spec.name}, version {subject.version} of {spec.registered_model} in the registry",
        "Kind": spec.task.value,
        "Owner": f"{spec.owner.team}, {spec.owner.contact}",
        "Stakeholders": ", ".join(spec.stakeholders),
        "Risk tier": spec.risk_tier.value,
        "Artifact": subject.artifact_sha256,
        "Image": subject.image_digest or "none was built",
        "Judged in release": f"{newest.release}, until {newest.ended_at:%Y-%m-%d %H:%M} UTC" if newest else "none",
    }
    return tuple((name, value) for name, value in shown.items() if value)


def objectives(facts: CardFacts) -> Section:
    """Return the declared objectives, and what the load test measured."""
    wanted = facts.spec.objectives
    declared = (
        ("Latency", f"p95 at most {wanted.p95_ms:g} ms, p99 at most {wanted.p99_ms:g} ms"),
        ("Requests", f"{wanted.arrival_rate_per_s:g} each second, at most {100 * wanted.error_rate:g} % errors"),
        ("Resources", f"{wanted.memory_mb:,} MB, {wanted.cpus:g} CPU, up after {wanted.startup_seconds:g} s"),
    )
    judged = _judged(facts, Check.LOAD_TEST, _SERVICE)
    blocks: tuple[Block, ...] = (
        FactList(declared),
        Measured(measurements=judged, empty="Not measured: this version was not put under load."),
    )
    return Section(
        title="Service objectives", blocks=blocks, note="Measured in the image that serves, under open-loop load."
    )


def answers(facts: CardFacts) -> Section:
    """Return how the served answers compare with the independent reference."""
    judged = _judged(facts, Check.RUN_SCENARIOS, ("",))
    asked = [m for m in judged if m.name == "scenarios.requests"]
    note = f"{asked[0].n:,} requests were asked; each answer was held against the reference." if asked else ""
    return Section(
        title="Answers against the independent reference",
        blocks=(Measured(measurements=judged, empty="Not measured: no scenario was run on this version."),),
        note=note,
    )


def _judged(facts: CardFacts, check: Check, prefixes: tuple[str, ...]) -> tuple[Measurement, ...]:
    item = facts.evidence.get(check)
    if item is None:
        return ()
    return tuple(m for m in item.measurements if m.outcome is not None and m.name.startswith(prefixes))
