"""A thousand things done behind the ledger's back: each must be found, and named.

On copies of a small real project. Of the ledger the entry must be named that is the first to be wrong; of evidence
every file; of an artifact its model and version. Untouched copies are the control: they must have no finding.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.governance import file_cases, ledger_cases
from bench.governance.stand import MODELS, VERSIONS, artifacts_of, make_project
from bench.results import Claim
from slipway.core.finding import Kind
from slipway.workflows.anchor import verify_ledger
from slipway.workflows.audit_models import compare_models
from slipway.workflows.audit_reports import compare_reports
from slipway.workflows.workbench import Workbench

SEED = 6
LEDGER, EVIDENCE, ARTIFACTS = 700, 150, 150
UNTOUCHED = 60
_REPORT_KINDS = {Kind.REPORT_ALTERED, Kind.REPORT_MISSING}
_ARTIFACT_KINDS = {Kind.ARTIFACT_ALTERED, Kind.ARTIFACT_MISSING}


def measure(*, quick: bool = False, say: Callable[[str], None] = print) -> list[Claim]:
    """Return the rate that was found and named, and how often an untouched copy had a finding."""
    thin = 10 if quick else 1
    counts = {"ledger": LEDGER // thin, "evidence": EVIDENCE // thin, "artifacts": ARTIFACTS // thin}
    missed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = make_project(Path(folder))
        false = _untouched(bench, UNTOUCHED // thin)
        say(f"{UNTOUCHED // thin} untouched copies: {false} findings")
        for name, tamper in (("ledger", _ledger), ("evidence", _evidence), ("artifacts", _artifact)):
            before = len(missed)
            for number in range(counts[name]):
                missed += tamper(bench, random.Random(f"{SEED} {name} {number}"))
            say(f"{name}: {counts[name]} cases, {len(missed) - before} not found or not named")
    for case in missed:
        say(f"MISSED: {case}")
    total = sum(counts.values())
    against = ", ".join(f"{count} {name}" for name, count in counts.items())
    return [
        Claim(
            name="governance.tampering_found_rate",
            value=(total - len(missed)) / total,
            unit="1",
            n=total,
            against=f"1: each one found and named; {against}",
        ),
        Claim(
            name="governance.untouched_findings",
            value=float(false),
            unit="1",
            n=UNTOUCHED // thin,
            against="0: untouched copies of the same",
        ),
    ]


@contextmanager
def _copied_ledger(bench: Workbench) -> Iterator[tuple[Workbench, Path]]:
    """Give a bench whose ledger is a copy; anchors and registry are the original's."""
    source = Path(bench.settings.ledger_url.removeprefix("sqlite:///"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        with sqlite3.connect(source) as original, sqlite3.connect(path) as copy:
            original.backup(copy)
        copied = Workbench(replace(bench.settings, ledger_url=f"sqlite:///{path}"), say=bench.say)
        yield copied, path


def _ledger(bench: Workbench, draw: random.Random) -> list[str]:
    with _copied_ledger(bench) as (copied, path):
        done = ledger_cases.tamper(path, draw)
        found = verify_ledger(copied)
    named = [f.place for f in found.findings if f.kind is Kind.LEDGER_BROKEN]
    right = found.first_bad == done.first and named == [str(done.first)]
    return [] if right else [f"ledger, {done.what} at {done.first}: named {found.first_bad}"]


def _evidence(bench: Workbench, draw: random.Random) -> list[str]:
    root, entries = bench.settings.reports, bench.ledger.entries()
    files = sorted(path for path in root.rglob("*") if path.is_file())
    case = draw.choice(file_cases.CASES)
    with _put_back(root):
        wrong = {path.relative_to(root).as_posix() for path in case(files, draw)}
        findings = compare_reports(bench, entries).findings
    named = {finding.place for finding in findings if finding.kind in _REPORT_KINDS}
    return [] if named == wrong else [f"evidence, {case.__name__} of {sorted(wrong)}: named {sorted(named)}"]


def _artifact(bench: Workbench, draw: random.Random) -> list[str]:
    model = draw.choice(MODELS)
    root = artifacts_of(bench, model, VERSIONS)
    case = draw.choice(file_cases.CASES)
    with _put_back(root):
        case(sorted(path for path in root.rglob("*") if path.is_file()), draw)
        _, findings = compare_models(bench, actor="bench", pause=lambda _seconds: None)
    named = [(f.model, f.version) for f in findings if f.kind in _ARTIFACT_KINDS]
    right = named == [(model, VERSIONS)] and len(findings) == 1
    return [] if right else [f"artifact of {model}, {case.__name__}: named {named}"]


@contextmanager
def _put_back(root: Path) -> Iterator[None]:
    """Keep a copy of a folder, and put it back at the end."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        shutil.copytree(root, kept)
        try:
            yield
        finally:
            shutil.rmtree(root)
            shutil.copytree(kept, root)


def _untouched(bench: Workbench, count: int) -> int:
    findings = 0
    for _ in range(count):
        with _copied_ledger(bench) as (copied, _path):
            findings += len(verify_ledger(copied).findings)
            findings += len(compare_reports(copied, copied.ledger.entries()).findings)
    for _ in range(max(1, count // 10)):
        findings += len(compare_models(bench, actor="bench", pause=lambda _seconds: None)[1])
    return findings
