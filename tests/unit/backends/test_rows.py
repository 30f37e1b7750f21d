"""Rows made from a signature: the policies admit all of them, and edges are among them."""

import numpy as np
import pandas as pd
import pytest

from slipway.backends.rows import admitted, drawn_rows, edge_rows, edge_values, read_table, size, stacked
from slipway.core.signature import Column, DType, Output, Policy, Signature

FLAG = Policy.parse("flag")
SIGNATURE = Signature(
    inputs=(
        Column(name="size", dtype=DType.FLOAT, min=0.5, max=2.0),
        Column(name="age", dtype=DType.INT, min=0, max=120, on_out_of_range=Policy.parse("clip")),
        Column(name="dose", dtype=DType.FLOAT, min=-1, max=1, nullable=True, on_missing=FLAG, on_out_of_range=FLAG),
        Column(name="colour", dtype=DType.STRING, categories=("red", "blue"), nullable=True, on_missing=FLAG),
        Column(name="new", dtype=DType.BOOL),
        Column(name="free", dtype=DType.FLOAT),
    ),
    output=Output(name="y"),
)
FRAME = pd.DataFrame(
    {
        "size": [1.0, 9.0, 0.5],
        "age": [30, 40, 130],
        "dose": [None, 0.5, 7.0],
        "colour": ["red", "blue", None],
        "new": [True, False, True],
        "free": [1.5, 2.5, -1e12],
    }
)
EDGES = {
    "rejected_outside": ("size", [0.5, 2.0, np.nextafter(0.5, 1), np.nextafter(2.0, 0), 1.25]),
    "clipped_integers": ("age", [0, 120, 1, 119, 60, -1, -120, 121, 240]),
    "words": ("colour", ["red", "blue", None]),
    "booleans": ("new", [0.0, 1.0]),
}


@pytest.fixture
def table():
    return read_table(FRAME, SIGNATURE)


@pytest.mark.parametrize(("name", "values"), EDGES.values(), ids=EDGES)
def test_a_columns_edges_follow_from_its_declaration(name, values):
    assert edge_values(SIGNATURE.column(name)) == values


def test_what_is_flagged_or_unbounded_is_tried_absurdly_far_out():
    assert {1e300, -1e300} <= set(edge_values(SIGNATURE.column("dose")))
    assert {1e300, -1e300} <= set(edge_values(SIGNATURE.column("free")))
    assert np.isnan(edge_values(SIGNATURE.column("dose"))[-1])


def test_rows_that_the_policies_reject_are_told_apart(table):
    assert admitted(table, SIGNATURE).tolist() == [True, False, True]


def test_a_column_that_the_snapshot_lacks_is_missing_there():
    table = read_table(FRAME.drop(columns="dose"), SIGNATURE)
    assert np.isnan(table["dose"]).all()


def test_all_edges_and_draws_are_admitted(table):
    base = {name: values[[0, 2]] for name, values in table.items()}
    edges = edge_rows(base, SIGNATURE)
    assert admitted(edges, SIGNATURE).all()
    assert {0.5, 2.0} <= set(edges["size"])
    drawn = stacked(list(drawn_rows(base, SIGNATURE, rows=1001, seed=1)))
    assert size(drawn) == 1001
    assert admitted(drawn, SIGNATURE).all()
    again = stacked(list(drawn_rows(base, SIGNATURE, rows=1001, seed=1)))
    assert all(np.array_equal(drawn[name], again[name], equal_nan=drawn[name].dtype != object) for name in drawn)
