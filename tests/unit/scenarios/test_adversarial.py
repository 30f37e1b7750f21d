import json
import subprocess
import sys
import textwrap

import pytest

from slipway.core.signature import Column, DType, Output, Signature
from slipway.scenarios.adversarial import adversarial, let_through, turned_away
from slipway.scenarios.draws import Draws
from slipway.scenarios.holdout import Holdout, read_holdout
from slipway.scenarios.treat import expect, treat


@pytest.fixture
def draws(tiny):
    return Draws(tiny.signature, read_holdout(tiny.files.holdout, tiny.signature, seed=0), seed=0)


def test_special_values_meet_in_one_row(draws, tiny):
    cases = adversarial(draws, seed=0)
    assert len(cases) == 160
    assert len({json.dumps([case.rows, case.form], sort_keys=True) for case in cases}) == 160
    assert sum(len(case.columns) >= 2 for case in cases) > 80
    answers = sum(expect(case, tiny.signature).answered for case in cases)
    assert 80 < answers < 150, "most are answered, some are rejected"


def test_a_special_value_is_let_through_or_turned_away_as_declared(draws, tiny):
    for column in tiny.signature.inputs:
        for values, rejected in ((let_through(column, draws), False), (turned_away(column, draws), True)):
            for value in values:
                row = {**tiny.base, column.name: value}
                assert bool(treat(row, tiny.signature).rejected) is rejected, (column.name, value)


def test_another_seed_composes_other_rows(tiny):
    holdout = read_holdout(tiny.files.holdout, tiny.signature, seed=0)
    one, other = (adversarial(Draws(tiny.signature, holdout, seed=0), seed=seed) for seed in (1, 2))
    assert one != other


def test_few_combinations_are_tried_out_whole():
    inputs = (Column(name="f", dtype=DType.BOOL), Column(name="k", dtype=DType.INT, min=1, max=2))
    signature = Signature(inputs=inputs, output=Output(name="y"))
    draws = Draws(signature, Holdout.of([{"f": True, "k": 1}], signature), seed=0)
    rows = {tuple(case.rows[0].values()) for case in adversarial(draws, seed=0)}
    assert {(f, k) for f in (False, True) for k in (1, 2)} <= rows


SCRIPT = """
import sys
for name in sys.argv[1:]:
    __import__(name)
from slipway.core.signature import Column, DType, Output, Signature
from slipway.scenarios.adversarial import adversarial
from slipway.scenarios.draws import Draws
from slipway.scenarios.holdout import Holdout
columns = tuple(Column(name=n, dtype=DType.FLOAT, min=-3, max=7) for n in "abcd")
signature = Signature(inputs=columns, output=Output(name="y"))
draws = Draws(signature, Holdout.of([dict.fromkeys("abcd", 1.5)], signature), seed=0)
print([dict(case.rows[0]) for case in adversarial(draws, seed=5)])
"""


def test_the_rows_do_not_depend_on_what_else_the_process_has_imported(tmp_path):
    said = [
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), *modules],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        ).stdout
        for modules in ((), ("slipway.cli.main", "slipway.serving.app"))
    ]
    assert said[0] == said[1]
    assert list(tmp_path.iterdir()) == []
