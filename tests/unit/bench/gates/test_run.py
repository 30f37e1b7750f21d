import pytest

from bench.gates.case import Moment
from bench.gates.records import Cell, Verdict
from bench.gates.run import Progress, one, run_all
from bench.gates.site import Ended, run_case
from bench.gates.store import Store
from slipway.errors import OrchestratorError
from tests.unit.bench.gates.conftest import cells_until


class FakeSite:
    """A site whose releases end as they are told to, and meet their moments on the way."""

    runtime = "docker"

    def __init__(self, *, stop="", error=None, moments=tuple(Moment), resets_fail=0):
        self.stop, self.error, self.moments, self.resets_fail = stop, error, moments, resets_fail
        self.done = []

    def ensure_champion(self, model):
        self.done.append(("champion", model))

    def context(self, model):
        return f"workplace of {model}"

    def build(self, context, version):
        self.done.append(("build", version))
        return 20.0

    def release(self, context, version, *, at=None):
        self.done.append(("release", version))
        if self.error:
            raise self.error
        for moment in self.moments:
            at(moment)
        return Ended(cells_until(self.stop), "too slow" if self.stop else "", 42.0)

    def reset(self, context):
        self.done.append(("reset", context))
        if self.resets_fail:
            self.resets_fail -= 1
            raise RuntimeError("version 9 serves, version 1 should")

    def restart(self):
        self.done.append(("restart",))


def test_a_run_ends_in_a_record_and_everything_is_put_back(case):
    site = FakeSite(stop="run_scenarios")
    record = one(site, case(), 3, "docker")
    assert (record.verdict, record.repeat, record.version) == (Verdict.CAUGHT, 3, 2)
    assert (record.seconds, record.image_seconds, record.reason) == (42.0, 20.0, "too slow")
    assert site.done == [("build", 2), ("release", 2), ("reset", "workplace of tumor_malignancy")]


def test_a_case_that_cannot_be_made_breaks_its_own_run_only(case):
    def make(context):
        raise ValueError("no such column")

    site = FakeSite()
    record = one(site, case(make=make), 1, "docker")
    assert record.verdict is Verdict.BROKEN
    assert record.reason == "ValueError: no such column"
    assert site.done == [("reset", "workplace of tumor_malignancy")]


def test_a_stack_that_does_not_answer_is_started_anew(case):
    site = FakeSite(error=OrchestratorError("silent", remedy="wait"))
    assert one(site, case(), 1, "docker").verdict is Verdict.BROKEN
    assert [what[0] for what in site.done] == ["build", "release", "restart", "reset"]


def test_a_champion_that_is_not_put_back_is_tried_again_on_a_fresh_stack(case):
    site = FakeSite(resets_fail=1)
    assert one(site, case(), 1, "docker").verdict is Verdict.MISSED
    assert [what[0] for what in site.done] == ["build", "release", "reset", "restart", "reset"]


def test_without_the_same_champion_nothing_more_is_measured(case):
    with pytest.raises(RuntimeError, match="version 1 should"):
        one(FakeSite(resets_fail=2), case(), 1, "docker")


TAMPERED = {
    "its moment came": (tuple(Moment), True),
    "the release ended before": ((Moment.AFTER_BUILD,), False),
}


@pytest.mark.parametrize(("moments", "happened"), TAMPERED.values(), ids=TAMPERED)
def test_a_case_tampers_once_at_its_moment(case, moments, happened):
    calls = []
    tampers = case(moment=Moment.AT_APPROVAL, tamper=lambda context, version: calls.append((context, version)))
    found = run_case(FakeSite(moments=moments), tampers, "workplace")
    assert (found.tampered, found.image_seconds) == (happened, None)
    assert calls == ([("workplace", 2)] if happened else [])
    assert found.ended.released


def test_an_image_that_no_gate_must_reach_is_not_built_beforehand(case):
    site = FakeSite(stop="validate_data")
    assert run_case(site, case(stopped_by="validate_data"), "workplace").image_seconds is None
    assert site.done == [("release", 2)]


def test_a_case_that_does_not_tamper_says_nothing_about_it(case):
    assert run_case(FakeSite(), case(), "workplace").tampered is None


def test_every_record_is_on_disk_before_the_next_run_begins(case, tmp_path):
    store, seen = Store(tmp_path), []
    first = case("one")
    second = case("two", make=lambda context: seen.append(store.get("scores/one", 1, "docker")) or 2)
    site, said = FakeSite(stop="evaluate"), []
    run_all(site, [(first, 1), (second, 1)], store, said.append)
    assert seen[0].verdict is Verdict.CAUGHT
    assert site.done[0] == ("champion", "tumor_malignancy")
    assert said[0].startswith("  [1/2] scores/one: caught, stopped at evaluate after 42 s")
    assert said[1].endswith("done")


def test_the_time_left_follows_the_times_that_were_measured(case, record):
    progress = Progress([case()] * 3, lambda line: None)
    assert progress.seconds_left == 180
    progress.tell(record("run_scenarios"), 30.0)
    assert progress.seconds_left == pytest.approx(60.0)


def test_what_the_gates_got_wrong_is_marked(case, record):
    said = []
    Progress([case()], said.append).tell(record(), 10.0)
    assert said[0].startswith("! [1/1] scores/one: missed, released")


def test_a_release_that_was_stopped_is_not_released():
    assert not Ended(cells_until("deploy"), "", None).released
    assert Ended({"deploy": Cell.PASSED}, "", 1.0).released
