"""The load profiles that people choose from."""

import pytest

from slipway.core.loadprofile import LOAD_PROFILES, load_profile
from slipway.errors import SpecError

SECONDS = {"smoke": 20, "standard": 120}


@pytest.mark.parametrize(("name", "seconds"), SECONDS.items())
def test_a_profile_lasts_as_long_as_it_says(name, seconds):
    assert load_profile(name).seconds == seconds


def test_tuning_takes_no_longer_than_a_minute_and_less_before_a_smoke_test():
    seconds = {name: profile.tuning_seconds for name, profile in LOAD_PROFILES.items()}
    assert seconds.pop("smoke") <= 30
    assert set(seconds.values()) == {60}


def test_the_article_profile_has_the_articles_numbers():
    profile = load_profile("article")
    assert (profile.stages[0].rate_per_s, profile.stages[0].seconds) == (10, 600)
    assert (profile.p95_ms, profile.p99_ms) == (170, 270)


def test_a_surge_must_recover():
    profile = load_profile("surge")
    assert profile.recovery
    assert [stage.judged for stage in profile.stages] == [True, False, True]


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(SpecError, match="smoke, standard, article, surge"):
        load_profile("heavy")
