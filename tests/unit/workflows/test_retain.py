"""Retention on a project in memory: what goes and what stays, and that a kill at any step loses nothing."""

import json
import shutil
from datetime import UTC, datetime

import pytest

from slipway.core.evidence import Check
from slipway.core.identity import digest_bytes
from slipway.core.retention import Action
from slipway.core.service import RuntimeName
from slipway.errors import EngineUnavailable, EvidenceError, RegistryUnreachable, SpecError, VersionNotFound
from slipway.images import remove
from slipway.ledger import EntryKind
from slipway.registry.copies import ARCHIVED
from slipway.retention.archive import verify_archive
from slipway.workflows import retain, retention_plan
from slipway.workflows.holds import hold, lift_hold
from slipway.workflows.restore_version import restore_reports, restore_version
from slipway.workflows.retain import apply_retention, plan_retention
from slipway.workflows.retention_page import page_path

OLD = datetime(2020, 1, 1, tzinfo=UTC)
VERSIONS = (1, 2, 3, 4)
GOES = (1, 2)


def image_of(version):
    return digest_bytes(f"image {version}".encode())


@pytest.fixture
def old(bench, project, put):
    """Four versions of years ago, two of which are kept; each with an image in a folder, and reports."""
    project(retention={"keep_versions": 2, "keep_days": 30})
    for version in VERSIONS:
        bench.registry.add("churn", version, f"model {version}".encode())
        bench.registry.created[version] = OLD
        put(Check.BUILD_IMAGE, version=version, image=image_of(version), runtime=RuntimeName.PROCESS)
        folder = bench.settings.var / "images" / image_of(version)[7:]
        folder.mkdir(parents=True)
        (folder / "serving.json").write_text(json.dumps({"model": "churn", "version": version}))
        page = bench.settings.reports / "churn" / f"v{version}" / "r1" / "evaluate" / "evaluate.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>version {version}</p>")
    bench.digests = {version: bench.registry.artifact_digest("churn", version) for version in VERSIONS}
    return bench


def run(bench, **given):
    return apply_retention(bench, plan_retention(bench, None, actor="ada", **given).digest, actor="ada")


def stages(bench, version):
    entries = bench.ledger.entries(model="churn", version=version, kinds=[EntryKind.ARCHIVE])
    return [entry.payload["stage"] for entry in entries]


def archive_of(bench, version):
    (entry, *_) = bench.ledger.entries(model="churn", version=version, kinds=[EntryKind.ARCHIVE])
    return bench.settings.archive_dir / entry.payload["path"], entry.payload["sha256"]


def present(bench, version):
    return bench.registry.artifact_digest("churn", version) == bench.digests[version]


def require_nothing_lost(bench):
    for version in VERSIONS:
        if not present(bench, version):
            path, sha256 = archive_of(bench, version)
            assert verify_archive(path, sha256=sha256).facts["subject"]["artifact_sha256"] == bench.digests[version]


def removals(bench):
    return [(row.version, row.reason) for row in plan_retention(bench, None, actor="ada").plan.removals]


def test_a_plan_changes_nothing_and_its_digest_is_in_the_ledger(old):
    done = plan_retention(old, None, actor="ada")
    assert [row.version for row in done.plan.removals] == list(GOES)
    assert all(present(old, version) for version in VERSIONS)
    (entry,) = old.ledger.entries(kinds=[EntryKind.ARCHIVE])
    assert (entry.model, entry.actor, entry.payload["plan"]) == ("fleet", "ada", done.digest)
    assert (old.settings.reports / entry.payload["path"]).is_file()
    page = (old.settings.reports / page_path(done.digest)).read_text()
    assert "dry run" in page
    assert done.digest in page


def test_what_goes_is_archived_first_and_gone_then_and_the_bytes_are_told(old):
    planned = plan_retention(old, None, actor="ada")
    done = apply_retention(old, planned.digest, actor="ada")
    assert done.problems == ()
    assert done.bytes == planned.plan.bytes > 0
    for version in VERSIONS:
        folder = old.settings.var / "images" / image_of(version)[7:]
        reports = old.settings.reports / "churn" / f"v{version}"
        assert present(old, version) is folder.exists() is reports.exists() is (version not in GOES)
        assert stages(old, version) == (["archived", "removed"] if version in GOES else [])
    require_nothing_lost(old)
    assert "carried out" in (old.settings.reports / page_path(planned.digest)).read_text()


def test_a_second_run_has_nothing_to_do(old):
    run(old)
    before = [entry.kind for entry in old.ledger.entries(model="churn")]
    done = run(old)
    assert (done.plan.removals, done.bytes) == ((), 0)
    assert [row.action for row in done.plan.rows] == [Action.GONE, Action.GONE, Action.KEEP, Action.KEEP]
    assert [entry.kind for entry in old.ledger.entries(model="churn")] == before


class Killed(BaseException):
    """Stands for a worker that is gone in the middle."""


STEPS = {
    "append": lambda bench: (bench.ledger, "append"),
    "set_tags": lambda bench: (bench.registry, "set_tags"),
    "copy_out": lambda bench: (bench.registry, "copy_out"),
    "take_away": lambda bench: (bench.registry, "take_away"),
    "forget": lambda bench: (bench.registry, "forget"),
    "write": lambda _: (retain, "write_archive"),
    "read back": lambda _: (retain, "verify_archive"),
    "measure": lambda _: (retain, "measure"),
    "image": lambda _: (remove, "remove_image"),
    "folder": lambda _: (shutil, "rmtree"),
    "reports": lambda _: (retain, "_remove_empty"),
}
# Before it is done for the first version, and after it was done for the second; what the ledger is told, each time.
KILLS = [(step, *when) for step in STEPS for when in (("before", 0), ("after", 1))]
KILLS += [("append", when, nth) for when in ("before", "after") for nth in (1, 2, 3, 4) if (when, nth) != ("after", 1)]


@pytest.mark.parametrize(("step", "when", "nth"), KILLS)
def test_a_run_that_is_killed_at_a_step_is_finished_by_the_next_and_nothing_is_lost(old, monkeypatch, step, when, nth):
    planned = plan_retention(old, None, actor="ada")
    place, name = STEPS[step](old)
    real, calls = getattr(place, name), []

    def killing(*args, **kwargs):
        calls.append(name)
        if when == "before" and len(calls) == nth + 1:
            raise Killed
        result = real(*args, **kwargs)
        if len(calls) == nth + 1:
            raise Killed
        return result

    with monkeypatch.context() as patched:
        patched.setattr(place, name, killing)
        with pytest.raises(Killed):
            apply_retention(old, planned.digest, actor="ada")
    require_nothing_lost(old)
    digest = planned.digest if nth == 0 else plan_retention(old, None, actor="ada").digest
    apply_retention(old, digest, actor="ada")
    require_nothing_lost(old)
    for version in GOES:
        assert old.registry.stored_files("churn", version) == {}
        assert not (old.settings.var / "images" / image_of(version)[7:]).exists()
        assert not (old.settings.reports / "churn" / f"v{version}").exists()
        assert stages(old, version) == ["archived", "removed"]
    removed = [e.payload for e in old.ledger.entries(model="churn") if e.payload.get("stage") == "removed"]
    assert sum(payload["bytes"] for payload in removed) == planned.plan.bytes, "what the killed run freed is told too"
    assert not list(old.settings.archive_dir.glob(".re*-*"))
    for version in GOES:
        restore_version(old, "churn", version, actor="ada")
        assert present(old, version)


def champion(bench):
    subject = bench.registry.files("churn", 1).subject
    payload = {"release": "r0", "subject": subject.to_json(), "before": None}
    bench.ledger.append(EntryKind.PROMOTION, model="churn", version=1, actor="ada", payload=payload)


def unfinished(bench):
    bench.ledger.append(
        EntryKind.RELEASE_STARTED, model="churn", version=1, actor="ada", payload={"release": "r9", "subject": {}}
    )


def file_changed(bench):
    bench.registry.tamper("churn", 1)


PROTECTED = {
    "champion": (champion, "is champion"),
    "previous": (lambda b: b.registry.set_alias("churn", "previous", 1), "has the alias previous"),
    "challenger": (lambda b: b.registry.set_alias("churn", "challenger", 1), "has the alias challenger"),
    "somebody's alias": (lambda b: b.registry.set_alias("churn", "mine", 1), "has the alias mine"),
    "in a release that has not ended": (unfinished, "is in release r9"),
    "held by a command": (lambda b: hold(b, "churn", 1, actor="eve", reason="case 7"), "case 7 (eve)"),
    "other bytes than the ledger knows": (file_changed, "the ledger knows them as"),
}


@pytest.mark.parametrize(("protect", "said"), PROTECTED.values(), ids=PROTECTED)
def test_a_version_stays_that_is(old, protect, said):
    protect(old)
    done = run(old)
    assert [row.version for row in done.plan.removals] == [2], "and the other one goes"
    assert said in next(row.reason for row in done.plan.rows if row.version == 1)
    assert old.registry.stored_files("churn", 1)


@pytest.mark.parametrize(("protect", "said"), PROTECTED.values(), ids=PROTECTED)
def test_a_plan_is_refused_once_a_version_has_become(old, protect, said):
    digest = plan_retention(old, None, actor="ada").digest
    protect(old)
    with pytest.raises(EvidenceError, match=r"no longer holds: churn version 1 .*slipway retention"):
        apply_retention(old, digest, actor="ada")
    assert old.registry.stored_files("churn", 2), "nothing was done"


@pytest.mark.parametrize("name", ["champion", "challenger", "held by a command", "in a release that has not ended"])
def test_what_becomes_so_while_it_is_archived_stays(old, monkeypatch, name):
    protect, said = PROTECTED[name]
    real = old.registry.copy_out

    def meanwhile(model, version, target):
        if version == 1:
            protect(old)
        return real(model, version, target)

    monkeypatch.setattr(old.registry, "copy_out", meanwhile)
    done = run(old)
    assert said in " ".join(done.problems)
    assert present(old, 1)
    assert old.registry.files("churn", 1), "and it is not marked any more"
    assert stages(old, 1) == ["archived", "kept"]
    assert stages(old, 2) == ["archived", "removed"]


def test_reports_that_came_while_it_was_archived_keep_it(old, monkeypatch):
    real = retain.verify_archive

    def meanwhile(path, **given):
        (old.settings.reports / "churn" / "v1" / "late.html").write_text("late")
        return real(path, **given)

    monkeypatch.setattr(retain, "verify_archive", meanwhile)
    done = run(old)
    assert "late.html" in " ".join(done.problems)
    assert present(old, 1)


def test_a_version_without_an_engine_to_ask_about_its_image_stays(old, monkeypatch):
    def no_engine(image, settings):
        raise EngineUnavailable("no container engine answers", remedy="start it")

    monkeypatch.setattr(remove, "image_bytes", no_engine)
    done = run(old)
    assert done.plan.removals == ()
    assert "no container engine answers" in done.plan.rows[0].reason


def test_a_registry_that_does_not_answer_loses_nothing(old):
    old.registry.down = True
    done = run(old)
    assert done.plan.rows == ()
    assert "did not answer" in done.problems[0]
    with pytest.raises(RegistryUnreachable):
        old.registry.stored_files("churn", 1)


def test_a_damaged_archive_stops_the_removal_of_its_version(old, monkeypatch):
    real = retain.write_archive

    def torn(*args, **given):
        path = real(*args, **given)
        path.write_bytes(path.read_bytes()[:-10])
        return path

    monkeypatch.setattr(retain, "write_archive", torn)
    done = run(old)
    assert len(done.problems) == len(GOES)
    assert all(present(old, version) for version in VERSIONS)
    assert stages(old, 1) == []


def test_a_plan_that_was_altered_or_that_nobody_made_is_refused(old):
    digest = plan_retention(old, None, actor="ada").digest
    path = retention_plan.plan_folder(old, digest) / "plan.json"
    text = path.read_text()
    path.write_text(text.replace('"keep"', '"remove"'))
    with pytest.raises(EvidenceError, match="altered"):
        apply_retention(old, digest, actor="ada")
    forged = text.replace('"keep"', '"remove"')
    other = digest_bytes(forged.encode())
    target = retention_plan.plan_folder(old, other) / "plan.json"
    target.parent.mkdir(parents=True)
    target.write_text(forged)
    with pytest.raises(EvidenceError, match="the ledger knows no"):
        apply_retention(old, other, actor="ada")
    with pytest.raises(EvidenceError, match="there is no retention plan"):
        apply_retention(old, digest_bytes(b"none"), actor="ada")


def test_a_restored_version_is_whole_says_so_in_the_ledger_and_is_not_removed_again(old):
    run(old)
    done = restore_version(old, "churn", 1, actor="eve", reason="the regulator asks")
    assert present(old, 1)
    assert done.artifact_sha256 == old.registry.files("churn", 1).subject.artifact_sha256
    (entry,) = old.ledger.entries(model="churn", kinds=[EntryKind.RESTORATION])
    assert (entry.actor, entry.version, entry.payload["restored_as"]) == ("eve", 1, 1)
    page = old.settings.reports / "churn" / "v1" / "r1" / "evaluate" / "evaluate.html"
    assert page.read_text() == "<p>version 1</p>"
    assert removals(old) == []
    assert restore_version(old, "churn", 1, actor="eve") == done, "done again it changes nothing"
    assert len(old.ledger.entries(model="churn", kinds=[EntryKind.RESTORATION])) == 1


def test_a_version_whose_line_is_gone_comes_back_under_a_new_number(old):
    run(old)
    shutil.rmtree(old.settings.var / "registry" / "leavers_forest" / "1")
    done = restore_version(old, "churn", 1, actor="eve")
    assert done.restored_as == 5
    assert old.registry.artifact_digest("churn", 5) == old.digests[1]
    (entry,) = old.ledger.entries(model="churn", kinds=[EntryKind.RESTORATION])
    assert (entry.payload["version"], entry.payload["restored_as"]) == (1, 5)


def test_a_damaged_archive_is_refused_and_named_and_the_version_stays_marked(old):
    run(old)
    path, _ = archive_of(old, 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    for restore in (lambda: restore_version(old, "churn", 1, actor="eve"), lambda: restore_reports(old, "churn", 1)):
        with pytest.raises(EvidenceError, match=path.name):
            restore()
    assert old.registry.stored_files("churn", 1) == {}
    assert ARCHIVED in old.registry.tags["leavers_forest", 1]


def test_reports_alone_come_back_and_what_was_never_archived_is_told(old):
    run(old)
    assert restore_reports(old, "churn", 1) == 2
    assert old.registry.stored_files("churn", 1) == {}
    with pytest.raises(EvidenceError, match="archived versions: 1, 2"):
        restore_version(old, "churn", 3, actor="eve")


def test_a_hold_is_lifted_by_a_command_only_where_a_command_put_it(old, project):
    hold(old, "churn", 1, actor="eve", reason="case 7")
    lift_hold(old, "churn", 1, actor="eve", reason="case closed")
    assert [version for version, _ in removals(old)] == [1, 2]
    (put_on, lifted) = old.ledger.entries(model="churn", kinds=[EntryKind.HOLD])
    assert (put_on.actor, put_on.payload["held"], lifted.payload["held"]) == ("eve", True, False)
    project(retention={"keep_versions": 2, "keep_days": 30, "legal_hold": [2]})
    assert [version for version, _ in removals(old)] == [1]
    with pytest.raises(EvidenceError, match=r"by its model\.yaml.*retention\.legal_hold"):
        lift_hold(old, "churn", 2, actor="eve", reason="let it go")


def test_a_hold_needs_a_reason_and_a_version(old):
    with pytest.raises(SpecError, match="--reason"):
        hold(old, "churn", 1, actor="eve", reason=" ")
    with pytest.raises(VersionNotFound, match="no version 9"):
        hold(old, "churn", 9, actor="eve", reason="case 7")
    assert not old.ledger.entries(kinds=[EntryKind.HOLD])
