"""The first page of a pack: what is in it, how to verify it, and of each version what the ledger says."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping, Sequence
from html import escape
from urllib.parse import quote

from slipway.core.evidence import Check
from slipway.governance.pack_rules import Entry, report_files
from slipway.reporting.page import card, document, own_file, tiles
from slipway.reporting.release.headline import TITLES
from slipway.reporting.tables import chip, table

PLACES = (
    ("ledger/", "the whole hash chain, of every model: a part of it could not be verified", "the chain itself"),
    ("ledger/anchors/", "heads that were signed and kept outside the database", "their signatures"),
    ("reports/", "what each gate wrote, and the model card that the approver saw", "their digests in the ledger"),
    ("evidence/, decisions/", "single entries, for people", "the chain"),
    ("cards/", "the model card of each version, made from the ledger for this pack", "the manifest"),
    ("declarations/", "what the owners declare: model.yaml, reference, scenarios, data contract", "the manifest"),
    ("verify.py", "the verification program", "take it from a place that you trust, or read it"),
)
HOW = "unzip PACK.zip -d pack\npython -I pack/verify.py --key KEY.pem --manifest-sha256 DIGEST"
MAX_LINKS = 60


def render(
    *, scope: Mapping[str, object], about: Sequence[Entry], head: Mapping[str, object], files: Collection[str]
) -> str:
    """Return the page.

    Parameters
    ----------
    about : sequence of dict
        The entries that the pack is about.
    files : collection of str
        Everything else that is in it, so that no link leads nowhere.
    """
    models = list(dict.fromkeys(entry["model"] for entry in about))
    shown = ", ".join(models) if len(models) <= 3 else f"{len(models)} models"
    period = f"From {_day(scope['from']) or 'the beginning'} to {_day(scope['to']) or 'the newest entry'}"
    versions = {(entry["model"], entry["version"]) for entry in about if entry["version"]}
    figures = [
        ("models", len(models)),
        ("versions", len(versions)),
        ("entries about them", len(about)),
        ("entries in the chain", head["seq"]),
        ("files", len(files)),
    ]
    parts = [
        f"<h1>Audit pack: {escape(shown)}</h1>",
        f'<p class="digests">{escape(period)} (UTC) · head <code>{escape(str(head["hash"]))}</code></p>',
        tiles(figures),
        *(_model(model, [e for e in about if e["model"] == model], files) for model in models),
        card("Verify it", _how(), note=_HOW_NOTE),
        card("What is where", table(("Place", "What", "Bound by"), _places())),
    ]
    return document(f"Audit pack: {shown}", parts, css=own_file(__file__, "index.css"), wide=True)


_HOW_NOTE = (
    "No network and no Slipway are needed. Key and digest are those that you were given by another way than this "
    "archive; without them, the program says what it could not check. It stops at the first thing that is wrong."
)


def _how() -> str:
    return f"<pre>{escape(HOW)}</pre>"


def _places() -> list[tuple[str, ...]]:
    return [(f"<code>{escape(place)}</code>", escape(what), escape(bound)) for place, what, bound in PLACES]


def _model(model: str, entries: Sequence[Entry], files: Collection[str]) -> str:
    versions = sorted({entry["version"] for entry in entries if entry["version"]})
    if not versions:
        said = f"{len(entries)} entries about no single version."
        return card(model, f'<p class="small">{escape(said)}</p>')
    header = ("Version", *(TITLES[check.value] for check in Check), "Decided", "Champion since", "Open")
    rows = [_row(model, version, entries, files) for version in versions]
    rest = "".join(_reports(version, entries, files) for version in versions)
    return card(model, table(header, rows), rest)


def _row(model: str, version: int, entries: Sequence[Entry], files: Collection[str]) -> tuple[str, ...]:
    mine = [entry for entry in entries if entry["version"] == version]
    latest = {e["payload"]["check"]: (e["seq"], e["payload"]["outcome"]) for e in mine if e["kind"] == "evidence"}
    gates = [_gate(f"evidence/{model}/v{version}", check.value, latest.get(check.value)) for check in Check]
    decided = [e for e in mine if e["kind"] in ("approval", "rejection")]
    promoted = [e for e in mine if e["kind"] == "promotion"]
    words = {"approval": "approved", "rejection": "rejected"}
    said = "<br>".join(f"{words[e['kind']]} by {escape(e['actor'])}, {_minute(e)}" for e in decided)
    since = _minute(promoted[-1]) if promoted else "-"
    cards = [name for name in (f"cards/{model}/v{version}/card.html",) if name in files]
    links = " · ".join(f'<a href="{quote(name)}">model card</a>' for name in cards)
    return (f"<b>{version}</b>", *gates, said or "-", since, links)


def _gate(folder: str, check: str, latest: tuple[int, str] | None) -> str:
    if latest is None:
        return "-"
    seq, outcome = latest
    return f'<a class="plain" href="{quote(f"{folder}/{seq:06d}-{check}.json")}">{chip(outcome)}</a>'


def _reports(version: int, entries: Sequence[Entry], files: Collection[str]) -> str:
    named = report_files(entry for entry in entries if entry["version"] == version)
    pages = [name for name in named if name in files and name.endswith(".html")]
    gone = [name for name in named if name not in files]
    links = "".join(f'<a href="{quote(name)}">{escape(_short(name))}</a>' for name in pages[:MAX_LINKS])
    missing = f'<span class="bad">{len(gone)} report files are gone</span>' if gone else ""
    if not links and not missing:
        return ""
    return f'<p class="links"><b>version {version}</b>{links}{missing}</p>'


def _short(name: str) -> str:
    folder, page = posixpath.split(name)
    return f"{posixpath.basename(folder)}/{page}" if page == "index.html" else page.removesuffix(".html")


def _minute(entry: Entry) -> str:
    return str(entry["at"])[:16].replace("T", " ")


def _day(moment: object) -> str:
    return str(moment)[:10] if moment else ""
