"""The audit pack: everything that somebody who trusts nobody needs to verify a model's, or a period's, history offline.

Rules
-----
1. The chain is in it whole, with every model's entries: an entry of which only the hash is known could have been
   altered together with the link after it, and nobody would see it.
2. Reports, evidence, decisions, cards and declarations are those of its models and its period; of a release that
   reaches into the period, all of them.
3. Anchors are read before the ledger, so that none of them is ahead of it.
4. What is gone or altered on this host stops nothing here: the pack is verified once it is written, as an auditor will,
   and what that finds is told.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.cards import to_html, to_markdown
from slipway.errors import EvidenceError, SlipwayError
from slipway.governance import index_page
from slipway.governance.archive import Content, Packed, Progress, write_archive
from slipway.governance.pack_rules import Entry, Wrong, canonical, extracts, in_scope, report_files
from slipway.governance.program import program
from slipway.governance.verify import ANCHORS, ENTRIES, PUBLIC_KEY, Archive, verify
from slipway.ledger.entries import format_time
from slipway.specs import model_folder
from slipway.workflows.model_card import model_card
from slipway.workflows.workbench import Workbench

DECLARED = ("model.yaml", "card.md", "reference.py", "scenarios.yaml", "train.py")
README = (
    "A Slipway audit pack. Open index.html to read it; verify it with\n\n"
    "    python -I verify.py --key KEY.pem --manifest-sha256 DIGEST\n\n"
    "with the key and the digest that you were given by another way than this archive. It needs Python 3.11 or newer,\n"
    "and its package `cryptography` to check signatures.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPack:
    """A pack that was written, and what its own verification found.

    Attributes
    ----------
    packed : Packed
    entries, about : int
        Entries in the chain, and those that the pack is about.
    holds : tuple of str
        What holds, in sentences; empty if something does not.
    problem : str
        The first thing that is wrong; empty if nothing is.
    """

    packed: Packed
    entries: int
    about: int
    holds: tuple[str, ...]
    problem: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "path": str(self.packed.path),
            "files": self.packed.files,
            "manifest_sha256": self.packed.manifest_sha256,
            "entries": self.entries,
            "entries_about": self.about,
            "holds": list(self.holds),
            "problem": self.problem or None,
        }


def audit_pack(
    bench: Workbench,
    models: Sequence[str],
    out: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    progress: Progress = lambda *_: None,
) -> AuditPack:
    """Write the pack of some models, or of all that the ledger knows if none is named.

    Parameters
    ----------
    since, until : datetime, optional
        The period, with its zone; ``until`` is the first moment after it.

    Raises
    ------
    EvidenceError
        If the ledger knows of nothing there.
    LedgerBroken
        If an entry cannot be read as the ledger wrote it.
    """
    anchors = dict(_anchors(bench))
    entries = [entry.to_json() for entry in bench.ledger.entries()]
    known = dict.fromkeys(sorted({entry["model"] for entry in entries}))
    scope: dict[str, Any] = {
        "models": sorted(models) or list(known),
        "from": format_time(since) if since else None,
        "to": format_time(until) if until else None,
    }
    about = in_scope(entries, scope)
    if not about:
        raise EvidenceError(
            f"the ledger knows nothing of {', '.join(scope['models']) or 'any model'} in that period",
            remedy=f"look with `slipway ledger show`; it knows {', '.join(known) or 'no model yet'}",
        )
    head = {"seq": entries[-1]["seq"], "hash": entries[-1]["hash"]}
    with tempfile.TemporaryDirectory() as folder:
        chain = _chain(entries, Path(folder) / "entries.jsonl")
        content: dict[str, Content] = {
            ENTRIES: chain,
            "verify.py": program().encode(),
            "README.txt": README.encode(),
            **anchors,
            **extracts(about),
            **dict(_reports(bench, about)),
            **dict(_cards(bench, about)),
            **dict(_declarations(bench, scope["models"])),
        }
        page = index_page.render(scope=scope, about=about, head=head, files=content)
        content["index.html"] = page.encode()
        packed = write_archive(out, content, scope=scope, head=head, progress=progress)
    holds, problem = _verified(packed)
    return AuditPack(packed=packed, entries=len(entries), about=len(about), holds=holds, problem=problem)


def _verified(packed: Packed) -> tuple[tuple[str, ...], str]:
    try:
        return tuple(verify(Archive(packed.path), manifest_sha256=packed.manifest_sha256)), ""
    except Wrong as wrong:
        return (), str(wrong)


def _chain(entries: Iterable[Entry], path: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(canonical(entry) + b"\n" for entry in entries)
    return path


def _anchors(bench: Workbench) -> Iterator[tuple[str, Content]]:
    """Yield the signed heads of this host and the public key, copied at once: they go on growing."""
    var = bench.settings.var
    folder = Path(getattr(bench.settings, "ledger_anchors", var / "anchors" / "ledger.jsonl")).parent
    key = Path(getattr(bench.settings, "ledger_public_key", var / "keys" / "ledger.pem.pub"))
    for path in sorted(folder.glob("*.jsonl")):
        yield f"{ANCHORS}{path.name}", path.read_bytes()
    if key.is_file():
        yield PUBLIC_KEY, key.read_bytes()


def _reports(bench: Workbench, about: Iterable[Entry]) -> Iterator[tuple[str, Content]]:
    for name in report_files(about):
        path = bench.settings.reports / name.removeprefix("reports/")
        if path.is_file():
            yield name, path
        else:
            bench.say(f"{name} is gone from this host: the pack goes without it, and its verification will say so")


def _cards(bench: Workbench, about: Iterable[Entry]) -> Iterator[tuple[str, Content]]:
    versions = dict.fromkeys((e["model"], e["version"]) for e in about if e["kind"] == "evidence")
    for model, version in versions:
        try:
            card = model_card(bench, model, version=version)
        except SlipwayError as error:
            bench.say(f"no card of {model} version {version}: {error.reason}")
            continue
        yield f"cards/{model}/v{version}/card.html", to_html(card).encode()
        yield f"cards/{model}/v{version}/card.md", to_markdown(card).encode()


def _declarations(bench: Workbench, models: Iterable[str]) -> Iterator[tuple[str, Content]]:
    for model in models:
        try:
            folder, dataset = model_folder(bench.settings, model), bench.spec(model).dataset
        except SlipwayError as error:
            bench.say(f"no declaration of {model}: {error.reason}")
            continue
        yield from ((f"declarations/{model}/{n}", folder / n) for n in DECLARED if (folder / n).is_file())
        for path in sorted((bench.settings.expectations / dataset).glob("*.*")):
            if path.is_file():
                yield f"declarations/{model}/expectations/{path.name}", path
