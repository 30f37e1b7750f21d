import numpy as np
import pytest

from slipway.quality.chance import holm, rows_by_chance, two_shares


def test_one_true_finding_among_many_stays_and_noise_goes():
    corrected = holm([1e-6, *np.linspace(0.02, 1.0, 99)])
    assert corrected[0] == pytest.approx(1e-4)
    assert corrected[1:].min() == 1.0


def test_the_family_wise_error_is_what_it_claims():
    rng = np.random.default_rng(0)
    wrong = sum(holm(rng.random(50)).min() < 0.05 for _ in range(400))
    assert wrong <= 32


def test_chance_explains_rates_that_rows_of_the_other_file_have_too():
    rng = np.random.default_rng(1)
    beyond = sum(rng.binomial(150, 0.3) > rows_by_chance(int(rng.binomial(300, 0.3)), 300, 150) for _ in range(300))
    assert beyond <= 2
    assert rows_by_chance(0, 300, 150) < 10


def test_shares_without_rows_differ_by_nothing():
    assert two_shares(0, 0, 5, 10) == 1.0
