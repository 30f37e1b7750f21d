"""Every model's champion, as the ledger, the registry, the image store and the gateway have it.

Rules
-----
1. The registry's alias names the ledger's champion. Moved by hand, it is put back where the declaration says so.
2. The registry still holds the bytes that were promoted, read anew and not from a cache.
3. The image that serves is still the bytes that were judged.
4. The route leads to that image: as the gateway's state has it, and as the gateway itself answers.
5. A release that is moving a champion in this very moment is no finding: what disagrees is looked at again, after a
   pause that is longer while a release of that version is under way, and told when it has not changed.
6. What cannot be asked is told as not looked at. One model's trouble keeps nobody from looking at the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slipway.core.finding import Finding, Kind, Severity
from slipway.core.identity import Subject
from slipway.core.service import BuiltImage
from slipway.core.version import VersionFiles
from slipway.deploy.answering import answering_backend
from slipway.deploy.envoy import cluster_name
from slipway.errors import (
    ArtifactError,
    EvidenceError,
    GatewayError,
    ImageBuildError,
    LedgerError,
    RegistryError,
    SlipwayError,
    VersionNotFound,
)
from slipway.ledger.entries import SERVING_KINDS, Entry, EntryKind
from slipway.specs import model_names
from slipway.workflows.standing import CHAMPION, Standing, put_alias_right, recorded, said
from slipway.workflows.workbench import Workbench

SETTLE_SECONDS = 5.0
RELEASE_SECONDS = 90.0  # two calls to a slow registry, between the alias and the entry that tells of it
_DISAGREE = (Kind.ALIAS_MOVED, Kind.ROUTE_MOVED)


def compare_models(
    bench: Workbench, *, actor: str, pause: Callable[[float], None]
) -> tuple[tuple[str, ...], list[Finding]]:
    """Compare every onboarded model; return their names and what is wrong.

    Raises
    ------
    LedgerError
        If the ledger does not answer.
    """
    names = _names(bench)
    return names, [finding for name in names for finding in _model(bench, name, actor=actor, pause=pause)]


def _names(bench: Workbench) -> tuple[str, ...]:
    """Return every onboarded model, and every other one of which the ledger knows a champion: its folder is gone."""
    onboarded = model_names(bench.settings)
    promoted = {entry.model for entry in bench.ledger.entries(kinds=[EntryKind.PROMOTION])}
    gone = [
        name for name in sorted(promoted - set(onboarded)) if (recorded(bench, name) or Standing(version=None)).version
    ]
    return (*onboarded, *gone)


def _model(bench: Workbench, model: str, *, actor: str, pause: Callable[[float], None]) -> list[Finding]:
    try:
        policy = bench.spec(model).audit.alias_moved
        look = _Look(bench, model, recorded(bench, model))
        findings = look.all()
        if any(finding.kind in _DISAGREE for finding in findings):
            pause(RELEASE_SECONDS if look.being_released() else SETTLE_SECONDS)
            look = _Look(bench, model, recorded(bench, model))
            findings = look.all()
    except LedgerError:
        raise
    except (SlipwayError, OSError, LookupError, TypeError, ValueError) as error:
        return [_not_looked_at(model, "declaration and records", error)]
    if policy == "restore":
        findings = [_restored(bench, finding, actor) for finding in findings]
    return findings


def _restored(bench: Workbench, finding: Finding, actor: str) -> Finding:
    """Put a moved alias back (rule 1)."""
    if finding.kind is not Kind.ALIAS_MOVED:
        return finding
    try:
        champion = put_alias_right(bench, finding.model, actor=actor)
    except RegistryError as error:
        return replace(finding, what=f"{finding.what}; it could not be put back: {error.reason}")
    return replace(
        finding, what=f"{finding.what}; it was put back to {champion}", put_right=True, remedy="find out who moved it"
    )


def _not_looked_at(model: str, place: str, error: BaseException, *, version: int | None = None) -> Finding:
    reason = error.reason if isinstance(error, SlipwayError) else f"{type(error).__name__}: {error}"
    return Finding(
        kind=Kind.NOT_LOOKED_AT,
        model=model,
        version=version,
        place=place,
        what=f"{place} of {model} could not be looked at: {reason}",
        remedy=error.remedy if isinstance(error, SlipwayError) else "correct what is named, then audit again",
        severity=Severity.UNKNOWN,
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at one model, beside the champion that the ledger knows."""

    bench: Workbench
    model: str
    known: Standing | None

    def all(self) -> list[Finding]:
        """Return what is wrong."""
        checks = (self._alias, self._artifact, self._image, self._route)
        return [finding for check in checks for finding in check()] if self.known else []

    def being_released(self) -> bool:
        """Tell whether a release of this model has begun and not ended."""
        kinds = (EntryKind.RELEASE_STARTED, EntryKind.RELEASE_ENDED)
        state = {e.payload["release"]: e.kind for e in self.bench.ledger.entries(model=self.model, kinds=kinds)}
        return EntryKind.RELEASE_STARTED in state.values()

    @property
    def _champion(self) -> Standing:
        assert self.known is not None
        return self.known

    def _finding(self, kind: Kind, what: str, remedy: str, **more: Any) -> Finding:
        named = {"model": self.model, "version": self._champion.version}
        return Finding(kind=kind, what=what, remedy=remedy, **{**named, **more})

    def _alias(self) -> Iterator[Finding]:
        try:
            alias = self.bench.registry.alias(self.model, CHAMPION)
        except RegistryError as error:
            yield _not_looked_at(self.model, "the registry's alias", error)
            return
        if alias != self._champion.version:
            yield self._finding(
                Kind.ALIAS_MOVED,
                f"the registry says that {said(alias)} of {self.model} is champion, the ledger says {self._champion}, "
                "and no release or rollback moved it",
                f"find out who moved it; `slipway champion {self.model} --as-recorded` puts it back",
                version=alias,
                place=f"{CHAMPION} instead of {said(self._champion.version)}",
            )

    def _artifact(self) -> Iterator[Finding]:
        version, digest = self._champion.version, self._champion.artifact_sha256
        if version is None or digest is None:
            return
        roll_back = f"restore it in the registry's store from a backup, or `slipway rollback {self.model}`"
        try:
            now = self.bench.registry.artifact_digest(self.model, version)
        except (VersionNotFound, ArtifactError) as error:
            what = f"the files of {self.model} version {version}, the champion, are not whole: {error.reason}"
            yield self._finding(Kind.ARTIFACT_MISSING, what, roll_back)
            return
        except RegistryError as error:
            yield _not_looked_at(self.model, "the champion's files in the registry", error, version=version)
            return
        if now != digest:
            what = (
                f"the files of {self.model} version {version}, the champion, are {now[7:19]} in the registry now, "
                f"{digest[7:19]} was promoted"
            )
            yield self._finding(Kind.ARTIFACT_ALTERED, what, roll_back)

    def _serving(self) -> Entry | None:
        if self._champion.version is None:  # retired
            return None
        entries = self.bench.ledger.entries(model=self.model, kinds=SERVING_KINDS)
        return entries[-1] if entries else None

    def _image(self) -> Iterator[Finding]:
        entry = self._serving()
        if entry is None:
            return
        image, subject = BuiltImage.from_json(entry.payload["image"]), Subject.from_json(entry.payload["subject"])
        again = f"`slipway rollback {self.model}`, or release version {subject.version} again"
        # What it was built from is what was recorded: the registry's files of now are another check's business.
        built_from = VersionFiles(subject=replace(subject, image_digest=None), root=Path(), run_id="")
        try:
            self.bench.verify_image(image, built_from)
        except (EvidenceError, ImageBuildError) as error:
            yield self._finding(Kind.IMAGE_CHANGED, error.reason, again, version=subject.version, place=image.digest)
        except SlipwayError as error:
            yield _not_looked_at(self.model, "the image that serves", error, version=subject.version)

    def _route(self) -> Iterator[Finding]:
        entry = self._serving()
        if entry is None:
            return
        with _told(self.model, "the route", entry.version) as told:
            wrong = self._wrong_route(Subject.from_json(entry.payload["subject"]))
            if wrong:
                back = (
                    f"find out who moved it; `slipway start` puts the ledger's champion back, or release {self.model}"
                )
                told.append(self._finding(Kind.ROUTE_MOVED, wrong, back, version=entry.version))
        yield from told

    def _wrong_route(self, subject: Subject) -> str:
        """Return how the route differs from what the ledger says serves; empty if it does not."""
        ours = f"{self.model} version {subject.version}, image {str(subject.image_digest)[7:19]}"
        route = self.bench.gateway.route(self.model)
        champion = route.champion if route else None
        if route is None or champion is None:
            return f"the gateway has no route to {ours}, which the ledger says serves"
        if (champion.version, champion.digest) != (subject.version, subject.image_digest):
            return (
                f"the gateway's champion is version {champion.version}, image {champion.digest[7:19]}; "
                f"the ledger says that {ours} serves"
            )
        allowed = {cluster_name(self.model, backend) for backend in route.backends if backend.weight}
        answered = answering_backend(self.bench.gateway, self.model)
        if answered is None:
            return f"the gateway passes nothing on to {ours}, which the ledger says serves"
        if answered not in allowed:
            return f"the gateway answers from {answered}; the ledger says that {ours} serves"
        return ""


@contextmanager
def _told(model: str, place: str, version: int | None) -> Iterator[list[Finding]]:
    """Give a list to add findings to; a gateway that does not answer becomes one."""
    told: list[Finding] = []
    try:
        yield told
    except (GatewayError, OSError) as error:
        told.append(_not_looked_at(model, place, error, version=version))
