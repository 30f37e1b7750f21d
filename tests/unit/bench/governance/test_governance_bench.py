"""The tampering benchmark: its cases change what they say, and a check that sees nothing would not score."""

import random
import shutil
import sqlite3

import pytest

import bench.governance.__main__ as program
from bench.governance import file_cases, ledger_cases, tampering
from bench.results import Claim
from slipway.ledger import EntryKind, Ledger


@pytest.fixture(scope="module")
def ledger_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    for n in range(8):
        Ledger(f"sqlite:///{path}").append(
            EntryKind.APPROVAL, model="churn", version=1, actor=f"ada{n}", payload={"n": n}
        )
    return path


def rows(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT * FROM ledger_entries ORDER BY seq").fetchall()


@pytest.mark.parametrize("seed", range(40))
def test_a_case_leaves_everything_before_the_entry_that_it_names(ledger_file, tmp_path, seed):
    copy = tmp_path / "copy.db"
    shutil.copy(ledger_file, copy)
    before = rows(copy)
    done = ledger_cases.tamper(copy, random.Random(seed))
    after = rows(copy)
    assert after[: done.first - 1] == before[: done.first - 1]
    assert after[done.first - 1 : done.first] != before[done.first - 1 : done.first]


@pytest.mark.parametrize("case", [case for case in set(ledger_cases.CASES) if case.__name__.endswith("_and_rehash")])
def test_who_hashes_anew_leaves_a_chain_that_is_whole_by_itself(ledger_file, tmp_path, monkeypatch, case):
    copy = tmp_path / "copy.db"
    shutil.copy(ledger_file, copy)
    monkeypatch.setattr(ledger_cases, "CASES", (case,))
    ledger_cases.tamper(copy, random.Random(1))
    Ledger(f"sqlite:///{copy}").verify()


@pytest.mark.parametrize("case", file_cases.CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("seed", range(5))
def test_a_case_changes_the_files_that_it_names_and_no_other(tmp_path, case, seed):
    files = [tmp_path / name for name in "abcd"]
    for path in files:
        path.write_bytes(b"same" if path.name in "ab" else path.name.encode() * 9)
    before = {path: path.read_bytes() for path in files}
    wrong = case(files, random.Random(seed))
    changed = {path for path in files if not path.exists() or path.read_bytes() != before[path]}
    assert changed == set(wrong)


def test_a_short_run_finds_everything(monkeypatch):
    for name, count in {"LEDGER": 300, "EVIDENCE": 60, "ARTIFACTS": 40, "UNTOUCHED": 10}.items():
        monkeypatch.setattr(tampering, name, count)
    rate, untouched = tampering.measure(quick=True, say=lambda line: None)
    assert (rate.value, rate.n) == (1.0, 40)
    assert untouched.value == 0


def test_a_check_that_sees_nothing_scores_nothing(monkeypatch):
    monkeypatch.setattr(tampering, "LEDGER", 0)
    monkeypatch.setattr(tampering, "ARTIFACTS", 0)
    monkeypatch.setattr(tampering, "EVIDENCE", 20)
    monkeypatch.setattr(tampering, "UNTOUCHED", 10)
    monkeypatch.setattr(tampering, "_REPORT_KINDS", set())
    rate, _ = tampering.measure(quick=True, say=lambda line: None)
    assert rate.value == 0


def test_a_topic_that_is_missing_is_named_and_nothing_is_written(monkeypatch, capsys):
    monkeypatch.setattr(program, "TOPICS", ("tampering", "none_such"))
    monkeypatch.setattr(program.results, "write", pytest.fail)
    monkeypatch.setattr(program, "_measure", lambda topic, **offered: [a_claim()])
    assert program.main([]) == 1
    assert "no module for none_such" in capsys.readouterr().err


def a_claim():
    return Claim(name="c", value=1, unit="1", n=1, against="x")


def test_all_topics_are_written_and_some_are_only_shown(monkeypatch, capsys):
    monkeypatch.setattr(program, "TOPICS", ("tampering", "appends"))
    written = []
    monkeypatch.setattr(program, "_measure", lambda topic, **offered: [a_claim()])
    monkeypatch.setattr(program.results, "write", lambda name, claims, **more: written.append((name, len(claims))))
    assert program.main(["--only", "appends"]) == 0
    assert written == []
    assert program.main([]) == 0
    assert written == [("governance", 2)]
    with pytest.raises(SystemExit):
        program.main(["--only", "weather"])
