"""Who stands where: what the ledger says about the champion, and whether the registry's aliases agree.

candidate (registered, unproven) -> challenger (all gates passed, awaits approval) -> champion (promoted).
``previous`` points to the champion before, for people to read.

Rules
-----
1. The ledger says who is champion: the version of the newest promotion; after a deployment that did not hold, the one
   that it named as serving; after a rollback, the one put back; nobody once the champion was retired. Deployments, and
   what a start puts back into service, change nothing: they say what serves.
2. The registry's alias must say the same. Where it does not, somebody moved it by hand or a step was killed half-way:
   nothing is compared with it and nothing is promoted, until ``slipway champion MODEL --as-recorded`` has put it back.
3. First contact: a model of which the ledger has never known a champion has the one that its alias names. The
   evaluation writes down which one that was, it must still be that one at the promotion, and rule 1 holds from then on.
4. A champion whose files are not those that were promoted is none to compare with.
5. An evaluation holds as long as the champion that it was made beside: once another version was promoted or put back,
   the release has to be made again.
6. A promotion that was killed between alias and ledger can be run again: the alias may name the very version that is
   being promoted, since everything else is judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.core.evidence import Evidence
from slipway.core.identity import Subject
from slipway.core.version import VersionFiles
from slipway.errors import EvidenceError, PromotionRefused
from slipway.ledger.entries import Entry, EntryKind
from slipway.workflows.workbench import Workbench

CHALLENGER = "challenger"
CHAMPION = "champion"
PREVIOUS = "previous"
RESTORER = "slipway start"  # the actor of what was put back into service after a stop
DETAIL = "standing"  # where an evaluation's evidence keeps the champion that it was made beside

KINDS = (EntryKind.PROMOTION, EntryKind.REFUSAL, EntryKind.ROLLBACK, EntryKind.RETIREMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who is champion.

    Attributes
    ----------
    version : int or None
        None if nobody is.
    artifact_sha256 : str or None
        Of the files that were promoted; None where nobody recorded them.
    recorded : bool
        Whether the ledger says so; else the registry's alias alone.
    release, before : str, int or None
        Of a promotion: whose it was, and which champion it replaced.
    """

    version: int | None
    artifact_sha256: str | None = None
    recorded: bool = False
    release: str = ""
    before: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what an evaluation writes down."""
        return {"version": self.version, "artifact_sha256": self.artifact_sha256, "recorded": self.recorded}

    def __str__(self) -> str:
        """Return the version as a person says it."""
        return said(self.version)


def said(version: int | None) -> str:
    """Return a version, or its absence, as a person says it.

    >>> said(3), said(None)
    ('version 3', 'no version')
    """
    return "no version" if version is None else f"version {version}"


def standing_after(entries: Iterable[Entry]) -> Standing | None:
    """Return who is champion after these entries of one model, oldest first; None if none of them says (rule 1)."""
    found: Standing | None = None
    digests: dict[int, str] = {}
    for entry in entries:
        subject = entry.payload.get("subject") or {}
        if entry.version is not None and "artifact_sha256" in subject and entry.kind is not EntryKind.REFUSAL:
            digests[entry.version] = subject["artifact_sha256"]
        found = next_standing(found, entry, digests)
    return found


def next_standing(found: Standing | None, entry: Entry, digests: Mapping[int, str]) -> Standing | None:
    """Return who is champion after one more entry, ``found`` having been so before it (rule 1).

    Parameters
    ----------
    found : Standing or None
    entry : Entry
        Of the same model, later than all that led to ``found``.
    digests : mapping of int to str
        Of each version's files, as recorded up to this entry.
    """

    def standing(version: int | None, **more: Any) -> Standing:
        digest = None if version is None else digests.get(version)
        return Standing(version=version, artifact_sha256=digest, recorded=True, **more)

    if entry.kind is EntryKind.PROMOTION:
        return standing(entry.version, release=entry.payload.get("release", ""), before=entry.payload.get("before"))
    if entry.kind is EntryKind.REFUSAL and entry.payload.get("what") == "deployment":
        return standing(entry.payload.get("serving"))
    if entry.kind is EntryKind.ROLLBACK and entry.actor != RESTORER:
        return standing(entry.version)
    retired = entry.kind is EntryKind.RETIREMENT and not entry.payload.get("lifted")
    if retired and found is not None and entry.version in (None, found.version):
        return standing(None)
    return found


def recorded(bench: Workbench, model: str, *, before_seq: int | None = None) -> Standing | None:
    """Return who the ledger says is champion, or said before an entry; None if it has never known one."""
    entries = bench.ledger.entries(model=model, kinds=KINDS)
    return standing_after(entry for entry in entries if before_seq is None or entry.seq < before_seq)


def standing(bench: Workbench, model: str) -> Standing:
    """Return the champion on whom ledger and registry agree (rules 1 to 3).

    Raises
    ------
    EvidenceError
        If they do not agree; names both, and the command that puts it right.
    """
    alias, known = bench.registry.alias(model, CHAMPION), recorded(bench, model)
    if known is None:
        return Standing(version=alias)
    if alias != known.version:
        raise _disagreement(EvidenceError, model, alias, known)
    return known


def champion_files(bench: Workbench, champion: Standing, *, besides: Subject) -> VersionFiles | None:
    """Return the files of a model's champion; None if there is none yet, or if it is ``besides`` itself.

    Raises
    ------
    EvidenceError
        If they are not the files that were promoted (rule 4).
    """
    if champion.version is None or champion.version == besides.version:
        return None
    files = bench.registry.files(besides.model, champion.version)
    if champion.artifact_sha256 not in (None, files.subject.artifact_sha256):
        raise EvidenceError(
            f"the files of {besides.model} version {champion.version}, the champion, are "
            f"{files.subject.artifact_sha256[7:19]} now, {str(champion.artifact_sha256)[7:19]} was promoted",
            remedy="restore the champion's artifact in the registry, or roll back with `slipway rollback "
            f"{besides.model}`",
        )
    return files


def replaced_champion(bench: Workbench, subject: Subject, release: str, evaluation: Evidence) -> int | None:
    """Return the champion that a promotion of ``subject`` replaces (rules 2, 3, 5 and 6).

    Parameters
    ----------
    subject : Subject
        What is to be promoted.
    release : str
        The release's id.
    evaluation : Evidence
        The release's evaluation; it says beside which champion it was made.

    Raises
    ------
    PromotionRefused
        If ledger and registry disagree, or the champion is not the one that the evaluation was made beside.
    """
    seen = evaluation.details.get(DETAIL)
    if not isinstance(seen, Mapping):
        raise PromotionRefused(
            f"the evaluation of {subject} does not say beside which champion it was made", remedy=_again(subject)
        )
    alias, known = bench.registry.alias(subject.model, CHAMPION), recorded(bench, subject.model)
    if known is None:
        if alias not in (seen["version"], subject.version):
            raise PromotionRefused(
                f"the registry's champion of {subject.model} is {said(alias)}, it was {said(seen['version'])} when "
                "this release was evaluated, and no release has made it so",
                remedy=f"find out who moved it, point the alias back at {said(seen['version'])} and run promote again, "
                "or release again",
            )
        return None if seen["version"] is None else int(seen["version"])
    if alias not in (known.version, subject.version):
        raise _disagreement(PromotionRefused, subject.model, alias, known)
    if _same(seen, known):
        return known.version
    promoted_already = known.release == release and known.version == subject.version
    if promoted_already and seen["version"] == known.before:
        return known.before
    raise PromotionRefused(
        f"{subject} was evaluated beside {said(seen['version'])}, and {known} has become champion since",
        remedy=_again(subject),
    )


def _same(seen: Mapping[str, Any], known: Standing) -> bool:
    digests = {seen.get("artifact_sha256"), known.artifact_sha256} - {None}
    return bool(seen["version"] == known.version and len(digests) <= 1)


def _again(subject: Subject) -> str:
    return (
        f"release it again, `slipway release {subject.model} --version {subject.version}`, so that it is compared "
        "with the champion of now"
    )


def _disagreement(error: type[EvidenceError], model: str, alias: int | None, known: Standing) -> EvidenceError:
    return error(
        f"the registry says that {said(alias)} of {model} is champion, the ledger says {known}: the alias was moved, "
        "and no release or rollback did it",
        remedy=f"find out who moved it; `slipway champion {model} --as-recorded` puts it back to {known}"
        + ("" if alias is None else f", `slipway release {model} --version {alias}` makes version {alias} champion"),
    )


def make_champion(bench: Workbench, subject: Subject, *, before: int | None) -> None:
    """Move the champion's alias, and ``previous`` to the champion before; the same version again changes nothing."""
    if before not in (None, subject.version):
        bench.registry.set_alias(subject.model, PREVIOUS, before)
    if bench.registry.alias(subject.model, CHAMPION) != subject.version:
        bench.registry.set_alias(subject.model, CHAMPION, subject.version)
    if bench.registry.alias(subject.model, CHALLENGER) == subject.version:
        bench.registry.delete_alias(subject.model, CHALLENGER)


def restore_champion(bench: Workbench, subject: Subject, before: int | None) -> None:
    """Undo :func:`make_champion` after a deployment that failed: ``before`` is champion again."""
    if bench.registry.alias(subject.model, CHAMPION) == subject.version:
        _point(bench, subject.model, before)


def put_alias_right(bench: Workbench, model: str, *, actor: str) -> Standing:
    """Point the registry's alias at the champion that the ledger knows, and record that; return that champion.

    Where they agree already nothing is done.

    Raises
    ------
    EvidenceError
        If the ledger has never known a champion: there is nothing to put it back to.
    """
    alias, known = bench.registry.alias(model, CHAMPION), recorded(bench, model)
    if known is None:
        raise EvidenceError(
            f"the ledger has never known a champion of {model}",
            remedy="release a version; the alias in the registry is taken as it is until then",
        )
    if alias != known.version:
        bench.ledger.append(
            EntryKind.REFUSAL,
            model=model,
            version=alias,
            actor=actor,
            payload={
                "release": "",
                "subject": None,
                "what": "alias",
                "reason": f"the alias was moved to {said(alias)} by no release; it is put back to {known}",
            },
        )
        _point(bench, model, known.version)
    return known


def _point(bench: Workbench, model: str, version: int | None) -> None:
    if version is None:
        bench.registry.delete_alias(model, CHAMPION)
    else:
        bench.registry.set_alias(model, CHAMPION, version)
