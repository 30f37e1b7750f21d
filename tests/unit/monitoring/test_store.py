import subprocess
import sys
from datetime import timedelta

import pytest

from slipway.core.operations_spec import Act
from slipway.errors import EvidenceError, StorageError
from slipway.monitoring.alerts import AlertState
from slipway.monitoring.rules import parse_rules
from slipway.monitoring.store import LEASE, MAX_ATTEMPTS, MonitoringStore
from slipway.monitoring.values import CheckResult

FINE, BAD, FAR, UNTOLD = 0.05, 0.15, 0.5, None
RULES = parse_rules({"reaction": {"do": "retrain", "dag": "churn.train"}})


def close(store, *results, rules=RULES, champion=1):
    return store.close_night(results, rules, champion=champion)


def all_points(store, on):
    return store.points("churn", since=on(1), until=on(99))


def all_runs(store, on):
    return store.runs("churn", since=on(1), until=on(99))


def claimed(store, routes=("log",)):
    deliveries = []
    while (delivery := store.claim(routes)) is not None:
        deliveries.append(delivery)
    return deliveries


# -- numbers ------------------------------------------------------------------------------------------------------


def test_what_is_recorded_is_read_back(store, result, on):
    written = result(1, {"spend": FINE, "a ≥ 3": UNTOLD}, report="churn/drift.html")
    store.record([written])
    assert {p.measurement for p in all_points(store, on)} == set(written.measurements)
    (run,) = all_runs(store, on)
    assert (run.check, run.version, run.day, run.outcome, run.report) == (
        "drift",
        1,
        on(1),
        written.outcome,
        "churn/drift.html",
    )


def test_a_rerun_of_a_day_replaces_that_days_rows_only(store, result, on):
    store.record([result(day, {"spend": FINE, "tenure": FINE}) for day in (1, 2, 3)])
    store.record([result(2, {"auc": FINE}, check="performance"), result(2, {"spend": FINE}, version=2)])
    store.record([result(2, {"spend": BAD})])
    seen = {(p.day, p.version, p.measurement.name): p.measurement.value for p in all_points(store, on)}
    assert seen == {
        (on(1), 1, "drift.spend"): FINE,
        (on(1), 1, "drift.tenure"): FINE,
        (on(2), 1, "drift.spend"): BAD,
        (on(2), 1, "performance.auc"): FINE,
        (on(2), 2, "drift.spend"): FINE,
        (on(3), 1, "drift.spend"): FINE,
        (on(3), 1, "drift.tenure"): FINE,
    }


def test_a_span_of_days_is_read_with_both_ends_and_of_its_model_alone(store, result, on):
    store.record([result(day, {"spend": FINE}) for day in range(1, 10)])
    store.record([result(5, {"spend": FINE}, model="fraud")])
    assert {p.day for p in store.points("churn", since=on(3), until=on(5))} == {on(3), on(4), on(5)}
    assert len(store.runs("churn", since=on(3), until=on(5))) == 3


def test_a_number_measured_twice_is_refused(result, number, on):
    twice = (number("drift.spend", FINE), number("drift.spend", BAD))
    with pytest.raises(EvidenceError, match=r"measured drift\.spend twice"):
        CheckResult(model="churn", version=1, day=on(1), check="drift", measurements=twice)


# -- a night ------------------------------------------------------------------------------------------------------


def test_a_drift_is_noted_then_paged_then_over(store, result):
    turns = []
    for day, value in enumerate([FINE, BAD, BAD, FINE, FINE], 1):
        close(store, result(day, {"spend": value}))
        turns.append([(d.notice.turn, d.notice.severity) for d in claimed(store)])
        for delivery in claimed(store):
            store.settle(delivery)
    assert turns == [[], [("opened", "note")], [("escalated", "page")], [], [("closed", "page")]]
    assert [a.state for a in store.alerts("churn")] == [AlertState.CLOSED]


def test_closing_a_night_again_says_nothing_new(store, result):
    for day, value in ((1, BAD), (2, BAD), (2, BAD), (2, BAD)):
        close(store, result(day, {"spend": value}))
    assert [d.notice.turn for d in claimed(store)] == ["opened", "escalated"]
    assert len(store.alerts("churn")) == 1


def test_a_day_that_flips_and_flips_back_is_said_each_time_under_a_key_of_its_own(store, result):
    for value in (BAD, FINE, BAD, BAD):
        close(store, result(1, {"spend": value}))
    said = [d.notice for d in claimed(store)]
    assert [notice.turn for notice in said] == ["opened", "closed", "opened"]
    assert [notice.key.rpartition("/")[2] for notice in said] == ["1-opened", "2-closed", "3-opened"]
    assert [a.state for a in store.alerts("churn")] == [AlertState.OPEN]


def test_what_was_watched_and_never_said_leaves_no_alert(store, result):
    for day, value in ((1, UNTOLD), (2, FINE)):
        close(store, result(day, {"spend": value}))
    assert store.alerts("churn") == []
    assert claimed(store) == []


def test_an_older_day_that_is_run_again_changes_numbers_and_no_alert(store, result, on):
    for day in (1, 2, 3, 4):
        close(store, result(day, {"spend": FINE}))
    night = close(store, result(2, {"spend": FAR}))
    assert night.alerts.opened == ()
    assert all_points(store, on)[1].measurement.value == FAR


def test_a_confirmed_drift_is_reacted_to_once_and_stays_pending_until_it_is_done(store, result):
    first = close(store, result(1, {"spend": FAR}))
    again = close(store, result(1, {"spend": FAR}))
    later = close(store, result(2, {"spend": FAR}))
    assert (first.reaction.act, first.reaction.dag) == (Act.RETRAIN, "churn.train")
    assert (again.reaction, later.reaction) == (None, None)
    assert store.pending_reactions("churn") == [first.reaction]
    store.reaction_done(first.reaction)
    assert store.pending_reactions("churn") == []


def test_a_reaction_that_does_nothing_is_not_pending(store, result):
    night = close(store, result(1, {"spend": FAR}), rules=parse_rules({}))
    assert night.reaction.act is Act.NONE
    assert store.pending_reactions("churn") == []


def test_a_night_is_of_one_model(store, result):
    with pytest.raises(EvidenceError, match="not of 2"):
        close(store, result(1, {"spend": FINE}), result(1, {"spend": FINE}, model="fraud"))
    with pytest.raises(EvidenceError, match="not of 0"):
        close(store)


def test_a_night_that_fails_in_the_middle_leaves_nothing(store, result, on):
    class Broken(tuple):
        def __iter__(self):
            raise RuntimeError("killed")

    broken = parse_rules({})
    object.__setattr__(broken, "routes", Broken())
    with pytest.raises(RuntimeError, match="killed"):
        close(store, result(1, {"spend": FAR}), rules=broken)
    assert all_points(store, on) == []
    assert store.alerts("churn") == []


# -- what is said -------------------------------------------------------------------------------------------------


def test_what_was_claimed_by_a_sender_that_died_is_due_again(store, result, clock):
    close(store, result(1, {"spend": BAD}))
    lost = store.claim(["log"])
    assert store.claim(["log"]) is None
    clock.forward(seconds=LEASE.total_seconds())
    assert store.claim(["log"]) == lost


def test_what_was_sent_is_not_due_again(store, result, clock):
    close(store, result(1, {"spend": BAD}))
    store.settle(store.claim(["log"]))
    clock.forward(days=30)
    assert store.claim(["log"]) is None
    assert store.unsent("churn") == []


def test_what_failed_is_due_later_with_its_error_and_given_up_in_the_end(store, result, clock):
    close(store, result(1, {"spend": BAD}))
    for tried in range(MAX_ATTEMPTS):
        delivery = store.claim(["log"])
        assert delivery.attempts == tried
        store.settle(delivery, error="no answer")
        assert store.claim(["log"]) is None
        clock.forward(days=1)
    assert store.claim(["log"]) is None
    ((notice, route, error),) = store.unsent("churn")
    assert (notice.cause, route, error) == ("drift.spend", "log", "no answer")


def test_a_route_gets_what_is_loud_enough_for_it(store, result):
    rules = parse_rules({"routes": [{"to": "log"}, {"to": "webhook", "url": "http://127.0.0.1/x", "severity": "page"}]})
    pager = rules.routes[1].name
    close(store, result(1, {"spend": BAD}), rules=rules)
    close(store, result(2, {"spend": BAD}), rules=rules)
    routes = [(d.route, d.notice.turn) for d in claimed(store, ["log", pager])]
    assert sorted(routes) == sorted([("log", "opened"), ("log", "escalated"), (pager, "escalated")])


def test_a_route_that_nobody_serves_any_more_does_not_block_the_others(store, result):
    rules = parse_rules({"routes": [{"to": "webhook", "url": "http://127.0.0.1/x"}, {"to": "log"}]})
    close(store, result(1, {"spend": BAD}), rules=rules)
    assert [d.route for d in claimed(store, ["log"])] == ["log"]


# -- many at once -------------------------------------------------------------------------------------------------

WRITER = """
import sys
from datetime import date, timedelta
from slipway.core.verdict import Bound, Measurement
from slipway.monitoring.rules import parse_rules
from slipway.monitoring.store import MonitoringStore
from slipway.monitoring.values import CheckResult
store, sent = MonitoringStore(sys.argv[1]), 0
for number in range(8):
    bad = Measurement(name="drift.spend", value=0.15, threshold=0.1, bound=Bound.MAX)
    result = CheckResult(model="churn", version=1, day=date(2026, 3, 1) + timedelta(days=number), check="drift",
                         measurements=(bad,))
    store.close_night([result], parse_rules({}), champion=1)
    while (delivery := store.claim(["log"])) is not None:
        store.settle(delivery)
        sent += 1
print(sent)
"""


def test_processes_that_close_the_same_nights_at_once_say_each_thing_once(url, on):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE) for _ in range(3)]
    try:
        said = [int(writer.communicate(timeout=60)[0]) for writer in writers]
        assert [writer.returncode for writer in writers] == [0, 0, 0]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    store = MonitoringStore(url)
    assert sum(said) == 2  # opened, escalated
    assert len(store.alerts("churn")) == 1
    assert len(all_points(store, on)) == 8


BAD_URLS = {
    "no URL": ("nonsense", "not a URL"),
    "no file": ("sqlite://", "use a sqlite:////path"),
    "another database": ("mysql+pymysql://u:secret@h/d", "cannot be kept in mysql"),
    "no server": ("postgresql+psycopg2://u:secret@127.0.0.1:9/d", "start the database"),
}


@pytest.mark.parametrize(("url", "said"), BAD_URLS.values(), ids=BAD_URLS)
def test_a_store_that_cannot_be_reached_says_what_to_do(url, said, on):
    with pytest.raises(StorageError, match=said) as caught:
        all_runs(MonitoringStore(url), on)
    assert "secret" not in str(caught.value)


def test_a_damaged_file_says_what_to_do(tmp_path, on):
    (tmp_path / "monitoring.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="restore the monitoring store"):
        all_runs(MonitoringStore(f"sqlite:///{tmp_path}/monitoring.db"), on)


def test_a_year_of_nights_of_forty_checks_is_kept_and_read(store, result, on):
    values = {f"c{n}": FINE for n in range(40)}
    for start in range(1, 91, 30):
        store.record([result(day, values) for day in range(start, start + 30)])
    assert len(store.points("churn", since=on(1), until=on(1) + timedelta(days=89))) == 3600
