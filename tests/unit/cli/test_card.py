"""``card`` and ``audit-pack``: what is written, what is said, and with which exit code it ends."""

import zipfile
from pathlib import Path

import pytest


def test_a_card_is_written_and_its_figures_told(slipway, registry, evidence):
    evidence(version=1)
    ran = slipway("card", "churn")
    assert ran.code == 0
    assert "Model card: churn version 1" in ran.out
    assert "480.5 ms" in Path(ran.out.split("in full: ")[1].strip()).read_text()


@pytest.mark.parametrize("form", ["html", "md"])
def test_programs_get_the_card_and_where_it_is(slipway, registry, evidence, form):
    evidence(version=2)
    told = slipway("card", "churn", "--version", 2, "--format", form, "--json").json
    assert told["subject"]["version"] == 2
    assert Path(told["path"]).name == f"card.{form}"
    assert told["sections"][0]["title"] == "What is new beside the champion, version 1"


def test_a_version_that_never_was_is_told(slipway, registry, ledger):
    assert "no version 9" in slipway("card", "churn", "--version", 9).paragraph()


def test_a_pack_is_written_and_what_does_not_verify_ends_with_1(slipway, registry, evidence, settings, tmp_path):
    item = evidence(version=1)
    ran = slipway("audit-pack", "churn", "--out", tmp_path / "a.zip")
    assert ran.code == 1
    assert "reports/churn/v1/r1/load_test/load_test.html: missing" in " ".join(ran.err.split())
    assert zipfile.is_zipfile(tmp_path / "a.zip")
    report = settings.reports / item.reports[0].path
    report.parent.mkdir(parents=True)
    report.write_bytes(b"the image")  # whose digest the evidence names
    told = slipway("audit-pack", "churn", "--out", tmp_path / "a.zip", "--json")
    assert (told.code, told.json["problem"], told.json["entries"]) == (0, None, 1)


@pytest.mark.parametrize("words", [(), ("churn", "--fleet")], ids=["neither", "both"])
def test_a_pack_is_of_a_model_or_of_the_fleet(slipway, tmp_path, words):
    assert "say which model, or --fleet" in slipway("audit-pack", *words, "--out", tmp_path / "a.zip").paragraph()


def test_days_are_whole_days(slipway, registry, evidence, ledger, tmp_path):
    evidence(version=1)
    day = f"{ledger.entries()[0].at:%Y-%m-%d}"
    told = slipway("audit-pack", "--fleet", "--from", day, "--to", day, "--out", tmp_path / "a.zip", "--json").json
    assert told["entries_about"] == 1
    assert (
        "knows nothing" in slipway("audit-pack", "churn", "--to", "2020-01-01", "--out", tmp_path / "b.zip").paragraph()
    )
