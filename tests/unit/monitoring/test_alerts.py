from datetime import timedelta

import numpy as np
import pytest

from slipway.monitoring.alerts import AlertRule, AlertState, decide_alerts
from slipway.monitoring.values import Severity

FINE, BAD, FAR, UNTOLD = 0.05, 0.15, 0.5, None
NOTE, PAGE = Severity.NOTE, Severity.PAGE
RULE = AlertRule()


class Watch:
    """A watch without a database: what stands is carried from night to night."""

    def __init__(self, rule=RULE):
        self.standing, self.rule, self.told = (), rule, {}

    def night(self, *results):
        decision = decide_alerts(self.standing, results, self.rule, told=self.told)
        for result in results:
            if result.tells:
                self.told[result.check] = max(result.day, self.told.get(result.check, result.day))
        self.standing = (*decision.opened, *decision.escalated, *decision.kept)
        return decision


def causes(alerts):
    return [alert.cause for alert in alerts]


# name: values of one column on days 1, 2, ... -> what each night does to its alert
COURSES = {
    "quiet": ([FINE, FINE, FINE], ["", "", ""]),
    "one bad day": ([BAD, FINE, FINE], ["opened note", "kept note", "closed note"]),
    "a second bad day confirms": ([FINE, BAD, BAD, BAD], ["", "opened note", "escalated page", "kept page"]),
    "far beyond at once": ([FAR, FAR], ["opened page", "kept page"]),
    "far on the second day": ([BAD, FAR], ["opened note", "escalated page"]),
    "over after two good days": ([BAD, BAD, FINE, FINE], ["opened note", "escalated page", "kept page", "closed page"]),
    "a good day between": ([BAD, BAD, FINE, BAD], ["opened note", "escalated page", *2 * ["kept page"]]),
    "days apart do not confirm": ([BAD, FINE, BAD], ["opened note", "kept note", "kept note"]),
    "silence is no recovery": ([BAD, BAD, UNTOLD, UNTOLD], ["opened note", "escalated page", "kept page", "kept page"]),
    "comes back later": ([BAD, FINE, FINE, BAD], ["opened note", "kept note", "closed note", "opened note"]),
}  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), COURSES.values(), ids=COURSES)
def test_an_alert_takes_its_course(values, expected, result):
    watch, seen = Watch(), []
    for day, value in enumerate(values, 1):
        decision = watch.night(result(day, {"spend": value}))
        turns = {name: getattr(decision, name) for name in ("opened", "escalated", "kept", "closed")}
        mine = [f"{turn} {a.severity}" for turn, alerts in turns.items() for a in alerts if a.cause == "drift.spend"]
        seen.append(" ".join(mine))
    assert seen == expected


def test_an_alert_says_what_was_seen_since_when_and_what_to_do(result, on):
    watch = Watch()
    watch.night(result(1, {"spend": BAD}))
    (alert,) = watch.night(result(2, {"spend": 0.19}, version=2)).escalated
    assert (alert.first_seen, alert.last_seen, alert.version) == (on(1), on(2), 2)
    assert "drift.spend = 0.19, at most 0.1" in alert.said
    assert "open the drift report" in alert.next_step
    assert alert.key == f"churn/drift.spend/{on(1)}"


def test_measurements_with_one_cause_make_one_alert(result):
    causes_of = {"drift.spend_psi": "drift.spend", "drift.spend_ks": "drift.spend"}
    decision = Watch().night(result(1, {"spend_psi": BAD, "spend_ks": BAD}, causes=causes_of))
    assert causes(decision.opened) == ["drift.spend"]


def test_a_rerun_of_a_night_changes_nothing(result):
    watch = Watch()
    watch.night(result(1, {"spend": BAD}))
    first = watch.night(result(2, {"spend": BAD}))
    again = watch.night(result(2, {"spend": BAD}))
    assert causes(first.escalated) == ["drift.spend"]
    assert (again.opened, again.escalated, again.closed) == ((), (), ())
    assert again.kept == first.escalated


def test_rerunning_the_first_bad_day_does_not_confirm_it(result):
    watch = Watch()
    for _ in range(3):
        watch.night(result(1, {"spend": BAD}))
    assert [a.severity for a in watch.standing] == [NOTE]


def test_a_rerun_that_finds_nothing_wrong_withdraws_the_alert(result):
    watch = Watch()
    watch.night(result(1, {"spend": BAD}))
    assert causes(watch.night(result(1, {"spend": FINE})).closed) == ["drift.spend"]


def test_an_older_day_decides_nothing_any_more(result):
    watch = Watch()
    watch.night(result(5, {"spend": BAD}))
    watch.night(result(6, {"spend": BAD}))
    for day, value in ((1, FINE), (2, FINE), (3, FAR)):
        decision = watch.night(result(day, {"spend": value, "tenure": FAR}))
        assert (decision.opened, decision.escalated, decision.closed) == ((), (), ())


def test_late_labels_confirm_by_the_days_that_they_are_about(result):
    watch = Watch()
    watch.night(result(1, {"auc": BAD}, check="performance"))
    same_day_again = watch.night(result(1, {"auc": BAD}, check="performance"))
    assert [a.severity for a in same_day_again.kept] == [NOTE]
    next_day = watch.night(result(1, {"auc": BAD}, check="performance"), result(2, {"auc": BAD}, check="performance"))
    assert [a.severity for a in next_day.escalated] == [PAGE]


def test_days_that_are_told_late_in_one_night_end_as_they_would_have_in_a_night_each(result):
    rng = np.random.default_rng(5)
    for _ in range(60):
        results = [result(day, {"auc": value}) for day, value in enumerate(rng.choice([FINE, BAD, FAR], 7), 1)]
        one_by_one, at_once = Watch(), Watch()
        for each in results:
            one_by_one.night(each)
        at_once.night(*rng.permutation(results))
        assert at_once.standing == one_by_one.standing


def test_a_week_of_bad_days_whose_labels_come_together_is_one_page(result):
    decision = Watch().night(*(result(day, {"auc": BAD}) for day in range(1, 8)))
    assert [(a.cause, a.severity) for a in decision.opened] == [("drift.auc", PAGE)]


def test_days_whose_labels_have_not_come_yet_are_not_held_against_a_check_that_tells_of_older_ones(result):
    watch = Watch()
    for night in range(1, 12):  # each night tells of one more day, and cannot tell of the five after it
        days = [result(night, {"auc": FINE}), *(result(night + ahead, {"auc": UNTOLD}) for ahead in range(1, 6))]
        assert watch.night(*days).opened == ()


def test_a_fact_needs_no_second_day(result):
    (alert,) = Watch().night(result(1, {"gone": BAD}, check="schema", certain=True)).opened
    assert alert.severity is PAGE


def test_a_check_that_may_only_note_never_pages(result):
    watch = Watch()
    for day in range(1, 6):
        watch.night(result(day, {"days": FAR}, check="labels", certain=True, at_most=NOTE))
    assert [a.severity for a in watch.standing] == [NOTE]


def test_what_cannot_be_told_for_days_becomes_one_note_a_check(result):
    watch, opened = Watch(), []
    for day in range(1, 6):
        decision = watch.night(result(day, {f"c{n}": UNTOLD for n in range(30)}))
        opened.append(causes(decision.opened))
    assert opened == [[], [], ["untold.drift"], [], []]
    (alert,) = watch.standing
    assert alert.severity is NOTE
    assert "30 of 30 cannot be told" in alert.said
    assert causes(watch.night(result(6, {f"c{n}": FINE for n in range(30)})).closed) == ["untold.drift"]


def test_what_could_not_be_told_once_is_never_said(result):
    watch = Watch()
    watch.night(result(1, {"spend": UNTOLD}))
    decision = watch.night(result(2, {"spend": FINE}))
    assert causes(decision.forgotten) == ["untold.drift"]
    assert (decision.opened, decision.closed, watch.standing) == ((), (), ())


def test_many_at_once_are_one_alert(result):
    watch, columns = Watch(), [f"c{n}" for n in range(20)]
    first = watch.night(result(1, dict.fromkeys(columns, BAD)))
    second = watch.night(result(2, dict.fromkeys(columns, BAD)))
    assert causes(first.opened) == causes(second.escalated) == ["drift.many"]
    assert "20 at once: drift.c0; drift.c1" in first.opened[0].said
    watch.night(result(3, dict.fromkeys(columns, FINE)))
    assert causes(watch.night(result(4, dict.fromkeys(columns, FINE))).closed) == ["drift.many"]
    assert watch.standing == ()


def test_a_few_at_once_are_alerts_of_their_own_and_so_is_one_that_is_open_already(result):
    watch = Watch()
    opened = watch.night(result(1, {"spend": BAD, "tenure": BAD})).opened
    assert causes(opened) == ["drift.spend", "drift.tenure"]
    storm = {**dict.fromkeys([f"c{n}" for n in range(9)], BAD), "spend": BAD}
    decision = watch.night(result(2, storm))
    assert causes(decision.opened) == ["drift.many"]
    assert causes(decision.escalated) == ["drift.spend"]


def test_when_the_champion_changes_in_the_day_the_worse_version_counts(result):
    watch = Watch()
    watch.night(result(1, {"spend": BAD}, version=1))
    changed = watch.night(result(2, {"spend": BAD}, version=1), result(2, {"spend": FINE}, version=2))
    assert [(a.version, a.severity) for a in changed.escalated] == [(1, PAGE)]
    watch.night(result(3, {"spend": FINE}, version=2))
    assert causes(watch.night(result(4, {"spend": FINE}, version=2)).closed) == ["drift.spend"]


def test_a_cause_that_is_not_measured_any_more_stays_open(result):
    watch = Watch()
    watch.night(result(1, {"spend": BAD}))
    decision = watch.night(result(2, {"tenure": FINE}))
    assert causes(decision.kept) == ["drift.spend"]
    assert decision.kept[0].state is AlertState.OPEN


def test_false_alarms_that_come_on_single_days_never_page(result):
    watch, pages = Watch(), 0
    for day in range(1, 201):  # a false alarm every fourth day
        pages += len(watch.night(result(day, {"spend": BAD if day % 4 == 0 else FINE})).escalated)
    assert pages == 0


def test_one_false_alarm_a_month_pages_about_once_in_900_nights_and_a_real_drift_in_days(result):
    rng, quiet, pages = np.random.default_rng(11), Watch(), 0
    for day in range(1, 3601):
        pages += len(quiet.night(result(day, {"spend": BAD if rng.random() < 1 / 30 else FINE})).escalated)
    assert pages <= 10  # 4 are expected
    waited = [days_to_page(result, rng, found=0.95) for _ in range(100)]
    assert sorted(waited)[95] <= 4


def days_to_page(result, rng, *, found):
    watch = Watch()
    for day in range(1, 100):
        if watch.night(result(day, {"spend": BAD if rng.random() < found else FINE})).escalated:
            return day
    return 100


def test_a_lasting_drift_is_one_alert_however_long_it_lasts(result, on):
    watch, opened = Watch(), 0
    for day in range(1, 60):
        opened += len(watch.night(result(day, {"spend": BAD if day > 10 else FINE})).opened)
    assert opened == 1
    (alert,) = watch.standing
    assert alert.last_seen - alert.first_seen == timedelta(days=48)
    assert len(alert.seen) <= 3
