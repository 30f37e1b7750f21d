"""What the benchmark makes of its figures; the measuring itself is a run of minutes."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.batch import data
from bench.batch.claims import Found, make_claims
from bench.batch.kills import Killed, differences
from bench.serving.data import ranges

ROWS = pa.table({data.KEY: [1, 2, 3, 4], "p": [0.1, 0.2, 0.3, 0.4]})
DISTURBED = {
    "the same, in another order": (ROWS.take(pa.array([3, 1, 0, 2])), 0),
    "a row is lost": (ROWS.slice(1), 1),
    "a row is doubled": (pa.concat_tables([ROWS, ROWS.slice(0, 1)]), 1),
    "one lost, one doubled": (pa.concat_tables([ROWS.slice(1), ROWS.slice(1, 1)]), 2),
    "an answer differs": (pa.table({data.KEY: [1, 2, 3, 4], "p": [0.1, 0.2, 0.3, 0.5]}), 1),
    "nothing is there": (ROWS.slice(0, 0), 4),
}


@pytest.mark.parametrize(("found", "expected"), DISTURBED.values(), ids=DISTURBED.keys())
def test_rows_that_are_not_as_they_should_be_are_counted(found, expected):
    assert differences(ROWS, found) == expected


def found(**changes):
    killed = Killed(kills=20, after_s=(0.5,) * 20, attempts=22, rows=1000, wrong=0)
    given = {
        "rows": 1_000_000,
        "worker": {"seconds": 2.0, "peak_mb": 300.0},
        "service_mb": 80.0,
        "native": [{"10000": [700_000, 800_000], "100000": [600_000]}, {"10000": [750_000], "100000": [500_000]}],
        "loop": 100_000.0,
        "copied": [60_000.0, 80_000.0, 70_000.0],
        "copied_rows": 1000,
        "killed": {"parquet": killed, "postgresql": killed},
    }
    return Found(**{**given, **changes})


def test_claims_are_held_against_the_best_that_the_bare_model_does():
    claims = {claim.name: claim for claim in make_claims(found())}
    assert claims["batch.throughput_vs_native"].value == pytest.approx(500_000 / 750_000)
    assert claims["batch.throughput_vs_pyfunc_loop"].value == 5
    assert claims["batch.peak_mb"].value == 380
    assert claims["batch.postgres_rows_per_second"].value == 70_000
    assert claims["batch.rows_lost_or_doubled_after_20_kills"].value == 0


def test_a_lost_row_of_either_sink_is_claimed():
    lost = Killed(kills=20, after_s=(), attempts=20, rows=1000, wrong=3)
    claims = {claim.name: claim for claim in make_claims(found(killed={"parquet": lost, "postgresql": lost}))}
    assert claims["batch.rows_lost_or_doubled_after_20_kills"].value == 6


def test_rows_are_the_same_for_the_same_seed_and_in_range(tmp_path):
    one = data.matrix(100, seed=3)
    assert np.array_equal(one, data.matrix(100, seed=3))
    low, high = np.array(list(ranges().values())).T
    assert ((one >= low) & (one <= high)).all()


def test_a_source_is_written_once(tmp_path):
    said = []
    place = data.provide(100, folder=tmp_path, say=said.append, group_rows=10)
    assert data.provide(100, folder=tmp_path, say=said.append, group_rows=10) == place
    assert len(said) == 1
    table = pq.read_table(place)
    assert table[data.KEY].to_pylist() == list(range(100))
    assert table[data.TIME][0].as_py() == data.DAY.start
    assert table[data.TIME][99].as_py() < data.DAY.end
