import json

from bench.gates.store import Store


def test_what_is_left_to_run_is_what_has_no_record(tmp_path, record, case):
    store, cases = Store(tmp_path / "runs"), [case("one"), case("two")]
    store.put(record("run_scenarios", case="scores/one"))
    left = store.left(cases, repeats=2, runtime="docker")
    assert [(c.name, repeat) for c, repeat in left] == [("two", 1), ("one", 2), ("two", 2)]


def test_another_runtimes_records_are_not_ours(tmp_path, record, case):
    store = Store(tmp_path)
    store.put(record("run_scenarios", case="scores/one"))
    assert store.of([case("one")], "process") == []
    assert len(store.left([case("one")], repeats=1, runtime="process")) == 1


def test_a_run_that_broke_is_made_again(tmp_path, record, case):
    store = Store(tmp_path)
    store.put(record(broken=True, cells={}, case="scores/one"))
    assert len(store.left([case("one")], repeats=1, runtime="docker")) == 1
    store.put(record("evaluate", case="scores/one"))
    assert store.left([case("one")], repeats=1, runtime="docker") == []


def test_half_a_record_counts_as_none(tmp_path, record, case):
    store = Store(tmp_path)
    store.put(record("evaluate", case="scores/one"))
    (file,) = tmp_path.iterdir()
    file.write_text(file.read_text()[:40])
    assert store.of([case("one")], "docker") == []


def test_records_come_back_in_the_cases_order(tmp_path, record, case):
    store = Store(tmp_path)
    for name, repeat in (("two", 1), ("one", 2), ("one", 1)):
        store.put(record("evaluate", case=f"scores/{name}", repeat=repeat))
    found = store.of([case("one"), case("two")], "docker")
    assert [(r.case, r.repeat) for r in found] == [("scores/one", 1), ("scores/one", 2), ("scores/two", 1)]
    assert all(json.loads(path.read_text())["verdict"] == "caught" for path in tmp_path.iterdir())
