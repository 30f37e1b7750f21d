import re
from datetime import timedelta

import pytest

from slipway.core.verdict import Outcome
from slipway.monitoring.rules import parse_rules
from slipway.monitoring.trend import Change, arrange
from slipway.monitoring.trend_page import trend_page, write_trend

FINE, BAD, UNTOLD = 0.05, 0.15, None


@pytest.fixture
def watched(store, result, on):
    """A model watched for so many nights: forty columns, one of which drifts; a new version on the way."""

    def made(nights=40, *, columns=40, drifts_from=30, changes_on=20, name="c{}"):
        quiet = []
        for day in range(1, nights + 1):
            values = {name.format(n): FINE for n in range(columns)}
            values[name.format(7)] = BAD if day >= drifts_from else FINE
            version = 2 if day >= changes_on else 1
            results = [result(day, values, version=version, report=f"churn/{day}/drift.html")]
            results.append(result(day, {"p95_ms": UNTOLD}, check="service", version=version))
            if drifts_from <= day < drifts_from + 5:
                store.close_night(results, parse_rules({}), champion=version)
            else:
                quiet += results
        store.record(quiet)
        return trend_of(store, on(nights), on)

    return made


def trend_of(store, until, on, **changes):
    points, runs = (read("churn", since=on(1), until=until) for read in (store.points, store.runs))
    return arrange("churn", points, runs, store.alerts("churn"), until=until, **changes)


def test_what_failed_last_comes_first(watched):
    trend = watched()
    assert trend.series[0].name == "drift.c7"
    assert trend.outcome is Outcome.FAILED
    assert trend.version == 2


def test_a_change_of_version_is_marked_on_its_day(watched, on):
    assert watched().changes == (Change(on(20), 2),)


def test_a_champion_that_changed_within_the_day_is_marked_once_and_both_are_kept(store, result, on):
    for day, versions in ((1, [1]), (2, [1, 2]), (3, [2])):
        store.record([result(day, {"spend": FINE}, version=version) for version in versions])
    trend = trend_of(store, on(3), on)
    assert trend.changes == (Change(on(2), 2),)
    assert [(p.day, p.version) for p in trend.series[0].points] == [(on(1), 1), (on(2), 1), (on(2), 2), (on(3), 2)]


def test_what_lies_outside_of_the_days_is_left_out(watched, store, on):
    watched()
    trend = trend_of(store, on(40), on, days=10)
    assert (trend.since, {p.day for s in trend.series for p in s.points} - {on(n) for n in range(31, 41)}) == (
        on(31),
        set(),
    )


def test_an_alert_belongs_to_its_series_alone(watched):
    marked = {s.name: [a.cause for a in s.alerts] for s in watched().series if s.alerts}
    assert marked == {"drift.c7": ["drift.c7"]}


def test_measurements_with_one_cause_are_all_marked_by_its_alert(store, result, on):
    causes = {"drift.value.spend": "drift.spend"}
    values = {"spend": BAD, "value.spend": FINE, "tenure": FINE}
    store.close_night([result(1, values, causes=causes)], parse_rules({}), champion=1)
    assert {s.name for s in trend_of(store, on(1), on).series if s.alerts} == {"drift.spend", "drift.value.spend"}


def test_of_very_many_numbers_the_worst_are_shown_and_the_others_are_folded_away(watched):
    html = trend_page(watched(nights=31, columns=60))
    shown, folded = html.split("<summary>36 more</summary>")
    assert "c7</span>" in shown
    assert folded.count('class="item"') == 36 + 1  # and the service's


def test_an_alert_about_many_belongs_to_each_that_failed(store, result, on):
    values = {**{f"c{n}": BAD for n in range(8)}, "fine": FINE}
    store.close_night([result(1, values)], parse_rules({}), champion=1)
    marked = {s.name for s in trend_of(store, on(1), on).series if s.alerts}
    assert marked == {f"drift.c{n}" for n in range(8)}


def test_the_page_shows_every_number_its_alerts_and_what_to_do(watched):
    html = trend_page(watched(), link=lambda path: f"../{path}")
    assert html.count('<svg class="spark"') == 2 * 41  # 30 and 90 days
    assert "of 41 judged numbers 1 failed and 1 cannot be told" in html
    assert "What to do: open the drift report" in html
    assert 'href="../churn/40/drift.html"' in html
    assert ">v2</text>" in html
    assert 'class="flag page"' in html
    assert "All numbers of 30 days, newest first" in html


def test_the_page_loads_nothing_and_runs_nothing(watched):
    html = trend_page(watched(columns=3 + 7))
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//|@import|url\(", html)
    assert "<script" not in html


def test_names_of_columns_are_text_and_no_markup(watched):
    html = trend_page(watched(nights=31, columns=9, name="<b>{} & co"))
    assert "<b>7" not in html
    assert "&lt;b&gt;7 &amp; co" in html


def test_a_quiet_model_has_no_alert(watched):
    html = trend_page(watched(drifts_from=99, nights=2))
    assert "open pages" in html
    assert "all passed" not in html  # the service cannot be told
    assert '<p class="small">None.</p>' in html


def test_a_model_that_was_never_watched_has_a_page_that_says_so(store, on):
    assert "No check has run from" in trend_page(trend_of(store, on(90), on))


SHAPES = {"a single day": 1, "two days": 2, "ninety days": 90}


@pytest.mark.parametrize("nights", SHAPES.values(), ids=SHAPES)
def test_a_page_of_any_number_of_days_is_written_with_finite_places(nights, watched, tmp_path):
    path = write_trend(watched(nights, columns=8), tmp_path / "churn" / "trend.html")
    html = path.read_text()
    assert "nan" not in re.sub(r"<[^>]*>", "", html).lower().split()
    assert not re.findall(r"(?:x|y|points|d)=\"[^\"]*(?:nan|inf)", html)


def test_forty_numbers_over_ninety_days_stay_a_page_that_opens_at_once(watched):
    assert len(trend_page(watched(90))) < 1_000_000


def test_a_day_that_was_not_watched_is_a_gap(store, result, on):
    for day in (1, 2, 9):
        store.record([result(day, {"spend": FINE})])
    trend = trend_of(store, on(9), on, days=9)
    assert [p.day for p in trend.series[0].points] == [on(1), on(2), on(9)]
    assert trend.until - trend.since == timedelta(days=8)
    assert "3</b><span>days watched" in trend_page(trend)
