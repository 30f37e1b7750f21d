"""What the scenario report says about its method, and what each class of cases is derived from."""

from __future__ import annotations

from slipway.scenarios.suite import CaseClass

DERIVED = {
    CaseClass.IN_RANGE: "real rows, rows between them, column by column, over the ranges; alone and in batches",
    CaseClass.BOUNDARY: "both ends of every range, the nearest numbers inside and outside; many ends at once",
    CaseClass.OUT_OF_RANGE: "every column, each side, a little and hugely; several at once; in batches",
    CaseClass.MISSING: "every column null and absent; several and all at once; in batches",
    CaseClass.WRONG_TYPE: "text, bools, lists and objects for numbers, and the reverse",
    CaseClass.NAMED: "the author's cases in scenarios.yaml",
    CaseClass.EDGE: "NaN, infinity, huge numbers, malformed JSON, odd batches and bodies",
    CaseClass.ADVERSARIAL: "ends, gaps, zeros, categories, values outside, meeting in one row; composed by Hypothesis",
    CaseClass.INVARIANCE: "the same rows in another order, company, form, after other requests, and all at once",
}

METHOD = """From the signature in model.yaml and the version's holdout snapshot, with seed {seed}; the same seed gives
the same requests. What each request must get follows from the declared policies, worked out value by value apart from
the serving code. The rows that the model may see are then scored by the model's reference, in a process of its own that
can import neither Slipway nor an estimator library, and every served answer is compared with the reference's. A failure
is shrunk: a batch to its smallest failing part, then every column set back to the value of a row that is answered
rightly, for as long as it still fails, and what is left is rounded. What needs no reference is checked without it: the
same row asked in another order, company, form, after other requests or at the same time must get the same answer."""
