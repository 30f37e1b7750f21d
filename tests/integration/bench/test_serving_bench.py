"""The harness on real servers, for a moment each: Slipway from a built image, and the echo."""

from pathlib import Path

import pytest

from bench.serving.bring_up import Workshop
from bench.serving.figures import Cells
from bench.serving.load import Generator, Saturation
from bench.serving.plan import MAIN_MODEL, Plan
from bench.serving.processes import Cores, DidNotStart
from bench.serving.run import Run
from bench.serving.slipway_side import bench_settings
from bench.serving.systems import ECHO, SLIPWAY

pytestmark = pytest.mark.slow

PLAN = Plan(
    models=(MAIN_MODEL,),
    systems=(SLIPWAY, ECHO),
    rounds=1,
    warm_s=1,
    saturation_s=1,
    rates=((10, 0.2), (50, 0.5), (100, 0.5)),
    large_s=0.1,
    large_least=1,
    large_most=2,
    compared_rows=20_000,
)


class WithoutWrk(Generator):
    """Measures saturation with the project's own client, so that the test needs no other program."""

    def __init__(self, core):
        self._core = core

    def saturate(self, target, payload, *, connections, seconds):
        told = self.one_by_one(target, payload, seconds=0.2, least=5, most=50)
        done = len(told["latencies_ms"])
        return Saturation(done / told["seconds"], 1.0, 1.0, done, told["errors"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    cores = Cores.choose()
    workshop = Workshop(folder=folder, cores=cores, settings=bench_settings(folder / "slipway"))
    made = Run(plan=PLAN, workshop=workshop, generator=WithoutWrk(cores.generator), say=print)
    made.prepare()
    return made


def test_slipway_and_the_echo_are_compared_and_measured(run):
    run.compare()
    run.measure()
    assert run.failures == []
    assert [one.mismatches for one in run.compared] == [0] * len(run.compared)
    cells = Cells.of(run.samples)
    for system in (SLIPWAY, ECHO):
        for measure in ("throughput_c1", "throughput_c16", "p99_ms_at_50", "rows100", "rows10k"):
            cell = cells.get(MAIN_MODEL, system, measure)
            assert cell is not None, (system, measure)
            assert cell.errors == 0
    assert cells.get(MAIN_MODEL, SLIPWAY, "rows10k_binary").median > 0
    assert 0 < cells.get(MAIN_MODEL, SLIPWAY, "validate_share").median < 1


def test_what_cannot_be_started_is_told(run):
    run.workshop.pythons["mlflow"] = Path("/nowhere/bin/python")
    with pytest.raises(DidNotStart, match="mlflow"), run.workshop.running("mlflow", run.models[MAIN_MODEL], "default"):
        pass
