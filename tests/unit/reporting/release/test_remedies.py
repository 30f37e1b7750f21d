"""Every remedy is for a measurement that exists, and every measurement that can stop a release has one of its own."""

import ast
import re
from pathlib import Path

import pytest

import slipway
from slipway.core.evidence import Check
from slipway.core.verdict import Bound, Measurement
from slipway.reporting.release.remedies import FAILED, UNSURE, remedies_for, remedy_for

PACKAGE = Path(slipway.__file__).parent

# check -> the module that makes the measurements -> their names; those that can fail, then those that never do
CAN_FAIL = {
    Check.VALIDATE_DATA: {
        "quality/validate.py": "expectations.failed expectations.errors quarantine.share.train "
        "signature.violations.train contract.violations.holdout "
        "rows.duplicated_across_split rows.near_duplicates_across_split label.leak "
        "label.leak_gain",
        "quality/drift.py": "drift.distribution drift.share drift.missing drift.relation",
    },
    Check.EVALUATE: {
        "core/spec.py": "roc_auc accuracy recall precision log_loss rmse mae r2",
        "quality/evaluate.py": "predictions.not_finite",
        "quality/slices.py": "slice.age<50.rmse fairness.sex.mean_error_difference",
        "quality/measured.py": "champion.rmse_difference undeclared_parts.bias undeclared_parts.loss",
    },
    Check.BUILD_IMAGE: {
        "images/build.py": "lock.packages_without_hash",
        "images/backends.py": "backends.mismatches",
        "images/folder_image.py": "context.files_changed",
        "images/container_image.py": "image.runs_as_root image.labels_wrong image.healthcheck_missing",
    },
    Check.RUN_SCENARIOS: {
        "scenarios/measure.py": "scenarios.failed identity.mismatches in_range.failed boundary.failed "
        "out_of_range.failed missing.failed wrong_type.failed named.failed edge.failed adversarial.failed "
        "invariance.failed invariance.row_order.broken latency.alone_p50 latency.slow_cases",
    },
    Check.PROFILE_SERVING: {
        "profiling/run.py": "profile.errors profile.ms_per_request profile.regression_ratio",
    },
    Check.TUNE_SERVING: {
        "tuning/run.py": "chosen.throughput chosen.p99 chosen.p95 chosen.error_rate wrong_answers",
    },
    Check.LOAD_TEST: {
        "loadtest/judge.py": "latency.p95 latency.p99 error_rate wrong_answers recovery.p95",
        "loadtest/besides.py": "memory.peak memory.in_24h descriptors.in_24h threads.in_24h burst.error_rate "
        "burst.recovery_p95",
        "workflows/load_test.py": "wrong_answers.later",
    },
}
ONLY_UNSURE = {
    Check.VALIDATE_DATA: {"quality/validate.py": "rows.train rows.holdout"},
    Check.RUN_SCENARIOS: {
        "scenarios/measure.py": "scenarios.unsent scenarios.requests detection.power_at_half_percent"
    },
    Check.PROFILE_SERVING: {"profiling/run.py": "profile.requests"},
    Check.LOAD_TEST: {
        "loadtest/judge.py": "arrival_rate.achieved_share generator.lag_p99 host.steal_share host.run_queue "
        "host.calibration_spread host.paused_share",
    },
}
ONLY_RECORDED = (
    "warnings drift.warnings rows.set_aside champion.rmse champion.rmse_difference_estimate champion.rmse_resolution "
    "champion.rmse_detectable champion.rmse_within_margin undeclared_parts.detectable_bias build.seconds lock.packages "
    "image.size_mb image.added_mb image.reused runtime_layer.reused backends.compared backends.rows_compared "
    "backends.largest_difference backends.us_1_row backends.us_1_row_pyfunc backends.splits_with_rows "
    "answers.largest_difference profile.batch_ms_per_row default.throughput default.p99 throughput.gain latency.p50 "
    "windows.p95_spread burst.rate capacity.rate champion.p95_ratio"
)
# What the general sentence of the check is meant for
GENERAL = {
    *CAN_FAIL[Check.EVALUATE]["core/spec.py"].split(),
    *("scenarios.failed", "profile.ms_per_request", "chosen.throughput", "chosen.p99", "chosen.p95", "latency.p95"),
}
MAKERS = {"Measurement", "none_of", "_none", "_count", "_twin_share", "_violation_count"}


def named(table):
    return [
        (check, module, name)
        for check, made in table.items()
        for module, names in made.items()
        for name in names.split()
    ]


def broken(name, value=2.0):
    return Measurement(name=name, value=value, threshold=1.0, bound=Bound.MAX)


def start_of(table, name):
    return max((start for start in table if name.startswith(start)), key=len)


def pattern(text):
    """Return a string of the code as a regular expression; what is put into an f-string may be anything."""
    if isinstance(text, ast.Constant):
        return re.escape(str(text.value))
    return "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[^ ]+" for p in text.values)


def texts(module):
    nodes = ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8")))
    return [
        n for n in nodes if isinstance(n, ast.JoinedStr) or (isinstance(n, ast.Constant) and isinstance(n.value, str))
    ]


def written_names():
    """Return the pattern of each name that the capabilities write where they make a measurement."""
    for folder in ("quality", "images", "backends", "scenarios", "profiling", "tuning", "loadtest"):
        for path in (PACKAGE / folder).glob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS:
                    given = [k.value for k in call.keywords if k.arg == "name"] or call.args[:1]
                    yield from (pattern(g) for g in given if isinstance(g, ast.Constant | ast.JoinedStr))


@pytest.mark.parametrize(("check", "module", "name"), [*named(CAN_FAIL), *named(ONLY_UNSURE)])
def test_the_names_below_are_those_of_the_code(check, module, name):
    assert any(re.fullmatch(pattern(text), name) for text in texts(module)), f"{module} makes no {name} for {check}"


def test_the_names_of_the_code_are_all_below():
    known = [name for _, _, name in (*named(CAN_FAIL), *named(ONLY_UNSURE))] + ONLY_RECORDED.split()
    written = set(written_names())
    assert len(written) > 50
    assert [name for name in written if not any(re.fullmatch(name, one) for one in known)] == []


@pytest.mark.parametrize(("check", "module", "name"), named(CAN_FAIL))
def test_each_measurement_that_can_fail_has_a_remedy_of_its_own(check, module, name):
    own = remedy_for(check, broken(name)) != FAILED[check][""]
    assert own is (name not in GENERAL), module


@pytest.mark.parametrize(("check", "module", "name"), named(ONLY_UNSURE))
def test_each_measurement_that_only_cannot_be_told_has_a_remedy_of_its_own(check, module, name):
    assert remedy_for(check, broken(name, None)) != UNSURE[""], module


@pytest.mark.parametrize("check", Check)
def test_each_remedy_for_a_failure_is_for_a_measurement_that_can_fail(check):
    used = {start_of(FAILED[check], name) for of, _, name in named(CAN_FAIL) if of is check}
    assert {*FAILED[check]} - {""} <= used


def test_each_remedy_for_what_cannot_be_told_is_for_a_measurement_that_decides():
    used = {start_of(UNSURE, name) for _, _, name in (*named(CAN_FAIL), *named(ONLY_UNSURE))}
    assert {*UNSURE} - {""} <= used


TRUE = {
    "drift, which no reason excuses": (Check.VALIDATE_DATA, "drift.share", "quality.drift.intended in model.yaml"),
    "near duplicates": (Check.VALIDATE_DATA, "rows.near_duplicates_across_split", "split again"),
    "threads": (Check.LOAD_TEST, "threads.in_24h", "Threads are left running"),
    "descriptors": (Check.LOAD_TEST, "descriptors.in_24h", "close"),
    "a peak": (Check.LOAD_TEST, "memory.peak", "objectives.memory_mb"),
}


@pytest.mark.parametrize(("check", "name", "said"), TRUE.values(), ids=TRUE)
def test_a_remedy_says_what_helps(check, name, said):
    assert said in remedy_for(check, broken(name))


def test_a_service_that_stopped_answering_is_the_remedy_before_all_others():
    unsent = Measurement(name="scenarios.unsent", value=3, threshold=0, bound=Bound.MAX, n=5, n_required=8)
    few = broken("scenarios.requests", None)
    assert remedies_for(Check.RUN_SCENARIOS, [few, unsent]) == (UNSURE["scenarios.unsent"],)
