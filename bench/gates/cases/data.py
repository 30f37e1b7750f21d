"""Faults in the data: the model is trained on them in good faith, so only the data can show them."""

from bench.gates.case import Case
from bench.gates.context import Context
from bench.gates.makers import rng, scaled, snapshot

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def data(model, name, why, make, *, stopped_by="validate_data"):
    """Return a case whose fault is in the data."""
    return Case(name=name, group="data", model=model, why=why, make=make, stopped_by=stopped_by)


def exact_leak(frame):
    """An input that is the label, in the column's own range."""
    return frame.assign(worst_symmetry=0.2 + 0.3 * frame["malignant"])


def noisy_leak(frame):
    """An input that is the label with a little noise, in the column's own range."""
    noise = rng(5).normal(0.0, 0.02, len(frame))
    return frame.assign(s5=3.2 + frame["progression"] / 140 + noise)


def first_campaign(frame):
    """Only the patients that an earlier extract had: none over sixty."""
    return frame[frame["age"] <= 60]


def recoded(frame):
    """Half of the men are recorded as women."""
    moved = (frame["sex"] == "M") & (rng(9).random(len(frame)) < 0.5)
    return frame.assign(sex=frame["sex"].mask(moved, "F"))


def turned_round(frame):
    """The label counts benign as 1."""
    return frame.assign(malignant=1 - frame["malignant"])


def stuck(frame):
    """A sensor that reports one value, most of the time."""
    stands = rng(11).random(len(frame)) < 0.7
    return frame.assign(worst_perimeter=frame["worst_perimeter"].mask(stands, frame["worst_perimeter"].max()))


def repeated(frame):
    """A third of the rows once more."""
    import pandas as pd

    return pd.concat([frame, frame.sample(frac=0.33, random_state=0)], ignore_index=True)


def holdout_in_training(jitter: float):
    """Return a maker that lets a third of the holdout into the training rows, its numbers moved by a hair or not."""

    def make(context: Context) -> int:
        import pandas as pd

        right = context.honest
        train, holdout = right.train, right.holdout
        seen = holdout.sample(frac=0.33, random_state=0)
        numbers = ["bmi", "bp", "s1", "s2", "s4"]
        seen[numbers] = seen[numbers] * (1 + jitter * rng(3).standard_normal((len(seen), len(numbers))))
        rows = pd.concat([train, seen], ignore_index=True)
        return context.register(right.fit(rows), train=rows, holdout=holdout)

    return make


CASES = (
    data(
        TUMOR,
        "broken_column",
        "mean_area is a thousand times too large in both files: most values are out of the declared range.",
        snapshot(scaled("mean_area", 1000)),
    ),
    data(
        DIABETES,
        "unit_change",
        "s1 is in mmol/l, declared is mg/dl: no value is in the declared range.",
        snapshot(scaled("s1", 1 / 38.67)),
    ),
    data(
        TUMOR,
        "unit_change_within_range",
        "texture_error is ten times too small, still in the declared range; its mean is a tenth of the champion's.",
        snapshot(scaled("texture_error", 0.1)),
    ),
    data(
        TUMOR,
        "label_leak",
        "worst_symmetry is computed from the label: alone it orders the labels without an error.",
        snapshot(exact_leak),
    ),
    data(
        DIABETES,
        "label_leak_with_noise",
        "s5 is the label and a little noise: its correlation with the label is above 0.99, in the champion's data 0.6.",
        snapshot(noisy_leak),
    ),
    data(
        DIABETES,
        "stale_snapshot",
        "An extract of an earlier campaign, before anybody over sixty took part: the ages are not the champion's, "
        "and a fifth of the declared population is absent.",
        snapshot(first_campaign),
        stopped_by="evaluate",
    ),
    data(
        TUMOR,
        "duplicated_rows",
        "A third of the training rows are there twice: the suite declares rows to be unique.",
        snapshot(repeated, only="train"),
    ),
    data(
        DIABETES,
        "holdout_rows_in_training",
        "A third of the holdout rows are training rows too: the quality that is measured is flattered.",
        holdout_in_training(0.0),
    ),
    data(
        DIABETES,
        "holdout_rows_in_training_jittered",
        "A third of the holdout rows are training rows too, five of their numbers moved by a ten-thousandth.",
        holdout_in_training(1e-4),
    ),
    data(
        DIABETES,
        "shifted_category",
        "Half of the men are recorded as women: the share of men is a quarter, in the champion's data a half.",
        snapshot(recoded),
    ),
    data(
        TUMOR,
        "label_turned_round",
        "The label counts benign as 1, so that the model answers the opposite probability: the share of positives is "
        "not the champion's, and the named scenarios do not hold.",
        snapshot(turned_round),
        stopped_by="run_scenarios",
    ),
    data(
        TUMOR,
        "stuck_sensor",
        "worst_perimeter shows its largest value in seven rows of ten, within the declared range: the distribution "
        "is not the champion's.",
        snapshot(stuck),
    ),
)
