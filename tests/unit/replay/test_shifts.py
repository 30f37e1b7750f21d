import pytest

from slipway.errors import SpecError
from slipway.replay.shifts import Shift, ShiftKind

MEANINGLESS = {
    "a day before the first": ((ShiftKind.MEAN, "bmi", 1.0, 0), "days count from 1"),
    "no column": ((ShiftKind.MEAN, "", 1.0), "names no column"),
    "no size": ((ShiftKind.MEAN, "bmi"), "other than 0"),
    "a size that is no number": ((ShiftKind.MEAN, "bmi", float("nan")), "other than 0"),
    "a negative factor": ((ShiftKind.VARIANCE, "bmi", -2.0), "positive and not 1"),
    "a factor that changes nothing": ((ShiftKind.VARIANCE, "bmi", 1.0), "positive and not 1"),
    "more than all rows": ((ShiftKind.MISSING, "bmi", 1.2), "a share of the rows"),
    "a mix without its category": ((ShiftKind.CATEGORY, "sex", 0.2), "a category goes with"),
    "a category without a mix": ((ShiftKind.MEAN, "bmi", 0.2, 1, "M"), "a category goes with"),
    "nothing, of some size": ((ShiftKind.NONE, "bmi", 1.0), "nothing moves"),
}


@pytest.mark.parametrize(("values", "said"), MEANINGLESS.values(), ids=MEANINGLESS)
def test_a_shift_that_means_nothing_is_refused(values, said):
    with pytest.raises(SpecError, match=said):
        Shift(*values)


UNFIT = {
    "an unknown column": (Shift(ShiftKind.MEAN, "weight", 1.0), "no input 'weight'; there are age, sex"),
    "the mean of a text": (Shift(ShiftKind.MEAN, "sex", 1.0), "not a number"),
    "the mix of a number": (Shift(ShiftKind.CATEGORY, "bmi", 0.1, category="M"), "has no categories"),
    "a category that is never there": (Shift(ShiftKind.CATEGORY, "sex", 0.1, category="X"), "'X' have a share of 0"),
    "more than everybody": (Shift(ShiftKind.CATEGORY, "sex", 0.6, category="M"), "between 0 and 1"),
    "a label's shift of an input": (Shift(ShiftKind.LABEL_PRIOR, "bmi", 0.1), "the label is 'progression'"),
    "a mean beyond all labels": (Shift(ShiftKind.LABEL_PRIOR, "progression", 9.0), "no mix of the rows has the mean"),
}


@pytest.mark.parametrize(("shift", "said"), UNFIT.values(), ids=UNFIT)
def test_a_shift_that_cannot_be_applied_to_these_rows_is_refused(shift, said, diabetes, replay_of):
    with pytest.raises(SpecError, match=said):
        replay_of(diabetes, shifts=(shift,))


def test_every_problem_is_told_at_once(diabetes, replay_of):
    shifts = (Shift(ShiftKind.MEAN, "weight", 1.0), Shift(ShiftKind.VARIANCE, "sex", 2.0))
    with pytest.raises(SpecError, match=r"(?s)weight.*sex is a string"):
        replay_of(diabetes, shifts=shifts)


def test_more_labels_cannot_be_turned_round_than_there_are(tumor, replay_of):
    with pytest.raises(SpecError, match="turned round"):
        replay_of(tumor, shifts=(Shift(ShiftKind.LABEL_CONCEPT, "malignant", 1.5),))


def test_an_input_with_one_value_alone_cannot_be_shifted(diabetes, replay_of):
    spec, base = diabetes
    with pytest.raises(SpecError, match="one value alone"):
        replay_of((spec, base.assign(bmi=25.0)), shifts=(Shift(ShiftKind.MEAN, "bmi", 1.0),))


ROWS = {
    "without a column": (lambda base: base.drop(columns=["bmi", "progression"]), "no column bmi, progression"),
    "too few": (lambda base: base.iloc[:1], "1 rows are too few"),
    "without some labels": (lambda base: base.assign(progression=base["progression"].mask(base.index == 3)), "missing"),
}


@pytest.mark.parametrize(("change", "said"), ROWS.values(), ids=ROWS)
def test_rows_that_cannot_be_replayed_are_refused(change, said, diabetes, replay_of):
    spec, base = diabetes
    with pytest.raises(SpecError, match=said):
        replay_of((spec, change(base)))
