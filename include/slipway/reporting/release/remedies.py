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
        "expectations.errors": "An expectation could not be evaluated: see in the Data Docs which; most often a column "
        "is absent or of another type.",
        "expectations.": "Look up the broken expectations in the Data Docs: correct the rows at their source, or have "
        "the dataset's owner change the suite if the data is right.",
        "quarantine.share": "Too many rows break the suite: ask the dataset's owner what has changed.",
        "signature.violations": "Rows break the ranges or types that model.yaml declares: correct the column (unit, "
        "coding), or widen the declaration if such rows are to be served.",
        "contract.violations": "The snapshot breaks its data contract: bring it in line with contract.yaml, or agree "
        "on another contract with the producer.",
        "rows.duplicated": "Holdout rows are also training rows: remove the duplicates and split again, so that the "
        "holdout measures what the model has not seen.",
        "rows.near_duplicates": "Holdout rows are training rows but for a hair: keep what belongs together (one "
        "person, one sample measured twice) on one side, and split again.",
        "label.leak": "One input gives the label away: remove it from the inputs, or take it as it was before the "
        "outcome was known.",
        "label.leak_gain": "One input tells far more of the label than it did in the champion's data: take it as it "
        "was before the outcome was known, or remove it from the inputs.",
        "drift.": "The snapshot is not what the champion was trained on: find out what changed in the source. If it is "
        "wanted, list the columns under quality.drift.intended in model.yaml; severity: warn there only records drift.",
    },
    Check.EVALUATE: {
        "": "The model is not good enough on its holdout: improve it and register a new version.",
        "predictions.": "The model answers NaN or infinity for rows of its holdout: handle what it does not expect.",
        "champion.": "It is worse than the champion on the same rows: keep the champion, or find out what this version "
        "lost.",
        "slice.": "It is too weak on this slice: look at its rows in the report, and train with more of them.",
        "undeclared_parts.": "It is wrong on a part of the data that nobody declared: see which in the report, then "
        "train with more rows of it, or find out what this version does otherwise there.",
        "fairness.": "Groups are treated too differently: see in the report which, and whether the whole interval lies "
        "past the limit. If it does, train with more rows of the worse group; if not, the holdout is too small for "
        "this limit: add rows to it, or agree on another max_difference in model.yaml.",
    },
    Check.BUILD_IMAGE: {
        "": "Correct the version's requirements or the serving recipe, then release again.",
        "backends.": "The backend that was chosen answers differently from the native model, which the comparison "
        "before it should have ruled out: report it as a fault of Slipway, with the build's report.",
        "lock.": "A package has no hash in the lock: require a released version of it, from a package index.",
        "context.": "Files of the image were changed while it was built: see that nothing else writes there, then "
        "release again.",
        "image.runs_as_root": "The image starts as root: let the serving recipe end with an unprivileged USER.",
        "image.labels": "The image does not carry this version's labels: let the serving recipe set no label of that "
        "name, then release again.",
        "image.healthcheck": "The image does not say how to tell that it is healthy: keep the recipe's HEALTHCHECK.",
    },
    Check.RUN_SCENARIOS: {
        "": "The served answers are not what the reference and model.yaml say: send the smallest example to both, and "
        "register a corrected version.",
        "in_range.": "Ordinary rows are answered differently from the reference: send the smallest example to both, "
        "find the first step of the preprocessing where they part, and register a corrected version.",
        "identity.": "The image answers for another model or version: build it from the registered version again.",
        "wrong_type.": "The service must refuse what breaks the signature: check the types before anything is scored.",
        "missing.": "Missing values are not treated as model.yaml declares: align imputation in the model and its "
        "reference.",
        "out_of_range.": "Out-of-range values are not treated as model.yaml declares: align the policy (reject, clip, "
        "impute, flag) with what the model does.",
        "boundary.": "Rows at the ends of a declared range are answered differently from the reference: look for < "
        "where <= belongs, there or in a clip.",
        "adversarial.": "Values that are special by themselves are answered differently where they meet: look for "
        "branches that expect one of them at a time.",
        "edge.": "Odd and broken requests must be refused or answered as model.yaml says: see the first in the report.",
        "named.": "A case of scenarios.yaml is not answered as it says: correct the model, or the case.",
        "latency.alone": "One request alone takes too long: profile the predict function before anything is loaded.",
        "latency.slow_cases": "Single rows are late although nobody else asks: profile the predict function with the "
        "rows in the report, for what their values set off.",
        "invariance.": "The same row must get the same answer, whatever travels with it: remove state, randomness and "
        "anything that is computed over a batch.",
    },
    Check.PROFILE_SERVING: {
        "": "Make the function below faster, or do it less often; the call graph shows who calls it.",
        "profile.regression": "A request takes longer than the champion's: see in the report which function has become "
        "slower, and undo it or pay for it elsewhere.",
        "profile.errors": "Requests fail under the profiler: read the error in the report and correct the model.",
    },
    Check.TUNE_SERVING: {
        "": "No serving option holds the objectives: make the model faster, or change them in model.yaml.",
        "chosen.error_rate": "Requests fail with the chosen options: read the error kinds in the report and correct "
        "the model.",
        "wrong_answers": "Answers depend on the serving options: remove state that requests share.",
    },
    Check.LOAD_TEST: {
        "": "The version does not hold its objectives under load: make it faster, give it more CPU, or agree on other "
        "objectives in model.yaml.",
        "latency.p99": "The tail is too slow: look for what stalls a few requests (locks, garbage collection, a slow "
        "branch) in the latency plot and the call graph.",
        "error_rate": "Requests fail under load: the error kinds are in the report; look at timeouts and memory first.",
        "wrong_answers": "Answers are wrong under concurrency: remove state that requests share.",
        "wrong_answers.later": "The same rows were answered rightly some gates before: look for what expires, is kept "
        "or counts up in the service.",
        "memory.in_": "Memory grows with the requests: find what is kept between them; a cache needs a bound.",
        "memory.peak": "It needs more memory than it may: make the model or its batches smaller, or raise "
        "objectives.memory_mb in model.yaml.",
        "descriptors.": "Files or connections are left open: close them in the request that opened them.",
        "threads.": "Threads are left running: end them in the request that started them, or start them once, at load.",
        "burst.error_rate": "Requests of a burst fail instead of being answered or refused: look at timeouts and "
        "memory in the service's log.",
        "burst.recovery": "It is still late after a burst: find work that goes on after its request was answered.",
        "recovery.": "It is still late after a surge: find work that goes on after its request was answered.",
    },
}

GROWTH = "Release again with a longer load profile: the service does not tell, or was asked too little."
ABSENT = "An input or the label is absent from the snapshot: bring it in line with model.yaml."
FEW_OF_A_CLASS = "The holdout has too few rows of a class, real or predicted, to tell: add such rows."
NOTHING_SHARED = (
    "There is too little to compare with the champion's data: keep the names of inputs that mean the same, and give "
    "both snapshots enough rows. A model that shares no input with its champion is another model: release it as one."
)
# The same for what could not be told
UNSURE: dict[str, str] = {
    "": AGAIN,
    "latency.": "Release again with a longer load profile, or on a quieter host: there were too few samples to tell.",
    "host.": "The host was too noisy to measure: stop what else runs there, then release again.",
    "generator.": "The load generator was late: give the host more CPU or lower the rate, then release again.",
    "latency.alone": "No request was answered in time to tell: read the service's log in the report.",
    "latency.slow_cases": "Whether single rows are late could not be told: release again on a quieter host.",
    "chosen.": "The host or the load generator was the limit: free the host, then release again.",
    "arrival_rate.": "The load generator could not send fast enough: give the host more CPU or lower the rate, then "
    "release again.",
    "memory.": GROWTH,
    "descriptors.": GROWTH,
    "threads.": GROWTH,
    "recovery.": "Release again on a quieter host: whether it recovers from the surge could not be told.",
    "burst.": "Release again on a quieter host: whether it recovers from the burst could not be told.",
    "profile.": "Too few requests were profiled: read the service's log for those that it did not answer.",
    "scenarios.unsent": "The service stopped answering: read its log in the report for what the last request did.",
    "scenarios.requests": "Too few requests could be made: widen the ranges in model.yaml or the snapshot, so that "
    "more rows can be drawn.",
    "invariance.": "No answer could be compared: see in the report why ordinary rows are refused.",
    "rows.duplicated": ABSENT,
    "rows.near_duplicates": ABSENT,
    "label.leak": "The snapshot has too few labelled rows to tell whether an input gives the label away: add rows.",
    "label.leak_gain": NOTHING_SHARED,
    "drift.": NOTHING_SHARED,
    "predictions.": "The holdout has too few rows: add rows to it and register a new version.",
    "recall": FEW_OF_A_CLASS,
    "precision": FEW_OF_A_CLASS,
    "roc_auc": FEW_OF_A_CLASS,
    "rows.": "There are too few rows to tell: add rows to the snapshot and register a new version.",
    "slice.": "This slice has too few rows that its metric stands on: add rows of it to the holdout, or declare a "
    "coarser slice.",
    "fairness.": "A group has too few rows that the metric stands on: add rows of it to the holdout.",
    "champion.": "The holdout has too few rows that the champion was not trained on to tell the two apart: add "
    "such rows.",
    "detection.": "Too few in-range cases to find a rare fault: widen the snapshot, so that more rows can be drawn.",
}

STEPS: dict[str, str] = {
    "start_candidate": "Read the candidate's log in the task: most often the image lacks a package or the model does "
    "not load within startup_seconds.",
    "stop_candidate": "Clear the task: what it has to stop is found again by name.",
    "approve": "Ask who decided what it lacks; then release again.",
    "approve_second": "Ask who decided what it lacks; then release again.",
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
