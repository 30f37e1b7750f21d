import pytest

from slipway.drift.calibration import Plan, harmonic, rounded_down
from slipway.errors import GateConfigurationError

REFUSED = {
    "no alarm ever": {"rows": 100, "alarms_per_month": 0.0},
    "every second night": {"rows": 100, "alarms_per_month": 15.0},
    "no rows": {"rows": 0},
    "few draws": {"rows": 100, "draws": 50},
}


@pytest.mark.parametrize("plan", REFUSED.values(), ids=REFUSED)
def test_a_plan_of_which_no_threshold_follows_is_refused(plan):
    with pytest.raises(GateConfigurationError):
        Plan(**plan)


def test_the_rate_is_of_one_run():
    assert Plan(rows=100, alarms_per_month=3.0).rate == pytest.approx(0.1)


@pytest.mark.parametrize(("rows", "rounded"), [(5, 5), (99, 99), (101, 100), (5199, 5100), (3_000_001, 3_000_000)])
def test_rows_are_rounded_down_so_that_the_rate_still_holds(rows, rounded):
    assert rounded_down(rows) == rounded


def test_an_empty_sample_is_behind_no_difference():
    assert harmonic(0, 100) == 0.0
