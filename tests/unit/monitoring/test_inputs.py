from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from slipway.core.verdict import Outcome
from slipway.errors import EvidenceError
from slipway.monitoring.inputs import input_result, kinds_of, schema_result, split_by_version
from slipway.monitoring.rules import parse_rules
from slipway.monitoring.values import Severity
from tests.fakes.specs import DECLARED, a_spec

PASSED, FAILED, UNTOLD = Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

ARRIVALS = {
    "there": (500, True, PASSED),
    "late and not due yet": (None, False, UNTOLD),
    "missing": (None, True, FAILED),
    "an empty day": (0, True, UNTOLD),
}


@pytest.mark.parametrize(("rows", "due", "outcome"), ARRIVALS.values(), ids=ARRIVALS)
def test_an_input_is_there_late_missing_or_empty(rows, due, outcome, on):
    assert input_result(rows, due=due, model="churn", version=1, day=on(1)).outcome is outcome


def test_a_missing_input_is_a_page_at_once_and_empty_days_are_a_note_when_they_last(store, on):
    rules, opened = parse_rules({}), []
    for day, rows in enumerate([500, 0, 0, 0, None], 1):
        night = store.close_night(
            [input_result(rows, due=True, model="churn", version=1, day=on(day))], rules, champion=1
        )
        opened += [(day, a.severity, a.cause) for a in night.alerts.opened]
    assert opened == [(4, Severity.NOTE, "untold.input"), (5, Severity.PAGE, "input.rows")]


def a_frame(**changes):
    frame = pd.DataFrame({"row_id": ["a", "b"], "at": [NOON, NOON], "tenure": [1.5, 2.5], "spend": [3.0, None]})
    return frame.assign(**changes)


SCHEMAS = {
    "as declared": (a_frame(), {"gone": PASSED, "changed": PASSED, "new": PASSED}, ""),
    "whole numbers for a double": (a_frame(tenure=[1, 2]), {"changed": PASSED}, ""),
    "nothing in a column": (a_frame(spend=[None, None]), {"changed": PASSED}, ""),
    "a column gone": (a_frame().drop(columns="tenure"), {"gone": FAILED, "changed": PASSED}, "tenure"),
    "a text for a number": (a_frame(tenure=["1,5", "2,5"]), {"changed": FAILED}, "tenure (float, now string)"),
    "a date for a number": (a_frame(tenure=[NOON, NOON]), {"changed": FAILED}, "tenure (float, now datetime64)"),
    "a column too many": (a_frame(age=[1, 2]), {"new": FAILED, "gone": PASSED}, "age"),
}


@pytest.mark.parametrize(("frame", "expected", "said"), SCHEMAS.values(), ids=SCHEMAS)
def test_a_schema_that_changed_upstream_is_found_and_named(frame, expected, said, on):
    found = schema_of(frame, a_spec(), on)
    outcomes = {m.name.removeprefix("schema."): m.outcome for m in found.measurements}
    assert {name: outcomes[name] for name in expected} == expected
    assert said in "".join(m.note for m in found.measurements)
    assert found.certain


def schema_of(frame, spec, on):
    own = ("row_id", "at")
    return schema_result(kinds_of(frame), spec.to_signature(), own=own, model="churn", version=1, day=on(1))


def test_a_new_column_is_only_recorded_where_the_signature_ignores_it(on):
    spec = a_spec(signature={**DECLARED["signature"], "extra_columns": "ignore"})
    found = schema_of(a_frame(age=[1, 2]), spec, on)
    assert found.outcome is PASSED
    assert found.measurements[-1].value == 1


def hourly():
    return pd.DataFrame({"at": [NOON + timedelta(hours=n) for n in range(-12, 12)], "n": range(24)})


def test_a_day_in_which_the_champion_changed_is_split_at_the_change():
    parts = split_by_version(hourly(), [(NOON - timedelta(days=9), 3), (NOON, 4)])
    assert {version: (part["n"].min(), part["n"].max()) for version, part in parts.items()} == {3: (0, 11), 4: (12, 23)}


def test_a_version_that_came_back_has_its_rows_together():
    served = [(NOON - timedelta(days=9), 3), (NOON, 4), (NOON + timedelta(hours=2), 3)]
    assert {version: len(part) for version, part in split_by_version(hourly(), served).items()} == {3: 22, 4: 2}


def test_a_day_without_a_change_is_of_one_version():
    assert len(split_by_version(hourly(), [(NOON - timedelta(days=9), 3)])[3]) == 24


def test_rows_from_before_any_named_version_are_not_given_to_one():
    with pytest.raises(EvidenceError, match="before any version that is named"):
        split_by_version(hourly(), [(NOON, 4)])


def test_an_empty_day_is_of_nobody_or_of_who_served():
    assert split_by_version(hourly().iloc[:0], []) == {}
    assert len(split_by_version(hourly().iloc[:0], [(NOON, 4)])[4]) == 0
