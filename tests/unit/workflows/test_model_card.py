"""A release's card is written before anybody is asked, and bound to it; any version's card can be made again."""

import pandas as pd
import pytest

from slipway.core.cardformat import CardFormat
from slipway.core.identity import digest_bytes
from slipway.errors import CommandError, RegistryUnreachable
from slipway.ledger import EntryKind
from slipway.runtime import paper
from slipway.workflows.approve import record_decision, request_approval
from slipway.workflows.model_card import model_card, publish_card, write_card
from slipway.workflows.promote import promote
from slipway.workflows.release import Release
from slipway.workflows.release_report import release_story, report_path


@pytest.fixture
def gated(bench, complete):
    """A version whose gates have passed; its dossier is what an approver is asked about."""

    def through(version=1):
        bench.registry.add("churn", version, f"model {version}".encode())
        release = Release(id=f"r{version}", model="churn", version=version, requester="ada")
        subject = complete(version=version, release_id=release.id, image="sha256:" + str(version) * 64)
        return release, bench.ledger.dossier(subject)

    return through


@pytest.fixture
def promoted(bench, gated):
    def through(version):
        release, _ = gated(version)
        request_approval(bench, release)
        record_decision(bench, release, approved=True, by="bob", comment="good")
        promote(bench, release)

    return through


def cards(bench):
    return bench.ledger.entries(kinds=[EntryKind.CARD])


def test_the_card_is_on_disk_in_the_registry_and_in_the_ledger(bench, gated):
    release, dossier = gated()
    path = publish_card(bench, release, dossier)
    assert path == "churn/v1/r1/card.html"
    (entry,) = cards(bench)
    recorded = {report["path"]: report["sha256"] for report in entry.payload["reports"]}
    assert recorded == {
        name: digest_bytes((bench.settings.reports / name).read_bytes())
        for name in ("churn/v1/r1/card.html", "churn/v1/r1/card.md")
    }
    assert entry.payload["subject"] == dossier.subject.to_json()
    assert ("run-churn-1", "slipway/r1", ["card.html", "card.md"]) in bench.registry.logged


def test_publishing_again_writes_no_second_entry_and_puts_an_altered_card_right(bench, gated):
    release, dossier = gated()
    page = bench.settings.reports / publish_card(bench, release, dossier)
    before = page.read_bytes()
    page.write_text("nicer")
    publish_card(bench, release, dossier)
    assert (len(cards(bench)), page.read_bytes()) == (1, before)


def test_nobody_is_asked_where_the_card_cannot_be_kept(bench, gated):
    release, dossier = gated()
    bench.registry.down = True
    with pytest.raises(RegistryUnreachable):
        publish_card(bench, release, dossier)
    assert not cards(bench)


def test_the_releases_page_links_its_card_and_marks_an_altered_one(bench, gated):
    release, _ = gated()
    request_approval(bench, release)
    page = bench.settings.reports / report_path("churn", 1, "r1")
    assert 'href="card.html"' in page.read_text()
    (page.parent / "card.html").write_text("nicer")
    assert release_story(bench, "churn", release="r1").altered == ("churn/v1/r1/card.html",)


def test_the_champions_card_is_beside_the_one_before_and_any_others_beside_the_champion(bench, promoted, gated):
    promoted(1)
    promoted(2)
    gated(3)
    first = {version: model_card(bench, "churn", version=version).sections[0].title for version in (1, 2, 3)}
    assert first == {
        1: "What is new beside the champion, version 2",
        2: "What is new beside the previous champion, version 1",
        3: "What is new beside the champion, version 2",
    }
    assert model_card(bench, "churn").subject.version == 2


def test_a_version_that_no_gate_has_judged_has_a_card_that_says_so(bench):
    card = model_card(bench, "churn")
    assert (card.subject.version, card.figures["gates passed"]) == (1, "0 of 7")


def test_the_facts_of_the_snapshot_and_the_owners_words_are_on_the_card(bench, project):
    files = bench.registry.files("churn", 1)
    pd.DataFrame({"tenure": [1.0, 77.0], "spend": [1.0, None], "left": [0, 1]}).to_parquet(files.train)
    pd.DataFrame({"tenure": [1.0], "spend": [1.0], "left": [1]}).to_parquet(files.holdout)
    (bench.settings.models / "churn" / "card.md").write_text("## Ethics\nNobody is harmed.")
    text = write_card(bench, model_card(bench, "churn"), form=CardFormat.MARKDOWN).read_text()
    assert "1 to 77" in text
    assert "Nobody is harmed." in text


def test_bytes_other_than_those_that_were_judged_are_not_described(bench, gated):
    gated()
    bench.registry.tamper("churn", 1)
    text = write_card(bench, model_card(bench, "churn"), form=CardFormat.MARKDOWN).read_text()
    assert "the registry's files are" in text


def test_a_card_is_printed_where_a_browser_is(bench):
    path = write_card(bench, model_card(bench, "churn"), form=CardFormat.PDF)
    assert path.read_bytes().startswith(b"%PDF-")


def test_without_a_browser_it_is_said_what_to_do(bench, monkeypatch):
    monkeypatch.setattr(paper.shutil, "which", lambda _: None)
    with pytest.raises(CommandError, match="no browser that prints"):
        write_card(bench, model_card(bench, "churn"), form=CardFormat.PDF)
