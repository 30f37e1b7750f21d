"""Values as SQLite keeps them, in columns that promise a type."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from slipway.scoring.sqlite_values import MOMENT, typed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CASES = {
    "numbers": ([1, 2.5, None], pa.float64(), [1.0, 2.5, None], {}),
    "a word among numbers": ([1, "x", None], pa.float64(), [1.0, None, None], {1: "x"}),
    "a fraction among whole numbers": ([1, 2.5], pa.int64(), [1, None], {1: 2.5}),
    "bytes among texts": (["a", b"\xff"], pa.string(), ["a", None], {1: b"\xff"}),
    "a number among texts": (["a", 7], pa.string(), ["a", None], {1: 7}),
    "zeros and ones": ([0, 1, None], pa.bool_(), [False, True, None], {}),
    "a two among bools": ([0, 2], pa.bool_(), [False, None], {1: 2}),
    "dates": (["2026-03-01", "soon"], pa.date32(), [date(2026, 3, 1), None], {1: "soon"}),
    "moments": (
        ["2026-03-01 12:00:00", "2026-03-01T13:00:00+01:00", "2026-03-01 12:00:00.000000", 5, None],
        MOMENT,
        [NOON, NOON, NOON, None, None],
        {3: 5},
    ),
}


@pytest.mark.parametrize(("values", "kind", "expected", "astray"), CASES.values(), ids=CASES.keys())
def test_what_fits_is_read_and_what_does_not_is_told(values, kind, expected, astray):
    array, found = typed(values, kind)
    assert array.type == kind
    assert array.to_pylist() == expected
    assert found == astray
