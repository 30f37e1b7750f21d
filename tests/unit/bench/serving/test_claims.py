from bench.serving.claims import NATIVE, best_peer, make_claims
from bench.serving.figures import Cell, Cells
from bench.serving.tails import Turn


def cells(**figures):
    known = {}
    for name, value in figures.items():
        model, system, measure = name.split("__")
        rounds = value if isinstance(value, tuple) else (value,)
        known[model, system, measure] = Cell("x", dict(enumerate(rounds)), 100)
    return Cells(known)


def by_name(found):
    return {claim.name: claim for claim in found}


def test_the_best_peer_is_the_one_with_the_best_median():
    found = cells(gbm100__mlflow__throughput_c16=400.0, gbm100__mlserver__throughput_c16=(1700.0, 1500.0, 1800.0))
    assert best_peer(found, "gbm100", "throughput_c16", higher_is_better=True)[0] == "mlserver"
    assert best_peer(found, "gbm100", "throughput_c16", higher_is_better=False)[0] == "mlflow"
    assert best_peer(found, "linear", "throughput_c16", higher_is_better=True) is None


def test_throughput_is_held_against_the_best_peer_and_the_echo():
    found = by_name(
        make_claims(
            cells(
                gbm100__slipway__throughput_c16=20_000.0,
                gbm100__mlserver__throughput_c16=1_600.0,
                gbm100__bentoml__throughput_c16=1_000.0,
                gbm100__echo__throughput_c16=25_000.0,
            ),
            ["gbm100"],
        )
    )
    assert found["serving.throughput_vs_best_peer_gbm100"].value == 12.5
    assert found["serving.throughput_vs_best_peer_gbm100"].against.startswith("MLServer;")
    assert found["serving.throughput_vs_echo_gbm100"].value == 0.8


def test_latency_is_held_against_the_quickest_peer_at_each_rate():
    def turns(value, lost=0):
        return [Turn(place, (value,) * 20, lost) for place in range(5)]

    tails = {
        ("slipway", 10): turns(1.0),
        ("mlflow", 10): turns(8.0),
        ("bentoml", 10): turns(4.0),
        ("slipway", 1000): turns(1.0),
        ("mlflow", 1000): turns(3.0, lost=20),
    }
    found = by_name(make_claims(cells(), ["gbm100"], tails))
    assert found["serving.p99_at_10rps_vs_best_peer"].value == 0.25
    assert found["serving.p99_at_10rps_vs_best_peer"].n == 100
    assert found["serving.p99_at_10rps_vs_best_peer"].against.startswith("BentoML;")
    assert "0.25 to 0.25" in found["serving.p99_at_10rps_vs_best_peer"].against
    assert found["serving.p99_at_1000rps_vs_best_peer"].value == 0.0
    assert "no peer held the rate" in found["serving.p99_at_1000rps_vs_best_peer"].against
    assert "serving.p99_at_100rps_vs_best_peer" not in found


def test_large_requests_are_held_against_the_native_model_in_both_forms():
    found = by_name(
        make_claims(
            cells(
                **{f"gbm100__{NATIVE}__rows10k": 500_000.0},
                gbm100__slipway__rows10k=100_000.0,
                gbm100__slipway__rows10k_binary=450_000.0,
            ),
            ["gbm100"],
        )
    )
    assert found["serving.rows10k_vs_native"].value == 0.9
    assert "binary" in found["serving.rows10k_vs_native"].against
    assert found["serving.rows10k_json_vs_native"].value == 0.2


def test_the_pyfunc_is_held_against_mlflow():
    found = by_name(
        make_claims(cells(pyfunc__slipway__throughput_c16=900.0, pyfunc__mlflow__throughput_c16=300.0), ["pyfunc"])
    )
    assert found["serving.pyfunc_vs_mlflow"].value == 3.0


def test_without_the_other_side_nothing_is_claimed():
    assert make_claims(cells(gbm100__slipway__throughput_c16=900.0), ["gbm100"]) == []


def test_under_overload_the_latency_of_those_let_in_is_held_against_the_objective():
    figures = {"overload_p99_ms": (240.0, 270.0, 150.0), "overload_refused": 0.6, "overload_lost": 0.0}
    found = by_name(make_claims(cells(**{f"pyfunc__slipway__{k}": v for k, v in figures.items()}), ["pyfunc"]))
    claim = found["serving.overload_p99_vs_objective_pyfunc"]
    assert claim.value == 0.8
    assert "60% of 100 were told to come back, 0 were lost" in claim.against
