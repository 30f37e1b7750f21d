"""Verifies an audit pack, offline: ``python verify.py [PACK]``, inside the unpacked pack or on the archive.

It stands alone: the standard library, and for signatures the package ``cryptography`` where it is installed. It trusts
nothing in the pack and stops at the first thing that is wrong, which it names (exit code 1; 0: the pack holds).

Rules
-----
1. Files: exactly those of the manifest, each with its digest. The manifest's own digest is printed: compare it with the
   one that you were given, or hand it in with ``--manifest-sha256``.
2. Chain: the ledger's entries are numbered from 1, each one's hash is sha256 over the canonical JSON of everything else
   in it, and it holds the hash of the one before. The last one is the manifest's head.
3. Anchors: a head that was signed earlier is still part of the chain. Signatures are checked with the key in the pack
   or, better, with the one that you were given: ``--key``.
4. Evidence: PASSED follows from the measurements; every report has the digest that its entry names. Of a gate that ran
   again in one release the last one's files are there.
5. Promotion: every required check's newest evidence on exactly these bytes is PASSED, the load test drove the options
   that tuning chose, and approvals of these bytes in this release stand before it, with no rejection after them.
6. Deployment and rollback: only of bytes that were promoted.
7. Extracts in ``evidence/`` and ``decisions/`` are what the entries say, and all of them are there.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slipway.governance.pack_rules import (
    Entry,
    Wrong,
    canonical,
    check_decisions,
    digest,
    extracts,
    in_scope,
    report_files,
)

FORMAT = "slipway audit pack 1"
GENESIS = "sha256:" + "0" * 64
MANIFEST, ENTRIES = "manifest.json", "ledger/entries.jsonl"
ANCHORS, PUBLIC_KEY = "ledger/anchors/", "ledger/public_key.pem"
FREE = ("index.html", "README.txt", "verify.py", ENTRIES, PUBLIC_KEY)  # beside what entries name
FREE_FOLDERS = (ANCHORS, "cards/", "declarations/")
KEYS = {"seq", "at", "kind", "model", "version", "actor", "payload", "previous", "hash"}
CAREFUL = ("no anchor", "signatures were NOT checked")
SIGNED_FOR = "slipway ledger head 1"


class Folder:
    """An unpacked pack."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """Return every file's path; a link is none."""
        found = [path for path in self.root.rglob("*") if path.is_symlink() or not path.is_dir()]
        for path in found:
            if path.is_symlink() or not path.is_file():
                raise Wrong(f"file {path.relative_to(self.root).as_posix()}: it is a link, not a file")
        return [path.relative_to(self.root).as_posix() for path in found]

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        return (self.root / name).read_bytes()


class Archive:
    """A pack as it came."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise Wrong(f"archive {path.name}: it cannot be read: {error}") from error

    def names(self) -> list[str]:
        """Return every file's path, as often as it is there."""
        return self._zip.namelist()

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        try:
            return self._zip.read(name)
        except Exception as error:  # damaged data make zlib, zipfile and struct raise each their own
            raise Wrong(f"file {name}: it is damaged: {error}") from error


Source = Folder | Archive


def check_files(source: Source, expected: str | None) -> dict[str, Any]:
    """Return the manifest, once every file is as it says."""
    names = source.names()
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise Wrong(f"file {twice[0]}: it is in the archive more than once")
    if MANIFEST not in names:
        raise Wrong(f"file {MANIFEST}: it is missing")
    manifest = _manifest(source.read(MANIFEST), expected)
    files = manifest["files"]
    there = set(names)
    for name in sorted(files):
        if name not in there:
            raise Wrong(f"file {name}: it is missing")
        data = source.read(name)
        if len(data) != files[name]["bytes"] or digest(data) != files[name]["sha256"]:
            raise Wrong(f"file {name}: altered: its digest is {digest(data)}, not {files[name]['sha256']}")
    extra = sorted(there - set(files) - {MANIFEST})
    if extra:
        raise Wrong(f"file {extra[0]}: extra: the manifest does not know it")
    for name in (ENTRIES, "verify.py", "index.html"):
        if name not in files:
            raise Wrong(f"file {name}: it is missing, and from the manifest too")
    return manifest


def _manifest(raw: bytes, expected: str | None) -> dict[str, Any]:
    if expected and digest(raw).removeprefix("sha256:") != expected.removeprefix("sha256:"):
        raise Wrong(f"file {MANIFEST}: altered: its digest is {digest(raw)}, not the one that you were given")
    manifest = _json(raw, f"file {MANIFEST}")
    whole = isinstance(manifest, dict) and set(manifest) == {"format", "scope", "head", "files"}
    if not whole or manifest["format"] != FORMAT or raw != canonical(manifest):
        raise Wrong(f"file {MANIFEST}: altered: it is not written as a manifest of {FORMAT!r} is")
    return dict(manifest)


def check_chain(data: bytes, head: Mapping[str, Any]) -> list[Entry]:
    """Return all entries, once each one follows from the one before."""
    entries: list[Entry] = []
    last: Entry = {"seq": 0, "hash": GENESIS, "at": ""}
    lines = data.split(b"\n")
    if lines.pop() != b"":
        raise Wrong(f"file {ENTRIES}: truncated: its last line has no end")
    for number, line in enumerate(lines, start=1):
        entry = _entry(line, number)
        seq, wanted = entry["seq"], last["seq"] + 1
        if seq > wanted:
            raise Wrong(f"ledger entry {wanted}: missing: entry {seq} follows {last['seq'] or 'the start'}")
        if seq < wanted:
            raise Wrong(f"ledger entry {seq}: reordered: it comes after entry {last['seq']}")
        content = {key: value for key, value in entry.items() if key != "hash"}
        if digest(canonical(content)) != entry["hash"]:
            raise Wrong(f"ledger entry {seq}: altered: its content does not give its hash")
        if entry["previous"] != last["hash"]:
            raise Wrong(f"ledger entry {seq}: it follows {entry['previous']}, but the entry before is {last['hash']}")
        if entry["at"] < last["at"]:
            raise Wrong(f"ledger entry {seq}: altered: it is earlier than the entry before")
        entries.append(entry)
        last = entry
    if (last["seq"], last["hash"]) != (head["seq"], head["hash"]):
        what = "truncated" if last["seq"] < head["seq"] else "altered"
        raise Wrong(f"ledger entry {last['seq'] + 1}: {what}: the head is entry {head['seq']}, {head['hash']}")
    return entries


def _entry(line: bytes, number: int) -> Entry:
    where = f"file {ENTRIES}, line {number}"
    entry = _json(line, where)
    if not isinstance(entry, dict) or set(entry) != KEYS or canonical(entry) != line:
        raise Wrong(f"{where}: altered: it is not written as the ledger writes")
    fits = type(entry["seq"]) is int and isinstance(entry["payload"], dict)
    if not fits or not all(isinstance(entry[key], str) for key in ("at", "kind", "model", "actor", "hash", "previous")):
        raise Wrong(f"{where}: altered: a value is of the wrong kind")
    return entry


def _json(data: bytes, where: str) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    try:
        return json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"{where}: altered: it is no JSON: {error}") from error


def check_anchors(source: Source, names: Iterable[str], entries: Sequence[Entry], key: bytes | None) -> list[str]:
    """Return what to tell about anchors, once every head that was kept elsewhere is part of the chain."""
    anchors = [anchor for name in sorted(names) if name.startswith(ANCHORS) for anchor in _anchors(source, name)]
    if not anchors:
        return ["no anchor is in the pack: entries cut off at the end would show only by the manifest's digest"]
    for where, anchor in anchors:
        for seq, known in _known(anchor).items():
            if seq > len(entries):
                raise Wrong(f"ledger entry {len(entries) + 1}: truncated: {where} knows entries up to {seq}")
            now = entries[seq - 1]["hash"] if seq else known
            if not now.startswith(known):
                raise Wrong(f"ledger entry {seq}: rewritten: {where} has the hash {known}, now it is {now}")
    newest = max(anchor["seq"] for _, anchor in anchors)
    return [f"{len(anchors)} anchors hold, the newest is of entry {newest}", *_signatures(anchors, key)]


def _anchors(source: Source, name: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for number, line in enumerate(source.read(name).split(b"\n")[:-1], start=1):
        anchor = _json(line, f"file {name}, line {number}")
        fits = isinstance(anchor, dict) and type(anchor.get("seq")) is int and isinstance(anchor.get("hash"), str)
        if not fits:
            raise Wrong(f"file {name}, line {number}: altered: it is no anchor")
        found.append((f"the anchor in {name}, line {number},", anchor))
    return found


def _known(anchor: Mapping[str, Any]) -> dict[int, str]:
    """Return the hashes that an anchor knows, or how they begin, by entry."""
    links, since = str(anchor.get("links") or ""), int(anchor.get("since") or 0)
    starts = {since + 1 + at // 16: "sha256:" + links[at : at + 16] for at in range(0, len(links), 16)}
    return {**starts, anchor["seq"]: anchor["hash"]}


def _signatures(anchors: Iterable[tuple[str, dict[str, Any]]], pem: bytes | None) -> list[str]:
    if pem is None:
        return ["signatures were NOT checked: there is no public key"]
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError:
        return ["signatures were NOT checked: the package cryptography is not installed"]
    blocks = re.findall(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\s*", pem, re.DOTALL)
    keys: dict[str, Any] = {}
    for block in blocks:
        key: Any = load_pem_public_key(block)
        keys["ed25519:" + digest(key.public_bytes_raw()).removeprefix("sha256:")[:16]] = key
    for where, anchor in anchors:
        covered = {name: value for name, value in anchor.items() if name not in ("links", "signature")}
        if anchor.get("key") not in keys:
            raise Wrong(f"{where} is signed with key {anchor.get('key')}, which is not among {', '.join(keys)}")
        try:
            signature = base64.b64decode(str(anchor.get("signature")), validate=True)
            keys[anchor["key"]].verify(signature, canonical({"purpose": SIGNED_FOR, **covered}))
        except Exception as error:
            raise Wrong(f"{where} has a signature that does not hold") from error
        if anchor.get("links") and digest(anchor["links"].encode()) != anchor.get("links_sha256"):
            raise Wrong(f"{where} has links that are not those that were signed")
    return [f"signatures hold, of key {', '.join(sorted(keys))}: compare it with the one that you were given"]


def check_places(source: Source, files: Mapping[str, Any], about: Sequence[Entry]) -> int:
    """Return how many report files there are, once each is an entry's, and each entry's is there."""
    reports, singles = report_files(about), extracts(about)
    for name, (seq, sha256) in reports.items():
        if name not in files:
            raise Wrong(f"file {name}: missing: ledger entry {seq} names it as its report")
        if files[name]["sha256"] != sha256:
            raise Wrong(f"file {name}: altered: ledger entry {seq} names a report with the digest {sha256}")
    for name, data in singles.items():
        if name not in files:
            raise Wrong(f"file {name}: missing: it shows a ledger entry")
        if source.read(name) != data:
            raise Wrong(f"file {name}: altered: it is not what the ledger entry says")
    for name in sorted(files):
        if name not in FREE and not name.startswith(FREE_FOLDERS) and name not in reports and name not in singles:
            raise Wrong(f"file {name}: extra: no ledger entry of the pack names it")
    return len(reports)


def verify(source: Source, *, key: bytes | None = None, manifest_sha256: str | None = None) -> list[str]:
    """Return what was found to hold, in sentences; Wrong names the first thing that does not."""
    manifest = check_files(source, manifest_sha256)
    files, scope = manifest["files"], manifest["scope"]
    entries = check_chain(source.read(ENTRIES), manifest["head"])
    if key is None and PUBLIC_KEY in files:
        key = source.read(PUBLIC_KEY)
    told = check_anchors(source, files, entries, key)
    about = in_scope(entries, scope)
    count = check_decisions(entries, about)
    reports = check_places(source, files, about)
    shown = ", ".join(f"{number} {kind}" for kind, number in sorted(count.items())) or "nothing"
    return [
        f"about {', '.join(scope['models'])}, from {scope['from'] or 'the start'} to {scope['to'] or 'the head'}",
        f"{len(files)} files, as in the manifest, whose digest is {digest(source.read(MANIFEST))}",
        f"{len(entries)} ledger entries, chained; the head is {manifest['head']['hash']}",
        *told,
        f"of this pack: {shown}; {reports} report files as recorded",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify, print, and return the exit code."""
    parser = argparse.ArgumentParser(description="Verify a Slipway audit pack, offline.")
    parser.add_argument("pack", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    parser.add_argument("--key", type=Path, help="the public key (PEM) that you were given")
    parser.add_argument("--manifest-sha256", help="the manifest's digest that you were given")
    args = parser.parse_args(arguments)
    try:
        if not args.pack.exists():
            raise Wrong(f"{args.pack}: there is no such file or folder")
        source: Source = Folder(args.pack) if args.pack.is_dir() else Archive(args.pack)
        key = args.key.read_bytes() if args.key else None
        for sentence in verify(source, key=key, manifest_sha256=args.manifest_sha256):
            print(f"{'note' if sentence.startswith(CAREFUL) else 'ok  '}  {sentence}")
    except Wrong as wrong:
        print(f"WRONG {wrong}")
        return 1
    print("The pack holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
