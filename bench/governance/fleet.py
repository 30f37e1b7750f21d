"""A fleet that never was, with its history: model folders, a ledger whose chain holds, nights of watching.

Seeded: the same call makes the same fleet. Releases stop at gates, champions are put back, days are scored; times rise
along the ledger as they would.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import yaml

from slipway.core.evidence import Check, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.serving_options import ServingOptions
from slipway.core.verdict import Bound, Measurement, Outcome, decide
from slipway.ledger import chain
from slipway.ledger.entries import Draft, EntryKind, Head, format_time
from slipway.ledger.store import Ledger, _to_row
from slipway.ledger.tables import ledger_entries
from slipway.monitoring.store import MonitoringStore
from slipway.monitoring.values import CheckResult
from slipway.settings import Settings

CHUNK = 5_000
TEAMS = ("claims", "credit-risk", "growth", "logistics", "oncology", "pricing", "trust-safety", "grid-ops")
SUBJECTS = (
    *("churn", "fraud", "demand", "tumor_malignancy", "claim_severity", "route_delay", "credit_default"),
    *("price_elasticity", "readmission", "load_forecast", "spam", "returns", "lead_score", "asset_failure"),
    *("triage", "diabetes_progression"),
)
PEOPLE = ("ada", "grace", "officer", "lin", "noor", "tomas")
HOST = {"machine": "x86_64", "system": "Linux 6.1", "python": "3.11.7", "slipway": "0.1.0", "runtime": "docker"}
METRICS: dict[Check, tuple[tuple[str, float, float, Bound, str], ...]] = {
    Check.VALIDATE_DATA: (
        ("rows.in_snapshot", 569, 50, Bound.MIN, "rows"),
        ("expectations.failed", 0, 0, Bound.MAX, "1"),
        ("shift.max", 0.08, 0.25, Bound.MAX, "1"),
        ("leak.shared_rows", 0, 0, Bound.MAX, "rows"),
    ),
    Check.EVALUATE: (
        ("roc_auc", 0.951, 0.9, Bound.MIN, "1"),
        ("recall", 0.91, 0.85, Bound.MIN, "1"),
        ("slice.age ≥ 50.recall", 0.88, 0.82, Bound.MIN, "1"),
        ("fairness.region.selection_rate", 0.04, 0.1, Bound.MAX, "1"),
        ("champion.roc_auc_loss", 0.002, 0.01, Bound.MAX, "1"),
    ),
    Check.BUILD_IMAGE: (
        ("image.added_mb", 148, 400, Bound.MAX, "MB"),
        ("dependencies.unhashed", 0, 0, Bound.MAX, "1"),
        ("image.root_processes", 0, 0, Bound.MAX, "1"),
    ),
    Check.RUN_SCENARIOS: (
        ("scenarios.disagreements", 0, 0, Bound.MAX, "1"),
        ("scenarios.errors", 0, 0, Bound.MAX, "1"),
        ("scenarios.cases", 1284, 1000, Bound.MIN, "1"),
    ),
    Check.PROFILE_SERVING: (("profile.slower_than_champion", 1.02, 1.25, Bound.MAX, "1"),),
    Check.TUNE_SERVING: (("tuning.wrong_answers", 0, 0, Bound.MAX, "1"),),
    Check.LOAD_TEST: (
        ("latency.p95", 62, 170, Bound.MAX, "ms"),
        ("latency.p99", 108, 270, Bound.MAX, "ms"),
        ("errors.rate", 0, 0, Bound.MAX, "1"),
        ("answers.wrong", 0, 0, Bound.MAX, "1"),
        ("memory.peak", 212, 512, Bound.MAX, "MB"),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry to be, and when."""

    at: datetime
    draft: Draft


def make_fleet(
    settings: Settings, *, models: int, entries: int, until: datetime, days: int = 540, watched: int = 30, seed: int = 0
) -> list[str]:
    """Write the folders, the ledger and the nights of a fleet; return the models' names.

    Parameters
    ----------
    models, entries : int
        How many folders, and how many ledger entries in all; the first model has the most of them.
    until : datetime
        The newest entry is not later.
    days, watched : int
        How far back the history goes, and how many nights were watched.
    """
    names = [_name(i) for i in range(models)]
    for i, name in enumerate(names):
        _write_folder(settings, name, random.Random(f"{seed}:{name}:declared"), i)
    events: list[Event] = []
    heavy = entries // 50
    for i, name in enumerate(names):
        count = heavy if i == 0 else max(1, (entries - heavy) // max(1, models - 1))
        events += _history(name, random.Random(f"{seed}:{name}"), count=count, until=until, days=days)
    first = min(event.at for event in events)
    spare = entries - len(events)
    events += [Event(at=first, draft=_scored(names[0], 1, first)) for _ in range(max(0, spare))]
    events.sort(key=lambda event: event.at)
    append_all(Ledger(settings.ledger_url), events[:entries])
    _watch(settings, names, until.date(), watched, seed)
    return names


def append_all(ledger: Ledger, events: Sequence[Event]) -> None:
    """Append many entries, thousands to a transaction: the same chain as one by one, without a commit for each."""
    head = ledger.head()
    for start in range(0, len(events), CHUNK):
        rows: list[dict[str, Any]] = []
        for event in events[start : start + CHUNK]:
            row = _row(event, head)
            head = Head(row["seq"], row["hash"])
            rows.append(row)
        if start == 0:
            _require_same(events[0], rows[0])
        with ledger._database.writing() as connection:
            connection.execute(ledger_entries.insert(), rows)


def _row(event: Event, head: Head) -> dict[str, Any]:
    """Return the entry that follows ``head``, as :func:`slipway.ledger.chain.seal` makes it, with one pass only."""
    draft = event.draft
    payload = json.dumps(draft.payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    row = {"actor": draft.actor, "at": format_time(event.at), "kind": draft.kind.value, "model": draft.model}
    row |= {"payload": payload, "previous": head.hash, "seq": head.seq + 1, "version": draft.version}
    content = ",".join(f'"{name}":{value if name == "payload" else json.dumps(value)}' for name, value in row.items())
    return row | {"hash": digest_bytes(f"{{{content}}}".encode())}


def _require_same(event: Event, row: dict[str, Any]) -> None:
    sealed = chain.seal(event.draft, head=Head(row["seq"] - 1, row["previous"]), at=event.at)
    if _to_row(sealed) != row:
        raise RuntimeError("the benchmark writes another chain than the ledger does")


def _name(i: int) -> str:
    base = SUBJECTS[i % len(SUBJECTS)]
    return base if i < len(SUBJECTS) else f"{base}_{i // len(SUBJECTS) + 1:02d}"


def _write_folder(settings: Settings, name: str, dice: random.Random, i: int) -> None:
    folder = settings.models / name
    folder.mkdir(parents=True, exist_ok=True)
    if i % 97 == 96:
        (folder / "model.yaml").write_text(f"name: {name}\nrisk_tier: huge\n")
        return
    team = TEAMS[i % len(TEAMS)]
    declared = {
        "name": name,
        "purpose": f"Scores {name.replace('_', ' ')} for {team}, so that a person looks at the right cases first.",
        "owner": {"team": team, "contact": f"{team}@example.org"},
        "stakeholders": ["model risk", team],
        "risk_tier": ("low", "medium", "high")[dice.choice((0, 1, 1, 2))],
        "dataset": "rows",
        "registered_model": name,
        "task": "classification",
        "signature": {
            "inputs": [{"name": f"x{n}", "dtype": "float", "min": -10, "max": 10} for n in range(12)],
            "output": {"name": "p", "min": 0, "max": 1, "index": 1},
        },
        "objectives": {"p95_ms": 170, "p99_ms": 270},
        "quality": {
            "label": "y",
            "metrics": [{"name": "roc_auc", "threshold": 0.9}],
            "champion_metric": "roc_auc",
        },
        "scoring": {"source": {"folder": "rows"}, "sink": {"folder": "answers"}, "keys": ["id"]},
        "monitoring": {},
        "retention": {"keep_versions": 3, "keep_days": 540},
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))


def _history(name: str, dice: random.Random, *, count: int, until: datetime, days: int) -> Iterator[Event]:
    """Give exactly ``count`` entries of one model, unless its releases alone are more."""
    versions = max(1, min(40, count // 16))
    begin = until - timedelta(days=days * dice.uniform(0.4, 1.0))
    step = (until - begin) / (versions + 1)
    champion, given = None, 0
    for version in range(1, versions + 1):
        at = begin + step * version + timedelta(hours=dice.uniform(-20, 20))
        for event in _release(name, version, at, dice, champion):
            if given == count:
                return
            given += 1
            yield event
            if event.draft.kind is EntryKind.PROMOTION:
                champion = version
        room = (count - given) // (versions - version + 1) if version < versions else count - given
        scored = max(0, min(room - 14 if version < versions else room, 400))
        for n in range(scored):
            moment = at + timedelta(hours=2) + (min(step, until - at) - timedelta(hours=3)) * ((n + 1) / (scored + 1))
            given += 1
            yield Event(at=moment, draft=_scored(name, champion or version, moment))


def _release(name: str, version: int, at: datetime, dice: random.Random, champion: int | None) -> Iterator[Event]:
    artifact = digest_bytes(f"{name}:{version}".encode())
    image = digest_bytes(f"{name}:{version}:image".encode())
    subject = Subject(model=name, version=version, artifact_sha256=artifact)
    run = f"manual__{at:%Y-%m-%dT%H:%M:%S}+00:00"
    who = dice.choice(PEOPLE)
    stops = dice.choice((Check.EVALUATE, Check.RUN_SCENARIOS, Check.LOAD_TEST)) if dice.random() < 0.22 else None
    clock = at

    def event(kind: EntryKind, actor: str, payload: dict[str, Any]) -> Event:
        return Event(
            at=clock,
            draft=Draft(kind=kind, model=name, version=version, actor=actor, payload={"release": run} | payload),
        )

    def ended(outcome: Outcome, step: str, reason: str) -> Event:
        about = {"subject": subject.to_json(), "outcome": outcome.value, "step": step, "reason": reason}
        return event(EntryKind.RELEASE_ENDED, who, about)

    why = dice.choice(
        ("retrained on the newest quarter", "fixes the boundary of age", "smaller model, same answers", "")
    )
    yield event(
        EntryKind.RELEASE_STARTED, who, {"subject": subject.to_json(), "load_profile": "standard", "reason": why}
    )
    for check in Check:
        clock += timedelta(seconds=dice.uniform(15, 240))
        if check is Check.BUILD_IMAGE:
            subject = subject.with_image(image)
        evidence = _evidence(subject, check, clock, run, dice, fails=check is stops)
        yield event(EntryKind.EVIDENCE, who, evidence.to_json())
        if evidence.outcome is not Outcome.PASSED:
            yield ended(evidence.outcome, check.value, "; ".join(evidence.reasons))
            return
    clock += timedelta(minutes=dice.uniform(5, 90))
    yield event(EntryKind.APPROVAL, "officer", {"subject": subject.to_json(), "comment": "read the evidence; go ahead"})
    yield event(
        EntryKind.PROMOTION, who, {"subject": subject.to_json(), "before": champion, "approval": {"by": "officer"}}
    )
    clock += timedelta(seconds=20)
    yield event(EntryKind.DEPLOYMENT, who, _serving(subject, image))
    yield ended(Outcome.PASSED, "deploy", "serving")


def _serving(subject: Subject, image: str) -> dict[str, Any]:
    return {
        "subject": subject.to_json(),
        "image": {"digest": image, "runtime": "docker", "reference": f"slipway/{subject.model}:{subject.version}"},
        "service": {"id": image[7:19], "name": f"slipway-{subject.model}-v{subject.version}"},
        "options": ServingOptions().to_json(),
        "reason": "",
        "events": ["ready", "golden answers hold", "traffic switched", "watched for 5 s"],
        "seconds": {"ready": 1.4, "switch": 0.1},
    }


def _evidence(subject: Subject, check: Check, at: datetime, run: str, dice: random.Random, *, fails: bool) -> Evidence:
    found = []
    for i, (name, value, limit, bound, unit) in enumerate(METRICS[check]):
        moved = (
            value * dice.uniform(0.9, 1.08)
            if bound is Bound.MAX or value > limit * 1.2
            else value * dice.uniform(0.99, 1.01)
        )
        if fails and (i == 0 or (check is Check.LOAD_TEST and i == 1)):
            moved = limit * 1.21 + 1 if bound is Bound.MAX else limit * 0.93
        found.append(
            Measurement(
                name=name, value=round(moved, 4), threshold=limit, bound=bound, unit=unit, n=2400,
                note="the interval of the estimate, by order statistics, is inside of the limit on this host",
            )
        )  # fmt: skip
    recorded = [Measurement(name=f"recorded.{n}", value=round(dice.random(), 6), n=2400) for n in range(4)]
    verdict = decide(found)
    path = (
        f"{subject.model}/v{subject.version}/{run.replace(':', '_').replace('+', '_')}/{check.value}/{check.value}.html"
    )
    return Evidence(
        check=check,
        outcome=verdict.outcome,
        subject=subject,
        runtime="docker",
        measurements=(*found, *recorded),
        reports=(Report(path=path, sha256=digest_bytes(path.encode()), title=check.value),),
        started_at=at - timedelta(seconds=14),
        ended_at=at,
        release=run,
        reasons=verdict.reasons,
        details={"windows": [{"p95": round(dice.uniform(50, 80), 3), "n": 400} for _ in range(6)]},
        host=HOST,
    )


def _scored(name: str, version: int, at: datetime) -> Draft:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = 4000 + (day.toordinal() * 37) % 900
    payload = {
        "run": f"scheduled__{day:%Y-%m-%d}",
        "subject": {"model": name, "version": version},
        "interval": {"start": (day - timedelta(days=1)).isoformat(), "end": day.isoformat()},
        "partitions": 1,
        "rows": {"read": rows + 3, "written": rows, "set_aside": 3},
        "summary": {},
        "measurements": [],
    }
    return Draft(kind=EntryKind.SCORING, model=name, version=version, actor="batch", payload=payload)


def _watch(settings: Settings, names: Sequence[str], until: date, nights: int, seed: int) -> None:
    """Watch the last nights of every model: one check for most of them, five for the first ones."""
    from sqlalchemy import insert

    from slipway.monitoring import rows, tables

    store = MonitoringStore(settings.monitoring_url)
    store.newest()  # makes the tables
    moment = datetime.combine(until, datetime.min.time(), UTC)
    made: list[dict[str, Any]] = []
    for i, name in enumerate(names):
        dice = random.Random(f"{seed}:{name}:nights")
        checks = ("input", "drift", "prediction", "labels", "quality") if i < 20 else ("drift",)
        for night in range(nights):
            for check in checks:
                value = dice.betavariate(2, 14) * (2.2 if i % 9 == 4 and night > nights - 5 and check == "drift" else 1)
                number = Measurement(name=f"{check}.share", value=value, threshold=0.3, bound=Bound.MAX, n=4000)
                result = CheckResult(
                    model=name,
                    version=1,
                    day=until - timedelta(days=nights - 1 - night),
                    check=check,
                    measurements=(number,),
                )
                made.append(rows.run_row(result, moment))
    with store._database.writing() as connection:
        for start in range(0, len(made), 5000):
            connection.execute(insert(tables.runs), made[start : start + 5000])
        alerts = [_alert(name, until) for i, name in enumerate(names) if i % 9 == 4]
        if alerts:
            connection.execute(insert(tables.alerts), alerts)


def _alert(name: str, until: date) -> dict[str, Any]:
    return {
        "model": name,
        "cause": "drift.x3",
        "first_seen": (until - timedelta(days=3)).isoformat(),
        "last_seen": until.isoformat(),
        "check_name": "drift",
        "severity": "page",
        "state": "open",
        "version": 1,
        "said": "x3 has moved",
        "next_step": "look at the source of x3",
        "seen": until.isoformat(),
        "clear": "",
    }
