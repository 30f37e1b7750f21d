"""Great Expectations, and nothing else: run a suite on tables, keep its Data Docs.

A file context below the report folder; no analytics, no progress bars, no cloud mode whatever the environment says.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.core.identity import Subject
from slipway.errors import GateConfigurationError
from slipway.quality.data_docs import publish
from slipway.quality.suite import Rule, RuleResult, Severity, Status, Suite

if TYPE_CHECKING:
    import pandas as pd

CONTEXT_DIR, DOCS_DIR = "gx", "data_docs"
NUMBER = "slipway_number"
EXAMPLES = 5
SITE = {
    "class_name": "SiteBuilder",
    "show_how_to_buttons": False,
    "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
}


def run_suite(
    suite: Suite, frames: Mapping[str, pd.DataFrame], out: Path, *, subject: Subject
) -> tuple[RuleResult, ...]:
    """Run every rule on every table and build Data Docs that open from the file system.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        File name ("train") to table, index 0 to n - 1.
    out : Path
        Gets ``gx/`` (the context: suite and results as JSON) and ``data_docs/index.html``.
    subject : Subject
        Whose data this is; the index names it.

    Returns
    -------
    tuple of RuleResult
        One for each rule and file. A rule that Great Expectations gave no result for is an error, not a pass.

    Raises
    ------
    GateConfigurationError
        If a rule's type is unknown, its arguments do not fit, or it quarantines without judging row by row.
    """
    with quiet():
        context = _open_context(out)
        added = context.suites.add(gx_suite(suite))
        source = context.data_sources.add_pandas("snapshot")
        results: list[RuleResult] = []
        for name, frame in frames.items():
            found = _validate(context, added, source, name=name, frame=frame)
            results.extend(rule_result(rule, name, found.get(rule.number)) for rule in suite.rules)
        context.build_data_docs()
    publish(out / DOCS_DIR, title=f"Data Docs of suite {suite.name}", subject=subject)
    return tuple(results)


def _open_context(out: Path) -> Any:
    import great_expectations as gx

    for name in (CONTEXT_DIR, DOCS_DIR):  # a retry starts afresh
        shutil.rmtree(out / name, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    context = gx.get_context(mode="file", context_root_dir=str(out / CONTEXT_DIR), cloud_mode=False)
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    for name in list(context.get_site_names()):
        context.delete_data_docs_site(name)
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str((out / DOCS_DIR).resolve())}
    context.add_data_docs_site("slipway", {**SITE, "store_backend": store})
    return context


def gx_suite(suite: Suite) -> Any:
    """Return a suite as Great Expectations has it; GateConfigurationError as of :func:`run_suite`."""
    import great_expectations as gx

    _require_row_wise(suite)
    built = gx.ExpectationSuite(name=suite.name)
    for rule in suite.rules:
        meta = {"severity": rule.severity.value, "why": rule.why, NUMBER: rule.number}
        try:
            single = gx.ExpectationSuite(
                name=suite.name, expectations=[{"type": rule.type, "kwargs": dict(rule.kwargs), "meta": meta}]
            )
        except Exception as error:  # pydantic's and GX's own errors share no root
            raise GateConfigurationError(
                f"expectation {rule.number}: {rule.type} does not take {dict(rule.kwargs)}: {error}",
                remedy="correct its kwargs in suite.json",
            ) from error
        built.expectations.extend(single.expectations)
    return built


def _require_row_wise(suite: Suite) -> None:
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations import expectation as kinds
    from great_expectations.expectations.registry import get_expectation_impl

    row_wise = (kinds.ColumnMapExpectation, kinds.ColumnPairMapExpectation, kinds.MulticolumnMapExpectation)
    for rule in suite.rules:
        try:
            implementation = get_expectation_impl(rule.type)
        except ExpectationNotFoundError as error:
            raise GateConfigurationError(
                f"expectation {rule.number}: Great Expectations knows no {rule.type!r}", remedy="correct its type"
            ) from error
        if rule.severity is Severity.QUARANTINE and not issubclass(implementation, row_wise):
            raise GateConfigurationError(
                f"expectation {rule.number}: {rule.type} judges a whole column, so it names no row to quarantine",
                remedy="give it the severity fail or warn",
            )


def _validate(context: Any, suite: Any, source: Any, *, name: str, frame: pd.DataFrame) -> dict[int, Any]:
    import great_expectations as gx

    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("whole")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    outcome = definition.run(
        batch_parameters={"dataframe": frame},
        result_format={"result_format": "COMPLETE", "partial_unexpected_count": 20},
        run_id=gx.RunIdentifier(run_name=name),
    )
    return {r.expectation_config.meta[NUMBER]: r for r in outcome.results if r.expectation_config is not None}


def rule_result(rule: Rule, file: str, found: Any) -> RuleResult:
    """Return what Great Expectations found, as ours; ``found`` is None where it gave no result."""
    if found is None:
        return RuleResult(file=file, rule=rule, status=Status.ERROR, message="Great Expectations gave no result")
    raised = _exception(found.exception_info)
    if raised is not None:
        return RuleResult(file=file, rule=rule, status=Status.ERROR, message=raised)
    result = found.result
    count, missing = result.get("element_count"), result.get("missing_count") or 0
    if found.success and count is not None and count == missing:
        return RuleResult(file=file, rule=rule, status=Status.ERROR, message="there was no value to judge")
    unexpected = result.get("unexpected_count") or 0
    return RuleResult(
        file=file,
        rule=rule,
        status=Status.HELD if found.success else Status.BROKEN,
        judged=(count or 0) - missing,
        unexpected=unexpected,
        rows=tuple(int(row) for row in result.get("unexpected_index_list") or ()),
        observed=_observed(result, unexpected),
        examples=tuple(dict.fromkeys(_text(v) for v in result.get("partial_unexpected_list") or ()))[:EXAMPLES],
    )


def _exception(info: Mapping[str, Any] | None) -> str | None:
    """Return why an expectation raised: GX keeps one entry, or one for each metric that failed."""
    entries = [info or {}, *(v for v in (info or {}).values() if isinstance(v, Mapping))]
    raised = [str(e.get("exception_message") or "it raised") for e in entries if e.get("raised_exception")]
    return "; ".join(dict.fromkeys(raised)) if raised else None


def _observed(result: Mapping[str, Any], unexpected: int) -> str:
    if "observed_value" in result:
        return _text(result["observed_value"])
    if "unexpected_percent" in result:
        return f"{unexpected} unexpected ({result['unexpected_percent'] or 0:.3g} %)"
    return ""


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "(" + ", ".join(_text(v) for v in value) + ")"
    plain = value.item() if hasattr(value, "item") else value
    return f"{plain:.6g}" if isinstance(plain, float) else str(plain)[:80]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Great Expectations' chatter out of the task's log while it runs."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
