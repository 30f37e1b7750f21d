import json
import time
import zlib

import pytest

from slipway.core.golden import Golden
from slipway.core.spec import Objectives
from slipway.core.verdict import Outcome
from slipway.errors import GateConfigurationError, ReferenceFailed
from slipway.scenarios import plan
from slipway.scenarios.gate import run_scenarios
from slipway.scenarios.suite import Invariance
from tests.unit.scenarios.findings import outcome, smallest, value


def differing(failure, base):
    [row] = failure["rows"]
    return sorted(name for name in {*row, *base} if row.get(name, "absent") != base.get(name, "absent"))


def test_a_service_that_follows_the_contract_passes(gate, tiny, tiny_service):
    (tiny.folder / "scenarios.yaml").write_text(
        "cases: [{name: low, row: {b: -1.0, f: false}, expect: {below: 3}, why: small}]"
    )
    said = []
    found = gate(tiny_service(), progress=said.append)
    assert outcome(found) is Outcome.PASSED, smallest(found)
    assert value(found, "scenarios.requests") >= 1000
    assert value(found, "detection.power_at_half_percent") >= 0.99
    assert value(found, "named.failed") == 0
    assert said
    golden = Golden.from_json(json.loads((tiny.out / "golden.json").read_text()))
    assert len(golden.rows) == 200
    assert golden.rows[0] == tiny.base
    assert {path.rpartition("/")[2] for path in found.reports} == {"scenarios.html", "scenarios.jsonl", "golden.json"}
    assert "http" not in (tiny.out / "scenarios.html").read_text().replace("HTTP", "")
    lines = [json.loads(line) for line in (tiny.out / "scenarios.jsonl").read_text().splitlines()]
    assert not any(line["failed"] for line in lines)


def test_the_same_seed_sends_the_same_requests(gate, tiny, tiny_service, monkeypatch):
    # What is late is asked again and a slow service is sent less: neither may happen because this host is busy.
    tiny.spec = tiny.spec.model_copy(update={"objectives": Objectives(p95_ms=60_000, p99_ms=60_000)})
    monkeypatch.setattr(plan, "FLOOD_SECONDS", 600.0)

    class Recorder(tiny_service):
        def __init__(self):
            super().__init__()
            self.bodies = []

        def __call__(self, path, body):
            self.bodies.append(body)
            return super().__call__(path, body)

    one, two = Recorder(), Recorder()
    gate(one, seed=4)
    gate(two, seed=4)
    assert sorted(one.bodies) == sorted(two.bodies)


def test_one_failure_of_each_kind_is_told_before_more_of_the_same(gate, tiny_service):
    class Threefold(tiny_service):
        def one(self, row):
            return super().one({**row, "a": row["g"], "g": row["a"], "c": row["c"] + 0})

        def right_type(self, column, value):
            return super().right_type(column, int(value) if column["name"] == "e" and value is True else value)

    told = smallest(gate(Threefold()))
    assert [failure["kind"] for failure in told[:3]] == [
        "wrong_answer",
        "server_error",
        "accepted_what_it_must_reject",
    ]
    assert len({failure["payload"] for failure in told}) == len(told)


def test_two_swapped_features_are_found_and_named(gate, tiny, tiny_service):
    class Swapped(tiny_service):
        def one(self, row):
            return super().one({**row, "a": row["g"], "g": row["a"]})

    tiny.out.mkdir()
    (tiny.out / "golden.json").write_text("of an earlier run")
    found = gate(Swapped())
    assert outcome(found) is Outcome.FAILED
    first = smallest(found)[0]
    assert first["kind"] == "wrong_answer"
    assert first["causes"] == ["as if `a` and `g` were swapped"]
    assert first["columns"] == ["a", "g"]
    assert first["served"] != first["expected"]
    assert not (tiny.out / "golden.json").exists()


def test_a_missing_value_that_is_imputed_wrongly_is_found(gate, tiny, tiny_service):
    class ImputesZero(tiny_service):
        def apply(self, column, value, policy):
            return 0.0 if column["name"] == "a" and value is None else super().apply(column, value, policy)

    found = gate(ImputesZero())
    assert outcome(found) is Outcome.FAILED
    assert value(found, "in_range.failed") == 0
    first = smallest(found)[0]
    assert (first["class"], first["columns"], first["causes"]) == ("missing", ["a"], ["as if `a` were always 0.0"])
    assert differing(first, tiny.base) == ["a"]


def test_answers_that_depend_on_the_batch_are_found(gate, tiny, tiny_service):
    class Batchy(tiny_service):
        def predict(self, rows):
            answers = super().predict(rows)
            return [answer + 0.001 * (len(rows) > 1) for answer in answers]

    found = gate(Batchy())
    assert outcome(found) is Outcome.FAILED
    first = smallest(found)[0]
    assert first["kind"] == "wrong_answer"
    assert len(first["rows"]) == 2, "one row alone is answered rightly, so two is the smallest batch"


def test_a_fault_in_half_a_percent_of_the_rows_is_found(gate, tiny, tiny_service):
    class Rare(tiny_service):
        def one(self, row):
            return super().one(row) + 0.01 * (4.0 < row["a"] < 4.05)

    found = gate(Rare())
    assert outcome(found) is Outcome.FAILED
    assert 0 < value(found, "scenarios.failed") < 60
    first = smallest(found)[0]
    assert first["columns"] == ["a"]
    assert differing(first, tiny.base) == ["a"]
    assert 4.0 < first["rows"][0]["a"] < 4.05


def test_a_bool_that_is_taken_for_a_number_is_found(gate, tiny, tiny_service):
    class TakesBool(tiny_service):
        def right_type(self, column, value):
            return super().right_type(column, int(value) if column["name"] == "e" and value is True else value)

    found = gate(TakesBool())
    [first] = smallest(found)
    assert (first["class"], first["kind"]) == ("wrong_type", "accepted_what_it_must_reject")
    assert first["columns"] == ["e"]
    assert differing(first, tiny.base) == ["e"]
    assert first["rows"][0]["e"] is True


def test_a_crash_on_a_missing_value_is_found(gate, tiny, tiny_service):
    class Crashes(tiny_service):
        def one(self, row):
            return super().one({**row, "c": row["c"] + 0})

    found = gate(Crashes())
    assert outcome(found) is Outcome.FAILED
    first = smallest(found)[0]
    assert (first["class"], first["kind"], first["status"]) == ("missing", "server_error", 500)
    assert first["columns"] == ["c"]
    assert differing(first, tiny.base) == ["c"]
    assert "curl -sS" in first["curl"]


def test_nan_that_is_swallowed_is_found(gate, tiny, tiny_service):
    class Swallows(tiny_service):
        def constant(self, text):
            return None if text == "NaN" else super().constant(text)

    found = gate(Swallows())
    assert outcome(found) is Outcome.FAILED
    assert value(found, "missing.failed") == 0
    first = smallest(found)[0]
    assert (first["class"], first["kind"]) == ("edge", "accepted_what_it_must_reject")
    assert first["columns"] == ["a"]
    assert first["rows"][0]["a"] == "nan"
    json.dumps(found.details, allow_nan=False)


def test_another_version_inside_the_image_ends_the_suite(gate, tiny_service):
    service = tiny_service()
    service.version = 2
    found = gate(service)
    assert outcome(found) is Outcome.FAILED
    assert value(found, "identity.mismatches") == 1
    assert value(found, "scenarios.requests") == 1
    assert "'2', not '3'" in smallest(found)[0]["message"]


def test_a_clip_that_is_not_applied_is_found(gate, tiny, tiny_service):
    class DoesNotClip(tiny_service):
        def apply(self, column, value, policy):
            return value if policy == "clip" else super().apply(column, value, policy)

    found = gate(DoesNotClip())
    assert outcome(found) is Outcome.FAILED
    first = next(f for f in smallest(found) if f["class"] == "out_of_range")
    assert first["causes"] == ["as if `a` were passed on as it was sent"]
    assert first["columns"] == ["a"]
    assert differing(first, tiny.base) == ["a"]


def test_a_policy_that_is_applied_in_silence_is_found(gate, tiny_service):
    class Silent(tiny_service):
        def reply(self, path, answers, flags):
            return super().reply(path, answers, [flag for flag in flags if flag["policy"] != "impute"])

    found = gate(Silent())
    first = smallest(found)[0]
    assert first["kind"] == "wrong_flags"
    assert value(found, "in_range.failed") == 0


def test_an_answer_that_is_not_a_number_is_found(gate, tiny, tiny_service):
    class Nan(tiny_service):
        def one(self, row):
            return float("nan") if row["d"] == "blue" else super().one(row)

    first = smallest(gate(Nan()))[0]
    assert (first["kind"], first["columns"], first["served"]) == ("wrong_answer", ["d"], "nan")


def test_answers_that_change_between_calls_are_found(gate, tiny_service):
    class Unsteady(tiny_service):
        def one(self, row):
            return super().one(row) + 1e-12 * self.calls

    found = gate(Unsteady())
    assert smallest(found)[0]["kind"] == "answers_change_between_calls"


def test_one_protocol_that_answers_otherwise_is_found(gate, tiny_service):
    class OddV2(tiny_service):
        def reply(self, path, answers, flags):
            return super().reply(path, [a + path.startswith("/v2/") for a in answers], flags)

    found = gate(OddV2())
    assert outcome(found) is Outcome.FAILED
    first = smallest(found)[0]
    assert "/v2/models/tiny/infer" in first["curl"]
    assert len(first["rows"]) == 1


def test_a_service_that_dies_midway_fails_the_gate_at_once(gate, serving, tiny, tiny_service):
    class Dies(tiny_service):
        def __call__(self, path, body):
            if self.calls == 300:
                self.server.force_exit = self.server.should_exit = True
                for server in self.server.servers:
                    server.close()
                for connection in list(self.server.server_state.connections):
                    connection.transport.abort()
            return super().__call__(path, body)

    service = Dies()
    with serving(service) as running:
        service.server = running.server
        found = run_scenarios(files=tiny.files, spec=tiny.spec, model_folder=tiny.folder, url=running.url, out=tiny.out)
    assert outcome(found) is Outcome.FAILED
    assert value(found, "scenarios.requests") < 400
    assert value(found, "scenarios.unsent") > 0
    assert "got no answer" in found.details["stopped"]


def test_nobody_at_the_address_fails_the_gate(tiny):
    found = run_scenarios(
        files=tiny.files, spec=tiny.spec, model_folder=tiny.folder, url="http://127.0.0.1:9", out=tiny.out
    )
    assert outcome(found) is Outcome.FAILED
    assert smallest(found)[0]["kind"] == "no_answer"


def test_without_a_reference_nothing_is_shown(gate, tiny, tiny_service):
    (tiny.folder / "reference.py").unlink()
    service = tiny_service()
    with pytest.raises(ReferenceFailed, match=r"reference\.py is missing"):
        gate(service)
    assert service.calls == 0


def test_a_holdout_without_a_sound_row_is_refused(gate, tiny, tiny_service):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist([{**tiny.base, "b": 9.0}]), tiny.files.holdout)
    with pytest.raises(GateConfigurationError, match="none of the 1 holdout rows"):
        gate(tiny_service())


def test_a_service_that_is_far_too_slow_ends_the_suite_at_its_first_requests(gate, tiny, tiny_service):
    class Sleeper(tiny_service):
        def __call__(self, path, body):
            time.sleep(0.1)
            return super().__call__(path, body)

    tiny.spec = tiny.spec.model_copy(update={"objectives": Objectives(p95_ms=10, p99_ms=20)})
    found = gate(Sleeper())
    assert outcome(found) is Outcome.FAILED
    assert value(found, "latency.alone_p50") > 20
    assert value(found, "scenarios.requests") == 15


def test_the_evidence_says_what_the_rows_can_find_and_where_they_come_from(gate, tiny_service):
    found = gate(tiny_service())
    power = found.details["detection_power"]
    assert set(power) == {"in_range", "boundary", "gap", "out_of_range"}
    for kind, told in power.items():
        assert told["power"] == pytest.approx(1 - 0.995 ** told["rows"]), kind
        assert told["power"] >= 0.99, kind
        assert "1 of 200" in told["sentence"]
    assert sum(found.details["in_range_rows"].values()) >= 2000
    assert set(found.details["in_range_rows"]) == {
        "holdout",
        "between holdout rows",
        "independent columns",
        "declared ranges",
    }
    assert {one["name"] for one in found.details["invariances"]} == {str(one) for one in Invariance}
    assert all(one["cases"] for one in found.details["invariances"])
    assert all(value(found, f"invariance.{one}.broken") == 0 for one in Invariance)
    assert value(found, "latency.slow_cases") == 0


def hits(row):
    return zlib.crc32(repr(sorted(row.items())).encode()) % 200 == 0


def at_an_end(row):
    return 10.0 in (row["a"], row["g"]) or row["b"] in (-1.0, 1.0) or row["c"] in (0, 100)


@pytest.mark.parametrize(
    "touched",
    [
        pytest.param(lambda row, reasons: reasons == {"missing"}, id="rows-with-a-gap"),
        pytest.param(lambda row, reasons: "out_of_range" in reasons, id="rows-out-of-range"),
        pytest.param(lambda row, reasons: not reasons and at_an_end(row), id="rows-at-an-end"),
    ],
)
def test_a_fault_in_half_a_percent_of_the_odd_rows_is_found(gate, tiny_service, touched):
    class Rare(tiny_service):
        def treat(self, row):
            seen, flags, problems = super().treat(row)
            if not problems and touched(row, {flag["reason"] for flag in flags}):
                seen["wrong"] = hits(row)
            return seen, flags, problems

        def one(self, row):
            return super().one(row) + 0.01 * row.get("wrong", 0)

    found = gate(Rare())
    assert outcome(found) is Outcome.FAILED
    assert smallest(found)[0]["kind"] == "wrong_answer"


def test_a_fault_where_two_columns_are_at_their_ends_is_found_and_both_are_named(gate, tiny_service):
    class Corner(tiny_service):
        def one(self, row):
            return super().one(row) + 0.01 * (row["a"] == 10.0 and row["b"] == -1.0)

    found = gate(Corner())
    assert outcome(found) is Outcome.FAILED
    assert sorted(smallest(found)[0]["columns"]) == ["a", "b"]


def test_a_trace_of_the_request_before_is_found_and_both_requests_are_told(gate, tiny_service):
    class Remembers(tiny_service):
        last = 0.0

        def predict(self, rows):
            before, self.last = self.last, rows[-1]["e"]
            return [answer + 1e-10 * (before > 1.5) for answer in super().predict(rows)]

    found = gate(Remembers())
    assert outcome(found) is Outcome.FAILED
    assert value(found, "invariance.previous_request.broken") > 0
    assert value(found, "in_range.failed") == 0, "the tolerance is wider than the trace"
    [told] = [one for one in smallest(found) if one["kind"] == "depends_on_what_it_must_not"][:1]
    assert told["curl"].count("curl ") == 2


def test_an_answer_that_depends_on_the_order_of_rows_breaks_that_invariance_and_not_the_form(gate, tiny_service):
    class Ordered(tiny_service):
        def predict(self, rows):
            last = super().one(rows[-1]) if len(rows) == 33 else 0.0
            return [answer + 0.01 * last for answer in super().predict(rows)]

    found = gate(Ordered())
    assert outcome(found) is Outcome.FAILED
    assert value(found, "invariance.row_order.broken") > 0
    assert value(found, "invariance.body_form.broken") == 0


def test_nothing_is_left_on_disk_beside_the_reports(gate, tiny, tiny_service, tmp_path, monkeypatch):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    gate(tiny_service())
    assert list(folder.iterdir()) == []
