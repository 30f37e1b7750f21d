"""The pack of a release verifies offline, and every kind of tampering with it is found and named.

The program runs as an auditor runs it: in an interpreter of its own that has neither Slipway nor anything else
installed; with this environment's packages only where signatures are to be checked.
"""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from slipway.core.evidence import REQUIRED_CHECKS, Check
from slipway.errors import EvidenceError, StorageError
from slipway.governance.pack_rules import DECISIONS, REQUIRED, canonical, digest
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision, request_approval
from slipway.workflows.audit_pack import audit_pack
from slipway.workflows.promote import promote
from slipway.workflows.release import Release

BARE = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
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


@pytest.fixture
def history(bench, complete):
    """Two releases of churn, both promoted, and a word on another model between them."""

    def through(version):
        bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        subject = complete(version=version, release_id=release.id, image="sha256:" + str(version) * 64)
        request_approval(bench, release)
        record_decision(bench, release, approved=True, by="bob", comment="good")
        promote(bench, release)
        served = {"release": release.id, "subject": subject.to_json()}
        bench.ledger.append(EntryKind.DEPLOYMENT, model="churn", version=version, actor="ada", payload=served)

    through(1)
    bench.ledger.append(
        EntryKind.REFUSAL, model="fraud", version=7, actor="eve", payload={"release": "x", "reason": "no"}
    )
    through(2)
    entries = [entry.to_json() for entry in bench.ledger.entries()]
    (bench.settings.var / "anchors").mkdir(parents=True)
    (bench.settings.var / "anchors" / "ledger.jsonl").write_bytes(canonical(signed(entries)) + b"\n")
    (bench.settings.var / "keys").mkdir()
    (bench.settings.var / "keys" / "ledger.pem.pub").write_bytes(pem(KEY))
    return bench


_MADE = {}


@pytest.fixture
def pack(request, tmp_path_factory):
    """A good pack's files, by name; made once."""
    if not _MADE:
        out = tmp_path_factory.mktemp("pack") / "churn.zip"
        made = audit_pack(request.getfixturevalue("history"), ["churn"], out)
        assert not made.problem
        with zipfile.ZipFile(out) as archive:
            _MADE.update({name: archive.read(name) for name in archive.namelist()})
    return dict(_MADE)


def run(program, target, *more, python=BARE):
    said = subprocess.run(
        [python, "-I", *(["-S"] if python == BARE else []), program, target, *more],
        capture_output=True, text=True, timeout=120, env={"PATH": os.environ["PATH"]}, cwd="/",
    )  # fmt: skip
    assert "Traceback" not in said.stderr, said.stderr
    return said


def as_zip(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def verify(tmp_path, pack):
    """Run the good pack's program on these files, or on these bytes of an archive."""
    program = tmp_path / "trusted.py"
    program.write_bytes(pack["verify.py"])

    def on(files, *more, python=BARE):
        target = tmp_path / "tampered.zip"
        target.write_bytes(files if isinstance(files, bytes) else as_zip(files))
        return run(program, target, *more, python=python)

    return on


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


CASES = {}


def case(named):
    def keep(tamper):
        CASES[tamper.__name__.replace("_", " ")] = (tamper, named)
        return tamper

    return keep


def forged(change):
    """Return a tampering that changes entries and hashes the whole chain anew, with nothing kept elsewhere."""

    def tamper(files):
        entries = entries_of(files)
        entries = change(entries) or entries
        rechain(files, entries)

    return tamper


@case("file reports/churn/v2/r2/evaluate/r.html: altered")
def a_report_is_altered(files):
    files["reports/churn/v2/r2/evaluate/r.html"] += b" "


@case("file reports/churn/v2/r2/evaluate/r.html: it is missing")
def a_report_is_missing(files):
    del files["reports/churn/v2/r2/evaluate/r.html"]


@case("file notes.txt: extra")
def a_file_is_added(files):
    files["notes.txt"] = b"all is well"


@case("file manifest.json: it is missing")
def the_manifest_is_missing(files):
    del files["manifest.json"]


@case("file manifest.json: altered")
def the_manifest_is_no_json(files):
    files["manifest.json"] = files["manifest.json"][:-1]


@case("file manifest.json: altered")
def the_manifest_is_written_otherwise(files):
    files["manifest.json"] = json.dumps(manifest_of(files)).encode()


@case("file verify.py: altered")
def the_program_is_altered(files):
    files["verify.py"] = b"print('The pack holds.')\n"


@case("file verify.py: it is missing, and from the manifest too")
def the_program_is_taken_out(files):
    del files["verify.py"]
    remanifest(files)


@case("file declarations/churn/model.yaml: altered")
def the_declaration_is_altered(files):
    files["declarations/churn/model.yaml"] += b"# nicer\n"


@case("file cards/churn/v2/card.md: altered")
def a_card_is_altered(files):
    files["cards/churn/v2/card.md"] += b"It is very good.\n"


@case("file reports/churn/v2/r2/evaluate/r.html: altered: ledger entry")
def a_report_is_altered_and_the_manifest_with_it(files):
    files["reports/churn/v2/r2/evaluate/r.html"] += b" "
    remanifest(files)


@case("file reports/churn/v2/r2/card.html: altered: ledger entry")
def the_card_that_the_approver_saw_is_altered_and_the_manifest_with_it(files):
    files["reports/churn/v2/r2/card.html"] += b" "
    remanifest(files)


@case("file reports/churn/v2/r2/load_test/r.html: missing: ledger entry")
def a_report_is_taken_out_of_the_manifest_too(files):
    del files["reports/churn/v2/r2/load_test/r.html"]
    remanifest(files)


@case("file reports/more.html: extra: no ledger entry")
def a_report_of_nothing_is_added(files):
    files["reports/more.html"] = b"better numbers"
    remanifest(files)


@case("file decisions/churn/v2/000099-approval.json: extra: no ledger entry")
def a_decision_of_nobody_is_added(files):
    files["decisions/churn/v2/000099-approval.json"] = b"{}"
    remanifest(files)


@case("file decisions/churn/v2/")
def a_decision_is_shown_otherwise(files):
    name = a_name(files, "decisions/churn/v2/", "-approval.json")
    files[name] = files[name].replace(b'"bob"', b'"eve"')
    remanifest(files)


@case("file evidence/churn/v2/")
def a_shown_evidence_is_taken_out(files):
    del files[a_name(files, "evidence/churn/v2/", "-evaluate.json")]
    remanifest(files)


@case(": extra: no ledger entry of the pack names it")
def the_scope_is_narrowed_to_hide_a_release(files):
    start = one(entries_of(files), "evidence", check="validate_data")["at"]
    remanifest(files, scope={**manifest_of(files)["scope"], "from": start})


@case("ledger entry 3: altered")
def an_entry_is_altered(files):
    entries = entries_of(files)
    entries[2]["actor"] = "eve"
    put_entries(files, entries)


@case("ledger entry 12: altered")
def an_entry_of_another_model_is_altered(files):
    entries = entries_of(files)
    assert entries[11]["model"] == "fraud"
    entries[11]["payload"]["reason"] = "yes"
    put_entries(files, entries)


@case("ledger entry 4: it follows")
def an_entry_is_altered_and_hashed_anew(files):
    entries = entries_of(files)
    entries[2]["actor"] = "eve"
    entries[2]["hash"] = digest(canonical({k: v for k, v in entries[2].items() if k != "hash"}))
    put_entries(files, entries)


@case("ledger entry 5: missing")
def an_entry_is_missing(files):
    put_entries(files, [e for e in entries_of(files) if e["seq"] != 5])


@case("ledger entry 1: missing")
def the_first_entry_is_missing(files):
    put_entries(files, entries_of(files)[1:])


@case("ledger entry 5: missing: entry 6 follows 4")
def two_entries_are_swapped(files):
    entries = entries_of(files)
    entries[4], entries[5] = entries[5], entries[4]
    put_entries(files, entries)


@case("ledger entry 5: altered")
def two_entries_are_swapped_and_renumbered(files):
    entries = entries_of(files)
    entries[4], entries[5] = entries[5] | {"seq": 5}, entries[4] | {"seq": 6}
    put_entries(files, entries)


@case("ledger entry 5: reordered: it comes after entry 5")
def an_entry_is_there_twice(files):
    entries = entries_of(files)
    put_entries(files, [*entries[:5], entries[4], *entries[5:]])


@case("truncated: the head is entry")
def the_end_is_cut_off(files):
    put_entries(files, entries_of(files)[:-2], head=False)


@case("truncated: the anchor in ledger/anchors/ledger.jsonl, line 1, knows entries up to")
def the_end_is_cut_off_and_the_head_moved(files):
    put_entries(files, entries_of(files)[:-2])


@case("file ledger/entries.jsonl: truncated")
def the_last_line_is_cut(files):
    files[ENTRIES] = files[ENTRIES][:-1]
    remanifest(files)


@case("file ledger/entries.jsonl, line 2: altered: it is not written as the ledger writes")
def a_line_is_written_otherwise(files):
    lines = files[ENTRIES].splitlines(keepends=True)
    lines[1] = json.dumps(json.loads(lines[1]), sort_keys=True).encode() + b"\n"
    files[ENTRIES] = b"".join(lines)
    remanifest(files)


@case("file ledger/entries.jsonl, line 2: altered: it is no JSON")
def a_value_is_no_number(files):
    files[ENTRIES] = files[ENTRIES].replace(b'"value":1.0', b'"value":NaN')
    lines = files[ENTRIES].splitlines(keepends=True)
    assert b"NaN" in lines[1]
    files[ENTRIES] = b"".join([lines[0].replace(b"NaN", b"1.0"), *lines[1:]])
    remanifest(files)


@case("ledger entry 3: rewritten: the anchor in ledger/anchors/ledger.jsonl, line 1,")
def history_is_written_anew_under_an_anchor(files):
    entries = entries_of(files)
    entries[2]["actor"] = "eve"
    rechain(files, entries, anchored=True)


@case("file ledger/anchors/ledger.jsonl, line 1: altered: it is no anchor")
def an_anchor_is_none(files):
    files[ANCHOR] = b'{"seq":"three"}\n'
    remanifest(files)


@case("ledger entry 4: altered: it is earlier than the entry before")
def an_entry_is_dated_back(files):
    entries = entries_of(files)
    entries[3]["at"] = "2000-01-01T00:00:00.000000+00:00"
    rechain(files, entries)


def says_passed(entries):
    one(entries, "evidence", check="load_test")["payload"]["measurements"][0]["value"] = 0.0


def too_few(entries):
    one(entries, "evidence", check="load_test")["payload"]["measurements"][0]["n_required"] = 10**6


def no_threshold(entries):
    one(entries, "evidence", check="load_test")["payload"]["measurements"][0]["threshold"] = None


def no_report(entries):
    one(entries, "evidence", check="load_test")["payload"]["reports"] = []


def no_image(entries):
    one(entries, "evidence", check="load_test")["payload"]["subject"]["image_digest"] = None


def no_load_test(entries):
    return [e for e in entries if e is not one(entries, "evidence", check="load_test")]


def failed_load_test(entries):
    one(entries, "evidence", check="load_test")["payload"]["outcome"] = "FAILED"


def other_options(entries):
    one(entries, "evidence", check="load_test")["payload"]["details"]["options"]["batch_rows"] = 7


def other_image(entries):
    one(entries, "promotion")["payload"]["subject"]["image_digest"] = "sha256:" + "e" * 64


def other_artifact(entries):
    one(entries, "promotion")["payload"]["subject"]["artifact_sha256"] = "sha256:" + "e" * 64


def other_version(entries):
    one(entries, "evidence", check="evaluate")["version"] = 1


def no_approval_entry(entries):
    return [e for e in entries if e is not one(entries, "approval")]


def no_approval_named(entries):
    promotion = one(entries, "promotion")["payload"]
    promotion.pop("approval", None)
    promotion.pop("approvals", None)


def other_approver(entries):
    one(entries, "approval")["actor"] = "eve"


def other_release_approved(entries):
    one(entries, "approval")["payload"]["release"] = "r1"


def other_bytes_approved(entries):
    one(entries, "approval")["payload"]["subject"]["image_digest"] = "sha256:" + "e" * 64


def rejected_after(entries):
    at = entries.index(one(entries, "promotion"))
    return [*entries[:at], {**json.loads(json.dumps(one(entries, "approval"))), "kind": "rejection"}, *entries[at:]]


def approved_twice_by_one(entries):
    promotion = one(entries, "promotion")["payload"]
    named = promotion.pop("approval", None) or promotion["approvals"][0]
    promotion["approvals"] = [named, named]


def never_promoted(entries):
    return [e for e in entries if e is not one(entries, "promotion")]


def rolled_back_to_a_stranger(entries):
    last = json.loads(json.dumps(entries[-1])) | {"kind": "rollback"}
    last["payload"]["subject"]["image_digest"] = "sha256:" + "e" * 64
    return [*entries, last]


def malformed(entries):
    del one(entries, "evidence", check="load_test")["payload"]["subject"]


for change, words in {
    says_passed: "(load_test): it says PASSED, and m does not say so",
    too_few: "(load_test): it says PASSED, and m does not say so",
    no_threshold: "(load_test): it says PASSED, and nothing does not say so",
    no_report: "(load_test): it PASSED without a report",
    no_image: "(load_test): it PASSED without an image",
    no_load_test: "(promotion): no load_test evidence on these bytes",
    failed_load_test: "(promotion): the newest load_test evidence on these bytes is FAILED",
    other_options: "(promotion): the load test drove other serving options",
    other_image: "(promotion): no build_image evidence on these bytes",
    other_artifact: "(promotion): no validate_data evidence on these bytes",
    other_version: "(evaluate): evidence on churn version 2 under another name",
    no_approval_entry: "is no approval of these bytes in this release by bob",
    no_approval_named: "(promotion): it names no approval",
    other_approver: "is no approval of these bytes in this release by bob",
    other_release_approved: "is no approval of these bytes in this release by bob",
    other_bytes_approved: "is no approval of these bytes in this release by bob",
    rejected_after: "rejected it after its approval",
    approved_twice_by_one: "(promotion): one person approved it twice",
    never_promoted: "(deployment): these bytes were never promoted",
    rolled_back_to_a_stranger: "(rollback): these bytes were never promoted",
    malformed: "it is malformed",
}.items():
    CASES[f"forged: {change.__name__.replace('_', ' ')}"] = (forged(change), words)


def test_there_are_enough_cases():
    assert len(CASES) >= 25


@pytest.mark.parametrize(("tamper", "named"), CASES.values(), ids=CASES)
def test_tampering_is_found_and_named(pack, verify, tamper, named):
    tamper(pack)
    said = verify(pack)
    assert said.returncode == 1, said.stdout
    assert said.stdout.splitlines()[-1].startswith("WRONG ")
    assert named in said.stdout


SIGNATURES = {
    "a head is altered": (lambda head: {**head, "at": "2026-01-04T00:00:00"}, "signature that does not hold"),
    "the signature is no signature": (lambda head: {**head, "signature": "bm8="}, "signature that does not hold"),
    "links are not those signed": (lambda head: {**head, "links": head["links"][:-16]}, "links that are not those"),
}


@pytest.mark.parametrize(("change", "named"), SIGNATURES.values(), ids=SIGNATURES)
def test_a_forged_anchor_is_found_where_signatures_can_be_checked(pack, verify, change, named):
    pack[ANCHOR] = canonical(change(json.loads(pack[ANCHOR]))) + b"\n"
    remanifest(pack)
    said = verify(pack, python=Path(sys.executable))
    assert (said.returncode, named in said.stdout) == (1, True), said.stdout


def test_an_anchor_of_a_foreign_key_is_found(pack, verify, tmp_path):
    pack[ANCHOR] = canonical(signed(entries_of(pack), key=FOREIGN)) + b"\n"
    remanifest(pack)
    assert "which is not among" in verify(pack, python=Path(sys.executable)).stdout
    pack["ledger/public_key.pem"] = pem(FOREIGN)  # who changes the key in the pack too is found by the auditor's own
    remanifest(pack)
    own = tmp_path / "own.pem"
    own.write_bytes(pem(KEY))
    assert "which is not among" in verify(pack, "--key", own, python=Path(sys.executable)).stdout


def test_a_manifest_other_than_the_one_that_was_told_is_found(pack, verify):
    told = digest(pack["manifest.json"])
    assert verify(pack, "--manifest-sha256", told.removeprefix("sha256:")).returncode == 0
    pack["cards/churn/v2/card.md"] += b"It is very good.\n"
    remanifest(pack)
    assert "not the one that you were given" in verify(pack, "--manifest-sha256", told).stdout


ARCHIVES = {
    "cut short": (lambda data: data[:-200], "archive tampered.zip: it cannot be read"),
    "not an archive": (lambda _: b"PK, but no", "archive tampered.zip: it cannot be read"),
    "a byte flipped": (lambda data: data[:200] + bytes([data[200] ^ 255]) + data[201:], "damaged"),
}


@pytest.mark.parametrize(("damage", "named"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_damaged_archive_is_told(pack, verify, damage, named):
    said = verify(damage(as_zip(pack)))
    assert (said.returncode, named in said.stdout) == (1, True), said.stdout


def test_a_file_that_is_in_the_archive_twice_is_told(pack, verify):
    data = io.BytesIO(as_zip(pack))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(data, "a") as archive:
        archive.writestr("index.html", b"another")
    assert "file index.html: it is in the archive more than once" in verify(data.getvalue()).stdout


@pytest.fixture
def unpacked(pack, tmp_path):
    for name, data in pack.items():
        (tmp_path / "pack" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pack" / name).write_bytes(data)
    return tmp_path / "pack"


def test_an_unpacked_pack_verifies_by_its_own_program_without_anything_installed(unpacked):
    said = run(unpacked / "verify.py", unpacked)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "The pack holds."), said.stdout
    assert "note  signatures were NOT checked: the package cryptography is not installed" in said.stdout
    assert "2 promotion" in said.stdout


def test_signatures_are_checked_where_they_can_be(unpacked):
    said = run(unpacked / "verify.py", unpacked, python=Path(sys.executable))
    assert said.returncode == 0, said.stdout
    assert "1 anchors hold" in said.stdout
    assert "signatures hold" in said.stdout


def test_a_link_in_an_unpacked_pack_is_no_file(unpacked):
    page = unpacked / "index.html"
    (unpacked.parent / "elsewhere.html").write_bytes(page.read_bytes())
    page.unlink()
    page.symlink_to(unpacked.parent / "elsewhere.html")
    assert "file index.html: it is a link" in run(unpacked / "verify.py", unpacked).stdout


def test_every_link_of_the_first_page_leads_to_a_file(pack):
    import re
    from urllib.parse import unquote

    links = [unquote(link) for link in re.findall(r'href="([^"]+)"', pack["index.html"].decode())]
    assert "cards/churn/v2/card.html" in links
    assert set(links) <= set(pack)


def test_the_program_knows_the_gates_and_kinds_of_this_slipway():
    assert tuple(check.value for check in REQUIRED_CHECKS) == REQUIRED
    assert set(DECISIONS) <= {kind.value for kind in EntryKind}
    assert {check.value for check in Check if not check.needs_image} == {"validate_data", "evaluate"}


def test_the_same_content_gives_the_same_bytes(history, tmp_path):
    for name in ("a.zip", "b.zip"):
        assert not audit_pack(history, ["churn"], tmp_path / name).problem
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_report_that_is_gone_or_altered_on_this_host_is_told_and_the_pack_written(history, tmp_path):
    report = history.settings.reports / "churn" / "v1" / "r1" / "evaluate" / "r.html"
    report.write_text("nicer")
    made = audit_pack(history, ["churn"], tmp_path / "a.zip")
    assert "file reports/churn/v1/r1/evaluate/r.html: altered: ledger entry 2" in made.problem
    report.unlink()
    made = audit_pack(history, ["churn"], tmp_path / "a.zip")
    assert "file reports/churn/v1/r1/evaluate/r.html: missing" in made.problem
    assert any("is gone from this host" in line for line in history.said)
    assert (tmp_path / "a.zip").is_file()


def test_a_period_holds_the_whole_of_each_release_that_reaches_into_it(history, tmp_path):
    entries = history.ledger.entries(model="churn", version=2)
    made = audit_pack(history, ["churn"], tmp_path / "a.zip", since=entries[3].at)
    assert not made.problem
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
    assert "reports/churn/v2/r2/validate_data/r.html" in names
    assert not [name for name in names if name.startswith("reports/churn/v1/")]


def test_a_fleets_pack_holds_every_model(history, tmp_path):
    told = []
    made = audit_pack(history, [], tmp_path / "a.zip", progress=lambda done, total: told.append((done, total)))
    assert not made.problem
    assert "about churn, fraud, from" in made.holds[0]
    assert told[-1][0] == told[-1][1] == made.packed.files


@pytest.mark.parametrize(
    "given", [{"models": ["nothing"]}, {"models": ["churn"], "since": datetime.now(UTC) + timedelta(days=1)}]
)
def test_a_pack_of_nothing_is_refused(history, tmp_path, given):
    with pytest.raises(EvidenceError, match="knows nothing of"):
        audit_pack(history, out=tmp_path / "a.zip", **given)
    assert not list(tmp_path.glob("*.zip"))


def test_a_pack_that_cannot_be_written_is_told(history, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        audit_pack(history, ["churn"], tmp_path / "file" / "a.zip")
