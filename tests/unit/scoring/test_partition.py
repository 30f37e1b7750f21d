"""Cuts: disjoint, complete, bounded in number."""

import json
import random

import pytest

from slipway.errors import SpecError
from slipway.scoring import Partition
from slipway.scoring.partition import MAX_PARTITIONS, KeyRange, Piece, grouped, numbered, ranges
from tests.unit.scoring.fakes import DAY


def groups(sizes, path="a"):
    return [(Piece(path, place, place + 1, "f"), size) for place, size in enumerate(sizes)]


CASES = {
    "equal groups": ([100] * 10, 300),
    "a group larger than a partition": ([10, 5000, 10], 100),
    "groups without rows of the interval": ([0, 10, 0, 10, 0], 100),
    "none at all": ([], 100),
    "a row in each of very many": ([1] * 5000, 1),
    "groups of every size": (random.Random(1).choices(range(2000), k=3000), 500),
}


@pytest.mark.parametrize(("sizes", "rows"), CASES.values(), ids=CASES.keys())
def test_every_row_group_with_rows_is_in_exactly_one_partition(sizes, rows):
    cuts = grouped(groups(sizes), rows)
    covered = [number for pieces, _ in cuts for piece in pieces for number in range(piece.first, piece.stop)]
    assert sorted(covered) == [number for number, size in enumerate(sizes) if size]
    assert sum(count for _, count in cuts) == sum(sizes)
    assert len(cuts) <= MAX_PARTITIONS
    assert all(count for _, count in cuts)


def test_pieces_of_several_files_stay_apart():
    (cut,) = grouped([*groups([1, 1], "a"), *groups([1], "b")], 10)
    assert [(piece.path, piece.first, piece.stop) for piece in cut[0]] == [("a", 0, 2), ("b", 0, 1)]


def test_ranges_meet_and_leave_nothing_out():
    cuts = ranges([(("t", 0), 0), (("t", 5), 5), (("t", 9), 9)], 12)
    assert cuts[0][0].lower is None
    assert cuts[-1][0].upper is None
    assert [one.upper for one, _ in cuts[:-1]] == [one.lower for one, _ in cuts[1:]]
    assert [count for _, count in cuts] == [5, 4, 3]


def test_a_table_without_rows_has_no_ranges():
    assert ranges([], 0) == []


@pytest.mark.parametrize("cut", [(Piece("a", 0, 2, "f"),), KeyRange(None, ("2026-03-01", 7))], ids=["files", "keys"])
def test_a_partition_survives_the_way_through_json(cut):
    for one in numbered(DAY, [(cut, 10), (cut, 20)]):
        assert Partition.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_the_same_cut_has_the_same_plan_and_another_cut_another():
    cuts = [((Piece("a", 0, 1, "f"),), 10)]
    changed = [((Piece("a", 0, 1, "g"),), 10)]
    assert numbered(DAY, cuts) == numbered(DAY, cuts)
    assert numbered(DAY, cuts)[0].plan != numbered(DAY, changed)[0].plan


def test_more_partitions_than_can_be_mapped_are_refused():
    with pytest.raises(SpecError, match="1001 partitions"):
        numbered(DAY, [(KeyRange(None, None), 1)] * (MAX_PARTITIONS + 1))


def test_a_partition_that_is_none_of_its_count_is_refused():
    with pytest.raises(SpecError):
        Partition(interval=DAY, index=2, count=2, plan="p", rows=1, cut=KeyRange(None, None))
