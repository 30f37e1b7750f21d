import pytest

from bench.serving.plan import MAIN_MODEL, QUICK, Plan


def test_naming_systems_keeps_all_models():
    plan = Plan().only(["slipway", "echo"])
    assert plan.systems == ("slipway", "echo")
    assert plan.models == Plan().models


def test_naming_a_model_keeps_all_systems():
    assert Plan().only(["linear"]).models == ("linear",)
    assert Plan().only(["linear"]).systems == Plan().systems


def test_an_unknown_name_is_stopped():
    with pytest.raises(SystemExit, match="torchserve: no such model or system"):
        Plan().only(["torchserve"])


def test_the_main_model_gets_every_rate():
    assert [rate for rate, _ in Plan().rates_for(MAIN_MODEL)] == [10, 100, 1000]
    assert Plan().rates_for("linear") == ()


@pytest.mark.parametrize(
    ("model", "system", "rounds"),
    [
        (MAIN_MODEL, "slipway", 3),
        ("linear", "slipway", 2),
        (MAIN_MODEL, "slipway:a", 3),
        ("pyfunc", "slipway:x", 1),
    ],
)
def test_what_the_claims_rest_on_gets_the_most_rounds(model, system, rounds):
    assert Plan(rounds=3).rounds_for(model, system) == rounds
    assert Plan(rounds=1).rounds_for(model, system) == 1


def test_no_system_is_always_first():
    plan = Plan()
    firsts = [plan.order(number)[0] for number in range(len(plan.systems))]
    assert sorted(firsts) == sorted(plan.systems)
    assert all(sorted(plan.order(number)) == sorted(plan.systems) for number in range(7))


def test_the_quick_plan_still_compares_a_hundred_thousand_rows():
    assert QUICK.compared_rows >= 100_000
