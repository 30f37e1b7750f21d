import numpy as np

from slipway.core.spec import Task
from slipway.drift.losses import row_losses


def test_a_probability_costs_its_log_loss_and_a_sure_wrong_one_a_finite_amount():
    found = row_losses(Task.CLASSIFICATION, np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.0]))
    np.testing.assert_allclose(found[:2], np.log(2))
    assert 10 < found[2] < 20


def test_a_row_without_its_label_has_no_loss():
    for task in Task:
        assert np.isnan(row_losses(task, np.array([np.nan]), np.array([0.4])))[0]
