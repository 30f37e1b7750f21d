"""The story of a release: what stopped it first, each failure with what to do, and only what the facts say."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from slipway.core.evidence import Check, Evidence, Report
from slipway.core.identity import Subject, digest_bytes
from slipway.core.verdict import Bound, Measurement, Outcome, decide
from slipway.reporting.release.compare import compare
from slipway.reporting.release.examples import example_of
from slipway.reporting.release.facts import Champion, Facts, FileState
from slipway.reporting.release.gauge import gauge, place
from slipway.reporting.release.page import render
from slipway.reporting.release.remedies import AGAIN, FAILED, UNSURE, remedies_for, remedy_for
from slipway.reporting.release.story import tell

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECT = Subject(model="churn", version=2, artifact_sha256=digest_bytes(b"model"), image_digest=digest_bytes(b"image"))
NASTY = "<script>alert('x')</script>"


@dataclass(frozen=True)
class Line:
    """An entry of the ledger, as a page sees it."""

    seq: int
    kind: str
    payload: dict = field(default_factory=dict)
    version: int | None = 2
    actor: str = "ada"
    at: datetime = T0


def at_most(name, value, limit, **more):
    return Measurement(name=name, value=value, threshold=limit, bound=Bound.MAX, **more)


def at_least(name, value, limit, **more):
    return Measurement(name=name, value=value, threshold=limit, bound=Bound.MIN, **more)


def evidence(check, *measurements, details=None, reasons=(), minute=0, subject=SUBJECT):
    outcome = decide(measurements).outcome if measurements else Outcome.INCONCLUSIVE
    return Evidence(
        check=check,
        outcome=outcome,
        subject=subject,
        runtime="docker",
        measurements=measurements,
        reports=(Report(path=f"churn/v2/r/{check}/page.html", sha256=digest_bytes(b"page"), title="In full"),),
        started_at=T0 + timedelta(minutes=minute),
        ended_at=T0 + timedelta(minutes=minute, seconds=20),
        release="r",
        reasons=tuple(reasons),
        details=details or {},
    )


def facts(*items, ended=None, champion=None, more=(), **given):
    lines = [Line(0, "release_started", {"reason": "better", "load_profile": "smoke"})]
    lines += [Line(n, "evidence", item.to_json(), at=item.ended_at) for n, item in enumerate(items, start=1)]
    lines += list(more)
    if ended:
        step, outcome, reason = ended
        lines.append(Line(99, "release_ended", {"step": step, "outcome": outcome, "reason": reason, "subject": None}))
    files = {report.path: FileState.SOUND for item in items for report in item.reports}
    whole = {"files": files, "serving": 1, "folder": "churn/v2/r"} | given
    return Facts(model="churn", release="r", version=2, entries=tuple(lines), champion=champion, **whole)


SLOW = at_most("latency.p95", 480.5, 170, unit="ms", n=600, note="95 % interval 470 ms to 491 ms")


def stopped(check, *measurements, details=None):
    item = evidence(check, *measurements, details=details)
    return tell(facts(item, ended=(check.value, item.outcome.value, "whatever the log says")))


def test_what_stopped_it_is_the_headline_and_comes_before_everything_else():
    story = stopped(Check.LOAD_TEST, at_most("error_rate", 0.0, 0.0), SLOW)
    assert story.headline == "The load gate stopped version 2: latency.p95 is 480.5 ms, at most 170 ms allowed"
    assert story.because == "95 % interval 470 ms to 491 ms."
    assert story.stopping_gate.stopping == (SLOW,)
    page = render(story)
    assert page.index("latency.p95") < page.index("What to do next") < page.index("Step by step") < page.index("Every")


def test_what_could_not_be_told_is_not_called_a_failure():
    story = stopped(Check.LOAD_TEST, at_most("latency.p99", 40, 270, unit="ms", n=40, n_required=300))
    assert story.headline.startswith("The load gate could not judge version 2: latency.p99 rests on 40 of the 300")
    assert "longer load profile" in story.what_next[0]


def test_the_same_facts_give_the_same_bytes():
    item = evidence(Check.LOAD_TEST, SLOW)
    given = facts(item, ended=("load_test", "FAILED", "slow"))
    assert render(tell(given)) == render(tell(given))


def test_of_a_gate_that_ran_twice_the_latest_counts():
    first, again = evidence(Check.LOAD_TEST, SLOW), evidence(Check.LOAD_TEST, at_most("latency.p95", 9, 170), minute=5)
    story = tell(facts(first, again))
    (gate,) = story.gates
    assert (gate.outcome, gate.tries, story.outcome) == (Outcome.PASSED, 2, None)
    assert "ran 2 times" in render(story)


def test_a_release_that_went_on_after_its_end_goes_on():
    failed, again = evidence(Check.LOAD_TEST, SLOW), evidence(Check.LOAD_TEST, at_most("latency.p95", 9, 170), minute=5)
    given = facts(failed, ended=("load_test", "FAILED", "slow"))
    later = (*given.entries, Line(100, "evidence", again.to_json()))
    story = tell(Facts(model="churn", release="r", version=2, entries=later))
    assert (story.word, story.stopped_at) == ("under way", "")


def test_steps_that_were_not_reached_say_so_and_the_others_how_long_they_took():
    story = stopped(Check.VALIDATE_DATA, at_most("label.leak", 1.0, 0.9))
    assert [(s.step, s.state.value, s.seconds) for s in story.steps][:2] == [
        ("validate_data", "FAILED", 20.0),
        ("evaluate", "not reached", None),
    ]
    assert [s.step for s in story.steps][-3:] == ["approve", "promote", "deploy"]


def test_every_check_and_every_uncertainty_has_something_to_do():
    for check in Check:
        assert FAILED[check][""]
        assert remedy_for(check, at_most("something.nobody.thought.of", 2, 1)) == FAILED[check][""]
        assert remedy_for(check, at_most("something.nobody.thought.of", None, 1)) == UNSURE[""] == AGAIN


def test_what_follows_from_another_failure_is_left_out():
    failed = [at_most(f"{kind}.failed", 3, 0) for kind in ("scenarios", "missing", "in_range")]
    assert remedies_for(Check.RUN_SCENARIOS, failed) == (FAILED[Check.RUN_SCENARIOS]["in_range."],)
    assert remedies_for(Check.RUN_SCENARIOS, failed[:2]) == (FAILED[Check.RUN_SCENARIOS]["missing."],)
    assert remedies_for(Check.RUN_SCENARIOS, failed[:1]) == (FAILED[Check.RUN_SCENARIOS][""],)


FAILURE = {
    "case": "in range 0",
    "class": "in_range",
    "message": "served 2.0, the reference says 1.0",
    "columns": ["age"],
    "causes": ["as if `age` were not scaled"],
    "similar": 805,
    "curl": "curl -d '{\"age\": 3}' http://127.0.0.1:1/invocations",
}
EXAMPLES = {
    "a request": (
        Check.RUN_SCENARIOS,
        {"smallest_failures": [FAILURE]},
        "The answers are as if `age` were not scaled.",
    ),
    "rows and rules": (Check.VALIDATE_DATA, {"signature": {"train": ["age is -3 in row 7"]}}, "age is -3 in row 7"),
    "a function": (
        Check.PROFILE_SERVING,
        {
            "regressed": [{"function": "churn.predict", "before_ms": 1.0, "now_ms": 4.5}],
            "sentence": "All in one place.",
        },
        "churn.predict, 1 ms a request before, 4.5 ms now",
    ),
    "an interval": (
        Check.LOAD_TEST,
        {"overall": {"p95": {"value": 480.0, "low": 470.0, "high": None}}, "error_kinds": {"timeout": 3}},
        "95 % interval 470 ms to more than the slowest request",
    ),
}


@pytest.mark.parametrize(("check", "details", "says"), EXAMPLES.values(), ids=EXAMPLES)
def test_the_smallest_example_of_a_gate_is_shown(check, details, says):
    story = stopped(check, at_most("m", 2, 1), details=details)
    assert any(says in line for line in story.stopping_gate.example.lines)


def test_a_request_can_be_copied():
    page = render(stopped(Check.RUN_SCENARIOS, at_most("m", 2, 1), details={"smallest_failures": [FAILURE]}))
    assert 'data-copies="first-command"' in page
    assert '<pre id="first-command">curl -d' in page


@pytest.mark.parametrize("details", [{}, {"smallest_failures": ["odd"]}, {"smallest_failures": [{}]}, {"overall": 3}])
@pytest.mark.parametrize("check", list(Check))
def test_details_in_another_form_are_no_reason_to_show_nothing(check, details):
    item = evidence(check, at_most("m", 2, 1), details=details)
    assert example_of(item) is None
    assert "at most 1 allowed" in render(tell(facts(item, ended=(check.value, "FAILED", "x"))))


def test_text_from_models_and_people_cannot_become_markup():
    failure = FAILURE | {"message": NASTY, "curl": NASTY, "case": NASTY}
    item = evidence(Check.RUN_SCENARIOS, at_most(NASTY, 2, 1, note=NASTY), details={"smallest_failures": [failure]})
    page = render(tell(facts(item, ended=("run_scenarios", "FAILED", NASTY))))
    rejected = facts(ended=("approve", "FAILED", NASTY), more=[Line(5, "rejection", {"comment": NASTY}, actor=NASTY)])
    assert NASTY not in page + render(tell(rejected))


def test_links_are_relative_to_the_page_and_say_what_became_of_their_file():
    item = evidence(Check.LOAD_TEST, SLOW)
    path = item.reports[0].path
    for state, says in {
        FileState.SOUND: 'href="load_test/page.html">In full<',
        FileState.ALTERED: ">In full: altered<",
        FileState.GONE: ">In full: gone<",
    }.items():
        page = render(tell(facts(item, ended=("load_test", "FAILED", "slow"), files={path: state})))
        assert says in page
        assert ("Altered after it was recorded" in page) is (state is FileState.ALTERED)


def test_a_page_needs_nothing_from_elsewhere():
    page = render(stopped(Check.LOAD_TEST, SLOW))
    assert "http" not in page
    assert "url(" not in page


CHAMPION = Subject(model="churn", version=1, artifact_sha256=digest_bytes(b"older"))


def test_both_versions_are_compared_where_a_measurement_says_something():
    ours = evidence(
        Check.EVALUATE,
        at_least("roc_auc", 0.95, 0.9),
        at_most("predictions.not_finite", 0, 0),
        Measurement(name="champion.roc_auc", value=0.93),
        at_most("log_loss", 0.2, 0.3),
    )
    before = evidence(
        Check.EVALUATE,
        at_least("roc_auc", 0.99, 0.9),
        at_most("predictions.not_finite", 0, 0),
        at_most("log_loss", 0.1, 0.3),
        subject=CHAMPION,
    )
    lines = compare({Check.EVALUATE: ours}, Champion(version=1, evidence=(before,)))
    assert [(x.name, x.here, x.there, x.better, x.same_rows) for x in lines] == [
        ("roc_auc", 0.95, 0.93, True, True),
        ("log_loss", 0.2, 0.1, False, False),
    ]


def test_without_a_champion_nothing_is_compared():
    assert compare({Check.EVALUATE: evidence(Check.EVALUATE, at_least("roc_auc", 0.95, 0.9))}, None) == ()


def test_a_value_lies_on_the_side_of_its_limit_that_its_verdict_says():
    assert place(9, 10) < 0 < place(11, 10)
    assert place(-0.02, -0.01) < 0
    assert "circle" in gauge(at_most("m", 2, 1))
    assert "circle" not in gauge(at_most("m", None, 1))
    assert gauge(Measurement(name="m", value=1.0)) == ""


def centre(shown):
    return float(shown.split('<circle cx="')[1].split('"')[0])


@pytest.mark.parametrize(
    ("measurement", "right"), [(at_most("m", 1.0, 0.9999), True), (at_least("m", 0.9999, 1.0), False)]
)
def test_a_value_just_past_its_limit_does_not_hide_it(measurement, right):
    assert (centre(gauge(measurement)) > 84 + 5) is right
    assert (centre(gauge(measurement)) < 84 - 5) is not right
