import pytest

from bench.gates.case import Moment

WRONG = {
    "a name with a blank": {"name": "two words"},
    "a reason that says nothing": {"why": "it is wrong"},
    "a step that there is not": {"stopped_by": "luck"},
    "a good one that must be stopped": {"group": "good"},
    "a faulty one that nothing stops": {"stopped_by": None},
    "a moment and nothing done at it": {"moment": Moment.AFTER_BUILD},
    "something done at no moment": {"tamper": lambda context, version: None},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_case_that_contradicts_itself_is_refused(case, change):
    with pytest.raises(ValueError, match="case "):
        case(**change)


def test_all_that_is_wrong_is_said_at_once(case):
    with pytest.raises(ValueError, match=r"stopped_by is one of.*; tamper and moment go together"):
        case(stopped_by="luck", moment=Moment.AT_APPROVAL)


def test_a_good_case_and_a_faulty_one_are_told_apart(case):
    assert case().faulty
    assert not case(group="good", stopped_by=None).faulty


def test_a_case_that_is_stopped_early_is_cheaper(case):
    early, late = case(stopped_by="validate_data"), case(stopped_by="load_test")
    good, waits = (
        case(group="good", stopped_by=None),
        case(stopped_by="load_test", moment=Moment.AT_APPROVAL, tamper=id),
    )
    assert sorted([good, waits, late, early], key=lambda c: c.cost) == [early, late, waits, good]
