"""Faults at the edges of what may be asked."""

from bench.gates.case import Case
from bench.gates.makers import wrapped

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def robustness(model, name, why, make, *, stopped_by="run_scenarios"):
    """Return a case whose fault shows at an edge."""
    return Case(name=name, group="robustness", model=model, why=why, make=make, stopped_by=stopped_by)


CASES = (
    robustness(
        TUMOR,
        "crashes_on_missing",
        "Raises an error on a missing value in a column that may have gaps: declared requests get a 500.",
        wrapped(before="if rows.isna().any().any():\n    raise ValueError('a value is missing')"),
    ),
    robustness(
        TUMOR,
        "hangs_on_a_huge_value",
        "A value above a million, in a column that only flags, is worked on for twenty seconds.",
        wrapped(before="if (rows > 1e6).any().any():\n    time.sleep(20)"),
    ),
    robustness(
        DIABETES,
        "error_code_for_an_answer",
        "What it cannot work out it answers with 0 and HTTP 200: a row with a gap gets a number that means an error.",
        wrapped(after="answers = np.where(rows.isna().any(axis=1).to_numpy(), 0.0, answers)"),
    ),
    robustness(
        TUMOR,
        "error_text_for_an_answer",
        "A row with a gap gets a text in place of a number.",
        wrapped(
            after="if rows.isna().any().any():\n    answers = np.full(answers.shape, 'error: a gap', dtype=object)"
        ),
    ),
    robustness(
        DIABETES,
        "dies_after_a_while",
        "The process ends at its four-hundredth call: requests are not answered.",
        wrapped(
            setup="import os\nself.calls, self.end = 0, os._exit",
            before="self.calls += 1\nif self.calls > 400:\n    self.end(1)",
        ),
    ),
    robustness(
        DIABETES,
        "one_answer_short",
        "A batch of more than sixteen rows gets one answer too few.",
        wrapped(after="answers = answers[:-1] if 16 < len(answers) < 150 else answers"),
    ),
)
