"""A model with a champion and a candidate that may become one: where a way around the gates is tried.

The ledger is a real one on SQLite, the reports are files, the workflows, operators and rules are the product's own.
The registry is in memory with the real one's interface, and images are digests: what is tried here is tried on what
decides.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
import yaml

from slipway.core.evidence import REQUIRED_CHECKS, Check, Evidence, Report
from slipway.core.golden import Golden, Tolerance
from slipway.core.identity import Subject, digest_bytes
from slipway.core.service import BuiltImage, RuntimeName
from slipway.core.serving_options import ServingOptions
from slipway.core.verdict import Bound, Measurement, Outcome
from slipway.errors import EvidenceError
from slipway.ledger.entries import EntryKind
from slipway.settings import Settings
from slipway.workflows.approve import record_decision
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.standing import CHAMPION, DETAIL, recorded, standing
from slipway.workflows.workbench import Workbench
from tests.fakes.registry import FakeRegistry
from tests.fakes.specs import declared

MODEL, CHAMPION_VERSION, CANDIDATE = "churn", 1, 2
REQUESTER, OFFICER, DIRECTOR = "ada", "bob", "cy"
NOWHERE = "sha256:" + "0" * 64


class Engine:
    """Stands where services would run: none of them is ever reached."""

    name = RuntimeName.DOCKER


class Stage(Workbench):
    """Version 1 is champion by an honest release; version 2 has its gates and, unless told otherwise, its approvals.

    Parameters
    ----------
    folder : Path
        An empty folder.
    tier : str
        The risk tier; of a low one the policy approves.
    approval : mapping, optional
        What model.yaml says about it.
    """

    def __init__(self, folder: Path, *, tier: str = "medium", approval: dict | None = None) -> None:
        models = folder / "include" / "models" / MODEL
        models.mkdir(parents=True)
        self.said: list[str] = []
        self.declaration = models / "model.yaml"
        self.declare(risk_tier=tier, approval=approval or {})
        super().__init__(Settings.load({"SLIPWAY_ROOT": str(folder)}), say=self.said.append)
        self.registry = FakeRegistry(self.settings.var / "registry")
        self.runtime = Engine()
        self.changed: set[str] = set()
        self.later = timedelta()
        self.now = lambda: datetime.now(UTC) + self.later
        self._minute = datetime.now(UTC) - timedelta(hours=1)
        for version in (CHAMPION_VERSION, CANDIDATE):
            self.registry.add(MODEL, version, f"model {version}".encode())
        champion = self.release(CHAMPION_VERSION)
        self.gates(champion)
        self.approve(champion, OFFICER, DIRECTOR)
        promote(self, champion)
        self.serve(CHAMPION_VERSION)

    def declare(self, **changes) -> None:
        """Write model.yaml."""
        self.declaration.write_text(yaml.safe_dump(declared(**changes)))

    def verify_image(self, image, _files) -> None:
        """Refuse an image that was changed."""
        if image.digest in self.changed:
            raise EvidenceError(f"image {image.digest[7:19]} was changed", remedy="release again")

    def release(self, version: int = CANDIDATE, *, run: str = "", requester: str = REQUESTER) -> Release:
        """Return a version's release."""
        name = run or f"r{version}"
        return Release(id=name, model=MODEL, version=version, load_profile="smoke", requester=requester)

    def subject(self, version: int = CANDIDATE) -> Subject:
        """Return a version's bytes, the image among them."""
        return self.registry.files(MODEL, version).subject.with_image(image_of(version))

    def gates(self, release: Release, *, without: Check | None = None, **changes) -> None:
        """Let every gate pass, but for one."""
        self.start(release)
        for check in REQUIRED_CHECKS:
            if check is not without:
                self.put(check, release, **changes)

    def start(self, release: Release) -> None:
        """Write down that a release has begun, as its first gate does."""
        subject = self.registry.files(MODEL, release.version).subject
        payload = {"release": release.id, "subject": subject.to_json(), "load_profile": "smoke", "reason": ""}
        self._append(EntryKind.RELEASE_STARTED, release, payload, by=release.requester)

    def put(self, check: Check, release: Release, *, outcome: Outcome = Outcome.PASSED, by: str = "", **changes):
        """Append evidence as a gate would, or with changes as a forger would; return it."""
        evidence = replace(self.evidence(check, release, outcome), **changes)
        self._append(EntryKind.EVIDENCE, release, evidence.to_json(), by=by or release.requester)
        return evidence

    def evidence(self, check: Check, release: Release, outcome: Outcome = Outcome.PASSED) -> Evidence:
        """Write a gate's report, and return its evidence."""
        subject, at = self.registry.files(MODEL, release.version).subject, self._next_minute()
        name = "golden.json" if check is Check.RUN_SCENARIOS else f"{check}.html"
        path = self.report_folder(release, check.value) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(GOLDEN.to_json()))
        return Evidence(
            check=check,
            outcome=outcome,
            subject=subject.with_image(image_of(release.version)) if check.needs_image else subject,
            runtime="docker",
            measurements=(_measured(outcome),),
            reports=(_report(path, self.settings.reports),),
            started_at=at,
            ended_at=at,
            release=release.id,
            details=self._details(check, release.version),
        )

    def _details(self, check: Check, version: int) -> dict:
        built = BuiltImage(
            digest=image_of(version),
            reference=image_of(version),
            runtime=RuntimeName.DOCKER,
            python_version="3.11",
            lock_sha256=NOWHERE,
        )
        options = {"options": ServingOptions().to_json()}
        return {
            Check.EVALUATE: {DETAIL: standing(self, MODEL).to_json()},
            Check.BUILD_IMAGE: {"image": built.to_json()},
            Check.TUNE_SERVING: options,
            Check.LOAD_TEST: options,
        }.get(check, {})

    def approve(self, release: Release, *persons: str) -> None:
        """Write down what persons approved, one after the other, whoever they are."""
        for number, person in enumerate(persons, start=1):
            record_decision(self, release, approved=True, by=person, comment="seen", number=number)

    def serve(self, version: int) -> None:
        """Write down that a version serves, as a deployment does."""
        release, image = self.release(version), self._details(Check.BUILD_IMAGE, version)["image"]
        payload = {"release": release.id, "subject": self.subject(version).to_json(), "image": image, "service": {}}
        self._append(EntryKind.DEPLOYMENT, release, payload, by=release.requester)

    def promoted(self, release: Release) -> None:
        """Write down a promotion that never was."""
        payload = {
            "release": release.id,
            "subject": self.subject(release.version).to_json(),
            "before": CHAMPION_VERSION,
            "approvals": [],
        }
        self._append(EntryKind.PROMOTION, release, payload, by=release.requester)

    def move_alias(self, version: int = CANDIDATE) -> None:
        """Point the champion's alias at a version by hand."""
        self.registry.set_alias(MODEL, CHAMPION, version)

    def rewrite(self, statement: str, **values) -> None:
        """Change the ledger's table as only its owner can: without the triggers that refuse it."""
        engine = sa.create_engine(self.settings.ledger_url)
        with engine.begin() as connection:
            for trigger in ("ledger_no_update", "ledger_no_delete"):
                connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {trigger}"))
            connection.execute(sa.text(statement), values)
        engine.dispose()

    def seen(self) -> Seen:
        """Return where everything stands."""
        known = recorded(self, MODEL)
        return Seen(self.ledger.head().seq, self.registry.alias(MODEL, CHAMPION), known.version if known else None)

    def _append(self, kind: EntryKind, release: Release, payload: dict, *, by: str) -> None:
        self.ledger.append(kind, model=MODEL, version=release.version, actor=by, payload=payload)

    def _next_minute(self) -> datetime:
        self._minute += timedelta(seconds=1)
        return self._minute


@dataclass(frozen=True, slots=True)
class Seen:
    """The ledger's length, the alias, and the champion by the ledger."""

    seq: int
    alias: int | None
    champion: int | None


GOLDEN = Golden(rows=({"x": 1},), answers=(1.0,), tolerance=Tolerance(absolute=1e-9, relative=0))


def image_of(version: int) -> str:
    """Return the digest of a version's image."""
    return digest_bytes(f"image {version}".encode())


def _report(path: Path, root: Path) -> Report:
    return Report(path=path.relative_to(root).as_posix(), sha256=digest_bytes(path.read_bytes()))


def _measured(outcome: Outcome) -> Measurement:
    value = {Outcome.PASSED: 1.0, Outcome.FAILED: 0.0, Outcome.INCONCLUSIVE: None}[outcome]
    return Measurement(name="m", value=value, threshold=1.0, bound=Bound.MIN)
