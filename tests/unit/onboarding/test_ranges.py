from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.onboarding.ranges import widened

CASES = {
    "small_numbers": (0.001713, 0.03113, (0.0, 0.035)),
    "below_zero": (-5.0, 5.0, (-6.0, 6.0)),
    "never_negative": (1.0, 100.0, (0.0, 110.0)),
    "constant": (7.0, 7.0, (6.3, 7.7)),
    "all_zero": (0.0, 0.0, (0.0, 0.1)),
}


@pytest.mark.parametrize(("low", "high", "expected"), CASES.values(), ids=CASES)
def test_a_range_is_widened_and_rounded_outwards(low, high, expected):
    assert widened(low, high) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e9), st.booleans())
def test_what_was_seen_lies_strictly_inside_unless_at_zero(low, span, whole):
    high = low + span
    lower, upper = widened(low, high, whole=whole)
    assert lower <= low
    assert high <= upper
    assert lower < low or low >= 0
    assert not (low >= 0 and lower < 0)
    assert not whole or (lower.is_integer() and upper.is_integer())
