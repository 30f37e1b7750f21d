"""The benchmark's fleet is one that the ledger itself could have written."""

from datetime import UTC, datetime

from bench.governance.fleet import make_fleet
from slipway.ledger import EntryKind, Ledger
from slipway.settings import Settings
from slipway.specs import load_model


def test_its_chain_holds_its_declarations_load_and_nothing_is_later_than_it_should_be(tmp_path):
    (tmp_path / "include" / "models").mkdir(parents=True)
    settings = Settings.load({"SLIPWAY_ROOT": str(tmp_path)})
    until = datetime(2026, 3, 1, tzinfo=UTC)
    names = make_fleet(settings, models=5, entries=300, until=until, watched=3)
    ledger = Ledger(settings.ledger_url)
    assert ledger.verify().entries == 300
    entries = ledger.entries()
    assert {entry.model for entry in entries} == set(names)
    assert entries[-1].at <= until
    assert {EntryKind.EVIDENCE, EntryKind.PROMOTION, EntryKind.DEPLOYMENT, EntryKind.SCORING} <= {
        e.kind for e in entries
    }
    assert [load_model(settings, name).name for name in names] == names
