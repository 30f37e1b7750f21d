"""What stands where, for retention: every reason to let a version be, from registry, ledger, gateway and runtime.

What cannot be read is a reason too: nothing is removed because somebody did not answer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from slipway.core.evidence import Check
from slipway.core.retention import VersionState
from slipway.core.service import BuiltImage, RuntimeName
from slipway.errors import EvidenceError, SlipwayError, VersionNotFound
from slipway.ledger.entries import SERVING_KINDS, Entry, EntryKind
from slipway.registry.info import VersionInfo
from slipway.workflows.archives import Passage, passages
from slipway.workflows.holds import held_versions
from slipway.workflows.rollback import previous_deployment
from slipway.workflows.standing import recorded
from slipway.workflows.workbench import Workbench


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One model, as it is now: its versions, what is held by command, and what the ledger knows of its bytes.

    Attributes
    ----------
    states : tuple of VersionState
    held : mapping of int to str
    passages : mapping of int to Passage
    artifacts : mapping of int to frozenset of str
        Every digest under which the ledger has ever known a version's files.
    images : mapping of int to tuple of BuiltImage
        Every image that was built of a version.
    """

    states: tuple[VersionState, ...]
    held: Mapping[int, str]
    passages: Mapping[int, Passage]
    artifacts: Mapping[int, frozenset[str]]
    images: Mapping[int, tuple[BuiltImage, ...]]


def observe(bench: Workbench, model: str) -> Observed:
    """Return what is known of a model's versions.

    Raises
    ------
    SlipwayError
        If the registry or the ledger cannot be read: then nothing at all is known.
    """
    try:
        infos = bench.registry.versions(model)
    except VersionNotFound:
        infos = []
    entries = bench.ledger.entries(model=model)
    images, stands = _images(entries), _stands(bench, model, entries, infos)
    unknown = _running(bench, model, images, stands)
    way = passages(entries)
    return Observed(
        states=tuple(_state(info, way.get(info.version, Passage()), stands[info.version], unknown) for info in infos),
        held=held_versions(entries),
        passages=way,
        artifacts=_artifacts(entries),
        images=images,
    )


def with_problems(states: Iterable[VersionState], problems: Mapping[int, str]) -> tuple[VersionState, ...]:
    """Return the states, those with a problem marked as unknown."""
    return tuple(
        replace(state, unknown=problems[state.version]) if state.version in problems else state for state in states
    )


def _state(info: VersionInfo, way: Passage, stands: Sequence[str], unknown: str) -> VersionState:
    return VersionState(
        version=info.version,
        created_at=info.created_at,
        run_id=info.run_id or "",
        stands=tuple(dict.fromkeys(stands)),
        unknown=unknown,
        stage=way.stage,
        restored_at=way.restored_at,
    )


def _stands(
    bench: Workbench, model: str, entries: Sequence[Entry], infos: Iterable[VersionInfo]
) -> defaultdict[int, list[str]]:
    stands: defaultdict[int, list[str]] = defaultdict(list)
    known = recorded(bench, model)
    if known is not None and known.version is not None:
        stands[known.version].append("is champion")
    try:
        before = previous_deployment(bench, model, run_id="")
        if before.version is not None:
            stands[before.version].append("is what a rollback would put back")
    except EvidenceError:
        pass  # nothing served before
    for info in infos:
        stands[info.version] += [f"has the alias {alias}" for alias in info.aliases]
    ended = {entry.payload.get("release") for entry in entries if entry.kind is EntryKind.RELEASE_ENDED}
    for entry in entries:
        if entry.kind is EntryKind.RELEASE_STARTED and entry.version is not None:
            release = entry.payload.get("release")
            if release not in ended:
                stands[entry.version].append(f"is in release {release}, which has not ended")
    return stands


def _running(
    bench: Workbench, model: str, images: Mapping[int, Sequence[BuiltImage]], stands: defaultdict[int, list[str]]
) -> str:
    """Add what serves, and what runs for whatever reason; return why nobody can tell, empty if it was told."""
    try:
        route = bench.gateway.route(model)
        handles = bench.runtime.list()
    except (SlipwayError, OSError, LookupError, ValueError, TypeError) as error:
        reason = error.reason if isinstance(error, SlipwayError) else repr(error)
        return f"what serves cannot be read: {reason}"
    for backend in route.backends if route else ():
        stands[backend.version].append(f"is in the gateway's route as {backend.role}")
    if route and route.mirror and (shadow := route.of_role(route.mirror.role)):
        stands[shadow.version].append("serves as shadow")
    named = re.compile(rf"slipway-{re.escape(model)}-v(\d+)(-.*)?")
    owner = {image.digest: version for version, built in images.items() for image in built}
    for handle in handles:
        match = named.fullmatch(handle.name)
        version = int(match.group(1)) if match else owner.get(handle.image_digest)
        if version is not None:
            stands[version].append(f"runs as {handle.name}")
    return ""


def _artifacts(entries: Iterable[Entry]) -> dict[int, frozenset[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    for entry in entries:
        subject = entry.payload.get("subject")
        if entry.version is not None and isinstance(subject, Mapping) and subject.get("version") == entry.version:
            found[entry.version].add(str(subject.get("artifact_sha256")))
    return {version: frozenset(digests) for version, digests in found.items()}


def _images(entries: Iterable[Entry]) -> dict[int, tuple[BuiltImage, ...]]:
    found: defaultdict[int, dict[tuple[RuntimeName, str], BuiltImage]] = defaultdict(dict)
    for entry in entries:
        said = None
        if entry.kind is EntryKind.EVIDENCE and entry.payload.get("check") == Check.BUILD_IMAGE.value:
            said = (entry.payload.get("details") or {}).get("image")
        elif entry.kind in SERVING_KINDS:
            said = entry.payload.get("image")
        if said and entry.version is not None:
            image = BuiltImage.from_json(said)
            found[entry.version][image.runtime, image.digest] = image
    return {version: tuple(images.values()) for version, images in found.items()}
