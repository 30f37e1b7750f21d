"""The rows that a version's days are compared with: which of them get an answer, over real HTTP."""

from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from slipway.scoring.client import ServiceClient
from slipway.workflows import watch_reference
from tests.unit.scoring.fakes import SIGNATURE, SUBJECT, FakeService


@pytest.fixture
def service():
    with closing(FakeService()) as made:
        yield made


@pytest.fixture
def answered(service, monkeypatch):
    """Ask for rows with these tenures, ten at a time."""
    monkeypatch.setattr(watch_reference, "_ROWS", 10)

    def ask(tenures):
        rows = pd.DataFrame({"tenure": np.asarray(tenures, dtype=float), "calls": 1})
        with ServiceClient(service.url, subject=SUBJECT, signature=SIGNATURE) as client:
            return watch_reference._answered(client, SIGNATURE, rows)

    return ask


def test_every_good_row_has_its_own_answer_whichever_request_it_was_in(answered):
    found = answered(range(25))
    assert list(found) == ["tenure", "calls", "p_leaves"]
    assert found["p_leaves"].tolist() == [n / 100 for n in range(25)]


def test_rows_that_the_signature_or_the_service_refuses_are_left_out(answered, service):
    service.refuse = {3, 14}.__contains__
    found = answered([*range(20), np.nan, 500])
    assert found["tenure"].tolist() == [n for n in range(20) if n not in (3, 14)]
    assert found["p_leaves"].tolist() == [n / 100 for n in range(20) if n not in (3, 14)]


def test_a_request_without_a_good_row_is_not_sent(answered, service):
    found = answered([500.0] * 10 + [7.0])
    assert found["p_leaves"].tolist() == [0.07]
    assert len(service.requests) == 1


def test_a_night_that_comes_second_takes_what_the_first_has_put_there(tmp_path):
    folder, partials = tmp_path / "reference", [tmp_path / name for name in ("first", "second")]
    for partial in partials:
        partial.mkdir()
        (partial / "inputs.parquet").write_text(partial.name)
        watch_reference._put(partial, folder)
    assert (folder / "inputs.parquet").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["reference"]
