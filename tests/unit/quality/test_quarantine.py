import pandas as pd

from slipway.quality.quarantine import quarantine_table, split_rows
from slipway.quality.suite import Rule, RuleResult, Severity, Status

FRAME = pd.DataFrame({"a": [1, 2, 3, 4, 5]})


def result(rows, severity=Severity.QUARANTINE, column="a", status=Status.BROKEN):
    rule = Rule(number=0, type="expect_column_values_to_be_nice", kwargs={"column": column}, severity=severity)
    return RuleResult(file="train", rule=rule, status=status, rows=tuple(rows))


def test_kept_and_quarantined_rows_are_all_rows():
    split = split_rows(FRAME, [result([1, 3]), result([3], column="b")])
    assert (len(split.kept), len(split.reasons), split.total, split.share) == (3, 2, 5, 0.4)
    assert split.kept["a"].tolist() == [1, 3, 5]


def test_a_row_keeps_every_reason():
    split = split_rows(FRAME, [result([3]), result([3], column="b")])
    assert split.reasons == {3: "a: values to be nice; b: values to be nice"}


def test_only_the_severity_quarantine_sets_rows_aside():
    assert split_rows(FRAME, [result([1], Severity.FAIL), result([2], Severity.WARN)]).reasons == {}


def test_rows_are_set_aside_even_where_mostly_lets_the_expectation_hold():
    assert list(split_rows(FRAME, [result([4], status=Status.HELD)]).reasons) == [4]


def test_a_file_without_rows_has_no_share():
    assert split_rows(FRAME.head(0), []).share is None


def test_the_table_names_file_row_and_reason():
    frames = {"train": FRAME, "holdout": FRAME}
    splits = {"train": split_rows(FRAME, [result([1])]), "holdout": split_rows(FRAME, [result([0])])}
    table = quarantine_table(frames, splits)
    assert table[["quarantine_file", "quarantine_row", "a"]].to_numpy().tolist() == [["train", 1, 2], ["holdout", 0, 1]]
    assert table["reason"].tolist() == ["a: values to be nice"] * 2


def test_the_table_is_empty_with_its_columns_when_nothing_is_set_aside():
    table = quarantine_table({"train": FRAME}, {"train": split_rows(FRAME, [])})
    assert (len(table), list(table.columns)) == (0, ["quarantine_file", "quarantine_row", "reason", "a"])
