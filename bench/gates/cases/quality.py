"""Faults in what was learnt: served faithfully, and not good enough."""

from bench.gates.case import Case
from bench.gates.context import Context
from bench.gates.makers import labels_moved, retrained, rng

TUMOR, DIABETES = "tumor_malignancy", "diabetes_progression"


def quality(model, name, why, make):
    """Return a case whose fault is in its quality."""
    return Case(name=name, group="quality", model=model, why=why, make=make, stopped_by="evaluate")


def misread(rows, by):
    """Return a version that has learnt wrong labels on some rows; its snapshot holds the right ones."""
    return retrained(labels_moved("progression", rows, by))


def shuffled(frame):
    """Training labels in another order."""
    return frame.assign(malignant=rng(1).permutation(frame["malignant"].to_numpy()))


def blind_to_small(frame):
    """Small malignant tumours count as benign in training."""
    return frame.assign(malignant=frame["malignant"].mask(frame["mean_radius"] < 14, 0))


def constant(context: Context) -> int:
    """A model that has learnt next to nothing."""
    return context.register(context.honest.fit(n_estimators=1, learning_rate=1e-9))


CASES = (
    quality(
        DIABETES,
        "worse_than_the_champion",
        "Holds every absolute threshold, and is worse than the champion by more than the declared margin of 2 in rmse.",
        misread(lambda frame: frame["bmi"] < 25.5, 30.0),
    ),
    quality(TUMOR, "learnt_nothing", "Trained on shuffled labels: no metric holds its threshold.", retrained(shuffled)),
    quality(
        DIABETES,
        "biased_on_a_declared_group",
        "Answers for women are fifty too high: the declared limit of the mean error's difference is 35.",
        misread(lambda frame: frame["sex"] == "F", 50.0),
    ),
    quality(
        DIABETES,
        "biased_on_an_undeclared_slice",
        "Answers for patients with a bmi above 29 are forty too low; every overall and every declared metric holds.",
        misread(lambda frame: frame["bmi"] > 29, -45.0),
    ),
    quality(
        TUMOR,
        "blind_to_small_tumours",
        "Learnt that small tumours are benign: their recall is lost, and their log loss is past its threshold.",
        retrained(blind_to_small),
    ),
    quality(DIABETES, "constant", "Answers the mean to everybody: it explains nothing of the variance.", constant),
)
