"""What to do next: one sentence for each kind of failure, in one table."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.core.evidence import Check
from slipway.core.verdict import Measurement, Outcome

AGAIN = "Release the version again once the cause is gone: nothing was shown against it."

# check -> start of a measurement's name -> what to do when it FAILED; the longest start that fits counts
FAILED: dict[Check, dict[str, str]] = {
    Check.VALIDATE_DATA: {
        "": "Correct the data at its source, train on the corrected snapshot and register that as a new version.",
        "expectations.": "Look up the broken expectations in the Data Docs: correct the rows at their source, or have "
        "the dataset's owner change the suite if the data is right.",
        "quarantine.share": "Too many rows break the suite: ask the dataset's owner what has changed.",
        "signature.violations": "Rows break the ranges or types that model.yaml declares: correct the column (unit, "
        "coding), or widen the declaration if such rows are to be served.",
        "contract.violations": "The snapshot breaks its data contract: bring it in line with contract.yaml, or agree "
        "on another contract with the producer.",
        "rows.duplicated": "Holdout rows are also training rows: remove the duplicates and split again, so that the "
        "holdout measures what the model has not seen.",
        "label.leak": "One input gives the label away: remove it from the inputs, or take it as it was before the "
        "outcome was known.",
        "rows.": "Train on more rows: below the minimum nothing that follows would mean anything.",
        "drift.": "The snapshot is not what the champion was trained on: find out what changed in the source, and "
        "state it in the release's reason if it is intended.",
    },
    Check.EVALUATE: {
        "": "The model is not good enough on its holdout: improve it and register a new version.",
        "predictions.": "The model answers NaN or infinity for rows of its holdout: handle what it does not expect.",
        "champion.": "It is worse than the champion on the same rows: keep the champion, or find out what this version "
        "lost.",
        "slice.": "It is too weak on this slice: look at its rows in the report, and train with more of them.",
        "fairness.": "Groups are treated too differently: see which in the report, then reweigh, add data or lower the "
        "difference by design.",
    },
    Check.BUILD_IMAGE: {
        "": "Correct the version's requirements or the serving recipe, then release again.",
        "backends.": "A compiled backend answers differently: release again, or switch it off for this model.",
        "lock.": "A package has no hash in the lock: pin what can be pinned.",
    },
    Check.RUN_SCENARIOS: {
        "": "The served answers are not what the reference and model.yaml say: send the smallest example to both, and "
        "register a corrected version.",
        "in_range.": "Ordinary rows are answered differently from the reference: send the smallest example to both, "
        "find the first step of the preprocessing where they part, and register a corrected version.",
        "scenarios.unsent": "The service stopped answering: read its log in the report for what the last request did.",
        "identity.": "The image answers for another model or version: build it from the registered version again.",
        "wrong_type.": "The service must refuse what breaks the signature: check the types before anything is scored.",
        "missing.": "Missing values are not treated as model.yaml declares: align imputation in the model and its "
        "reference.",
        "out_of_range.": "Out-of-range values are not treated as model.yaml declares: align the policy (reject, clip, "
        "impute, flag) with what the model does.",
        "latency.": "One request alone takes too long: profile the predict function before anything is loaded.",
        "invariance.": "The same row must get the same answer, whatever travels with it: remove state, randomness and "
        "anything that is computed over a batch.",
    },
    Check.PROFILE_SERVING: {
        "": "Make the function below faster, or do it less often; the call graph shows who calls it.",
        "profile.errors": "Requests fail under the profiler: read the error in the report and correct the model.",
    },
    Check.TUNE_SERVING: {
        "": "No serving option holds the objectives: make the model faster, or change them in model.yaml.",
        "wrong_answers": "Answers depend on the serving options: remove state that requests share.",
    },
    Check.LOAD_TEST: {
        "": "The version does not hold its objectives under load: make it faster, give it more CPU, or agree on other "
        "objectives in model.yaml.",
        "latency.p99": "The tail is too slow: look for what stalls a few requests (locks, garbage collection, a slow "
        "branch) in the latency plot and the call graph.",
        "error_rate": "Requests fail under load: the error kinds are in the report; look at timeouts and memory first.",
        "wrong_answers": "Answers are wrong under concurrency: remove state that requests share.",
        "memory.": "Memory grows with the requests: find what is kept between them.",
        "growth.": "A resource grows with the requests: find what is kept or left open between them.",
        "descriptors.": "Files or connections are left open: close them in the request that opened them.",
        "recovery": "It does not recover from a surge: bound the queue, so that late work is refused.",
    },
}

# The same for what could not be told
UNSURE: dict[str, str] = {
    "": AGAIN,
    "latency.": "Release again with a longer load profile, or on a quieter host: there were too few samples to tell.",
    "host.": "The host was too noisy to measure: stop what else runs there, then release again.",
    "generator.": "The load generator was late: give the host more CPU or lower the rate, then release again.",
    "rows.": "There are too few rows to tell: add rows to the snapshot and register a new version.",
    "slice.": "This slice has too few rows to tell: add rows of it to the holdout, or declare a coarser slice.",
    "fairness.": "A group has too few rows to tell: add rows of it to the holdout.",
    "champion.": "The holdout is too small to tell it from the champion: add rows to it.",
    "detection.": "Too few in-range cases to find a rare fault: widen the snapshot, so that more rows can be drawn.",
}

STEPS: dict[str, str] = {
    "start_candidate": "Read the candidate's log in the task: most often the image lacks a package or the model does "
    "not load within startup_seconds.",
    "stop_candidate": "Clear the task: what it has to stop is found again by name.",
    "approve": "Ask who decided what it lacks; then release again.",
    "promote": "Put right what the reason names, then release again, so that every gate judges the bytes of now.",
    "deploy": "Read the reason and the service's log; the version before serves. Release again once it is corrected.",
    "": "Read the log of the task that failed, then clear it or release again.",
}


def remedy_for(check: Check, measurement: Measurement) -> str:
    """Return what to do about a measurement that stops a release.

    >>> remedy_for(Check.LOAD_TEST, Measurement(name="host.steal_share", value=None, threshold=1.0, bound="max"))
    'The host was too noisy to measure: stop what else runs there, then release again.'
    """
    table = UNSURE if measurement.outcome is Outcome.INCONCLUSIVE else FAILED[check]
    return table[max((start for start in table if measurement.name.startswith(start)), key=len)]


# Where this stops a release the others follow from it
DOMINANT = ("in_range.", "label.leak", "scenarios.unsent")
MAX_REMEDIES = 3


def remedies_for(check: Check, stopping: Sequence[Measurement]) -> tuple[str, ...]:
    """Return what to do about everything that stopped a gate, at most three sentences.

    What follows from another failure is left out, and so is the general sentence where there is a particular one.
    """
    for start in DOMINANT:
        found = [m for m in stopping if m.name.startswith(start)]
        if found:
            return (remedy_for(check, found[0]),)
    said = dict.fromkeys(remedy_for(check, m) for m in stopping)
    general = {FAILED[check][""], UNSURE[""]}
    return tuple([sentence for sentence in said if sentence not in general] or said)[:MAX_REMEDIES]


def remedy_for_step(step: str) -> str:
    """Return what to do about a step that ended a release without a verdict."""
    return STEPS.get(step, STEPS[""])
