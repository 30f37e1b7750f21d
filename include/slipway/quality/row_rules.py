"""The rows of a table that break a suite's row-wise rules, by Great Expectations: for batches, where no label is known.

Rules
-----
1. Of the suite those rules count that judge a row by itself and speak of no other columns than the ones given. What
   speaks of other rows or of the label has no place in a part of a day; the nightly watch looks at those.
2. ``fail`` and ``quarantine`` both set a row aside: one bad row is no reason to hold back the others. ``warn`` sets
   none aside.
3. A rule that raised set nothing aside and nothing free: that is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from slipway.errors import GateConfigurationError
from slipway.quality.checks import NUMBER, gx_suite, quiet, rule_result
from slipway.quality.suite import Rule, Severity, Status, Suite

if TYPE_CHECKING:
    import pandas as pd

_ABOUT = ("column", "column_A", "column_B")
_OF_OTHER_ROWS = ("expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique")


class RowRules:
    """A suite's row-wise rules about some columns.

    Parameters
    ----------
    suite : Suite
    columns : collection of str
        The model's inputs.

    Attributes
    ----------
    rules : tuple of Rule
        Those that count.
    """

    def __init__(self, suite: Suite, columns: Collection[str]) -> None:
        self.rules = tuple(rule for rule in suite.rules if _counts(rule, columns))
        self._name = suite.name

    def broken(self, frame: pd.DataFrame) -> dict[int, str]:
        """Return the positions of the rows that break a rule, each with every reason, in order.

        Raises
        ------
        GateConfigurationError
            If a rule cannot be evaluated.
        """
        if not self.rules or frame.empty:
            return {}
        reasons: dict[int, str] = {}
        for rule, found in self._run(frame.reset_index(drop=True)):
            result = rule_result(rule, "batch", found)
            if result.status is Status.ERROR and result.message != "there was no value to judge":
                raise GateConfigurationError(
                    f"{rule.sentence} cannot be evaluated: {result.message}", remedy="correct the suite, or the source"
                )
            for row in result.rows:
                reasons[row] = f"{reasons[row]}; {rule.sentence}" if row in reasons else rule.sentence
        return dict(sorted(reasons.items()))

    def _run(self, frame: pd.DataFrame) -> Iterator[tuple[Rule, Any]]:
        import great_expectations as gx

        with quiet():
            context = gx.get_context(mode="ephemeral", cloud_mode=False)
            context.variables.progress_bars = {"globally": False, "metric_calculations": False}
            whole = context.data_sources.add_pandas("batch").add_dataframe_asset("batch")
            definition = whole.add_batch_definition_whole_dataframe("whole")
            # Great Expectations copies what it is given for each rule: so it is given no more than the rule speaks of.
            for names, rules in _by_columns(self.rules).items():
                outcome = definition.get_batch({"dataframe": frame[list(names)]}).validate(
                    gx_suite(Suite(self._name, rules)),
                    result_format={"result_format": "COMPLETE", "partial_unexpected_count": 0},
                )
                found = {r.expectation_config.meta[NUMBER]: r for r in outcome.results if r.expectation_config}
                yield from ((rule, found.get(rule.number)) for rule in rules)


def _by_columns(rules: Iterable[Rule]) -> dict[tuple[str, ...], tuple[Rule, ...]]:
    grouped: dict[tuple[str, ...], tuple[Rule, ...]] = {}
    for rule in rules:
        names = tuple(_named(rule))
        grouped[names] = (*grouped.get(names, ()), rule)
    return grouped


def _named(rule: Rule) -> list[str]:
    return [rule.kwargs[key] for key in _ABOUT if key in rule.kwargs] or list(rule.kwargs.get("column_list", ()))


def _counts(rule: Rule, columns: Collection[str]) -> bool:
    named = _named(rule)
    if not named or not set(named) <= set(columns) or rule.severity is Severity.WARN:
        return False
    return rule.type not in _OF_OTHER_ROWS and _row_wise(rule)


def _row_wise(rule: Rule) -> bool:
    from great_expectations.expectations import expectation as kinds
    from great_expectations.expectations.registry import get_expectation_impl

    row_wise = (kinds.ColumnMapExpectation, kinds.ColumnPairMapExpectation, kinds.MulticolumnMapExpectation)
    return issubclass(get_expectation_impl(rule.type), row_wise)
