"""Faults between a raw row and the estimator: what is served prepares rows otherwise than what was trained."""

from bench.gates.case import Case
from bench.gates.context import Context
from bench.gates.makers import rng, served_as, swapped, wrapped

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def preparation(model, name, why, make, *, stopped_by="run_scenarios"):
    """Return a case whose fault is in the preparation of rows."""
    return Case(name=name, group="preprocessing", model=model, why=why, make=make, stopped_by=stopped_by)


def without_scaler(pipeline, _context):
    """Leave the scaler out: the trees compare raw values with thresholds on scaled ones."""
    from sklearn.pipeline import Pipeline

    return Pipeline([step for step in pipeline.steps if step[0] != "scale"])


def zeros_for_medians(pipeline, _context):
    """Fill what is missing with zeros."""
    pipeline["impute"].statistics_[:] = 0.0
    return pipeline


def means_for_medians(pipeline, context: Context):
    """Fill what is missing with the mean of the training rows."""
    rows = context.honest.train
    impute = pipeline["prepare"].named_transformers_["numbers"]["impute"]
    impute.statistics_[:] = [rows[name].mean() for name in impute.feature_names_in_]
    return pipeline


def scaler_of_other_rows(pipeline, context: Context):
    """Scale with the ends of a subset of the rows, as a scaler that was fitted in the wrong place."""
    right = context.honest
    rows = right.train.drop(columns=right.label).iloc[rng(2).choice(len(right.train), 150, replace=False)]
    pipeline["scale"].fit(pipeline["impute"].transform(rows))
    return pipeline


CASES = (
    preparation(
        TUMOR,
        "missing_scaler",
        "The scaler is not in what is served: the trees see raw values, and the holdout's metrics collapse.",
        served_as(without_scaler),
        stopped_by="evaluate",
    ),
    preparation(
        TUMOR,
        "swapped_features",
        "symmetry_error and fractal_dimension_error are in each other's place: answers differ from the reference's.",
        swapped("symmetry_error", "fractal_dimension_error"),
    ),
    preparation(
        DIABETES,
        "swapped_features_in_code",
        "The serving code hands s4 over as s6 and s6 as s4: answers differ from the reference's.",
        wrapped(before="rows = rows.rename(columns={'s4': 's6', 's6': 's4'})[list(rows.columns)]"),
    ),
    preparation(
        TUMOR,
        "zeros_for_medians",
        "A missing value becomes 0, the declared model takes the median: only rows with a gap show it.",
        served_as(zeros_for_medians),
    ),
    preparation(
        DIABETES,
        "means_for_medians",
        "A missing value becomes the mean, the declared model takes the median: only rows with a gap show it.",
        served_as(means_for_medians),
    ),
    preparation(
        DIABETES,
        "off_by_one_category",
        "The code of sex is off by one in what is served, so that F is taken for M and M for F.",
        wrapped(before="rows = rows.assign(sex=rows['sex'].map({'F': 'M', 'M': 'F'}))"),
    ),
    preparation(
        TUMOR,
        "rounded_on_the_way",
        "The serving code rounds inputs to two decimals, training did not: small columns lose their digits.",
        wrapped(before="rows = rows.round(2)"),
    ),
    preparation(
        DIABETES,
        "clipped_on_the_way",
        "The serving code cuts bmi at 35, which nobody declared: rows above answer too low.",
        wrapped(before="rows = rows.assign(bmi=rows['bmi'].clip(upper=35.0))"),
    ),
    preparation(
        TUMOR,
        "scaler_of_other_rows",
        "The scaler was fitted on a subset of the rows: every threshold is a little off.",
        served_as(scaler_of_other_rows),
    ),
)
