import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.core.signature import Action, Column, DType, ExtraColumns, Output, Policy, Signature
from slipway.scenarios.suite import Case, CaseClass, Flag
from slipway.scenarios.treat import expect, treat

CLIP, FLAG = Policy(Action.CLIP), Policy(Action.FLAG)


def signature(*columns, extra=ExtraColumns.REJECT):
    return Signature(inputs=columns, output=Output(name="y"), extra_columns=extra)


def column(dtype=DType.FLOAT, **options):
    return Column(name="x", dtype=dtype, **options)


@pytest.mark.parametrize(
    ("one", "value", "seen", "flags"),
    [
        pytest.param(column(min=0, max=1), 1, 1.0, (), id="the-end-of-a-range-belongs-to-it"),
        pytest.param(column(DType.INT), 3.0, 3, (), id="a-whole-float-is-an-int"),
        pytest.param(
            column(min=0, max=1, on_out_of_range=CLIP), 1.5, 1.0, (("x", "clip", "out_of_range"),), id="clip-above"
        ),
        pytest.param(
            column(DType.INT, min=0.5, max=9, on_out_of_range=CLIP),
            -4,
            1,
            (("x", "clip", "out_of_range"),),
            id="an-int-is-clipped-to-an-int",
        ),
        pytest.param(
            column(on_missing=Policy(Action.IMPUTE, 2)), None, 2.0, (("x", "impute", "missing"),), id="impute-missing"
        ),
        pytest.param(
            column(max=1, on_out_of_range=Policy(Action.IMPUTE, 0.5)),
            7.0,
            0.5,
            (("x", "impute", "out_of_range"),),
            id="impute-outside",
        ),
        pytest.param(
            column(nullable=True, on_missing=FLAG), None, None, (("x", "flag", "missing"),), id="a-missing-value-passed"
        ),
        pytest.param(
            column(max=1, on_out_of_range=FLAG),
            7.0,
            7.0,
            (("x", "flag", "out_of_range"),),
            id="a-value-passed-as-it-is",
        ),
        pytest.param(column(DType.STRING), "ü", "ü", (), id="any-text-without-categories"),
        pytest.param(column(DType.BOOL), False, False, (), id="a-bool"),
    ],
)
def test_a_policy_decides_what_the_model_sees(one, value, seen, flags):
    treated = treat({"x": value}, signature(one))
    assert treated.row == {"x": seen}
    assert type(treated.row["x"]) is type(seen)
    assert treated.flags == flags
    assert not treated.rejected


@pytest.mark.parametrize(
    ("one", "value"),
    [
        pytest.param(column(), True, id="a-bool-for-a-number"),
        pytest.param(column(), "1", id="text-for-a-number"),
        pytest.param(column(), [1.0], id="a-list"),
        pytest.param(column(), {"v": 1}, id="an-object"),
        pytest.param(column(), math.nan, id="nan"),
        pytest.param(column(), -math.inf, id="infinity"),
        pytest.param(column(), 10**400, id="an-int-beyond-any-double"),
        pytest.param(column(DType.INT), 3.5, id="a-fraction-for-an-int"),
        pytest.param(column(DType.STRING), 1, id="a-number-for-text"),
        pytest.param(column(DType.BOOL), 1, id="a-number-for-a-bool"),
        pytest.param(column(nullable=True), None, id="missing-though-nullable"),
        pytest.param(column(max=1), math.nextafter(1, 2), id="just-outside"),
        pytest.param(column(DType.STRING, categories=("a",)), "A", id="not-a-category"),
        pytest.param(column(max=1, on_out_of_range=CLIP), True, id="no-policy-changes-a-wrong-type"),
    ],
)
def test_what_breaks_the_signature_is_rejected(one, value):
    assert treat({"x": value}, signature(one)).rejected == ("x",)


@pytest.mark.parametrize(("extra", "rejected"), [(ExtraColumns.REJECT, ("z",)), (ExtraColumns.IGNORE, ())])
def test_an_extra_column_gets_what_is_declared(extra, rejected):
    treated = treat({"x": 1.0, "z": 2}, signature(column(), extra=extra))
    assert treated.rejected == rejected
    assert treated.row == {"x": 1.0}


def test_one_bad_row_rejects_the_request_and_names_its_column():
    case = Case(name="c", kind=CaseClass.EDGE, rows=({"x": 1.0}, {"x": "no"}))
    expected = expect(case, signature(column()))
    assert (expected.statuses, expected.culprits) == ({422}, {"x"})


def test_what_is_no_json_number_may_also_be_called_malformed():
    case = Case(name="c", kind=CaseClass.EDGE, rows=({"x": math.nan},))
    assert expect(case, signature(column())).statuses == {400, 422}


def test_flags_say_their_row():
    case = Case(name="c", kind=CaseClass.EDGE, rows=({"x": 0.5}, {"x": 9.0}))
    expected = expect(case, signature(column(max=1, on_out_of_range=CLIP)))
    assert expected.flags == {Flag(1, "x", "clip", "out_of_range")}
    assert expected.rows == ({"x": 0.5}, {"x": 1.0})


JSON_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)


@given(
    value=JSON_SCALARS,
    dtype=st.sampled_from(list(DType)),
    missing=st.sampled_from([Policy(Action.REJECT), FLAG]),
)
def test_whatever_is_let_through_without_a_flag_holds_in_the_core(value, dtype, missing):
    one = column(dtype, nullable=True, on_missing=missing, **({"min": -5, "max": 5} if dtype.is_numeric else {}))
    treated = treat({"x": value}, signature(one))
    assert treated.plain == one.holds(value)
