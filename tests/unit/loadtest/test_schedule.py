from __future__ import annotations

from itertools import pairwise
from statistics import mean, stdev

import pytest

from slipway.core.loadprofile import LOAD_PROFILES, LoadProfile, Stage
from slipway.errors import SpecError
from slipway.loadtest.schedule import WARMUP, plan_arrivals, plan_stages

STEADY = LoadProfile(name="steady", description="", stages=(Stage(100),), warmup_seconds=2)


@pytest.mark.parametrize("profile", LOAD_PROFILES.values(), ids=LOAD_PROFILES)
def test_every_stage_gets_its_requests_inside_its_time(profile):
    stages = plan_stages(profile, 20)
    arrivals = plan_arrivals(stages, rows=3, seed=1)
    for stage in stages:
        inside = [a.at for a in arrivals if a.stage == stage.index]
        assert len(inside) == round(stage.seconds * stage.rate_per_s)
        assert all(stage.start <= at <= stage.end for at in inside)


def test_the_smoke_profile_gives_enough_requests_for_a_p99():
    stages = plan_stages(LOAD_PROFILES["smoke"], 20)
    assert sum(stage.planned for stage in stages if stage.judged) >= 300


def test_gaps_scatter_as_a_poisson_process_does():
    arrivals = plan_arrivals(plan_stages(STEADY, 50), rows=1, seed=3)
    gaps = [b.at - a.at for a, b in pairwise(arrivals)]
    assert mean(gaps) == pytest.approx(1 / 50, rel=0.05)
    assert stdev(gaps) == pytest.approx(mean(gaps), rel=0.1)  # exponential: both are the same


def test_the_same_seed_gives_the_same_plan_and_another_one_another():
    stages = plan_stages(STEADY, 10)
    assert plan_arrivals(stages, rows=4, seed=5) == plan_arrivals(stages, rows=4, seed=5)
    assert plan_arrivals(stages, rows=4, seed=5) != plan_arrivals(stages, rows=4, seed=6)


def test_the_warm_up_runs_at_the_first_stages_rate_and_is_not_judged():
    warmup = plan_stages(LOAD_PROFILES["surge"], 20)[0]
    assert (warmup.index, warmup.rate_per_s, warmup.judged) == (WARMUP, 20, False)


def test_a_profile_that_judges_nothing_is_refused():
    with pytest.raises(SpecError, match="judges no stage"):
        plan_stages(LoadProfile(name="idle", description="", stages=(Stage(5, judged=False),)), 20)
