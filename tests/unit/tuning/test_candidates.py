"""What is tried follows from what a container may use."""

import pytest

from slipway.core.serving_options import ServingOptions
from slipway.tuning.candidates import DEFAULT, candidates, name, simplicity

LIMITS = {"one": (1.0, 8, 1), "a part of one": (0.5, 8, 1), "two": (2.0, 8, 2), "the host's": (8.0, 2, 2)}


@pytest.mark.parametrize(("cpus", "host", "limit"), LIMITS.values(), ids=LIMITS)
def test_threads_times_workers_never_exceed_the_processors(cpus, host, limit):
    found = candidates(cpus, host_cpus=host)
    assert max(o.threads * o.workers for o in found) == limit


def test_with_one_processor_there_is_one_thread_and_one_worker():
    assert {(o.threads, o.workers) for o in candidates(1.0, host_cpus=8)} == {(1, 1)}


def test_the_default_comes_first_and_each_configuration_once():
    found = candidates(4.0, host_cpus=4)
    assert found[0] == DEFAULT
    assert len(set(found)) == len(found)
    assert list(found) == sorted(found, key=simplicity)


def test_every_configuration_has_a_name_of_its_own():
    found = candidates(4.0, host_cpus=4)
    assert len({name(o) for o in found}) == len(found)


def test_every_configuration_survives_the_environment():
    for options in candidates(4.0, host_cpus=4):
        assert ServingOptions.from_env(options.to_env()) == options
