"""Good versions that look odd: each must be released."""

from functools import partial

from bench.gates import families
from bench.gates.case import GOOD, Case
from bench.gates.context import Context
from bench.gates.makers import holes, retrained, rng, snapshot, wrapped

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def good(model, name, why, make):
    """Return a good case."""
    return Case(name=name, group=GOOD, model=model, why=why, make=make)


def again(context: Context) -> int:
    """Register the right model once more."""
    return context.register(context.honest.pipeline)


def other_column_order(context: Context) -> int:
    """Train and register with the columns turned round."""
    right = context.honest
    turned = [*reversed(right.train.columns.drop(right.label)), right.label]
    train, holdout = right.train[turned], right.holdout[turned]
    return context.register(right.fit(train), train=train, holdout=holdout)


def extremes(frame):
    """Stretch a few rows to the ends of the declared ranges, label and order of the rows as they are."""
    low, high = {"texture_error": 0.01, "mean_texture": 6.5}, {"texture_error": 5.35, "mean_texture": 42.5}
    for at, ends in ((1, low), (3, high), (5, low)):
        for column, value in ends.items():
            frame.loc[frame.index[at], column] = value
    return frame


def rare_gaps(frame):
    """Let four rows lack a value: a slice too rare to say anything about."""
    rows = rng(7).choice(frame.index, size=4, replace=False)
    frame.loc[rows, "worst_symmetry"] = float("nan")
    return frame


def forest_of(**params):
    """Return a regression forest's constructor."""
    from sklearn.ensemble import RandomForestRegressor

    return partial(RandomForestRegressor, random_state=0, **params)


def extra_trees(**params):
    """Return an extra-trees regressor's constructor."""
    from sklearn.ensemble import ExtraTreesRegressor

    return partial(ExtraTreesRegressor, random_state=0, **params)


def histogram_of(kind, **params):
    """Return a histogram boosting's constructor."""
    from sklearn import ensemble

    return partial(getattr(ensemble, f"HistGradientBoosting{kind}"), random_state=0, **params)


def bins():
    """Return the scorecard's bins."""
    from sklearn.preprocessing import KBinsDiscretizer

    return KBinsDiscretizer(
        n_bins=5, encode="onehot-dense", strategy="quantile", quantile_method="averaged_inverted_cdf"
    )


def logistic():
    """Return the scorecard's regression."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.5, max_iter=2000)


CASES = (
    good(TUMOR, "same_again", "The champion's own model, registered a second time under a new number.", again),
    good(
        TUMOR,
        "another_seed",
        "An ordinary retrain with another seed; nothing odd, the control of everything else.",
        retrained(seed=1),
    ),
    good(
        DIABETES,
        "same_code_in_a_pyfunc",
        "The right model inside a Python function: slower by MLflow's checks, and far within the objectives.",
        wrapped(),
    ),
    good(
        TUMOR,
        "columns_turned_round",
        "Trained and registered with its columns in the opposite order; callers name their columns.",
        other_column_order,
    ),
    good(
        TUMOR,
        "thirty_stumps",
        "A tiny model: thirty trees of depth one, with many equal answers.",
        retrained(n_estimators=30, learning_rate=0.2, max_depth=1),
    ),
    good(
        DIABETES,
        "heavy_ties",
        "Three trees of depth two: few different answers, each given to many patients.",
        retrained(n_estimators=3, learning_rate=0.6, max_depth=2, min_samples_leaf=15, subsample=1.0),
    ),
    good(
        DIABETES,
        "narrow_answers",
        "Strong shrinkage: the answers keep closer to the mean than the champion's, within every threshold.",
        retrained(n_estimators=70, learning_rate=0.03),
    ),
    good(
        TUMOR,
        "big_model",
        "Six hundred trees of depth four: many times the champion's size, and within every objective.",
        retrained(n_estimators=600, learning_rate=0.03, max_depth=4),
    ),
    good(
        TUMOR,
        "histogram_boosting",
        "Another family of estimators, histogram boosting, behind the same preparation.",
        families.estimator(families.to_float32, histogram_of("Classifier", max_iter=80), export=families.histogram),
    ),
    good(
        TUMOR,
        "scorecard",
        "A logistic regression on binned inputs: its answers are steps, so that whole ranges tie.",
        families.estimator(families.to_float32, bins, logistic, export=families.scorecard),
    ),
    good(
        DIABETES,
        "extra_trees",
        "Another family of estimators, extremely randomised trees.",
        families.estimator(extra_trees(n_estimators=60, min_samples_leaf=4), export=families.forest),
    ),
    good(
        DIABETES,
        "forest_a_little_worse",
        "A regression forest, a little worse than the champion, and not by more than the declared margin can show.",
        families.estimator(forest_of(n_estimators=60, min_samples_leaf=5), export=families.forest),
    ),
    good(
        DIABETES,
        "many_gaps",
        "Fifteen of a hundred values are missing in each column that may have gaps.",
        snapshot(holes(("s5", "s6"), 0.15, seed=1)),
    ),
    good(
        TUMOR,
        "rare_gaps",
        "Four rows of each file lack a value: a slice too small to say anything about.",
        snapshot(rare_gaps),
    ),
    good(
        TUMOR,
        "wide_value_ranges",
        "A few rows of each file reach to the ends of the declared ranges.",
        snapshot(extremes),
    ),
    good(
        DIABETES,
        "slow_within_objectives",
        "Some twenty milliseconds a call, many times the champion's time and a tenth of the p95 objective.",
        wrapped(before="time.sleep(0.005)"),
    ),
    good(
        DIABETES,
        "slow_start_within_objectives",
        "Takes eight seconds to load; the declared limit is thirty.",
        wrapped(setup="time.sleep(8)"),
    ),
    good(
        TUMOR,
        "single_precision_answers",
        "Answers in single precision: they differ from the reference by less than the declared tolerance.",
        wrapped(after="answers = answers.astype('float32').astype('float64')"),
    ),
    good(
        TUMOR,
        "large_and_constant_memory",
        "Holds sixty megabytes that it never gives back and never adds to, within the declared limit.",
        wrapped(setup="self.kept = np.ones(60 * 2**17)"),
    ),
    good(
        DIABETES,
        "cache_with_a_bound",
        "Keeps 50 kB for each of the last five hundred different rows: memory grows at first, and then no more.",
        wrapped(
            setup="from collections import OrderedDict\nself.kept = OrderedDict()",
            before="self.kept.setdefault(rows.to_json(), np.ones(6_400))\n"
            "while len(self.kept) > 500:\n    self.kept.popitem(last=False)",
        ),
    ),
)
