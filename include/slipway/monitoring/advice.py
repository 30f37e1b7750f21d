"""What to do next, by check: the sentence that an alert ends with."""

from __future__ import annotations

_STEPS = {
    "drift": "open the drift report; see whether the source changed this column (unit, coding, population); if the "
    "change is real and lasting, retrain on recent rows and release",
    "prediction_drift": "see which inputs drifted on the same day; if none did, compare the version's answers with its "
    "reference on these rows",
    "performance": "open the performance report; look at the slices and at the drift of the same days; if it lasts, "
    "retrain, or roll back if it began with this version",
    "labels": "ask the labels' source why they do not come; performance is not watched until they do",
    "quality": "open the data quality report; the rows set aside are kept with their reason and can be replayed",
    "schema": "ask the source what changed; adapt the source's query, or declare the change in model.yaml and release",
    "input": "see whether the upstream job ran; once its data are there, run this day again",
    "service": "open the serving metrics of these hours; look for load, slow requests and errors in the log",
    "many": "many at once have a cause in common: look at the source first (schema, unit, missing load), and at each "
    "column after that",
    "untold": "give the check what it lacks: more rows or labels, a longer window, or a source that arrives in time",
}
_DEFAULT = "open the report of this check"


def next_step(check: str) -> str:
    """Return what to do when a check fails.

    >>> next_step("labels")[:26]
    "ask the labels' source why"
    """
    return _STEPS.get(check, _DEFAULT)
