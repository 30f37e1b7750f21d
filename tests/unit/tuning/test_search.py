"""The search: bounded, seeded, and nothing that it started is left."""

import random
from contextlib import contextmanager

import pytest

from slipway.core.serving_options import Mode, ServingOptions
from slipway.errors import CommandError, ServiceError
from slipway.tuning.candidates import DEFAULT, candidates
from slipway.tuning.choose import choose
from slipway.tuning.search import Effort, Search
from tests.unit.tuning.conftest import repeat

ALL = candidates(1.0, host_cpus=1)
POOL = ServingOptions(mode=Mode.POOL)
BATCHED = ServingOptions(mode=Mode.INLINE, batch_rows=32)
WAITING = ServingOptions(mode=Mode.POOL, batch_rows=32, batch_wait_ms=1)
EFFORT = Effort(budget_s=100, screen_s=1, saturate_s=1, paced_s=1, repeats=3)


class Host:
    """Starts nothing: its services have a speed, and starting and measuring takes time of its own clock."""

    def __init__(self, speeds=None, *, start_s=1.0, broken=(), p99=5.0):
        self.speeds, self.start_s, self.broken, self.p99 = speeds or {}, start_s, broken, p99
        self.now, self.running, self.most, self.asked = 0.0, {}, 0, []

    @contextmanager
    def launch(self, options):
        if options in self.broken:
            raise ServiceError("it died", remedy="read its log")
        self.now += self.start_s
        url = f"http://127.0.0.1/{len(self.asked)}/{ALL.index(options)}"
        self.running[url] = options
        self.most = max(self.most, len(self.running))
        try:
            yield url
        finally:
            del self.running[url]

    def measure(self, url, *, saturate_s, paced_s, seed):
        options = self.running[url]
        self.now += saturate_s + paced_s
        self.asked.append((options, seed))
        return self.found(options)

    def found(self, options):
        return repeat(self.speeds.get(options, 1000), self.p99)


def search(host, objectives, *, effort=EFFORT, seed=0, pool=ALL):
    return Search(
        launch=host.launch, generator=host, objectives=objectives, effort=effort, seed=seed, clock=lambda: host.now
    ).run(pool)


def test_the_fastest_of_the_screening_and_the_default_are_measured_again(objectives):
    host = Host({BATCHED: 3000, POOL: 2000, WAITING: 1500})
    found = search(host, objectives)
    assert {p.options for p in found.points} == {DEFAULT, BATCHED, POOL}
    assert {len(p.repeats) for p in found.points} == {3}
    assert {p.options for p in found.screened} == set(ALL) - {DEFAULT, BATCHED, POOL}
    assert found.unmeasured == {}


def test_the_default_is_measured_first_and_last(objectives):
    host = Host()
    search(host, objectives)
    order = [options for options, _ in host.asked]
    assert (order[0], order[len(ALL)], order[-1]) == (DEFAULT, DEFAULT, DEFAULT)


def test_a_round_meets_all_with_the_same_arrivals(objectives):
    host = Host({BATCHED: 3000, POOL: 2000})
    search(host, objectives)
    final = host.asked[len(ALL) :]
    assert [len({o for o, s in final if s == seed}) for seed in (1, 2, 3)] == [3, 3, 3]


def test_the_simplest_of_those_nearly_as_fast_is_measured_again_too(objectives):
    host = Host({BATCHED: 3000, WAITING: 2990, POOL: 2700})
    assert {p.options for p in search(host, objectives).points} == {DEFAULT, BATCHED, POOL}


def test_few_run_at_a_time_and_none_is_left(objectives):
    host = Host()
    search(host, objectives)
    assert (host.most, host.running) == (EFFORT.finalists + 2, {})


def test_the_same_seed_searches_in_the_same_order(objectives):
    hosts = [Host(), Host(), Host()]
    for host, seed in zip(hosts, (7, 7, 8), strict=True):
        search(host, objectives, seed=seed)
    first, same, other = ([o for o, _ in host.asked] for host in hosts)
    assert first == same != other


def test_what_the_budget_has_no_time_for_is_named(objectives):
    host = Host(start_s=10)
    found = search(host, objectives)
    assert 0 < len(found.unmeasured) < len(ALL) - 1
    assert set(found.unmeasured.values()) == {"the time for it was up"}
    assert host.now < EFFORT.budget_s
    assert {DEFAULT} < {p.options for p in found.points}


def test_a_default_that_is_slow_to_start_is_measured_all_the_same(objectives):
    found = search(Host(start_s=500), objectives)
    assert [p.options for p in found.points] == [DEFAULT]


def test_a_configuration_that_does_not_start_is_named(objectives):
    found = search(Host(broken=(POOL,)), objectives)
    assert found.unmeasured == {POOL: "it does not start: it died"}


def test_a_default_that_does_not_start_ends_the_search(objectives):
    with pytest.raises(ServiceError, match="it died"):
        search(Host(broken=(DEFAULT,)), objectives)


def test_what_answered_wrongly_while_screened_is_not_measured_again(objectives):
    class Wrong(Host):
        def found(self, options):
            return repeat(9000, wrong=3) if options == BATCHED else repeat(1000)

    found = search(Wrong(), objectives)
    assert BATCHED not in {p.options for p in found.points}
    assert next(p.wrong for p in found.screened if p.options == BATCHED) == 3


def test_a_default_that_is_unclear_is_measured_some_more(objectives):
    class Unsteady(Host):
        def found(self, options):
            count = sum(o == options for o, _ in self.asked)
            return repeat(1000, 150.0 if count in (2, 3) else 5.0)

    found = search(Unsteady(), objectives)
    assert next(len(p.repeats) for p in found.points if p.options == DEFAULT) == 5


@pytest.mark.parametrize("error", [CommandError("gone", remedy="again"), KeyboardInterrupt()], ids=["fails", "killed"])
def test_nothing_is_left_of_a_search_that(objectives, error):
    class Ends(Host):
        def measure(self, url, **given):
            if len(self.asked) == len(ALL) + 2:
                raise error
            return super().measure(url, **given)

    host = Ends()
    with pytest.raises(type(error)):
        search(host, objectives)
    assert host.running == {}


def test_a_service_that_will_not_stop_keeps_no_other_running(objectives):
    class Stuck(Host):
        @contextmanager
        def launch(self, options):
            with super().launch(options) as url:
                yield url
            if options == DEFAULT:
                raise ServiceError("it does not stop", remedy="stop it by hand")

    host = Stuck()
    with pytest.raises(ServiceError, match="does not stop"):
        search(host, objectives)
    assert host.running == {}


class Noisy(Host):
    """A host on which each measurement is off by some percent, differently each time."""

    def __init__(self, speeds, *, percent, run):
        super().__init__(speeds)
        self.percent, self.chance = percent, random.Random(run)

    def found(self, options):
        return repeat(self.speeds.get(options, 1000) * self.chance.gauss(1, self.percent / 100))


TRUTHS = {
    "nothing is faster, 3 % of noise": ({}, 3, {DEFAULT}),
    "one is twice as fast, 5 % of noise": ({BATCHED: 2000}, 5, {BATCHED}),
    "two are, 5 % of noise": ({BATCHED: 2000, POOL: 2000}, 5, {POOL}),
}


@pytest.mark.parametrize(("speeds", "percent", "chosen"), TRUTHS.values(), ids=TRUTHS)
def test_the_same_host_gets_the_same_choice_each_time_where(objectives, speeds, percent, chosen):
    choices = [
        choose(search(Noisy(speeds, percent=percent, run=run), objectives).points, objectives) for run in range(40)
    ]
    assert {choice.point.options for choice in choices} == chosen


@pytest.mark.parametrize("budget", [25.0, 60.0, 90.0])
def test_an_effort_fits_into_its_budget(budget):
    effort = Effort.within(budget)
    final = (effort.finalists + 1) * effort.repeats * (effort.saturate_s + effort.paced_s)
    assert final <= budget / 2
