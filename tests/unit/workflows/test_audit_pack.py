"""The pack of a release verifies offline, and every kind of tampering with it is found and named.

The program runs as an auditor runs it: in an interpreter of its own that has neither Slipway nor anything else
installed; with this environment's packages only where signatures are to be checked.
"""

import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.core.evidence import REQUIRED_CHECKS, Check
from slipway.errors import EvidenceError, StorageError
from slipway.governance.pack_rules import DECISIONS, REQUIRED, canonical, digest
from slipway.ledger import EntryKind
from slipway.workflows.approve import record_decision, request_approval
from slipway.workflows.audit_pack import audit_pack
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from tests.unit.workflows.audit_pack_forging import CASES
from tests.unit.workflows.forged_pack import (
    ANCHOR,
    FOREIGN,
    KEY,
    as_zip,
    entries_of,
    pem,
    remanifest,
    signed,
)

BARE = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"


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
