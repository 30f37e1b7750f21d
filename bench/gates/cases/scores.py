"""Faults in the answers themselves."""

from bench.gates.case import Case
from bench.gates.context import Context
from bench.gates.makers import served_as, wrapped

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def scores(model, name, why, make, *, stopped_by="run_scenarios"):
    """Return a case whose fault is in the answers."""
    return Case(name=name, group="scores", model=model, why=why, make=make, stopped_by=stopped_by)


def without_clip(pipeline, _context):
    """Let the scaler pass on what lies beyond the training rows."""
    pipeline["scale"].set_params(clip=False)
    return pipeline


def older_version_inside(context: Context) -> int:
    """Register the model of another seed under the parameters, the metrics and the data of this one."""
    right = context.honest
    reference = right.module.export_reference(right.fit(seed=21))
    return context.register(right.fit(seed=20), reference=reference)


CASES = (
    scores(
        TUMOR,
        "nan_swallowed",
        "A row with a missing value is answered 0, where the declared model takes a median.",
        wrapped(after="answers[rows.isna().any(axis=1).to_numpy()] = (1.0, 0.0)"),
    ),
    scores(
        TUMOR,
        "float_overflow",
        "An absurd value in a column that only flags is not cut: 1e300 overflows, and a declared request gets a 500.",
        served_as(without_clip),
    ),
    scores(
        TUMOR,
        "clipped_probability",
        "Probabilities are cut to [0.01, 0.99]: the confident answers differ from the reference's.",
        wrapped(after="answers = np.clip(answers, 0.01, 0.99)"),
    ),
    scores(
        DIABETES,
        "half_precision",
        "Answers go through half precision: they are off by up to an eighth, the tolerance is a millionth.",
        wrapped(after="answers = answers.astype('float16').astype('float64')"),
    ),
    scores(
        TUMOR,
        "non_deterministic",
        "Each answer has noise of a thousandth on it: the same request gets another answer each time.",
        wrapped(after="answers = np.clip(answers + np.random.default_rng().normal(0, 1e-3, answers.shape), 0, 1)"),
    ),
    scores(
        TUMOR,
        "depends_on_the_batch",
        "Answers are centred on their batch: a row gets another answer in company than alone.",
        wrapped(after="if len(answers) > 1:\n    answers = np.clip(answers - 0.01 * answers.mean(axis=0), 0, 1)"),
    ),
    scores(
        DIABETES,
        "depends_on_the_previous_request",
        "A missing s5 is filled with the last one that was seen: the answer depends on who asked before.",
        wrapped(
            setup="self.last = 4.6",
            before="rows = rows.assign(s5=rows['s5'].fillna(self.last))\nself.last = float(rows['s5'].iloc[-1])",
        ),
    ),
    scores(
        DIABETES,
        "cache_with_a_short_key",
        "Answers are kept by age, sex and whole bmi: another patient of that age gets the first one's answer.",
        wrapped(
            setup="self.kept = {}",
            after=(
                "keys = list(zip(rows['age'], rows['sex'], rows['bmi'].astype(int)))\n"
                "answers = np.array([self.kept.setdefault(key, value) for key, value in zip(keys, answers)])"
            ),
        ),
    ),
    scores(
        TUMOR,
        "wrong_class_order",
        "The two probabilities are in each other's place: the holdout is ordered the wrong way round.",
        wrapped(after="answers = answers[:, ::-1]"),
        stopped_by="evaluate",
    ),
    scores(
        TUMOR,
        "another_version_inside",
        "The registered files are an older model's; parameters, metrics and data are this version's.",
        older_version_inside,
    ),
    scores(
        DIABETES,
        "half_percent_of_rows",
        "One row in two hundred, by a checksum of its values, answers five too high.",
        wrapped(
            setup="import zlib\nself.checksum = zlib.crc32",
            after=(
                "marks = [self.checksum(repr(tuple(row)).encode()) for row in rows[['bmi', 's1', 's2']].to_numpy()]\n"
                "answers = answers + 5.0 * np.array([mark % 200 == 0 for mark in marks])"
            ),
        ),
    ),
    scores(
        DIABETES,
        "duplicated_rows_answered_once",
        "Equal rows of a batch are answered once and the rest get the mean: equal rows get unequal answers.",
        wrapped(after="again = rows.duplicated().to_numpy()\nanswers = np.where(again, answers.mean() + 1.0, answers)"),
    ),
    scores(
        TUMOR,
        "goes_stale",
        "Forty seconds after it was loaded every answer is a hundredth higher: each fresh instance is right.",
        wrapped(
            setup="self.loaded = time.monotonic()",
            after="answers = answers + 0.01 * (time.monotonic() - self.loaded > 40)",
        ),
        stopped_by="load_test",
    ),
)
