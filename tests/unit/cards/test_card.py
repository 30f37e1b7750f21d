"""The card: the difference first, every number evidence's, every sentence the owner's, what is missing said."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slipway.cards import CardFacts, DataFacts, Rival, build_card, to_html, to_markdown
from slipway.cards.prose import parts_of
from slipway.cards.prose import to_html as prose_html
from slipway.cards.snapshot import ColumnFacts, FileFacts
from slipway.core.evidence import Check, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Bound, Measurement, Outcome
from tests.fakes.specs import a_spec

DIGEST = digest_bytes(b"x")
T = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
QUALITY = {
    "metrics": [{"name": "roc_auc", "threshold": 0.7}],
    "slices": [{"column": "tenure", "min": 50, "metric": "roc_auc", "threshold": 0.6}],
    "fairness": [{"column": "region", "metric": "recall", "max_difference": 0.1}],
}
PROSE = """# Churn
## Intended use
To call <b>customers</b> | back.
## Limits
- One country.
## Data
From the billing system.
## History
Began in 2019.
"""


def measured(name, value, limit=0.5, *, bound=Bound.MIN, n=200, **more):
    return Measurement(name=name, value=value, threshold=limit, bound=bound, n=n, **more)


def evidence(check, *measurements, version=2, details=None):
    subject = Subject(model="churn", version=version, artifact_sha256=DIGEST, image_digest=DIGEST)
    return Evidence(
        check=check,
        outcome=Outcome.PASSED,
        subject=subject,
        runtime="docker",
        measurements=measurements,
        reports=(Report(path=f"churn/v{version}/r/{check}/{check}.html", sha256=DIGEST),),
        started_at=T,
        ended_at=T,
        release=f"r{version}",
        details=details or {},
    )


def quality(version, auc, *more):
    return evidence(
        Check.EVALUATE,
        measured("roc_auc", auc),
        measured("slice.tenure ≥ 50.roc_auc", 0.81, n=60),
        measured("fairness.region.recall_difference", 0.04, 0.1, bound=Bound.MAX, n=31),
        measured("undeclared_parts.bias", 0.0, 0.5, bound=Bound.MAX),
        *more,
        version=version,
    )


def file(rows):
    return FileFacts(
        rows=rows, sha256=DIGEST, label="12 are 1", columns={"tenure": ColumnFacts(held="1 to 77", missing=3)}
    )


RIVAL = Rival(version=1, role="champion", evidence=(quality(1, 0.8),), same_rows=True)


def facts(**changes):
    spec = a_spec(quality={**a_spec().to_json()["quality"], **QUALITY})
    load = measured("latency.p95", 12.5, 170, bound=Bound.MAX, n=4000, unit="ms")
    found = CardFacts(
        spec=spec,
        subject=Subject(model="churn", version=2, artifact_sha256=DIGEST, image_digest=DIGEST),
        evidence={Check.EVALUATE: quality(2, 0.9), Check.LOAD_TEST: evidence(Check.LOAD_TEST, load)},
        rival=RIVAL,
        data=DataFacts(train=file(800), holdout=file(200)),
        metrics={"auc_on_train": 0.99},
        prose=PROSE,
    )
    return replace(found, **changes)


RENDERINGS = {"html": to_html, "markdown": to_markdown}
BOTH = pytest.mark.parametrize("render", RENDERINGS.values(), ids=RENDERINGS)


def titles(card):
    return [section.title for section in card.sections]


def test_the_difference_to_the_champion_comes_first_and_mitchells_parts_follow():
    assert titles(build_card(facts())) == [
        "What is new beside the champion, version 1",
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Service objectives",
        "Answers against the independent reference",
        "Evaluation data",
        "Training data",
        "Inputs, output and limits",
        "Ethical considerations",
        "Caveats and recommendations",
        "History",
        "Evidence",
    ]


@BOTH
def test_every_kind_of_number_is_on_it_with_its_limit_and_n(render):
    text = render(build_card(facts()))
    for shown in ("0.9", "0.81", "0.04", "12.5 ms", "≤ 170 ms", "4,000", "800", "1 to 77", "12 are 1", "0.99"):
        assert shown in text


@BOTH
def test_the_owners_words_are_on_it_and_html_in_them_is_text(render):
    text = render(build_card(facts()))
    assert "One country." in text
    assert "Began in 2019." in text
    assert render is to_markdown or "&lt;b&gt;customers&lt;/b&gt;" in text


@BOTH
def test_a_card_of_nothing_says_what_is_missing(render):
    text = render(
        build_card(facts(evidence={}, rival=None, data=None, data_problem="it is gone", metrics={}, prose=""))
    )
    for said in (
        "0 of 7",
        "first that was released",
        "not evaluated",
        "not put under load",
        "it is gone",
        "Not written",
    ):
        assert said in text
    assert "No gate has judged this version" in text


def test_a_value_of_the_same_rows_counts_only_for_the_version_that_answered_them():
    beside = (
        Measurement(name="champion.roc_auc", value=0.77, n=200),
        measured("champion.roc_auc_difference", 0.12, -0.01),
    )
    ours = {Check.EVALUATE: quality(2, 0.9, *beside)}
    same = to_markdown(build_card(facts(evidence=ours)))
    assert "| roc\\_auc, same rows | Quality | 0.77 | 0.9 | +0.13 (better) |" in same
    assert "champion.roc\\_auc\\_difference" in same
    other = to_markdown(build_card(facts(evidence=ours, rival=replace(RIVAL, same_rows=False))))
    assert "| roc\\_auc | Quality | 0.8 | 0.9 | +0.1 (better) |" in other
    assert "champion.roc\\_auc\\_difference" not in other


def test_a_worse_version_is_said_to_be_worse():
    worse = facts(evidence={Check.EVALUATE: quality(2, 0.7)})
    assert "-0.1 (worse)" in to_markdown(build_card(worse))
    assert 'class="down">-0.1 worse' in to_html(build_card(worse))


def test_what_changed_besides_measurements_is_told():
    theirs = evidence(Check.BUILD_IMAGE, measured("m", 1), version=1, details={"image": {"python_version": "3.11"}})
    ours = evidence(Check.BUILD_IMAGE, measured("m", 1), details={"image": {"python_version": "3.12"}})
    rival = replace(
        RIVAL, evidence=(theirs,), data=DataFacts(train=replace(file(700), sha256="sha256:0"), holdout=file(200))
    )
    text = to_markdown(build_card(facts(evidence={Check.BUILD_IMAGE: ours}, rival=rival)))
    assert "| Python | 3.11 | 3.12 |" in text
    assert "| Training rows | 700 | 800 |" in text
    assert "the same file" in text


@BOTH
def test_the_same_facts_give_the_same_bytes(render):
    assert render(build_card(facts())) == render(build_card(facts()))


def test_a_page_loads_nothing_from_elsewhere():
    page = to_html(build_card(facts(prose="## Limits\n![x](http://example.org/x.png)\n<script src=http://x></script>")))
    assert "<img" not in page
    assert "<script" not in page


def test_a_table_in_markdown_is_not_broken_by_what_is_in_it():
    odd = facts(evidence={Check.LOAD_TEST: evidence(Check.LOAD_TEST, measured("latency.p95", 1, note="a | b\n*c*"))})
    line = next(line for line in to_markdown(build_card(odd)).splitlines() if "latency.p95" in line)
    assert line.endswith("| a \\| b \\*c\\* |")


PARTS = {
    "nothing": ("", {}),
    "no heading": ("just text", {}),
    "an empty part": ("## Limits\n\n## Ethics\nharm", {"Ethical considerations": "harm"}),
    "two of one meaning": ("## Limits\na\n## Caveats\nb", {"Caveats and recommendations": "a\n\nb"}),
    "a smaller heading stays inside": ("## Limits\n### More\nb", {"Caveats and recommendations": "### More\nb"}),
}


@pytest.mark.parametrize(("text", "parts"), PARTS.values(), ids=PARTS)
def test_a_card_is_read_by_its_headings(text, parts):
    assert parts_of(text) == parts


def test_prose_may_hold_a_table():
    assert "<table>" in prose_html("| a | b |\n|---|---|\n| 1 | 2 |")
