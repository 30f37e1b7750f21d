"""An archive is read back byte for byte, and refused, by its name, as soon as one is another."""

import gzip
import io
import tarfile

import pytest

from slipway.errors import EvidenceError
from slipway.retention.archive import digest_file, unpack, verify_archive, write_archive

FACTS = {"subject": {"model": "churn"}, "registry": {"tags": {"a": "é"}}}


@pytest.fixture
def sources(tmp_path):
    made = {"version/model/MLmodel": b"flavors", "version/empty": b"", "reports/churn/v1/r.html": b"<p>" * 50_000}
    for name, data in made.items():
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_bytes(data)
    return {name: tmp_path / "from" / name for name in made}


@pytest.fixture
def archive(tmp_path, sources):
    return write_archive(tmp_path / "archive", "v1", sources, FACTS)


def test_what_is_written_is_what_is_read(archive, sources, tmp_path):
    manifest = verify_archive(archive, sha256=digest_file(archive))
    assert manifest.facts == FACTS
    assert set(manifest.files) == set(sources)
    assert unpack(archive, tmp_path / "to", below="version") == manifest
    assert {p.relative_to(tmp_path / "to").as_posix() for p in (tmp_path / "to").rglob("*") if p.is_file()} == {
        "model/MLmodel",
        "empty",
    }
    assert (tmp_path / "to" / "model" / "MLmodel").read_bytes() == b"flavors"
    unpack(archive, tmp_path / "all", below="")
    assert (tmp_path / "all" / "reports/churn/v1/r.html").read_bytes() == b"<p>" * 50_000


def test_the_same_content_written_again_is_the_same_file_and_nothing_else_is_left(archive, sources):
    before = archive.read_bytes()
    sources["version/empty"].touch()
    assert write_archive(archive.parent, "v1", sources, FACTS) == archive
    assert archive.read_bytes() == before
    assert list(archive.parent.iterdir()) == [archive]


def test_other_content_is_another_file_and_the_first_one_stays(archive, sources):
    sources["version/empty"].write_bytes(b"no longer")
    assert write_archive(archive.parent, "v1", sources, FACTS) != archive
    verify_archive(archive)


def test_every_flipped_byte_is_found(archive):
    whole, sha256 = archive.read_bytes(), digest_file(archive)
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        data = bytearray(whole)
        data[at] ^= 0x10
        archive.write_bytes(bytes(data))
        with pytest.raises(EvidenceError, match=archive.name):
            verify_archive(archive, sha256=sha256)


def rewritten(archive, change):
    """The archive anew, as somebody would who edits it with care: a valid tar, another content."""
    with tarfile.open(archive) as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar]
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for member, data in change(members):
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    archive.write_bytes(out.getvalue())


def climbing(member):
    member.name = "../outside"
    return member


def linking(member):
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
    return member


EDITS = {
    "a member changed": lambda m: [(t, b"flavour" if t.name.endswith("MLmodel") else d) for t, d in m],
    "a member left out": lambda m: m[:-1],
    "a member added": lambda m: [*m, (tarfile.TarInfo("version/more"), b"x")],
    "a member twice": lambda m: [*m, m[-1]],
    "a way out of the folder": lambda m: [*m, (climbing(tarfile.TarInfo()), b"x")],
    "a hidden absolute path": lambda m: [*m, (tarfile.TarInfo("version//tmp/outside"), b"x")],
    "a link": lambda m: [*m, (linking(tarfile.TarInfo("version/link")), b"")],
    "no manifest": lambda m: m[1:],
    "nothing": lambda m: [],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_archive_is_refused_without_any_digest_to_compare_with(archive, tmp_path, edit):
    rewritten(archive, edit)
    with pytest.raises(EvidenceError, match="cannot be trusted"):
        unpack(archive, tmp_path / "to", below="version")
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("cut", [1, 8, 30, 500])
def test_an_archive_that_is_cut_off_or_gone_is_refused(archive, cut):
    archive.write_bytes(archive.read_bytes()[:-cut])
    with pytest.raises(EvidenceError, match=archive.name):
        verify_archive(archive)
    archive.unlink()
    with pytest.raises(EvidenceError, match="not there"):
        verify_archive(archive)
