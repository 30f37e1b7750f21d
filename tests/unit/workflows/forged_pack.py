"""An audit pack's files in the hands of somebody who alters them, and hides it as well as may be."""

import base64
import hashlib
import io
import json
import zipfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from slipway.governance.pack_rules import canonical, digest

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
FOREIGN = Ed25519PrivateKey.from_private_bytes(b"f" * 32)
ENTRIES, ANCHOR = "ledger/entries.jsonl", "ledger/anchors/ledger.jsonl"


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signed(entries, *, key=KEY, seq=None, known=None):
    """A head, signed as the ledger's anchors are."""
    seq = seq or len(entries)
    raw = key.public_key().public_bytes_raw()
    links = "".join(entry["hash"][7:23] for entry in entries[:seq])
    head = {
        "seq": seq,
        "hash": known or entries[seq - 1]["hash"],
        "at": "2026-01-03T00:00:00.000000+00:00",
        "since": 0,
        "links_sha256": "sha256:" + hashlib.sha256(links.encode()).hexdigest(),
        "key": "ed25519:" + hashlib.sha256(raw).hexdigest()[:16],
    }
    signature = key.sign(canonical({"purpose": "slipway ledger head 1", **head}))
    return {**head, "links": links, "signature": base64.b64encode(signature).decode()}


def as_zip(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def manifest_of(files):
    return json.loads(files["manifest.json"])


def remanifest(files, **changes):
    """What somebody does who alters a file and knows of the manifest."""
    known = {n: {"sha256": digest(d), "bytes": len(d)} for n, d in files.items() if n != "manifest.json"}
    files["manifest.json"] = canonical({**manifest_of(files), "files": known, **changes})


def entries_of(files):
    return [json.loads(line) for line in files[ENTRIES].splitlines()]


def put_entries(files, entries, *, head=True):
    files[ENTRIES] = b"".join(canonical(entry) + b"\n" for entry in entries)
    last = {"seq": entries[-1]["seq"], "hash": entries[-1]["hash"]} if head else manifest_of(files)["head"]
    remanifest(files, head=last)


def rechain(files, entries, *, anchored=False):
    """What somebody does who owns the database: number and hash everything anew."""
    previous = "sha256:" + "0" * 64
    for seq, entry in enumerate(entries, start=1):
        entry |= {"seq": seq, "previous": previous}
        entry["hash"] = previous = digest(canonical({k: v for k, v in entry.items() if k != "hash"}))
    if not anchored:
        files.pop(ANCHOR)
    put_entries(files, entries)


def one(entries, kind, *, check=None, version=2):
    found = (e for e in entries if e["kind"] == kind and e["version"] == version)
    return next(e for e in found if check in (None, e["payload"].get("check")))


def a_name(files, start, end=""):
    return next(name for name in sorted(files) if name.startswith(start) and name.endswith(end))
